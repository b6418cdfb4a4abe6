//! A change made here to a record that lives in Twenty: what was asked, how it meets what others did there meanwhile,
//! and who decides where the two do not go together.
//!
//! Values are JSON texts. Those that are compared come in their plain form (`store::parts`), so that an empty text and
//! no text are the same, and so are two spellings of one address.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{Object, Origin, StagedId};
use super::journal::Actor;
use super::outbox::Arrival;
use super::time::Instant;

/// A change of one record, or one thing made anew with what links it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// Our id.
    pub id: Uuid,
    /// Which kind of record, as the API names it.
    pub object: String,
    /// Its id in Twenty.
    pub record: Uuid,
    /// What keys of new records derive from.
    pub origin: Origin,
    /// The fields to change, of a record that is there.
    #[serde(default)]
    pub fields: Vec<FieldEdit>,
    /// The records to make, in this order.
    #[serde(default)]
    pub makes: Vec<NewRecord>,
    /// The record is to go into Twenty's bin, if its time of change is still this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Instant>,
    /// The discarded row whose donor is to be removed: they stay where something refers to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<StagedId>,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// The request it came with.
    pub request_id: Option<String>,
    /// How far it is.
    pub state: State,
    /// What a person should know about it now.
    #[serde(default)]
    pub note: Option<String>,
}

/// A change of one field, or of one part of a field that Twenty merges part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldEdit {
    /// `jobTitle`, or `name.firstName`.
    pub field: String,
    /// What whoever asked saw there.
    pub base: String,
    /// What they want there.
    pub value: String,
}

/// A record that is to be made in Twenty under a key of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord {
    /// Which kind of record, as the API names it.
    pub object: String,
    /// The id it gets: chosen before the first call.
    pub id: Uuid,
    /// The request body.
    pub body: String,
    /// Whether Twenty has it.
    pub there: bool,
    /// What is known as long as it is not told to be there.
    pub arrival: Arrival,
    /// How often it was sent without a usable answer and then not found.
    #[serde(default)]
    pub misses: u8,
}

/// How far an edit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// To be sent.
    Waiting,
    /// Under way: it may have arrived. Written before every call.
    Sent {
        /// The time of change of the record that it was sent on.
        seen: Instant,
    },
    /// Somebody else changed the same there; a person decides.
    Conflict,
    /// It will not be sent again.
    Refused {
        /// Why, in plain words.
        reason: String,
    },
    /// Twenty has it.
    Done,
    /// A person took it back.
    Withdrawn,
}

impl State {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent { .. } => "sent",
            Self::Conflict => "conflict",
            Self::Refused { .. } => "refused",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether it is still to travel.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Sent { .. })
    }
}

/// A change made here and one made there of the same fields; its id is the edit's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The edit that waits for a decision.
    pub edit: Uuid,
    /// Which kind of record, as the API names it.
    pub object: String,
    /// Its id in Twenty.
    pub record: Uuid,
    /// Since when.
    pub since: Instant,
    /// Who wants it as it is here.
    pub here_by: Actor,
    /// When they asked.
    pub here_at: Instant,
    /// Who changed the record last there, by the name Twenty gives.
    pub there_by: Option<String>,
    /// When.
    pub there_at: Option<Instant>,
    /// The fields.
    pub fields: Vec<Clash>,
}

/// One field that two changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    /// `jobTitle`, or `name.firstName`.
    pub field: String,
    /// What is wanted here.
    pub here: String,
    /// What stands there.
    pub there: String,
}

/// Which of two values stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What is wanted here.
    Here,
    /// What stands there.
    There,
}

/// Whose word counts where two change the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A person decides.
    Person,
    /// What stands in Twenty stays.
    Twenty,
    /// What we say stands.
    Here,
}

/// What Twenty keeps of every record by itself.
const KEPT_BY_TWENTY: [&str; 9] = [
    "id",
    "createdAt",
    "updatedAt",
    "deletedAt",
    "createdBy",
    "updatedBy",
    "position",
    "searchVector",
    "avatarUrl",
];
/// What is worked out here from gifts: nobody types it.
const WORKED_OUT_HERE: [&str; 7] = [
    "lifetimeGiftAmount",
    "giftCount",
    "firstGiftDate",
    "lastGiftDate",
    "lastGiftAmount",
    "largestGiftAmount",
    "lastGiftMemberName",
];

/// Whose word counts for a field (`docs/decisions/0012-edits-and-conflicts.md`).
pub fn owner(object: Object, field: &str) -> Owner {
    let field = field.split('.').next().unwrap_or(field);
    let counted = matches!(object, Object::People | Object::Companies | Object::Households);
    if KEPT_BY_TWENTY.contains(&field) {
        Owner::Twenty
    } else if counted && WORKED_OUT_HERE.contains(&field) {
        Owner::Here
    } else {
        Owner::Person
    }
}

/// What may be changed of a posted gift at any time (domain 2.6): what it is for, what brought it, what it is linked
/// with, what is said about it.
const OPEN_OF_GIFTS: [&str; 7] =
    ["appealId", "appealSourceId", "opportunityId", "fundId", "giftPayoutId", "description", "notes"];

/// Whether a field is part of the accounts: who gave how much, when and how, and what follows from that. Receipts, claims
/// and exports rest on it, so that it is not edited here.
pub fn is_accounts(object: Object, field: &str) -> bool {
    let field = field.split('.').next().unwrap_or(field);
    object == Object::Gifts && owner(object, field) == Owner::Person && !OPEN_OF_GIFTS.contains(&field)
}

/// Whether records of an object can be changed here. Of gifts only what is no part of the accounts; links are made with
/// what they link.
pub const fn is_editable(object: Object) -> bool {
    match object {
        Object::People
        | Object::Companies
        | Object::Households
        | Object::Appeals
        | Object::Funds
        | Object::Tasks
        | Object::Notes
        | Object::Opportunities
        | Object::Gifts
        | Object::RecurringAgreements
        | Object::GiftPayouts
        | Object::Custom(_) => true,
        Object::AppealSources
        | Object::GiftAidDeclarations
        | Object::TaskTargets
        | Object::NoteTargets
        | Object::WorkspaceMembers
        | Object::GiftStaging
        | Object::GiftBatch
        | Object::Run
        | Object::User
        | Object::Token
        | Object::Evidence
        | Object::Edit
        | Object::Conflict
        | Object::Quarantine
        | Object::Settings
        | Object::Company
        | Object::BooksChange
        | Object::Balances
        | Object::BooksAside
        | Object::GoldenLink
        | Object::MoneySaid
        | Object::MoneyDecision
        | Object::MoneyDigest
        | Object::Book(_)
        | Object::Verdict
        | Object::Link
        | Object::Group
        | Object::Merge => false,
    }
}

/// The parts of a type that Twenty merges part by part, with the type of each (contract 1.7); none of any other type.
pub fn merged_parts(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "FULL_NAME" => &[("firstName", "TEXT"), ("lastName", "TEXT")],
        "CURRENCY" => &[("amountMicros", "NUMERIC"), ("currencyCode", "TEXT")],
        "ADDRESS" => &[
            ("addressStreet1", "TEXT"),
            ("addressStreet2", "TEXT"),
            ("addressCity", "TEXT"),
            ("addressPostcode", "TEXT"),
            ("addressState", "TEXT"),
            ("addressCountry", "TEXT"),
            ("addressLat", "NUMERIC"),
            ("addressLng", "NUMERIC"),
        ],
        _ => &[],
    }
}

/// The parts of a type that must be sent complete, since what is left out would be lost (contract 1.7).
pub fn whole_parts(kind: &str) -> &'static [&'static str] {
    match kind {
        "EMAILS" => &["primaryEmail", "additionalEmails"],
        "LINKS" => &["primaryLinkUrl", "primaryLinkLabel", "secondaryLinks"],
        "PHONES" => {
            &["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode", "additionalPhones"]
        }
        // The other form of the text is made of this one by the server.
        "RICH_TEXT" => &["markdown"],
        _ => &[],
    }
}

/// What a field was when the editor saw it, what they want, and what it is now; all three in plain form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// What the editor saw.
    pub base: String,
    /// What they want.
    pub value: String,
    /// What stands there.
    pub current: String,
}

/// What becomes of each field of an edit; each is in one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// Nobody else changed it, or ours counts: send it.
    pub send: Vec<String>,
    /// It stands there as wanted.
    pub already: Vec<String>,
    /// Two changed it: a person decides.
    pub clashes: Vec<String>,
    /// Two changed it, and Twenty's word counts.
    pub left: Vec<String>,
}

/// Nothing at all, however it is written.
fn is_blank(text: &str) -> bool {
    matches!(text, "" | "null" | "\"\"" | "[]" | "{}")
}

/// Whether two plain texts say the same.
pub fn same(one: &str, other: &str) -> bool {
    one == other || (is_blank(one) && is_blank(other))
}

/// Brings an edit together with the record as it is now. `doubt`: it was sent before, it is not known whether it
/// arrived, and the record has changed since. What then stands there as before may be our value undone by somebody, so
/// that sending it again could undo their decision.
pub fn merge(object: Object, fields: &BTreeMap<String, Sides>, doubt: bool) -> Merge {
    let mut merge = Merge::default();
    for (field, Sides { base, value, current }) in fields {
        let list = if same(value, current) {
            &mut merge.already
        } else if same(base, current) && !doubt {
            &mut merge.send
        } else {
            match owner(object, field) {
                Owner::Person => &mut merge.clashes,
                Owner::Twenty => &mut merge.left,
                Owner::Here => &mut merge.send,
            }
        };
        list.push(field.clone());
    }
    merge
}

impl Edit {
    /// The object it is about.
    pub fn object(&self) -> Option<Object> {
        Object::from_word(&self.object)
    }

    /// Keeps only the fields of this list.
    pub fn keep(&mut self, fields: &[String]) {
        self.fields.retain(|edit| fields.contains(&edit.field));
    }

    /// An edit that this one was made on top of did not arrive: this one rests on what that one rested on. Answers
    /// whether that changed anything.
    pub fn rest_on_what_was_before(&mut self, gone: &Self) -> bool {
        let mut changed = false;
        for field in &mut self.fields {
            let under = gone.fields.iter().find(|under| under.field == field.field);
            if let Some(under) = under.filter(|under| under.value == field.base) {
                field.base.clone_from(&under.base);
                changed = true;
            }
        }
        changed
    }

    /// Whether something of it is in Twenty, or may be, so that it cannot be taken back. What was refused is settled.
    pub fn may_be_there(&self) -> bool {
        let of_making = self.makes.iter().any(|make| make.there || make.arrival == Arrival::Unknown)
            && self.state.is_open();
        of_making || matches!(self.state, State::Sent { .. })
    }

    /// The next record to make.
    pub fn next_make(&self) -> Option<&NewRecord> {
        self.makes.iter().find(|make| !make.there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sides(base: &str, value: &str, current: &str) -> Sides {
        Sides { base: base.into(), value: value.into(), current: current.into() }
    }

    fn one(field: &str, sides: Sides, doubt: bool) -> &'static str {
        let fields = BTreeMap::from([(field.to_owned(), sides)]);
        let merge = merge(Object::People, &fields, doubt);
        match (merge.send.len(), merge.already.len(), merge.clashes.len(), merge.left.len()) {
            (1, 0, 0, 0) => "send",
            (0, 1, 0, 0) => "already",
            (0, 0, 1, 0) => "clash",
            (0, 0, 0, 1) => "left",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_field_goes_one_way() {
        for (field, base, value, current, doubt, way) in [
            ("jobTitle", r#""a""#, r#""b""#, r#""a""#, false, "send"),
            ("jobTitle", r#""a""#, r#""b""#, r#""b""#, false, "already"),
            ("jobTitle", r#""a""#, r#""b""#, r#""c""#, false, "clash"),
            ("jobTitle", r#""a""#, "null", r#""""#, false, "already"),
            ("jobTitle", "null", r#""b""#, "[]", false, "send"),
            ("jobTitle", r#""a""#, r#""b""#, r#""a""#, true, "clash"),
            ("jobTitle", r#""a""#, r#""b""#, r#""b""#, true, "already"),
            ("position", "1", "2", "3", false, "left"),
            ("giftCount", "1", "2", "3", false, "send"),
            ("lifetimeGiftAmount.amountMicros", "1", "2", "3", false, "send"),
        ] {
            assert_eq!(
                one(field, sides(base, value, current), doubt),
                way,
                "{field} {base} {value} {current}"
            );
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![Just("null"), Just("\"\""), Just("\"a\""), Just("\"b\""), Just("\"c\"")]
            .prop_map(str::to_owned)
    }

    proptest! {
        /// No value of either side vanishes: ours stands there, is sent, or is in a conflict; theirs is overwritten only
        /// where it is what the editor saw.
        #[test]
        fn no_value_of_either_side_vanishes(
            fields in proptest::collection::btree_map("[a-e]", (text(), text(), text()), 0..5),
            doubt: bool,
        ) {
            let fields: BTreeMap<String, Sides> =
                fields.into_iter().map(|(name, (base, value, current))| (name, Sides { base, value, current })).collect();
            let merged = merge(Object::People, &fields, doubt);
            let lists = [&merged.send, &merged.already, &merged.clashes, &merged.left];
            prop_assert_eq!(lists.iter().map(|list| list.len()).sum::<usize>(), fields.len());
            for (name, sides) in &fields {
                prop_assert_eq!(lists.iter().filter(|list| list.contains(name)).count(), 1);
                if merged.send.contains(name) {
                    prop_assert!(same(&sides.base, &sides.current) && !doubt);
                } else if merged.already.contains(name) {
                    prop_assert!(same(&sides.value, &sides.current));
                } else {
                    prop_assert!(merged.clashes.contains(name), "only a person gives a person's value up");
                }
            }
        }
    }

    #[test]
    fn what_may_be_in_twenty_is_not_taken_back() {
        let make = |there, arrival| NewRecord {
            object: "tasks".into(),
            id: Uuid::nil(),
            body: "{}".into(),
            there,
            arrival,
            misses: 0,
        };
        let edit = |state, makes| Edit {
            id: Uuid::nil(),
            object: "tasks".into(),
            record: Uuid::nil(),
            origin: Origin([0; 16]),
            fields: Vec::new(),
            makes,
            delete: None,
            made_for: None,
            by: Actor::System,
            at: Instant(0),
            request_id: None,
            state,
            note: None,
        };
        let refused = || State::Refused { reason: "No.".into() };
        for (state, makes, there) in [
            (State::Waiting, vec![], false),
            (State::Sent { seen: Instant(0) }, vec![], true),
            (State::Conflict, vec![], false),
            (refused(), vec![], false),
            (State::Waiting, vec![make(false, Arrival::NotSent)], false),
            (State::Waiting, vec![make(false, Arrival::Unknown)], true),
            (State::Waiting, vec![make(true, Arrival::NotSent)], true),
            (refused(), vec![make(true, Arrival::Unknown)], false),
        ] {
            let edit = edit(state, makes);
            assert_eq!(edit.may_be_there(), there, "{edit:?}");
        }
    }

    #[test]
    fn who_decides() {
        assert_eq!(owner(Object::People, "name.firstName"), Owner::Person);
        assert_eq!(owner(Object::People, "updatedAt"), Owner::Twenty);
        assert_eq!(owner(Object::People, "giftCount"), Owner::Here);
        assert_eq!(owner(Object::Opportunities, "giftCount"), Owner::Person);
        assert!(
            is_editable(Object::Tasks) && !is_editable(Object::TaskTargets) && !is_editable(Object::User)
        );
        for (field, accounts) in [
            ("amount.amountMicros", true),
            ("donorId", true),
            ("giftDate", true),
            ("paymentType", true),
            ("giftAidStatus", true),
            ("recurringAgreementId", true),
            ("refundedAmount", true),
            ("name", true),
            ("appealId", false),
            ("opportunityId", false),
            ("description", false),
            ("updatedAt", false),
        ] {
            assert_eq!(is_accounts(Object::Gifts, field), accounts, "{field}");
        }
        assert!(!is_accounts(Object::Opportunities, "amount.amountMicros"));
    }
}

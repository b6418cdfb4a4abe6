//! The fields of a record of the books that may be changed from here: hygiene only. No amount, no date of a document that
//! is booked, nothing that a sync keeps (finance 1.1, contract 7.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ground::books::parts::{AccountExpenseDetail, Email, ItemExpenseDetail, Line, Phone, Ref};
use crate::ground::books::{Body, Entity, EntityId, Record};
use crate::ground::time::CalendarDate;

/// A field that may be changed, by its word in our API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Slot {
    /// `name`: what a customer or a vendor is called; one list of names for both.
    Name,
    /// `active`: whether a customer or a vendor is in use.
    Active,
    /// `email`: where mail goes.
    Email,
    /// `phone`.
    Phone,
    /// `party`: whose a bill, an expense or a receipt is.
    Party,
    /// `number`: what a document is called.
    Number,
    /// `reference`: what a payment is called by who brought it.
    Reference,
    /// `due`: until when a bill or an invoice is to be paid.
    Due,
    /// `terms`: terms of payment.
    Terms,
    /// `method`: a way of paying.
    Method,
    /// `note`: what is said about a document, for the books only.
    Note,
    /// `department`: called location in many companies.
    Department,
    /// `class`: a fund or a programme, of a whole document.
    Class,
    /// `lines.3.account`: what money was spent on, of the line with this id.
    LineAccount(EntityId),
    /// `lines.3.class`: the fund or programme of that line.
    LineClass(EntityId),
    /// `lines.3.description`.
    LineDescription(EntityId),
}

/// The word names no field that may be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no field that can be changed from here")]
pub struct NoSuchSlot(String);

const WORDS: [(&str, Slot); 13] = [
    ("name", Slot::Name),
    ("active", Slot::Active),
    ("email", Slot::Email),
    ("phone", Slot::Phone),
    ("party", Slot::Party),
    ("number", Slot::Number),
    ("reference", Slot::Reference),
    ("due", Slot::Due),
    ("terms", Slot::Terms),
    ("method", Slot::Method),
    ("note", Slot::Note),
    ("department", Slot::Department),
    ("class", Slot::Class),
];

impl FromStr for Slot {
    type Err = NoSuchSlot;
    fn from_str(word: &str) -> Result<Self, NoSuchSlot> {
        let none = || NoSuchSlot(word.to_owned());
        if let Some((_, slot)) = WORDS.iter().find(|(own, _)| *own == word) {
            return Ok(slot.clone());
        }
        let (id, field) =
            word.strip_prefix("lines.").and_then(|rest| rest.rsplit_once('.')).ok_or_else(none)?;
        let id = EntityId::new(id).ok_or_else(none)?;
        match field {
            "account" => Ok(Self::LineAccount(id)),
            "class" => Ok(Self::LineClass(id)),
            "description" => Ok(Self::LineDescription(id)),
            _ => Err(none()),
        }
    }
}

impl TryFrom<String> for Slot {
    type Error = NoSuchSlot;
    fn try_from(word: String) -> Result<Self, NoSuchSlot> {
        word.parse()
    }
}

impl From<Slot> for String {
    fn from(slot: Slot) -> Self {
        slot.to_string()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineAccount(id) => write!(f, "lines.{id}.account"),
            Self::LineClass(id) => write!(f, "lines.{id}.class"),
            Self::LineDescription(id) => write!(f, "lines.{id}.description"),
            plain => f.write_str(WORDS.iter().find(|(_, slot)| slot == plain).map_or("", |(word, _)| word)),
        }
    }
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// A text that is not empty.
    Text(String),
    /// A calendar date in the company's zone.
    Date(CalendarDate),
    /// Yes or no.
    Flag(bool),
    /// Another record of the same company.
    Link {
        /// Of which kind.
        entity: Entity,
        /// Its id.
        id: EntityId,
    },
}

/// What kind of value a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A text of at most so many characters (contract 7.1, 7.3).
    Text(usize),
    /// A date.
    Date,
    /// Yes or no; it is never empty.
    Flag,
    /// A record of one of these kinds.
    Link(&'static [Entity]),
}

/// A place in a record that can be read and written.
enum Place<'r> {
    Text(&'r mut Option<String>, usize),
    Date(&'r mut Option<CalendarDate>),
    Flag(&'r mut Option<bool>),
    Link(&'r mut Option<Ref>, &'static [Entity]),
    Email(&'r mut Option<Email>),
    Phone(&'r mut Option<Phone>),
}

const NUMBER_MAX: usize = 21;
const NOTE_MAX: usize = 4_000;
const NAME_MAX: usize = 100;

impl Place<'_> {
    fn takes(&self) -> Takes {
        match self {
            Self::Text(_, most) => Takes::Text(*most),
            Self::Date(_) => Takes::Date,
            Self::Flag(_) => Takes::Flag,
            Self::Link(_, kinds) => Takes::Link(kinds),
            Self::Email(_) => Takes::Text(NAME_MAX),
            Self::Phone(_) => Takes::Text(30),
        }
    }

    fn held(&self) -> Option<Held> {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty()).map(Held::Text);
        match self {
            Self::Text(place, _) => text(place),
            Self::Date(place) => place.map(Held::Date),
            Self::Flag(place) => place.map(Held::Flag),
            Self::Email(place) => text(&place.as_ref()?.address),
            Self::Phone(place) => text(&place.as_ref()?.number),
            Self::Link(place, kinds) => {
                let reference = place.as_ref()?;
                let told = reference.kind.as_deref().and_then(Entity::named);
                Some(Held::Link { entity: told.or(kinds.first().copied())?, id: reference.id.clone()? })
            }
        }
    }

    /// Puts a value there; false when it is of another kind.
    fn put(self, value: Option<&Held>) -> bool {
        match (self, value) {
            (Self::Text(place, most), Some(Held::Text(text))) if text.chars().count() <= most => {
                *place = Some(text.clone());
            }
            (Self::Text(place, _), None) => *place = None,
            (Self::Date(place), Some(Held::Date(date))) => *place = Some(*date),
            (Self::Date(place), None) => *place = None,
            (Self::Flag(place), Some(Held::Flag(flag))) => *place = Some(*flag),
            (Self::Email(place), Some(Held::Text(text))) => {
                *place = Some(Email { address: Some(text.clone()), ..Email::default() });
            }
            (Self::Email(place), None) => *place = None,
            (Self::Phone(place), Some(Held::Text(text))) => {
                *place = Some(Phone { number: Some(text.clone()), ..Phone::default() });
            }
            (Self::Phone(place), None) => *place = None,
            (Self::Link(place, kinds), Some(Held::Link { entity, id })) if kinds.contains(entity) => {
                // Which kind it is is told only where it can be of several.
                let kind = (kinds.len() > 1).then(|| entity.name().to_owned());
                *place = Some(Ref { id: Some(id.clone()), kind, ..Ref::default() });
            }
            (Self::Link(place, _), None) => *place = None,
            _ => return false,
        }
        true
    }
}

/// The field of each kind that has it.
macro_rules! field_of {
    ($body:expr, $wrap:expr, $field:ident: $($kind:ident)*) => {
        match $body { $(Body::$kind(it) => Some($wrap(&mut it.$field)),)* _ => None }
    };
}

fn place<'r>(body: &'r mut Body, slot: &Slot) -> Option<Place<'r>> {
    let text = |most: usize| move |field: &'r mut Option<String>| Place::Text(field, most);
    let link = |kinds: &'static [Entity]| move |field: &'r mut Option<Ref>| Place::Link(field, kinds);
    match slot {
        Slot::Name => field_of!(body, text(NAME_MAX), display_name: Customer Vendor),
        Slot::Active => field_of!(body, Place::Flag, active: Customer Vendor),
        Slot::Email => email(body),
        Slot::Phone => field_of!(body, Place::Phone, phone: Customer Vendor),
        Slot::Party => party(body),
        Slot::Number => {
            field_of!(body, text(NUMBER_MAX), number: Bill VendorCredit Invoice CreditMemo SalesReceipt
            RefundReceipt JournalEntry Purchase)
        }
        Slot::Reference => {
            field_of!(body, text(NUMBER_MAX), reference: SalesReceipt RefundReceipt Payment)
        }
        Slot::Due => field_of!(body, Place::Date, due: Bill Invoice),
        Slot::Terms => field_of!(body, link(&[Entity::Term]), terms: Bill Invoice Customer Vendor),
        Slot::Method => {
            field_of!(body, link(&[Entity::PaymentMethod]), method: SalesReceipt RefundReceipt Payment)
        }
        Slot::Note => field_of!(body, text(NOTE_MAX), note: Bill BillPayment VendorCredit Invoice CreditMemo
            SalesReceipt RefundReceipt Payment Deposit JournalEntry Purchase Transfer),
        Slot::Department => {
            field_of!(body, link(&[Entity::Department]), department: Bill VendorCredit Invoice
            CreditMemo SalesReceipt RefundReceipt Purchase)
        }
        Slot::Class => {
            field_of!(body, link(&[Entity::Class]), class: Invoice CreditMemo SalesReceipt RefundReceipt)
        }
        Slot::LineAccount(id) => {
            let expense = line(body, id)?.account_expense.as_mut()?;
            Some(Place::Link(&mut expense.account, &[Entity::Account]))
        }
        Slot::LineClass(id) => Some(Place::Link(line_class(line(body, id)?)?, &[Entity::Class])),
        Slot::LineDescription(id) => Some(Place::Text(&mut line(body, id)?.description, NOTE_MAX)),
    }
}

fn email(body: &mut Body) -> Option<Place<'_>> {
    match body {
        Body::Customer(it) => Some(Place::Email(&mut it.email)),
        Body::Vendor(it) => Some(Place::Email(&mut it.email)),
        Body::Invoice(it) => Some(Place::Email(&mut it.email)),
        Body::SalesReceipt(it) => Some(Place::Email(&mut it.email)),
        _ => None,
    }
}

fn party(body: &mut Body) -> Option<Place<'_>> {
    match body {
        Body::Bill(it) => Some(Place::Link(&mut it.vendor, &[Entity::Vendor])),
        Body::Purchase(it) => Some(Place::Link(&mut it.entity, &[Entity::Vendor, Entity::Customer])),
        Body::SalesReceipt(it) => Some(Place::Link(&mut it.customer, &[Entity::Customer])),
        _ => None,
    }
}

/// The line of a document of money spent. Lines of other documents hold derived ones, which must not be sent
/// (contract 7.2).
fn line<'r>(body: &'r mut Body, id: &EntityId) -> Option<&'r mut Line> {
    let lines = match body {
        Body::Bill(it) => &mut it.lines,
        Body::VendorCredit(it) => &mut it.lines,
        Body::Purchase(it) => &mut it.lines,
        _ => return None,
    };
    lines.iter_mut().find(|line| line.id.as_ref() == Some(id))
}

fn line_class(line: &mut Line) -> Option<&mut Option<Ref>> {
    let of_account = line.account_expense.as_mut().map(|it: &mut AccountExpenseDetail| &mut it.class);
    of_account.or_else(|| line.item_expense.as_mut().map(|it: &mut ItemExpenseDetail| &mut it.class))
}

impl Slot {
    /// What the field takes in this record; none when the record has no such field.
    pub fn takes(&self, record: &Record) -> Option<Takes> {
        place(&mut record.body.clone(), self).map(|place| place.takes())
    }

    /// What stands there; `Ok(None)` is nothing. Refused when the record has no such field.
    pub fn held(&self, record: &Record) -> Result<Option<Held>, NoSuchSlot> {
        let mut body = record.body.clone();
        let place = place(&mut body, self).ok_or_else(|| NoSuchSlot(self.to_string()))?;
        Ok(place.held())
    }

    /// Puts a value there, or empties it. Refused when the record has no such field, or it takes no such value.
    pub fn put(&self, record: &mut Record, value: Option<&Held>) -> Result<(), NoSuchSlot> {
        let none = || NoSuchSlot(self.to_string());
        let place = place(&mut record.body, self).ok_or_else(none)?;
        if place.put(value) { Ok(()) } else { Err(none()) }
    }
}

//! What people change in the books of a company: checked against the mirror and kept here at once, brought to QuickBooks by
//! a run, undone for a day (finance 1.1, 10.15).

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::edits::{invalid, one_error};
use super::{Asked, Desk, Refusal};
use crate::ground::books::change::{
    Act, BooksChange, Held, New, NewPayment, NewVendor, PaidBill, PaidFrom, Request, SetField, Slot, State,
    Takes, Texts,
};
use crate::ground::books::status::Status;
use crate::ground::books::words::AccountType;
use crate::ground::books::{Body, Connected, Decimal, Entity, EntityId, RealmId, Record};
use crate::ground::edit::Choice;
use crate::ground::id::{Object, Origin, Seq, SubjectKey, local_id};
use crate::ground::intake::FieldError;
use crate::ground::journal::{Cause, SubjectState};
use crate::ground::replay::ReplayKey;
use crate::ground::texts;
use crate::ground::time::{CalendarDate, Instant};
use crate::store::{Changes, Fail, Ledger, StoreError};

/// A change that somebody wants.
#[derive(Clone, Debug)]
pub struct ChangeAsk {
    /// Whose books.
    pub realm: RealmId,
    /// What.
    pub what: Wanted,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The caller's own name for the request: the same one again finds the change.
    pub key: Option<String>,
}

/// What somebody wants of the books.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Fields of a record, by their words.
    Fields {
        /// Of which kind it is.
        entity: Entity,
        /// Its id.
        record: EntityId,
        /// Word and wanted value; null to empty it.
        fields: Vec<(String, Value)>,
        /// The entry that they saw; the newest when they do not say.
        seen: Option<Seq>,
    },
    /// A vendor.
    Vendor {
        /// What it is called.
        name: String,
        /// Where mail goes.
        email: Option<String>,
    },
    /// The record of a payment that was made elsewhere.
    Payment(PaymentAsk),
}

/// The record of a payment as somebody wants it.
#[derive(Clone, Debug)]
pub struct PaymentAsk {
    /// The bills, and how much of each was paid, in decimals.
    pub bills: Vec<(String, String)>,
    /// From which account.
    pub account: String,
    /// When, as `YYYY-MM-DD`.
    pub date: String,
    /// The number of the cheque or the transfer.
    pub number: Option<String>,
    /// What is said about it.
    pub note: Option<String>,
}

/// What would happen.
#[derive(Clone, Debug)]
pub struct BooksPlan {
    /// What would be changed.
    pub act: Act,
    /// The request, as it stands on the mirror's version of the record.
    pub request: Request,
    /// Calls that count against the month: the record is read before it is changed.
    pub metered: u32,
}

/// The books of a company as a check needs them.
struct Books<'l> {
    ledger: &'l Ledger<'l>,
    company: Connected,
    form: &'l dyn Texts,
}

fn origin_of(key: &ReplayKey) -> Origin {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(&key.bytes()).as_bytes()[..16]);
    Origin(bytes)
}

impl Desk {
    /// Keeps a change of the books; a run brings it there. The same request again answers with the change it made.
    pub async fn ask_change(&self, asked: &Asked, ask: ChangeAsk) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Change of the books asked for");
        let caller = asked.caller.replay_scope();
        let form = self.form()?;
        let (_, id) = self
            .store
            .write(move |view| {
                let named =
                    ask.key.clone().map(|key| ReplayKey::Idempotency { caller, key: format!("books {key}") });
                let origin = named.map_or_else(|| view.world.origin(), |key| origin_of(&key));
                let id = local_id(Object::BooksChange, origin);
                let mut changes = Changes::new(cause.clone());
                if let Some(before) = view.ledger().books_change_ever(id)? {
                    // Another body under the same name is a mistake of the caller.
                    let same = before.value.realm == ask.realm && asks_for(&ask.what, &before.value.act);
                    return if same { Ok((changes, id)) } else { Err(Refusal::KeyReused.into()) };
                }
                let books = Books::of(view.ledger(), &ask.realm, &*form)?;
                let act = books.act(&ask.what)?;
                let change = fresh(id, &ask.realm, act, ask.reason, &cause, view.world.now());
                changes.create(Object::BooksChange, id, &change)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    fn form(&self) -> Result<Arc<dyn Texts>, Refusal> {
        self.books.texts.clone().ok_or(Refusal::Nothing(texts::BOOKS_NOT_SET_UP))
    }

    /// What would happen, and nothing else.
    pub fn plan_change(&self, ask: &ChangeAsk) -> Result<BooksPlan, Refusal> {
        let snapshot = self.store.snapshot()?;
        let ledger = snapshot.ledger();
        let form = self.form()?;
        let plan = || {
            let books = Books::of(&ledger, &ask.realm, &*form)?;
            let act = books.act(&ask.what)?;
            let (entity, id) = act.record();
            let record = match id {
                Some(id) => Some(books.typed(entity, id, None)?.ok_or(Refusal::NotFound("record"))?),
                None => None,
            };
            let request = books.form.request(&act, record.as_ref(), &books.company);
            let request = request.ok_or(Refusal::Nothing(texts::BOOKS_UNREADABLE))?;
            Ok::<_, Fail<Refusal>>(BooksPlan { act, request, metered: u32::from(record.is_some()) })
        };
        plan().map_err(plain)
    }

    /// Undoes a change: keeps the inverse one. Asked twice, it is the same one.
    pub async fn undo_change(&self, asked: &Asked, id: Uuid) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Change of the books undone");
        let (_, undo) = self
            .store
            .write(move |view| {
                let change = ever(view.ledger(), id)?;
                let undo = BooksChange::undo_id(id);
                let mut changes = Changes::new(cause.clone());
                if view.ledger().books_change_ever(undo)?.is_some() {
                    return Ok((changes, undo));
                }
                let until = change.undo_until().ok_or(Refusal::Nothing(texts::BOOKS_NO_UNDO))?;
                if view.world.now() > until {
                    return Err(Refusal::Nothing(texts::BOOKS_UNDO_LATE).into());
                }
                let act = change.inverse.clone().ok_or(Refusal::Nothing(texts::BOOKS_NO_UNDO))?;
                let why = Some(texts::BOOKS_UNDO_REASON.to_owned());
                let now = view.world.now();
                let inverse =
                    BooksChange { undoes: Some(id), ..fresh(undo, &change.realm, act, why, &cause, now) };
                changes.create(Object::BooksChange, undo, &inverse)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, undo))
            })
            .await?;
        Ok(undo)
    }

    /// Asks again for a change that is stuck or was refused.
    pub async fn repeat_change(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        self.settle_change(asked, "Change of the books asked for again", id, |change| match change.state {
            State::Stuck { .. } | State::Refused { .. } => {
                change.again();
                Ok(())
            }
            State::Waiting | State::Sent => Ok(()),
            State::Conflict { .. } => Err(Refusal::Nothing(texts::BOOKS_DECIDE_FIRST)),
            State::Done { .. } | State::Withdrawn => Err(Refusal::Nothing(texts::BOOKS_OVER)),
        })
        .await
    }

    /// Gives a change up. One that is on its way is not: whether it arrives is known soon.
    pub async fn discard_change(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        self.settle_change(asked, "Change of the books given up", id, |change| match change.state {
            State::Sent => Err(Refusal::Nothing(texts::BOOKS_ON_ITS_WAY)),
            State::Done { .. } | State::Withdrawn => Err(Refusal::Nothing(texts::BOOKS_OVER)),
            State::Waiting | State::Conflict { .. } | State::Stuck { .. } | State::Refused { .. } => {
                change.state = State::Withdrawn;
                Ok(())
            }
        })
        .await
    }

    /// Decides a change that met another one: what is wanted here goes over what stands there, or is given up.
    pub async fn decide_change(&self, asked: &Asked, id: Uuid, keep: Choice) -> Result<(), Refusal> {
        self.settle_change(asked, "Change of the books decided", id, move |change| {
            let State::Conflict { fields: clashes } = change.state.clone() else {
                return Err(Refusal::Nothing(texts::BOOKS_NO_CONFLICT));
            };
            let Act::Set { fields, .. } = &mut change.act else {
                return Err(Refusal::Nothing(texts::BOOKS_NO_CONFLICT));
            };
            for clash in clashes {
                match keep {
                    // It rests on what was shown: if that changes once more, that is another conflict.
                    Choice::Here => {
                        for field in fields.iter_mut().filter(|field| field.slot == clash.slot) {
                            field.base.clone_from(&clash.there);
                        }
                    }
                    Choice::There => fields.retain(|field| field.slot != clash.slot),
                }
            }
            change.state = if fields.is_empty() { State::Withdrawn } else { State::Waiting };
            Ok(())
        })
        .await
    }

    async fn settle_change(
        &self,
        asked: &Asked,
        why: &str,
        id: Uuid,
        settle: impl FnOnce(&mut BooksChange) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<(), Refusal> {
        let cause = asked.cause(why);
        self.store
            .write(move |view| {
                let before = ever(view.ledger(), id)?;
                let mut change = before.clone();
                settle(&mut change)?;
                let mut changes = Changes::new(cause);
                if change != before {
                    changes.books_change(&change)?;
                    changes.ask();
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

fn plain(fail: Fail<Refusal>) -> Refusal {
    match fail {
        Fail::Refused(refusal) => refusal,
        Fail::Store(error) => error.into(),
    }
}

fn ever(ledger: &Ledger<'_>, id: Uuid) -> Result<BooksChange, Fail<Refusal>> {
    let change = ledger.books_change_ever(id).map_err(Fail::Store)?;
    change.map(|record| record.value).ok_or_else(|| Refusal::NotFound("change").into())
}

fn fresh(
    id: Uuid,
    realm: &RealmId,
    act: Act,
    reason: Option<String>,
    cause: &Cause,
    now: Instant,
) -> BooksChange {
    BooksChange {
        id,
        realm: realm.clone(),
        act,
        reason,
        by: cause.actor.clone(),
        at: now,
        request_id: cause.request_id.clone(),
        state: State::Waiting,
        attempt: None,
        generation: 0,
        failures: 0,
        not_before: None,
        note: None,
        inverse: None,
        undoes: None,
    }
}

/// Whether a change is what is asked for: the same record and fields, or the same new record. Values are compared where they
/// are texts of ours; what stood there before is not.
fn asks_for(what: &Wanted, act: &Act) -> bool {
    match (what, act) {
        (Wanted::Fields { entity, record, fields, .. }, Act::Set { entity: of, record: id, fields: set }) => {
            let same = |(word, value): &(String, Value)| {
                set.iter().any(|it| it.slot.to_string() == *word && says(value, it.value.as_ref()))
            };
            entity == of && record == id && fields.len() == set.len() && fields.iter().all(same)
        }
        (Wanted::Vendor { name, email }, Act::Make(New::Vendor(vendor))) => {
            *name == vendor.name && *email == vendor.email
        }
        (Wanted::Payment(ask), Act::Make(New::BillPayment(payment))) => {
            let bills = payment.bills.iter().map(|paid| (paid.bill.to_string(), Some(paid.amount)));
            let asked = ask.bills.iter().map(|(bill, amount)| (bill.clone(), amount.parse().ok()));
            bills.eq(asked) && ask.account == payment.account.as_str() && ask.date == payment.date.to_string()
        }
        _ => false,
    }
}

fn says(value: &Value, held: Option<&Held>) -> bool {
    match held {
        None => value.is_null(),
        Some(Held::Text(text)) => value.as_str().map(str::trim) == Some(text),
        Some(Held::Date(date)) => value.as_str() == Some(&date.to_string()),
        Some(Held::Flag(flag)) => value.as_bool() == Some(*flag),
        Some(Held::Link { id, .. }) => id_in(value) == Some(id.as_str()),
    }
}

/// The id in a wanted reference: `"46"`, or `{"id": "46", "kind": "vendor"}`.
fn id_in(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

impl<'l> Books<'l> {
    fn of(ledger: &'l Ledger<'l>, realm: &RealmId, form: &'l dyn Texts) -> Result<Self, Fail<Refusal>> {
        let company = ledger.company(realm).map_err(Fail::Store)?;
        let company = company.ok_or(Refusal::NotFound("company"))?.value;
        if company.disconnected_at.is_some() {
            return Err(Refusal::Nothing(texts::BOOKS_DISCONNECTED).into());
        }
        Ok(Self { ledger, company, form })
    }

    /// A record that is there; as it was at `seen`, if that is said.
    fn typed(&self, entity: Entity, id: &EntityId, seen: Option<Seq>) -> Result<Option<Record>, StoreError> {
        let key = SubjectKey::book(self.company.connection, entity, id);
        let record = match seen {
            Some(seen) => self.ledger.record_as_of(&key, seen)?,
            None => self.ledger.record_of(&key)?,
        };
        let record = record.filter(|record| record.state == SubjectState::Live);
        let home = self.company.home;
        Ok(record.zip(home).and_then(|(record, home)| self.form.record(entity, &record.value, home)))
    }

    fn act(&self, what: &Wanted) -> Result<Act, Fail<Refusal>> {
        match what {
            Wanted::Fields { entity, record, fields, seen } => self.fields(*entity, record, fields, *seen),
            Wanted::Vendor { name, email } => self.vendor(name, email.as_deref()),
            Wanted::Payment(ask) => self.payment(ask),
        }
    }

    fn fields(
        &self,
        entity: Entity,
        record: &EntityId,
        fields: &[(String, Value)],
        seen: Option<Seq>,
    ) -> Result<Act, Fail<Refusal>> {
        let found = self.typed(entity, record, seen)?.ok_or(Refusal::NotFound("record"))?;
        let (mut set, mut errors) = (Vec::new(), Vec::new());
        for (word, value) in fields {
            match self.field(&found, word, value)? {
                Ok(field) if field.base == field.value => {}
                Ok(field) => set.push(field),
                Err(message) => errors.push(FieldError { field: word.clone(), message }),
            }
        }
        if !errors.is_empty() {
            return Err(invalid(errors));
        }
        if set.is_empty() {
            return Err(Refusal::Unchanged.into());
        }
        Ok(Act::Set { entity, record: record.clone(), fields: set })
    }

    fn field(
        &self,
        found: &Record,
        word: &str,
        value: &Value,
    ) -> Result<Result<SetField, String>, StoreError> {
        let no_such = || format!("{} {}", texts::BOOKS_NO_FIELD, word);
        let Ok(slot) = word.parse::<Slot>() else { return Ok(Err(no_such())) };
        let (Some(takes), Ok(base)) = (slot.takes(found), slot.held(found)) else {
            return Ok(Err(no_such()));
        };
        if value.is_null() {
            let kept = matches!(slot, Slot::Name | Slot::Active | Slot::LineAccount(_))
                || (slot == Slot::Party && found.body.entity() == Entity::Bill);
            let empty = SetField { slot, base, value: None };
            return Ok(if kept { Err(texts::BOOKS_NEEDED.to_owned()) } else { Ok(empty) });
        }
        let value = match takes {
            Takes::Text(most) => text_of(&slot, value, most),
            Takes::Flag => value.as_bool().map(Held::Flag).ok_or_else(|| texts::BOOKS_FLAG.to_owned()),
            Takes::Date => {
                let date = value.as_str().and_then(|text| text.parse().ok());
                date.map(Held::Date).ok_or_else(|| texts::BOOKS_DATE.to_owned())
            }
            Takes::Link(kinds) => self.link(kinds, value)?,
        };
        Ok(value.map(|value| SetField { slot, base, value: Some(value) }))
    }

    /// A record of this company that is in use.
    fn link(&self, kinds: &[Entity], value: &Value) -> Result<Result<Held, String>, StoreError> {
        let told = value.get("kind").and_then(Value::as_str);
        let entity = match told {
            Some(word) => kinds.iter().copied().find(|kind| kind.path() == word),
            None => kinds.first().copied().filter(|_| kinds.len() == 1),
        };
        let Some(entity) = entity else { return Ok(Err(texts::BOOKS_KIND.to_owned())) };
        let Some(id) = id_in(value).and_then(EntityId::new) else {
            return Ok(Err(texts::BOOKS_REFERENCE.to_owned()));
        };
        let found = self.typed(entity, &id, None)?;
        let usable = found.is_some_and(|found| is_active(&found.body));
        Ok(if usable { Ok(Held::Link { entity, id }) } else { Err(texts::BOOKS_REFERENCE.to_owned()) })
    }

    fn vendor(&self, name: &str, email: Option<&str>) -> Result<Act, Fail<Refusal>> {
        let name = text_of(&Slot::Name, &Value::from(name), 100);
        let email = email.map(|email| text_of(&Slot::Email, &Value::from(email), 100)).transpose();
        let text = |held| match held {
            Held::Text(text) => Some(text),
            _ => None,
        };
        let name = name.map_err(|message| one_error("name", message))?;
        let email = email.map_err(|message| one_error("email", message))?;
        let name = text(name).unwrap_or_default();
        for entity in [Entity::Vendor, Entity::Customer] {
            if self.is_name_taken(entity, &name)? {
                return Err(one_error("name", texts::BOOKS_NAME_TAKEN));
            }
        }
        Ok(Act::Make(New::Vendor(NewVendor { name, email: email.and_then(text) })))
    }

    fn is_name_taken(&self, entity: Entity, name: &str) -> Result<bool, StoreError> {
        for record in self.ledger.book_page(self.company.connection, entity, None, usize::MAX)?.items {
            let told = serde_json::from_str::<Value>(&record.value).ok();
            let own = told.as_ref().and_then(|told| told.get("DisplayName")?.as_str());
            if own.is_some_and(|own| own.to_lowercase() == name.to_lowercase()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn payment(&self, ask: &PaymentAsk) -> Result<Act, Fail<Refusal>> {
        let date: CalendarDate = ask.date.parse().map_err(|_| one_error("date", texts::BOOKS_DATE))?;
        let (account, from) = self.paid_from(&ask.account)?;
        let (mut bills, mut vendor) = (Vec::new(), None::<EntityId>);
        for (index, (id, amount)) in ask.bills.iter().enumerate() {
            let (paid, of) = self.paid_bill(index, id, amount)?;
            let twice = bills.iter().any(|other: &PaidBill| other.bill == paid.bill);
            if twice || vendor.as_ref().is_some_and(|vendor| *vendor != of) {
                return Err(one_error(&format!("bills.{index}"), texts::BOOKS_ONE_VENDOR));
            }
            vendor = Some(of);
            bills.push(paid);
        }
        let vendor = vendor.ok_or_else(|| one_error("bills", texts::BOOKS_NO_BILL))?;
        let text = |field: &str, slot: Slot, text: &Option<String>, most| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => match text_of(&slot, &Value::from(text), most) {
                Ok(Held::Text(text)) => Ok(Some(text)),
                Ok(_) => Ok(None),
                Err(message) => Err(one_error(field, message)),
            },
        };
        let number = text("number", Slot::Number, &ask.number, 21)?;
        let note = text("note", Slot::Note, &ask.note, 4_000)?;
        let payment = NewPayment { vendor, account, from, date, number, note, bills };
        if payment.total().is_none() {
            return Err(one_error("bills", texts::BOOKS_BEYOND));
        }
        Ok(Act::Make(New::BillPayment(payment)))
    }

    fn paid_from(&self, account: &str) -> Result<(EntityId, PaidFrom), Fail<Refusal>> {
        let bad = || one_error("account", texts::BOOKS_PAID_FROM);
        let id = EntityId::new(account).ok_or_else(bad)?;
        let found = self.typed(Entity::Account, &id, None)?.ok_or_else(bad)?;
        let Body::Account(body) = &found.body else { return Err(bad()) };
        let from = match body.account_type {
            Some(AccountType::Bank) => PaidFrom::Bank,
            Some(AccountType::CreditCard) => PaidFrom::Card,
            _ => return Err(bad()),
        };
        let home = found.terms.currency == found.terms.home && is_active(&found.body);
        if home { Ok((id, from)) } else { Err(bad()) }
    }

    /// A bill, how much of it was paid, and whose it is. More than is open of it is not recorded.
    fn paid_bill(&self, index: usize, id: &str, amount: &str) -> Result<(PaidBill, EntityId), Fail<Refusal>> {
        let field = format!("bills.{index}");
        let bad = |message: &str| one_error(&field, message);
        let bill = EntityId::new(id).ok_or_else(|| bad(texts::BOOKS_OPEN_BILL))?;
        let found = self.typed(Entity::Bill, &bill, None)?.ok_or_else(|| bad(texts::BOOKS_OPEN_BILL))?;
        let Body::Bill(body) = &found.body else { return Err(bad(texts::BOOKS_OPEN_BILL)) };
        if found.terms.currency != found.terms.home {
            return Err(bad(texts::BOOKS_FOREIGN_BILL));
        }
        let (Some(total), Some(balance)) = (body.total, body.balance) else {
            return Err(bad(texts::BOOKS_OPEN_BILL));
        };
        if !Status::of(total.exact, balance.exact, found.body.is_voided()).is_owed() {
            return Err(bad(texts::BOOKS_OPEN_BILL));
        }
        let amount: Decimal = amount.parse().map_err(|_| bad(texts::BOOKS_AMOUNT))?;
        let fine =
            crate::ground::books::Amount { exact: amount, currency: found.terms.home }.money().is_err();
        if fine || amount <= Decimal::ZERO || amount > balance.exact {
            return Err(bad(texts::BOOKS_AMOUNT));
        }
        let vendor = body.vendor.as_ref().and_then(|vendor| vendor.id.clone());
        let vendor = vendor.ok_or_else(|| bad(texts::BOOKS_OPEN_BILL))?;
        Ok((PaidBill { bill, amount }, vendor))
    }
}

fn is_active(body: &Body) -> bool {
    let active = match body {
        Body::Account(it) => it.active,
        Body::Customer(it) => it.active,
        Body::Vendor(it) => it.active,
        Body::Class(it) => it.active,
        Body::Department(it) => it.active,
        Body::Term(it) => it.active,
        Body::PaymentMethod(it) => it.active,
        _ => None,
    };
    active != Some(false)
}

fn text_of(slot: &Slot, value: &Value, most: usize) -> Result<Held, String> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| texts::BOOKS_TEXT.to_owned())?;
    if text.chars().count() > most {
        return Err(texts::books_too_long(most));
    }
    let bad = match slot {
        Slot::Email => !text.contains('@') || text.contains(char::is_whitespace),
        Slot::Name => text.contains([':', '\t', '\n']),
        _ => false,
    };
    if bad { Err(texts::BOOKS_CHARACTERS.to_owned()) } else { Ok(Held::Text(text.to_owned())) }
}

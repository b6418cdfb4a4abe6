//! One company's books: objects, ids, tombstones, stored replies.

use std::collections::BTreeMap;

use super::effects::Entry;
use super::schema::{Kind, Sequence};
use super::time::stamp;
use super::tree::Json;

/// One object of one kind.
pub(crate) type Key = (Kind, String);

/// An object as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The object; references hold ids, names are looked up when it is told.
    pub(crate) object: Json,
    /// When it came, in microseconds.
    pub(crate) created: i64,
    /// When it changed last.
    pub(crate) updated: i64,
    /// Orders changes of one instant.
    pub(crate) turn: u64,
}

/// Something that happened to an object, for webhooks.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The object.
    pub(crate) key: Key,
    /// `Create`, `Update`, `Delete`, `Void` or `Merge`.
    pub(crate) operation: &'static str,
    /// The loser of a merge.
    pub(crate) loser: Option<String>,
    /// When.
    pub(crate) at: i64,
}

/// Calls that were answered, as the partner programme counts them (contract 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Writes: free.
    pub core: u64,
    /// Data out: metered.
    pub core_plus: u64,
}

/// One company.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Company {
    /// Its number.
    pub(crate) realm: String,
    /// Of the sandbox; else of production.
    pub(crate) sandbox: bool,
    /// Everything there is.
    pub(crate) rows: BTreeMap<Kind, BTreeMap<String, Row>>,
    /// What was deleted, and when.
    pub(crate) gone: BTreeMap<Key, i64>,
    /// What each transaction does to others.
    pub(crate) ledger: BTreeMap<Key, Entry>,
    /// First replies by request id.
    pub(crate) replies: BTreeMap<String, (u16, String)>,
    /// What webhooks have yet to tell.
    pub(crate) events: Vec<Event>,
    /// Calls so far.
    pub(crate) calls: Calls,
    /// Whose work others' writes collide with.
    pub(crate) somebody: String,
    /// Name of the one custom field of sales forms.
    pub(crate) custom_field: Option<String>,
    /// A used document number is refused.
    pub(crate) unique_numbers: bool,
    /// The subscription is over.
    pub(crate) lapsed: bool,
    /// The person who authorised lost access.
    pub(crate) locked_out: bool,
    /// Moves with every change.
    pub(crate) version: u64,
    next: BTreeMap<Sequence, u64>,
}

impl Company {
    /// A company without anything in it.
    pub(crate) fn bare(realm: &str, sandbox: bool) -> Self {
        Self {
            realm: realm.to_owned(),
            sandbox,
            rows: BTreeMap::new(),
            gone: BTreeMap::new(),
            ledger: BTreeMap::new(),
            replies: BTreeMap::new(),
            events: Vec::new(),
            calls: Calls::default(),
            somebody: "Maya Book".to_owned(),
            custom_field: None,
            unique_numbers: true,
            lapsed: false,
            locked_out: false,
            version: 0,
            next: BTreeMap::new(),
        }
    }

    /// The row of an object.
    pub(crate) fn row(&self, kind: Kind, id: &str) -> Option<&Row> {
        self.rows.get(&kind)?.get(id)
    }

    /// The object.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Json> {
        self.row(kind, id).map(|row| &row.object)
    }

    /// All rows of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The next id of a kind.
    pub(crate) fn take_id(&mut self, kind: Kind) -> String {
        let next = self.next.entry(kind.spec().sequence).or_insert(match kind.spec().sequence {
            Sequence::Long(_) => 5_000_000_000_000_000_001,
            _ => 1,
        });
        let id = next.to_string();
        *next += 1;
        id
    }

    /// The sequence of a kind goes on behind this id.
    pub(crate) fn used_id(&mut self, kind: Kind, id: &str) {
        if let Ok(id) = id.parse::<u64>() {
            let next = self.next.entry(kind.spec().sequence).or_insert(1);
            *next = (*next).max(id.saturating_add(1));
        }
    }

    /// Puts an object in, new or changed, as of `now`; `touch` leaves the time of creation.
    pub(crate) fn put(&mut self, kind: Kind, id: &str, mut object: Json, now: i64) {
        self.version += 1;
        let created = self.row(kind, id).map_or(now, |row| row.created);
        let mut times = object.remove("MetaData").unwrap_or_else(|| Json::Obj(Vec::new()));
        times.set("CreateTime", Json::text(stamp(created)));
        times.set("LastUpdatedTime", Json::text(stamp(now)));
        object.set("MetaData", times);
        let row = Row { object: in_order(kind, object), created, updated: now, turn: self.version };
        self.rows.entry(kind).or_default().insert(id.to_owned(), row);
    }

    /// Changes an object without a write to it: `LastUpdatedTime` moves, `SyncToken` does not.
    pub(crate) fn touch(&mut self, kind: Kind, id: &str, now: i64, change: impl FnOnce(&mut Json)) {
        if let Some(mut object) = self.get(kind, id).cloned() {
            change(&mut object);
            self.put(kind, id, object, now);
        }
    }

    /// Takes an object out and leaves a tombstone.
    pub(crate) fn bury(&mut self, kind: Kind, id: &str, now: i64) {
        self.version += 1;
        if let Some(rows) = self.rows.get_mut(&kind) {
            rows.remove(id);
        }
        self.gone.insert((kind, id.to_owned()), now);
    }

    /// Notes what happened for the webhooks.
    pub(crate) fn tell(&mut self, kind: Kind, id: &str, operation: &'static str, at: i64) {
        let silent = matches!(kind, Kind::Attachable | Kind::CompanyInfo);
        if !silent {
            self.events.push(Event { key: (kind, id.to_owned()), operation, loser: None, at });
        }
    }

    /// The company's preferences.
    pub(crate) fn preferences(&self) -> Option<&Json> {
        self.all(Kind::Preferences).next().map(|row| &row.object)
    }

    /// The last day of the closed books.
    pub(crate) fn closed_until(&self) -> Option<&str> {
        self.preferences()?.str_at("AccountingInfoPrefs.BookCloseDate")
    }

    /// The first active account for which this holds.
    pub(crate) fn account(&self, wanted: impl Fn(&Json) -> bool) -> Option<String> {
        let found = self.all(Kind::Account).filter(|row| wanted(&row.object)).min_by_key(|row| row.created);
        found.and_then(|row| row.object.str_at("Id")).map(str::to_owned)
    }

    /// The account of a type.
    pub(crate) fn account_of_type(&self, name: &str) -> Option<String> {
        self.account(|account| account.str_at("AccountType") == Some(name))
    }

    /// The account of a subtype.
    pub(crate) fn account_of_subtype(&self, name: &str) -> Option<String> {
        self.account(|account| account.str_at("AccountSubType") == Some(name))
    }
}

/// Members in the order of answers; what is not in it comes last.
fn in_order(kind: Kind, object: Json) -> Json {
    let order = kind.spec().properties();
    let place = |name: &str| order.iter().position(|known| *known == name).unwrap_or(order.len());
    let Json::Obj(mut members) = object else { return object };
    members.sort_by_key(|(name, _)| place(name));
    Json::Obj(members)
}

//! A believable small British charity from a seed: the same seed gives the same bytes.

mod gifts;
mod names;
mod people;
mod work;

use uuid::Uuid;

use super::dice::Dice;
use super::json::Json;
use super::twenty::core::Core;
use super::twenty::schema::{Object, Preset, Schema};
use super::twenty::store::Row;
use super::twenty::time::DAY;

/// Stream of randomness of this module.
const PURPOSE: u64 = 4;

/// How large the charity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// People.
    pub people: usize,
    /// Gifts.
    pub gifts: usize,
}

impl Default for Size {
    /// The size of the pilot charity: 2,000 people and 6,000 gifts.
    fn default() -> Self {
        Self { people: 2_000, gifts: 6_000 }
    }
}

/// Fills the tables; needs the data model of a charity, and leaves any other alone.
pub(crate) fn populate(core: &mut Core, size: Size) {
    let schema = core.schema();
    let Some(mut world) = World::new(core, &schema) else { return };
    let members = work::members(&mut world);
    let companies = work::companies(&mut world, &members);
    let appeals = work::appeals(&mut world, &members);
    let mut people = people::people(&mut world, size.people, &companies, &members);
    gifts::gifts(&mut world, size.gifts, &mut people, &companies, &appeals);
    people::store(&mut world, people);
    work::tasks(&mut world, size.people / 40, &members);
}

/// What every generator needs.
struct World<'a> {
    core: &'a mut Core,
    schema: &'a Schema,
    dice: Dice,
    now: i64,
    people: Vec<Uuid>,
}

impl<'a> World<'a> {
    fn new(core: &'a mut Core, schema: &'a Schema) -> Option<Self> {
        schema.by_plural("funds")?;
        let dice = Dice::new(core.seed, PURPOSE);
        let now = core.now();
        Some(Self { core, schema, dice, now, people: Vec::new() })
    }

    /// The object of a plural name.
    fn object(&self, plural: &str) -> Option<(usize, &'a Object)> {
        self.schema.by_plural(plural)
    }

    /// An instant so many days ago at most, never in the future.
    fn ago(&mut self, days: i64) -> i64 {
        self.now - self.dice.between(0, days.max(1) * DAY)
    }
}

/// A row under construction.
struct Draft<'a> {
    object: &'a Object,
    row: Row,
}

impl<'a> Draft<'a> {
    /// A row with its defaults, made and last changed at these instants by this actor.
    fn new(object: &'a Object, id: Uuid, made: i64, changed: i64, place: usize, actor: &Json) -> Self {
        let cells = object.fields.iter().map(|field| default_of(field.default)).collect();
        let mut row = Row { id, written: 0, cells };
        let columns = object.columns;
        row.set(columns.id, Json::text(id.to_string()));
        row.set(columns.created_at, Json::int(made));
        row.set(columns.updated_at, Json::int(changed.max(made)));
        row.set(columns.position, Json::int(i64::try_from(place).unwrap_or(0) + 1));
        row.set(columns.created_by, actor.clone());
        row.set(columns.updated_by, actor.clone());
        Self { object, row }
    }

    /// Sets a column by name; a name the data model lacks is left out.
    fn with(mut self, column: &str, value: Json) -> Self {
        if let Some((index, _)) = self.object.column(column) {
            self.row.set(index, value);
        }
        self
    }

    /// As [`Draft::with`] for text, where empty text is absent.
    fn text(self, column: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(column, Json::text(value)) }
    }
}

fn default_of(preset: Preset) -> Json {
    match preset {
        Preset::None => Json::Null,
        Preset::Text(text) => Json::text(text),
        Preset::Int(number) => Json::int(number),
        Preset::Flag(flag) => Json::Bool(flag),
    }
}

/// Pounds and pence as the API holds money.
fn money(micros: i64) -> Json {
    Json::object([("amountMicros", Json::int(micros)), ("currencyCode", Json::text("GBP"))])
}

/// An actor of the user interface.
fn actor(member: &(Uuid, String), source: &'static str) -> Json {
    Json::object([
        ("source", Json::text(source)),
        ("workspaceMemberId", Json::text(member.0.to_string())),
        ("name", Json::text(member.1.clone())),
        ("context", Json::Null),
    ])
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::sim::twenty::{Options, Twenty};

    fn charity(seed: u64) -> Twenty {
        let size = Size { people: 300, gifts: 700 };
        Twenty::new(Options::new(seed, || 1_790_000_000_000_000).with_charity(size))
    }

    fn bytes(server: &Twenty) -> String {
        let plurals =
            ["people", "companies", "gifts", "appeals", "funds", "tasks", "taskTargets", "workspaceMembers"];
        plurals.map(|plural| serde_json::to_string(&server.records(plural)).expect("JSON")).join("\n")
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(bytes(&charity(11)), bytes(&charity(11)));
        assert_ne!(bytes(&charity(11)), bytes(&charity(12)));
    }

    #[test]
    fn the_numbers_are_as_ordered() {
        let server = charity(11);
        assert_eq!(server.records("people").len(), 300);
        assert_eq!(server.records("gifts").len(), 700);
    }

    #[test]
    fn nothing_lies_in_the_future_and_ids_are_version_four() {
        for record in charity(3).records("gifts") {
            let made = record["createdAt"].as_str().expect("an instant");
            assert!(made < "2026-09-21T14:13:20.001Z", "{made}");
            assert_eq!(record["id"].as_str().and_then(|id| id.as_bytes().get(14)), Some(&b'4'));
        }
    }

    #[test]
    fn rollups_agree_with_the_gifts() {
        let server = charity(5);
        let gifts = server.records("gifts");
        for person in server.records("people") {
            let own: Vec<_> = gifts.iter().filter(|gift| gift["donorId"] == person["id"]).collect();
            let sum: i64 = own.iter().filter_map(|gift| gift["amount"]["amountMicros"].as_i64()).sum();
            assert_eq!(person["lifetimeGiftAmount"]["amountMicros"].as_i64().unwrap_or(0), sum);
            assert_eq!(person["giftCount"].as_u64().unwrap_or(0), own.len() as u64);
        }
    }
}

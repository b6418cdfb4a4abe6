//! Every record in every recording is read and written again, and is then the same JSON, numbers compared as text. Keeps
//! out: a field that is dropped, a number that passed through a float, a date that was moved into another zone.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::{read, write};
use crate::ground::books::{Entity, Entry, Record};
use crate::ground::money::Currency;

/// Lists of one recording that are named otherwise than their kind.
const NAMED_OTHERWISE: &[(&str, Entity)] = &[
    ("accounts", Entity::Account),
    ("classes", Entity::Class),
    ("departments", Entity::Department),
    ("journal_entries", Entity::JournalEntry),
    ("purchases", Entity::Purchase),
    ("attachments", Entity::Attachable),
    ("preferences", Entity::Preferences),
];

pub(in crate::rails::qbo) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recordings/qbo")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn object(text: &str) -> Option<HashMap<String, Box<RawValue>>> {
    serde_json::from_str(text).ok()
}

fn array(text: &str) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(text).ok()
}

/// All records within a text; recordings of whole exchanges hold theirs in a text named `body`.
fn records(text: &str, found: &mut Vec<(Entity, String)>) {
    for value in array(text).unwrap_or_default() {
        records(value.get(), found);
    }
    for (name, value) in object(text).unwrap_or_default() {
        let exact = Entity::named(&name).filter(|entity| entity.name() == name);
        let otherwise = NAMED_OTHERWISE.iter().find(|(other, _)| *other == name).map(|(_, entity)| *entity);
        if let Some(entity) = exact.or(otherwise) {
            let all = array(value.get()).unwrap_or_else(|| vec![value]);
            let texts = all.into_iter().map(|value| value.get().to_owned());
            let of_record = |text: &String| object(text).is_some_and(|it| it.contains_key("Id"));
            found.extend(texts.filter(of_record).map(|text| (entity, text)));
        } else if name == "body" {
            records(&serde_json::from_str::<String>(value.get()).unwrap_or_default(), found);
        } else {
            records(value.get(), found);
        }
    }
}

/// All records of all recordings, with the file each stands in.
pub(in crate::rails::qbo) fn all() -> Vec<(PathBuf, Entity, String)> {
    let mut paths = Vec::new();
    files(&folder(), &mut paths);
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let mut found = Vec::new();
        records(&std::fs::read_to_string(&path).unwrap(), &mut found);
        all.extend(found.into_iter().map(|(entity, text)| (path.clone(), entity, text)));
    }
    all
}

/// Where two JSON texts differ; numbers are compared as text.
pub(super) fn difference(one: &str, other: &str) -> Option<String> {
    if let (Some(one), Some(other)) = (object(one), object(other)) {
        let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        return names.into_iter().find_map(|name| match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => difference(one.get(), other.get()).map(|at| format!("{name}.{at}")),
            _ => Some(format!("{name} is on one side only")),
        });
    }
    if let (Some(one), Some(other)) = (array(one), array(other)) {
        if one.len() != other.len() {
            return Some("lists of different lengths".into());
        }
        return one.iter().zip(&other).find_map(|(one, other)| difference(one.get(), other.get()));
    }
    let text =
        |value: &str| serde_json::from_str::<String>(value).unwrap_or_else(|_| format!("bare {value}"));
    (text(one) != text(other)).then(|| format!("{one} became {other}"))
}

fn is_record(entry: Entry) -> Option<Record> {
    match entry {
        Entry::Record(record) => Some(*record),
        Entry::Deleted { .. } => None,
    }
}

#[test]
fn every_recorded_record_is_written_as_it_was_read() {
    let usd: Currency = "USD".parse().unwrap();
    let mut counts: BTreeMap<Entity, (u32, u32)> = BTreeMap::new();
    for (path, entity, text) in all() {
        let count = counts.entry(entity).or_default();
        let entry = read(entity, &text, usd).unwrap_or_else(|aside| panic!("{path:?}: {aside:?}"));
        let Some(record) = is_record(entry) else {
            count.1 += 1;
            continue;
        };
        count.0 += 1;
        let written = write(&record);
        assert_eq!(difference(&text, &written), None, "{path:?} {entity:?} {}", record.id);
        let again = is_record(read(entity, &written, usd).unwrap()).unwrap();
        assert_eq!(write(&again), written, "{path:?} {entity:?} {}", record.id);
    }
    let of = |entity: Entity| counts.get(&entity).copied().unwrap_or_default();
    let whole: u32 = counts.values().map(|count| count.0).sum();
    assert!(whole > 300, "the recordings were not read: {counts:?}");
    for entity in [Entity::Account, Entity::Customer, Entity::Vendor, Entity::JournalEntry, Entity::Purchase]
    {
        assert!(of(entity).0 >= 10, "{entity:?}: {counts:?}");
    }
    for entity in
        [Entity::Item, Entity::Invoice, Entity::SalesReceipt, Entity::Preferences, Entity::Attachable]
    {
        assert!(of(entity).0 >= 1, "{entity:?}: {counts:?}");
    }
    assert!(of(Entity::Invoice).1 >= 1, "a deleted one");
}

#[test]
fn the_comparison_can_fail() {
    let one = r#"{"a":[{"b":100.00,"c":"é"}]}"#;
    assert_eq!(difference(one, r#"{ "a": [ { "c":"\u00e9", "b":100.00 } ] }"#), None);
    for other in [
        r#"{"a":[{"b":100.0,"c":"é"}]}"#,
        r#"{"a":[{"b":"100.00","c":"é"}]}"#,
        r#"{"a":[{"b":100.00}]}"#,
        r#"{"a":[{"b":100.00,"c":"é"},{}]}"#,
        r#"{"a":[{"b":100.00,"c":"e"}],"d":null}"#,
    ] {
        assert!(difference(one, other).is_some(), "{other}");
    }
}

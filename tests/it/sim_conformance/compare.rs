//! When two answers are alike: keys and their order, types, texts of errors, numbers of records.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// JSON with its members in order.
#[derive(Clone, Debug)]
pub(super) enum Ordered {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Ordered>),
    Object(Vec<(String, Ordered)>),
}

pub(super) struct OrderedVisitor;

impl<'de> Visitor<'de> for OrderedVisitor {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Ordered, E> {
        Ok(Ordered::Flag(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.to_string()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.to_string()))
    }
    fn visit_str<E>(self, text: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ordered, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Ordered::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Ordered::Object(members))
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrderedVisitor)
    }
}

/// Length of the list under `data`.
pub(super) fn list_length(body: &Ordered) -> Option<usize> {
    let Ordered::Object(members) = body else { return None };
    let (_, data) = members.iter().find(|(key, _)| key == "data")?;
    let Ordered::Object(members) = data else { return None };
    match members.first() {
        Some((_, Ordered::List(items))) => Some(items.len()),
        _ => None,
    }
}

/// Compares two bodies: keys with their order, types, and the texts of errors.
pub(super) fn differ(recorded: &Ordered, ours: &Ordered, deep: bool, path: &str) -> Option<String> {
    match (recorded, ours) {
        (Ordered::Object(recorded), Ordered::Object(ours)) => {
            let mut theirs: Vec<&String> = recorded.iter().map(|(key, _)| key).collect();
            let mut own: Vec<&String> = ours.iter().map(|(key, _)| key).collect();
            if deep {
                // At depth 1 the real server adds relations as its queries come back: any order.
                theirs.sort();
                own.sort();
            }
            if theirs != own {
                return Some(format!("{path}: keys {own:?}, recorded {theirs:?}"));
            }
            recorded.iter().find_map(|(key, value)| {
                let other = ours.iter().find(|(name, _)| name == key).map(|(_, other)| other)?;
                differ(value, other, deep, &format!("{path}.{key}"))
            })
        }
        (Ordered::List(recorded), Ordered::List(ours)) => {
            if recorded.len() != ours.len() && !(deep && path.matches('.').count() > 2) {
                return Some(format!("{path}: {} elements, recorded {}", ours.len(), recorded.len()));
            }
            let mut pairs = recorded.iter().zip(ours);
            pairs.find_map(|(recorded, ours)| differ(recorded, ours, deep, &format!("{path}[]")))
        }
        (Ordered::Text(recorded), Ordered::Text(ours)) => {
            let is_error = [".messages[]", ".error", ".code", ".message"].contains(&path);
            (is_error && recorded != ours).then(|| format!("{path}: {ours:?}, recorded {recorded:?}"))
        }
        (Ordered::Flag(recorded), Ordered::Flag(ours)) => {
            (recorded != ours).then(|| format!("{path}: {ours}, recorded {recorded}"))
        }
        (Ordered::Number(recorded), Ordered::Number(ours)) => {
            let fixed = path.ends_with("amountMicros") || path == ".statusCode";
            (fixed && recorded != ours).then(|| format!("{path}: {ours}, recorded {recorded}"))
        }
        (Ordered::Null, Ordered::Null) => None,
        (recorded, ours) => Some(format!("{path}: {ours:?}, recorded {recorded:?}")),
    }
}

/// The tokens of a JSON text, values reduced to their type; a text that breaks off is fine.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => match string_end(rest) {
                Some(end) => end,
                None => return tokens,
            },
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => match rest.find(['{', '}', '[', ']', ',', ':', '"']) {
                Some(end) => end,
                None => return tokens,
            },
        };
        let (token, tail) = rest.split_at(length);
        rest = tail;
        tokens.push(match first {
            '"' if rest.starts_with(':') => token.to_owned(),
            '"' => "text".to_owned(),
            '-' | '0'..='9' => "number".to_owned(),
            _ => token.to_owned(),
        });
    }
    tokens
}

/// Where a string that begins here ends.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, letter)| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

/// What is left of a cut body must be the beginning of ours, token by token.
pub(super) fn cut_difference(recorded: &str, ours: &str) -> Option<String> {
    let front = recorded.split("\n……").next().unwrap_or_default();
    let (mut recorded, ours) = (tokens(front), tokens(ours));
    // The last token may be half of something.
    recorded.pop();
    let at = recorded.iter().zip(&ours).position(|(recorded, ours)| recorded != ours)?;
    let around = |tokens: &[String]| tokens[at.saturating_sub(6)..(at + 2).min(tokens.len())].join("");
    Some(format!("near {}, recorded {}", around(&ours), around(&recorded)))
}

/// Remembers which id or time of ours stands where the recording has one of its own.
pub(super) fn learn(recorded: &Ordered, ours: &Ordered, ids: &mut BTreeMap<String, String>) {
    match (recorded, ours) {
        (Ordered::Object(recorded), Ordered::Object(ours)) => {
            for (key, value) in recorded {
                if let Some((_, other)) = ours.iter().find(|(name, _)| name == key) {
                    learn(value, other, ids);
                }
            }
        }
        (Ordered::List(recorded), Ordered::List(ours)) => {
            recorded.iter().zip(ours).for_each(|(recorded, ours)| learn(recorded, ours, ids));
        }
        (Ordered::Text(recorded), Ordered::Text(ours)) => {
            let is_id = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
            let is_time = |text: &str| text.len() == 24 && text.ends_with('Z') && text.contains('T');
            if recorded != ours && (is_id(recorded) && is_id(ours) || is_time(recorded) && is_time(ours)) {
                ids.insert(recorded.clone(), ours.clone());
            }
        }
        _ => {}
    }
}

/// Collects values that differ though the computation should give the same ones.
pub(super) fn unequal(recorded: &Ordered, ours: &Ordered, title: &str, path: &str, found: &mut Vec<String>) {
    match (recorded, ours) {
        (Ordered::Object(recorded), Ordered::Object(ours)) => {
            for (key, value) in recorded {
                if let Some((_, other)) = ours.iter().find(|(name, _)| name == key) {
                    unequal(value, other, title, &format!("{path}.{key}"), found);
                }
            }
        }
        (Ordered::List(recorded), Ordered::List(ours)) => {
            for (recorded, ours) in recorded.iter().zip(ours) {
                unequal(recorded, ours, title, path, found);
            }
        }
        (Ordered::Text(recorded), Ordered::Text(ours)) if recorded != ours => {
            let own = ["id", "Id", "At", "Cursor", "By.name", "dentifier", "secret", "oken"]
                .iter()
                .any(|end| path.ends_with(end));
            if !own {
                found.push(format!("{title}: {path} {ours:?}, recorded {recorded:?}"));
            }
        }
        (Ordered::Number(recorded), Ordered::Number(ours)) if recorded != ours => {
            found.push(format!("{title}: {path} {ours}, recorded {recorded}"));
        }
        _ => {}
    }
}

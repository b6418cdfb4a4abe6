//! Addresses with filters, in exactly the grammar Twenty reads (contract 1.3, 1.4).
//!
//! A filter is one parameter, and there is always one: Twenty ignores parameters it does not know, and two
//! `filter=` bring everything back (recording 03).

use uuid::Uuid;

use super::write::Guard;
use crate::ground::time::Instant;

/// Both living and soft-deleted records: naming `deletedAt` lifts the hiding (contract 6.2).
const ALSO_DELETED: &str = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)";
/// Records a page holds at most (contract 1.3).
const PAGE_MAX: usize = 200;

/// Which page of a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageAsk {
    /// Only records changed since then.
    pub since: Option<Instant>,
    /// Where to go on.
    pub cursor: Option<String>,
}

pub(super) fn page(plural: &str, ask: &PageAsk) -> String {
    let filter = match ask.since {
        Some(since) => format!("and(updatedAt[gte]:\"{}\",{ALSO_DELETED})", millis(since)),
        None => ALSO_DELETED.to_owned(),
    };
    let mut path = format!("/rest/{plural}?limit={PAGE_MAX}&depth=0&filter={}", encoded(&filter));
    if let Some(cursor) = &ask.cursor {
        path.push_str("&starting_after=");
        path.push_str(&encoded(cursor));
    }
    path
}

pub(super) fn probe(plural: &str, ids: &[Uuid]) -> String {
    let list: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let filter = format!("and(id[in]:[{}],{ALSO_DELETED})", list.join(","));
    format!("/rest/{plural}?limit={PAGE_MAX}&depth=0&filter={}", encoded(&filter))
}

/// The record as it was seen, and nothing else (contract 6.1). Times are told in whole milliseconds, cut.
pub(super) fn guarded(plural: &str, Guard { id, seen }: Guard) -> String {
    let (from, to) = (millis(seen), millis(seen.plus_millis(1)));
    let filter =
        format!("and(id[eq]:\"{id}\",deletedAt[is]:NULL,updatedAt[gte]:\"{from}\",updatedAt[lt]:\"{to}\")");
    format!("/rest/{plural}?depth=0&filter={}", encoded(&filter))
}

/// The same for the bin. Without the word at the end Twenty destroys for good (contract 1.1).
pub(super) fn guarded_bin(plural: &str, guard: Guard) -> String {
    format!("{}&soft_delete=true", guarded(plural, guard))
}

/// How many records there are, soft-deleted ones included, and none of them (contract 1.3).
pub(super) fn count(plural: &str) -> String {
    format!("/rest/{plural}?limit=0&depth=0&filter={}", encoded(ALSO_DELETED))
}

pub(super) fn metadata_objects(after: Option<&str>) -> String {
    let mut path = "/rest/metadata/objects?limit=200".to_owned();
    if let Some(after) = after {
        path.push_str("&starting_after=");
        path.push_str(&encoded(after));
    }
    path
}

/// Twenty compares in whole milliseconds; rounding down never misses a record.
fn millis(instant: Instant) -> String {
    let text = instant.to_string();
    match text.split_once('.') {
        Some((head, fraction)) => format!("{head}.{}Z", &fraction[..3]),
        None => text,
    }
}

/// Percent-encodes everything but unreserved characters.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit =
                |nibble: u8| char::from_digit(u32::from(nibble), 16).map_or('0', |c| c.to_ascii_uppercase());
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(path: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = path.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn filters_read_as_the_contract_writes_them() {
        let since = "2026-11-22T07:23:49.544999Z".parse().unwrap();
        let ask = PageAsk { since: Some(since), cursor: Some("eyJpZCI6IjYzIn0=".into()) };
        assert_eq!(
            decoded(&page("people", &ask)),
            "/rest/people?limit=200&depth=0&filter=and(updatedAt[gte]:\"2026-11-22T07:23:49.544Z\",\
             or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL))&starting_after=eyJpZCI6IjYzIn0="
        );
        let id = Uuid::from_u128(1);
        assert_eq!(
            decoded(&probe("gifts", &[id, id])),
            format!(
                "/rest/gifts?limit=200&depth=0&filter=and(id[in]:[\"{id}\",\"{id}\"],or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL))"
            )
        );
        let guard = Guard { id, seen: since };
        assert_eq!(
            decoded(&guarded("people", guard)),
            format!(
                "/rest/people?depth=0&filter=and(id[eq]:\"{id}\",deletedAt[is]:NULL,\
                 updatedAt[gte]:\"2026-11-22T07:23:49.544Z\",updatedAt[lt]:\"2026-11-22T07:23:49.545Z\")"
            )
        );
        assert_eq!(guarded_bin("people", guard), format!("{}&soft_delete=true", guarded("people", guard)));
        assert!(page("people", &ask).is_ascii());
        assert_eq!(page("people", &ask).matches("filter=").count(), 1);
    }
}

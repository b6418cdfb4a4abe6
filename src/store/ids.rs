//! Takes the ids out of a record's text before it is packed, and puts them back.
//!
//! Half of what is left of a packed record are the random digits of its ids: as text they cost 22 bytes each, as
//! bytes 16, and the record's own id nothing, since the entry's header has it.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Stands for the record's own id. No JSON text holds such a byte: control characters are escaped there.
const OWN: u8 = 1;
/// Stands for the next of the other ids.
const OTHER: u8 = 2;

/// A text without its ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Without {
    pub(super) text: Vec<u8>,
    /// Sixteen bytes each, in the order of their places.
    pub(super) ids: Vec<u8>,
}

/// Takes out what stands as a quoted id in its usual form; nothing when the text itself holds the marks.
pub(super) fn take_out(json: &str, own: Option<Uuid>) -> Option<Without> {
    let bytes = json.as_bytes();
    if bytes.iter().any(|byte| matches!(*byte, OWN | OTHER)) {
        return None;
    }
    let mut out = Without { text: Vec::with_capacity(bytes.len()), ids: Vec::new() };
    let mut from = 0;
    let mut at = 0;
    while let Some(quote) = bytes[at..].iter().position(|byte| *byte == b'"') {
        at += quote + 1;
        let Some(id) = bytes.get(at..at + Hyphenated::LENGTH).and_then(read) else { continue };
        out.text.extend_from_slice(&bytes[from..at]);
        if Some(id) == own {
            out.text.push(OWN);
        } else {
            out.text.push(OTHER);
            out.ids.extend_from_slice(id.as_bytes());
        }
        at += Hyphenated::LENGTH;
        from = at;
    }
    out.text.extend_from_slice(&bytes[from..]);
    Some(out)
}

/// An id in the one form that is written back the same.
fn read(text: &[u8]) -> Option<Uuid> {
    let dashed = text[8] == b'-' && text[13] == b'-' && text[18] == b'-' && text[23] == b'-';
    if !dashed || text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    Uuid::try_parse_ascii(text).ok()
}

/// Puts the ids back; nothing when they do not fit.
pub(super) fn put_back(text: &[u8], ids: &[u8], own: Option<Uuid>) -> Option<String> {
    let (mut ids, rest) = ids.as_chunks::<16>();
    let mut out = Vec::with_capacity(text.len() + (ids.len() + 1) * Hyphenated::LENGTH);
    let mut from = 0;
    let mut buffer = [0; Hyphenated::LENGTH];
    for (at, byte) in text.iter().enumerate().filter(|(_, byte)| matches!(**byte, OWN | OTHER)) {
        let id = if *byte == OWN {
            own?
        } else {
            let (first, others) = ids.split_first()?;
            ids = others;
            Uuid::from_bytes(*first)
        };
        out.extend_from_slice(&text[from..at]);
        out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
    (ids.is_empty() && rest.is_empty()).then(|| String::from_utf8(out).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWN_ID: Uuid = Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);

    #[test]
    fn ids_are_taken_out_once_and_for_all() {
        let other = Uuid::from_u128(77);
        let json =
            format!(r#"{{"id":"{OWN_ID}","a":"{other}","b":"x {other}","up":"{:X}"}}"#, other.hyphenated());
        let without = take_out(&json, Some(OWN_ID)).unwrap();
        assert_eq!(without.ids, other.as_bytes());
        assert!(without.text.starts_with(b"{\"id\":\"\x01\",\"a\":\"\x02\",\"b\":\"x "));
        assert_eq!(put_back(&without.text, &without.ids, Some(OWN_ID)).unwrap(), json);
        assert_eq!(put_back(&without.text, &[], Some(OWN_ID)), None);
        assert_eq!(put_back(&without.text, &without.ids[1..], Some(OWN_ID)), None);
        assert_eq!(put_back(&without.text, &[without.ids.clone(), vec![0; 16]].concat(), Some(OWN_ID)), None);
        assert_eq!(put_back(&without.text, &without.ids, None), None);
        assert_eq!(take_out("\"\u{1}\"", None), None);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(parts in prop::collection::vec(prop_oneof![
            "[^\u{1}\u{2}]{0,12}", Just(format!("\"{OWN_ID}")), any::<u128>().prop_map(|n| format!("\"{}\"", Uuid::from_u128(n)))
        ], 0..12)) {
            let text = parts.concat();
            let without = take_out(&text, Some(OWN_ID)).unwrap();
            prop_assert_eq!(put_back(&without.text, &without.ids, Some(OWN_ID)), Some(text));
        }
    }
}

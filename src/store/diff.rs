//! Which fields of a record changed, told from the JSON texts before and after.
//!
//! Values are compared as texts, so that a number is never read into a float and back. Objects are compared
//! field by field two levels deep (a composite such as `amount` and its parts); everything else as a whole.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::codec::FieldChange;

type Fields<'j> = BTreeMap<String, &'j RawValue>;

/// The changed fields, in the order of their names. Records that are not objects differ as a whole.
pub(super) fn diff(before: &str, after: &str) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    match (fields(before), fields(after)) {
        (Some(before), Some(after)) => compare("", &before, &after, 1, &mut changes),
        _ if before != after => changes.push(change("", Some(before), Some(after))),
        _ => {}
    }
    changes
}

fn fields(json: &str) -> Option<Fields<'_>> {
    serde_json::from_str(json).ok()
}

fn compare(path: &str, before: &Fields<'_>, after: &Fields<'_>, depth: usize, out: &mut Vec<FieldChange>) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (old, new) = (before.get(name).map(|v| v.get()), after.get(name).map(|v| v.get()));
        if old == new {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let parts = old.zip(new).filter(|_| depth < 2).and_then(|(old, new)| fields(old).zip(fields(new)));
        match parts {
            Some((old, new)) => compare(&path, &old, &new, depth + 1, out),
            None => out.push(change(&path, old, new)),
        }
    }
}

fn change(field: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_changed_part_with_its_exact_text() {
        let before = r#"{"a":1,"amount":{"amountMicros":9007199254740993,"currencyCode":"GBP"},"gone":true,"same":[1]}"#;
        let after = r#"{"amount":{"amountMicros":9007199254740992,"currencyCode":"GBP"},"a":1,"new":null,"same":[1]}"#;
        let told: Vec<_> = diff(before, after).into_iter().map(|c| (c.field, c.before, c.after)).collect();
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            told,
            [
                ("amount.amountMicros".to_owned(), text("9007199254740993"), text("9007199254740992")),
                ("gone".to_owned(), text("true"), None),
                ("new".to_owned(), None, text("null")),
            ]
        );
        assert!(diff(after, after).is_empty());
    }

    #[test]
    fn what_is_no_object_differs_as_a_whole() {
        assert_eq!(diff("1", "2").len(), 1);
        assert!(diff("1", "1").is_empty());
    }
}

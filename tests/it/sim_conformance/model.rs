//! Descriptions of objects and fields: compared by name, as their order depends on ids.

use serde_json::Value;

use super::compare::Ordered;

/// Members that are each workspace's own.
const OWN: [&str; 11] = [
    "id",
    "universalIdentifier",
    "applicationId",
    "workspaceId",
    "objectMetadataId",
    "labelIdentifierFieldMetadataId",
    "imageIdentifierFieldMetadataId",
    "createdAt",
    "updatedAt",
    "morphId",
    "junctionTargetFieldId",
];

/// A description without what is the workspace's own: its keys in order, and its values.
fn shape(value: &Ordered) -> String {
    match value {
        Ordered::Null => "null".to_owned(),
        Ordered::Flag(flag) => flag.to_string(),
        Ordered::Number(number) => number.clone(),
        Ordered::Text(text) => format!("{text:?}"),
        Ordered::List(items) => items.iter().map(shape).collect::<Vec<_>>().join(","),
        Ordered::Object(members) => {
            let members = members.iter().filter(|(key, _)| key != "fields").map(|(key, value)| {
                if OWN.contains(&key.as_str()) {
                    format!("{key}=…")
                } else {
                    format!("{key}={}", shape(value))
                }
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// Every complete description in a reply, cut or not.
fn descriptions(reply: &str) -> Vec<String> {
    let starts = reply.match_indices("{\"id\":\"").map(|(at, _)| at);
    let parsed = starts.filter_map(|at| {
        let rest = serde_json::Deserializer::from_str(&reply[at..]);
        rest.into_iter::<Ordered>().next()?.ok()
    });
    let described = |value: &Ordered| match value {
        Ordered::Object(members) => members.iter().any(|(key, _)| key == "universalIdentifier"),
        _ => false,
    };
    parsed.filter(described).map(|value| shape(&value)).collect()
}

/// Why our descriptions are not the recorded ones. A page of ours may show other objects, so those
/// recorded but absent are looked for in the whole model by whoever calls.
pub(super) fn difference(reply: &str, ours: &str) -> Option<String> {
    let ours_parsed: Value = serde_json::from_str(ours).expect("the simulator writes JSON");
    // The members around the list, after it.
    let tail = |text: &str| text.rfind("\"pageInfo\"").map(|at| text[at..].to_owned());
    let flat = |text: String| text.split('"').filter(|part| part.len() != 36).collect::<Vec<_>>().join("\"");
    let (recorded_tail, our_tail) = (tail(reply).map(flat), tail(ours).map(flat));
    if recorded_tail != our_tail {
        return Some(format!("around the list {our_tail:?}, recorded {recorded_tail:?}"));
    }
    let own = descriptions(ours);
    let whole =
        ours_parsed["totalCount"].as_u64().is_none() || ours_parsed["pageInfo"]["hasNextPage"] == false;
    if own.is_empty() {
        return Some("no description at all".to_owned());
    }
    if !whole {
        return None;
    }
    let missing = descriptions(reply).into_iter().find(|wanted| !own.contains(wanted));
    missing.map(|wanted| format!("not there: {wanted}"))
}

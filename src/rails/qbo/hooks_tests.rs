//! What webhooks of both forms tell; beside the rail, since the ground reads no JSON.

use crate::ground::books::EntityId;
use crate::ground::webhook::qbo::{Payload, Told};

fn told(body: &str) -> Told {
    serde_json::from_str::<Payload>(body).unwrap().told()
}

#[test]
fn both_forms_tell_the_same_with_companies_mixed() {
    let classic = told(
        r#"{"eventNotifications":[
            {"realmId":"310687","dataChangeEvent":{"entities":[
                {"name":"Invoice","id":"130","operation":"Update","lastUpdated":"2026-05-05T10:13:29.000Z"},
                {"name":"Customer","id":"7","operation":"Merge","deletedId":"12","lastUpdated":"2026-05-05T03:13:31-07:00"},
                {"name":"Estimate","id":"8","operation":"Create"}]}},
            {"realmId":"99","dataChangeEvent":{"entities":[{"name":"Invoice","id":"130","operation":"Void"}]}}]}"#,
    );
    let events = told(
        r#"[{"specversion":"1.0","id":"a","source":"intuit.x=>","type":"qbo.invoice.updated.v1","time":"2026-05-05T10:13:29.000000000Z",
             "intuitentityid":"130","intuitaccountid":"310687","data":{}},
            {"id":"b","type":"qbo.customer.merged.v1","time":"2026-05-05T10:13:31Z","intuitentityid":"7",
             "intuitaccountid":"310687","data":{"deletedId":"12"}},
            {"id":"c","type":"qbo.estimate.created.v1","intuitentityid":"8","intuitaccountid":"310687"},
            {"id":"d","type":"qbo.invoice.voided.v1","intuitentityid":"130","intuitaccountid":"99"}]"#,
    );
    assert_eq!(classic, events);
    assert_eq!((classic.events.len(), classic.others), (3, 1));
    assert_eq!(classic.events[1].merged_from, EntityId::new("12"));
    assert_ne!(classic.events[0].realm, classic.events[2].realm, "equal ids of two companies");
}

#[test]
fn what_is_not_ours_is_counted_and_harms_nothing() {
    let odd = told(
        r#"[{"type":"qbo.invoice","intuitentityid":"1","intuitaccountid":"2"},
            {"type":"ramp.invoice.updated.v1","intuitentityid":"1","intuitaccountid":"2"},
            {"type":"qbo.invoice.updated.v1","intuitentityid":"../1","intuitaccountid":"2"},
            {"type":"qbo.invoice.updated.v1","intuitentityid":"1","intuitaccountid":"x"}]"#,
    );
    assert_eq!((odd.events.len(), odd.others), (0, 4));
    assert!(serde_json::from_str::<Payload>(r#"{"a":1}"#).is_err());
}

//! What the workspace lacks, as callers are told.

use almoner::sim::faults::{Fault, Plan};

use super::*;

#[test]
fn what_the_workspace_lacks_is_told_with_what_that_disables() {
    let mut api = Api::new();
    let lack = |sync: &Value, object: &str, field: &Value| {
        let lacks = sync["lacks"].as_array().unwrap().clone();
        lacks.into_iter().find(|lack| lack["object"] == object && lack["field"] == *field)
    };
    let sync = api.get("/api/sync").body;
    assert_eq!(
        lack(&sync, "households", &Value::Null),
        Some(json!({
            "object": "households", "field": null, "label": "Households",
            "disables": "writing once to people who live together", "reason": null,
        }))
    );
    assert_eq!(lack(&sync, "gifts", &json!("giftDate")), None);
    // Somebody renames a field in Twenty; the next pass sees it.
    let renamed =
        Fault::FieldRenamed { object: "gifts".into(), field: "giftDate".into(), to: "dateOfGift".into() };
    api.outside.twenty.set_faults(Plan::none().at(1, renamed));
    api.outside.advance_ms(16 * 60_000);
    assert_eq!(api.outside.settle(&mut api.process), Settled::Quiet);
    let told = lack(&api.get("/api/sync").body, "gifts", &json!("giftDate")).unwrap();
    assert_eq!(told["disables"], "posting gifts at all");
    assert!(told["reason"].as_str().unwrap().starts_with("dateOfGift has the same label"), "{told}");
}

//! Gifts that existing callers correct and delete: never the accounts, never somebody else's change, once.

use super::*;

/// A provisioned workspace with one gift; its id.
fn with_gift() -> (Api, String) {
    let mut api = provisioned();
    let gift = json!({
        "name": "Gift", "amount": { "amountMicros": 25_000_000, "currencyCode": "GBP" }, "giftDate": "2026-11-20",
        "donorId": api.donor(),
    });
    let gift = api.outside.create("gifts", &gift).to_string();
    api.process.sync_now();
    api.settle();
    (api, gift)
}

#[test]
fn a_gift_is_coded_and_described_and_its_accounts_stay() {
    let (mut api, gift) = with_gift();
    let fund = api.outside.create("funds", &json!({ "name": "Roof fund" }));
    let appeal = api.outside.create("appeals", &json!({ "name": "Roof", "defaultFundId": fund })).to_string();
    let other = api.outside.create("appeals", &json!({ "name": "Boat" })).to_string();
    let source =
        api.outside.create("appealSources", &json!({ "name": "Letter", "appealId": appeal })).to_string();
    api.process.sync_now();
    api.settle();
    let path = format!("/gifts/{gift}");
    let told = api.well("PATCH", &path, &json!({ "notes": " Spring lunch " }));
    assert_eq!(told["data"]["updateGift"]["description"], "Spring lunch");
    assert!(told["meta"]["asOf"].is_string());
    // A source fills in its appeal, and that the fund.
    let told = api.well("PATCH", &path, &json!({ "appealSourceId": source }));
    let coded = &told["data"]["updateGift"];
    assert_eq!(
        (&coded["appealId"], &coded["fundId"], &coded["description"]),
        (&json!(appeal), &json!(fund), &json!("Spring lunch"))
    );
    let wrong = api.served("PATCH", &path, &json!({ "appealId": other }));
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["detail"], "Selected appeal source does not belong to the selected appeal.");
    let told = api.well("PATCH", &path, &json!({ "appealId": other, "appealSourceId": null }));
    assert_eq!(told["data"]["updateGift"]["fundId"], json!(fund), "a fund that is there is not overruled");
    // As wanted already: the old service answered with the record.
    let same = api.well("PATCH", &path, &json!({ "description": "Spring lunch" }));
    assert_eq!(same["data"]["updateGift"]["id"], json!(gift));
    for (field, value) in [
        ("amount", json!({ "amountMicros": 1, "currencyCode": "GBP" })),
        ("donorId", json!(NOBODY)),
        ("contactId", json!(NOBODY)),
        ("giftDate", json!("2026-11-21")),
        ("paymentMethod", json!("card")),
        ("giftAidStatus", json!("CLAIMABLE")),
        ("recurringAgreementId", json!(NOBODY)),
    ] {
        let reply = api.served("PATCH", &path, &json!({ field: value }));
        assert_eq!(reply.status, 400, "{field}: {}", reply.text);
        assert!(text(&reply.body["detail"]).contains("part of the accounts"), "{field}: {}", reply.text);
    }
    let there = api.there("gifts", &gift);
    assert_eq!(
        (&there["amount"]["amountMicros"], &there["giftDate"]),
        (&json!(25_000_000), &json!("2026-11-20"))
    );
    assert_eq!(api.edits(), 0);
}

#[test]
fn a_lost_reply_changes_a_gift_once() {
    let (mut api, gift) = with_gift();
    api.lose_a_reply();
    let told = api.well("PATCH", &format!("/gifts/{gift}"), &json!({ "description": "Roof" }));
    assert_eq!(told["data"]["updateGift"]["description"], "Roof");
    let writes = api.outside.twenty.request_log();
    let writes = writes
        .iter()
        .filter(|call| call.method == http::Method::PATCH && call.path.starts_with("/rest/gifts"));
    assert_eq!(writes.count(), 1);
    api.process.sync_now();
    api.settle();
    let history = api.get(&format!("/api/journal?subject={gift}&limit=100")).body;
    let changed = |entry: &&Value| entry["changes"].to_string().contains("\"description\"");
    assert_eq!(history["data"].as_array().unwrap().iter().filter(changed).count(), 1, "{history}");
}

#[test]
fn somebody_elses_change_is_not_overwritten() {
    let (mut api, gift) = with_gift();
    api.outside.advance_ms(2_000);
    assert!(api.outside.twenty.edit("gifts", gift.parse().unwrap(), &json!({ "description": "Theirs" })));
    let reply = api.served("PATCH", &format!("/gifts/{gift}"), &json!({ "description": "Ours" }));
    assert_eq!((reply.status.as_u16(), api.edits()), (409, 1), "{}", reply.text);
    assert!(text(&reply.body["detail"]).contains("Sync page"));
    assert_eq!(api.there("gifts", &gift)["description"], "Theirs");
}

#[test]
fn what_twenty_refuses_is_told_and_not_left_behind() {
    let (mut api, gift) = with_gift();
    let reply = api.served("PATCH", &format!("/gifts/{gift}"), &json!({ "opportunityId": NOBODY }));
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(text(&reply.body["message"]).starts_with("Twenty refused this"), "{}", reply.text);
    assert_eq!(api.edits(), 0, "whoever asked knows");
}

#[test]
fn a_gift_is_deleted_softly_once_and_no_other_is_touched() {
    let (mut api, gift) = with_gift();
    let other = api.outside.create("gifts", &json!({ "name": "Other" })).to_string();
    api.process.sync_now();
    api.settle();
    let before = api.there("gifts", &other);
    api.lose_a_reply();
    let told = api.well("DELETE", &format!("/gifts/{gift}"), &Value::Null);
    assert_eq!(told["data"], json!({ "deleteGift": { "id": gift } }));
    assert!(!api.there("gifts", &gift)["deletedAt"].is_null(), "it is in the bin, not gone");
    assert_eq!(api.there("gifts", &other), before);
    let log = api.outside.twenty.request_log();
    assert_eq!(log.iter().filter(|call| call.method == http::Method::DELETE).count(), 1);
    assert_eq!(api.get(&format!("/api/fundraising/gifts/{gift}")).status, 404);
    assert_eq!(api.get("/api/fundraising/gifts").body["totalCount"], 1);
    assert_eq!(api.edits(), 0);
    let again = api.well("DELETE", &format!("/gifts/{gift}"), &Value::Null);
    assert_eq!(again["data"]["deleteGift"]["id"], json!(gift));
    let log = api.outside.twenty.request_log();
    assert_eq!(
        log.iter().filter(|call| call.method == http::Method::DELETE).count(),
        1,
        "nothing was left to do"
    );
    let entry = api.get(&format!("/api/journal?subject={gift}&limit=1")).body["data"][0].clone();
    assert_eq!(entry["op"], "deleted", "{entry}");
}

#[test]
fn every_fault_deletes_once_or_not_at_all() {
    for fault in [
        Fault::Refused,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayAfter(503),
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
        Fault::Storm(3),
    ] {
        for call in 1..=3 {
            let outside = Outside::new(700 + call);
            let gift = outside.create("gifts", &json!({ "name": "Gift" })).to_string();
            let kept = outside.create("gifts", &json!({ "name": "Other" })).to_string();
            let process = outside.boot();
            let mut api = Api::over(outside, process);
            api.outside.twenty.set_faults(Plan::none().at(call, fault.clone()));
            let reply = api.served("DELETE", &format!("/gifts/{gift}"), &Value::Null);
            assert_eq!(reply.status, 200, "{fault:?} at call {call}: {}", reply.text);
            assert!(!api.there("gifts", &gift)["deletedAt"].is_null(), "{fault:?} at call {call}");
            assert!(api.there("gifts", &kept)["deletedAt"].is_null(), "{fault:?} at call {call}");
            assert_eq!(api.edits(), 0, "{fault:?} at call {call}");
        }
    }
}

#[test]
fn a_gift_that_changed_or_that_something_rests_on_is_kept() {
    let (mut api, gift) = with_gift();
    let path = format!("/gifts/{gift}");
    let id = gift.parse().unwrap();
    let refused = |api: &mut Api, words: &str| {
        let reply = api.served("DELETE", &path, &Value::Null);
        assert_eq!(reply.status, 409, "{}", reply.text);
        assert!(text(&reply.body["detail"]).contains(words), "{}", reply.text);
        assert!(api.there("gifts", &gift)["deletedAt"].is_null());
    };
    api.outside.advance_ms(2_000);
    assert!(api.outside.twenty.edit("gifts", id, &json!({ "description": "Look here first" })));
    refused(&mut api, "Somebody changed the record");
    assert_eq!(api.edits(), 0);
    let payout = api.outside.create("giftPayouts", &json!({ "name": "P" }));
    for (change, words) in [
        (json!({ "receiptStatus": "SENT" }), "receipt"),
        (json!({ "receiptStatus": null, "giftPayoutId": payout }), "payout"),
        (
            json!({ "giftPayoutId": null, "refundedAmount": { "amountMicros": 1, "currencyCode": "GBP" } }),
            "refunded",
        ),
    ] {
        api.outside.advance_ms(2_000);
        assert!(api.outside.twenty.edit("gifts", id, &change), "{change}");
        api.process.sync_now();
        api.settle();
        refused(&mut api, words);
    }
    let log = api.outside.twenty.request_log();
    assert!(log.iter().all(|call| call.method != http::Method::DELETE));
}

#[test]
fn a_pending_gift_is_neither_changed_nor_deleted() {
    let mut api = Api::new();
    let staged = api.staged(25_000_000);
    let row = format!("/api/fundraising/gift-staging/{staged}/status");
    assert_eq!(api.patch(&row, &json!({ "processingStatus": "ready_for_process" })).status, 200);
    assert_eq!(api.post("/api/fundraising/gift-staging/process-ready", &json!({})).status, 200);
    let run = api.process.means.store.snapshot().unwrap().ledger().active_runs().unwrap().remove(0).value.id;
    let mut gift = Value::Null;
    while gift.is_null() {
        api.outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply));
        api.process.step_run(run);
        gift =
            api.get(&format!("/api/fundraising/gift-staging/{staged}")).body["data"]["giftStaging"]["gift"]
                .clone();
    }
    let path = format!("/api/fundraising/gifts/{}", text(&gift["id"]));
    assert_eq!(api.get(&path).body["meta"]["state"], "pending");
    for (method, body) in [("PATCH", r#"{"description":"x"}"#), ("DELETE", "")] {
        let reply = api.call_with(method, &path, body, &[]);
        assert!(
            reply.status == 409 && reply.text.contains("on its way to Twenty"),
            "{method}: {}",
            reply.text
        );
    }
}

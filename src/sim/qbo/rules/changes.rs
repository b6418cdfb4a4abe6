//! Change data capture, batches and webhooks (checklist 19, 20, 29).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{DAY, SECOND, World, id, refused};
use crate::sim::digest::hmac_sha256;
use crate::sim::faults::HookFault;
use crate::sim::qbo::{CdcHabits, Form, Kind};

fn cdc(world: &World, kinds: &str, since: &str) -> Value {
    world.get(&format!("cdc?entities={kinds}&changedSince={since}")).json()["CDCResponse"][0]["QueryResponse"]
        .clone()
}

#[test]
fn changes_come_by_kind_in_order_with_tombstones_for_thirty_days() {
    let world = World::new();
    let donor = world.donor("Ada");
    let (one, two) = (world.invoice(&donor, "1"), world.invoice(&donor, "2"));
    world.pass(10 * SECOND);
    world.made("invoice?operation=delete", &json!({"Id": id(&one), "SyncToken": "0"}));
    world.pass(10 * SECOND);
    let body = json!({"Id": id(&two), "SyncToken": "0", "sparse": true, "CustomerRef": {"value": donor}, "PrivateNote": "x"});
    world.made("invoice", &body);
    let lists = cdc(&world, "Invoice,Bill,payment", "2026-05-01T09:59:59-07:00");
    assert_eq!(lists.as_array().unwrap().len(), 3);
    assert_eq!((&lists[1], &lists[2]), (&json!({}), &json!({})));
    let invoices = lists[0]["Invoice"].as_array().unwrap();
    assert_eq!(
        invoices[0],
        json!({"domain": "QBO", "status": "Deleted", "Id": id(&one),
        "MetaData": {"LastUpdatedTime": "2026-05-01T10:00:10-07:00"}})
    );
    assert_eq!(
        (&invoices[1]["PrivateNote"], &lists[0]["maxResults"], &lists[0]["totalCount"]),
        (&json!("x"), &json!(2), &json!(2))
    );
    let after = cdc(&world, "Invoice", "2026-05-01T10:00:15-07:00");
    assert_eq!(after[0]["Invoice"].as_array().unwrap().len(), 1);
    world.pass(31 * DAY);
    let tokens = world.server.connect(&world.realm);
    let world = World { tokens, ..world };
    let old = world.get("cdc?entities=Invoice&changedSince=2026-05-01T10:00:00-07:00");
    assert_eq!(old.status, 400);
    assert!(old.text.contains("changedSince") && old.text.contains("30 days"));
    assert_eq!(cdc(&world, "Invoice", "2026-05-02T18:00:00Z")[0], json!({}));
}

#[test]
fn changes_saturate_at_a_thousand() {
    let world = World::new();
    world.server.fill(&world.realm, 3_200);
    world.server.set_cdc(CdcHabits { no_edge: true, ..CdcHabits::default() });
    let count = |lists: &Value| -> Vec<usize> {
        let count = |list: &Value| {
            list["maxResults"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
        };
        lists.as_array().unwrap().iter().map(count).collect()
    };
    let both = count(&cdc(&world, "SalesReceipt,Bill", "2020-01-01T00:00:00Z"));
    assert_eq!(both, [1_000, 0]);
    world.server.set_cdc(CdcHabits { no_edge: true, cap_per_kind: true, ..CdcHabits::default() });
    let each = count(&cdc(&world, "SalesReceipt,Bill", "2020-01-01T00:00:00Z"));
    assert!(each[0] == 1_000 && each[1] > 300, "{each:?}");
}

#[test]
fn change_data_capture_may_lie_and_fail_inside() {
    let world = World::new();
    world.invoice(&world.donor("Ada"), "1");
    let since = "2026-05-01T00:00:00Z";
    world.server.set_cdc(CdcHabits { false_tombstone: true, ..CdcHabits::default() });
    assert_eq!(cdc(&world, "Invoice", since)[0]["Invoice"][0]["status"], "Deleted");
    assert_eq!(world.get("invoice/1").status, 200);
    world.server.set_cdc(CdcHabits { fault_inside: true, ..CdcHabits::default() });
    let reply = world.get(&format!("cdc?entities=Invoice&changedSince={since}"));
    assert_eq!(
        (reply.status, &reply.json()["CDCResponse"][0]["Fault"]["type"]),
        (200, &json!("SystemFault"))
    );
    world.server.set_cdc(CdcHabits::default());
    assert_eq!(
        world.get(&format!("cdc?entities=Attachable&changedSince={since}")).fault(),
        refused(400, "4001")
    );
}

#[test]
fn a_batch_is_thirty_independent_items() {
    let world = World::new();
    let donor = world.donor("Ada");
    world.receipt(5);
    let items = json!({"BatchItemRequest": [
        {"bId": "a", "operation": "create", "Vendor": {"DisplayName": "V"}},
        {"bId": "b", "operation": "delete", "Invoice": {"Id": "129", "SyncToken": "0"}},
        {"bId": "c", "operation": "update", "Customer": {"Id": donor, "SyncToken": "9", "sparse": true, "Notes": "x"}},
        {"bId": "d", "Query": "select * from Customer"},
        {"bId": "e", "operation": "update", "optionsData": "void", "SalesReceipt": {"Id": "1", "SyncToken": "0", "sparse": true}},
    ]});
    let reply = world.post("batch?requestid=b1", &items);
    assert_eq!(reply.status, 200);
    let told = reply.json()["BatchItemResponse"].clone();
    assert_eq!((&told[0]["Vendor"]["Id"], &told[0]["bId"]), (&json!("2"), &json!("a")));
    assert_eq!(told[1]["Fault"]["Error"][0]["code"], "610");
    assert_eq!(told[2]["Fault"]["Error"][0]["code"], "5010");
    assert_eq!(told[3]["QueryResponse"]["maxResults"], 1);
    assert_eq!(told[4]["SalesReceipt"]["PrivateNote"], "Voided");
    assert_eq!(world.post("batch?requestid=b1", &items).text, reply.text);
    let many = |count: usize| {
        let items: Vec<Value> =
            (0..count).map(|at| json!({"bId": at.to_string(), "Query": "select * from Bill"})).collect();
        world.post("batch", &json!({"BatchItemRequest": items})).status
    };
    assert_eq!((many(30), many(31)), (200, 400));
    let long = json!({"BatchItemRequest": [{"bId": "12345678901", "Query": "select * from Bill"}]});
    assert_eq!(
        (world.post("batch", &long).status, world.post("batch?requestid=b2", &long).status),
        (200, 400)
    );
}

#[test]
fn webhooks_tell_in_both_forms_and_are_signed() {
    for form in [Form::Classic, Form::Cloud] {
        let world = World::new();
        world.server.set_webhook("http://localhost/hook", form, 5 * SECOND);
        let donor = world.donor("Ada");
        let other = world.server.add_company("Other");
        let made = world.server.change(&other, Kind::Vendor, &json!({"DisplayName": "V"}), "").unwrap();
        let loser = world.donor("Ada 2");
        assert!(world.server.merge(&world.realm, Kind::Customer, &donor, &loser));
        assert!(world.server.take_deliveries().is_empty());
        world.pass(5 * SECOND);
        let calls = world.server.take_deliveries();
        assert_eq!(calls.len(), 1);
        let wanted = STANDARD.encode(hmac_sha256(world.server.verifier().as_bytes(), &calls[0].body));
        assert!(calls[0].headers.contains(&("intuit-signature", wanted)));
        let body: Value = serde_json::from_slice(&calls[0].body).unwrap();
        if form == Form::Classic {
            let told = body["eventNotifications"].as_array().unwrap();
            let mut realms: Vec<&str> = told.iter().map(|one| one["realmId"].as_str().unwrap()).collect();
            realms.sort_unstable();
            let mut wanted = [world.realm.as_str(), other.as_str()];
            wanted.sort_unstable();
            assert_eq!(realms, wanted);
            let own = told.iter().find(|one| one["realmId"] == *world.realm).unwrap();
            let events = own["dataChangeEvent"]["entities"].as_array().unwrap();
            assert_eq!(
                events[0],
                json!({"name": "Customer", "id": donor, "operation": "Create", "lastUpdated": "2026-05-01T17:00:00.000Z"})
            );
            assert_eq!((&events[2]["operation"], &events[2]["deletedId"]), (&json!("Merge"), &json!(loser)));
        } else {
            let told = body.as_array().unwrap();
            let vendor = told.iter().find(|one| one["type"] == "qbo.vendor.created.v1").unwrap();
            assert_eq!((&vendor["intuitaccountid"], &vendor["intuitentityid"]), (&json!(other), &made["Id"]));
            assert!(told.iter().any(|one| one["type"] == "qbo.customer.merged.v1"));
        }
    }
}

#[test]
fn webhooks_come_again_until_taken_and_get_lost_doubled_and_late() {
    let world = World::new();
    world.server.set_webhook("http://localhost/hook", Form::Cloud, 0);
    world.donor("Ada");
    let first = world.server.take_deliveries();
    world.server.settle(first[0].number, Some(500));
    world.pass(9 * SECOND);
    assert!(world.server.take_deliveries().is_empty());
    world.pass(SECOND);
    let again = world.server.take_deliveries();
    assert_eq!(again[0].body, first[0].body);
    world.server.settle(again[0].number, None);
    world.pass(20 * SECOND);
    let last = world.server.take_deliveries();
    world.server.settle(last[0].number, Some(200));
    world.pass(DAY);
    assert!(world.server.take_deliveries().is_empty());

    let tokens = world.server.connect(&world.realm);
    let world = World { tokens, ..world };
    let count = |fault: HookFault, name: &str| {
        world.server.set_hook_faults(vec![(1_000, fault)]);
        world.donor(name);
        world.server.take_deliveries().len()
    };
    assert_eq!(count(HookFault::Lost, "B"), 0);
    assert_eq!(count(HookFault::Duplicated, "C"), 2);
    assert_eq!(count(HookFault::Late(60_000), "D"), 0);
    assert_eq!(count(HookFault::Reordered, "E"), 1);
    world.pass(60 * SECOND);
    assert_eq!(world.server.take_deliveries().len(), 1);
}

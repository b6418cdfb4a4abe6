//! Throttles, meter, faults and other people (checklist 28 and 30).

use serde_json::json;

use super::{SECOND, World, id, refused};
use crate::sim::faults::{Broken, Fault, Plan, Scope};
use crate::sim::qbo::{Calls, Kind};

#[test]
fn throttled_calls_hear_the_exact_words() {
    let world = World::with(super::Options::throttled);
    let replies: Vec<_> = (0..11).map(|_| world.get("companyinfo/1")).collect();
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 10);
    let body = replies[10].json();
    assert_eq!(replies[10].fault(), refused(429, "3001"));
    let error = &body["fault"]["error"][0];
    assert_eq!(error["message"], "message=ThrottleExceeded; errorCode=003001; statusCode=429");
    assert_eq!(error["detail"], "The request limit was reached.  Try again later");
    assert_eq!((&body["fault"]["type"], replies[10].header("retry-after")), (&json!("SERVICE"), ""));
    world.pass(SECOND);
    world.server.occupy(&world.realm, 10);
    assert_eq!(world.get("companyinfo/1").status, 429);
    world.server.release(&world.realm, 1);
    assert_eq!(world.get("companyinfo/1").status, 200);
}

#[test]
fn what_is_read_is_metered_and_what_is_written_is_free() {
    let world = World::new();
    world.donor("Ada");
    world.query("select * from Customer");
    world.get("customer/1");
    world.get("customer/99");
    let batch = json!({"BatchItemRequest": [{"bId": "1", "Query": "select * from Bill"},
        {"bId": "2", "operation": "create", "Vendor": {"DisplayName": "V"}}]});
    world.post("batch", &batch);
    assert_eq!(world.server.calls(&world.realm), Calls { core: 2, core_plus: 3 });
    let told = world.send("GET", "/_sim/calls", &[], "").unwrap().json();
    assert_eq!(told[&world.realm], json!({"core": 2, "corePlus": 3}));
    world.server.set_allowance(Some(3));
    assert_eq!(world.get("customer/1").fault(), refused(429, "3001"));
    world.donor("Ben");
}

#[test]
fn each_fault_does_what_it_says() {
    let cases: [(Fault, Result<u16, Broken>, bool); 9] = [
        (Fault::Refused, Err(Broken::Refused), false),
        (Fault::LostRequest, Err(Broken::Reset), false),
        (Fault::LostReply, Err(Broken::Reset), true),
        (Fault::TimeoutBefore, Err(Broken::TimedOut), false),
        (Fault::TimeoutAfter, Err(Broken::TimedOut), true),
        (Fault::GatewayBefore(503), Ok(503), false),
        (Fault::GatewayAfter(504), Ok(504), true),
        (Fault::InternalError, Ok(500), false),
        (Fault::Storm(1), Ok(429), false),
    ];
    for (fault, wanted, effect) in cases {
        let world = World::new();
        world.server.set_faults(Plan::none().at(1, fault.clone()).only(Scope::Writes));
        let body = json!({"DisplayName": "Ada"}).to_string();
        let first = world.call("POST", "customer?requestid=u", &body);
        assert_eq!(first.map(|reply| reply.status), wanted, "{fault:?}");
        assert_eq!(
            world.server.objects(&world.realm, Kind::Customer).len(),
            usize::from(effect),
            "{fault:?}"
        );
        // The same request id finishes the work or finds it done.
        assert_eq!(world.call("POST", "customer?requestid=u", &body).unwrap().status, 200);
        assert_eq!(world.server.objects(&world.realm, Kind::Customer).len(), 1);
    }
}

#[test]
fn a_broken_server_says_so_and_a_cut_answer_is_half() {
    let world = World::new();
    world.server.set_faults(
        Plan::none().at(1, Fault::InternalError).at(2, Fault::CutBody).at(3, Fault::DuplicateDelivery),
    );
    let reply = world.get("companyinfo/1");
    assert_eq!(
        (reply.fault(), &reply.json()["Fault"]["type"]),
        (refused(500, "10000"), &json!("SystemFault"))
    );
    let cut = world.get("companyinfo/1");
    assert!(serde_json::from_str::<serde_json::Value>(&cut.text).is_err());
    let twice = world.post("customer", &json!({"DisplayName": "Ada"}));
    assert_eq!(twice.fault(), refused(400, "6240"));
}

#[test]
fn a_batch_may_come_back_in_another_order() {
    let world = World::new();
    world.server.set_faults(Plan::none().at(1, Fault::ShuffledBatch));
    let items: Vec<_> =
        (0..5).map(|at| json!({"bId": at.to_string(), "Query": "select * from Bill"})).collect();
    let reply = world.post("batch", &json!({"BatchItemRequest": items})).json();
    let ids: Vec<&str> = reply["BatchItemResponse"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["bId"].as_str().unwrap())
        .collect();
    assert_ne!(ids, ["0", "1", "2", "3", "4"]);
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["0", "1", "2", "3", "4"]);
}

#[test]
fn others_work_behind_the_clients_back() {
    let world = World::new();
    let donor = world.donor("Ada");
    let invoice = world.invoice(&donor, "10");
    world.server.set_faults(Plan::none().at(1, Fault::ConcurrentEdit).seeded(3));
    world.get("companyinfo/1");
    let moved = world.read("customer/1", "Customer")["SyncToken"] == "1"
        || world.read("invoice/1", "Invoice")["SyncToken"] == "1";
    assert!(moved);
    let server = &world.server;
    let changed = server
        .change(&world.realm, Kind::Invoice, &json!({"Id": id(&invoice), "PrivateNote": "x"}), "")
        .unwrap();
    assert_eq!(changed["PrivateNote"], "x");
    let stale = json!({"Id": id(&invoice), "SyncToken": "0", "sparse": true, "CustomerRef": {"value": donor}, "PrivateNote": "y"});
    assert_eq!(world.post("invoice", &stale).fault(), refused(400, "5010"));
    assert!(server.change(&world.realm, Kind::Invoice, &json!({"Id": id(&invoice)}), "void").is_ok());
    assert!(server.change(&world.realm, Kind::Invoice, &json!({"Id": id(&invoice)}), "delete").is_ok());
    assert!(server.change(&world.realm, Kind::Invoice, &json!({"Id": id(&invoice)}), "delete").is_err());
    server.rotate(&world.realm);
    assert_eq!(world.get("companyinfo/1").status, 200);
}

#[test]
fn merged_names_move_references_and_hide_the_loser() {
    let world = World::new();
    let (winner, loser) = (world.donor("Ada"), world.donor("Ada B"));
    let invoice = id(&world.invoice(&loser, "10"));
    let before = world.read(&format!("invoice/{invoice}"), "Invoice");
    world.pass(60 * SECOND);
    assert!(world.server.merge(&world.realm, Kind::Customer, &winner, &loser));
    let after = world.read(&format!("invoice/{invoice}"), "Invoice");
    assert_eq!((&after["CustomerRef"]["value"], &after["MetaData"]), (&json!(winner), &before["MetaData"]));
    assert_eq!(world.read(&format!("customer/{winner}"), "Customer")["Balance"].to_string(), "10.0");
    assert_eq!(world.query("select count(*) from Customer").json()["QueryResponse"]["totalCount"], 1);
}

#[test]
fn the_clock_may_be_wrong() {
    let world = World::new();
    world.server.set_clock_skew(40 * super::DAY);
    world.server.change(&world.realm, Kind::Customer, &json!({"DisplayName": "Ada"}), "").unwrap();
    world.server.set_clock_skew(0);
    let future =
        world.read("customer/1", "Customer")["MetaData"]["LastUpdatedTime"].as_str().unwrap().to_owned();
    assert!(*future > *"2026-06-01");
}

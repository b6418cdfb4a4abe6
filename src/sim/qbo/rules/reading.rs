//! Queries and pages (checklist 13 to 17).

use serde_json::json;

use super::{SECOND, World, id, refused};
use crate::sim::qbo::Unordered;

fn names(reply: &super::Reply) -> Vec<String> {
    reply.rows("Customer").iter().map(|row| row["DisplayName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn values_are_quoted_escaped_and_encoded() {
    let world = World::new();
    world.donor("Amy's Bird Sanctuary");
    world.donor("Robertson & Associates");
    let statement = r"select * from Customer where DisplayName = 'Amy\'s Bird Sanctuary'";
    assert_eq!(names(&world.query(statement)), ["Amy's Bird Sanctuary"]);
    let encoded = "query?query=SELECT%20*%20FROM%20Customer%20WHERE%20DisplayName%20=%20%27Robertson%20%26%20Associates%27";
    assert_eq!(names(&world.get(encoded)), ["Robertson & Associates"]);
    assert_eq!(
        names(&world.query("select * from Customer where DisplayName like '%bird%'")),
        ["Amy's Bird Sanctuary"]
    );
    let both = "select Id, DisplayName from Customer where DisplayName in ('Robertson & Associates', 'x') and Active = true";
    assert_eq!(names(&world.query(both)).len(), 1);
}

#[test]
fn numbers_days_and_instants_compare_as_what_they_are() {
    let world = World::new();
    let donor = world.donor("A");
    world.invoice(&donor, "90");
    world.pass(60 * SECOND);
    world.invoice(&donor, "300.5");
    let count = |condition: &str| {
        world.query(&format!("select * from Invoice where {condition}")).rows("Invoice").len()
    };
    assert_eq!(count("TotalAmt > '300.00'"), 1);
    assert_eq!(count("TotalAmt > 100"), 1);
    assert_eq!(count("TxnDate >= '2026-05-01'"), 2);
    assert_eq!(count("TxnDate < '2026-05-01'"), 0);
    assert_eq!(count("Metadata.LastUpdatedTime > '2026-05-01T17:00:30Z'"), 1);
    assert_eq!(count("MetaData.LastUpdatedTime >= '2026-05-01T10:00:00-07:00'"), 2);
    assert_eq!(count(&format!("CustomerRef = '{donor}'")), 2);
    assert_eq!(count("Id IN ('1','2')"), 2);
}

#[test]
fn what_cannot_be_read_or_asked_is_refused() {
    let world = World::new();
    let fault = |statement: &str| world.query(statement).fault();
    for statement in [
        "select * from Customer where Id = '1' or Id = '2'",
        "select * from Customer where Id != '1'",
        "select * from Customer where DisplayName = 'open",
        "select from Customer",
        "",
        "select * from",
        "select * from Customer where (Id = '1')",
    ] {
        assert_eq!(fault(statement), refused(400, "4000"), "{statement}");
    }
    for statement in [
        "select * from Custmoer",
        "select * from Customer startposition 0",
        "select * from Customer maxresults 1001",
        "select * from Invoice where Line.Amount > 1",
        "select * from Invoice where Nonsense = 1",
    ] {
        assert_eq!(fault(statement), refused(400, "4001"), "{statement}");
    }
    let body = world.query("select * from Custmoer").json();
    assert_eq!(
        body["Fault"]["Error"][0]["Detail"],
        "QueryValidationError: invalid context declaration: Custmoer"
    );
    let body = world.query("select * from Customer startposition 0").json();
    assert!(
        body["Fault"]["Error"][0]["Detail"]
            .as_str()
            .unwrap()
            .contains("value 0 is too small. Min allowed value is 1")
    );
}

#[test]
fn pages_hold_a_hundred_at_most_a_thousand_and_nothing_past_the_end() {
    let world = World::new();
    world.server.fill(&world.realm, 1_200);
    let total = world.query("select count(*) from SalesReceipt").json()["QueryResponse"]["totalCount"]
        .as_u64()
        .unwrap();
    assert_eq!(world.query("select * from SalesReceipt").rows("SalesReceipt").len(), 100);
    let page = world.query("select * from SalesReceipt maxresults 7 startposition 3").json();
    let page = &page["QueryResponse"];
    assert_eq!((&page["startPosition"], &page["maxResults"]), (&json!(3), &json!(7)));
    assert!(page.get("totalCount").is_none());
    let last = world.query(&format!("select * from SalesReceipt startposition {total} maxresults 1000"));
    assert_eq!(last.rows("SalesReceipt").len(), 1);
    let past = world.query(&format!("select * from SalesReceipt startposition {} maxresults 10", total + 1));
    assert_eq!(past.json()["QueryResponse"], json!({}));
    let invoices = world.query("select * from Invoice maxresults 5").json();
    assert!(invoices["QueryResponse"]["totalCount"].as_u64().unwrap() > 5);
    world.server.set_extra_row(true);
    assert_eq!(world.query("select * from SalesReceipt maxresults 100").rows("SalesReceipt").len(), 101);
}

#[test]
fn order_is_what_is_asked_for_or_nobodys_promise() {
    let world = World::new();
    let donor = world.donor("A");
    for amount in ["30", "10", "20"] {
        world.invoice(&donor, amount);
        world.pass(SECOND);
    }
    let amounts = |statement: &str| -> Vec<String> {
        world.query(statement).rows("Invoice").iter().map(|row| row["TotalAmt"].to_string()).collect()
    };
    assert_eq!(amounts("select * from Invoice orderby TotalAmt"), ["10.0", "20.0", "30.0"]);
    assert_eq!(amounts("select * from Invoice ORDER BY TotalAmt DESC"), ["30.0", "20.0", "10.0"]);
    assert_eq!(amounts("select * from Invoice"), ["20.0", "10.0", "30.0"]);
    world.server.set_order(Unordered::OldestFirst);
    assert_eq!(amounts("select * from Invoice"), ["30.0", "10.0", "20.0"]);
}

#[test]
fn inactive_names_hide_until_asked_for() {
    let world = World::new();
    let donor = world.donor("Ada");
    world.donor("Ben");
    let told =
        world.made("customer", &json!({"Id": donor, "SyncToken": "0", "sparse": true, "Active": false}));
    assert_eq!(
        (&told["DisplayName"], &told["FullyQualifiedName"]),
        (&json!("Ada (deleted)"), &json!("Ada (deleted)"))
    );
    assert_eq!(names(&world.query("select * from Customer")), ["Ben"]);
    assert_eq!(names(&world.query("select * from Customer where Active in (true, false)")).len(), 2);
    assert_eq!(names(&world.query("select * from Customer where Active = false")), ["Ada (deleted)"]);
    // The name is free again.
    world.donor("Ada");
    let reply = world.post("customer?operation=delete", &json!({"Id": donor, "SyncToken": "1"}));
    assert_eq!(reply.fault(), refused(400, "500"));
}

#[test]
fn deleted_transactions_are_gone_from_queries_and_reads() {
    let world = World::new();
    let donor = world.donor("A");
    let invoice = world.invoice(&donor, "10");
    let gone = world.made("invoice?operation=delete", &json!({"Id": id(&invoice), "SyncToken": "0"}));
    assert_eq!(gone, json!({"domain": "QBO", "status": "Deleted", "Id": id(&invoice)}));
    assert_eq!(world.query("select count(*) from Invoice").json()["QueryResponse"]["totalCount"], 0);
    assert_eq!(world.get(&format!("invoice/{}", id(&invoice))).fault(), refused(400, "610"));
}

#[test]
fn paths_that_there_are_not() {
    let world = World::new();
    assert_eq!(world.get("customer/1.5").fault(), refused(400, "2030"));
    assert_eq!(world.get("customer/1/5").fault(), refused(400, "500"));
    assert_eq!(world.get("nonsense/1").fault(), refused(400, "500"));
    assert_eq!(world.get("customer").fault(), refused(400, "500"));
}

#[test]
fn names_of_references_are_looked_up_and_some_are_missing() {
    let world = World::new();
    let donor = world.donor("Ada");
    let invoice = world.invoice(&donor, "10");
    assert_eq!(invoice["CustomerRef"]["name"], "Ada");
    world.made("customer", &json!({"Id": donor, "SyncToken": "0", "sparse": true, "DisplayName": "Ada B"}));
    let again = world.read(&format!("invoice/{}", id(&invoice)), "Invoice");
    assert_eq!((&again["CustomerRef"]["name"], &again["SyncToken"]), (&json!("Ada B"), &json!("0")));
    assert_eq!(again["MetaData"], invoice["MetaData"]);
    let payment = world.made("payment", &json!({"CustomerRef": {"value": donor}, "TotalAmt": 5}));
    assert_eq!(payment["DepositToAccountRef"], json!({"value": "4"}));
}

//! Requests as the contract writes them, answers as they were recorded, and what each fault leads to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ::http::{Request, Response};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::ask::{self, Item, NotSparse, Rows, quoted};
use super::codec::read;
use super::codec::recorded::folder;
use super::{Company, Done, Fault, QboRail, SANDBOX, Then, Written, reply};
use crate::ground::books::changes::Complete;
use crate::ground::books::{Body, Decimal, Entity, EntityId, Entry, RealmId, Record, SyncToken};
use crate::ground::money::Currency;
use crate::ground::time::Instant;
use crate::rails::{CallClass, Heard, Hears, Permit, Sending, Transport, TransportError, Trouble};

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn realm() -> RealmId {
    "310687".parse().unwrap()
}

fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

#[derive(Deserialize)]
struct Exchange {
    status: u16,
    body: String,
}

fn recorded(file: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(folder().join("minimul-qbo_api/derived-json").join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn record(entity: Entity, text: &str) -> Record {
    match read(entity, text, usd()).unwrap() {
        Entry::Record(record) => *record,
        Entry::Deleted { .. } => panic!("a stub"),
    }
}

#[test]
fn statements_read_as_the_contract_writes_them() {
    let since: Instant = "2026-05-05T10:00:00.999999Z".parse().unwrap();
    for (entity, since, statement) in [
        (
            Entity::Invoice,
            Some(since),
            "SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '2026-05-05T10:00:00Z' \
             ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1001 MAXRESULTS 1000",
        ),
        (
            Entity::Item,
            None,
            "SELECT *, Sku FROM Item WHERE Active IN (true, false) \
             ORDERBY MetaData.CreateTime STARTPOSITION 1001 MAXRESULTS 1000",
        ),
    ] {
        assert_eq!(Rows { entity, since, start: 1_001, max: 5_000 }.statement(), statement);
    }
    let count = ask::count(Entity::Customer);
    assert_eq!(
        count.target(&realm(), None),
        "/v3/company/310687/query?query=SELECT%20COUNT%28%2A%29%20FROM%20Customer%20WHERE%20Active%20IN%20%28true%2C%20false%29&minorversion=75"
    );
    assert_eq!(quoted(r"Amy's \ Bird"), r"'Amy\'s \\ Bird'");
    let long = ask::statement(format!("SELECT * FROM Bill WHERE Id IN ({})", "'1', ".repeat(400)));
    assert_eq!((long.method.as_str(), long.media, long.metered), ("POST", "application/text", 1));
    let changes = ask::changes(&[Entity::Bill, Entity::SalesReceipt], since);
    assert_eq!(
        changes.target(&realm(), None),
        "/v3/company/310687/cdc?entities=Bill%2CSalesReceipt&changedSince=2026-05-05T10%3A00%3A00Z&minorversion=75"
    );
    let read = |entity| ask::read(&realm(), entity, &id("5")).path;
    assert_eq!(read(Entity::JournalEntry), "/journalentry/5");
    assert_eq!(
        (read(Entity::CompanyInfo), read(Entity::Preferences)),
        ("/companyinfo/310687".into(), "/preferences".into())
    );
}

#[test]
fn writes_say_what_changes_and_nothing_else() {
    let text = r#"{"Id":"126","SyncToken":"4","sparse":false,"domain":"QBO","MetaData":{"LastUpdatedTime":"2026-05-05T03:13:29-07:00"},
        "VendorRef":{"value":"46","name":"Norton"},"TotalAmt":100.00,"PrivateNote":"old","Line":[{"Id":"1","Amount":100.00}],"Odd":[1.0]}"#;
    let before = record(Entity::Bill, text);
    let mut after = before.clone();
    let Body::Bill(bill) = &mut after.body else { panic!() };
    bill.note = Some("new \"memo\"".into());
    let ask = ask::update(&before, &after).unwrap();
    let head = r#"{"Id":"126","SyncToken":"4","sparse":true,"VendorRef":{"value":"46","name":"Norton"},"#;
    assert_eq!(ask.body.unwrap(), format!(r#"{head}"PrivateNote":"new \"memo\""}}"#));
    assert_eq!((ask.path.as_str(), ask.metered), ("/bill", 0), "writes cost nothing of the month");
    let inverse = ask::update(&after, &before).unwrap().body.unwrap();
    assert_eq!(inverse, format!(r#"{head}"PrivateNote":"old"}}"#));
    assert_eq!(ask::update(&before, &before), Err(NotSparse::Same));
    let Body::Bill(bill) = &mut after.body else { panic!() };
    bill.note = None;
    assert_eq!(ask::update(&before, &after), Err(NotSparse::Emptied("PrivateNote".into())));
    after.id = id("127");
    assert_eq!(ask::update(&before, &after), Err(NotSparse::NotOne));

    let key = Uuid::from_u128(7);
    let delete = ask::delete(Entity::Invoice, &id("129"), SyncToken(0)).unwrap();
    assert_eq!(delete.body.as_deref(), Some(r#"{"Id":"129","SyncToken":"0"}"#));
    assert_eq!(
        delete.target(&realm(), Some(&key)),
        format!("/v3/company/310687/invoice?operation=delete&requestid={key}&minorversion=75")
    );
    assert!(key.to_string().len() <= 36, "what a batch takes");
    assert_eq!(ask::delete(Entity::Customer, &id("1"), SyncToken(0)), None);
    let void = ask::void(Entity::Payment, &id("55"), SyncToken(1)).unwrap();
    assert_eq!(void.query, [("operation", "update".into()), ("include", "void".into())]);
    assert_eq!(void.body.as_deref(), Some(r#"{"Id":"55","SyncToken":"1","sparse":true}"#));
    assert_eq!(ask::void(Entity::Bill, &id("1"), SyncToken(0)), None);
}

#[test]
fn recorded_pages_end_where_they_are_short() {
    let all = recorded("all__vendors_by_5.json");
    assert_eq!(reply::count(all[0].body.as_bytes()), Ok(26));
    let mut seen = BTreeMap::new();
    let mut start = 1;
    for page in &all[1..] {
        let page = reply::page(page.body.as_bytes(), Entity::Vendor, start, 5, usd()).unwrap();
        seen.extend(page.rows.into_iter().map(|row| match row.unwrap() {
            Entry::Record(record) => (record.id.clone(), record),
            Entry::Deleted { .. } => panic!("a stub in a page"),
        }));
        let Some(next) = page.next else { break };
        start = next;
    }
    assert_eq!((seen.len(), start), (26, 26));
    let page = |body: &str| reply::page(body.as_bytes(), Entity::Vendor, 1, 2, usd());
    let end = page(r#"{"QueryResponse":{},"time":"2026-05-05T03:13:29.123-07:00"}"#).unwrap();
    assert_eq!((end.rows.len(), end.next), (0, None));
    let three =
        page(r#"{"QueryResponse":{"Vendor":[{"Id":"1"},{"Id":"2"},{"Id":"3"}],"totalCount":3}}"#).unwrap();
    assert_eq!(three.next, Some(3), "a row too many comes again");
    assert!(matches!(page(r#"{"QueryResponse":{"Vendor":[{"Id":"#), Err(Fault::NoAnswer(_))));
    assert!(matches!(page("[]"), Err(Fault::NoAnswer(_))));
    assert!(matches!(page(r#"{"Vendor":[]}"#), Err(Fault::Unfit(_))));
}

#[test]
fn one_bad_row_is_set_aside_and_the_rest_goes_on() {
    let body =
        r#"{"QueryResponse":{"Bill":[{"Id":"1","TotalAmt":1.00},{"Id":"2","TotalAmt":"much"},{"Id":"3"}]}}"#;
    let page = reply::page(body.as_bytes(), Entity::Bill, 1, 1_000, usd()).unwrap();
    assert_eq!(page.rows.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let aside = page.rows[1].as_ref().unwrap_err();
    assert_eq!((aside.issue.code(), aside.id.as_ref().unwrap().as_str()), ("unreadable", "2"));
}

#[test]
fn changes_tell_deletions_and_when_they_cannot_be_all() {
    let body = r#"{"CDCResponse":[{"QueryResponse":[
        {"Invoice":[{"Id":"130","SyncToken":"3","TotalAmt":362.07},
            {"domain":"QBO","status":"Deleted","Id":"39","MetaData":{"LastUpdatedTime":"2026-05-05T03:13:29-07:00"}}],"startPosition":1},
        {}]}],"time":"2026-05-05T03:20:00.000-07:00"}"#;
    let asked = [Entity::Invoice, Entity::Payment];
    let changes = reply::changes(body.as_bytes(), &asked, usd()).unwrap();
    assert!(matches!(changes.kinds[0].1[1], Ok(Entry::Deleted { .. })));
    assert_eq!((changes.kinds[0].1.len(), changes.kinds[1].1.len(), changes.complete), (2, 0, Complete::Yes));
    let told_at = reply::told_at(body.as_bytes()).unwrap();
    assert_eq!(told_at, "2026-05-05T10:20:00Z".parse().unwrap());
    let rows = vec![r#"{"Id":"1"}"#; 1_000].join(",");
    let full = format!(r#"{{"CDCResponse":[{{"QueryResponse":[{{"Invoice":[{rows}]}},{{}}]}}]}}"#);
    assert_eq!(reply::changes(full.as_bytes(), &asked, usd()).unwrap().complete, Complete::AskEach);
    let missing = r#"{"CDCResponse":[{"QueryResponse":[{}]}]}"#;
    assert!(
        matches!(reply::changes(missing.as_bytes(), &asked, usd()), Err(Fault::Unfit(_))),
        "one kind is not told"
    );
    let old = r#"{"CDCResponse":[{"Fault":{"Error":[{"Message":"Invalid","Detail":"changedSince is more than 30 days ago"}]}}]}"#;
    assert_eq!(reply::changes(old.as_bytes(), &asked, usd()), Err(Fault::ChangesTooOld));
}

#[test]
fn a_recorded_batch_is_told_apart_item_by_item() {
    let body = recorded("batch__basic.json").remove(0).body;
    // The recorded one named its items otherwise than by their place.
    let mut names: Vec<&str> =
        body.split(r#""bId":""#).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut ours = body.clone();
    for (place, name) in names.iter().enumerate() {
        ours = ours.replace(&format!(r#""bId":"{name}""#), &format!(r#""bId":"{place}""#));
    }
    let done = reply::batch(ours.as_bytes(), names.len(), usd()).unwrap();
    let count = |of: fn(&Done) -> bool| done.values().filter(|done| of(done)).count();
    assert_eq!(done.len(), names.len());
    assert_eq!(count(|done| *done == Done::Fault(Fault::NotFound)), 1, "{done:?}");
    assert_eq!(count(|done| *done == Done::Fault(Fault::Stale)), 1);
    assert!(count(|done| matches!(done, Done::Record(record) if record.is_ok())) >= 1);
    assert!(count(|done| matches!(done, Done::Rows(rows) if !rows.is_empty())) >= 1);
    assert!(
        matches!(reply::batch(ours.as_bytes(), 1, usd()), Err(Fault::Unfit(_))),
        "items that were not sent"
    );
    let partly = r#"{"BatchItemResponse":[{"Vendor":{"Id":"1"},"bId":"2"}]}"#;
    assert_eq!(reply::batch(partly.as_bytes(), 3, usd()).unwrap().into_keys().collect::<Vec<_>>(), [2]);

    let items = vec![Item::Query("select * from Bill where Balance > '0'".into()); 31];
    assert_eq!(ask::batch(&items), None);
    let void = |entity| ask::batch(&[Item::Void(entity, id("55"), SyncToken(1))]);
    assert_eq!(void(Entity::Bill), None);
    let sent = r#"{"bId":"0","operation":"update","optionsData":"void","Payment":{"Id":"55","SyncToken":"1","sparse":true}}"#;
    assert!(void(Entity::Payment).unwrap().body.unwrap().contains(sent));
    let two =
        ask::batch(&[items[0].clone(), Item::Delete(Entity::Invoice, id("129"), SyncToken(0))]).unwrap();
    assert_eq!((two.metered, two.is_batch), (1, true));
    let body = two.body.unwrap();
    assert!(
        body.contains(r#"{"bId":"1","operation":"delete","Invoice":{"Id":"129","SyncToken":"0"}}"#),
        "{body}"
    );
}

fn fault(status: u16, body: &str) -> Option<Fault> {
    let reply = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
    Fault::of(&reply, Instant(0))
}

#[test]
fn recorded_faults_are_named_and_lead_on() {
    let of = |file: &str, place: usize| {
        let exchange = recorded(file).remove(place);
        fault(exchange.status, &exchange.body).unwrap()
    };
    assert_eq!(of("error__401.json", 0), Fault::TokenRefused);
    assert_eq!(of("error__validation.json", 0), Fault::NameTaken);
    let code = |fault: Fault| match fault {
        Fault::Refused { code, said, element } => (code, said.chars().count() <= 400, element),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(of("error__400.json", 1)).0, "4001");
    assert_eq!(code(of("error__400_json.json", 0)).0, "2010");
    assert_eq!(code(of("error__500.json", 0)).0, "500");
    assert_eq!(code(of("error__500.json", 1)).0, "2030");
    assert_eq!(fault(200, &recorded("create__customer.json").remove(0).body), None);
    let older =
        |file: &str| std::fs::read_to_string(folder().join("exquickbooks/fixtures").join(file)).unwrap();
    assert_eq!(fault(400, &older("item/update_item_error.json")), Some(Fault::Stale));
    assert_eq!(fault(400, &older("item/read_item_error.json")), Some(Fault::NotFound));
    let missing = code(fault(400, &older("sales_receipt/create_sales_receipt_error.json")).unwrap());
    assert_eq!(missing, ("2020".into(), true, Some("Line.DetailType".into())));
}

#[test]
fn what_to_do_next_follows_from_the_fault() {
    let upper = |code: &str| {
        format!(
            r#"{{"Fault":{{"Error":[{{"Message":"m","Detail":"d","code":"{code}"}}],"type":"ValidationFault"}}}}"#
        )
    };
    let lower = |code: &str| {
        format!(
            r#"{{"fault":{{"error":[{{"message":"m","detail":"Token expired: eyJ","code":"{code}","element":null}}]}},"time":1601391072830}}"#
        )
    };
    let then = |status: u16, body: &str| fault(status, body).unwrap().then();
    for (status, body, next) in [
        (429, lower("3001"), Then::Retry { after_ms: 60_000 }),
        (403, upper("003001"), Then::Retry { after_ms: 60_000 }),
        (429, "<html>".into(), Then::Retry { after_ms: 60_000 }),
        (401, lower("3200"), Then::Refresh),
        (401, String::new(), Then::Refresh),
        (403, lower("3100"), Then::Reconnect),
        (403, upper("120"), Then::Reconnect),
        (401, upper("3201"), Then::Reconnect),
        (400, upper("6190"), Then::Pause),
        (400, upper("5010"), Then::Reread),
        (400, upper("610"), Then::Gone),
        (400, upper("6240"), Then::SetAside),
        (400, upper("6210"), Then::SetAside),
        (400, upper("2500"), Then::SetAside),
        (500, upper("10000"), Then::Retry { after_ms: 10_000 }),
        (503, "<html>maintenance".into(), Then::Retry { after_ms: 10_000 }),
        (200, upper("6000"), Then::SetAside),
        (400, String::new(), Then::SetAside),
        (400, upper("610")[..40].into(), Then::Retry { after_ms: 10_000 }),
    ] {
        assert_eq!(then(status, &body), next, "{status} {body}");
        let told = format!("{:?}", fault(status, &body));
        assert!(!told.contains("eyJ"), "a refused token is not kept: {told}");
    }
    let limited = Response::builder().status(429).header("retry-after", "7").body(Bytes::new()).unwrap();
    assert_eq!(Fault::of(&limited, Instant(0)), Some(Fault::Throttled { after_ms: Some(7_000) }));
    let trouble = |fault: Fault| Trouble::from(fault);
    assert!(matches!(trouble(Fault::Throttled { after_ms: None }), Trouble::Later { limit: true, .. }));
    assert!(matches!(trouble(Fault::Stale), Trouble::Clash(_)));
    assert!(matches!(trouble(Fault::TokenRefused), Trouble::Denied(_)));
}

/// Answers with what it is told, and keeps what was sent.
struct Says(Mutex<Vec<Result<(u16, String), TransportError>>>, Mutex<Vec<Request<Bytes>>>);

impl Transport for Says {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        self.1.lock().unwrap().push(request);
        let answer = self.0.lock().unwrap().remove(0);
        let reply =
            answer.map(|(status, body)| Response::builder().status(status).body(Bytes::from(body)).unwrap());
        Box::pin(async move { reply })
    }
}

#[derive(Default)]
struct Ear(Mutex<Vec<Heard>>);

impl Hears for Ear {
    fn now(&self) -> Instant {
        Instant(0)
    }
    fn called(&self, _: Option<CallClass>) {}
    fn heard(&self, _: Option<CallClass>, heard: Heard) {
        self.0.lock().unwrap().push(heard);
    }
    fn unused(&self, _: Option<CallClass>) {}
}

/// What a write under one key comes to, by each answer.
fn written(answer: Result<(u16, String), TransportError>) -> (Written, Heard, Request<Bytes>) {
    let says = Arc::new(Says(Mutex::new(vec![answer]), Mutex::default()));
    let ear = Arc::new(Ear::default());
    let rail = QboRail::new(says.clone(), SANDBOX);
    let permit =
        Permit::issued_by_gate("top-secret".into(), "req-7".into(), Some(CallClass::Person), ear.clone());
    let company = Company { realm: realm(), home: usd() };
    let ask = ask::delete(Entity::Invoice, &id("129"), SyncToken(0)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let written = runtime.block_on(rail.write(&permit, &company, &ask, &Uuid::from_u128(7)));
    (written, ear.0.lock().unwrap().remove(0), says.1.lock().unwrap().remove(0))
}

#[test]
fn a_write_is_rejected_only_if_nothing_can_have_happened() {
    let done = r#"{"Invoice":{"domain":"QBO","status":"Deleted","Id":"129"},"time":"2026-05-05T03:13:29.123-07:00"}"#;
    let (outcome, heard, request) = written(Ok((200, done.into())));
    assert!(matches!(outcome, Written::Done(told) if matches!(*told, Ok(Entry::Deleted { .. }))));
    assert_eq!(heard, Heard::Answered { ceiling: None, remaining: None });
    assert_eq!(request.headers()["authorization"], "Bearer top-secret");
    assert!(
        request
            .uri()
            .to_string()
            .starts_with("https://sandbox-quickbooks.api.intuit.com/v3/company/310687/invoice?")
    );

    let stale = r#"{"Fault":{"Error":[{"Message":"Stale Object Error","code":"5010"}]}}"#;
    for answer in [
        Ok((400, stale.to_owned())),
        Ok((429, "{}".into())),
        Ok((401, "{}".into())),
        Err(TransportError::Refused("no route".into())),
    ] {
        let (outcome, _, _) = written(answer.clone());
        assert!(matches!(outcome, Written::Rejected(_)), "{answer:?} {outcome:?}");
    }
    for answer in [
        Ok((200, done.replace("129", "130"))),
        Ok((200, done[..40].to_owned())),
        Ok((200, "<html>".to_owned())),
        Ok((500, r#"{"Fault":{"Error":[{"code":"10000"}]}}"#.to_owned())),
        Ok((504, String::new())),
        Err(TransportError::Broken("reset".into())),
    ] {
        let (outcome, _, _) = written(answer.clone());
        assert!(matches!(outcome, Written::Unknown(_)), "{answer:?} {outcome:?}");
    }
    let (_, heard, _) = written(Ok((429, "{}".into())));
    assert_eq!(heard, Heard::Limited { after_ms: Some(60_000), limit: None, ceiling: None });
}

#[test]
fn nothing_leaves_on_a_barred_permit_and_exact_totals_come_through() {
    let says = Arc::new(Says(Mutex::default(), Mutex::default()));
    let rail = QboRail::new(says.clone(), SANDBOX);
    let permit = Permit::issued_by_gate("t".into(), "r".into(), None, Arc::new(Ear::default()));
    let permit = permit.barred(Trouble::Denied("shut".into()));
    let company = Company { realm: realm(), home: usd() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(rail.count(&permit, &company, Entity::Bill));
    assert!(matches!(answer, Err(Fault::NoConnection(_))) && says.1.lock().unwrap().is_empty());
    let recorded = recorded("create__invoice.json").remove(0).body;
    let told = reply::one(recorded.as_bytes(), Entity::Invoice, None, usd()).unwrap().unwrap();
    let Entry::Record(invoice) = told else { panic!() };
    assert_ne!(invoice.body.total().unwrap().exact, Decimal::ZERO);
}

//! Asking for a moment that has passed; and what is left of a person who was erased.

use almoner::desk::people::{Erasure, erasure_of};
use almoner::ground::id::{ConnectionId, Object, PersonId, Seq};
use almoner::ground::time::Instant;
use almoner::ground::webhook::twenty::ToRead;
use almoner::ground::world::Clock;
use almoner::store::{Body, Changes, Fail, verify};
use uuid::Uuid;

use super::*;

impl Api {
    /// Somebody changes a record in Twenty.
    fn changed_there(&self, path: &str, body: &Value) {
        let request = Request::builder()
            .method("PATCH")
            .uri(format!("http://twenty.sim/rest/{path}"))
            .header("authorization", format!("Bearer {}", self.outside.twenty.api_key()))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let reply = self.outside.twenty.answer(request).unwrap();
        assert!(reply.status().is_success(), "{reply:?}");
    }

    pub(super) fn synced(&mut self) -> Instant {
        self.outside.advance_ms(20 * 60_000);
        self.process.sync_now();
        assert_eq!(self.outside.settle(&mut self.process), Settled::Quiet);
        self.outside.advance_ms(1_000);
        let now = self.outside.clock.now();
        self.outside.advance_ms(60_000);
        now
    }
}

fn as_of(path: &str, instant: Instant) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}as_of={instant}")
}

#[test]
fn a_list_and_a_record_are_told_as_they_were() {
    let mut api = Api::new();
    let donor = api.donor();
    let gift = json!({ "name": "First", "amount": pounds(25), "giftDate": "2026-11-20", "donorId": donor });
    let first = api.outside.create("gifts", &gift);
    let early = api.synced();
    api.changed_there(&format!("gifts/{first}"), &json!({ "name": "Corrected", "amount": pounds(30) }));
    api.changed_there(
        &format!("people/{donor}"),
        &json!({ "name": { "firstName": "Renamed", "lastName": "Lovelace" } }),
    );
    api.outside.create("gifts", &json!({ "name": "Second", "amount": pounds(5), "donorId": donor }));
    let late = api.synced();
    let told = |path: &str| {
        let reply = api.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        let rows = reply.body["data"].as_array().unwrap().clone();
        let row = |row: &Value| {
            let amount = row["amount"]["amountMicros"].as_i64().unwrap() / 1_000_000;
            (
                row["name"].as_str().unwrap().to_owned(),
                amount,
                row["donor"]["name"].as_str().unwrap().to_owned(),
            )
        };
        (rows.iter().map(row).collect::<Vec<_>>(), reply.body["meta"].clone())
    };
    let then = vec![("First".to_owned(), 25, "Ada0 Lovelace".to_owned())];
    let now = vec![
        ("Second".to_owned(), 5, "Renamed Lovelace".to_owned()),
        ("Corrected".to_owned(), 30, "Renamed Lovelace".to_owned()),
    ];
    for path in ["/api/gifts".to_owned(), format!("/api/gifts?donorId={donor}")] {
        assert_eq!(told(&as_of(&path, early)).0, then, "{path}");
        let mut listed = told(&path).0;
        listed.sort_by_key(|row| row.1);
        assert_eq!(listed, now, "{path}");
        let mut listed = told(&as_of(&path, late)).0;
        listed.sort_by_key(|row| row.1);
        assert_eq!(listed, now, "{path}");
    }
    // Once more, from the rows that are in memory now.
    let (rows, meta) = told(&as_of("/api/gifts", early));
    assert_eq!((rows, meta["asOf"].as_str()), (then, Some(early.to_string().as_str())));
    assert!(meta["total"].is_null(), "how many there were in all is not known");
    let record = |path: &str| api.get(path).body["data"]["record"]["name"].clone();
    assert_eq!(record(&as_of(&format!("/api/records/gifts/{first}"), early)), "First");
    assert_eq!(record(&format!("/api/records/gifts/{first}")), "Corrected");
    let reply = api.get(&format!("/api/records/gifts?ids={first}&as_of={early}"));
    assert_eq!(
        (reply.body["data"][0]["state"].as_str(), reply.body["data"].as_array().unwrap().len()),
        (Some("live"), 1)
    );
    // A staged row as its own address would have shown it then.
    let row = api.staged(7_000_000);
    api.outside.advance_ms(1_000);
    let taken_in = api.outside.clock.now();
    api.outside.advance_ms(1_000);
    api.patch(&format!("/api/fundraising/gift-staging/{row}"), &json!({ "amount": pounds(8) }));
    let staged = |path: &str| {
        let reply = api.get(path);
        let record = reply.body["data"]["record"].clone();
        (record["amount"].clone(), record["processingStatus"].as_str().unwrap().to_owned())
    };
    let address = format!("/api/records/gift_staging/{row}");
    assert_eq!(staged(&as_of(&address, taken_in)), (pounds(7), "pending".to_owned()));
    assert_eq!(staged(&address).0, pounds(8));
    assert_eq!(api.get(&as_of(&format!("/api/records/gifts/{first}"), Instant(0))).status, 404);
    assert!(api.get(&as_of("/api/records/people", Instant(0))).body["data"].as_array().unwrap().is_empty());
}

#[test]
fn a_date_is_its_end_and_the_future_is_refused() {
    let mut api = Api::new();
    let today = api.process.desk.zone.date_of(api.outside.clock.now());
    api.outside.create("gifts", &json!({ "name": "Today's", "amount": pounds(5) }));
    api.synced();
    let names = |date: &str| {
        let reply = api.get(&format!("/api/gifts?as_of={date}"));
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["data"].as_array().unwrap().len()
    };
    assert_eq!(names(&today.to_string()), 1, "today so far");
    assert_eq!(names(&today.plus_days(-1).to_string()), 0);
    for bad in [today.plus_days(1).to_string(), "2999-01-01T00:00:00Z".into(), "yesterday".into()] {
        let reply = api.get(&format!("/api/gifts?as_of={bad}"));
        assert_eq!(
            (reply.status.as_u16(), reply.body["errors"][0]["field"].as_str()),
            (400, Some("as_of")),
            "{bad}"
        );
    }
    for (path, status) in [
        ("/api/records/users", 404),
        ("/api/records/evidence", 404),
        ("/api/records/people?state=x", 400),
        ("/api/records/people?ids=x", 400),
        ("/api/records/gifts/x", 404),
    ] {
        assert_eq!(api.get(path).status.as_u16(), status, "{path}");
    }
}

#[test]
fn pages_of_the_past_hang_together() {
    let mut api = Api::new();
    for n in 0..30 {
        api.outside.create("gifts", &json!({ "name": format!("Gift {n}"), "amount": pounds(n + 1) }));
    }
    let early = api.synced();
    let ids: Vec<Value> = api.outside.twenty.records("gifts").iter().map(|g| g["id"].clone()).collect();
    for id in ids.iter().take(20) {
        api.changed_there(&format!("gifts/{}", id.as_str().unwrap()), &json!({ "name": "Changed" }));
    }
    api.synced();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = api.get(&format!("/api/records/gifts?limit=7&as_of={early}{cursor}"));
        seen.extend(
            reply.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["record"]["name"].as_str().unwrap().to_owned()),
        );
        match reply.body["meta"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 30);
    assert!(seen.iter().all(|name| name.starts_with("Gift ")));
}

#[test]
fn an_erased_person_stays_away_from_sync_and_replay() {
    let mut api = Api::new();
    let donor: PersonId = api.donor().parse().unwrap();
    let body = json!({ "amount": pounds(25), "giftDate": "2026-11-20", "contactId": donor.to_string(), "paymentMethod": "card", "provider": "stripe", "providerPaymentId": "pi_1", "providerEventId": "evt_1",
        "contact": { "firstName": "Wilhelmina", "lastName": "Featherstonehaugh" } });
    let taken = api.post("/api/fundraising/gift-staging", &body);
    let row = taken.body["data"]["giftStaging"]["id"].as_str().unwrap().to_owned();
    let erase = |api: &Api| block(api.process.desk.erase(&reviewer(), donor, "request of 2 May".into()));
    let refused = erase(&api).unwrap_err().to_string();
    assert!(refused.contains("1 gift(s) of this person are not posted yet"), "{refused}");
    api.patch(
        &format!("/api/fundraising/gift-staging/{row}/status"),
        &json!({ "processingStatus": "discarded" }),
    );
    let reach = Erasure { known: true, rows: 1, deliveries: 1, ..Erasure::default() };
    assert_eq!(erasure_of(&api.process.means.store, donor).unwrap(), reach);
    assert_eq!(erase(&api).unwrap(), reach);
    let gone = |api: &Api| {
        assert_eq!(api.get(&format!("/api/records/people/{donor}")).status, 404);
        assert_eq!(api.get(&format!("/api/fundraising/gift-staging/{row}")).status, 404);
        let journal = api.get("/api/journal?limit=100").text;
        assert!(!journal.contains("Featherstonehaugh") && !journal.contains("Ada0"), "{journal}");
        assert!(!api.get("/api/donors?q=Ada").text.contains(&donor.to_string()));
        let verdict = verify(&api.process.means.store).unwrap();
        assert_eq!(verdict.fault, None);
        verdict.erased
    };
    let stubs = gone(&api);
    assert!(stubs >= 6, "{stubs}");
    // Twenty still has the person, and is asked again: nobody comes back.
    api.changed_there(&format!("people/{donor}"), &json!({ "jobTitle": "Engineer" }));
    api.synced();
    assert_eq!(gone(&api), stubs);
    // The same delivery again, and another event about the same payment: refused, and nothing is kept of them.
    let mut other = body.clone();
    other["providerEventId"] = json!("evt_2");
    for body in [&body, &other] {
        let reply = api.post("/api/fundraising/gift-staging", body);
        assert_eq!(reply.status, 410, "{}", reply.text);
        assert!(reply.body["detail"].as_str().unwrap().contains("erased at their request"));
    }
    assert_eq!(gone(&api), stubs);
    // A new gift of theirs is a new one.
    let mut fresh = body;
    fresh["providerPaymentId"] = json!("pi_2");
    fresh["providerEventId"] = json!("evt_3");
    fresh["contactId"] = Value::Null;
    assert_eq!(api.post("/api/fundraising/gift-staging", &fresh).status, 200);
}

/// Tasks and notes in Twenty: one about Ada alone, one about her and somebody else.
fn spoken_of(api: &Api, ada: &str, other: &str) -> [String; 2] {
    let create = |plural: &str, body: Value| api.outside.create(plural, &body).to_string();
    let alone = create("notes", json!({ "title": "Zanzibar-alone about Ada" }));
    create("noteTargets", json!({ "noteId": alone, "targetPersonId": ada }));
    let shared = create("tasks", json!({ "title": "Zanzibar-shared" }));
    create("taskTargets", json!({ "taskId": shared, "targetPersonId": ada }));
    create("taskTargets", json!({ "taskId": shared, "targetPersonId": other }));
    [alone, shared]
}

#[test]
fn what_speaks_of_an_erased_person_goes_too_and_what_is_about_others_stays() {
    let mut api = Api::new();
    let people: Vec<String> =
        api.outside.twenty.records("people").iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect();
    let ada: PersonId = people[0].parse().unwrap();
    let [alone, shared] = spoken_of(&api, &people[0], &people[1]);
    let made = json!({ "title": "Zanzibar-made", "targets": [{ "object": "people", "id": people[0] }] });
    assert_eq!(api.post("/api/tasks", &made).status, 202);
    api.synced();
    let told = ToRead {
        since: api.outside.now(),
        updated: None,
        destroyed: false,
        tries: 0,
        not_before: Instant(i64::MAX),
    };
    let note: Uuid = alone.parse().unwrap();
    let waits = api.process.means.store.write(move |_| {
        let mut changes = Changes::new(reviewer().cause("Told by a webhook"));
        changes.to_read(ConnectionId::TWENTY, Object::People, ada.0, Some(&told))?;
        changes.to_read(ConnectionId::TWENTY, Object::Notes, note, Some(&told))?;
        Ok::<_, Fail<()>>((changes, ()))
    });
    block(waits).unwrap();
    let inbox = |api: &Api| {
        api.process.means.store.snapshot().unwrap().ledger().inbox(ConnectionId::TWENTY, 9).unwrap().len()
    };
    assert_eq!(inbox(&api), 2);
    let reach = Erasure { known: true, linked: 2, linked_kept: 1, ..Erasure::default() };
    assert_eq!(erasure_of(&api.process.means.store, ada).unwrap(), reach);
    assert_eq!(block(api.process.desk.erase(&reviewer(), ada, "request of 2 May".into())).unwrap(), reach);
    let gone = |api: &Api| {
        assert_eq!(api.get(&format!("/api/records/notes/{alone}")).status, 404);
        let journal = api.get("/api/journal?limit=200").text;
        assert!(journal.contains("Zanzibar-shared"), "what is about others stays");
        for word in ["Zanzibar-alone", "Zanzibar-made", people[0].as_str(), "Ada0"] {
            assert!(!history(api).contains(word), "{word}");
        }
        let other = api.get(&format!("/api/donors/{}", people[1])).body;
        assert_eq!(other["data"]["tasks"][0]["id"], json!(shared));
        assert_eq!(verify(&api.process.means.store).unwrap().fault, None);
    };
    assert_eq!(inbox(&api), 0, "what a webhook told of them is forgotten");
    gone(&api);
    api.changed_there(&format!("notes/{alone}"), &json!({ "title": "Zanzibar-alone again" }));
    api.synced();
    gone(&api);
}

/// Every body that is stored of what was not erased.
fn history(api: &Api) -> String {
    let snapshot = api.process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let last = ledger.last_seq().unwrap().0;
    let bodies = (1..=last).map(|seq| ledger.entry(Seq(seq)).unwrap().unwrap());
    let kept = bodies.filter(|entry| !matches!(entry.body, Body::Erased { .. }));
    kept.map(|entry| format!("{:?}", entry.body)).collect::<Vec<_>>().join("\n")
}

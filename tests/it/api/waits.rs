//! What takes longer than a request waits, gifts on their way to Twenty, and the version of what is read.

use std::time::Duration;

use almoner::sim::faults::{Fault, Plan};

use super::*;

impl Api {
    /// The same API, whose requests wait for no outcome. As long as the sender stands, it does not stop.
    fn impatient(mut self) -> (Self, tokio::sync::watch::Sender<bool>) {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let info = Info {
            demo: false,
            organisation: "Harbour Lights".into(),
            twenty_url: "http://twenty.sim".into(),
            sync_every_ms: 900_000,
            secure_cookies: false,
        };
        let face = Face::new(self.process.desk.clone(), Arc::clone(&self.search), info, stopped);
        self.router = router(face.patient_for(Duration::ZERO));
        (self, stop)
    }

    fn ready(&self, amount: i64) -> String {
        let staged = self.staged(amount);
        let row = format!("/api/fundraising/gift-staging/{staged}/status");
        assert_eq!(self.patch(&row, &json!({ "processingStatus": "ready_for_process" })).status, 200);
        staged
    }

    fn posted(&self, row: &str) -> Value {
        let row = self.get(&format!("/api/fundraising/gift-staging/{row}"));
        row.body["data"]["giftStaging"]["processingStatus"].clone()
    }
}

#[test]
fn a_gift_that_is_not_there_in_time_is_answered_with_its_run() {
    let (mut api, _running) = Api::new().impatient();
    let row = api.ready(25_000_000);
    let reply = api.post(&format!("/api/fundraising/gift-staging/{row}/process"), &json!({}));
    assert_eq!(
        (reply.status, &reply.body["status"]),
        (StatusCode::ACCEPTED, &json!("running")),
        "{}",
        reply.text
    );
    let run = reply.body["runId"].as_str().unwrap().to_owned();
    // Asked again it is the same run, and in the end one gift.
    let again = api.post(&format!("/api/fundraising/gift-staging/{row}/process"), &json!({}));
    assert!(
        again.status == 202 && again.body["runId"] == run || again.body["reason"] == "locked",
        "{}",
        again.text
    );
    let gift = json!({ "amount": pounds(30), "giftDate": "2026-11-20", "contactId": api.donor(), "paymentMethod": "card", "autoProcess": true });
    let reply = api.post("/api/fundraising/gifts", &gift);
    assert!([200, 202].contains(&reply.status.as_u16()), "{}", reply.text);
    let waits = (reply.status == 202).then(|| reply.body["runId"].as_str().unwrap().to_owned());
    assert!(waits.is_none_or(|run| !run.is_empty()), "{}", reply.text);
    api.settle();
    assert_eq!(api.posted(&row), "processed");
    let done = api.post(&format!("/api/fundraising/gift-staging/{row}/process"), &json!({}));
    assert_eq!((done.status, &done.body["status"]), (StatusCode::OK, &json!("processed")));
    assert_eq!(
        api.outside
            .twenty
            .records("gifts")
            .iter()
            .filter(|gift| gift["amount"]["amountMicros"] == 25_000_000)
            .count(),
        1
    );
}

#[test]
fn a_run_posts_as_many_rows_as_it_was_asked_to() {
    let mut api = Api::new();
    let rows: Vec<String> = (1..=5).map(|n| api.ready(n * 1_000_000)).collect();
    let made = api.post("/api/fundraising/gift-batches", &json!({ "name": "Five", "rowIds": rows }));
    let batch = made.body["data"]["createGiftBatch"]["id"].as_str().unwrap().to_owned();
    let process = format!("/api/fundraising/gift-batches/{batch}/process");
    for wrong in [json!({ "maxRows": 0 }), json!({ "maxRows": "two" }), json!({ "maxRows": -1 })] {
        assert_eq!(api.post(&process, &wrong).status, 400, "{wrong}");
    }
    let run = api.post(&process, &json!({ "maxRows": 2 }));
    assert_eq!(run.status, 200, "{}", run.text);
    api.settle();
    let posted = |api: &Api| rows.iter().filter(|row| api.posted(row) == "processed").count();
    assert_eq!(posted(&api), 2);
    assert_eq!(api.post(&process, &json!({})).status, 200);
    api.settle();
    assert_eq!(posted(&api), 5);
}

#[test]
fn a_gift_on_its_way_is_on_screen_and_in_no_total_and_no_proof() {
    let mut api = Api::new();
    let came_in = |api: &Api| api.get("/api/home").body["cameIn"].clone();
    let gifts = |api: &Api| {
        let objects = api.get("/api/sync").body["objects"].as_array().unwrap().clone();
        objects.into_iter().find(|object| object["object"] == "gifts").unwrap()
    };
    let (before, records) = (came_in(&api), gifts(&api)["records"].clone());
    let row = api.ready(25_000_000);
    assert_eq!(api.post("/api/fundraising/gift-staging/process-ready", &json!({})).status, 200);
    let run = api.process.means.store.snapshot().unwrap().ledger().active_runs().unwrap().remove(0).value.id;
    let mut gift = Value::Null;
    while gift.is_null() {
        api.outside.twenty.set_faults(Plan::none().at(1, Fault::LostRequest));
        api.process.step_run(run);
        gift = api.get(&format!("/api/fundraising/gift-staging/{row}")).body["data"]["giftStaging"]["gift"]
            .clone();
    }
    let path = format!("/api/records/gifts/{}", gift["id"].as_str().unwrap());
    assert_eq!(api.get(&path).body["data"]["state"], "pending", "it is on screen at once");
    assert_eq!(came_in(&api), before, "and in no total");
    let there = gifts(&api);
    assert_eq!(
        (&there["records"], &there["pending"], &there["completeness"]),
        (&records, &json!(1), &json!("proven"))
    );
    api.outside.twenty.set_faults(Plan::none());
    api.settle();
    assert_eq!(api.get(&path).body["data"]["state"], "live");
    assert_ne!(came_in(&api), before);
    let there = gifts(&api);
    assert_eq!((there["records"].as_u64(), &there["pending"]), (records.as_u64().map(|n| n + 1), &json!(0)));
}

#[test]
fn what_is_read_carries_its_version_as_an_etag() {
    let api = Api::new();
    let record = api.get(&format!("/api/records/people/{}", api.donor()));
    let version = record.body["data"]["version"].as_u64().unwrap();
    assert_eq!(record.headers["etag"], format!("\"{version}\""));
    let user =
        api.post("/api/users", &json!({ "name": "Ann", "email": "ann@example.org", "role": "viewer" }));
    let id = user.body["user"]["id"].as_str().unwrap().to_owned();
    let changed = api.patch(&format!("/api/users/{id}"), &json!({ "name": "Anne" }));
    assert_eq!(changed.headers["etag"], format!("\"{}\"", changed.body["data"]["version"]));
}

//! What people and programs see of the mirror, and what they may ask of it.

use super::*;

impl Api {
    fn object(&self, word: &str) -> Value {
        let sync = self.get("/api/sync");
        assert_eq!(sync.status, 200, "{}", sync.text);
        let objects = sync.body["objects"].as_array().unwrap();
        objects.iter().find(|object| object["object"] == word).expect("mirrored").clone()
    }
}

#[test]
fn each_object_says_how_old_and_how_complete_it_is() {
    let mut api = Api::new();
    let people = api.object("people");
    assert_eq!((people["label"].as_str(), people["records"].as_u64()), (Some("People"), Some(3)));
    assert_eq!((&people["completeness"], &people["freshness"]["state"]), (&json!("proven"), &json!("fresh")));
    let proof = people["proof"].clone();
    assert_eq!((&proof["records"], &proof["missed"], &proof["reason"]), (&json!(3), &json!(0), &Value::Null));
    assert!(api.object("companies")["proof"]["asOf"].is_string());
    // Somebody destroys a person; whoever asks for a check hears of it.
    let gone: uuid::Uuid = api.donor().parse().unwrap();
    assert!(api.outside.twenty.destroy("people", gone));
    api.outside.advance_ms(60_000);
    assert_eq!(api.post("/api/sync/people/sweep", &json!({})).status, 202);
    assert_eq!(api.object("people")["walking"], true);
    api.settle();
    let people = api.object("people");
    assert_eq!((&people["proof"]["gone"], &people["records"]), (&json!(1), &json!(2)));
    assert!(people["proof"]["asOf"].as_str() > proof["asOf"].as_str());
    assert_eq!(api.post("/api/sync/unicorns/sweep", &json!({})).status, 404);
    assert_eq!(api.post("/api/sync/run/sweep", &json!({})).status, 404);
}

#[test]
fn an_object_can_be_paused_and_others_switched_on() {
    let mut api = Api::new();
    assert_eq!(api.patch("/api/sync/people", &json!({ "paused": true })).status, 204);
    assert_eq!(api.object("people")["paused"], true);
    assert_eq!(api.patch("/api/sync/people", &json!({ "paused": "yes" })).status, 400);
    assert_eq!(api.patch("/api/sync/people", &json!({ "paused": false })).status, 204);
    let others = api.get("/api/sync").body["others"].clone();
    let plural = others[0]["plural"].as_str().expect("another object").to_owned();
    assert_eq!(api.post("/api/sync/objects", &json!({ "plural": plural, "on": true })).status, 204);
    api.settle();
    assert_eq!(api.object("custom_1")["completeness"], "proven");
    assert_eq!(api.post("/api/sync/objects", &json!({ "plural": plural, "on": false })).status, 204);
    for wrong in ["unicorns", "people"] {
        assert_eq!(api.post("/api/sync/objects", &json!({ "plural": wrong, "on": true })).status, 422);
    }
    assert_eq!(api.post("/api/sync/objects", &json!({ "on": true })).status, 400);
}

#[test]
fn what_cannot_be_read_is_listed_with_its_reason() {
    let mut api = Api::new();
    let odd = json!({ "name": "Odd", "amount": { "amountMicros": 1_000_000, "currencyCode": "ZZZ" } });
    let id = api.outside.create("gifts", &odd);
    api.outside.advance_ms(60_000);
    api.process.sync_now();
    api.settle();
    let list = api.get("/api/sync/quarantine");
    assert_eq!((list.body["meta"]["total"].as_u64(), &list.body["data"][0]["record"]), (Some(1), &json!(id)));
    assert!(list.body["data"][0]["reason"].as_str().unwrap().contains("no currency that exists"));
    let sync = api.get("/api/sync").body;
    assert_eq!(sync["quarantined"], 1);
    let budget = &sync["budget"];
    assert_eq!(
        (&budget["state"], &budget["perMinute"], &budget["sharePercent"]),
        (&json!("open"), &json!(80), &json!(80))
    );
    assert!(budget["lastHour"][3]["calls"].as_u64() > Some(10), "walks were made: {budget}");
    assert_eq!(budget["forecast"], Value::Null, "nothing is being read");
}

#[test]
fn ready_follows_the_age_of_the_data() {
    let api = Api::new();
    let ready = || api.raw(Request::builder().uri("/readyz").body(axum::body::Body::empty()).unwrap());
    assert_eq!((ready().status, &ready().body["mirror"]["people"]), (StatusCode::OK, &json!("fresh")));
    api.outside.advance_ms(3_600_000);
    assert_eq!(ready().status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready().body,
        json!({ "status": "not_ready", "mirror": { "people": "stale", "gifts": "stale" } })
    );
}

#[test]
fn a_webhook_is_heard_only_where_one_is_expected_and_believed() {
    let api = Api::new();
    assert_eq!(api.post("/hooks/twenty", &json!({})).status, 404, "nobody registered one");
    let outside = Outside::new(12).hooked();
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let hooked = Api::over(outside, process);
    assert_eq!(hooked.get("/api/sync").body["webhook"]["state"], "registered");
    assert_eq!(hooked.post("/hooks/twenty", &json!({ "eventName": "person.updated" })).status, 401);
    hooked.outside.twenty.create("people", &json!({ "jobTitle": "Chair" }));
    for delivery in hooked.outside.twenty.take_deliveries() {
        let headers: Vec<(&str, &str)> =
            delivery.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = String::from_utf8(delivery.body.to_vec()).unwrap();
        assert_eq!(hooked.call_with("POST", "/hooks/twenty", &body, &headers).status, 204);
    }
    let sync = hooked.get("/api/sync").body;
    assert!(sync["webhook"]["heard"].as_u64() >= Some(1), "{sync}");
    assert_eq!((&sync["webhook"]["refused"], &hooked.object("people")["waiting"]), (&json!(1), &json!(1)));
}

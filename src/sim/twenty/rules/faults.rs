//! Every fault does what it says, at the call it is set for and at no other.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{NOON, Probe, id};
use crate::sim::faults::{Broken, Fault, Plan};
use crate::sim::twenty::{Options, Version};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

fn number(at: usize) -> Value {
    json!({"externalId": format!("x-{at}"), "name": format!("gift {at}")})
}

/// Five gifts, whatever the plan of faults says later.
fn five() -> Probe {
    let probe = Probe::ticking();
    let batch: Vec<Value> = (0..5).map(number).collect();
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &json!(batch)).0, 201);
    probe
}

/// The gifts as they are stored, by their external ids.
fn stored(probe: &Probe) -> Vec<String> {
    let mut found: Vec<String> = probe
        .server
        .records("gifts")
        .iter()
        .map(|row| row["externalId"].as_str().expect("text").to_owned())
        .collect();
    found.sort();
    found
}

fn body(reply: &http::Response<bytes::Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

#[test]
fn a_broken_connection_comes_before_or_after_the_effect() {
    for (fault, broken, effect) in [
        ("refused", Broken::Refused, false),
        ("lost-request", Broken::Reset, false),
        ("timeout-before", Broken::TimedOut, false),
        ("lost-reply", Broken::Reset, true),
        ("timeout-after", Broken::TimedOut, true),
    ] {
        let probe = Probe::meeting(&format!("{fault}:at=2"));
        let outcomes: Vec<_> = (1..=3).map(|at| probe.sent("POST", "/rest/gifts", &number(at))).collect();
        let told: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().copied()).collect();
        assert_eq!(told, [None, Some(broken), None], "{fault}");
        let expected: &[&str] = if effect { &["x-1", "x-2", "x-3"] } else { &["x-1", "x-3"] };
        assert_eq!(stored(&probe), expected, "{fault}");
        // The log tells what the caller cannot know.
        let log = probe.server.request_log();
        assert_eq!(log.iter().map(|one| one.effect).collect::<Vec<_>>(), [true, effect, true], "{fault}");
        let statuses: Vec<_> = log.iter().map(|one| one.status).collect();
        assert_eq!(statuses, [Some(201), effect.then_some(201), Some(201)], "{fault}");
    }
}

#[test]
fn a_proxy_answers_with_a_page_before_or_after_the_effect() {
    for (fault, status, effect) in
        [("502-before", 502, false), ("504-before", 504, false), ("503-after", 503, true)]
    {
        let probe = Probe::meeting(&format!("{fault}:at=2"));
        assert!(probe.make("gifts", &number(1))["id"].is_string());
        let reply = probe.sent("POST", "/rest/gifts", &number(2)).expect("an answer");
        assert_eq!((reply.status().as_u16(), &reply.headers()["content-type"]), (status, &mime("text/html")));
        assert!(reply.body().starts_with(b"<html>"), "{fault}");
        assert!(probe.make("gifts", &number(3))["id"].is_string());
        assert_eq!(stored(&probe).contains(&"x-2".to_owned()), effect, "{fault}");
    }
}

fn mime(text: &'static str) -> http::HeaderValue {
    http::HeaderValue::from_static(text)
}

#[test]
fn a_cut_answer_promises_more_than_it_brings() {
    let probe = Probe::meeting("cut:at=2");
    let whole = probe.sent("POST", "/rest/gifts", &number(1)).expect("an answer");
    let cut = probe.sent("POST", "/rest/gifts", &number(2)).expect("the head of an answer");
    let next = probe.sent("GET", "/rest/gifts", &Value::Null).expect("an answer");
    let promised = |reply: &http::Response<bytes::Bytes>| {
        reply.headers()["content-length"].to_str().expect("ASCII").parse::<usize>().expect("a number")
    };
    assert_eq!(promised(&whole), whole.body().len());
    assert_eq!((cut.status().as_u16(), cut.body().len()), (201, promised(&cut) / 2));
    assert!(serde_json::from_slice::<Value>(cut.body()).is_err());
    assert_eq!(body(&next)["totalCount"], json!(2));
}

#[test]
fn the_server_breaks_before_anything_happens() {
    for (fault, status, key, words) in [
        ("500", 500, "/message", "Internal server error"),
        ("query-timeout", 400, "/messages/0", "Query read timeout"),
    ] {
        let probe = Probe::meeting(&format!("{fault}:at=2"));
        probe.make("gifts", &number(1));
        let (answered, reply) = probe.ask("POST", "/rest/gifts", &number(2));
        assert_eq!((answered, reply.pointer(key)), (status, Some(&json!(words))), "{fault}");
        assert_eq!(reply["statusCode"], json!(status), "{fault}");
        probe.make("gifts", &number(3));
        assert_eq!(stored(&probe), ["x-1", "x-3"], "{fault}");
    }
}

#[test]
fn the_metadata_fault_harms_objects_and_fields_over_rest_only() {
    // As on 2.1.0: the way round through GraphQL stays open, and so do the records.
    let probe = Probe::meeting("metadata-500:100%");
    for (method, target, asked, expected) in [
        ("GET", "/rest/metadata/objects", Value::Null, 500),
        ("GET", "/rest/metadata/fields?limit=1", Value::Null, 500),
        ("POST", "/rest/metadata/objects", json!({}), 500),
        ("GET", "/rest/metadata/webhooks", Value::Null, 200),
        ("GET", "/rest/gifts", Value::Null, 200),
        ("POST", "/metadata", json!({"query": "{ objects { totalCount } }"}), 200),
    ] {
        assert_eq!(probe.ask(method, target, &asked).0, expected, "{method} {target}");
    }
}

#[test]
fn a_storm_refuses_so_many_requests_in_the_words_of_the_limiter() {
    let probe = Probe::meeting("429-storm:at=2,len=3");
    let replies: Vec<_> =
        (1..=6).map(|at| probe.sent("POST", "/rest/gifts", &number(at)).expect("an answer")).collect();
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status().as_u16()).collect();
    assert_eq!(statuses, [201, 429, 429, 429, 201, 201]);
    assert_eq!(stored(&probe), ["x-1", "x-5", "x-6"]);
    let expected = json!({"statusCode": 429, "error": "HttpException",
        "messages": ["Limit reached (100 tokens per 60000 ms)"]});
    assert_eq!(body(&replies[1]), expected);
    assert!(replies[1].headers().get("retry-after").is_none());
}

#[test]
fn the_storm_of_a_newer_server_says_when_to_come_back() {
    let probe = Probe::with(Options::new(3, || NOON).playing(Version::Newer));
    probe.meet("429-storm:at=1,len=1");
    let reply = probe.sent("GET", "/rest/gifts", &Value::Null).expect("an answer");
    let header =
        |name: &str| reply.headers()[name].to_str().expect("ASCII").parse::<i64>().expect("a number");
    assert_eq!(reply.status().as_u16(), 429);
    assert_eq!(
        (header("retry-after"), header("x-ratelimit-limit"), header("x-ratelimit-remaining")),
        (1, 100, 0)
    );
    // A moment in seconds since the epoch, not before the wait is over.
    assert_eq!(header("x-ratelimit-reset"), NOON / 1_000_000 + 1);
    let told = body(&reply);
    for (key, expected) in [
        ("/error", json!("RATE_LIMITED")),
        ("/messages/0", json!("Rate limit exceeded for apiKey: 100 requests per 60s.")),
        ("/limitKind", json!("speed")),
        ("/exhaustedKind", json!("limit")),
        ("/scope/spenderType", json!("apiKey")),
        ("/limit", json!(100)),
        ("/remaining", json!(0)),
        ("/periodCount", json!(60)),
        ("/periodUnit", json!("second")),
        ("/retryAfterSeconds", json!(1)),
    ] {
        assert_eq!(told.pointer(key), Some(&expected), "{key}");
    }
    assert!(told["scope"]["spenderId"].is_string());
    assert_eq!(probe.sent("GET", "/rest/gifts", &Value::Null).expect("an answer").status(), 200);
}

#[test]
fn a_storm_is_the_limiter_of_records_and_of_nothing_else() {
    // Recording 17: the metadata calls and the OpenAPI text are answered, GraphQL says it with 200.
    let probe = Probe::meeting("429-storm:at=1,len=7");
    for (method, target, asked, expected) in [
        ("GET", "/rest/gifts?limit=1", Value::Null, 429),
        ("GET", "/rest/metadata/objects?limit=1", Value::Null, 200),
        ("GET", "/rest/webhooks", Value::Null, 200),
        ("GET", "/rest/open-api/metadata", Value::Null, 200),
        ("GET", "/healthz", Value::Null, 200),
        ("POST", "/metadata", json!({"query": "{ objects { totalCount } }"}), 200),
    ] {
        assert_eq!(probe.ask(method, target, &asked).0, expected, "{method} {target}");
    }
    let (status, told) = probe.ask("POST", "/graphql", &json!({"query": "{ gifts(first:1){ totalCount } }"}));
    let expected = json!({"data": {"gifts": null}, "errors": [{
        "message": "Limit reached (100 tokens per 60000 ms)",
        "extensions": {"subCode": "LIMIT_REACHED", "code": "BAD_USER_INPUT",
            "userFriendlyMessage": "Rate limit reached. Please try again later."}}]});
    assert_eq!((status, told), (200, expected));
    assert_eq!(probe.ask("GET", "/rest/gifts?limit=1", &Value::Null).0, 200);
}

#[test]
fn the_requests_of_a_storm_count_like_all_others() {
    let probe = Probe::meeting("429-storm:at=1,len=3,refused:at=5");
    let outcomes: Vec<Option<u16>> = (1..=6)
        .map(|_| probe.sent("GET", "/rest/gifts", &Value::Null).ok().map(|reply| reply.status().as_u16()))
        .collect();
    assert_eq!(outcomes, [Some(429), Some(429), Some(429), Some(200), None, Some(200)]);
}

#[test]
fn a_slow_answer_waits_as_long_as_it_says_and_alone() {
    let waited = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&waited);
    let mut options = Options::new(3, || NOON);
    options.waiter = Some(Arc::new(move |milliseconds| {
        book.lock().expect("nobody panicked").push(milliseconds);
        Box::pin(std::future::ready(()))
    }));
    let probe = Probe::with(options);
    probe.meet("slow:at=2,ms=1500");
    for at in 1..=3 {
        let (outcome, _) = probe.server.answer_late(probe.request("POST", "/rest/gifts", &number(at)));
        assert_eq!(outcome.expect("an answer").status().as_u16(), 201);
    }
    assert_eq!(*waited.lock().expect("nobody panicked"), [1_500]);
    let faults: Vec<_> = probe.server.request_log().into_iter().map(|one| one.fault).collect();
    assert_eq!(faults, [None, Some(Fault::Slow(1_500)), None]);
}

#[test]
fn an_answer_in_another_order_holds_the_same_records() {
    let probe = Probe::meeting("shuffled:at=2");
    let ask = |from: usize| {
        let batch: Vec<Value> = (from..from + 8).map(number).collect();
        let (status, reply) = probe.ask("POST", "/rest/batch/gifts", &json!(batch));
        assert_eq!(status, 201);
        let records = reply["data"]["createGifts"].as_array().expect("a list").clone();
        let ids = records.iter().map(|one| one["externalId"].as_str().expect("text").to_owned());
        (ids.collect::<Vec<_>>(), (from..from + 8).map(|at| format!("x-{at}")).collect::<Vec<_>>())
    };
    let (before, expected) = ask(0);
    assert_eq!(before, expected);
    let (mut shuffled, expected) = ask(10);
    assert_ne!(shuffled, expected);
    shuffled.sort();
    assert_eq!(shuffled, expected);
    let (after, expected) = ask(20);
    assert_eq!(after, expected);
}

#[test]
fn a_record_is_missing_from_one_answer_but_not_from_the_table() {
    let probe = five();
    probe.meet("missing:at=2");
    let seen: Vec<(usize, Value)> = (0..3)
        .map(|_| {
            let page = probe.get("/rest/gifts");
            (page["data"]["gifts"].as_array().expect("a list").len(), page["totalCount"].clone())
        })
        .collect();
    assert_eq!(seen, [(5, json!(5)), (4, json!(5)), (5, json!(5))]);
    // Of a batch answer too; all of it was stored.
    probe.meet("missing:at=1");
    let (_, reply) = probe.ask("POST", "/rest/batch/gifts", &json!([number(5), number(6)]));
    assert_eq!(reply["data"]["createGifts"].as_array().expect("a list").len(), 1);
    assert_eq!(stored(&probe).len(), 7);
}

#[test]
fn an_answer_carries_an_id_of_something_else() {
    let probe = five();
    let ours: BTreeSet<String> = probe.server.records("gifts").iter().map(|row| id(row).to_owned()).collect();
    probe.meet("foreign-id:at=2");
    let strangers: Vec<usize> = (0..3)
        .map(|_| {
            let ids = probe.column("/rest/gifts", "/id");
            ids.iter().filter(|id| !ours.contains(id.as_str().expect("text"))).count()
        })
        .collect();
    assert_eq!(strangers, [0, 1, 0]);
    probe.meet("foreign-id:at=1");
    let made = probe.make("gifts", &number(9));
    let real = probe.server.records("gifts");
    let real = real.iter().find(|row| row["externalId"] == "x-9").expect("it was stored");
    assert_ne!(made["id"], real["id"]);
}

#[test]
fn a_read_forgets_its_filter_and_nothing_else() {
    let probe = five();
    probe.meet("ignored-filter:at=2,ignored-filter:at=4,ignored-filter:at=5");
    let found = |target: &str| probe.column(target, "/externalId").len();
    let target = "/rest/gifts?filter=externalId[eq]:x-1&limit=3";
    assert_eq!([found(target), found(target), found(target)], [1, 3, 1]);
    // A write keeps its filter.
    let (_, reply) = probe.ask("PATCH", "/rest/gifts?filter=externalId[eq]:x-1", &json!({"name": "new"}));
    assert_eq!(reply["data"]["updateGifts"].as_array().expect("a list").len(), 1);
    let (_, reply) = probe.ask("DELETE", "/rest/gifts?filter=externalId[eq]:x-1", &Value::Null);
    assert_eq!(reply["data"]["deleteGifts"].as_array().expect("a list").len(), 1);
    assert_eq!(stored(&probe), ["x-0", "x-2", "x-3", "x-4"]);
}

#[test]
fn a_replica_lacks_the_last_writes() {
    let probe = Probe::ticking();
    let first = probe.make("gifts", &number(1));
    probe.make("gifts", &number(2));
    let path = format!("/rest/gifts/{}", id(&first));
    assert_eq!(probe.ask("PATCH", &path, &json!({"name": "new"})).0, 200);
    // A timeline entry is a write of its own: each of the three came with one.
    probe.meet("stale:at=2,writes=4");
    let seen = |_| {
        let page = probe.get("/rest/gifts");
        let gifts = page["data"]["gifts"].as_array().expect("a list").clone();
        let old = gifts.iter().find(|gift| gift["id"] == first["id"]).expect("the first gift");
        (gifts.len(), old["name"].clone())
    };
    let seen: Vec<_> = (0..3).map(seen).collect();
    assert_eq!(seen, [(2, json!("new")), (1, json!("gift 1")), (2, json!("new"))]);
    // Writes go to the primary.
    probe.meet("stale:at=1,writes=100");
    assert_eq!(probe.ask("PATCH", &path, &json!({"name": "newer"})).0, 200);
}

#[test]
fn a_request_that_arrives_twice_is_answered_for_the_second_time() {
    let probe = Probe::meeting("twice:at=1,twice:at=3");
    let made = probe.ask("POST", "/rest/gifts", &json!({"name": "no id of its own"}));
    assert_eq!((made.0, probe.server.records("gifts").len()), (201, 2));
    assert_eq!(probe.ask("POST", "/rest/gifts", &number(1)).0, 201);
    let (status, message) = probe.refused("POST", "/rest/gifts", &number(2));
    assert_eq!((status, message.as_str()), (400, "A duplicate entry was detected"));
    assert_eq!(probe.server.records("gifts").len(), 4);
    assert_eq!(probe.server.request_log().len(), 3);
}

/// One person and nothing else, so that mischief can only strike there.
fn alone(plan: &str) -> (Probe, Value) {
    let probe = Probe::ticking();
    let person = probe.make("people", &json!({"jobTitle": "Keeper"}));
    probe.meet(plan);
    (probe, person)
}

#[test]
fn others_work_right_after_a_request_and_under_their_own_name() {
    for (fault, expected) in [
        ("edit", json!({"rows": 1, "mine": false, "deleted": false, "older": false})),
        ("backdated", json!({"rows": 1, "mine": false, "deleted": false, "older": true})),
        ("delete", json!({"rows": 1, "mine": true, "deleted": true, "older": false})),
        ("create", json!({"rows": 2, "mine": true, "deleted": false, "older": false})),
        ("hard-delete", json!({"rows": 0})),
    ] {
        let (probe, person) = alone(&format!("{fault}:at=2"));
        let path = format!("/rest/people/{}", id(&person));
        assert_eq!(probe.get(&path)["data"]["person"], person, "{fault}");
        assert_eq!(probe.server.records("people"), std::slice::from_ref(&person), "{fault}: nothing yet");
        // The request itself does not see it.
        assert_eq!(probe.get(&path)["data"]["person"], person, "{fault}");
        let rows = probe.server.records("people");
        let seen = rows.iter().find(|row| row["id"] == person["id"]).map_or_else(
            || json!({"rows": rows.len()}),
            |row| {
                json!({"rows": rows.len(), "mine": row["updatedBy"]["source"] == "API",
                    "deleted": !row["deletedAt"].is_null(),
                    "older": row["updatedAt"].as_str() < person["updatedAt"].as_str()})
            },
        );
        assert_eq!(seen, expected, "{fault}");
        probe.ask("GET", &path, &Value::Null);
        assert_eq!(probe.server.records("people"), rows, "{fault}: once only");
    }
}

#[test]
fn an_edit_of_others_changes_a_value_and_says_who_did_it() {
    let (probe, person) = alone("edit:at=1");
    probe.get("/rest/people");
    let row = &probe.server.records("people")[0];
    assert_ne!(row["jobTitle"], person["jobTitle"]);
    assert_eq!(row["updatedBy"]["source"], json!("MANUAL"));
    assert_eq!(row["createdBy"], person["createdBy"]);
    assert!(row["updatedAt"].as_str() > person["updatedAt"].as_str());
}

#[test]
fn the_nightly_job_takes_what_lay_in_the_bin_for_two_weeks() {
    let clock = Arc::new(AtomicI64::new(NOON));
    let probe = Probe::moved_by(&clock);
    let batch: Vec<Value> = (0..3).map(number).collect();
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &json!(batch)).0, 201);
    let discard = |name: &str| {
        let target = format!("/rest/gifts?filter=externalId[eq]:{name}&soft_delete=true");
        assert_eq!(probe.ask("DELETE", &target, &Value::Null).0, 200);
    };
    discard("x-0");
    clock.fetch_add(3 * DAY, Ordering::Relaxed);
    discard("x-1");
    clock.fetch_add(12 * DAY, Ordering::Relaxed);
    probe.meet("purge:at=2");
    probe.get("/rest/gifts");
    assert_eq!(stored(&probe), ["x-0", "x-1", "x-2"]);
    probe.get("/rest/gifts");
    assert_eq!(stored(&probe), ["x-1", "x-2"]);
}

#[test]
fn the_data_model_changes_before_a_request() {
    let probe = five();
    probe.meet("field-added:at=2,of=gifts.motive,field-renamed:at=4,of=gifts.externalId,to=reference,field-removed:at=6,of=gifts.name");
    let has = |name: &str| probe.get("/rest/gifts?limit=1")["data"]["gifts"][0].get(name).is_some();
    assert!(!has("motive"));
    assert!(has("motive"));
    assert_eq!(probe.column("/rest/gifts?filter=externalId[eq]:x-3", "/externalId"), [json!("x-3")]);
    // The values keep their place under the new name, and the old one is unknown at once.
    assert_eq!(probe.column("/rest/gifts?filter=reference[eq]:x-3", "/reference"), [json!("x-3")]);
    let (status, message) = probe.refused("GET", "/rest/gifts?filter=externalId[eq]:x-3", &Value::Null);
    assert_eq!((status, message.as_str()), (400, "Object gift doesn't have any \"externalId\" field."));
    let (status, message) =
        probe.refused("PATCH", "/rest/gifts?filter=reference[eq]:x-3", &json!({"name": "n"}));
    assert_eq!((status, message.as_str()), (400, "Object gift doesn't have any \"name\" field."));
    assert!(!has("name"));
    let effects: Vec<bool> = probe.server.request_log().iter().skip(1).map(|one| one.effect).collect();
    assert_eq!(effects, [false; 7]);
}

#[test]
fn the_clock_goes_wrong_from_a_request_on() {
    let probe = Probe::meeting("skew:at=2,ms=-90000,skew:at=4,ms=0");
    let times: Vec<Value> = (1..=4).map(|at| probe.make("gifts", &number(at))["createdAt"].clone()).collect();
    let (right, wrong) = (json!("2026-09-21T14:13:20.000Z"), json!("2026-09-21T14:11:50.000Z"));
    assert_eq!(times, [right.clone(), wrong.clone(), wrong, right]);
    probe.server.set_clock_skew(0);
    probe.meet("skew:at=1,ms=3600000");
    let reply = probe.sent("GET", "/rest/gifts", &Value::Null).expect("an answer");
    assert_eq!(reply.headers()["date"], "Mon, 21 Sep 2026 15:13:20 GMT");
}

#[test]
fn another_version_answers_from_a_request_on() {
    let probe = Probe::meeting("version:at=2,to=newer,version:at=4,to=older");
    let versions: Vec<Value> = (0..5).map(|_| probe.get("/client-config")["appVersion"].clone()).collect();
    assert_eq!(versions, ["2.19.0", "2.47.0", "2.47.0", "1.20.0", "1.20.0"]);
}

/// What a server with this seed and plan does to a fixed run of requests.
fn run(seed: u64, plan: Plan) -> (Vec<String>, Vec<Value>, Vec<String>) {
    let probe = Probe::with(Options::new(seed, || NOON));
    let hook = json!({"targetUrl": "https://box.example.org/", "operations": ["*.*"], "secret": "s"});
    assert_eq!(probe.ask("POST", "/rest/webhooks", &hook).0, 201);
    probe.server.set_faults(plan);
    let outcomes = (0..120).map(|at| {
        let outcome = match at % 3 {
            0 => probe.sent("POST", "/rest/gifts", &number(at)),
            1 => probe.sent("POST", "/rest/batch/people", &json!([{"jobTitle": "a"}, {"jobTitle": "b"}])),
            _ => probe.sent("GET", "/rest/gifts?limit=5", &Value::Null),
        };
        outcome.map_or_else(|broken| broken.to_string(), |reply| format!("{reply:?}"))
    });
    let outcomes = outcomes.collect();
    let calls = probe.server.take_deliveries().iter().map(|call| format!("{call:?}")).collect();
    (outcomes, probe.server.records("people"), calls)
}

#[test]
fn the_same_seed_brings_the_same_faults_byte_for_byte() {
    let plan = || {
        let hooks = Plan::parse("hook-lost:10%,hook-twice:10%,hook-reordered:10%,edit:5%").expect("a plan");
        [Fault::LostReply, Fault::Refused, Fault::ShuffledBatch, Fault::ForeignId, Fault::ConcurrentEdit]
            .into_iter()
            .fold(hooks, |plan, fault| plan.often(60, fault))
    };
    let first = run(5, plan());
    assert_eq!(first, run(5, plan()));
    assert_ne!(first.0, run(6, plan()).0);
    // A plan may bring a seed of its own: the faults are then the same on another server.
    let struck = |seed: u64| {
        let probe = Probe::with(Options::new(seed, || NOON));
        probe.meet("refused:30%,seed=11");
        (0..60).map(|_| probe.sent("GET", "/healthz", &Value::Null).is_err()).collect::<Vec<_>>()
    };
    assert_eq!(struck(1), struck(2));
    assert!(struck(1).contains(&true) && struck(1).contains(&false));
}

#[test]
fn a_fault_that_strikes_shifts_no_other() {
    let struck = |plan: &str| {
        let probe = Probe::meeting(plan);
        let outcomes = (0..80).map(|_| probe.sent("GET", "/rest/gifts", &Value::Null).err());
        outcomes.collect::<Vec<Option<Broken>>>()
    };
    let alone = struck("refused:20%");
    assert!(alone.iter().filter(|one| one.is_some()).count() > 5);
    let storm = struck("refused:20%,429-storm:at=3,len=4,cut:at=20,create:every=9,edit:at=30");
    for (at, (left, right)) in alone.iter().zip(&storm).enumerate() {
        let scripted = (2..6).contains(&at) || at == 19 || at == 29 || (at + 1) % 9 == 0;
        assert!(scripted || left == right, "request {}", at + 1);
    }
}

#[test]
fn chances_scopes_and_periods_are_kept() {
    let struck = |plan: &str, methods: &[&str]| {
        let probe = Probe::meeting(plan);
        let ask = |method: &&str| probe.sent(method, "/rest/gifts", &json!({})).is_err();
        methods.iter().map(ask).collect::<Vec<bool>>()
    };
    assert_eq!(struck("refused:0", &["GET"; 20]), [false; 20]);
    assert_eq!(struck("refused:1", &["GET"; 20]), [true; 20]);
    assert_eq!(struck("refused:every=3", &["GET"; 6]), [false, false, true, false, false, true]);
    let mixed = ["GET", "POST", "GET", "POST", "GET"];
    assert_eq!(struck("refused:at=2,only=writes", &mixed), [false, false, false, true, false]);
    assert_eq!(struck("refused:at=2,only=reads", &mixed), [false, false, true, false, false]);
    // The first named of two that strike together is the one that befalls the request.
    let probe = Probe::meeting("lost-reply:1,refused:1");
    assert_eq!(probe.sent("GET", "/rest/gifts", &Value::Null).err(), Some(Broken::Reset));
}

#[test]
fn a_plan_begins_when_it_is_set_and_ends_when_another_is() {
    let probe = Probe::meeting("refused:at=2");
    let refused = || probe.sent("GET", "/rest/gifts", &Value::Null).is_err();
    assert!(!refused());
    probe.meet("refused:at=2");
    assert_eq!([refused(), refused(), refused()], [false, true, false]);
    probe.meet("refused:1");
    assert!(refused());
    probe.server.set_faults(Plan::none());
    assert!(!refused());
    let struck = probe.server.request_log().iter().filter(|one| one.fault.is_some()).count();
    assert_eq!(struck, 2);
}

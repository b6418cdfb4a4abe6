//! Webhooks: how they are registered, whom they call, what a call says, and when none is made.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{NOON, Probe, id};
use crate::sim::digest;
use crate::sim::twenty::{Delivered, Delivery, Options, Sender, Version};

/// The body of a call the recorder received, its timestamp and signature; the secret was `s3cret-s3cret`.
const RECORDED: (&str, &str, &str) = (
    "1795328874201",
    "0d55e529196ba5e2d8dd8af4c67e7c2c51a4ba20736e1332ca5c5064f87eeffb",
    r#"{"targetUrl":"http://127.0.0.1:53999/hook?src=meta","eventName":"gift.created","objectMetadata":{"id":"73da23ff-6efd-4ae5-af4b-12895b40b4fa","nameSingular":"gift"},"workspaceId":"20202020-1c25-4d02-bf25-6aeccf7ea419","webhookId":"24e9e37e-b7ad-4f5f-a6f0-c35946d229cf","eventDate":"2026-11-22T06:27:54.191Z","record":{"name":"Hook gift","id":"493ed0db-4014-4a3f-9605-5bbcb78b8537","createdAt":"2026-11-22T06:27:54.178Z","createdBy":{"source":"API","workspaceMemberId":null,"name":"client test","context":{}},"deletedAt":null,"position":-10,"searchVector":"'gift':2 'hook':1","updatedAt":"2026-11-22T06:27:54.178Z","updatedBy":{"source":"API","workspaceMemberId":null,"name":"client test","context":{}},"amount":{"amountMicros":1000000,"currencyCode":"EUR"},"giftDate":null,"donorId":null,"externalId":"","status":null}}"#,
);

/// Registers a webhook and answers it.
fn register(probe: &Probe, operations: &[&str]) -> Value {
    let body = json!({"targetUrl": "https://box.example.org/hooks", "operations": operations, "secret": "s"});
    let (status, hook) = probe.ask("POST", "/rest/webhooks", &body);
    assert_eq!(status, 201, "{hook}");
    probe.server.take_deliveries();
    hook
}

fn listening(operations: &[&str]) -> Probe {
    let probe = Probe::ticking();
    register(&probe, operations);
    probe
}

/// The bodies of the calls that wait, taken away.
fn told(probe: &Probe) -> Vec<Value> {
    let calls = probe.server.take_deliveries();
    calls.iter().map(|call| serde_json::from_slice(&call.body).expect("JSON")).collect()
}

fn events(probe: &Probe) -> Vec<String> {
    let events = told(probe).into_iter().map(|body| body["eventName"].as_str().expect("text").to_owned());
    events.collect()
}

/// The names of the members of a body, in the order in which they are written.
fn keys(call: &Delivery) -> Vec<String> {
    let body = crate::sim::json::Json::parse(&call.body).expect("JSON");
    body.as_object().expect("an object").iter().map(|(key, _)| key.to_string()).collect()
}

#[test]
fn both_paths_lead_to_the_same_webhooks() {
    let probe = Probe::ticking();
    let wanted = json!({"targetUrl": "http://127.0.0.1:53999/hook?src=meta",
        "operations": ["person.*", "gift.*"], "description": "client test", "secret": "s3cret-s3cret"});
    let (status, one) = probe.ask("POST", "/rest/metadata/webhooks", &wanted);
    assert_eq!(status, 201);
    for (name, value) in wanted.as_object().expect("an object") {
        assert_eq!(&one[name], value);
    }
    assert_eq!((&one["createdAt"], &one["deletedAt"]), (&one["updatedAt"], &Value::Null));
    let other = json!({"targetUrl": "http://127.0.0.1:53999/hook2", "operations": ["company.created"]});
    let (status, two) = probe.ask("POST", "/rest/webhooks", &other);
    assert_eq!((status, &two["description"]), (201, &Value::Null));
    let secret = two["secret"].as_str().expect("text");
    assert!(secret.len() == 64 && secret.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    // The oldest first, with their secrets, under both paths.
    for path in ["/rest/webhooks", "/rest/metadata/webhooks"] {
        assert_eq!(probe.get(path), json!([one, two]));
        assert_eq!(probe.get(&format!("{path}/{}", id(&two))), two);
    }
}

#[test]
fn a_webhook_is_changed_and_removed() {
    let probe = Probe::ticking();
    let hook = register(&probe, &["person.created"]);
    let path = format!("/rest/webhooks/{}", id(&hook));
    let change = json!({"operations": ["gift.created"], "description": "new", "secret": "t"});
    let (status, changed) = probe.ask("PATCH", &path, &change);
    assert_eq!((status, &changed["targetUrl"]), (200, &hook["targetUrl"]));
    assert_eq!((&changed["operations"], &changed["secret"]), (&change["operations"], &json!("t")));
    assert!(changed["updatedAt"].as_str() > hook["updatedAt"].as_str());
    probe.make("people", &json!({}));
    probe.make("gifts", &json!({}));
    assert_eq!(events(&probe), ["gift.created"]);
    assert_eq!(
        probe.refused("PATCH", &path, &json!({"targetUrl": "nowhere"})),
        (400, "Multiple validation errors occurred while updating webhook".to_owned())
    );
    let bearer = format!("Bearer {}", probe.server.api_key());
    let gone = probe.raw("DELETE", &path, &[("authorization", bearer.as_str())], "");
    assert_eq!((gone.status().as_u16(), &gone.body()[..]), (200, &b"true"[..]));
    // One that is not there is answered with nothing at all; removing it again is refused.
    let none = probe.raw("GET", &path, &[("authorization", bearer.as_str())], "");
    assert_eq!((none.status().as_u16(), none.body().len()), (200, 0));
    let (status, told_so) = probe.ask("DELETE", &path, &Value::Null);
    assert_eq!(
        (status, told_so),
        (
            400,
            json!({"statusCode": 400, "error": "Error", "messages": ["Webhook not found"], "code": "WEBHOOK_NOT_FOUND"})
        )
    );
    assert_eq!(probe.get("/rest/webhooks"), json!([]));
    probe.make("gifts", &json!({}));
    assert_eq!(events(&probe), Vec::<String>::new());
}

#[test]
fn an_address_must_be_one_and_an_operation_need_not() {
    let probe = Probe::new();
    let expected = json!({"statusCode": 400, "error": "WorkspaceMigrationBuilderException",
        "messages": ["Multiple validation errors occurred while creating webhook"]});
    for url in
        [Value::Null, json!("not a url"), json!("ftp://example.org"), json!("https://"), json!("/hook")]
    {
        let body = json!({"targetUrl": url, "operations": ["*.*"]});
        assert_eq!(probe.ask("POST", "/rest/metadata/webhooks", &body), (400, expected.clone()), "{url}");
    }
    register(&probe, &["nonsense"]);
    probe.make("people", &json!({}));
    assert_eq!(events(&probe), Vec::<String>::new());
}

#[test]
fn graphql_registers_them_too() {
    let probe = Probe::new();
    let ask = |query: &str| {
        let (status, answer) = probe.ask("POST", "/metadata", &json!({ "query": query }));
        assert_eq!((status, &answer["errors"]), (200, &Value::Null), "{query}");
        answer["data"].clone()
    };
    let made = ask(
        "mutation { createWebhook(input: {targetUrl: \"https://box.example.org/h\", operations: [\"*.*\"]}) { id secret } }",
    );
    let hook = made["createWebhook"]["id"].as_str().expect("an id");
    assert_eq!(
        ask("{ webhooks { id operations } }"),
        json!({"webhooks": [{"id": hook, "operations": ["*.*"]}]})
    );
    let changed = ask(&format!(
        "mutation {{ updateWebhook(input: {{id: \"{hook}\", update: {{operations: [\"gift.*\"]}}}}) {{ operations }} }}"
    ));
    assert_eq!(changed["updateWebhook"]["operations"], json!(["gift.*"]));
    ask(&format!("mutation {{ deleteWebhook(id: \"{hook}\") {{ id }} }}"));
    assert_eq!(probe.get("/rest/webhooks"), json!([]));
}

/// Everything that may happen to a record, once.
fn whole_life(probe: &Probe, plural: &str) {
    let record = probe.make(plural, &json!({}));
    let path = format!("/rest/{plural}/{}", id(&record));
    let body = if plural == "people" { json!({"jobTitle": "new"}) } else { json!({"name": "new"}) };
    assert_eq!(probe.ask("PATCH", &path, &body).0, 200);
    assert_eq!(probe.ask("DELETE", &format!("{path}?soft_delete=true"), &Value::Null).0, 200);
    let restore = format!("/rest/restore/{plural}?filter=id[eq]:{}", id(&record));
    assert_eq!(probe.ask("PATCH", &restore, &Value::Null).0, 200);
    assert_eq!(probe.ask("DELETE", &path, &Value::Null).0, 200);
}

#[test]
fn operations_choose_by_object_and_by_action() {
    let all = |singular: &str| {
        ["created", "updated", "deleted", "restored", "destroyed"]
            .map(|verb| format!("{singular}.{verb}"))
            .to_vec()
    };
    for (operations, expected) in [
        (vec!["person.created"], vec!["person.created".to_owned()]),
        (vec!["*.deleted"], vec!["person.deleted".to_owned(), "gift.deleted".to_owned()]),
        (vec!["gift.*"], all("gift")),
        (vec!["*.*"], [all("person"), all("gift")].concat()),
        // A webhook that matches by several patterns is called once.
        (vec!["*.*", "person.*", "person.created", "*.created"], [all("person"), all("gift")].concat()),
        (vec!["people.*", "person", "*", "person.upserted", "Person.created"], Vec::new()),
    ] {
        let probe = listening(&operations);
        whole_life(&probe, "people");
        whole_life(&probe, "gifts");
        assert_eq!(events(&probe), expected, "{operations:?}");
    }
}

#[test]
fn every_webhook_is_called_for_itself() {
    let probe = Probe::new();
    let one = register(&probe, &["gift.created"]);
    let two = register(&probe, &["*.created"]);
    probe.make("gifts", &json!({}));
    let bodies = told(&probe);
    let hooks: Vec<&Value> = bodies.iter().map(|body| &body["webhookId"]).collect();
    assert_eq!(hooks, [&one["id"], &two["id"]]);
    assert_eq!(bodies[0]["record"], bodies[1]["record"]);
}

#[test]
fn a_call_tells_the_record_in_the_servers_order() {
    let probe = listening(&["gift.*"]);
    let made = probe.make("gifts", &json!({"name": "x"}));
    let path = format!("/rest/gifts/{}", id(&made));
    let (_, updated) = probe.ask("PATCH", &path, &json!({"name": "y"}));
    let (_, deleted) = probe.ask("DELETE", &format!("{path}?soft_delete=true"), &Value::Null);
    let target = format!("/rest/restore/gifts?filter=id[eq]:{}", id(&made));
    let (_, restored) = probe.ask("PATCH", &target, &Value::Null);
    probe.ask("DELETE", &path, &Value::Null);
    let restored = &restored["data"]["restoreGifts"][0];
    let calls = probe.server.take_deliveries();
    let expected = [
        ("gift.created", &made, Value::Null),
        ("gift.updated", &updated["data"]["updateGift"], json!(["name"])),
        ("gift.deleted", &deleted["data"]["deleteGift"], json!(["deletedAt"])),
        ("gift.restored", restored, json!(["deletedAt"])),
        // What is gone is told as it was.
        ("gift.destroyed", restored, Value::Null),
    ];
    assert_eq!(calls.len(), expected.len());
    for (call, (event, record, fields)) in calls.iter().zip(expected) {
        let body: Value = serde_json::from_slice(&call.body).expect("JSON");
        assert_eq!((&body["eventName"], &body["record"]), (&json!(event), record), "{event}");
        assert_eq!(body["updatedFields"], fields, "{event}");
        assert_eq!((call.event.as_str(), call.url.as_str()), (event, "https://box.example.org/hooks"));
        assert_eq!(body["objectMetadata"]["nameSingular"], json!("gift"));
        // No user is named where a key wrote, and nowhere is there a value from before.
        let mut names =
            "targetUrl eventName objectMetadata workspaceId webhookId eventDate record".to_owned();
        if !fields.is_null() {
            names.push_str(" updatedFields");
        }
        assert_eq!(keys(call).join(" "), names, "{event}");
    }
}

#[test]
fn a_person_is_named_where_one_wrote() {
    let probe = listening(&["person.updated"]);
    let person = probe.make("people", &json!({"jobTitle": "a"}));
    let key = id(&person).parse().expect("a uuid");
    assert!(probe.server.edit("people", key, &json!({"jobTitle": "b"})));
    let bodies = told(&probe);
    assert_eq!(bodies.len(), 1);
    let body = &bodies[0];
    assert!(body["userId"].is_string() && body["workspaceMemberId"].is_string());
    assert_eq!(body["record"]["updatedBy"]["source"], json!("MANUAL"));
    assert_eq!(body["record"]["updatedBy"]["workspaceMemberId"], body["workspaceMemberId"]);
    // The signature of the record changed hands, so it is listed.
    assert_eq!(body["updatedFields"], json!(["jobTitle", "updatedBy"]));
}

#[test]
fn fields_are_listed_by_their_own_names() {
    let probe = listening(&["*.updated"]);
    let donor = probe.make("people", &json!({}));
    let gift = probe.make("gifts", &json!({}));
    for (plural, record, body, expected) in [
        ("people", &donor, json!({"emails": {"primaryEmail": "a@b.org"}}), json!(["emails"])),
        ("people", &donor, json!({"name": {"lastName": "L"}, "jobTitle": "J"}), json!(["name", "jobTitle"])),
        ("gifts", &gift, json!({"donorId": id(&donor)}), json!(["donor", "donorId"])),
        (
            "gifts",
            &gift,
            json!({"amount": {"amountMicros": 1_000_000}, "position": 9}),
            json!(["position", "amount"]),
        ),
    ] {
        assert_eq!(probe.ask("PATCH", &format!("/rest/{plural}/{}", id(record)), &body).0, 200);
        let bodies = told(&probe);
        assert_eq!(bodies.len(), 1, "{body}");
        assert_eq!(bodies[0]["updatedFields"], expected, "{body}");
    }
}

#[test]
fn the_signature_covers_the_moment_and_the_bytes() {
    // What the real server signed is signed alike here.
    let (timestamp, signature, body) = RECORDED;
    let signed = |secret: &str, timestamp: &str, body: &[u8]| {
        let message = [timestamp.as_bytes(), b":", body].concat();
        digest::hex(&digest::hmac_sha256(secret.as_bytes(), &message))
    };
    assert_eq!(signed("s3cret-s3cret", timestamp, body.as_bytes()), signature);

    let clock = Arc::new(AtomicI64::new(NOON + 123_456));
    let probe = Probe::moved_by(&clock);
    register(&probe, &["gift.created"]);
    let calls: Vec<Delivery> = (0..2)
        .flat_map(|_| {
            probe.make("gifts", &json!({"name": "é \" \\ ☂"}));
            clock.fetch_add(1_000_000, Ordering::Relaxed);
            probe.server.take_deliveries()
        })
        .collect();
    let header = |call: &Delivery, name: &str| {
        let found = call.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    for (call, moment) in calls.iter().zip([1_790_000_001_123_i64, 1_790_000_002_123]) {
        let names: Vec<&str> = call.headers.iter().map(|(name, _)| *name).collect();
        let expected = [
            "accept",
            "content-type",
            "x-twenty-webhook-timestamp",
            "x-twenty-webhook-signature",
            "x-twenty-webhook-nonce",
            "user-agent",
        ];
        assert_eq!(names, expected);
        assert_eq!(header(call, "content-type"), "application/json");
        let timestamp = header(call, "x-twenty-webhook-timestamp");
        assert_eq!(timestamp, moment.to_string());
        assert_eq!(header(call, "x-twenty-webhook-signature"), signed("s", &timestamp, &call.body));
        let nonce = header(call, "x-twenty-webhook-nonce");
        assert!(nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    let nonces = calls.iter().map(|call| header(call, "x-twenty-webhook-nonce"));
    assert_eq!(nonces.collect::<std::collections::BTreeSet<_>>().len(), 2);
}

#[test]
fn without_a_secret_nothing_is_signed() {
    let probe = Probe::new();
    let hook = json!({"targetUrl": "https://box.example.org", "operations": ["gift.*"], "secret": ""});
    assert_eq!(probe.ask("POST", "/rest/webhooks", &hook).0, 201);
    probe.make("gifts", &json!({}));
    let calls = probe.server.take_deliveries();
    let names: Vec<&str> = calls[0].headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["accept", "content-type", "user-agent"]);
}

#[test]
fn what_changes_nothing_is_not_told() {
    let probe = listening(&["*.*"]);
    let gift = probe.make("gifts", &json!({"name": "x", "externalId": "e"}));
    told(&probe);
    let path = format!("/rest/gifts/{}", id(&gift));
    // The time of the record moves all the same.
    let (_, again) = probe.ask("PATCH", &path, &json!({"name": "x"}));
    assert!(again["data"]["updateGift"]["updatedAt"].as_str() > gift["updatedAt"].as_str());
    probe.get("/rest/gifts");
    assert_eq!(probe.ask("PATCH", &path, &json!({"nosuch": 1})).0, 400);
    assert_eq!(probe.ask("POST", "/rest/gifts", &json!({"externalId": "e"})).0, 400);
    // The recorded server sent nothing for a record an upsert changed.
    let upsert = json!({"externalId": "e", "name": "y"});
    assert_eq!(probe.ask("POST", "/rest/gifts?upsert=true", &upsert).0, 201);
    assert_eq!(probe.ask("POST", "/rest/timelineActivities", &json!({"name": "t"})).0, 201);
    assert_eq!(events(&probe), Vec::<String>::new());
    assert_eq!(probe.ask("POST", "/rest/gifts?upsert=true", &json!({"externalId": "f"})).0, 201);
    assert_eq!(events(&probe), ["gift.created"]);
}

#[test]
fn what_the_database_does_by_itself_is_not_told() {
    let probe = listening(&["*.*"]);
    let donor = probe.make("people", &json!({}));
    probe.make("gifts", &json!({"donorId": id(&donor)}));
    let note = probe.make("notes", &json!({"title": "n"}));
    probe.make("noteTargets", &json!({"noteId": id(&note), "targetPersonId": id(&donor)}));
    told(&probe);
    probe.ask("DELETE", &format!("/rest/people/{}", id(&donor)), &Value::Null);
    assert_eq!(events(&probe), ["person.destroyed"]);
}

/// Three gifts of one name.
fn three(version: Version) -> Probe {
    let probe = Probe::with(Options::new(3, || NOON).playing(version));
    register(&probe, &["gift.*"]);
    let batch = json!([{"name": "a", "externalId": "1"}, {"name": "a", "externalId": "2"}, {"name": "a", "externalId": "3"}]);
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &batch).0, 201);
    let bodies = told(&probe);
    assert_eq!(bodies.len(), 3);
    // One message for every record, built at one moment.
    assert!(bodies.iter().all(|body| body["eventDate"] == bodies[0]["eventDate"]));
    probe
}

#[test]
fn many_at_once_are_told_with_holes() {
    const NONE: &[&str] = &[];
    let named = json!({"name": "b"});
    for (version, method, target, body, expected) in [
        // Those that no longer match the filter are forgotten, until a newer server.
        (Version::Recorded, "PATCH", "/rest/gifts?filter=name[eq]:a", &named, NONE),
        (Version::Newer, "PATCH", "/rest/gifts?filter=name[eq]:a", &named, &["gift.updated"; 3][..]),
        (
            Version::Recorded,
            "PATCH",
            "/rest/gifts?filter=externalId[in]:[1,2]",
            &named,
            &["gift.updated"; 2][..],
        ),
        (
            Version::Recorded,
            "DELETE",
            "/rest/gifts?filter=name[eq]:a&soft_delete=true",
            &Value::Null,
            &["gift.deleted"; 3][..],
        ),
        (
            Version::Recorded,
            "DELETE",
            "/rest/gifts?filter=deletedAt[is]:NULL&soft_delete=true",
            &Value::Null,
            NONE,
        ),
        // However many are destroyed, one is told of.
        (Version::Recorded, "DELETE", "/rest/gifts?filter=name[eq]:a", &Value::Null, &["gift.destroyed"][..]),
    ] {
        let probe = three(version);
        assert_eq!(probe.ask(method, target, body).0, 200);
        assert_eq!(events(&probe), expected, "{version:?} {method} {target}");
    }
    let probe = three(Version::Recorded);
    probe.ask("DELETE", "/rest/gifts?filter=name[eq]:a&soft_delete=true", &Value::Null);
    told(&probe);
    probe.ask("PATCH", "/rest/restore/gifts?filter=deletedAt[is]:NOT_NULL", &Value::Null);
    assert_eq!(events(&probe), NONE);
    assert_eq!(probe.get("/rest/gifts")["totalCount"], json!(3));
}

#[test]
fn changes_of_the_data_model_are_told_under_names_of_their_own() {
    for (operation, heard) in [
        ("metadata.fieldMetadata.created", true),
        ("metadata.fieldMetadata.*", true),
        ("metadata.*.created", true),
        ("metadata.*.*", true),
        ("*.*", true),
        ("metadata.objectMetadata.*", false),
        ("*.created", false),
        ("fieldMetadata.created", false),
    ] {
        let probe = listening(&[operation]);
        let objects = probe.get("/rest/metadata/objects?limit=200");
        let objects = objects["data"]["objects"].as_array().expect("objects").clone();
        let gift = objects.iter().find(|one| one["nameSingular"] == "gift").expect("the gift");
        let field =
            json!({"objectMetadataId": gift["id"], "type": "TEXT", "name": "motive", "label": "Motive"});
        let (status, made) = probe.ask("POST", "/rest/metadata/fields", &field);
        assert_eq!(status, 201);
        let bodies = told(&probe);
        assert_eq!(bodies.len(), usize::from(heard), "{operation}");
        for body in bodies {
            assert_eq!(body["eventName"], json!("metadata.fieldMetadata.created"));
            assert_eq!(body["event"]["type"], json!("created"));
            assert_eq!(body["event"]["recordId"], made["data"]["createOneField"]["id"]);
            assert!(body["apiKeyId"].is_string());
            assert_eq!((body.get("record"), body.get("objectMetadata")), (None, None));
        }
    }
}

/// Numbers of the calls that wait after so many gifts.
fn numbers(probe: &Probe, gifts: usize) -> Vec<u64> {
    for _ in 0..gifts {
        probe.make("gifts", &json!({}));
    }
    probe.server.take_deliveries().iter().map(|call| call.number).collect()
}

#[test]
fn calls_are_lost_doubled_and_overtaken_as_the_plan_says() {
    let probe = listening(&["gift.created"]);
    let base = numbers(&probe, 1)[0];
    probe.meet("hook-lost:100%");
    assert_eq!(numbers(&probe, 2), Vec::<u64>::new());
    let lost: Vec<(u64, Option<u16>)> =
        probe.server.delivered().iter().map(|one| (one.number, one.status)).collect();
    assert_eq!(lost, [(base + 1, None), (base + 2, None)]);
    probe.meet("hook-twice:100%");
    assert_eq!(numbers(&probe, 2), [base + 3, base + 3, base + 4, base + 4]);
    probe.meet("hook-reordered:100%");
    let mut order = numbers(&probe, 12);
    let sent: Vec<u64> = (base + 5..base + 17).collect();
    assert_ne!(order, sent);
    order.sort_unstable();
    assert_eq!(order, sent);
    probe.meet("hook-lost:0");
    assert_eq!(numbers(&probe, 2), [base + 17, base + 18]);
}

#[test]
fn a_late_call_leaves_when_it_is_due_and_is_signed_then() {
    let clock = Arc::new(AtomicI64::new(NOON));
    let probe = Probe::moved_by(&clock);
    register(&probe, &["gift.created"]);
    probe.meet("hook-late:100%,ms=30000");
    assert_eq!(numbers(&probe, 1).len(), 0);
    clock.fetch_add(29_999_000, Ordering::Relaxed);
    assert_eq!(probe.server.take_deliveries().len(), 0);
    clock.fetch_add(1_000, Ordering::Relaxed);
    let calls = probe.server.take_deliveries();
    let moment = calls[0].headers.iter().find(|(name, _)| *name == "x-twenty-webhook-timestamp");
    assert_eq!(moment.map(|(_, value)| value.as_str()), Some("1790000030000"));
    let body: Value = serde_json::from_slice(&calls[0].body).expect("JSON");
    assert_eq!(body["eventDate"], json!("2026-09-21T14:13:20.000Z"));
    assert_eq!(probe.server.take_deliveries(), []);
}

#[test]
fn calls_wait_for_a_worker_that_is_down() {
    let probe = listening(&["gift.created"]);
    probe.server.set_worker_down(true);
    assert_eq!(numbers(&probe, 3).len(), 0);
    probe.server.set_worker_down(false);
    assert_eq!(probe.server.take_deliveries().len(), 3);
}

#[test]
fn calls_to_a_private_network_vanish_without_a_word() {
    let probe = Probe::new();
    probe.server.set_public_hooks_only(true);
    for url in
        ["http://127.0.0.1:9/", "http://192.168.1.20/h", "http://localhost/h", "https://box.example.org/"]
    {
        let hook = json!({"targetUrl": url, "operations": ["gift.created"]});
        assert_eq!(probe.ask("POST", "/rest/webhooks", &hook).0, 201, "registering is allowed");
    }
    probe.make("gifts", &json!({}));
    let calls = probe.server.take_deliveries();
    assert_eq!(calls.iter().map(|call| call.url.as_str()).collect::<Vec<_>>(), ["https://box.example.org/"]);
    assert!(probe.server.delivered().iter().all(|one| one.status.is_none()));
}

/// A receiver that always answers the same and counts what it got.
struct Deaf(Mutex<Vec<u64>>, Option<u16>);

impl Sender for Deaf {
    async fn send(&self, delivery: Delivery) -> Option<u16> {
        self.0.lock().expect("nobody panicked").push(delivery.number);
        self.1
    }
}

#[test]
fn nothing_is_sent_again_whatever_comes_back() {
    for status in [Some(500), None, Some(200)] {
        let probe = listening(&["gift.created"]);
        for _ in 0..45 {
            probe.make("gifts", &json!({}));
        }
        let receiver = Deaf(Mutex::default(), status);
        let sent = probe.server.deliver(&receiver).now_or_never();
        assert_eq!(sent, Some(45), "{status:?}");
        assert_eq!(probe.server.deliver(&receiver).now_or_never(), Some(0), "{status:?}");
        assert_eq!(receiver.0.into_inner().expect("nobody panicked").len(), 45);
        let log: Vec<Delivered> = probe.server.delivered();
        assert!(log.len() == 45 && log.iter().all(|one| one.status == status), "{status:?}");
    }
}

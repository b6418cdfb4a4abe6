//! Changes of Twenty's records over the API, by the names that callers use.

use super::*;

impl Api {
    fn person(&self, id: &str) -> Value {
        self.outside.twenty.records("people").into_iter().find(|person| person["id"] == id).unwrap()
    }

    fn counts(&self) -> (u64, u64) {
        let sync = self.get("/api/sync").body;
        (sync["conflicts"].as_u64().unwrap(), sync["edits"].as_u64().unwrap())
    }
}

#[test]
fn a_change_is_taken_shown_as_pending_and_gone_when_twenty_has_it() {
    let mut api = Api::new();
    let id = api.donor();
    let path = format!("/api/records/people/{id}");
    let before = api.get(&path).body;
    assert!(before["data"].get("pendingEdit").is_none());
    let reply =
        api.patch(&path, &json!({ "fields": { "jobTitle": "Treasurer", "name": { "lastName": "King" } } }));
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert_eq!(reply.body["data"]["recordId"], id.as_str());
    let now = api.get(&path).body;
    assert_eq!(now["data"]["record"], before["data"]["record"], "the mirror says what Twenty has");
    let pending = &now["data"]["pendingEdit"];
    assert_eq!(pending["state"], "waiting");
    assert_eq!(pending["fields"], json!({ "jobTitle": "Treasurer", "name.lastName": "King" }));
    assert_eq!(pending["who"], "tests");
    let edits = api.get("/api/sync/edits").body;
    let edit = &edits["data"][0];
    assert_eq!(
        (&edit["id"], &edit["object"], &edit["recordId"], &edit["state"], &edit["label"]),
        (&pending["id"], &json!("people"), &json!(id), &json!("waiting"), &json!("Ada0 Lovelace"))
    );
    assert_eq!(edits["meta"]["total"], 1);
    let wanted = json!([
        { "field": "jobTitle", "label": "Job Title", "value": "Treasurer" },
        { "field": "name.lastName", "label": "Name · lastName", "value": "King" },
    ]);
    assert_eq!(
        (&edit["fields"], &edit["makes"], &edit["withdrawable"]),
        (&wanted, &json!(false), &json!(true))
    );
    assert!(edit["url"].as_str().unwrap().ends_with(&format!("/object/person/{id}")));
    assert_eq!(api.counts(), (0, 1));
    api.settle();
    assert_eq!(api.person(&id)["jobTitle"], "Treasurer");
    assert_eq!(api.counts(), (0, 0));
    assert!(api.get(&path).body["data"].get("pendingEdit").is_none());
    assert_eq!(api.get("/api/sync/edits").body["data"], json!([]));
}

#[test]
fn a_conflict_is_told_with_both_sides_and_decided() {
    let mut api = Api::new();
    let id = api.donor();
    let person = id.parse().unwrap();
    api.outside.advance_ms(2_000);
    let theirs = json!({ "jobTitle": "Chair", "name": { "firstName": "Augusta" } });
    assert!(api.outside.twenty.edit("people", person, &theirs));
    let ours = json!({ "fields": { "jobTitle": "Treasurer", "name": { "firstName": "A." } } });
    assert_eq!(api.patch(&format!("/api/records/people/{id}"), &ours).status, 202);
    api.settle();
    let told = api.get("/api/sync/conflicts").body;
    let conflict = &told["data"][0];
    assert_eq!((&conflict["object"], &conflict["recordId"]), (&json!("people"), &json!(id)));
    assert!(conflict["url"].as_str().unwrap().ends_with(&format!("/object/person/{id}")));
    let field = &conflict["fields"][0];
    assert_eq!((&field["field"], &field["label"]), (&json!("jobTitle"), &json!("Job Title")));
    assert_eq!((&field["here"]["value"], &field["here"]["who"]), (&json!("Treasurer"), &json!("tests")));
    assert_eq!(
        (&field["there"]["value"], &field["there"]["who"]),
        (&json!("Chair"), &json!("Maya in Twenty"))
    );
    assert!(
        field["there"]["at"].is_string() && field["here"]["at"].is_string() && conflict["since"].is_string()
    );
    assert_eq!(conflict["fields"][1]["label"], "Name · firstName");
    assert_eq!(api.counts(), (1, 1));
    let need = api.get("/api/home").body["needsMe"][0].clone();
    assert_eq!(
        (&need["text"], &need["href"]),
        (&json!("1 record was changed here and in Twenty."), &json!("/sync"))
    );
    let path = format!("/api/sync/conflicts/{}", conflict["id"].as_str().unwrap());
    for bad in
        [json!({}), json!({ "choose": "mine" }), json!({ "fields": { "jobTitle": 1 } }), json!({ "x": 1 })]
    {
        assert_eq!(api.post(&path, &bad).status, 400, "{bad}");
    }
    assert_eq!(api.post(&path, &json!({ "fields": { "name.firstName": "there" } })).status, 204);
    assert_eq!(api.counts(), (1, 1));
    assert_eq!(api.post(&path, &json!({ "choose": "here" })).status, 204);
    assert_eq!(api.post(&path, &json!({ "choose": "here" })).status, 404, "decided once");
    api.settle();
    assert_eq!(api.counts(), (0, 0));
    let person = api.person(&id);
    assert_eq!((&person["jobTitle"], &person["name"]["firstName"]), (&json!("Treasurer"), &json!("Augusta")));
}

#[test]
fn tasks_and_notes_are_made_finished_and_refused_with_field_errors() {
    let mut api = Api::new();
    let id = api.donor();
    let targets = json!([{ "object": "people", "id": id }]);
    let task =
        json!({ "title": "Ring Ada", "body": "Roof", "dueAt": "2026-12-01T09:00:00Z", "targets": targets });
    let made = api.post("/api/tasks", &task);
    assert_eq!(made.status, 202, "{}", made.text);
    let made = made.body["data"]["recordId"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/api/records/tasks/{made}")).body["data"]["state"], "pending");
    let edit = api.get("/api/sync/edits").body["data"][0].clone();
    assert_eq!(
        (&edit["makes"], &edit["url"], &edit["label"]),
        (&json!(true), &Value::Null, &json!("Ring Ada"))
    );
    assert_eq!((&edit["fields"], &edit["withdrawable"]), (&json!([]), &json!(true)));
    assert_eq!(
        api.patch(&format!("/api/tasks/{made}"), &json!({ "status": "DONE" })).status,
        409,
        "not there yet"
    );
    assert_eq!(api.post("/api/notes", &json!({ "title": "Met Ada", "targets": targets })).status, 202);
    api.settle();
    assert_eq!(api.get(&format!("/api/records/tasks/{made}")).body["data"]["state"], "live");
    assert_eq!(
        api.patch(&format!("/api/tasks/{made}"), &json!({ "status": "DONE", "body": "Slates" })).status,
        202
    );
    api.settle();
    let task = api.outside.twenty.records("tasks").remove(0);
    assert_eq!((&task["status"], &task["bodyV2"]["markdown"]), (&json!("DONE"), &json!("Slates")));
    assert_eq!(
        (api.outside.twenty.records("notes").len(), api.outside.twenty.records("noteTargets").len()),
        (1, 1)
    );
    for (path, body, field) in [
        ("/api/tasks", json!({ "body": "x" }), "title"),
        ("/api/tasks", json!({ "title": "x", "dueAt": "soon" }), "dueAt"),
        ("/api/notes", json!({ "title": "x", "targets": [{ "object": "run", "id": id }] }), "targets"),
        ("/api/tasks", json!({ "title": "x", "status": "MAYBE" }), "status"),
    ] {
        let reply = api.post(path, &body);
        assert_eq!(reply.status, 400, "{path} {body}");
        assert_eq!(reply.body["errors"][0]["field"], field, "{}", reply.text);
    }
    assert_eq!(api.patch(&format!("/api/tasks/{made}"), &json!({ "id": "x" })).status, 400);
}

#[test]
fn what_cannot_be_changed_is_told_and_what_was_refused_is_dismissed() {
    let mut api = Api::new();
    let id = api.donor();
    let path = format!("/api/records/people/{id}");
    let said =
        |reply: Reply| (reply.status.as_u16(), reply.body["detail"].as_str().unwrap_or_default().to_owned());
    let tried = |fields: Value| said(api.patch(&path, &json!({ "fields": fields })));
    assert!(tried(json!({ "shoeSize": 1 })).1.contains("no field"));
    assert_eq!(tried(json!({ "jobTitle": 1 })), (400, "jobTitle must be text.".into()));
    assert_eq!(tried(json!({ "jobTitle": "" })).0, 409, "nothing would change");
    assert_eq!(api.patch(&path, &json!({ "fields": {} })).status, 400);
    assert_eq!(api.patch(&path, &json!({ "fields": { "jobTitle": "x" }, "seen": "new" })).status, 400);
    assert_eq!(api.patch("/api/records/gift_staging/x", &json!({ "fields": {} })).status, 404);
    let gift = format!("/api/records/gifts/{id}");
    assert_eq!(api.patch(&gift, &json!({ "fields": { "description": "x" } })).status, 404, "no such gift");
    let version = api.get(&path).body["data"]["version"].as_u64().unwrap();
    let stale = [("if-match", "\"999999\"")];
    let body = json!({ "fields": { "jobTitle": "x" } }).to_string();
    assert_eq!(api.call_with("PATCH", &path, &body, &stale).status, 412);
    let seen = json!({ "fields": { "jobTitle": "x" }, "seen": version });
    assert_eq!(api.patch(&path, &seen).status, 202);
    api.outside.twenty.destroy("people", id.parse().unwrap());
    api.settle();
    let edit = api.get("/api/sync/edits").body["data"][0].clone();
    assert_eq!((&edit["state"], &edit["withdrawable"]), (&json!("refused"), &json!(true)));
    assert!(edit["note"].as_str().unwrap().starts_with("The record is no longer in Twenty"));
    let need = api.get("/api/home").body["needsMe"][0]["text"].clone();
    assert_eq!(need, "1 change made here was not taken by Twenty.");
    let own = format!("/api/sync/edits/{}", edit["id"].as_str().unwrap());
    assert_eq!(api.call_with("DELETE", &own, "", &[]).status, 204);
    assert_eq!(api.call_with("DELETE", &own, "", &[]).status, 404);
    assert_eq!(api.counts(), (0, 0));
}

#[test]
fn an_erased_persons_edits_are_erased_with_them() {
    let mut api = Api::new();
    let id = api.donor();
    let path = format!("/api/records/people/{id}");
    assert_eq!(api.patch(&path, &json!({ "fields": { "jobTitle": "Beekeeper of Bath" } })).status, 202);
    api.settle();
    let journal = |api: &Api| api.get("/api/journal?object=edit&limit=100").text;
    let person = id.parse().unwrap();
    block(api.process.desk.erase(&reviewer(), person, "asked for".into())).expect("erased");
    let snapshot = api.process.means.store.snapshot().unwrap();
    let left = (1..=snapshot.ledger().last_seq().unwrap().0)
        .filter_map(|seq| snapshot.ledger().entry(almoner::ground::id::Seq(seq)).unwrap())
        .filter(|entry| format!("{:?}", entry.body).contains("Beekeeper"))
        .count();
    assert_eq!(left, 0);
    assert!(!journal(&api).contains("Beekeeper"));
    assert_eq!(almoner::store::verify(&api.process.means.store).unwrap().fault, None);
}

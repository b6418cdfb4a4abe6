//! The addresses that programs of the old fundraising service call: each as they know it.

mod gifts;
mod lists;
mod supporting;

use std::time::Duration;

use almoner::ground::provision::Progress;
use almoner::runs::provision::Provisioner;
use almoner::sim::faults::{Fault, Plan, Scope as Calls};

use super::*;

const NOBODY: &str = "00000000-0000-4000-8000-000000000001";

/// Every address: method, path, and a body that it would take.
const PATHS: [(&str, &str, &str); 31] = [
    ("GET", "/gifts", ""),
    ("GET", "/gifts/{id}", ""),
    ("PATCH", "/gifts/{id}", r#"{"description":"x"}"#),
    ("DELETE", "/gifts/{id}", ""),
    ("GET", "/people/{id}", ""),
    ("GET", "/companies/search", ""),
    ("GET", "/opportunities/search", ""),
    ("PATCH", "/opportunities/{id}", r#"{"stage":"new"}"#),
    ("GET", "/appeals", ""),
    ("POST", "/appeals", r#"{"name":"Roof"}"#),
    ("GET", "/appeals/{id}", ""),
    ("PATCH", "/appeals/{id}", r#"{"name":"Roof"}"#),
    ("GET", "/appeals/{id}/solicitation-snapshots", ""),
    ("POST", "/appeals/{id}/solicitation-snapshots", r#"{"countSolicited":5}"#),
    ("GET", "/households", ""),
    ("POST", "/households", r#"{"name":"Lovelace Household"}"#),
    ("GET", "/households/{id}", ""),
    ("PATCH", "/households/{id}", r#"{"name":"Lovelace Household"}"#),
    ("GET", "/households/{id}/members", ""),
    ("POST", "/households/{id}/members", r#"{"contactId":"00000000-0000-4000-8000-000000000001"}"#),
    ("DELETE", "/households/{id}/members/00000000-0000-4000-8000-000000000001", ""),
    (
        "POST",
        "/households/{id}/copy-address",
        r#"{"contactId":"00000000-0000-4000-8000-000000000001","mailingAddress":null}"#,
    ),
    ("GET", "/recurring-agreements", ""),
    ("POST", "/recurring-agreements", r#"{"name":"Monthly"}"#),
    ("GET", "/recurring-agreements/{id}", ""),
    ("PATCH", "/recurring-agreements/{id}", r#"{"status":"paused"}"#),
    ("DELETE", "/recurring-agreements/{id}", ""),
    ("GET", "/gift-payouts", ""),
    ("GET", "/gift-payouts/{id}", ""),
    ("PATCH", "/gift-payouts/{id}", r#"{"note":"x"}"#),
    ("POST", "/gift-payouts/{id}/gifts/link", r#"{"giftIds":["00000000-0000-4000-8000-000000000001"]}"#),
];

fn at(path: &str) -> String {
    format!("/api/fundraising{}", path.replace("{id}", NOBODY))
}

/// A workspace with everything that Almoner wants.
pub(super) fn provisioned() -> Api {
    let outside = Outside::bare(31);
    let process = outside.boot();
    let world = outside.world();
    let mut run = Provisioner::new(&process.means.rail, &process.means.gate, &world);
    loop {
        match block(run.step()) {
            Progress::Wait(until, _) => {
                outside.advance_ms(until.micros_since(world.now()).max(0) / 1_000 + 1);
            }
            Progress::Ended(_) => break,
            Progress::Failed(step, said) => panic!("{step:?}: {said}"),
            Progress::Stopped(said) => panic!("{said}"),
            Progress::Planned(_) | Progress::Done(_) => {}
        }
    }
    let process = outside.boot();
    outside.people(3);
    Api::over(outside, process)
}

impl Api {
    /// A request while the runs work beside it, as in a running server.
    fn served_with(&mut self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = Reply::of(self.router.clone(), self.request(method, path, &body, headers));
        block(async {
            tokio::select! {
                biased;
                never = self.process.push_on(&self.outside) => match never {},
                reply = reply => reply,
            }
        })
    }

    fn served(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        self.served_with(method, &format!("/api/fundraising{path}"), body, &[])
    }

    /// What a request answers with, which must go well.
    fn well(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.served(method, path, body);
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        reply.body
    }

    /// A record of Twenty.
    fn there(&self, plural: &str, id: &str) -> Value {
        let mut records = self.outside.twenty.records(plural).into_iter();
        records.find(|record| record["id"] == id).unwrap_or(Value::Null)
    }

    fn edits(&self) -> usize {
        self.get("/api/sync/edits").body["data"].as_array().unwrap().len()
    }

    /// The next write loses its reply on the way back.
    fn lose_a_reply(&self) {
        self.outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Calls::Writes));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn a_parameter_that_means_nothing_is_told_at_every_address() {
    let api = provisioned();
    for (method, path, body) in PATHS {
        let reply = api.call_with(method, &format!("{}?giftBatchId=1", at(path)), body, &[]);
        assert_eq!(reply.status, 400, "{method} {path}: {}", reply.text);
        assert_eq!(reply.body["errors"][0]["field"], "giftBatchId", "{method} {path}");
        let old = (&reply.body["statusCode"], &reply.body["error"], reply.body["message"].is_string());
        assert_eq!(old, (&json!(400), &json!("Bad Request"), true), "{method} {path}");
    }
}

#[test]
fn a_field_that_the_workspace_lacks_is_told_at_every_address_that_takes_one() {
    let mut api = provisioned();
    let gift = api.outside.create("gifts", &json!({ "name": "Gift" })).to_string();
    let opportunity = api.outside.create("opportunities", &json!({ "name": "Grant" })).to_string();
    let appeal = api.outside.create("appeals", &json!({ "name": "Roof" })).to_string();
    let household = api.outside.create("households", &json!({ "name": "H" })).to_string();
    let agreement = api.outside.create("recurringAgreements", &json!({ "name": "A" })).to_string();
    let payout = api.outside.create("giftPayouts", &json!({ "name": "P" })).to_string();
    api.process.sync_now();
    api.settle();
    for (method, path) in [
        ("PATCH", format!("/gifts/{gift}")),
        ("PATCH", format!("/opportunities/{opportunity}")),
        ("POST", "/appeals".into()),
        ("PATCH", format!("/appeals/{appeal}")),
        ("POST", "/households".into()),
        ("PATCH", format!("/households/{household}")),
        ("POST", format!("/households/{household}/members")),
        ("POST", format!("/households/{household}/copy-address")),
        ("POST", "/recurring-agreements".into()),
        ("PATCH", format!("/recurring-agreements/{agreement}")),
        ("POST", "/gift-payouts".into()),
        ("PATCH", format!("/gift-payouts/{payout}")),
        ("POST", format!("/gift-payouts/{payout}/gifts/link")),
    ] {
        let body = json!({ "shoeSize": 43, "name": "x", "contactId": NOBODY, "mailingAddress": null });
        let reply = api.served(method, &path, &body);
        assert_eq!(reply.status, 400, "{method} {path}: {}", reply.text);
        let errors = reply.body["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["field"] == "shoeSize"), "{method} {path}: {}", reply.text);
        let empty = api.served(method, &path, &json!({}));
        assert_eq!(empty.status, 400, "{method} {path} with nothing: {}", empty.text);
        let list = api.served(method, &path, &json!([]));
        assert_eq!(list.status, 400, "{method} {path} with a list: {}", list.text);
    }
    assert_eq!(api.edits(), 0);
}

#[test]
fn what_is_not_there_is_404_and_without_the_right_it_is_403() {
    let mut api = provisioned();
    for (method, path, body) in PATHS.into_iter().filter(|(_, path, _)| path.contains("{id}")) {
        let reply = api.call_with(method, &at(path), body, &[]);
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
        let reply =
            api.call_with(method, &format!("/api/fundraising{}", path.replace("{id}", "ada")), body, &[]);
        assert_eq!(reply.status, 404, "{method} {path} with no id: {}", reply.text);
    }
    let only = |api: &Api, scope| {
        block(api.process.desk.create_token(&reviewer(), "t".into(), vec![scope])).unwrap().1
    };
    let (reads, neither) = (only(&api, Scope::GiftsRead), only(&api, Scope::JournalRead));
    for (method, path, body) in PATHS {
        api.token.clone_from(if method == "GET" { &neither } else { &reads });
        let reply = api.call_with(method, &at(path), body, &[]);
        assert_eq!(reply.status, 403, "{method} {path}: {}", reply.text);
        api.token = "alm_no".into();
        assert_eq!(api.call_with(method, &at(path), body, &[]).status, 401, "{method} {path}");
    }
    assert!(
        api.outside.twenty.records("appeals").is_empty()
            && api.outside.twenty.records("households").is_empty()
    );
}

#[test]
fn an_object_that_the_workspace_lacks_is_told() {
    let api = Api::new();
    for path in ["/households", "/recurring-agreements", "/gift-payouts"] {
        let reply = api.get(&at(path));
        let detail = text(&reply.body["detail"]);
        assert!(reply.status == 404 && detail.starts_with("There is no such object"), "{path}: {detail}");
    }
}

#[test]
fn what_takes_longer_is_answered_with_where_to_ask() {
    let mut api = Api::new();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let face = Face::new(
        api.process.desk.clone(),
        Arc::clone(&api.search),
        Info {
            demo: false,
            organisation: "Harbour Lights".into(),
            twenty_url: "http://twenty.sim".into(),
            sync_every_ms: 900_000,
            secure_cookies: false,
        },
        stopped,
    );
    api.router = router(face.patient_for(Duration::ZERO));
    let reply = api.post("/api/fundraising/appeals", &json!({ "name": "Roof" }));
    assert_eq!(reply.status, 202, "{}", reply.text);
    let (edit, record) = (text(&reply.body["data"]["id"]), text(&reply.body["data"]["recordId"]));
    let asked = |api: &Api| text(&api.get(&format!("/api/sync/edits/{edit}")).body["data"]["state"]);
    assert_eq!(asked(&api), "waiting");
    let pending = api.get(&format!("/api/fundraising/appeals/{record}")).body;
    assert_eq!(
        (&pending["meta"]["state"], &pending["data"]["appeal"]["name"]),
        (&json!("pending"), &json!("Roof"))
    );
    assert_eq!(api.get("/api/fundraising/appeals").body["totalCount"], 0, "a list tells what Twenty has");
    api.settle();
    assert_eq!(asked(&api), "done");
    assert_eq!(api.get(&format!("/api/fundraising/appeals/{record}")).body["meta"]["state"], "live");
    assert_eq!(api.get("/api/sync/edits/x").status, 404);
}

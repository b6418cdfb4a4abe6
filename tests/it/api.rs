//! The API as callers meet it: in process, through the one list of routes.

mod callers;
mod desk;
mod edits;
mod health;
mod home;
mod live;
mod made_donor;
mod matching;
mod model;
mod past;
mod rights;
mod sync;
mod users;
mod waits;

use std::sync::Arc;

use almoner::desk::access::{LinkPurpose, NewUser};
use almoner::faces::http::{Face, Info, openapi_json, router};
use almoner::ground::access::{Role, Scope};
use almoner::search::{Place as IndexPlace, Search};
use axum::Router;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::{Outside, Process, Settled, block, reviewer};

struct Api {
    outside: Outside,
    process: Process,
    router: Router,
    token: String,
    search: Arc<Search>,
    _stop: tokio::sync::watch::Sender<bool>,
}

struct Reply {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Value,
    text: String,
}

impl Reply {
    async fn of(router: Router, request: Request<axum::body::Body>) -> Self {
        let response = router.oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }
}

impl Api {
    fn new() -> Self {
        let outside = Outside::new(11);
        outside.people(3);
        let process = outside.boot();
        Self::over(outside, process)
    }

    /// The API of this process, once it has come to rest.
    fn over(outside: Outside, mut process: Process) -> Self {
        let search = Search::open(IndexPlace::Memory, &process.means.store).unwrap();
        assert_eq!(outside.settle(&mut process), Settled::Quiet);
        let info = Info {
            demo: false,
            organisation: "Harbour Lights".into(),
            twenty_url: "http://twenty.sim".into(),
            sync_every_ms: 900_000,
            secure_cookies: false,
        };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let gate = Arc::clone(&process.means.gate);
        let face = Face::new(process.desk.clone(), Arc::clone(&search), info, stopped);
        let router = router(face.telling(Arc::new(move |calls| (gate.view(), gate.forecast(calls)))));
        let scopes = Scope::ALL.to_vec();
        let (_, token) = block(process.desk.create_token(&reviewer(), "tests".into(), scopes)).unwrap();
        Self { outside, process, router, token, search, _stop: stop }
    }

    fn settle(&mut self) {
        assert_eq!(self.outside.settle(&mut self.process), Settled::Quiet);
    }

    fn raw(&self, request: Request<axum::body::Body>) -> Reply {
        block(Reply::of(self.router.clone(), request))
    }

    fn call_with(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        self.raw(self.request(method, path, body, headers))
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Request<axum::body::Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(axum::body::Body::from(Bytes::from(body.to_owned()))).unwrap()
    }

    fn get(&self, path: &str) -> Reply {
        self.call_with("GET", path, "", &[])
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.call_with("POST", path, &body.to_string(), &[])
    }

    fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call_with("PATCH", path, &body.to_string(), &[])
    }

    fn donor(&self) -> String {
        self.outside.twenty.records("people")[0]["id"].as_str().unwrap().to_owned()
    }

    /// A complete gift, staged; answers its id.
    fn staged(&self, amount: i64) -> String {
        let body = json!({ "amount": { "amountMicros": amount, "currencyCode": "GBP" }, "giftDate": "2026-11-20", "contactId": self.donor(), "paymentMethod": "card" });
        let reply = self.post("/api/fundraising/gift-staging", &body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["data"]["giftStaging"]["id"].as_str().unwrap().to_owned()
    }
}

fn pounds(amount: i64) -> Value {
    json!({ "amountMicros": amount * 1_000_000, "currencyCode": "GBP" })
}

#[test]
fn without_a_credential_there_is_only_health() {
    let api = Api::new();
    let bare = |path: &str| api.raw(Request::builder().uri(path).body(axum::body::Body::empty()).unwrap());
    let health = bare("/health");
    assert_eq!((health.status, health.body), (StatusCode::OK, json!({ "status": "ok" })));
    let refused = bare("/api/home");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(refused.body["message"], "Missing authentication token");
    assert_eq!(
        (refused.body["statusCode"].as_u64(), refused.body["status"].as_u64()),
        (Some(401), Some(401))
    );
    let wrong = Request::builder()
        .uri("/api/home")
        .header("authorization", "Bearer alm_no")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(api.raw(wrong).status, 401);
    let in_query = bare(&format!("/api/home?token={}", api.token));
    assert_eq!(in_query.status, 401);
}

#[test]
fn a_token_may_do_what_its_scopes_say() {
    let mut api = Api::new();
    let (id, token) =
        block(api.process.desk.create_token(&reviewer(), "reader".into(), vec![Scope::GiftsRead])).unwrap();
    let all = std::mem::replace(&mut api.token, token);
    assert_eq!(api.get("/api/home").status, 200);
    for (method, path) in [
        ("POST", "/api/fundraising/gift-staging"),
        ("POST", "/api/sync"),
        ("GET", "/api/journal"),
        ("GET", "/api/tokens"),
    ] {
        assert_eq!(api.call_with(method, path, "{}", &[]).status, 403, "{method} {path}");
    }
    let reader = std::mem::replace(&mut api.token, all);
    assert_eq!(api.call_with("DELETE", &format!("/api/tokens/{id}"), "", &[]).status, 204);
    api.token = reader;
    assert_eq!(api.get("/api/home").status, 401, "a revoked token is nobody's");
}

#[test]
fn the_request_id_is_echoed_or_made() {
    let api = Api::new();
    let echoed = api.call_with("GET", "/api/home", "", &[("x-request-id", "abc-1")]);
    assert_eq!(echoed.headers["x-request-id"], "abc-1");
    assert_eq!(api.get("/api/home").headers["x-request-id"].len(), 36);
    let refused = api.call_with("GET", "/api/home?nonsense=1", "", &[("x-request-id", "abc-2")]);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.headers["x-request-id"], "abc-2");
}

#[test]
fn two_equal_gifts_without_ids_are_two_rows_and_a_named_delivery_is_one() {
    let api = Api::new();
    assert_ne!(api.staged(25_000_000), api.staged(25_000_000));
    let body = json!({ "amount": pounds(10) }).to_string();
    let send = |body: &str, key: &str| {
        api.call_with("POST", "/api/fundraising/gift-staging", body, &[("idempotency-key", key)])
    };
    let (first, again) = (send(&body, "k1"), send(&body, "k1"));
    assert_eq!(first.body["data"]["giftStaging"]["id"], again.body["data"]["giftStaging"]["id"]);
    assert_eq!(
        (first.body["meta"]["created"].clone(), again.body["meta"]["created"].clone()),
        (json!(true), json!(false))
    );
    assert_eq!(send(&json!({ "amount": pounds(11) }).to_string(), "k1").status, 422);
    assert_ne!(send(&body, "k2").body["data"]["giftStaging"]["id"], first.body["data"]["giftStaging"]["id"]);
}

#[test]
fn another_event_about_the_same_payment_is_evidence_of_its_row() {
    let api = Api::new();
    let event = |event: &str| json!({ "amount": pounds(10), "provider": "Stripe", "providerPaymentId": "pi_1", "providerEventId": event, "intakeSource": "stripe_webhook" });
    let post = |body: &Value| api.post("/api/fundraising/gift-staging", body).body;
    let first = post(&event("evt_1"));
    let second = post(&event("evt_2"));
    let replayed = post(&event("evt_2"));
    assert_eq!(first["data"]["giftStaging"]["id"], second["data"]["giftStaging"]["id"]);
    assert_eq!(second["data"]["giftStaging"]["evidenceCount"], 2);
    assert_eq!(replayed["data"]["giftStaging"]["evidenceCount"], 2, "a replayed event writes nothing");
    let id = first["data"]["giftStaging"]["id"].as_str().unwrap();
    let one = api.get(&format!("/api/fundraising/gift-staging/{id}")).body;
    assert_eq!(one["meta"]["rawPayload"].as_array().unwrap().len(), 2);
    assert!(
        one["meta"]["rawPayload"][1]["body"].as_str().unwrap().contains("evt_1"),
        "the newest comes first"
    );
}

#[test]
fn a_missing_key_keeps_and_null_clears_and_versions_guard() {
    let api = Api::new();
    let id = api.staged(25_000_000);
    let path = format!("/api/fundraising/gift-staging/{id}");
    let row = |reply: &Reply| reply.body["data"]["giftStaging"].clone();
    let noted = api.patch(&path, &json!({ "notes": "Spring lunch" }));
    assert_eq!(
        (row(&noted)["notes"].clone(), row(&noted)["giftDate"].clone()),
        (json!("Spring lunch"), json!("2026-11-20"))
    );
    let cleared = api.patch(&path, &json!({ "notes": null, "giftDate": null }));
    assert_eq!(
        (row(&cleared)["notes"].clone(), row(&cleared)["giftDate"].clone()),
        (Value::Null, Value::Null)
    );
    assert_eq!(row(&cleared)["reason"]["code"], "gift_date_missing");
    let old = row(&noted)["version"].to_string();
    let stale = api.call_with("PATCH", &path, r#"{"notes":"x"}"#, &[("if-match", &format!("\"{old}\""))]);
    assert_eq!(stale.status, 412, "{}", stale.text);
    let now = row(&cleared)["version"].to_string();
    let tag = |reply: &Reply| reply.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!((tag(&cleared), tag(&api.get(&path))), (format!("\"{now}\""), format!("\"{now}\"")));
    assert_eq!(
        api.call_with("PATCH", &path, r#"{"notes":"x"}"#, &[("if-match", &format!("\"{now}\""))]).status,
        200
    );
}

#[test]
fn a_blocked_row_says_why_and_a_cleared_one_can_go() {
    let api = Api::new();
    let reply = api.post(
        "/api/fundraising/gift-staging",
        &json!({ "amount": pounds(5), "contact": { "firstName": "Ada", "lastName": "Lovelace" } }),
    );
    let row = &reply.body["data"]["giftStaging"];
    assert_eq!(
        (row["processingStatus"].as_str(), row["processingDiagnostics"]["identityConfidence"].as_str()),
        (Some("pending"), Some("weak"))
    );
    let path = format!("/api/fundraising/gift-staging/{}", row["id"].as_str().unwrap());
    let refused = api.patch(&format!("{path}/status"), &json!({ "processingStatus": "ready_for_process" }));
    assert_eq!(refused.status, 409);
    let fields: Vec<&str> =
        refused.body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["donor_review_required", "gift_date_missing", "payment_type_required"]);
    api.patch(&path, &json!({ "donorId": api.donor(), "giftDate": "2026-11-01", "paymentMethod": "cash" }));
    let ready = api.patch(&format!("{path}/status"), &json!({ "processingStatus": "ready_for_process" }));
    assert_eq!(ready.body["data"]["giftStaging"]["processingStatus"], "ready_for_process");
    assert_eq!(ready.body["meta"]["history"].as_array().unwrap().len(), 3);
}

#[test]
fn the_queue_filters_sorts_and_pages_without_losing_a_row() {
    let api = Api::new();
    for n in 1..=7 {
        api.staged(n * 1_000_000);
    }
    api.post(
        "/api/fundraising/gift-staging",
        &json!({ "amount": pounds(3), "notes": "For the ROOF", "intakeSource": "csv_import" }),
    );
    let list = |query: &str| api.get(&format!("/api/fundraising/gift-staging?{query}"));
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("limit=3&sort=amount.amountMicros:asc{cursor}")).body;
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["amount"]["amountMicros"].as_i64().unwrap()),
        );
        match page["meta"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 3, 4, 5, 6, 7].map(|n| n * 1_000_000));
    let roof = list("search=roof").body;
    assert_eq!(
        (roof["meta"]["total"].as_u64(), roof["meta"]["counts"]["pending"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(list("intakeSource=csv_import").body["meta"]["total"], 1);
    assert_eq!(list("status=processed").body["meta"]["total"], 0);
    for bad in ["status=done", "sort=name", "cursor=%21", "limit=x", "batch=1", "giftBatchId=1"] {
        assert_eq!(list(bad).status, 400, "{bad}");
    }
}

#[test]
fn a_batch_is_processed_and_everything_can_be_followed() {
    let mut api = Api::new();
    let ids: Vec<String> = (1..=3).map(|n| api.staged(n * 1_000_000)).collect();
    for id in &ids {
        api.patch(
            &format!("/api/fundraising/gift-staging/{id}/status"),
            &json!({ "processingStatus": "ready_for_process" }),
        );
    }
    let made = api.post(
        "/api/fundraising/gift-batches",
        &json!({ "name": "Monday post", "rowIds": ids, "expectedCount": 3 }),
    );
    let batch = made.body["data"]["createGiftBatch"].clone();
    assert_eq!(
        (batch["status"].as_str(), batch["rows"]["ready_for_process"].as_u64()),
        (Some("open"), Some(3))
    );
    assert_eq!(batch["totals"], json!([{ "amountMicros": 6_000_000, "currencyCode": "GBP", "rows": 3 }]));
    let path = format!("/api/fundraising/gift-batches/{}", batch["id"].as_str().unwrap());
    let run = api.post(&format!("{path}/process"), &json!({})).body["data"]["run"].clone();
    let again = api.post(&format!("{path}/process"), &json!({})).body["data"]["run"].clone();
    assert_eq!(run["runId"], again["runId"], "one active run a batch");
    api.outside.settle(&mut api.process);
    let run =
        api.get(&format!("{path}/process/{}", run["runId"].as_str().unwrap())).body["data"]["run"].clone();
    assert_eq!((run["status"].as_str(), run["progress"]["processed"].as_u64()), (Some("completed"), Some(3)));
    assert_eq!(api.get(&path).body["data"]["giftBatch"]["status"], "processed");
    let row =
        api.get(&format!("/api/fundraising/gift-staging/{}", ids[0])).body["data"]["giftStaging"].clone();
    let gift = row["gift"]["id"].as_str().unwrap();
    assert_eq!(
        (row["processingStatus"].as_str(), row["gift"]["state"].as_str()),
        (Some("processed"), Some("confirmed"))
    );
    assert_eq!(row["gift"]["url"], format!("http://twenty.sim/object/gift/{gift}"));
    let gifts = api.get(&format!("/api/gifts?donorId={}", api.donor())).body;
    assert_eq!(gifts["meta"]["total"], 3);
    let told = api.get(&format!("/api/journal?subject={gift}")).body;
    let ops: Vec<&str> =
        told["data"].as_array().unwrap().iter().map(|entry| entry["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["confirmed", "pending"]);
    let edit = api.patch(&format!("/api/fundraising/gift-staging/{}", ids[0]), &json!({ "notes": "late" }));
    assert_eq!(edit.status, 409, "a posted row is not changed");
    let home = api.get("/api/home").body;
    assert_eq!(
        (home["staging"]["processed"].as_u64(), home["mirror"][1]["records"].as_u64()),
        (Some(3), Some(3))
    );
    assert_eq!(home["mirror"][0]["freshness"]["state"], "fresh");
}

#[test]
fn ready_rows_in_no_batch_go_in_one_click_and_nothing_ready_is_said() {
    let mut api = Api::new();
    let nothing = api.post("/api/fundraising/gift-staging/process-ready", &json!({}));
    assert_eq!(nothing.status, 409);
    let id = api.staged(2_000_000);
    api.patch(
        &format!("/api/fundraising/gift-staging/{id}/status"),
        &json!({ "processingStatus": "ready_for_process" }),
    );
    let going = api.post("/api/fundraising/gift-staging/process-ready", &json!({})).body;
    assert_eq!(going["data"]["run"]["status"], "queued");
    api.outside.settle(&mut api.process);
    assert_eq!(api.outside.twenty.records("gifts").len(), 1);
}

#[test]
fn donors_are_found_as_soon_as_they_are_mirrored() {
    let api = Api::new();
    let found = api.get("/api/donors?q=lovelace%20ada1").body;
    assert_eq!(found["data"][0]["name"], "Ada1 Lovelace", "{found}");
    assert_eq!(found["meta"]["behind"], 0);
    while api.search.catch_up(&api.process.means.store).unwrap() {}
    assert_eq!(api.get("/api/donors?q=ada1").body["data"][0]["name"], "Ada1 Lovelace");
}

#[test]
fn switched_off_staging_takes_nothing() {
    let mut api = Api::new();
    api.process.desk.staging_enabled = false;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let info = Info {
        demo: false,
        organisation: String::new(),
        twenty_url: String::new(),
        sync_every_ms: 1,
        secure_cookies: false,
    };
    api.router = router(Face::new(api.process.desk.clone(), Arc::clone(&api.search), info, stopped));
    let refused = api.post("/api/fundraising/gift-staging", &json!({ "amount": pounds(5) }));
    assert_eq!(
        (refused.status, refused.body["message"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("Gift staging is disabled"))
    );
    drop(stop);
}

#[test]
fn sign_in_takes_a_link_once_and_a_password_that_fits() {
    let api = Api::new();
    let link = block(api.process.desk.one_time_link(LinkPurpose::Setup)).unwrap();
    let form = |path: &str, body: &str, extra: &[(&str, &str)]| {
        let mut request = Request::builder()
            .method("POST")
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        api.raw(request.body(axum::body::Body::from(body.to_owned())).unwrap())
    };
    let weak = form("/setup", &format!("token={link}&name=Maya&email=maya@example.org&password=short"), &[]);
    assert!(weak.status == 400 && weak.text.contains("at least 12 characters"), "{}", weak.text);
    let body = format!("token={link}&name=Maya&email=Maya@Example.org&password=correct-horse-battery");
    let foreign = form("/setup", &body, &[("sec-fetch-site", "cross-site")]);
    assert_eq!(foreign.status, 403);
    let made = form("/setup", &body, &[]);
    assert_eq!((made.status, made.headers[header::LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, "/"));
    let cookie = made.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(form("/setup", &body, &[]).status, 410, "a link works once");
    let session = api.raw(
        Request::builder()
            .uri("/api/session")
            .header("cookie", &cookie)
            .body(axum::body::Body::empty())
            .unwrap(),
    );
    assert_eq!(
        (session.body["user"]["email"].as_str(), session.body["user"]["role"].as_str()),
        (Some("maya@example.org"), Some("admin"))
    );
    let crossed = Request::builder()
        .method("POST")
        .uri("/api/sync")
        .header("cookie", &cookie)
        .header("sec-fetch-site", "cross-site");
    assert_eq!(api.raw(crossed.body(axum::body::Body::empty()).unwrap()).status, 403);
    let sign_in = |password: &str| {
        form("/login", &format!("email=maya@example.org&password={password}&next=//evil.example"), &[])
    };
    let right = sign_in("correct-horse-battery");
    assert_eq!(
        (right.status, right.headers[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/")
    );
    for _ in 0..10 {
        assert_eq!(sign_in("wrong").status, 401);
    }
    assert_eq!(sign_in("correct-horse-battery").status, 429);
    api.outside.advance_ms(13 * 3_600_000);
    let over = api.raw(
        Request::builder()
            .uri("/api/session")
            .header("cookie", &cookie)
            .body(axum::body::Body::empty())
            .unwrap(),
    );
    assert_eq!(over.status, 401, "a session ends");
}

#[test]
fn a_user_of_a_link_only_has_no_password() {
    let api = Api::new();
    let user = block(api.process.desk.ensure_user(NewUser {
        name: "Demo".into(),
        email: "demo@example.org".into(),
        password: None,
        role: Role::Admin,
    }))
    .unwrap();
    let link = block(api.process.desk.one_time_link(LinkPurpose::SignIn(user))).unwrap();
    let visit = |path: String| api.raw(Request::builder().uri(path).body(axum::body::Body::empty()).unwrap());
    assert_eq!(visit(format!("/login/once?token={link}")).status, 303);
    assert_eq!(visit(format!("/login/once?token={link}")).status, 410);
    assert!(block(api.process.desk.sign_in("demo@example.org", String::new())).is_err());
    let late = block(api.process.desk.one_time_link(LinkPurpose::SignIn(user))).unwrap();
    api.outside.advance_ms(31 * 60_000);
    assert_eq!(visit(format!("/login/once?token={late}")).status, 410, "a link works for 30 minutes");
}

/// The document that other programs build on changes only when somebody means it:
/// `cargo run -- openapi > docs/openapi.json`. That it tells every route is tested with the rights.
#[test]
fn the_openapi_document_is_the_one_that_landed_and_the_routes_answer_as_it_says() {
    let landed = include_str!("../../docs/openapi.json");
    assert_eq!(landed.trim(), openapi_json().trim(), "run: cargo run -- openapi > docs/openapi.json");
    let document: Value = serde_json::from_str(landed).unwrap();
    let documented = document["paths"].as_object().unwrap();
    let api = Api::new();
    for (path, methods) in documented {
        let concrete = path.replace("{id}", "x").replace("{runId}", "y").replace("{contactId}", "z");
        for method in methods.as_object().unwrap().keys().filter(|m| *m != "parameters") {
            if concrete == "/api/events" {
                continue;
            }
            let reply = api.call_with(&method.to_uppercase(), &concrete, "{}", &[]);
            let known = reply.status != 404
                || reply.body["detail"].as_str().is_some_and(|d| d.starts_with("There is no such"));
            assert!(
                known && reply.status != 405 && reply.status.as_u16() < 500,
                "{method} {path}: {} {}",
                reply.status,
                reply.text
            );
            let answers = &methods[method]["responses"];
            assert!(
                answers.get(reply.status.as_str()).is_some(),
                "{method} {path}: {} is not documented",
                reply.status
            );
        }
    }
}

/// Every call that changes something says how it is undone, or why it cannot be.
#[test]
fn every_call_that_changes_something_says_how_it_is_undone() {
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut calls = std::collections::BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        let changing = methods.as_object().unwrap().keys().filter(|method| *method != "get");
        calls.extend(changing.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let table = include_str!("../../docs/UNDO.md").lines().filter_map(|line| {
        let (call, how) = line.strip_prefix("| `")?.split_once("` | ")?;
        assert!(how.trim_end_matches(" |").len() > 5, "{call}: {how}");
        Some(call.to_owned())
    });
    let told: std::collections::BTreeSet<String> = table.collect();
    let untold: Vec<_> = calls.difference(&told).collect();
    let gone: Vec<_> = told.difference(&calls).collect();
    assert!(
        untold.is_empty() && gone.is_empty(),
        "docs/UNDO.md lacks {untold:?}; these are no calls: {gone:?}"
    );
}

#[test]
fn errors_of_the_frame_are_problems_too() {
    let api = Api::new();
    for (method, path, status) in [
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/home", 405),
        ("POST", "/api/fundraising/gift-staging", 400),
    ] {
        let reply = api.call_with(method, path, "[", &[]);
        assert_eq!(
            (reply.status.as_u16(), reply.body["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{method} {path}: {}",
            reply.text
        );
    }
    let large = "x".repeat(11 * 1024 * 1024);
    let reply = api.call_with("POST", "/api/fundraising/gift-staging", &large, &[]);
    assert_eq!((reply.status.as_u16(), reply.body["status"].as_u64()), (413, Some(413)), "{}", reply.text);
}

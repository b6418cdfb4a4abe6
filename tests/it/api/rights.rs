//! Who may call what: every route of the router and of the OpenAPI document, by every role, every scope of a token, and
//! nobody.
//!
//! Keeps out: a route without a right, a route whose right is another than the one meant, a document that tells other
//! routes than there are. The table here is written by hand and not derived from the code's own.

use std::collections::BTreeMap;

use almoner::desk::access::{LinkPurpose, NewUser};
use almoner::faces::http::{Need, needs, openapi_json};
use almoner::ground::access::{Role, Scope};
use serde_json::Value;

use super::Api;
use crate::world::{block, reviewer};

/// The routes, each with those who may call it: first the roles (Admin, finance `n`, fundraising `f`, reviewer `r`,
/// viewer `v`), then the scopes of a token (gifts:Read, gifts:Write, Journal:read, `*` admin,
/// Books:read, books:write `b`). `all` is whoever is
/// known, `open` everybody.
const ALLOWED: &[(&str, &str)] = &[
    ("GET /api/fundraising/gift-staging", "Anfrv R*"),
    ("POST /api/fundraising/gift-staging", "Af W*"),
    ("GET /api/fundraising/gift-staging/ids", "Anfrv R*"),
    ("POST /api/fundraising/gift-staging/status", "Afr W*"),
    ("POST /api/fundraising/gift-staging/process-ready", "Anf W*"),
    ("GET /api/fundraising/gift-staging/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/gift-staging/{id}", "Afr W*"),
    ("PATCH /api/fundraising/gift-staging/{id}/status", "Afr W*"),
    ("POST /api/fundraising/gift-staging/{id}/process", "Anf W*"),
    ("DELETE /api/fundraising/gift-staging/{id}/made-donor", "Af W*"),
    ("POST /api/fundraising/gifts", "Af W*"),
    ("GET /api/fundraising/gift-batches", "Anfrv R*"),
    ("POST /api/fundraising/gift-batches", "Anf W*"),
    ("GET /api/fundraising/gift-batches/{id}", "Anfrv R*"),
    ("POST /api/fundraising/gift-batches/{id}/process", "Anf W*"),
    ("GET /api/fundraising/gift-batches/{id}/process/{runId}", "Anfrv R*"),
    ("PATCH /api/fundraising/gift-batches/{id}", "Anf W*"),
    ("POST /api/fundraising/gift-batches/{id}/plan", "Anf W*"),
    ("PATCH /api/fundraising/gift-batches/{id}/process/{runId}", "Anf W*"),
    ("GET /api/settings", "Anfrv R*"),
    ("PATCH /api/settings", "A *"),
    ("GET /api/choices/{object}", "Anfrv R*"),
    ("GET /api/fundraising/gifts", "Anfrv R*"),
    ("GET /api/fundraising/gifts/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/gifts/{id}", "Af W*"),
    ("DELETE /api/fundraising/gifts/{id}", "Af W*"),
    ("GET /api/fundraising/people/{id}", "Anfrv R*"),
    ("POST /api/fundraising/gift-batches/{id}/donor-match", "Afr W*"),
    ("GET /api/fundraising/gift-batches/{id}/donor-match/{runId}", "Anfrv R*"),
    ("POST /api/fundraising/gift-batches/{id}/donor-match/create-donors/run", "Af W*"),
    ("GET /api/fundraising/gift-batches/{id}/donor-match/create-donors/run/{runId}", "Anfrv R*"),
    ("GET /api/fundraising/people/duplicates", "Anfrv R*"),
    ("GET /api/fundraising/people/duplicates/{left}/{right}", "Anfrv R*"),
    ("GET /api/fundraising/people/links", "Anfrv R*"),
    ("POST /api/fundraising/people/links", "Afr W*"),
    ("POST /api/fundraising/people/links/{id}/undo", "Afr W*"),
    ("GET /api/fundraising/people/verdicts", "Anfrv R*"),
    ("POST /api/fundraising/people/verdicts", "Afr W*"),
    ("GET /api/fundraising/people/agreement", "Anfrv R*"),
    ("GET /api/fundraising/people/merges", "Anfrv R*"),
    ("POST /api/fundraising/people/merges", "Af W*"),
    ("GET /api/fundraising/people/merges/{id}", "Anfrv R*"),
    ("POST /api/fundraising/people/merges/{id}/confirm", "Af W*"),
    ("DELETE /api/fundraising/people/merges/{id}", "Af W*"),
    ("POST /api/fundraising/people/duplicates", "Anfrv R*"),
    ("POST /api/fundraising/people/match", "Anfrv R*"),
    ("POST /api/fundraising/people/why", "Anfrv R*"),
    ("GET /api/fundraising/companies/search", "Anfrv R*"),
    ("GET /api/fundraising/opportunities/search", "Anfrv R*"),
    ("PATCH /api/fundraising/opportunities/{id}", "Af W*"),
    ("GET /api/fundraising/appeals", "Anfrv R*"),
    ("POST /api/fundraising/appeals", "Af W*"),
    ("GET /api/fundraising/appeals/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/appeals/{id}", "Af W*"),
    ("GET /api/fundraising/appeals/{id}/solicitation-snapshots", "Anfrv R*"),
    ("POST /api/fundraising/appeals/{id}/solicitation-snapshots", "Af W*"),
    ("GET /api/fundraising/households", "Anfrv R*"),
    ("POST /api/fundraising/households", "Af W*"),
    ("GET /api/fundraising/households/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/households/{id}", "Af W*"),
    ("GET /api/fundraising/households/{id}/members", "Anfrv R*"),
    ("POST /api/fundraising/households/{id}/members", "Af W*"),
    ("DELETE /api/fundraising/households/{id}/members/{contactId}", "Af W*"),
    ("POST /api/fundraising/households/{id}/copy-address", "Af W*"),
    ("GET /api/fundraising/recurring-agreements", "Anfrv R*"),
    ("POST /api/fundraising/recurring-agreements", "Af W*"),
    ("GET /api/fundraising/recurring-agreements/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/recurring-agreements/{id}", "Af W*"),
    ("DELETE /api/fundraising/recurring-agreements/{id}", "Af W*"),
    ("GET /api/fundraising/gift-payouts", "Anfrv R*"),
    ("POST /api/fundraising/gift-payouts", "Af W*"),
    ("GET /api/fundraising/gift-payouts/{id}", "Anfrv R*"),
    ("PATCH /api/fundraising/gift-payouts/{id}", "Af W*"),
    ("POST /api/fundraising/gift-payouts/{id}/gifts/link", "Af W*"),
    ("POST /api/fundraising/gift-payouts/{id}/gifts/unlink", "Af W*"),
    ("GET /api/sync/edits/{id}", "Anfrv R*"),
    ("GET /api/home", "Anfrv R*"),
    ("GET /api/home/figures/{name}", "Anfrv R*"),
    ("GET /api/sync", "Anfrv R*"),
    ("POST /api/sync", "Anf W*"),
    ("POST /api/sync/objects", "A *"),
    ("GET /api/sync/quarantine", "Anfrv R*"),
    ("GET /api/sync/edits", "Anfrv R*"),
    ("DELETE /api/sync/edits/{id}", "Af W*"),
    ("GET /api/sync/conflicts", "Anfrv R*"),
    ("POST /api/sync/conflicts/{id}", "Af W*"),
    ("PATCH /api/sync/{object}", "Anf W*"),
    ("POST /api/sync/{object}/sweep", "Anf W*"),
    ("GET /api/donors", "Anfrv R*"),
    ("GET /api/donors/{id}", "Anfrv R*"),
    ("GET /api/gifts", "Anfrv R*"),
    ("GET /api/records/{object}", "Anfrv R*"),
    ("GET /api/records/{object}/{id}", "Anfrv R*"),
    ("PATCH /api/records/{object}/{id}", "Af W*"),
    ("POST /api/tasks", "Af W*"),
    ("PATCH /api/tasks/{id}", "Af W*"),
    ("POST /api/notes", "Af W*"),
    ("GET /api/journal", "An J*"),
    ("GET /api/events", "Anfrv R*"),
    ("GET /api/health", "Anfrv R*"),
    ("GET /api/session", "all"),
    ("POST /api/session", "open"),
    ("DELETE /api/session", "all"),
    ("GET /api/tokens", "A *"),
    ("POST /api/tokens", "A *"),
    ("DELETE /api/tokens/{id}", "A *"),
    ("GET /api/users", "A *"),
    ("POST /api/users", "A *"),
    ("PATCH /api/users/{id}", "A *"),
    ("POST /api/users/{id}/reset", "A *"),
    ("GET /api/openapi.json", "open"),
    ("GET /health", "open"),
    ("GET /readyz", "open"),
    ("GET /livez", "open"),
    ("GET /healthz", "open"),
    ("GET /metrics", "Anfrv R*"),
    ("POST /hooks/twenty", "open"),
    ("GET /api/books/companies", "Anv B*"),
    ("GET /api/portfolio", "Anv B*"),
    ("GET /api/books/companies/{realm}/money", "Anv B*"),
    ("GET /api/books/companies/{realm}/figures/{name}", "Anv B*"),
    ("GET /api/books/companies/{realm}/moved", "Anv B*"),
    ("GET /api/books/companies/{realm}/tray", "Anv B*"),
    ("POST /api/books/companies/{realm}/tray/ignore", "An b*"),
    ("POST /api/books/companies/{realm}/tray/reopen", "An b*"),
    ("POST /api/books/companies/{realm}/tray/fix", "An b*"),
    ("POST /api/books/companies/{realm}/decisions", "An b*"),
    ("GET /api/books/companies/{realm}/said", "Anv B*"),
    ("POST /api/books/companies/{realm}/said", "An b*"),
    ("DELETE /api/books/companies/{realm}/said/{id}", "An b*"),
    ("GET /api/books/companies/{realm}/digests", "Anv B*"),
    ("POST /api/books/companies/{realm}/digests", "An b*"),
    ("GET /api/books/companies/{realm}/digests/{week}", "Anv B*"),
    ("PATCH /api/books/companies/{realm}/digests/{week}", "An b*"),
    ("GET /api/books/companies/{realm}/digests/{week}/{form}", "Anv B*"),
    ("GET /api/books/companies/{realm}/policy", "Anv B*"),
    ("PUT /api/books/companies/{realm}/policy", "A *"),
    ("POST /api/books/companies/{realm}/policy/preview", "Anv B*"),
    ("POST /api/money/policy/preview", "Anv B*"),
    ("GET /api/money/policy", "Anv B*"),
    ("PUT /api/money/policy", "A *"),
    ("GET /api/books/companies/{realm}/console", "Anv B*"),
    ("GET /api/books/companies/{realm}/what-if", "Anv B*"),
    ("POST /api/books/connect", "A *"),
    ("POST /api/books/companies/{realm}/look", "An b*"),
    ("POST /api/books/companies/{realm}/load", "An b*"),
    ("POST /api/books/companies/{realm}/pause", "An b*"),
    ("POST /api/books/companies/{realm}/resume", "An b*"),
    ("POST /api/books/companies/{realm}/disconnect", "A *"),
    ("GET /api/books/companies/{realm}/records/{kind}", "Anv B*"),
    ("GET /api/books/companies/{realm}/records/{kind}/{id}", "Anv B*"),
    ("POST /api/books/companies/{realm}/changes", "An b*"),
    ("GET /api/books/changes", "Anv B*"),
    ("GET /api/books/changes/{id}", "Anv B*"),
    ("POST /api/books/changes/{id}/undo", "An b*"),
    ("POST /api/books/changes/{id}/repeat", "An b*"),
    ("POST /api/books/changes/{id}/discard", "An b*"),
    ("POST /api/books/changes/{id}/decide", "An b*"),
    ("GET /api/books/companies/{realm}/records/{kind}/{id}/links", "Anv B*"),
    ("GET /api/books/links", "Anv B*"),
    ("POST /api/books/links", "An b*"),
    ("POST /api/books/links/{id}/undo", "An b*"),
    ("GET /api/books/set-aside", "Anv B*"),
    ("POST /api/books/set-aside/{key}/repeat", "An b*"),
    ("POST /api/books/set-aside/{key}/discard", "An b*"),
    ("GET /connect/quickbooks", "open"),
    ("POST /hooks/quickbooks", "open"),
    ("GET /login", "open"),
    ("POST /login", "open"),
    ("GET /login/once", "open"),
    ("GET /setup", "open"),
    ("POST /setup", "open"),
    ("GET /password", "open"),
    ("POST /password", "open"),
    ("GET /pages.css", "open"),
];

/// Everybody who may call: a letter, and how they prove themselves.
const LETTERS: [(char, Who); 12] = [
    ('A', Who::Role(Role::Admin)),
    ('n', Who::Role(Role::Finance)),
    ('f', Who::Role(Role::Fundraising)),
    ('r', Who::Role(Role::Reviewer)),
    ('v', Who::Role(Role::Viewer)),
    ('R', Who::Scope(Scope::GiftsRead)),
    ('W', Who::Scope(Scope::GiftsWrite)),
    ('J', Who::Scope(Scope::JournalRead)),
    ('*', Who::Scope(Scope::Admin)),
    ('B', Who::Scope(Scope::BooksRead)),
    ('b', Who::Scope(Scope::BooksWrite)),
    ('-', Who::Nobody),
];

#[derive(Clone, Copy, Debug)]
enum Who {
    Role(Role),
    Scope(Scope),
    Nobody,
}

/// Whether `who`, by their letter, may call a route with this entry.
fn may(entry: &str, letter: char) -> bool {
    match entry {
        "open" => true,
        "all" => letter != '-',
        letters => letters.contains(letter),
    }
}

impl Api {
    /// The header with which somebody of this kind proves themselves, fresh: signing out ends only their own session.
    pub(super) fn credential(&self, who: Role) -> (&'static str, String) {
        let desk = &self.process.desk;
        let email = format!("{}@example.org", who.word());
        let new = NewUser { name: who.word().into(), email, password: None, role: who };
        let user = block(desk.ensure_user(new)).unwrap();
        let link = block(desk.one_time_link(LinkPurpose::SignIn(user))).unwrap();
        ("cookie", format!("almoner_session={}", block(desk.sign_in_by_link(link)).unwrap()))
    }

    fn proof(&self, who: Who) -> Option<(&'static str, String)> {
        match who {
            Who::Role(role) => Some(self.credential(role)),
            Who::Scope(scope) => {
                let made = block(self.process.desk.create_token(&reviewer(), "t".into(), vec![scope]));
                Some(("authorization", format!("Bearer {}", made.unwrap().1)))
            }
            Who::Nobody => None,
        }
    }

    /// Calls a route without waiting for the end of what it answers: an event stream has none.
    fn status(&self, route: &str, proof: Option<&(&'static str, String)>) -> u16 {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{object}", "people").replace("{realm}", "1").replace("{kind}", "bill");
        let path = ["{id}", "{runId}"]
            .iter()
            .fold(path, |path, hole| path.replace(hole, "00000000-0000-4000-8000-000000000000"));
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some((name, value)) = proof {
            request = request.header(*name, value);
        }
        let request = request.body(axum::body::Body::from("{}")).unwrap();
        block(async {
            let answer = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
            answer.status().as_u16()
        })
    }
}

#[test]
fn every_route_stands_in_the_table_and_in_the_document() {
    let table: BTreeMap<&str, &str> = ALLOWED.iter().copied().collect();
    assert_eq!(table.len(), ALLOWED.len(), "a route stands in the table twice");
    let routes: BTreeMap<String, Need> =
        needs().into_iter().map(|(method, path, need)| (format!("{method} {path}"), need)).collect();
    let names = |map: Vec<&str>| map.join("\n");
    assert_eq!(names(routes.keys().map(String::as_str).collect()), names(table.keys().copied().collect()));
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut told = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let open = operation["security"] == serde_json::json!([{}]);
            told.insert(format!("{} {path}", method.to_uppercase()), open);
        }
    }
    for (route, open) in &told {
        assert_eq!(Some(*open), table.get(route.as_str()).map(|entry| *entry == "open"), "{route}");
    }
    // What is not told is what no program calls: the plain pages, the document itself, and whether the process lives.
    let untold = table.iter().filter(|(route, _)| !told.contains_key(**route));
    assert!(untold.into_iter().all(|(_, entry)| *entry == "open"), "a route is missing in the document");
}

#[test]
fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let api = Api::new();
    let mut wrong = Vec::new();
    for (letter, who) in LETTERS {
        let mut proof = api.proof(who);
        for (route, entry) in ALLOWED {
            let status = api.status(route, proof.as_ref());
            let expected = may(entry, letter);
            // What is let in may still be refused for what it asks; only these two say that it was not let in. A
            // sign-in and a webhook without their own proof are refused by themselves.
            let let_in = !matches!(status, 401 | 403) || *entry == "open";
            let refused = if matches!(who, Who::Nobody) { status == 401 } else { status == 403 };
            if let_in != expected
                || (!expected && !refused)
                || status >= 500 && !["GET /readyz", "GET /healthz"].contains(route)
            {
                wrong.push(format!("{route} by {who:?}: {status}, the table says {expected}"));
            }
            if *route == "DELETE /api/session" {
                proof = api.proof(who);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_session_tells_the_rights_that_the_table_gives() {
    let api = Api::new();
    let words = |role: Role| {
        let (name, value) = api.credential(role);
        let request = http::Request::builder().uri("/api/session").header(name, value);
        let reply = api.raw(request.body(axum::body::Body::empty()).unwrap());
        let rights = reply.body["rights"].as_array().unwrap().clone();
        rights.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let all = "see take_in review process edit decide sync journal settings users tokens books books_write";
    assert_eq!(words(Role::Admin), all);
    assert_eq!(words(Role::Finance), "see process sync journal books books_write");
    assert_eq!(words(Role::Fundraising), "see take_in review process edit decide sync");
    assert_eq!(words(Role::Reviewer), "see review");
    assert_eq!(words(Role::Viewer), "see books");
}

#[test]
fn who_may_not_is_told_why_and_whom_to_ask() {
    let api = Api::new();
    let (name, value) = api.credential(Role::Viewer);
    let request = http::Request::builder().method("POST").uri("/api/sync").header(name, value);
    let reply = api.raw(request.body(axum::body::Body::empty()).unwrap());
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.body["detail"],
        "Your role, viewer, may not start or pause the sync. Ask an admin for another role."
    );
    let (name, value) = api.proof(Who::Scope(Scope::GiftsRead)).unwrap();
    let request = http::Request::builder().uri("/api/journal").header(name, value);
    let reply = api.raw(request.body(axum::body::Body::empty()).unwrap());
    assert_eq!(
        reply.body["detail"],
        "This token may not see the journal. Ask an admin for a token with the scope journal:read."
    );
}

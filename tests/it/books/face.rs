//! The books through the API: what is told of companies and records, and that nobody sees a company beyond their scope.

use std::sync::Arc;

use almoner::desk::access::{LinkPurpose, NewUser};
use almoner::desk::users::{self, UserChange};
use almoner::faces::http::{Face, Info, router};
use almoner::ground::access::{Companies, Role};
use almoner::search::{Place as IndexPlace, Search};
use almoner::sim::qbo::Kind;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::firm::{Firm, MINUTE, Office};
use crate::world::{block, reviewer};

pub struct Door {
    router: axum::Router,
    cookie: String,
    /// Dropped, it stops the server.
    _running: watch::Sender<bool>,
}

impl Door {
    /// The API for a finance user who sees these companies only; all of them when none are named.
    pub fn of(office: &Office, companies: Option<Vec<String>>) -> Self {
        let name = companies.as_ref().map_or(0, Vec::len).to_string();
        Self::opened(office, &name, Role::Finance, companies)
    }

    /// The API for somebody of this name and role who sees all companies.
    pub fn called(office: &Office, name: &str, role: Role) -> Self {
        Self::opened(office, name, role, None)
    }

    fn opened(office: &Office, name: &str, role: Role, companies: Option<Vec<String>>) -> Self {
        let desk = office.desk.clone();
        let search = Search::open(IndexPlace::Memory, &desk.store).unwrap();
        let (running, stopped) = watch::channel(false);
        let info = Info {
            demo: false,
            organisation: "Firm".into(),
            twenty_url: "https://crm.example.org".into(),
            sync_every_ms: 900_000,
            secure_cookies: false,
        };
        let face = Face::new(desk.clone(), Arc::clone(&search), info, stopped);
        let email = format!("{name}@example.org");
        let new = NewUser { name: name.into(), email, password: None, role };
        let user = block(desk.ensure_user(new)).unwrap();
        let scope = Companies::from_keys(companies).unwrap();
        let change = UserChange { companies: Some(scope), ..UserChange::default() };
        let by = users::By::from(&reviewer());
        block(users::change(&desk.store, by, user, change, None)).unwrap();
        let link = block(desk.one_time_link(LinkPurpose::SignIn(user))).unwrap();
        let cookie = format!("almoner_session={}", block(desk.sign_in_by_link(link)).unwrap());
        Self { router: router(face), cookie, _running: running }
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let request = http::Request::get(path).header("cookie", &self.cookie);
        self.send(request.body(axum::body::Body::empty()).unwrap())
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let request = http::Request::get(path).header("cookie", &self.cookie);
        block(async {
            let request = request.body(axum::body::Body::empty()).unwrap();
            let answer = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()
        })
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.write("POST", path, body)
    }

    pub fn write(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", &self.cookie)
            .header("content-type", "application/json")
            .header("sec-fetch-site", "same-origin");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(axum::body::Body::from(body)).unwrap())
    }

    fn send(&self, request: http::Request<axum::body::Body>) -> (u16, Value) {
        block(async {
            let answer = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
            let status = answer.status().as_u16();
            let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        })
    }
}

#[test]
fn companies_and_records_are_told_with_their_age_and_only_within_the_scope() {
    let firm = Firm::new(31);
    let (ours, theirs) = (firm.qbo.add_company("Ours"), firm.qbo.add_company("Theirs"));
    let mut office = firm.open(true);
    for company in [&ours, &theirs] {
        firm.qbo.fill(company, 120);
        office.connect(&firm.qbo, company);
    }
    office.work(5 * MINUTE);
    let all = Door::of(&office, None);
    let (status, list) = all.get("/api/books/companies");
    assert_eq!((status, list["data"].as_array().unwrap().len()), (200, 2));
    let company = &list["data"][0];
    assert_eq!((&company["state"], &company["freshness"]), (&json!("connected"), &json!("fresh")));
    assert!(company["totals"].as_array().unwrap().iter().all(|total| total["verdict"] == "proven"));
    let scoped = Door::of(&office, Some(vec![ours.clone()]));
    let (_, list) = scoped.get("/api/books/companies");
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["realm"], ours);
    // The same ids are in both companies; those of the other one are not there for them, and neither is the company.
    let bill = firm.qbo.objects(&theirs, Kind::Bill)[0]["Id"].as_str().unwrap().to_owned();
    for path in ["records/bill".to_owned(), format!("records/bill/{bill}"), "records/nothing".to_owned()] {
        assert_eq!(scoped.get(&format!("/api/books/companies/{theirs}/{path}")).0, 404, "{path}");
    }
    assert_eq!(all.get(&format!("/api/books/companies/{theirs}/records/bill/{bill}")).0, 200);
    // The journal leaves out what is about the others.
    let entries = |door: &Door| {
        let (_, journal) = door.get("/api/journal?limit=100");
        let data = journal["data"].as_array().unwrap().clone();
        data.into_iter().map(|entry| entry["title"].clone()).collect::<Vec<_>>()
    };
    assert!(entries(&all).len() > entries(&scoped).len());
}

#[test]
fn what_is_owed_is_listed_and_a_record_is_shown_as_it_stood() {
    let firm = Firm::new(32);
    let company = firm.qbo.add_company("Ours");
    firm.qbo.fill(&company, 150);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    let door = Door::of(&office, None);
    let (_, list) =
        door.get(&format!("/api/books/companies/{company}/records/invoice?status=owed&limit=100"));
    let owed = list["data"].as_array().unwrap();
    let open = |it: &&Value| it["Balance"].as_f64() > Some(0.0);
    let there = firm.qbo.objects(&company, Kind::Invoice).iter().filter(open).count();
    assert_eq!(owed.len(), there);
    let first = &owed[0];
    assert!(first["party"]["name"].is_string() && first["currency"] == "USD", "{first}");
    let before = office.now();
    firm.pass(1_000);
    let id = first["id"].as_str().unwrap();
    let void = json!({"Id": id, "SyncToken": firm.qbo.objects(&company, Kind::Invoice).iter().find(|it| it["Id"] == id).unwrap()["SyncToken"]});
    firm.qbo.change(&company, Kind::Invoice, &void, "void").unwrap();
    office.work(16 * MINUTE);
    let path = format!("/api/books/companies/{company}/records/invoice/{id}");
    let (_, now) = door.get(&path);
    assert_eq!(now["data"]["row"]["status"], "void");
    assert!(now["data"]["history"].as_array().unwrap().len() >= 2);
    let (_, then) = door.get(&format!("{path}?as_of={before}"));
    assert_eq!(then["data"]["row"]["balance"], first["balance"]);
    assert!(now["meta"]["syncedAt"].is_string());
}

#[test]
fn a_change_is_asked_for_tried_out_followed_and_undone_within_the_scope() {
    let firm = Firm::new(33);
    let (ours, theirs) = (firm.qbo.add_company("Ours"), firm.qbo.add_company("Theirs"));
    let mut office = firm.open(true);
    for company in [&ours, &theirs] {
        firm.qbo.fill(company, 60);
        office.connect(&firm.qbo, company);
    }
    office.work(5 * MINUTE);
    let (all, scoped) = (Door::of(&office, None), Door::of(&office, Some(vec![ours.clone()])));
    let bill = firm.qbo.objects(&ours, Kind::Bill)[0]["Id"].as_str().unwrap().to_owned();
    let path = format!("/api/books/companies/{ours}/changes");
    let wanted =
        json!({"set": {"kind": "bill", "id": bill, "fields": {"note": "checked"}}, "reason": "audit"});
    let (status, plan) = scoped.post(&format!("{path}?dryRun=true"), &wanted);
    assert_eq!((status, &plan["data"]["fields"][0]["wanted"]), (200, &json!("checked")), "{plan}");
    assert_eq!(plan["data"]["body"]["PrivateNote"], "checked");
    assert_eq!(scoped.get("/api/books/changes").1["data"], json!([]), "nothing was kept");
    let (status, kept) = scoped.post(&path, &wanted);
    assert_eq!((status, &kept["data"]["state"]), (202, &json!("waiting")), "{kept}");
    let id = kept["data"]["id"].as_str().unwrap().to_owned();
    office.work(MINUTE);
    let (_, done) = scoped.get(&format!("/api/books/changes/{id}"));
    assert_eq!((&done["data"]["state"], &done["data"]["reason"]), (&json!("done"), &json!("audit")));
    assert!(done["data"]["undoUntil"].is_string() && done["data"]["doneAt"].is_string());
    assert_eq!(scoped.get("/api/books/changes?state=over").1["data"].as_array().unwrap().len(), 1);
    let (status, undo) = scoped.post(&format!("/api/books/changes/{id}/undo"), &Value::Null);
    assert_eq!((status, &undo["data"]["undoes"]), (202, &json!(id)));
    office.work(MINUTE);
    assert!(scoped.get(&format!("/api/books/changes/{id}")).1["data"]["undoneBy"].is_string());
    // What is refused says why, with what was sent.
    firm.qbo.close_books(&ours, "2026-11-23");
    let (_, late) =
        scoped.post(&path, &json!({"set": {"kind": "bill", "id": bill, "fields": {"note": "late"}}}));
    office.work(MINUTE);
    let (_, trouble) = scoped.get("/api/books/changes?state=trouble");
    assert_eq!(
        (&trouble["data"][0]["id"], &trouble["meta"]["needsAPerson"]),
        (&late["data"]["id"], &json!(1))
    );
    assert!(trouble["data"][0]["note"].as_str().unwrap().contains("closed"));
    assert_eq!(trouble["data"][0]["request"]["body"]["PrivateNote"], "late");
    // Another company's changes are not there for who does not see it.
    let other = firm.qbo.objects(&theirs, Kind::Bill)[0]["Id"].as_str().unwrap().to_owned();
    let hidden = json!({"set": {"kind": "bill", "id": other, "fields": {"note": "theirs"}}});
    assert_eq!(scoped.post(&format!("/api/books/companies/{theirs}/changes"), &hidden).0, 404);
    let (_, kept) = all.post(&format!("/api/books/companies/{theirs}/changes"), &hidden);
    let id = kept["data"]["id"].as_str().unwrap();
    assert_eq!(all.get(&format!("/api/books/changes/{id}")).0, 200);
    assert_eq!(scoped.get(&format!("/api/books/changes/{id}")).0, 404);
    assert_eq!(scoped.post(&format!("/api/books/changes/{id}/discard"), &Value::Null).0, 404);
    assert!(!scoped.get("/api/books/changes").1["data"].to_string().contains("theirs"));
    // A body that wants nothing, several things, or something unknown is refused with words.
    for bad in [
        json!({}),
        json!({"vendor": {"name": "A"}, "payment": null, "set": {"kind": "bill", "id": "1", "fields": {}}}),
        json!({"delete": "1"}),
    ] {
        let (status, problem) = scoped.post(&path, &bad);
        assert_eq!(status, 400, "{problem}");
    }
    let (status, problem) =
        scoped.post(&path, &json!({"set": {"kind": "bill", "id": bill, "fields": {"total": 5}}}));
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("total")));
}

#[test]
fn who_somebody_is_in_twenty_is_proposed_said_and_told_within_the_scope() {
    let firm = Firm::new(34);
    let (ours, theirs) = (firm.qbo.add_company("Ours"), firm.qbo.add_company("Theirs"));
    let mut office = firm.open(true);
    for company in [&ours, &theirs] {
        firm.qbo.fill(company, 30);
        let ada = json!({"DisplayName": "Ada Example", "PrimaryEmailAddr": {"Address": "ADA@example.org"}});
        firm.qbo.change(company, Kind::Customer, &ada, "").unwrap();
        office.connect(&firm.qbo, company);
    }
    office.work(5 * MINUTE);
    let id = uuid::Uuid::from_u128(7);
    let person = json!({"id": id, "name": {"firstName": "Ada", "lastName": "Example"},
        "emails": {"primaryEmail": "ada@example.org", "additionalEmails": []}});
    let cause = almoner::ground::journal::Cause {
        actor: almoner::ground::journal::Actor::System,
        why: "test".into(),
        request_id: None,
    };
    block(office.means.store.write(move |_| {
        let mut changes = almoner::store::Changes::new(cause);
        let key = almoner::ground::id::SubjectKey::twenty(almoner::ground::id::Object::People, id);
        changes.seen(key, person.to_string(), false, None);
        Ok::<_, almoner::store::Fail<()>>((changes, ()))
    }))
    .unwrap();
    let (all, scoped) = (Door::of(&office, None), Door::of(&office, Some(vec![ours.clone()])));
    let customer = |company: &str| {
        let objects = firm.qbo.objects(company, Kind::Customer);
        objects.iter().find(|it| it["DisplayName"] == "Ada Example").unwrap()["Id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let path = |company: &str| {
        format!("/api/books/companies/{company}/records/customer/{}/links", customer(company))
    };
    let (_, told) = scoped.get(&path(&ours));
    assert_eq!(
        (&told["data"]["links"], &told["data"]["proposals"][0]["why"]),
        (&json!([]), &json!("email")),
        "{told}"
    );
    assert_eq!(told["data"]["proposals"].as_array().unwrap().len(), 1, "one person is proposed once");
    let wanted = |company: &str| json!({"realm": company, "kind": "customer", "record": customer(company), "object": "people", "who": id});
    let (status, made) = scoped.post("/api/books/links", &wanted(&ours));
    assert_eq!((status, &made["data"]["who"]["name"]), (201, &json!("Ada Example")), "{made}");
    assert!(made["data"]["syncedAt"].is_string());
    assert_eq!(scoped.post("/api/books/links", &wanted(&theirs)).0, 404);
    let (_, other) = all.post("/api/books/links", &wanted(&theirs));
    let of = format!("/api/books/links?object=people&id={id}");
    assert_eq!(all.get(&of).1["data"].as_array().unwrap().len(), 2);
    assert_eq!(scoped.get(&of).1["data"].as_array().unwrap().len(), 1, "the other company is not told of");
    let undo = |link: &Value| format!("/api/books/links/{}/undo", link["data"]["id"].as_str().unwrap());
    assert_eq!(scoped.post(&undo(&other), &Value::Null).0, 404);
    assert_eq!(scoped.post(&undo(&made), &Value::Null).0, 204);
    assert_eq!(scoped.get(&of).1["data"], json!([]));
    assert_eq!(scoped.get(&path(&ours)).1["data"]["proposals"].as_array().unwrap().len(), 1);
}

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

struct Door {
    router: axum::Router,
    cookie: String,
    /// Dropped, it stops the server.
    _running: watch::Sender<bool>,
}

impl Door {
    /// The API for a finance user who sees these companies only; all of them when none are named.
    fn of(office: &Office, companies: Option<Vec<String>>) -> Self {
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
        let email = format!("{}@example.org", companies.as_ref().map_or(0, Vec::len));
        let new = NewUser { name: "Finn".into(), email, password: None, role: Role::Finance };
        let user = block(desk.ensure_user(new)).unwrap();
        let scope = Companies::from_keys(companies).unwrap();
        let change = UserChange { companies: Some(scope), ..UserChange::default() };
        let by = users::By::from(&reviewer());
        block(users::change(&desk.store, by, user, change, None)).unwrap();
        let link = block(desk.one_time_link(LinkPurpose::SignIn(user))).unwrap();
        let cookie = format!("almoner_session={}", block(desk.sign_in_by_link(link)).unwrap());
        Self { router: router(face), cookie, _running: running }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let request = http::Request::get(path).header("cookie", &self.cookie);
        let request = request.body(axum::body::Body::empty()).unwrap();
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

//! Server time of the money desk over many companies of 5,000 documents each, beside a bare axum handler in the same run: the portfolio,
//! a company's page, and what paying a set of bills does. In process, through the one list of routes; no socket, no remote call.
//!
//! Where the load average is above 1, judge by the ratio to the bare handler.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant as Wall};

use almoner::desk::{Asked, Desk};
use almoner::faces::http::{Face, Info, router};
use almoner::ground::access::{Caller, Role, Scope, User};
use almoner::ground::books::mirror::Books;
use almoner::ground::books::{Connected, Entity, EntityId, RealmId};
use almoner::ground::id::{ConnectionId, ConnectionKey, Object, SubjectKey, UserId};
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::time::{CalendarDate, Instant, Zone};
use almoner::rails::qbo::QboTexts;
use almoner::search::{Place as IndexPlace, Search};
use almoner::store::secrets::SecretKey;
use almoner::store::{Changes, Drive, Place, Store};
use almoner::sys;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;
use uuid::Uuid;

const DOCUMENTS: usize = 5_000;
const ROUNDS: usize = 5;
const REQUESTS: usize = 200;

fn day(today: CalendarDate, ago: usize) -> String {
    today.plus_days(-i32::try_from(ago).unwrap_or(0)).to_string()
}

/// The records of a company: accounts, vendors, customers, and of its documents a third bills, a third invoices, a third payments;
/// one in twelve bills and invoices is open.
fn records(today: CalendarDate, number: usize) -> Vec<(Entity, String, String)> {
    let meta = r#""SyncToken":"0","MetaData":{"CreateTime":"2026-01-01T00:00:00-08:00","LastUpdatedTime":"2026-11-01T00:00:00-08:00"}"#;
    let mut all = vec![
        (
            Entity::Account,
            "1".to_owned(),
            format!(
                r#"{{"Id":"1","Name":"Checking","AccountType":"Bank","CurrentBalance":{}.50,"Active":true,{meta}}}"#,
                40_000 + number * 300
            ),
        ),
        (
            Entity::Account,
            "2".to_owned(),
            format!(r#"{{"Id":"2","Name":"Office","AccountType":"Expense","Active":true,{meta}}}"#),
        ),
    ];
    for n in 0..60 {
        let id = (100 + n).to_string();
        all.push((Entity::Vendor, id.clone(), format!(r#"{{"Id":"{id}","DisplayName":"Vendor {n} of {number}","PrimaryEmailAddr":{{"Address":"v{n}@example.org"}},"Active":true,{meta}}}"#)));
        let id = (200 + n).to_string();
        all.push((Entity::Customer, id.clone(), format!(r#"{{"Id":"{id}","DisplayName":"Customer {n} of {number}","PrimaryEmailAddr":{{"Address":"c{n}@example.org"}},"Active":true,{meta}}}"#)));
    }
    for n in 0..DOCUMENTS {
        let (id, total, at) = ((1_000 + n).to_string(), 50 + n % 400, day(today, n % 720));
        let (open, due) = (if n % 36 < 3 { total } else { 0 }, day(today.plus_days(30), n % 720));
        let line = r#""Line":[{"Id":"1","Amount":1.0,"DetailType":"AccountBasedExpenseLineDetail","AccountBasedExpenseLineDetail":{"AccountRef":{"value":"2"}}}]"#;
        all.push(match n % 3 {
            0 => (Entity::Bill, id.clone(), format!(r#"{{"Id":"{id}","DocNumber":"B{n}","VendorRef":{{"value":"{}"}},"TxnDate":"{at}","DueDate":"{due}","TotalAmt":{total}.00,"Balance":{open}.00,"CurrencyRef":{{"value":"GBP"}},{line},{meta}}}"#, 100 + n % 60)),
            1 => (Entity::Invoice, id.clone(), format!(r#"{{"Id":"{id}","DocNumber":"I{n}","CustomerRef":{{"value":"{}"}},"TxnDate":"{at}","DueDate":"{due}","TotalAmt":{total}.00,"Balance":{open}.00,"CurrencyRef":{{"value":"GBP"}},"Line":[],{meta}}}"#, 200 + n % 60)),
            _ => (Entity::Purchase, id.clone(), format!(r#"{{"Id":"{id}","PaymentType":"Cash","AccountRef":{{"value":"1"}},"EntityRef":{{"value":"{}","type":"Vendor"}},"TxnDate":"{at}","TotalAmt":{total}.00,"CurrencyRef":{{"value":"GBP"}},{line},{meta}}}"#, 100 + n % 60)),
        });
    }
    all
}

fn realm(number: usize) -> RealmId {
    format!("9341{number:012}").parse().expect("a realm")
}

async fn connect(store: &Store, number: usize, now: Instant, today: CalendarDate) {
    let connection =
        ConnectionId(ConnectionId::BOOKS_FIRST.0 + u16::try_from(number).expect("few companies"));
    let written = store.write::<_, (), _>(move |_| {
        let cause = Cause { actor: Actor::System, why: "bench".into(), request_id: None };
        let mut changes = Changes::new(cause);
        let key = ConnectionKey(Uuid::from_u128(number as u128 + 1));
        let mut company = Connected::new(key, connection, realm(number), now);
        company.name = Some(format!("Company {number}"));
        company.home = "GBP".parse().ok();
        changes.create(Object::Company, Connected::id_of(&company.realm), &company)?;
        let books = Books { complete_as_of: Some(now), ..Books::default() };
        changes.books(connection, &books)?;
        for (entity, id, json) in records(today, number) {
            let id = EntityId::new(&id).expect("an id");
            changes.seen(SubjectKey::book(connection, entity, &id), json, false, None);
        }
        Ok((changes, ()))
    });
    written.await.expect("it is written");
}

fn asked() -> Asked {
    let user = User::new(UserId(Uuid::nil()), "B".into(), "b".into(), Role::Admin, Instant(0));
    Asked { caller: Caller::User(user), request_id: "bench".into() }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn timed(router: &Router, token: &str, path: &str) -> Duration {
    let request = Request::builder()
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request");
    let began = Wall::now();
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let took = began.elapsed();
    assert!(status.is_success() && !body.is_empty(), "{path}: {status} {}", String::from_utf8_lossy(&body));
    took
}

async fn measure(what: &str, router: &Router, token: &str, path: impl Fn(usize) -> String) {
    let first = timed(router, token, &path(0)).await;
    let (mut medians, mut tails) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut all = Vec::with_capacity(REQUESTS);
        for n in 0..REQUESTS {
            all.push(timed(router, token, &path(n)).await);
        }
        all.sort_unstable();
        medians.push(all[REQUESTS / 2]);
        tails.push(all[REQUESTS * 99 / 100]);
    }
    medians.sort_unstable();
    tails.sort_unstable();
    println!("| {what} | {:.2?} | {:.2?} | {first:.2?} |", medians[ROUNDS / 2], tails[ROUNDS / 2]);
}

/// Private memory of this process, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

async fn run(folder: &std::path::Path, companies: usize) {
    let world = sys::world();
    let zone = Zone::named("Europe/London").expect("a zone");
    let (now, today) = (world.now(), zone.date_of(world.now()));
    let place = Place::File(folder.join(format!("ledger-{companies}.redb")));
    let store = Store::open(place, world.clone(), Drive::Thread).expect("the ledger opens");
    for number in 0..companies {
        connect(&store, number, now, today).await;
    }
    let desk = Desk {
        store: store.clone(),
        world,
        zone,
        key: SecretKey::new([7; 32]),
        staging_enabled: true,
        refused: almoner::desk::hooks::Refused::default(),
        books: almoner::desk::books::Setup { texts: Some(Arc::new(QboTexts)), ..Default::default() },
    };
    let search = Search::open(IndexPlace::Memory, &desk.store).expect("the index opens");
    let (_, token) = desk.create_token(&asked(), "bench".into(), Scope::ALL.to_vec()).await.expect("a token");
    let info = Info {
        demo: false,
        organisation: "Bench".into(),
        twenty_url: "http://twenty.example".into(),
        sync_every_ms: 900_000,
        secure_cookies: false,
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let routes = router(Face::new(desk, search, info, stopped));
    let bare = Router::new().route("/bare", axum::routing::get(|| async { "{}" }));
    println!("| {companies} companies of {DOCUMENTS} documents | median | p99 | first |");
    println!("| --- | --- | --- | --- |");
    measure("bare axum handler", &bare, &token, |_| "/bare".into()).await;
    measure("portfolio", &routes, &token, |_| "/api/portfolio".into()).await;
    let of = |n: usize| format!("/api/books/companies/{}", realm(n % companies.min(20)));
    measure("a company's figures", &routes, &token, |n| format!("{}/money", of(n))).await;
    measure("its console", &routes, &token, |n| format!("{}/console", of(n))).await;
    let mut set = String::new();
    for n in 0..20 {
        let _ = write!(set, "{}{}", if n == 0 { "" } else { "," }, 1_000 + n * 36);
    }
    measure("what paying a set of 20 does", &routes, &token, |n| format!("{}/what-if?bills={set}", of(n)))
        .await;
    println!("private memory: {} MB", memory());
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let many = std::env::args().find_map(|argument| argument.parse::<usize>().ok());
    for companies in many.map_or_else(|| vec![100, 500], |many| vec![many]) {
        runtime.block_on(run(folder.path(), companies));
    }
}

//! Server time of the pages people look at most, over 200,000 mirrored records and 10,000 staged rows, beside a bare axum
//! handler in the same run: `make bench`. In process, through the one list of routes; no socket.
//!
//! Where the load average is above 1, judge by the ratio to the bare handler.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::sync::Arc;
use std::time::{Duration, Instant as Wall};

use almoner::desk::Asked;
use almoner::desk::Desk;
use almoner::desk::gifts::Delivery;
use almoner::faces::http::{Face, Info, router};
use almoner::ground::access::{Caller, Role, Scope, User};
use almoner::ground::gift::{GiftIntent, PaymentMethod};
use almoner::ground::id::{Object, PersonId, SubjectKey, UserId};
use almoner::ground::intake::Intake;
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::money::{Currency, Money};
use almoner::ground::staging::{DonorDecision, DonorEvidence, Source};
use almoner::ground::time::{Instant, Zone};
use almoner::search::{Place as IndexPlace, Search};
use almoner::sim::scenario::Size;
use almoner::sim::twenty::{Options, Twenty};
use almoner::store::secrets::SecretKey;
use almoner::store::{Changes, Drive, Place, Store};
use almoner::sys;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;
use uuid::Uuid;

const PEOPLE: u128 = 40_000;
const GIFTS: u128 = 160_000;
const STAGED: u128 = 10_000;
const ROUNDS: usize = 5;
/// Requests of a round: enough that a hundredth of them is not one accident.
const REQUESTS: usize = 400;

const FIRST: [&str; 12] =
    ["Anna", "Ben", "Carla", "David", "Esi", "Farid", "Grace", "Hana", "Ivo", "June", "Kofi", "Lena"];
const LAST: [&str; 10] =
    ["Smith", "Okafor", "Evans", "Wood", "Nguyen", "Patel", "Brown", "Quist", "Adeyemi", "King"];

/// People as the simulated charity has them: given and family names as frequent as in Britain, households, addresses that
/// many share, and one in seventeen in the file twice. Each under the id of its number.
fn people() -> Vec<(Uuid, String)> {
    let size = Size { people: usize::try_from(PEOPLE).unwrap_or(0), gifts: 0 };
    let twenty = Twenty::new(Options::new(7, || 1_795_424_400_000_000).with_charity(size));
    let people = (0..).zip(twenty.records("people"));
    let numbered = people.map(|(n, mut person)| {
        let id = Uuid::from_u128(n);
        person["id"] = id.to_string().into();
        (id, person.to_string())
    });
    numbered.collect()
}

fn gift(n: u128) -> String {
    let donor = Uuid::from_u128(n * 7 % PEOPLE);
    format!(
        r#"{{"id":"{}","name":"Gift {n}","amount":{{"amountMicros":{},"currencyCode":"GBP"}},"giftDate":"2026-{:02}-{:02}","donorId":"{donor}","updatedAt":"2026-11-01T00:00:00.000Z"}}"#,
        Uuid::from_u128((1 << 100) + n),
        (n % 90 + 1) * 1_000_000,
        n % 11 + 1,
        n % 28 + 1
    )
}

async fn load(store: &Store, object: Object, ids: Vec<(Uuid, String)>) {
    let written = store.write::<_, (), _>(move |_| {
        let cause = Cause { actor: Actor::System, why: "bench".into(), request_id: None };
        let mut changes = Changes::new(cause);
        for (id, json) in ids {
            changes.seen(SubjectKey::twenty(object, id), json, false, None);
        }
        Ok((changes, ()))
    });
    written.await.expect("it is written");
}

fn asked() -> Asked {
    let user = User::new(UserId(Uuid::nil()), "B".into(), "b".into(), Role::Admin, Instant(0));
    Asked { caller: Caller::User(user), request_id: "bench".into() }
}

fn delivery(n: u128) -> Delivery {
    let donor = if n.is_multiple_of(3) {
        DonorDecision::Unreviewed
    } else {
        DonorDecision::Confirmed(PersonId(Uuid::from_u128(n % PEOPLE)))
    };
    let evidence = DonorEvidence {
        first_name: Some(FIRST[(n % 12) as usize].into()),
        last_name: Some(format!("{}{n}", LAST[(n % 10) as usize])),
        ..DonorEvidence::default()
    };
    let source = Source {
        intake: "bench".into(),
        fingerprint: None,
        external_id: None,
        provider: None,
        provider_payment_id: None,
        provider_event_id: None,
    };
    let intake = Intake {
        amount: Money {
            micros: i64::try_from(n % 500 + 1).unwrap_or(1) * 1_000_000,
            currency: Currency::GBP,
        },
        gift_date: "2026-11-20".parse().ok(),
        evidence,
        donor,
        company: None,
        payment_method: Some(PaymentMethod::Card),
        intent: GiftIntent::Standard,
        notes: None,
        source,
        batch: None,
        coding: almoner::ground::coding::Coding::default(),
        fees: almoner::ground::coding::Fees::default(),
        expected_at: None,
        auto_process: None,
    };
    Delivery { intake, body: "{}".into(), idempotency_key: None }
}

/// A desk with all of it.
async fn filled(folder: &std::path::Path) -> Desk {
    let world = sys::world();
    let store = Store::open(Place::File(folder.join("ledger.redb")), world.clone(), Drive::Thread)
        .expect("the ledger opens");
    let desk = Desk {
        store: store.clone(),
        world,
        zone: Zone::named("Europe/London").expect("a zone"),
        key: SecretKey::new([7; 32]),
        staging_enabled: true,
        refused: almoner::desk::hooks::Refused::default(),
        books: almoner::desk::books::Setup::default(),
    };
    for people in people().chunks(2_000) {
        load(&store, Object::People, people.to_vec()).await;
    }
    for from in (0..GIFTS).step_by(2_000) {
        let ids = (from..from + 2_000).map(|n| (Uuid::from_u128((1 << 100) + n), gift(n))).collect();
        load(&store, Object::Gifts, ids).await;
    }
    for from in (0..STAGED).step_by(64) {
        let batch = (from..(from + 64).min(STAGED)).map(|n| {
            let desk = desk.clone();
            async move { desk.take_in(&asked(), delivery(n)).await.expect("it is taken in") }
        });
        futures_util::future::join_all(batch).await;
    }
    desk
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

/// Median and 99th percentile of a round.
async fn round(
    router: &Router,
    token: &str,
    path: &(dyn Fn(usize) -> String + Sync),
) -> (Duration, Duration) {
    let mut all = Vec::with_capacity(REQUESTS);
    for n in 0..REQUESTS {
        all.push(timed(router, token, &path(n)).await);
    }
    all.sort_unstable();
    (all[REQUESTS / 2], all[REQUESTS * 99 / 100])
}

async fn measure(
    what: &str,
    router: &Router,
    token: &str,
    path: impl Fn(usize) -> String + Sync,
) -> Duration {
    // Once before: what a first question reads through is told apart.
    let first = timed(router, token, &path(0)).await;
    let (mut medians, mut tails) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (median, tail) = round(router, token, &path).await;
        medians.push(median);
        tails.push(tail);
    }
    medians.sort_unstable();
    tails.sort_unstable();
    let (median, tail) = (medians[ROUNDS / 2], tails[ROUNDS / 2]);
    println!("| {what} | {median:.2?} | {tail:.2?} | {first:.2?} |");
    tail
}

/// Names, towns, addresses and memberships as they are typed: every prefix of each, from the second letter on.
fn typed(n: usize) -> String {
    const ASKED: [&str; 8] = [
        "margaret",
        "smith",
        "john w",
        "patricia taylor",
        "elizabeth o'b",
        "leeds",
        "susan.jones",
        "christopher",
    ];
    let text = ASKED[n % ASKED.len()];
    let letters = 2 + n / ASKED.len() % (text.len() - 1);
    let begun: String = text.chars().take(letters).collect();
    format!("/api/donors?q={}&limit=8", begun.replace(' ', "%20").replace('\'', "%27"))
}

async fn run(folder: &std::path::Path) {
    let desk = filled(folder).await;
    let search =
        Search::open(IndexPlace::Folder(folder.join("index")), &desk.store).expect("the index opens");
    let store = desk.store.clone();
    let (_, token) = desk.create_token(&asked(), "bench".into(), Scope::ALL.to_vec()).await.expect("a token");
    let info = Info {
        demo: false,
        organisation: "Bench".into(),
        twenty_url: "http://twenty.example".into(),
        sync_every_ms: 900_000,
        secure_cookies: false,
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let routes = router(Face::new(desk, Arc::clone(&search), info, stopped));
    let bare = Router::new().route("/bare", axum::routing::get(|| async { "{}" }));
    println!("| {} records, {STAGED} staged rows | median | p99 | first |", PEOPLE + GIFTS);
    println!("| --- | --- | --- | --- |");
    measure("bare axum handler", &bare, &token, |_| "/bare".into()).await;
    measure("list page of gifts", &routes, &token, |_| "/api/gifts?limit=50".into()).await;
    measure("donor page", &routes, &token, |n| {
        format!("/api/donors/{}", Uuid::from_u128(n as u128 * 97 % PEOPLE))
    })
    .await;
    // The state right after a first sync: as many people as memory takes are not in the index yet.
    measure("search, 20,000 people not indexed yet", &routes, &token, typed).await;
    while search.catch_up(&store).expect("the index catches up") {}
    measure("search as one types", &routes, &token, typed).await;
    measure("search, one letter", &routes, &token, |n| {
        let letter = ["m", "s", "j", "d", "a", "b"][n % 6];
        format!("/api/donors?q={letter}&limit=8")
    })
    .await;
    measure("search, mistyped", &routes, &token, |n| {
        let name = ["margret smiht", "jhon wilims", "patrica taylro", "christine tomas"][n % 4];
        format!("/api/donors?q={}&limit=8", name.replace(' ', "%20"))
    })
    .await;
    let queue = "/api/fundraising/gift-staging?limit=50";
    measure("queue, as it opens", &routes, &token, |_| format!("{queue}&status=needs_attention")).await;
    measure("queue, filtered and sorted", &routes, &token, |n| {
        let order = ["amount.amountMicros:desc", "createdAt:asc", "giftDate:desc"][n % 3];
        format!("{queue}&status=pending&sort={order}&offset={}", n * 20)
    })
    .await;
    measure("queue, searched", &routes, &token, |n| format!("{queue}&search=smith{}", n % 100)).await;
    measure("home", &routes, &token, |_| "/api/home".into()).await;
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(folder.path()));
}

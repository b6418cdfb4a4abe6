//! Absolute times of the thin thread, beside bare peers in the same run: `make bench`.
//!
//! Median of five rounds each. Where the load average is above 1, judge by the ratios.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant as Wall;

use almoner::desk::gifts::Delivery;
use almoner::desk::hooks::Refused;
use almoner::desk::{Asked, Desk};
use almoner::ground::access::{Caller, Role, User};
use almoner::ground::gift::GiftIntent;
use almoner::ground::id::UserId;
use almoner::ground::intake::Intake;
use almoner::ground::money::Money;
use almoner::ground::staging::{DonorDecision, DonorEvidence, Source};
use almoner::ground::time::{Instant, Zone};
use almoner::store::secrets::SecretKey;
use almoner::store::{Drive, Place, QueueFilter, Store, verify};
use almoner::sys;

const ROUNDS: usize = 5;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn millis(work: impl FnOnce()) -> u128 {
    let began = Wall::now();
    work();
    began.elapsed().as_micros()
}

/// Median of the rounds, in microseconds for one of `count`.
fn median(count: u128, mut round: impl FnMut()) -> u128 {
    let mut rounds: Vec<u128> = (0..ROUNDS).map(|_| millis(&mut round) / count).collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}

fn row(what: &str, micros: u128) {
    println!("| {what} | {}.{:03} ms |", micros / 1_000, micros % 1_000);
}

fn delivery(n: u64) -> Delivery {
    let source = Source {
        intake: "bench".into(),
        fingerprint: Some(format!("fp-{n}")),
        external_id: None,
        provider: None,
        provider_payment_id: None,
        provider_event_id: None,
    };
    let intake = Intake {
        amount: Money::parse("25", "GBP".parse().expect("pounds are a currency")).expect("25 is an amount"),
        gift_date: None,
        evidence: DonorEvidence::default(),
        donor: DonorDecision::Unreviewed,
        company: None,
        payment_method: None,
        intent: GiftIntent::Standard,
        notes: Some("x".repeat(400)),
        source,
        batch: None,
        coding: almoner::ground::coding::Coding::default(),
        fees: almoner::ground::coding::Fees::default(),
        expected_at: None,
        auto_process: None,
    };
    Delivery { intake, body: "y".repeat(700), idempotency_key: None }
}

fn asked() -> Asked {
    let user = User::new(UserId(uuid::Uuid::nil()), "B".into(), "b".into(), Role::Admin, Instant(0));
    Asked { caller: Caller::User(user), request_id: "bench".into() }
}

fn bare_writes(folder: &std::path::Path) {
    let mut file = std::fs::File::create(folder.join("bare")).expect("the folder takes files");
    let micros = median(100, || {
        for _ in 0..100 {
            file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("the disk takes writes");
        }
    });
    row("baseline: write 4 KiB + fdatasync", micros);
    let table: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("t");
    let database = redb::Database::create(folder.join("bare.redb")).expect("redb makes its file");
    let mut key = 0;
    let micros = median(100, || {
        for _ in 0..100 {
            let mut tx = database.begin_write().expect("a transaction");
            tx.set_quick_repair(true);
            tx.open_table(table).expect("a table").insert(key, [7_u8; 2_048].as_slice()).expect("an insert");
            tx.commit().expect("a commit");
            key += 1;
        }
    });
    row("baseline: bare redb commit of 2 KiB", micros);
}

fn desk(folder: &std::path::Path) -> Desk {
    let world = sys::world();
    let store = Store::open(Place::File(folder.join("ledger.redb")), world.clone(), Drive::Thread)
        .expect("a new ledger");
    let zone = Zone::named("Europe/London").expect("London is a zone");
    Desk {
        store,
        world,
        zone,
        key: SecretKey::new([1; 32]),
        staging_enabled: true,
        refused: Refused::default(),
        books: almoner::desk::books::Setup::default(),
    }
}

fn ledger(folder: &std::path::Path) {
    let desk = desk(folder);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let next = Arc::new(Mutex::new(0_u64));
    let number = || {
        let mut next = next.lock().expect("nobody panics with it");
        *next += 1;
        *next
    };
    let alone = median(100, || {
        for _ in 0..100 {
            runtime.block_on(desk.take_in(&asked(), delivery(number()))).expect("taken in");
        }
    });
    row("one gift taken in, alone (row, evidence, replay key, journal, fsync)", alone);
    let together = median(6_400, || {
        for _ in 0..100 {
            let all = (0..64).map(|_| {
                let (desk, delivery) = (desk.clone(), delivery(number()));
                async move { desk.take_in(&asked(), delivery).await.map(drop) }
            });
            for taken in runtime.block_on(futures_util::future::join_all(all)) {
                taken.expect("taken in");
            }
        }
    });
    row("one gift taken in, 64 at a time", together);
    let entries = verify(&desk.store).expect("readable").entries;
    let proof = median(u128::from(entries), || drop(verify(&desk.store)));
    println!("| verify | {} entries/s over {entries} |", 1_000_000 / proof.max(1));
    let rows = desk
        .store
        .snapshot()
        .expect("a snapshot")
        .ledger()
        .staged_rows(&QueueFilter::default())
        .expect("rows")
        .len();
    let count = u128::try_from(rows).expect("a count");
    let read = median(count, || {
        drop(desk.store.snapshot().expect("a snapshot").ledger().staged_rows(&QueueFilter::default()));
    });
    row(&format!("one row of the queue read and decoded, of {rows}"), read);
    desk.store.close();
}

fn demo() {
    let micros = median(1, || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_almoner"))
            .args(["demo", "--quiet"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let said = out.lines().map_while(Result::ok).any(|line| line.contains("/login/once?token="));
        assert!(said, "the demo says where it is");
        child.kill().and_then(|()| child.wait()).expect("it ends");
    });
    row("demo: from the command to the sign-in link (2,000 people, 6,000 gifts)", micros);
}

fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average {}", load.trim());
    println!("\n| what | median of {ROUNDS} |\n| --- | --- |");
    let folder = tempfile::tempdir().expect("a folder");
    bare_writes(folder.path());
    ledger(folder.path());
    demo();
}

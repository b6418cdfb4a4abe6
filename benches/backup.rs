//! A backup beside 500 acknowledged writes a second, against `cp` and `zstd -3` on the same file under the same load, and
//! the restore of it: `ALMONER_BACKUP_MB=1024 cargo bench --bench backup`.
//!
//! Judge by the ratios: the machine does other things too.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures and waits for real time, and is configured by hand"
)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Wall};

use almoner::app::restore::{Wanted, plan, restore};
use almoner::ground::backup::age::Identity;
use almoner::ground::backup::retention::Keep;
use almoner::ground::backup::state::Rhythm;
use almoner::ground::id::{Object, SubjectKey};
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::time::Zone;
use almoner::rails::vault::Vault;
use almoner::runs::backup::{Settings, take};
use almoner::store::secrets::SecretKey;
use almoner::store::{Changes, Drive, Fail, Place, Store};
use almoner::sys;

/// Records of one write while the ledger is filled.
const FILL: u64 = 1_000;
/// Writes that come together while it is loaded, and how often a second.
const TOGETHER: u64 = 20;
const TICKS: u64 = 25;

/// About 700 bytes that compress as names and addresses do: half of it by chance.
fn record(n: u64) -> String {
    let mut stream = blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof();
    let mut bytes = [0; 160];
    stream.fill(&mut bytes);
    let chance: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    format!(
        r#"{{"id":"{n}","name":{{"firstName":"{}","lastName":"{}"}},"emails":{{"primaryEmail":"{}@example.org"}},"city":"{}","note":"{}","createdAt":"2026-11-27T04:00:00.000Z"}}"#,
        &chance[..8],
        &chance[8..20],
        &chance[20..36],
        &chance[36..44],
        &chance[44..]
    )
}

async fn see(store: &Store, from: u64, count: u64) {
    let written = store
        .write::<(), (), _>(move |_| {
            let cause = Cause { actor: Actor::System, why: "bench".into(), request_id: None };
            let mut changes = Changes::new(cause);
            for n in from..from + count {
                let key = SubjectKey::twenty(Object::People, uuid::Uuid::from_u128(u128::from(n) << 64));
                changes.seen(key, record(n), false, None);
            }
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await;
    written.expect("written");
}

/// Writes 500 records a second until told to stop; answers how long each took to be acknowledged, in microseconds.
fn load(store: &Store, from: u64, stop: &AtomicBool) -> Vec<u128> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (mut took, mut next) = (Vec::new(), from);
    while !stop.load(Ordering::Relaxed) {
        let tick = Wall::now();
        let one = |n| async move {
            let began = Wall::now();
            see(store, n, 1).await;
            began.elapsed().as_micros()
        };
        took.extend(runtime.block_on(futures_util::future::join_all((next..next + TOGETHER).map(one))));
        next += TOGETHER;
        std::thread::sleep(Duration::from_micros(1_000_000 / TICKS).saturating_sub(tick.elapsed()));
    }
    took
}

/// Does the work under load; prints how long it took and the latencies, and answers both.
fn under_load(what: &str, store: &Store, from: u64, work: impl FnOnce()) -> (u128, u128) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(store, from, &stop));
        let began = Wall::now();
        work();
        let took = began.elapsed().as_millis();
        stop.store(true, Ordering::Relaxed);
        let mut each = loading.join().expect("the load ran");
        each.sort_unstable();
        let at = |percent: usize| each.get(each.len() * percent / 100).copied().unwrap_or(0);
        let per_second = each.len() as u128 * 1_000 / took.max(1);
        println!("| {what} | {took} ms | {per_second} writes/s, p50 {} us, p99 {} us |", at(50), at(99));
        (took, at(99))
    })
}

fn shell(script: &str, at: &Path) {
    let done = Command::new("sh").args(["-ec", script]).current_dir(at).status().expect("a shell");
    assert!(done.success(), "{script}");
}

fn settings(folder: &Path) -> Settings {
    let (world, target) = (sys::world(), folder.join("target"));
    std::fs::create_dir(&target).expect("a folder");
    let (operator, machine) = (Identity::new(&world), Identity::new(&world));
    Settings {
        vault: Vault::Folder(target),
        recipients: vec![operator.recipient(), machine.recipient()],
        machine,
        rhythm: Rhythm { backup_ms: 1, drill_ms: 1 },
        keep: Keep { daily: 1, weekly: 0, monthly: 0 },
        zone: Zone::utc(),
        sandbox: folder.join("sandbox"),
        shown: Vec::new(),
        key: SecretKey::new([7; 32]),
    }
}

fn main() {
    // `cargo test --benches` runs it too, with a small ledger.
    let megabytes: u64 =
        std::env::var("ALMONER_BACKUP_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(16);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("ledger.redb");
    let world = sys::world();
    let store = Store::open(Place::File(path.clone()), world.clone(), Drive::Thread).expect("a ledger");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let mut next = 0;
    let len = || std::fs::metadata(&path).expect("the ledger").len();
    while len() < megabytes << 20 {
        runtime.block_on(see(&store, next, FILL));
        next += FILL;
    }
    println!("a ledger of {} MiB with {next} records", len() >> 20);
    println!("\n| what | took | meanwhile |\n| --- | --- | --- |");
    let idle = Duration::from_secs(5).min(Duration::from_millis(megabytes * 20));
    let (_, quiet) = under_load("nothing else", &store, next, || std::thread::sleep(idle));
    next += 10_000_000;
    let (copied, _) = under_load("cp and zstd -3", &store, next, || {
        shell(
            "cp ledger.redb copy && zstd -q -3 -f copy -o copy.zst && sync copy.zst && rm copy copy.zst",
            folder.path(),
        );
    });
    next += 10_000_000;
    let with = settings(folder.path());
    let mut manifest = None;
    let (backed, busy) = under_load("almoner backup", &store, next, || {
        manifest =
            Some(runtime.block_on(take::take(&store, &world, &with, take::STRETCH)).expect("a backup"));
    });
    let manifest = manifest.expect("a backup");
    let stored: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
    println!(
        "\nspeed against cp and zstd -3: {} %; commit p99 {} % of that with nothing else; {} MiB stored of {}",
        copied * 100 / backed.max(1),
        busy * 100 / quiet.max(1),
        stored >> 20,
        manifest.bytes >> 20
    );
    store.close();
    let wanted = Wanted {
        vault: with.vault.clone(),
        set: None,
        until: None,
        data: folder.path().join("restored"),
        identities: vec![with.machine.clone()],
        key: Some(with.key.clone()),
    };
    let began = Wall::now();
    let planned = runtime.block_on(plan(&wanted, &world)).expect("a plan");
    let checked = began.elapsed().as_millis();
    let done = runtime.block_on(restore(&wanted, &planned.manifest, &world)).expect("restored");
    println!(
        "restored with the whole proof: {} ms, of which {checked} ms for the check of every file; {} entries",
        began.elapsed().as_millis(),
        done.entries
    );
}

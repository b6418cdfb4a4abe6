//! Backups taken beside work, restored into a world that moved on, and damaged in every way.
//!
//! Keeps out: a gift that is posted twice because the ledger went back in time, and damage that is not named.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use almoner::app::restore::{Wanted, plan, restore};
use almoner::ground::backup::Manifest;
use almoner::ground::backup::age::Identity;
use almoner::ground::backup::retention::Keep;
use almoner::ground::backup::state::{Rhythm, Verdict};
use almoner::ground::staging::Progress;
use almoner::ground::time::{Instant, Zone};
use almoner::ground::world::{Clock, Entropy, World};
use almoner::rails::vault::{Found, Vault};
use almoner::runs::backup::{Backup, Settings, check, drill, fetch, prune, take};
use almoner::runs::{Next, restored};
use almoner::store::disk::SimDisk;
use almoner::store::secrets::SecretKey;
use almoner::store::{Drive, Place, Store};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, gbp};

/// Small, so that a small ledger has many parts.
const STRETCH: u64 = 64 * 1024;

/// How many of something: few here, many in a soak.
fn many(few: u64, soak: u64) -> u64 {
    if option_env!("ALMONER_BARS").is_some() { soak } else { few }
}

fn settings(folder: &Path, world: &World) -> Settings {
    std::fs::create_dir_all(folder.join("target")).unwrap();
    let (operator, machine) = (Identity::new(world), Identity::new(world));
    Settings {
        vault: Vault::Folder(folder.join("target")),
        recipients: vec![operator.recipient(), machine.recipient()],
        machine,
        rhythm: Rhythm { backup_ms: 24 * 3_600_000, drill_ms: 7 * 24 * 3_600_000 },
        keep: Keep { daily: 7, weekly: 4, monthly: 12 },
        zone: Zone::named("Europe/London").unwrap(),
        sandbox: folder.join("sandbox"),
        shown: vec![("organisation".into(), "Harbour Lights".into())],
        key: SecretKey::new([7; 32]),
    }
}

/// The ledger of a backup, restored as the command does it, on a disk in memory.
fn restored_disk(folder: &Path, settings: &Settings, manifest: &Manifest, world: &World) -> SimDisk {
    let data = folder.join("restored");
    let wanted = Wanted {
        vault: settings.vault.clone(),
        set: Some(manifest.set.clone()),
        until: None,
        data: data.clone(),
        identities: vec![settings.machine.clone()],
        key: Some(settings.key.clone()),
    };
    let planned = block(plan(&wanted, world)).unwrap();
    assert!(planned.loss.is_none() && planned.warnings.is_empty(), "{planned:?}");
    block(restore(&wanted, &planned.manifest, world)).unwrap();
    SimDisk::holding(std::fs::read(data.join("ledger.redb")).unwrap())
}

fn settle(outside: &Outside, process: &mut Process) {
    assert_eq!(outside.settle(process), Settled::Quiet);
}

/// Back up in the middle of work, post more, restore, and go on.
fn moved_on(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut outside = Outside::new(seed);
    let people = outside.people(3);
    let mut process = outside.boot();
    settle(&outside, &mut process);
    let batch_of = |process: &Process, outside: &mut Outside| {
        let count = 1 + outside.roll(6);
        let rows: Vec<_> = (0..count)
            .map(|n| (people[usize::try_from(outside.roll(3)).unwrap()], gbp(&format!("{}.00", n + 5))))
            .collect();
        process.ready_batch(&rows)
    };
    let (first, _) = batch_of(&process, &mut outside);
    process.process(first);
    settle(&outside, &mut process);
    // The backup finds the second batch anywhere between ready and posted.
    let (second, _) = batch_of(&process, &mut outside);
    let asked_before = outside.roll(2) == 0;
    if asked_before {
        process.process(second);
        for _ in 0..outside.roll(6) {
            outside.once(&mut process);
        }
    }
    let with = settings(folder.path(), &outside.world());
    let manifest = block(take::take(&process.means.store, &outside.world(), &with, STRETCH)).unwrap();
    if !asked_before {
        process.process(second);
    }
    settle(&outside, &mut process);
    let (third, _) = batch_of(&process, &mut outside);
    process.process(third);
    settle(&outside, &mut process);
    let posted = outside.twenty.records("gifts").len();
    let rows: usize = process.rows().len();
    assert_eq!(posted, rows, "seed {seed}: everything was posted before the restore");
    drop(process);
    outside.advance_ms(3_600_000);
    outside.disk = restored_disk(folder.path(), &with, &manifest, &outside.world());
    let mut process = outside.boot();
    let active = !process.means.store.snapshot().unwrap().ledger().active_runs().unwrap().is_empty();
    if !active && process.rows().iter().any(|row| !matches!(row.value.progress, Progress::Posted { .. })) {
        process.process(second);
    }
    // Nothing goes out before everything was read.
    assert!(block(restored::is_shut(&process.means)).unwrap(), "seed {seed}");
    settle(&outside, &mut process);
    // The outbox opens with the next look at it.
    assert!(!block(restored::is_shut(&process.means)).unwrap(), "seed {seed}");
    assert_eq!(outside.twenty.records("gifts").len(), posted, "seed {seed}: a gift was posted twice");
    for row in process.rows() {
        assert!(
            matches!(row.value.progress, Progress::Posted { .. }),
            "seed {seed}: not adopted: {:?}",
            row.value
        );
    }
    assert_sound(&outside, &process);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn many_restores_into_a_world_that_moved_on_post_no_gift_twice() {
    for seed in 0..many(12, 100) {
        moved_on(seed);
    }
}

/// A ledger with something in it, and a backup of it in many parts.
struct Backed {
    folder: tempfile::TempDir,
    outside: Outside,
    process: Process,
    settings: Settings,
    manifest: Manifest,
}

fn backed() -> Backed {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(5);
    let people = outside.people(40);
    let mut process = outside.boot();
    settle(&outside, &mut process);
    process.ready_batch(&[(people[0], gbp("5.00")), (people[1], gbp("6.00"))]);
    let settings = settings(folder.path(), &outside.world());
    let manifest = block(take::take(&process.means.store, &outside.world(), &settings, STRETCH)).unwrap();
    assert!(manifest.parts.len() > 4, "{}", manifest.parts.len());
    Backed { folder, outside, process, settings, manifest }
}

impl Backed {
    fn files(&self) -> Vec<Found> {
        block(self.settings.vault.list(&self.manifest.set)).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("target").join(name)
    }

    fn faults(&self) -> Vec<String> {
        block(check::check(&self.settings.vault, &self.manifest.set, Some(&self.settings.key))).unwrap()
    }

    fn fetched(&self) -> Result<Vec<u8>, String> {
        let identities = [self.settings.machine.clone()];
        let manifest = block(check::manifest(&self.settings.vault, &self.manifest.set));
        let manifest = manifest.map_err(|error| error.to_string())?;
        let path = self.folder.path().join("fetched.redb");
        block(fetch::fetch(&self.settings.vault, &manifest, &identities, &path))
            .map_err(|error| error.to_string())
    }
}

#[test]
fn one_flipped_byte_anywhere_is_found_and_its_file_named() {
    let backed = backed();
    assert_eq!(backed.faults(), Vec::<String>::new());
    let shown: Vec<(String, String)> = serde_json::from_slice(&backed.fetched().unwrap()).unwrap();
    assert_eq!(shown, backed.settings.shown);
    let files = backed.files();
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut dice = ChaCha8Rng::seed_from_u64(9);
    for n in 0..many(60, 1_000) {
        let mut at = dice.next_u64() % total;
        let file = files.iter().find(|file| {
            let here = at < file.bytes;
            at -= if here { 0 } else { file.bytes };
            here
        });
        let name = &file.unwrap().name;
        let (path, at) = (backed.path(name), usize::try_from(at).unwrap());
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (dice.next_u32() % 8);
        std::fs::write(&path, &flipped).unwrap();
        let faults = backed.faults();
        // Of the manifest the backup is named: it is what tells of all the others.
        let named = if name.ends_with("manifest.json") { &backed.manifest.set } else { name };
        assert!(faults.len() == 1 && faults[0].starts_with(named.as_str()), "{n}: {name} {at}: {faults:?}");
        assert!(backed.fetched().is_err(), "{n}: {name} {at}");
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(backed.faults(), Vec::<String>::new());
}

#[test]
fn a_missing_a_cut_and_a_swapped_file_are_named() {
    let backed = backed();
    for file in backed.files() {
        let path = backed.path(&file.name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let faults = backed.faults();
        let manifest = file.name.ends_with("manifest.json");
        let told = if manifest { "its manifest is missing" } else { "is missing" };
        assert!(faults.len() == 1 && faults[0].contains(told), "{faults:?}");
        assert!(manifest || faults[0].starts_with(&file.name), "{faults:?}");
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(backed.faults().len(), 1, "{}", file.name);
        std::fs::write(&path, &whole).unwrap();
    }
    // Two backups change places, whole and in parts.
    backed.outside.advance_ms(5_000);
    let other =
        block(take::take(&backed.process.means.store, &backed.outside.world(), &backed.settings, STRETCH));
    let other = other.unwrap();
    let (one, two) = (backed.path(&backed.manifest.set), backed.path(&other.set));
    let aside = backed.path("aside");
    let swap = || {
        std::fs::rename(&one, &aside).unwrap();
        std::fs::rename(&two, &one).unwrap();
        std::fs::rename(&aside, &two).unwrap();
    };
    swap();
    assert!(backed.faults()[0].contains(&format!("that of {}: backups were swapped", other.set)));
    swap();
    let name = |set: &str| backed.path(&format!("{set}/part-00001.age"));
    std::fs::copy(name(&other.set), name(&backed.manifest.set)).unwrap();
    let faults = backed.faults();
    assert!(
        faults[0].starts_with(&format!("{}/part-00001.age is damaged", backed.manifest.set)),
        "{faults:?}"
    );
    // A manifest that somebody without our key made for the wrong parts.
    let forged = backed.path(&format!("{}/manifest.json", backed.manifest.set));
    let (stranger, sealed) = (SecretKey::new([8; 32]), std::fs::read_to_string(&forged).unwrap());
    let faults = block(check::check(&backed.settings.vault, &other.set, Some(&stranger))).unwrap();
    assert_eq!(faults, Vec::<String>::new(), "another key says nothing of it");
    assert!(sealed.contains("\"seal\""));
}

#[test]
fn the_run_backs_up_when_due_prunes_and_proves_and_says_what_it_could_not_know() {
    let mut backed = backed();
    let with = backed.settings.clone();
    let backup = Backup::new(backed.process.means.store.clone(), backed.outside.world(), with.clone());
    let state = |backed: &Backed| backed.process.means.store.snapshot().unwrap().ledger().backups().unwrap();
    let mut steps = 0;
    for _ in 0..20 {
        loop {
            match block(backup.step()) {
                Next::Again => steps += 1,
                Next::Wait(until) => {
                    let wait = until.micros_since(backed.outside.now()) / 1_000;
                    assert!(wait > 0 && wait <= 24 * 3_600_000, "{wait}");
                    break;
                }
                Next::Idle => panic!("a backup is always due some day"),
            }
        }
        backed.outside.advance_ms(24 * 3_600_000);
    }
    assert_eq!(steps, 20 + 3, "twenty backups, a drill a week");
    let known = state(&backed);
    assert_eq!(known.drill.as_ref().map(|drill| drill.verdict), Some(Verdict::Passed), "{known:?}");
    // Seven days, the Sundays before, and the end of the month before.
    assert!((7..=11).contains(&known.held.len()), "{}", known.held.len());
    let sets = block(check::sets(&with.vault)).unwrap();
    assert_eq!(sets.len(), known.held.len());
    assert!(known.failed.is_none() && known.good.is_some());
    // What another server keeps in the same place, finished or not, is not ours to remove.
    let theirs = Outside::new(6);
    let other = theirs.boot();
    let stranger = Settings { key: SecretKey::new([9; 32]), ..with.clone() };
    let left = block(take::take(&other.means.store, &theirs.world(), &stranger, STRETCH)).unwrap();
    std::fs::create_dir(backed.path("almoner-00000000-20260101T000000Z-1-00000000")).unwrap();
    std::fs::write(backed.path("almoner-00000000-20260101T000000Z-1-00000000/part-00000.age"), "x").unwrap();
    let ours_cut = with_time(&backed.manifest.set, "20260101T000000Z");
    std::fs::create_dir(backed.path(&ours_cut)).unwrap();
    std::fs::write(backed.path(&format!("{ours_cut}/part-00000.age")), "x").unwrap();
    block(prune(&with)).unwrap();
    let names: Vec<String> =
        block(check::sets(&with.vault)).unwrap().into_iter().map(|set| set.name).collect();
    assert!(names.contains(&left.set) && !names.contains(&ours_cut), "{names:?}");
    assert_eq!(names.len(), known.held.len() + 2, "{names:?}");
    // The target is gone: said, tried again soon, and a drill proves nothing.
    let (target, away) = (backed.path(""), backed.folder.path().join("away"));
    std::fs::rename(&target, &away).unwrap();
    block(backup.step());
    let failed = state(&backed).failed.expect("it failed");
    assert!(failed.why.contains("target"), "{}", failed.why);
    let drilled = block(drill::drill(&with, &backed.outside.world(), known.good.as_ref()));
    assert_eq!(drilled.verdict, Verdict::Inconclusive, "{}", drilled.says);
    std::fs::rename(&away, &target).unwrap();
    // A damaged backup fails the drill.
    let good = known.good.clone().unwrap();
    let part = target.join(&good.set).join("part-00000.age");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[100] ^= 4;
    std::fs::write(&part, bytes).unwrap();
    let drilled = block(drill::drill(&with, &backed.outside.world(), Some(&good)));
    assert_eq!(drilled.verdict, Verdict::Failed);
    assert!(drilled.says.contains("part-00000.age is damaged"), "{}", drilled.says);
    assert!(!with.sandbox.exists(), "the sandbox is emptied");
    settle(&backed.outside, &mut backed.process);
}

/// The name of a backup of the same ledger at another time.
fn with_time(set: &str, time: &str) -> String {
    let parts: Vec<&str> = set.split('-').collect();
    [parts[0], parts[1], time, parts[3], parts[4]].join("-")
}

struct Ticking(AtomicU64);
struct Dice(Mutex<ChaCha8Rng>);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        Instant(1_795_424_400_000_000 + i64::try_from(self.0.fetch_add(1, Ordering::SeqCst)).unwrap())
    }
}

impl Entropy for Dice {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

#[test]
fn a_plan_says_what_would_be_forgotten_and_a_restore_keeps_what_was_there() {
    let backed = backed();
    let world = World {
        clock: Arc::new(Ticking(AtomicU64::new(0))),
        entropy: Arc::new(Dice(Mutex::new(ChaCha8Rng::seed_from_u64(3)))),
    };
    // The ledger goes on after the backup; it stands in a folder now.
    let person = backed.outside.people(1)[0];
    backed.process.take_in(crate::world::delivery(Some(person), gbp("77.00")));
    let data = backed.folder.path().join("data");
    std::fs::create_dir_all(data.join("index")).unwrap();
    let Backed { folder: _keep, process, settings, manifest, outside } = &backed;
    let later = block(process.means.store.copy()).unwrap().moment.seq;
    std::fs::write(data.join("ledger.redb"), outside.disk.bytes()).unwrap();
    let wanted = Wanted {
        vault: settings.vault.clone(),
        set: None,
        until: None,
        data: data.clone(),
        identities: vec![settings.machine.clone()],
        key: None,
    };
    let planned = block(plan(&wanted, &world)).unwrap();
    let loss = planned.loss.clone().expect("there is a ledger");
    assert_eq!((loss.came_in.len(), loss.posted.len(), loss.seq), (1, 0, later));
    assert_eq!(loss.entries, later - manifest.seq);
    let words = planned.words();
    assert!(words.contains("1 gift(s) came in after it") && words.contains("77.00"), "{words}");
    assert!(words.contains("there is no secret.key in"), "{words}");
    // The plan changed nothing, and a server that runs is not robbed of its file.
    let place = || Place::File(data.join("ledger.redb"));
    let server = Store::open(place(), world.clone(), Drive::Inline).unwrap();
    assert!(block(plan(&wanted, &world)).unwrap_err().to_string().contains("stop the server"));
    assert!(
        block(restore(&wanted, manifest, &world)).unwrap_err().to_string().contains("server was started")
    );
    assert_eq!(block(server.copy()).unwrap().moment.seq, later);
    drop(server);
    let done = block(restore(&wanted, manifest, &world)).unwrap();
    let kept = done.kept.expect("the old one is kept");
    assert!(!data.join("index").exists(), "it followed another journal");
    let seq = |path: &Path| {
        let store = Store::open(Place::File(path.to_owned()), world.clone(), Drive::Inline).unwrap();
        block(store.copy()).unwrap().moment.seq
    };
    assert_eq!((seq(&kept), seq(&data.join("ledger.redb"))), (later, manifest.seq));
    // A backup of another ledger does not take its place.
    let other = Outside::new(6);
    let stranger = other.boot();
    drop(stranger);
    std::fs::write(data.join("ledger.redb"), other.disk.bytes()).unwrap();
    assert!(block(plan(&wanted, &world)).unwrap_err().to_string().contains("another ledger"));
}

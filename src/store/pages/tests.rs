//! The walk against flipped bytes, writers, crashes and garbage.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend};

use super::layout::PAGE;
use super::*;
use crate::store::reader::SnapshotTables;
use crate::store::tests::{block, cause, open, person, world};
use crate::store::{Changes, Drive, Place, Store, Working};

/// What the first record says and no later one, to find it among the bytes.
const FIRST: &str = "the very first of all records";

impl Bytes for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.as_slice().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let found = self.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }
}

/// The rows of every table, by its name.
type Dump = BTreeMap<&'static str, Vec<(Vec<u8>, Vec<u8>)>>;

/// An image with some bits of one byte turned.
struct Flipped<'i> {
    image: &'i Vec<u8>,
    at: usize,
    mask: u8,
}

impl Bytes for Flipped<'_> {
    fn len(&self) -> io::Result<u64> {
        Bytes::len(self.image)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.image.read(offset, out)?;
        let inside = self.at.checked_sub(usize::try_from(offset).unwrap());
        if let Some(byte) = inside.and_then(|inside| out.get_mut(inside)) {
            *byte ^= self.mask;
        }
        Ok(())
    }
}

/// A file that moves from one image to the next after so many reads.
struct Moving {
    images: Vec<Vec<u8>>,
    every: usize,
    reads: Cell<usize>,
}

impl Moving {
    fn now(&self) -> &Vec<u8> {
        &self.images[(self.reads.get() / self.every).min(self.images.len() - 1)]
    }
}

impl Bytes for Moving {
    fn len(&self) -> io::Result<u64> {
        Bytes::len(self.now())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let found = self.now().read(offset, out);
        self.reads.set(self.reads.get() + 1);
        found
    }
}

fn put(store: &Store, people: Range<u128>, round: u32) {
    let written = store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        for n in people {
            if (n, round) == (0, 0) {
                // In the journal it would be packed, and its text nowhere.
                changes.working(Working::Session, b"first", Some(&FIRST))?;
            }
            let note = match (n, round) {
                // One that takes pages of a higher order.
                (7, _) => "a long story. ".repeat(2_000),
                _ => format!("note {round} about {n}. ").repeat(12),
            };
            let json = format!(r#"{{"firstName":"Ada {n}","lastName":"of {round}","note":"{note}"}}"#);
            changes.seen(person(n), json, false, None);
            changes.working(Working::Replay, &n.to_be_bytes(), Some(&(n, round)))?;
        }
        changes.secret(&format!("secret {round}"), Some(vec![7; 60]));
        Ok((changes, ()))
    });
    block(written).unwrap();
}

/// Several hundred records, some of them changed since, working rows and secrets.
fn filled(disk: &SimDisk) -> Store {
    let store = open(disk);
    for n in 0..30 {
        put(&store, n * 15..(n + 1) * 15, 0);
    }
    for round in 1..12 {
        put(&store, u128::from(round) * 11..u128::from(round) * 11 + 6, round);
    }
    store
}

fn closed() -> Vec<u8> {
    let disk = SimDisk::new();
    drop(filled(&disk));
    disk.bytes()
}

fn walk_by(bytes: &dyn Bytes, pages: usize) -> Step {
    let mut walk = PageWalk::new();
    for _ in 0..10_000 {
        match walk.step(bytes, pages).unwrap() {
            Step::More => {}
            end => return end,
        }
    }
    panic!("the walk has no end");
}

fn walk(bytes: &dyn Bytes) -> Step {
    walk_by(bytes, 1_000_000)
}

fn pages(step: &Step) -> u64 {
    match step {
        Step::Done { pages } => *pages,
        other => panic!("{other:?}"),
    }
}

/// The span that a fault names.
fn span(fault: &str) -> Range<usize> {
    let (_, rest) = fault.rsplit_once("(bytes ").unwrap();
    let (start, rest) = rest.split_once(" to ").unwrap();
    start.parse().unwrap()..rest.split_once(')').unwrap().0.parse().unwrap()
}

fn on_disk(image: &[u8]) -> SimDisk {
    let disk = SimDisk::new();
    StorageBackend::write(&disk, 0, image).unwrap();
    disk.sync_data().unwrap();
    disk
}

fn rows<K: redb::Key + 'static, V: redb::Value + 'static>(
    name: &'static str,
    table: &ReadOnlyTable<K, V>,
    out: &mut Dump,
) {
    let row = |item: Result<(redb::AccessGuard<'_, K>, redb::AccessGuard<'_, V>), _>| {
        let (key, value): (_, _) = item.unwrap();
        (K::as_bytes(&key.value()).as_ref().to_vec(), V::as_bytes(&value.value()).as_ref().to_vec())
    };
    out.insert(name, table.iter().unwrap().map(row).collect());
}

/// Every row of every table, as redb reads them.
fn dump(image: &[u8]) -> Dump {
    let database = redb::Builder::new().create_with_backend(on_disk(image)).unwrap();
    let tables = SnapshotTables::open(&database.begin_read().unwrap()).unwrap();
    let mut out = BTreeMap::new();
    rows("meta", &tables.meta, &mut out);
    rows("journal", &tables.journal, &mut out);
    rows("commits", &tables.commits, &mut out);
    rows("current", &tables.current, &mut out);
    rows("history", &tables.history, &mut out);
    rows("subject_by_key", &tables.subject_by_key, &mut out);
    rows("index", &tables.index, &mut out);
    rows("summary", &tables.summary, &mut out);
    rows("working", &tables.working, &mut out);
    rows("secrets", &tables.secrets, &mut out);
    out
}

#[test]
fn what_redb_wrote_is_sound_open_closed_and_after_a_crash() {
    let disk = SimDisk::new();
    let store = filled(&disk);
    let open_pages = pages(&walk(&disk));
    assert!(open_pages > 40, "{open_pages}");
    for arrives in [false, true] {
        let mut turn = false;
        let crashed = disk.crashed(|| {
            turn = !turn;
            turn && arrives
        });
        assert!(pages(&walk(&crashed)) > 40);
        // The next process opens it, and writes on.
        let next = open(&crashed);
        assert!(pages(&walk(&crashed)) > 40);
        put(&next, 0..3, 50);
        assert!(pages(&walk(&crashed)) > 40);
    }
    drop(store);
    let closed = pages(&walk(&disk));
    assert!(closed > 40, "{closed}");
    assert_eq!(pages(&walk_by(&disk, 1)), closed, "small steps see as much as a large one");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ledger"), disk.bytes()).unwrap();
    let file = std::fs::File::open(folder.path().join("ledger")).unwrap();
    assert_eq!(pages(&walk_by(&file, 16)), closed);
}

/// Flips bytes all over an image, and asserts that each is located or was of no matter.
fn flip_everywhere(image: &Vec<u8>, header: Range<usize>) {
    // More when somebody has the time: how many positions, about.
    let flips: usize = option_env!("ALMONER_FLIPS").map_or(4_000, |n| n.parse().unwrap());
    let prime = |n: &usize| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    let stride = ((image.len() / flips).max(1)..image.len()).find(prime).unwrap();
    let header = header.flat_map(|at| [1, 2, 4, 0x80, 0xFF].map(|mask| (at, mask)));
    let elsewhere = (320..image.len()).step_by(stride).map(|at| (at, [1, 0x80, 0xFF, 0x10][at % 4]));
    let (mut located, mut harmless) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (at, mask) in header.chain(elsewhere) {
        match walk(&Flipped { image, at, mask }) {
            Step::Done { .. } => harmless.push((at, mask)),
            Step::Fault(fault) => {
                assert!(span(&fault).contains(&at), "{at} flipped by {mask}: {fault}");
                *located.entry(fault.split(':').next().unwrap().to_owned()).or_default() += 1;
            }
            Step::More => unreachable!(),
        }
    }
    // In the header only a flag that redb can do without may turn.
    let flag = |at: usize, mask: u8| at == 9 && [2, 4].contains(&mask);
    assert!(harmless.iter().all(|(at, mask)| *at >= 320 || flag(*at, *mask)), "{harmless:?}");
    let in_pages: usize = located.iter().filter(|(place, _)| *place != "header").map(|(_, n)| n).sum();
    println!("{} bytes, {in_pages} found, {} harmless: {located:?}", image.len(), harmless.len());
    assert!(in_pages > 500 && harmless.len() > 500, "{in_pages} found, {} harmless", harmless.len());
    for table in ["table journal", "table working", "table index_2", "system table allocator_state"] {
        assert!(located.contains_key(table), "nothing found in {table}: {located:?}");
    }
    // Together they change no more than alone.
    let sound = dump(image);
    for together in harmless.chunks(200) {
        let mut damaged = image.clone();
        for (at, mask) in together {
            damaged[*at] ^= mask;
        }
        assert!(dump(&damaged) == sound, "one of {together:?} was not harmless");
    }
}

#[test]
fn a_flipped_byte_is_found_and_located_or_changes_nothing() {
    flip_everywhere(&closed(), 0..320);
}

#[test]
fn so_it_is_in_a_file_that_is_open() {
    let disk = SimDisk::new();
    let _store = filled(&disk);
    // Of its header only the newest commit and what is fixed counts, see the next test.
    flip_everywhere(&disk.bytes(), 0..0);
}

#[test]
fn the_header_of_an_open_file_is_guarded_where_it_counts() {
    let disk = SimDisk::new();
    let _store = filled(&disk);
    let image = disk.bytes();
    let primary = if image[9] & 1 == 0 { 64..192 } else { 192..320 };
    for at in (0..9).chain(10..24).chain(32..65).chain(192..193).chain(primary) {
        let end = walk(&Flipped { image: &image, at, mask: 0x40 });
        assert!(matches!(&end, Step::Fault(fault) if span(fault).contains(&at)), "{at}: {end:?}");
    }
}

#[test]
fn a_live_record_is_guarded_and_its_dead_copies_are_not() {
    let image = closed();
    let Step::Done { .. } = walk(&image) else { panic!() };
    let text = FIRST.as_bytes();
    let places: Vec<_> = (0..image.len() - text.len()).filter(|at| image[*at..].starts_with(text)).collect();
    let found = places.iter().map(|at| walk(&Flipped { image: &image, at: *at, mask: 0x20 }));
    let faults =
        found.filter(|step| matches!(step, Step::Fault(fault) if fault.starts_with("table working: page ")));
    assert_eq!(faults.count(), 1, "the record stands once in what is live");
}

#[test]
fn small_steps_between_writes_come_to_an_end_and_miss_nothing() {
    for damaged in [false, true] {
        let disk = SimDisk::new();
        let store = filled(&disk);
        if damaged {
            let (bytes, text) = (disk.bytes(), FIRST.as_bytes());
            for at in (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)) {
                StorageBackend::write(&disk, at as u64, b"T").unwrap();
            }
        }
        let mut walk = PageWalk::new();
        let mut steps = 0;
        let end = loop {
            let reading = store.0.database.get().unwrap().database.begin_read().unwrap();
            let step = walk.step(&disk, 1).unwrap();
            drop(reading);
            if step != Step::More {
                break step;
            }
            steps += 1;
            assert!(steps < 1_000, "the walk never catches up");
            put(&store, 100..102, 100 + steps);
        };
        assert!(steps > 3, "{steps}");
        match end {
            Step::Fault(fault) if damaged => assert!(fault.starts_with("table working: page "), "{fault}"),
            Step::Done { .. } if !damaged => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_file_that_moves_under_the_walk_is_no_damage() {
    let disk = SimDisk::new();
    let store = filled(&disk);
    let mut images = vec![disk.bytes()];
    for round in 200..240 {
        put(&store, 20..24, round);
        images.push(disk.bytes());
    }
    for every in [1, 2, 3, 5, 8, 13, 21, 34, 55] {
        for pages in [1, 20, 1_000] {
            let moving = Moving { images: images.clone(), every, reads: Cell::new(0) };
            let end = walk_by(&moving, pages);
            assert!(matches!(end, Step::Done { .. }), "{every} {pages}: {end:?}");
        }
    }
    // The test is one: without a second look at the header these are faults.
    let header = header::read(&images[0]).unwrap().ok().unwrap();
    let stale = Look { bytes: images.last().unwrap(), len: header.len, left: usize::MAX };
    let torn = PageWalk::new().roots(&mut { stale }, &header);
    assert!(matches!(torn, Err(Stop::Fault(_))), "forty commits reused no page");
}

#[test]
fn a_busy_writer_on_a_real_file_raises_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let store = Store::open(Place::File(path.clone()), world(1), Drive::Thread).unwrap();
    let file = std::fs::File::open(path).unwrap();
    let mut walks = 0;
    std::thread::scope(|scope| {
        let writer =
            scope.spawn(|| (0..60).for_each(|n| put(&store, u128::from(n) * 5..u128::from(n) * 5 + 9, n)));
        while !writer.is_finished() {
            let end = walk_by(&file, 20);
            assert!(matches!(end, Step::Done { .. }), "{end:?}");
            walks += 1;
        }
    });
    store.close();
    assert!(walks > 0 && matches!(walk(&file), Step::Done { .. }));
}

/// A file whose list of tables is a chain of branches, each naming the next, with all checksums right.
fn chain(length: u64) -> Vec<u8> {
    let mut image = vec![0; usize::try_from(PAGE * (length + 2)).unwrap()];
    let mut below = [0; 24];
    for n in (0..=length).rev() {
        let mut page = vec![0; 4096];
        if n == length {
            // A leaf with one empty key and value.
            page[..12].copy_from_slice(&[1, 0, 1, 0, 12, 0, 0, 0, 12, 0, 0, 0]);
        } else {
            page[..4].copy_from_slice(&[2, 0, 1, 0]);
            for child in 0..2 {
                page[8 + 16 * child..][..16].copy_from_slice(&below[8..]);
                page[40 + 8 * child..][..8].copy_from_slice(&below[..8]);
            }
            page[56..60].copy_from_slice(&60_u32.to_le_bytes());
        }
        let used = if n == length { 12 } else { 60 };
        below[..8].copy_from_slice(&n.to_le_bytes());
        below[8..].copy_from_slice(&XxHash3_128::oneshot(&page[..used]).to_le_bytes());
        let at = usize::try_from(PAGE * (n + 1)).unwrap();
        image[at..at + 4096].copy_from_slice(&page);
    }
    image[..10].copy_from_slice(b"redb\x1A\x0A\xA9\x0D\x0A\x00");
    image[12..16].copy_from_slice(&4096_u32.to_le_bytes());
    image[20..24].copy_from_slice(&(1_u32 << 20).to_le_bytes());
    image[28..32].copy_from_slice(&u32::try_from(length + 1).unwrap().to_le_bytes());
    for slot in [64, 192] {
        image[slot] = 3;
        image[slot + 1] = 1;
        image[slot + 8..slot + 32].copy_from_slice(&below);
        let checksum = XxHash3_128::oneshot(&image[slot..slot + 112]);
        image[slot + 112..slot + 128].copy_from_slice(&checksum.to_le_bytes());
    }
    image
}

#[test]
fn a_chain_of_pages_without_end_is_refused() {
    // The leaf at its end lists one table whose definition is empty.
    let Step::Fault(short) = walk(&chain(10)) else { panic!() };
    assert!(short.contains("page 0/10 (bytes 45056 to 49152) lists a table"), "{short}");
    let Step::Fault(long) = walk(&chain(100)) else { panic!() };
    assert!(long.contains("lies deeper than any page can"), "{long}");
}

/// Ends in some way, and not in a panic.
fn survives(image: &Vec<u8>) -> Option<Step> {
    PageWalk::new().step(image, 1_000).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_is_a_fault_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
        let end = survives(&bytes);
        prop_assert!(matches!(end, None | Some(Step::Fault(_))), "{end:?}");
    }

    #[test]
    fn garbage_behind_a_good_header_is_a_fault(seed in any::<u64>(), keep in 1_usize..6) {
        let mut image = chain(10);
        let mut state = seed | 1;
        for byte in &mut image[4096 * keep..] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = state.to_be_bytes()[0];
        }
        let end = survives(&image);
        prop_assert!(matches!(end, Some(Step::Fault(_))), "{end:?}");
    }

    #[test]
    fn pages_of_any_content_are_read_without_a_panic(
        mut page in prop::collection::vec(any::<u8>(), 0..600),
        branch in any::<bool>(),
        count in prop_oneof![0..6_u16, any::<u16>()],
        widths in (prop::option::of(any::<u32>()), prop::option::of(0..9_u32)),
        lists in any::<bool>(),
    ) {
        if page.len() > 4 {
            page[0] = 1 + u8::from(branch);
            page[2..4].copy_from_slice(&count.to_le_bytes());
        }
        let tree = Tree {
            name: "any".into(),
            keys: widths.0.map(|n| n as usize),
            values: widths.1.map(|n| n as usize),
            lists: lists.then_some("table"),
        };
        let filled = tree.filled(&page).map(<[u8]>::len);
        prop_assert!(filled <= Some(page.len()));
        let _ = tree.leads_to(&page);
    }
}

#[test]
fn a_shortened_file_is_a_fault() {
    let image = closed();
    for len in [
        0,
        1,
        319,
        320,
        4095,
        4096,
        5000,
        8192,
        image.len() / 2 / 4096 * 4096,
        image.len() - 4096,
        image.len() - 1,
    ] {
        let end = survives(&image[..len].to_vec());
        assert!(matches!(end, Some(Step::Fault(_))), "{len}: {end:?}");
    }
    // A file that was not closed may end anywhere: what is missing is missed.
    let disk = SimDisk::new();
    let _store = filled(&disk);
    let open = disk.bytes();
    for pages in 1..40 {
        let end = survives(&open[..pages * 4096].to_vec());
        assert!(matches!(end, Some(Step::Fault(_))), "{pages}: {end:?}");
    }
}

#[test]
fn a_disk_that_does_not_answer_is_an_error_that_says_where() {
    let disk = SimDisk::new();
    let _store = filled(&disk);
    disk.fail_in(0);
    assert!(PageWalk::new().step(&disk, 10).is_err());
    disk.heal();
    assert!(matches!(walk(&disk), Step::Done { .. }));
}

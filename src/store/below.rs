//! The layer below the database: hands every read and write on to the disk, and lets one copy of the whole file be taken
//! as it was at a moment, while writes go on.
//!
//! From that moment on, a block that is about to be overwritten or cut off is saved first, until the copier has passed
//! it. No read transaction is held, no writer waits for the copier, and the copier reads each block once. Decision 0020.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

/// Bytes that are saved together: a page of the database.
const BLOCK: u64 = 4_096;

/// A disk with room for one copier. Clones share it.
#[derive(Clone)]
pub(super) struct Below(Arc<Layer>);

struct Layer {
    disk: Box<dyn StorageBackend>,
    /// Where saved blocks go; none means memory.
    scratch: Option<PathBuf>,
    copying: Mutex<Option<Copying>>,
}

/// A copy under way.
struct Copying {
    /// Which one: a copier that was let go must not touch the next one.
    number: u64,
    /// How long the file was at its moment.
    len: u64,
    /// Everything before this place was copied.
    passed: u64,
    /// block -> its place in `scratch`, of blocks that changed before they were copied.
    saved: BTreeMap<u64, u64>,
    /// Places in `scratch` that can be used again.
    free: Vec<u64>,
    scratch: Scratch,
    /// Places handed out.
    places: u64,
    /// Why the copy cannot be completed.
    broken: Option<String>,
}

enum Scratch {
    Memory(Vec<u8>),
    File(File),
}

impl Scratch {
    fn open(path: Option<&PathBuf>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self::Memory(Vec::new())) };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        // Nobody else needs its name, and a process that is killed leaves nothing.
        std::fs::remove_file(path)?;
        Ok(Self::File(file))
    }

    fn put(&mut self, place: u64, block: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.write_all_at(block, place * BLOCK),
            Self::Memory(bytes) => {
                let at = index(place * BLOCK)?;
                bytes.resize(bytes.len().max(at + block.len()), 0);
                bytes[at..at + block.len()].copy_from_slice(block);
                Ok(())
            }
        }
    }

    fn get(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_exact_at(out, place * BLOCK),
            Self::Memory(bytes) => {
                let at = index(place * BLOCK)?;
                let there = bytes.get(at..at + out.len());
                out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

fn index(at: u64) -> io::Result<usize> {
    usize::try_from(at).map_err(io::Error::other)
}

impl Below {
    /// A layer over this disk. `scratch` is where the file of saved blocks may stand for a moment.
    pub(super) fn new(disk: impl StorageBackend, scratch: Option<PathBuf>) -> Self {
        Self(Arc::new(Layer { disk: Box::new(disk), scratch, copying: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Copying>> {
        self.0.copying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a copy of the file as it is now. To be called at a commit boundary, while nobody writes.
    pub(super) fn copy(&self) -> io::Result<Copier> {
        let mut copying = self.lock();
        if copying.is_some() {
            return Err(io::Error::other("the ledger is being copied already"));
        }
        let len = self.0.disk.len()?;
        // The address of this counter would do as well; a number is easier to read.
        let number = NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        *copying = Some(Copying {
            number,
            len,
            passed: 0,
            saved: BTreeMap::new(),
            free: Vec::new(),
            scratch: Scratch::open(self.0.scratch.as_ref())?,
            places: 0,
            broken: None,
        });
        Ok(Copier { below: self.clone(), number, len })
    }

    /// Ends a copy that is under way: what is written from now on is not seen here.
    pub(super) fn break_copy(&self, why: &str) {
        if let Some(copying) = self.lock().as_mut() {
            copying.broken.get_or_insert_with(|| why.to_owned());
        }
    }

    /// Saves what stands between these places, as far as the copier still needs it.
    fn save(&self, copying: &mut Copying, from: u64, to: u64) {
        let (from, to) = (from.max(copying.passed), to.min(copying.len));
        if from >= to || copying.broken.is_some() {
            return;
        }
        for block in from / BLOCK..=(to - 1) / BLOCK {
            if copying.saved.contains_key(&block) {
                continue;
            }
            // A write of the ledger never fails because of a copy.
            if let Err(error) = self.save_block(copying, block) {
                copying.broken = Some(format!("a changed block could not be saved: {error}"));
                return;
            }
        }
    }

    fn save_block(&self, copying: &mut Copying, block: u64) -> io::Result<()> {
        let start = block * BLOCK;
        let mut bytes = vec![0; index(BLOCK.min(copying.len - start))?];
        self.0.disk.read(start, &mut bytes)?;
        let place = copying.free.pop().unwrap_or(copying.places);
        copying.scratch.put(place, &bytes)?;
        copying.places = copying.places.max(place + 1);
        copying.saved.insert(block, place);
        Ok(())
    }
}

static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Reads the file as it was when the copy began, from its beginning to its end, once.
pub(super) struct Copier {
    below: Below,
    number: u64,
    len: u64,
}

impl Copier {
    /// How long the file was.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The next bytes, at most `max` (whole blocks, but for the end of the file); none at the end.
    pub(super) fn next(&self, max: u64) -> io::Result<Option<Vec<u8>>> {
        let mut copying = self.below.lock();
        let Some(copying) = copying.as_mut().filter(|copying| copying.number == self.number) else {
            return Err(io::Error::other("the copy is not under way any more"));
        };
        if let Some(why) = &copying.broken {
            return Err(io::Error::other(why.clone()));
        }
        let from = copying.passed;
        let to = copying.len.min(from + (max / BLOCK).max(1) * BLOCK);
        if from == to {
            return Ok(None);
        }
        let mut out = vec![0; index(to - from)?];
        // What was cut off meanwhile was saved before.
        let there = self.below.0.disk.len()?.clamp(from, to);
        if there > from {
            self.below.0.disk.read(from, &mut out[..index(there - from)?])?;
        }
        let blocks = from / BLOCK..to.div_ceil(BLOCK);
        let saved: Vec<(u64, u64)> =
            copying.saved.range(blocks).map(|(block, place)| (*block, *place)).collect();
        for (block, place) in saved {
            let at = index(block * BLOCK - from)?;
            let end = out.len().min(at + index(BLOCK)?);
            copying.scratch.get(place, &mut out[at..end])?;
            copying.saved.remove(&block);
            copying.free.push(place);
        }
        copying.passed = to;
        Ok(Some(out))
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        let mut copying = self.below.lock();
        if copying.as_ref().is_some_and(|copying| copying.number == self.number) {
            *copying = None;
        }
    }
}

impl std::fmt::Debug for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.disk.fmt(f)
    }
}

impl StorageBackend for Below {
    fn len(&self) -> io::Result<u64> {
        self.0.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // Held over the change: the copier must not read where the file is just being cut.
        let mut copying = self.lock();
        if let Some(copying) = copying.as_mut() {
            self.save(copying, len, u64::MAX);
        }
        self.0.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // Not held over the write: what the copier may read half-written was saved, and that counts.
        if let Some(copying) = self.lock().as_mut() {
            self.save(copying, offset, offset + data.len() as u64);
        }
        self.0.disk.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.disk.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.disk.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.disk.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.disk.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.disk.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::SimDisk;
    use proptest::prelude::*;

    /// What happens to the file while it is out.
    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        Length(u64),
        Copy(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let write = (0..60_000_u64, prop::collection::vec(any::<u8>(), 1..9_000))
            .prop_map(|(at, bytes)| Step::Write(at, bytes));
        let step = prop_oneof![
            4 => write,
            1 => (0..70_000_u64).prop_map(Step::Length),
            2 => (1..20_000_u64).prop_map(Step::Copy),
        ];
        prop::collection::vec(step, 0..40)
    }

    fn rest(copier: &Copier, out: &mut Vec<u8>) {
        while let Some(more) = copier.next(10_000).unwrap() {
            out.extend(more);
        }
    }

    proptest! {
        /// The model is the file's bytes at the moment the copy began.
        #[test]
        fn the_copy_is_the_file_of_its_moment_whatever_happens_meanwhile(
            before in prop::collection::vec(any::<u8>(), 0..60_000),
            steps in steps(),
            on_disk in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let scratch = on_disk.then(|| folder.path().join("copying"));
            let below = Below::new(SimDisk::holding(before.clone()), scratch);
            let copier = below.copy().unwrap();
            let (mut out, mut now) = (Vec::new(), before.clone());
            for step in steps {
                match step {
                    Step::Write(at, bytes) => {
                        below.write(at, &bytes).unwrap();
                        let at = index(at).unwrap();
                        let end = at + bytes.len();
                        now.resize(now.len().max(end), 0);
                        now[at..end].copy_from_slice(&bytes);
                    }
                    Step::Length(len) => {
                        below.set_len(len).unwrap();
                        now.resize(index(len).unwrap(), 0);
                    }
                    Step::Copy(max) => out.extend(copier.next(max).unwrap().unwrap_or_default()),
                }
            }
            rest(&copier, &mut out);
            prop_assert!(out == before, "the copy differs");
            // The ledger itself is none the wiser.
            let mut there = vec![0; now.len()];
            prop_assert_eq!(below.len().unwrap(), now.len() as u64);
            below.read(0, &mut there).unwrap();
            prop_assert!(there == now);
            drop(copier);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn writers_on_other_threads_do_not_reach_the_copy() {
        let before: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let below = Below::new(SimDisk::holding(before.clone()), None);
        let copier = below.copy().unwrap();
        let mut out = Vec::new();
        std::thread::scope(|scope| {
            for thread in 0..3_u64 {
                let below = below.clone();
                scope.spawn(move || {
                    for n in 0..400_u64 {
                        let block = (n * 7_919 + thread * 331) % 480 * 3 + thread;
                        below.write(block * BLOCK % 1_990_000, &[0xEE; 4_096]).unwrap();
                    }
                });
            }
            while let Some(more) = copier.next(16_384).unwrap() {
                out.extend(more);
            }
        });
        assert!(out == before);
    }

    #[test]
    fn one_copy_at_a_time_and_one_that_cannot_be_completed_says_so() {
        let below = Below::new(SimDisk::holding(vec![1; 10_000]), None);
        let copier = below.copy().unwrap();
        assert!(below.copy().is_err());
        below.break_copy("opened anew");
        assert_eq!(copier.next(4_096).unwrap_err().to_string(), "opened anew");
        drop(copier);
        let (next, mut out) = (below.copy().unwrap(), Vec::new());
        rest(&next, &mut out);
        assert_eq!(out, vec![1; 10_000]);
    }
}

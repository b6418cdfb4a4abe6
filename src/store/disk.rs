//! A disk in memory that can fail and crash, for simulations and tests.
//!
//! What was written since the last sync may be lost in a crash: each such write on its own either arrived or
//! did not, in the way real disks reorder them.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// The disk. Clones share it.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<Bytes>>);

#[derive(Default)]
struct Bytes {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What survives a crash for sure.
    durable: Vec<u8>,
    /// Changes since the last sync, in order.
    unsynced: Vec<Change>,
    /// Operations until the disk fails; none means it works.
    fail_in: Option<u64>,
    /// Bytes there is room for; none means any number.
    room: Option<u64>,
    /// Writes, length changes and syncs so far.
    operations: u64,
    /// Syncs so far.
    syncs: u64,
}

enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk that holds these bytes.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Bytes { seen: bytes.clone(), durable: bytes, ..Bytes::default() })))
    }

    /// From now on there is room for so many bytes in all.
    pub fn room_for(&self, bytes: u64) {
        self.lock().room = Some(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the `operations`-th write, length change or sync on, everything fails.
    pub fn fail_in(&self, operations: u64) {
        self.lock().fail_in = Some(operations);
    }

    /// The disk works again.
    pub fn heal(&self) {
        self.lock().fail_in = None;
    }

    /// How many writes, length changes and syncs there were.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// How many syncs there were.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// The disk as the next process finds it after a crash now: what was synced, plus those later writes that
    /// `arrived` lets through. The old process keeps its own disk and can no longer reach this one.
    #[must_use]
    pub fn crashed(&self, mut arrived: impl FnMut() -> bool) -> Self {
        let bytes = self.lock();
        let mut after = bytes.durable.clone();
        for change in &bytes.unsynced {
            if arrived() {
                change.apply(&mut after);
            }
        }
        Self::holding(after)
    }

    /// All bytes, as a reader sees them.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().seen.clone()
    }

    fn change(&self, change: Change) -> Result<(), io::Error> {
        let mut bytes = self.lock();
        bytes.count()?;
        if bytes.room.is_some_and(|room| change.reaches() > room) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        change.apply(&mut bytes.seen);
        bytes.unsynced.push(change);
        Ok(())
    }
}

impl Change {
    /// How long the file is after it, at least.
    const fn reaches(&self) -> u64 {
        match self {
            Self::Length(length) => *length,
            Self::Write(offset, data) => *offset + data.len() as u64,
        }
    }

    fn apply(&self, target: &mut Vec<u8>) {
        match self {
            Self::Length(length) => target.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0),
            Self::Write(offset, data) => {
                let start = usize::try_from(*offset).unwrap_or(usize::MAX);
                if target.len() < start + data.len() {
                    target.resize(start + data.len(), 0);
                }
                target[start..start + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl Bytes {
    fn count(&mut self) -> Result<(), io::Error> {
        self.operations += 1;
        match &mut self.fail_in {
            Some(0) => Err(io::Error::other("the simulated disk failed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl StorageBackend for SimDisk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.lock().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let bytes = self.lock();
        if bytes.fail_in == Some(0) {
            return Err(io::Error::other("the simulated disk failed"));
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let source = start.checked_add(out.len()).and_then(|end| bytes.seen.get(start..end));
        out.copy_from_slice(source.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.change(Change::Length(len))
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut bytes = self.lock();
        bytes.count()?;
        bytes.syncs += 1;
        let changes = std::mem::take(&mut bytes.unsynced);
        for change in &changes {
            change.apply(&mut bytes.durable);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.change(Change::Write(offset, data.to_vec()))
    }
}

//! Our side. The one file that knows how records go into the ledger.

use std::path::{Path, PathBuf};
use std::time::Duration;

use almoner::ground::id::{ConnectionId, Object, SubjectKey};
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::time::Instant;
use almoner::store::{Changes, Drive, Fail, Place, Store};
use almoner::sys;
use anyhow::Context;

use crate::bench::{bytes_on_disk, timed};
use crate::gifts::Gift;

/// The ledger, and a runtime for those who wait for it.
pub struct Ours {
    /// The ledger.
    pub store: Store,
    /// Two workers, as `serve` has on this machine.
    pub runtime: tokio::runtime::Runtime,
    path: PathBuf,
}

impl Ours {
    /// Opens the ledger in this folder, or makes it.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = ledger_file(folder);
        let store = Store::open(Place::File(path.clone()), sys::world(), Drive::Thread)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
        Ok(Self { store, runtime, path })
    }

    /// One transaction, from a thread that waits for it. Answers the sequence of the commit.
    pub fn write(&self, group: Vec<Gift>) -> anyhow::Result<u64> {
        self.runtime.block_on(write(&self.store, group))
    }

    /// Every group one transaction, one after the other.
    pub fn write_all(&self, groups: Vec<Vec<Gift>>) -> anyhow::Result<Duration> {
        let all = || groups.into_iter().try_for_each(|group| self.write(group).map(drop));
        Ok(timed(all)?.0)
    }

    /// Bytes on disk now.
    pub fn bytes(&self) -> anyhow::Result<u64> {
        bytes_on_disk(&self.path)
    }

    /// Waits for the writer to end.
    pub fn close(self) {
        self.store.close();
    }
}

/// Where the ledger is; the name that `serve` looks for.
pub fn ledger_file(folder: &Path) -> PathBuf {
    folder.join("ledger.redb")
}

/// One transaction: each record as Twenty tells it, with all that follows from it.
pub async fn write(store: &Store, group: Vec<Gift>) -> anyhow::Result<u64> {
    let decide = move |_: &almoner::store::View<'_>| {
        let mut changes = Changes::new(Cause {
            actor: Actor::Connection(ConnectionId::TWENTY),
            why: "Seen in Twenty".into(),
            request_id: None,
        });
        for gift in group {
            let key = SubjectKey::twenty(Object::Gifts, gift.id);
            changes.seen(key, gift.json, false, Some(Instant(gift.changed)));
        }
        Ok::<_, Fail<()>>((changes, ()))
    };
    match store.write(decide).await {
        Ok((seq, ())) => Ok(seq.0),
        Err(error) => anyhow::bail!("the ledger refused: {error:?}"),
    }
}

/// The newest sequence and whether this record is there.
pub fn knows(store: &Store, id: uuid::Uuid) -> anyhow::Result<(u64, bool)> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let found = ledger.record_of(&SubjectKey::twenty(Object::Gifts, id))?;
    Ok((ledger.last_seq()?.0, found.is_some()))
}

/// Copies the entries from `first` on, at most `count`, out of one snapshot that is dropped at once. Answers their
/// bytes; 0 at the end of the journal.
pub fn export_chunk(store: &Store, first: u64, count: u64) -> anyhow::Result<u64> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let last = ledger.last_seq()?.0.min(first + count - 1);
    let mut bytes = 0;
    for seq in first..=last {
        let entry = ledger.entry(almoner::ground::id::Seq(seq))?.context("the journal has no gaps")?;
        if let almoner::store::Body::Kept { image, .. } = entry.body {
            bytes += image.json().len() as u64;
        }
    }
    Ok(bytes)
}

/// Makes the closed ledger as small as it goes and answers its bytes.
pub fn compacted_bytes(file: &Path) -> anyhow::Result<u64> {
    let store = Store::open(Place::File(file.to_owned()), sys::world(), Drive::Thread)?;
    let compacted = tokio::runtime::Builder::new_current_thread().build()?.block_on(store.compact());
    anyhow::ensure!(compacted.is_ok(), "it cannot be compacted: {compacted:?}");
    store.close();
    drop(store);
    bytes_on_disk(file)
}

//! SQLite as a careful application uses it: WAL, an fsync per commit, prepared statements, a page cache like ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::bench::{bytes_on_disk, timed};
use crate::gifts::Gift;
use crate::records::field_diff;

const SCHEMA: &str = "
    CREATE TABLE record (
        subject INTEGER PRIMARY KEY, foreign_id BLOB NOT NULL UNIQUE, donor BLOB NOT NULL,
        seq INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE INDEX record_by_donor ON record (donor, seq);
    CREATE INDEX record_by_seq ON record (seq);
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, op INTEGER NOT NULL, recorded INTEGER NOT NULL,
        actor TEXT NOT NULL, why TEXT NOT NULL, request_id TEXT, previous_seq INTEGER, body TEXT NOT NULL,
        diff TEXT);
    CREATE INDEX journal_by_subject ON journal (subject, seq);
";
const OLD: &str = "SELECT seq, body FROM record WHERE foreign_id = ?1";
const UPSERT: &str = "
    INSERT INTO record (foreign_id, donor, seq, body) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (foreign_id) DO UPDATE SET donor = excluded.donor, seq = excluded.seq, body = excluded.body
    RETURNING subject";
const ENTRY: &str = "
    INSERT INTO journal (seq, subject, op, recorded, actor, why, request_id, previous_seq, body, diff)
    VALUES (?1, ?2, ?3, ?4, 'twenty:1', 'Seen in Twenty', NULL, ?5, ?6, ?7)";

/// A database of its own.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    next_seq: i64,
}

impl Sqlite {
    /// A new one in this folder.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("peer.sqlite");
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Negative: in KiB.
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection, path, next_seq: 1 })
    }

    /// Every group one transaction, one after the other.
    pub fn write_all(&mut self, groups: &[Vec<Gift>]) -> anyhow::Result<Duration> {
        let all = || groups.iter().try_for_each(|group| self.write(group));
        Ok(timed(all)?.0)
    }

    fn write(&mut self, group: &[Gift]) -> anyhow::Result<()> {
        let tx = self.connection.transaction()?;
        {
            let mut old = tx.prepare_cached(OLD)?;
            let mut upsert = tx.prepare_cached(UPSERT)?;
            let mut entry = tx.prepare_cached(ENTRY)?;
            for gift in group {
                let id: &[u8; 16] = gift.id.as_bytes();
                let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
                let before = old.query_row([id.as_slice()], read).optional()?;
                let diff = before.as_ref().map(|(_, body)| field_diff(body, &gift.json));
                let seq = self.next_seq;
                self.next_seq += 1;
                let donor: &Uuid = &gift.donor;
                let values = params![id.as_slice(), donor.as_bytes().as_slice(), seq, gift.json];
                let subject: i64 = upsert.query_row(values, |row| row.get(0))?;
                let op = if before.is_some() { 2 } else { 1 };
                let previous = before.as_ref().map(|(seq, _)| *seq);
                entry.execute(params![seq, subject, op, gift.changed, previous, gift.json, diff])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Bytes on disk as it is and after VACUUM.
    pub fn bytes(&self) -> anyhow::Result<(u64, u64)> {
        let wal = self.path.with_extension("sqlite-wal");
        let as_is = bytes_on_disk(&self.path)? + bytes_on_disk(&wal)?;
        self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok((as_is, bytes_on_disk(&self.path)?))
    }
}

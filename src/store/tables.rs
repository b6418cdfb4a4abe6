//! Every table of the store, in one place. Append only: a retired table keeps its name.

use redb::TableDefinition;

/// The version of the layout below. A store with a newer one is refused.
pub const SCHEMA: u32 = 3;

/// Facts about the store itself: schema version, identity, next subject.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// seq -> entry: the append-only history, and the one copy of every after-image.
pub(super) const JOURNAL: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("journal");
/// commit -> chain link over the entry headers of that commit.
pub(super) const COMMITS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("commits");
/// subject -> seq of its newest entry.
pub(super) const CURRENT: TableDefinition<'static, u64, u64> = TableDefinition::new("current");
/// (subject, seq): every entry of a subject but its newest, which `current` has.
pub(super) const HISTORY: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("history");
/// (connection, object, foreign id) -> subject: the only table keyed by foreign randomness.
pub(super) const SUBJECT_BY_KEY: TableDefinition<'static, &[u8], u64> =
    TableDefinition::new("subject_by_key");
/// Typed secondary indexes, derived; the first byte is the number of the index, the last six are what it leads to.
pub(super) const INDEX: TableDefinition<'static, &[u8], ()> = TableDefinition::new("index_2");
/// (connection, object, foreign id) -> subject: those that came lately (`young.rs`).
pub(super) const SUBJECT_YOUNG: TableDefinition<'static, &[u8], u64> =
    TableDefinition::new("subject_by_key_young");
/// index key -> whether it is there or was taken out: scattered keys that came lately (`young.rs`).
pub(super) const INDEX_YOUNG: TableDefinition<'static, &[u8], u8> = TableDefinition::new("index_2_young");
/// Retired with layout 1, whose values said again what the keys end with.
pub(super) const INDEX_1: TableDefinition<'static, &[u8], u64> = TableDefinition::new("index");
/// Counters, derived; nothing in them changes with time alone.
pub(super) const SUMMARY: TableDefinition<'static, &[u8], i64> = TableDefinition::new("summary");
/// What is not history (outbox, replay keys, sync cursors, sessions, budgets); the first byte is its kind.
pub(super) const WORKING: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("working");
/// name -> sealed secret.
pub(super) const SECRETS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("secrets");

/// The kinds of working rows. The numbers stand on disk: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Working {
    /// replay key hash -> the row it made.
    Replay = 1,
    /// (connection, run, row) -> message.
    Outbox = 2,
    /// (connection, object) -> sync state.
    Sync = 3,
    /// session token hash -> session.
    Session = 4,
    /// API token hash -> token id.
    TokenHash = 5,
    /// one-time link hash -> link.
    OneTimeLink = 6,
    /// connection -> call budget at the last clean stop.
    Budget = 7,
    /// connection -> the connection's identity and address.
    Connection = 8,
    /// connection -> what the workspace there has, as JSON text.
    Workspace = 9,
    /// (connection, object) -> how far the mirror is, as JSON text. `Sync` is what stores before had.
    Mirror = 10,
    /// (connection, object, id) -> a record that a webhook told of and that is to be read.
    Inbox = 11,
    /// (connection, object, id) -> a record that seems to be gone.
    Suspect = 12,
    /// connection -> the webhook we registered, and what came of it.
    Hook = 13,
    /// channel and currency -> amounts that were posted lately, as JSON text.
    Channel = 14,
    /// batch -> what its run would send, as JSON text.
    Plan = 15,
    /// What is known of the backups, as JSON text.
    Backup = 20,
    /// connection -> the restore after which it must be read completely before anything is sent, as JSON text.
    Restored = 21,
}

/// The numbers of the indexes. They stand on disk: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Index {
    /// (connection, object, state, seq): what changed last.
    Newest = 1,
    /// (connection, donor, seq): every entry of a gift that names this donor.
    GiftsByDonor = 2,
    /// (status, received at, subject): the queue.
    StagedByStatus = 3,
    /// (batch, status, received at, subject): a batch's rows.
    StagedByBatch = 4,
    /// (row, subject): deliveries of a row.
    EvidenceByRow = 5,
    /// (batch, queued at, subject): a batch's runs.
    RunsByBatch = 6,
    /// (subject): runs with work to do.
    ActiveRuns = 7,
    /// (e-mail, subject): users.
    UserByEmail = 8,
    /// (connection, object, seq): entries of an object that are not their subject's newest any more.
    Superseded = 9,
    /// (connection, e-mail in lower case, subject): people who have this address.
    PersonByEmail = 10,
    /// (connection, object, id that stays, subject): records that were merged into it.
    MergedInto = 11,
    /// (donor, subject): staged rows that name this donor.
    StagedByDonor = 12,
    /// (object, id, seq): every entry of an edit or a conflict about this record.
    EditsByRecord = 13,
    /// (object, id of what it is about, subject): links of tasks and notes.
    LinksByTarget = 14,
}

#[cfg(test)]
impl Index {
    /// Every index.
    const ALL: [Self; 14] = [
        Self::Newest,
        Self::GiftsByDonor,
        Self::StagedByStatus,
        Self::StagedByBatch,
        Self::EvidenceByRow,
        Self::RunsByBatch,
        Self::ActiveRuns,
        Self::UserByEmail,
        Self::Superseded,
        Self::PersonByEmail,
        Self::MergedInto,
        Self::StagedByDonor,
        Self::EditsByRecord,
        Self::LinksByTarget,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::TableHandle;

    #[test]
    fn the_layout_is_the_one_that_landed() {
        let names = [
            META.name(),
            JOURNAL.name(),
            COMMITS.name(),
            CURRENT.name(),
            HISTORY.name(),
            SUBJECT_BY_KEY.name(),
            INDEX_1.name(),
            SUMMARY.name(),
            WORKING.name(),
            SECRETS.name(),
            INDEX.name(),
            SUBJECT_YOUNG.name(),
            INDEX_YOUNG.name(),
        ];
        assert_eq!(
            names,
            [
                "meta",
                "journal",
                "commits",
                "current",
                "history",
                "subject_by_key",
                "index",
                "summary",
                "working",
                "secrets",
                "index_2",
                "subject_by_key_young",
                "index_2_young"
            ]
        );
        let working = [
            Working::Replay as u8,
            Working::Outbox as u8,
            Working::Sync as u8,
            Working::Session as u8,
            Working::TokenHash as u8,
            Working::OneTimeLink as u8,
            Working::Budget as u8,
            Working::Connection as u8,
        ];
        assert_eq!(working, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Index::ALL.map(|index| index as u8), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    }
}

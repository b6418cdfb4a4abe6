//! Who did what, and why: the words of a journal entry.

use serde::{Deserialize, Serialize};

use super::id::{ConnectionId, ForeignId, RunId, SubjectKey, TokenId, UnknownNumber, UserId};

/// Who made a change. Ids only: a name is looked up when it is shown, since the entry's header can never be
/// erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A person at a screen.
    User(UserId),
    /// A program with an API token.
    Token(TokenId),
    /// A run of ours.
    Run(RunId),
    /// A connected system, seen by a sync.
    Connection(ConnectionId),
    /// The operator at the command line.
    Operator,
    /// Almoner itself, at start or by its own rules.
    System,
    /// The operator at the command line, by the number of their account on the machine.
    OperatorUid(u32),
}

impl Actor {
    /// The kind of actor, as the API names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Token(_) => "token",
            Self::Run(_) => "run",
            Self::Connection(_) => "twenty",
            Self::Operator | Self::OperatorUid(_) => "operator",
            Self::System => "system",
        }
    }

    /// Which one of its kind, where there are several.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(id) => Some(id.to_string()),
            Self::Token(id) => Some(id.to_string()),
            Self::Run(id) => Some(id.to_string()),
            Self::Connection(connection) => Some(connection.0.to_string()),
            Self::OperatorUid(uid) => Some(uid.to_string()),
            Self::Operator | Self::System => None,
        }
    }
}

impl std::fmt::Display for Actor {
    /// The kind, with the id where there is one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())?;
        match self.id() {
            Some(id) => write!(f, " {id}"),
            None => Ok(()),
        }
    }
}

/// What caused a change: the words for people, and the request it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Who.
    pub actor: Actor,
    /// Why, in plain words; never a donor's name, address or amount, since it can never be erased.
    pub why: String,
    /// The request that led to it.
    pub request_id: Option<String>,
}

/// What happened to a subject. The numbers stand on disk: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Op {
    /// Seen or made for the first time.
    Created = 1,
    /// Changed.
    Updated = 2,
    /// Made here, on its way to the system it belongs to.
    Pending = 3,
    /// The system it belongs to has it as we sent it.
    Confirmed = 4,
    /// A pending thing was taken back, since it did not arrive.
    Withdrawn = 5,
    /// Deleted there, can be restored.
    Deleted = 6,
    /// Back from deletion.
    Restored = 7,
    /// Gone there for good.
    Destroyed = 8,
    /// Its content was erased at a person's request; it does not come back.
    Erased = 9,
    /// It was merged into another record of its object, which its image names.
    Merged = 10,
}

impl From<Op> for u8 {
    fn from(op: Op) -> Self {
        op as Self
    }
}

impl TryFrom<u8> for Op {
    type Error = UnknownNumber;
    fn try_from(number: u8) -> Result<Self, UnknownNumber> {
        let found = Self::ALL.into_iter().find(|op| u8::from(*op) == number);
        found.ok_or(UnknownNumber(u16::from(number)))
    }
}

impl Op {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Updated,
        Self::Pending,
        Self::Confirmed,
        Self::Withdrawn,
        Self::Deleted,
        Self::Restored,
        Self::Destroyed,
        Self::Erased,
        Self::Merged,
    ];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Destroyed => "destroyed",
            Self::Erased => "erased",
            Self::Merged => "merged",
        }
    }

    /// The state a subject is in after this.
    pub const fn state_after(self) -> SubjectState {
        match self {
            Self::Created | Self::Updated | Self::Confirmed | Self::Restored => SubjectState::Live,
            Self::Pending => SubjectState::Pending,
            Self::Withdrawn | Self::Destroyed => SubjectState::Gone,
            Self::Deleted => SubjectState::Deleted,
            Self::Erased => SubjectState::Erased,
            Self::Merged => SubjectState::Merged,
        }
    }
}

/// Where a subject stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectState {
    /// There.
    Live,
    /// Ours, not confirmed by the system it belongs to; outside posted totals.
    Pending,
    /// Deleted there, restorable.
    Deleted,
    /// Gone for good, or taken back.
    Gone,
    /// Its content was erased; whatever is seen of it later is not taken in.
    Erased,
    /// Part of another record now; its old id leads there.
    Merged,
}

impl SubjectState {
    /// Its name in documents.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Pending => "pending",
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::Erased => "erased",
            Self::Merged => "merged",
        }
    }

    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Live, Self::Pending, Self::Deleted, Self::Gone, Self::Erased, Self::Merged];
}

/// What the image of a merged record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergedInto {
    /// The id of the record that stays.
    pub merged_into: String,
}

impl MergedInto {
    /// The name of the record that stays, next to the one that was merged.
    pub fn beside(&self, merged: &SubjectKey) -> SubjectKey {
        let foreign = match merged.foreign {
            ForeignId::Uuid(_) => self.merged_into.parse().map(ForeignId::Uuid).ok(),
            ForeignId::Text(_) => None,
        };
        let foreign = foreign.unwrap_or_else(|| ForeignId::Text(self.merged_into.clone()));
        SubjectKey { foreign, ..merged.clone() }
    }
}

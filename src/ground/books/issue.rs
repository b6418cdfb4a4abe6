//! Records that cannot be read as what they should be: set aside with a named reason, while the rest goes on.

use super::id::{Entity, EntityId};

/// Why a record was set aside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Issue {
    /// It is not an object at all, or breaks off.
    #[error("it is not a record")]
    NotARecord,
    /// It has no id, so that it cannot be told from others.
    #[error("it has no id that can be read")]
    NoId,
    /// A field stands in it twice: which one counts cannot be known.
    #[error("the field {0} stands in it twice")]
    FieldTwice(String),
    /// Its currency is none that exists.
    #[error("its currency {0:?} does not exist")]
    NoSuchCurrency(String),
    /// An amount, a date or a line cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(String),
}

impl Issue {
    /// The name of the issue, which does not change.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotARecord => "not_a_record",
            Self::NoId => "no_id",
            Self::FieldTwice(_) => "field_twice",
            Self::NoSuchCurrency(_) => "no_such_currency",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A record that was set aside. Its text is kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The kind it came as.
    pub entity: Entity,
    /// Its id, where it has one that can be read.
    pub id: Option<EntityId>,
    /// What is wrong.
    pub issue: Issue,
    /// Its text as it came.
    pub text: String,
}

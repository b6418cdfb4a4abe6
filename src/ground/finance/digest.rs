//! What a company is told of a week (finance 4.5): drafted from the books as they stood at one moment, edited and approved by somebody.
//! There is one for each company and week; what it says follows from the journal at that moment and from the words written above it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ground::books::RealmId;
use crate::ground::books::connected::named;
use crate::ground::id::Object;
use crate::ground::journal::Actor;
use crate::ground::time::{CalendarDate, Instant};

/// How far a digest is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DigestStage {
    /// It can be drawn up anew and edited.
    Draft,
    /// Somebody said that it can go out; nothing of it changes any more.
    Approved {
        /// Who.
        approved_by: Actor,
        /// When.
        approved_at: Instant,
    },
}

/// A digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Our id: there is one for each company and week.
    pub id: Uuid,
    /// Of which company.
    pub realm: RealmId,
    /// The Monday of the week it is about.
    pub week: CalendarDate,
    /// The last entry of the journal that it knows.
    pub as_of: u64,
    /// The day it was drawn up, in the company's zone.
    pub today: CalendarDate,
    /// The moment.
    pub at: Instant,
    /// What the company was called then.
    pub called: String,
    /// What somebody wrote above it.
    pub words: String,
    /// How far it is.
    #[serde(flatten)]
    pub stage: DigestStage,
}

impl Digest {
    /// The id of the digest of a company and week.
    pub fn id_of(realm: &RealmId, week: CalendarDate) -> Uuid {
        named(Object::MoneyDigest, &format!("{realm}/{week}"))
    }
}

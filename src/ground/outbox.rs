//! What is on its way to another system, and what is known about its arrival.

use serde::{Deserialize, Serialize};

use super::gift::Gift;
use super::id::{CompanyId, GiftId, PersonId, RunId, StagedId};
use super::money::Money;
use super::time::CalendarDate;

/// One gift on its way to Twenty. It exists from the commit that leases its row until the commit that stores
/// its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The run that sends it.
    pub run: RunId,
    /// The row it posts.
    pub row: StagedId,
    /// The id of the record, chosen by us before the first call: the key that makes posting exactly-once.
    pub key: GiftId,
    /// Messages of one group travel in one call.
    pub group: u32,
    /// What is known about its arrival.
    pub arrival: Arrival,
    /// Whether its group was already probed after Twenty spoke of a duplicate: a second such answer means
    /// another unique field, and the group is halved.
    pub clash_probed: bool,
    /// How often in a row it was sent without a usable answer and then not found.
    pub misses: u8,
    /// The request body of this record, as JSON text.
    pub body: String,
    /// What must stand in Twenty for a found record to be ours.
    pub expected: Expected,
}

/// What is known about a message's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arrival {
    /// It is certain that it is not there: it may be sent.
    NotSent,
    /// It may be there: it must be probed before it is sent again. Written before every call.
    Unknown,
}

/// The facts by which a record found under our key is recognised as ours (house, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The amount.
    pub amount: Money,
    /// The gift date.
    pub gift_date: Option<CalendarDate>,
    /// The donor.
    pub donor: Option<PersonId>,
    /// The organisation.
    pub company: Option<CompanyId>,
}

impl Expected {
    /// Whether a record found under our key is what we sent.
    pub fn is(&self, found: &Gift) -> bool {
        found.amount == Some(self.amount)
            && found.gift_date == self.gift_date
            && found.donor == self.donor
            && found.company == self.company
    }
}

//! What is on its way to another system, and what is known about its arrival.

use serde::{Deserialize, Serialize};

use super::gift::Gift;
use super::id::{CompanyId, GiftId, PersonId, RunId, StagedId};
use super::money::Money;
use super::time::CalendarDate;

/// Messages may have one record on their way at a time: first the donor, where one is to be made, then the gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDonor {
    /// The id of the person, chosen by us before the first call.
    pub key: PersonId,
    /// The request body of the person, as JSON text.
    pub body: String,
    /// The group that the gift joins once the donor is there.
    pub then_group: u32,
}

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
    /// The donor who must be in Twenty before the gift can be sent. While it is there, everything about groups and
    /// arrival speaks of the donor's record. Last, since older stores hold messages without it.
    pub first: Option<NewDonor>,
}

impl Message {
    /// The id of the record that is on its way now.
    pub const fn on_its_way(&self) -> uuid::Uuid {
        match &self.first {
            Some(donor) => donor.key.0,
            None => self.key.0,
        }
    }

    /// The request body of the record that is on its way now.
    pub const fn body_on_its_way(&self) -> &str {
        match &self.first {
            Some(donor) => donor.body.as_str(),
            None => self.body.as_str(),
        }
    }

    /// The message once its donor is in Twenty: its gift certainly was never sent.
    #[must_use]
    pub fn after_donor(mut self) -> Self {
        if let Some(donor) = self.first.take() {
            self.group = donor.then_group;
            self.arrival = Arrival::NotSent;
            self.clash_probed = false;
            self.misses = 0;
        }
        self
    }
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

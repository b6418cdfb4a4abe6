//! The confirmed gifts of the mirror by day and by donor, in memory: sums of a period, first and last gifts. It follows the
//! journal as the queue does ([`super::staged`]); an erasure empties it. A pending gift is not in it: what Twenty has not
//! confirmed is outside posted totals.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::error::StoreError;
use super::key;
use super::ledger::Ledger;
use super::reader::Order;
use super::{AfterCommit, Written};
use crate::ground::crm::GiftRecord;
use crate::ground::giving::Period;
use crate::ground::id::{ConnectionId, GiftId, Object, PersonId, Seq};
use crate::ground::journal::SubjectState;
use crate::ground::money::{Money, Totals};
use crate::ground::time::CalendarDate;

/// Gifts read in one go; then others get their turn.
const STRETCH: usize = 5_000;

/// One gift, as far as sums and nudges need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its id.
    pub id: GiftId,
    /// The day it was given.
    pub day: CalendarDate,
    /// How much; none when Twenty has no amount that can be read.
    pub amount: Option<Money>,
    /// Who gave, when a person.
    pub donor: Option<PersonId>,
}

/// What a period came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Sums by currency.
    pub totals: Totals,
    /// How many gifts.
    pub gifts: u64,
    /// How many of them have no amount that can be read, and are in no sum.
    pub without_amount: u64,
}

/// The gifts in memory.
#[derive(Debug, Default)]
pub struct Giving {
    /// Everything up to this entry is in it.
    upto: u64,
    gifts: HashMap<Uuid, Given>,
    by_day: BTreeSet<(CalendarDate, Uuid)>,
    by_donor: BTreeSet<(PersonId, CalendarDate, Uuid)>,
}

/// Holds them and lets them be looked at.
#[derive(Debug, Default)]
pub struct GivingShelf {
    kept: Mutex<Giving>,
    /// The last entry that erased something: what was read before it is not taken in.
    erased_at: Mutex<u64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between leaves at worst gifts that are read again.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl GivingShelf {
    /// Lets the gifts of this state be looked at. None: there is more to read first than fits in one go, or `ledger` is
    /// older than what is here; ask again with a new snapshot.
    pub fn look<T>(
        &self,
        ledger: &Ledger<'_>,
        look: impl FnOnce(&Giving) -> T,
    ) -> Result<Option<T>, StoreError> {
        let mut kept = locked(&self.kept);
        let last = ledger.last_seq()?.0;
        if last < kept.upto || last < *locked(&self.erased_at) {
            return Ok(None);
        }
        Ok(if kept.catch_up(ledger, last)? { Some(look(&kept)) } else { None })
    }
}

impl AfterCommit for GivingShelf {
    fn committed(&self, written: &[Written]) {
        let erased = written.iter().filter(|entry| entry.state == SubjectState::Erased);
        if let Some(last) = erased.map(|entry| entry.seq).max() {
            *locked(&self.erased_at) = last;
            *locked(&self.kept) = Giving::default();
        }
    }
}

impl Giving {
    /// The gifts of a period, the newest first.
    pub fn gifts(&self, period: Period) -> impl Iterator<Item = Given> + '_ {
        let range = (period.from, Uuid::nil())..=(period.to, Uuid::max());
        self.by_day.range(range).rev().filter_map(|(_, id)| self.gifts.get(id)).copied()
    }

    /// What a period came to.
    pub fn came(&self, period: Period) -> Came {
        let mut came = Came::default();
        for gift in self.gifts(period) {
            came.gifts += 1;
            match gift.amount {
                Some(amount) => came.totals.add(amount),
                None => came.without_amount += 1,
            }
        }
        came
    }

    /// Gifts of a period that are their donor's first, the newest first: one a donor.
    pub fn first_gifts(&self, period: Period) -> Vec<Given> {
        self.gifts(period).filter(|gift| self.of_donor(gift).next().is_some_and(|id| id == gift.id)).collect()
    }

    /// Gifts of a period that are their donor's last, the newest first: one a donor.
    pub fn last_gifts(&self, period: Period) -> Vec<Given> {
        self.gifts(period)
            .filter(|gift| self.of_donor(gift).next_back().is_some_and(|id| id == gift.id))
            .collect()
    }

    /// What somebody gave in all, and how many gifts.
    pub fn given_by(&self, donor: PersonId) -> (Totals, u64) {
        let (first, last) = (CalendarDate::FIRST, CalendarDate::LAST);
        let (mut totals, mut count) = (Totals::default(), 0);
        for (.., id) in self.by_donor.range((donor, first, Uuid::nil())..=(donor, last, Uuid::max())) {
            count += 1;
            self.gifts.get(id).and_then(|gift| gift.amount).into_iter().for_each(|amount| totals.add(amount));
        }
        (totals, count)
    }

    /// The gifts of whoever gave this one, the oldest first; none of an organisation's.
    fn of_donor(&self, gift: &Given) -> impl DoubleEndedIterator<Item = GiftId> + '_ {
        let range = gift.donor.map(|donor| {
            let (first, last) = (CalendarDate::FIRST, CalendarDate::LAST);
            self.by_donor.range((donor, first, Uuid::nil())..=(donor, last, Uuid::max()))
        });
        range.into_iter().flatten().map(|(.., id)| GiftId(*id))
    }

    fn catch_up(&mut self, ledger: &Ledger<'_>, last: u64) -> Result<bool, StoreError> {
        if self.upto == last {
            return Ok(true);
        }
        let (mut changed, mut more) = (Vec::new(), false);
        for state in SubjectState::ALL {
            let prefix = key::newest(ConnectionId::TWENTY, Object::Gifts, state).prefix();
            let after = [prefix.0.as_slice(), &key::end(self.upto)].concat();
            let (seqs, next) = ledger.led_to(&prefix, Some(&after), Order::Up, STRETCH)?;
            more |= next.is_some();
            changed.extend(seqs);
        }
        changed.sort_unstable();
        more |= changed.len() > STRETCH;
        changed.truncate(STRETCH);
        for seq in &changed {
            self.take_in(ledger, Seq(*seq))?;
        }
        self.upto = if more { changed.last().copied().unwrap_or(last) } else { last };
        Ok(!more)
    }

    fn take_in(&mut self, ledger: &Ledger<'_>, seq: Seq) -> Result<(), StoreError> {
        let Some(record) = ledger.record_at(seq)? else { return Ok(()) };
        let Some(id) = record.key.uuid() else { return Ok(()) };
        if let Some(old) = self.gifts.remove(&id) {
            self.by_day.remove(&(old.day, id));
            old.donor.map(|donor| self.by_donor.remove(&(donor, old.day, id)));
        }
        if record.state != SubjectState::Live {
            return Ok(());
        }
        let gift = serde_json::from_str::<GiftRecord>(&record.value).ok().map(GiftRecord::into_gift);
        // A gift without a day is in no period.
        let Some((gift, day)) = gift.and_then(|gift| gift.gift_date.map(|day| (gift, day))) else {
            return Ok(());
        };
        self.by_day.insert((day, id));
        gift.donor.map(|donor| self.by_donor.insert((donor, day, id)));
        self.gifts.insert(id, Given { id: gift.id, day, amount: gift.amount, donor: gift.donor });
        Ok(())
    }
}

//! A figure with all that makes it believable: how it was computed, over which days, from which records (finance 8.2).

use crate::ground::books::{Entity, EntityId};
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// A record of the company a figure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordName {
    /// Its kind.
    pub entity: Entity,
    /// Its id.
    pub id: EntityId,
}

/// Why a figure is not known (finance 2.1): never 0, never a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// No bank account in use is mirrored.
    NoBalance,
    /// A bank account tells no balance.
    BalanceMissing,
    /// No money spent is recorded, nor a bill.
    NoHistory,
    /// What it rests on is not known.
    NoBurn,
    /// There are no records it could be about.
    NoRecords,
    /// Amounts of another currency tell no value in the company's own.
    ForeignCurrency,
    /// A record it would rest on cannot be read.
    Unreadable,
    /// It is beyond what can be reckoned exactly.
    TooLarge,
}

impl Unknown {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoBalance => "no_balance",
            Self::BalanceMissing => "balance_missing",
            Self::NoHistory => "no_history",
            Self::NoBurn => "no_burn",
            Self::NoRecords => "no_records",
            Self::ForeignCurrency => "foreign_currency",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
        }
    }
}

/// A value, or why there is none.
pub type Known<T> = Result<T, Unknown>;

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure<T> {
    /// The value, or why there is none.
    pub value: Known<T>,
    /// How it was computed, as a word of the API.
    pub method: &'static str,
    /// Over which days, both included, where it is about some.
    pub window: Option<(CalendarDate, CalendarDate)>,
    /// The records that make it.
    pub of: Vec<RecordName>,
}

impl<T> Figure<T> {
    /// A figure about the day it is asked for.
    pub const fn now(value: Known<T>, method: &'static str, of: Vec<RecordName>) -> Self {
        Self { value, method, window: None, of }
    }
}

/// Adds amounts of one currency, in micros; unknown beyond what is held exactly.
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Known<i64> {
    let total: i128 = amounts.into_iter().map(|amount| i128::from(amount.micros)).sum();
    i64::try_from(total).map_err(|_| Unknown::TooLarge)
}

/// `numerator / denominator`, to the nearest whole number; halves go to the even neighbour. The one place where figures are
/// rounded. None for a denominator of nothing.
pub fn half_even(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator == 0 {
        return None;
    }
    let (numerator, denominator) =
        if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => whole.rem_euclid(2),
    };
    Some(whole + up)
}

//! A figure with all that makes it believable: how it was computed, over which days, from which records (finance 8.2).

use uuid::Uuid;

use crate::ground::books::{Entity, EntityId};
use crate::ground::money::{Currency, Money};
use crate::ground::time::CalendarDate;

/// A record of the company a figure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordName {
    /// Its kind.
    pub entity: Entity,
    /// Its id.
    pub id: EntityId,
}

/// What a part of a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A record of the books.
    Record(RecordName),
    /// What somebody said here: money set aside, something that is known to come.
    Said(Uuid),
}

impl Source {
    /// The record, if it is one.
    pub const fn record(&self) -> Option<&RecordName> {
        match self {
            Self::Record(name) => Some(name),
            Self::Said(_) => None,
        }
    }
}

/// What one source adds to a figure, with its sign: the sum of all is the figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// From where.
    pub source: Source,
    /// How much.
    pub amount: Known<Money>,
}

impl Share {
    /// What a record adds.
    pub const fn of(name: RecordName, amount: Known<Money>) -> Self {
        Self { source: Source::Record(name), amount }
    }
}

/// The sum of shares in a currency; unknown where one of them is.
pub fn total(shares: &[Share], currency: Currency) -> Known<Money> {
    let amounts: Vec<Money> = shares.iter().map(|share| share.amount).collect::<Known<_>>()?;
    Ok(Money { micros: sum(amounts)?, currency })
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
    /// Nobody has set the limit it is judged by, and there is none for this currency.
    NotSet,
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
            Self::NotSet => "not_set",
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
    /// What makes it.
    pub of: Vec<Share>,
}

impl<T> Figure<T> {
    /// A figure about the day it is asked for.
    pub const fn now(value: Known<T>, method: &'static str, of: Vec<Share>) -> Self {
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

/// `part / of` of an amount, to the nearest minor unit; none beyond what is held exactly.
pub fn portion(amount: Money, part: u32, of: u32) -> Option<Money> {
    let unit = i128::from(amount.currency.minor_unit_micros());
    let minor = half_even(i128::from(amount.micros) * i128::from(part), i128::from(of) * unit)?;
    Some(Money { micros: i64::try_from(minor * unit).ok()?, ..amount })
}

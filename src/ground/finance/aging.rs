//! How late what is open is, in buckets that add up to all of it (finance 2.10). Bills age by their due date as invoices do.

use super::facts::{Document, Facts, Side};
use super::figure::{Figure, Share, total as sum_of};
use crate::ground::books::Entity;
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// How late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Not due yet, or due today.
    Current,
    /// 1 to 30 days.
    To30,
    /// 31 to 60 days.
    To60,
    /// 61 to 90 days.
    To90,
    /// More than 90 days.
    Beyond90,
    /// Without a due date.
    NoDueDate,
}

impl Bucket {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Current, Self::To30, Self::To60, Self::To90, Self::Beyond90, Self::NoDueDate];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::To30 => "1_30",
            Self::To60 => "31_60",
            Self::To90 => "61_90",
            Self::Beyond90 => "over_90",
            Self::NoDueDate => "no_due_date",
        }
    }

    /// The bucket of a document.
    pub fn of(document: &Document, today: CalendarDate) -> Self {
        match document.days_late(today) {
            None => Self::NoDueDate,
            Some(..=0) => Self::Current,
            Some(1..=30) => Self::To30,
            Some(31..=60) => Self::To60,
            Some(61..=90) => Self::To90,
            Some(_) => Self::Beyond90,
        }
    }
}

/// What is open, bucket by bucket, in their order.
pub fn aging(facts: &Facts, side: Side, today: CalendarDate) -> Vec<(Bucket, Figure<Money>)> {
    let figure = |bucket: Bucket| {
        let of: Vec<&Document> =
            facts.open(side).filter(|document| Bucket::of(document, today) == bucket).collect();
        (bucket, total(facts, side, &of))
    };
    Bucket::ALL.into_iter().map(figure).collect()
}

/// All that is open.
pub fn open(facts: &Facts, side: Side) -> Figure<Money> {
    let of: Vec<&Document> = facts.open(side).collect();
    total(facts, side, &of)
}

fn total(facts: &Facts, side: Side, of: &[&Document]) -> Figure<Money> {
    let kind = match side {
        Side::Bill => Entity::Bill,
        Side::Invoice => Entity::Invoice,
    };
    let shares: Vec<Share> =
        of.iter().map(|document| Share::of(document.name.clone(), document.open)).collect();
    let value = facts.can_read(&[kind]).and_then(|()| sum_of(&shares, facts.home));
    Figure::now(value, "open_balances", shares)
}

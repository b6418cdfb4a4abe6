//! Which bill is paid sooner (finance 2.7, the normative one), with what it consists of.

use serde::{Deserialize, Serialize};

use super::burn::{Burn, impact_tenths};
use super::facts::Document;
use super::figure::Known;
use super::policy::Policy;
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// How important a vendor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tier {
    /// Wages, rent, taxes: always first.
    First,
    /// Key contractors.
    Second,
    /// Everybody else, or nobody said.
    Third,
}

impl Tier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Third => "third",
        }
    }
}

/// What is known of a vendor that the books do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorTerms {
    /// How important.
    pub tier: Tier,
    /// What is charged for being late, in hundredths of a per cent.
    pub late_fee: u32,
    /// What is taken off for paying early, in hundredths of a per cent, and until when.
    pub discount: Option<(u32, CalendarDate)>,
}

impl VendorTerms {
    /// Of a vendor nobody said anything about.
    pub const UNSAID: Self = Self { tier: Tier::Third, late_fee: 0, discount: None };
}

/// A part of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// For what: `due`, `vendor`, `late_fee`, `discount` or `size`.
    pub what: &'static str,
    /// How much, in tenths of a point.
    pub tenths: i64,
}

/// A score from 0 to 100, with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Whole points.
    pub points: i64,
    /// What it consists of; they may add up to more than 100.
    pub parts: Vec<Part>,
}

const LATE_FEE: u32 = 150;

fn due(document: &Document, today: CalendarDate) -> i64 {
    match document.days_late(today) {
        Some(late @ 1..) => (400 + 15 * i64::from(late)).min(600),
        Some(-1..=0) => 400,
        Some(-3..=-2) => 300,
        Some(-7..=-4) => 200,
        Some(-14..=-8) => 100,
        Some(_) | None => 0,
    }
}

/// The priority of an open bill.
pub fn priority(document: &Document, vendor: VendorTerms, burn: &Known<Burn>, today: CalendarDate) -> Score {
    let tier = match vendor.tier {
        Tier::First => 250,
        Tier::Second => 100,
        Tier::Third => 0,
    };
    let fee = if vendor.late_fee >= LATE_FEE { 100 } else { 0 };
    let discount = vendor.discount.map_or(0, |(hundredths, until)| {
        let soon = (0..=3).contains(&until.days_since(today));
        match hundredths {
            300.. if soon => 200,
            200.. if soon => 120,
            _ => 0,
        }
    });
    let tenths = (*burn).and_then(|burn| impact_tenths(document.open?, &burn));
    let size = match tenths {
        Ok(50..) => 100,
        Ok(20..) => 50,
        Ok(_) | Err(_) => 0,
    };
    let parts: Vec<Part> = [
        ("due", due(document, today)),
        ("vendor", tier),
        ("late_fee", fee),
        ("discount", discount),
        ("size", size),
    ]
    .into_iter()
    .map(|(what, tenths)| Part { what, tenths })
    .collect();
    let points = parts.iter().map(|part| part.tenths).sum::<i64>() / 10;
    Score { points: points.min(100), parts }
}

/// In which order bills are paid: by score, then the due date, then the larger one, then the id.
pub fn order(one: (&Score, &Document), other: (&Score, &Document)) -> std::cmp::Ordering {
    let open = |document: &Document| document.open.map_or(0, |open: Money| open.micros);
    let due = |document: &Document| document.due.unwrap_or(CalendarDate::LAST);
    other
        .0
        .points
        .cmp(&one.0.points)
        .then_with(|| due(one.1).cmp(&due(other.1)))
        .then_with(|| open(other.1).cmp(&open(one.1)))
        .then_with(|| one.1.name.cmp(&other.1.name))
}

/// Until when a bill can be paid without harm (2.5): its due date and the grace, unless being late costs something. None
/// without a due date.
pub fn latest_safe(document: &Document, vendor: VendorTerms, policy: &Policy) -> Option<CalendarDate> {
    let grace = if vendor.late_fee >= LATE_FEE { 0 } else { policy.grace_days };
    document.due.map(|due| due.plus_days(grace))
}

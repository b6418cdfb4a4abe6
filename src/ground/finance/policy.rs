//! What a firm or a company decides for itself: bands, buffers, limits (finance 2.3, 2.5, 2.6). The values here are those of
//! the domain text; each figure is told with the policy it was judged by.

use std::collections::BTreeSet;

use crate::ground::books::EntityId;

/// The rules by which figures are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Runway below so many days is red (2.3).
    pub red_below: i64,
    /// And amber below so many.
    pub amber_below: i64,
    /// And comfortable from so many on.
    pub comfortable_from: i64,
    /// And critical below so many.
    pub critical_below: i64,
    /// An approval must leave so many days (2.6).
    pub buffer_days: i64,
    /// And so much money, in micros of the company's currency.
    pub buffer_micros: i64,
    /// Days a vendor waits beyond the due date, where nothing says otherwise (2.5).
    pub grace_days: i32,
    /// A bill of so much needs a review (2.6), in micros.
    pub review_micros: i64,
    /// And of so much two people.
    pub two_people_micros: i64,
    /// Money spent over so many days is what is spent a day (2.3).
    pub burn_days: i32,
    /// With fewer days of history a figure is told with low confidence (2.3).
    pub history_days: i32,
    /// A single payment above this is no regular spending, in micros; none leaves nothing out.
    pub one_time_micros: Option<i64>,
    /// Bank accounts whose money is not free: funds with restrictions, money of others.
    pub restricted: BTreeSet<EntityId>,
    /// An unpaid invoice above this is large (3.4), in micros.
    pub large_invoice_micros: i64,
    /// Days without a change after which what is open is old (3.4).
    pub stale_days: i32,
}

impl Default for Policy {
    fn default() -> Self {
        const UNIT: i64 = 1_000_000;
        Self {
            red_below: 14,
            amber_below: 30,
            comfortable_from: 90,
            critical_below: 7,
            buffer_days: 14,
            buffer_micros: 10_000 * UNIT,
            grace_days: 5,
            review_micros: 5_000 * UNIT,
            two_people_micros: 10_000 * UNIT,
            burn_days: 90,
            history_days: 30,
            one_time_micros: None,
            restricted: BTreeSet::new(),
            large_invoice_micros: 5_000 * UNIT,
            stale_days: 120,
        }
    }
}

/// How a runway is judged (2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Below the days at which nothing else matters.
    Critical,
    /// Too short.
    Red,
    /// Short.
    Amber,
    /// Enough.
    Green,
    /// More than enough.
    Comfortable,
}

impl Band {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
            Self::Comfortable => "comfortable",
        }
    }
}

impl Policy {
    /// The band of so many days.
    pub const fn band(&self, days: i64) -> Band {
        if days < self.critical_below {
            Band::Critical
        } else if days < self.red_below {
            Band::Red
        } else if days < self.amber_below {
            Band::Amber
        } else if days < self.comfortable_from {
            Band::Green
        } else {
            Band::Comfortable
        }
    }
}

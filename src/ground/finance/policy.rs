//! What a firm or a company decides for itself: bands, buffers, limits (finance 2.3, 2.5, 2.6). The values here are those of
//! the domain text; each figure is told with the policy it was judged by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ground::books::EntityId;
use crate::ground::money::Currency;

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
    /// And so much money, in micros of the company's currency; none where nobody set it and the domain has no amount for the
    /// currency.
    pub buffer_micros: Option<i64>,
    /// Days a vendor waits beyond the due date, where nothing says otherwise (2.5).
    pub grace_days: i32,
    /// A bill of so much needs a review (2.6), in micros.
    pub review_micros: Option<i64>,
    /// And of so much two people.
    pub two_people_micros: Option<i64>,
    /// Money spent over so many days is what is spent a day (2.3).
    pub burn_days: i32,
    /// With fewer days of history a figure is told with low confidence (2.3).
    pub history_days: i32,
    /// A single payment above this is no regular spending, in micros; none leaves nothing out.
    pub one_time_micros: Option<i64>,
    /// Bank accounts whose money is not free: funds with restrictions, money of others.
    pub restricted: BTreeSet<EntityId>,
    /// An unpaid invoice above this is large (3.4), in micros.
    pub large_invoice_micros: Option<i64>,
    /// Days without a change after which what is open is old (3.4).
    pub stale_days: i32,
}

/// Currencies in which the amounts of the domain text, which are of dollars, are amounts of the same order. In any other one
/// nothing is assumed.
const LIKE_DOLLARS: [&str; 8] = ["USD", "EUR", "GBP", "CAD", "AUD", "NZD", "CHF", "SGD"];

impl Policy {
    /// The policy of the domain text for a company with this currency.
    pub fn of(currency: Currency) -> Self {
        const UNIT: i64 = 1_000_000;
        let amount = |units: i64| LIKE_DOLLARS.contains(&currency.as_str()).then_some(units * UNIT);
        Self {
            red_below: 14,
            amber_below: 30,
            comfortable_from: 90,
            critical_below: 7,
            buffer_days: 14,
            buffer_micros: amount(10_000),
            grace_days: 5,
            review_micros: amount(5_000),
            two_people_micros: amount(10_000),
            burn_days: 90,
            history_days: 30,
            one_time_micros: None,
            restricted: BTreeSet::new(),
            large_invoice_micros: amount(5_000),
            stale_days: 120,
        }
    }
}

/// What somebody set: of a firm for all its companies, or of one company. What is not set stays as it was: the company's
/// before the firm's before the domain's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySet {
    /// [`Policy::red_below`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red_below: Option<i64>,
    /// [`Policy::amber_below`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amber_below: Option<i64>,
    /// [`Policy::comfortable_from`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comfortable_from: Option<i64>,
    /// [`Policy::critical_below`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_below: Option<i64>,
    /// [`Policy::buffer_days`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_days: Option<i64>,
    /// [`Policy::grace_days`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<i32>,
    /// [`Policy::burn_days`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_days: Option<i32>,
    /// [`Policy::stale_days`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_days: Option<i32>,
    /// [`Policy::buffer_micros`]; amounts are of one currency, so only a company has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_micros: Option<i64>,
    /// [`Policy::review_micros`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_micros: Option<i64>,
    /// [`Policy::two_people_micros`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_people_micros: Option<i64>,
    /// [`Policy::one_time_micros`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_time_micros: Option<i64>,
    /// [`Policy::large_invoice_micros`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_invoice_micros: Option<i64>,
    /// [`Policy::restricted`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<BTreeSet<EntityId>>,
}

impl PolicySet {
    /// Whether it sets an amount or an account, which only one company has.
    pub const fn is_of_one_company(&self) -> bool {
        self.buffer_micros.is_some()
            || self.review_micros.is_some()
            || self.two_people_micros.is_some()
            || self.one_time_micros.is_some()
            || self.large_invoice_micros.is_some()
            || self.restricted.is_some()
    }
}

/// Why a policy cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// Critical, red, amber and comfortable do not follow each other.
    #[error("critical, red, amber and comfortable must rise in this order")]
    Bands,
    /// Two people are needed for less than one.
    #[error("two people can't be needed from a smaller amount than one")]
    People,
    /// Below nothing, or more days than a year.
    #[error("days are from 0 to 365 (for what is spent a day, from 1), amounts not below 0")]
    Range,
}

impl Policy {
    /// With what somebody set.
    #[must_use]
    pub fn with(mut self, set: &PolicySet) -> Self {
        macro_rules! take {
            ($($field:ident),*) => { $(if let Some(value) = &set.$field { self.$field = value.clone(); })* };
        }
        take!(red_below, amber_below, comfortable_from, critical_below, buffer_days, grace_days, burn_days);
        take!(stale_days, restricted);
        self.buffer_micros = set.buffer_micros.or(self.buffer_micros);
        self.review_micros = set.review_micros.or(self.review_micros);
        self.two_people_micros = set.two_people_micros.or(self.two_people_micros);
        self.one_time_micros = set.one_time_micros.or(self.one_time_micros);
        self.large_invoice_micros = set.large_invoice_micros.or(self.large_invoice_micros);
        self
    }

    /// Whether its parts go together.
    pub fn check(&self) -> Result<(), BadPolicy> {
        let bands = [self.critical_below, self.red_below, self.amber_below, self.comfortable_from];
        if !bands.is_sorted() {
            return Err(BadPolicy::Bands);
        }
        if self.two_people_micros.is_some_and(|two| self.review_micros.is_some_and(|review| two < review)) {
            return Err(BadPolicy::People);
        }
        let days = [self.grace_days, self.stale_days].map(i64::from);
        let mut days = bands.into_iter().chain([self.buffer_days, i64::from(self.burn_days) - 1]).chain(days);
        let amounts = [
            self.buffer_micros,
            self.review_micros,
            self.two_people_micros,
            self.one_time_micros,
            self.large_invoice_micros,
        ];
        let in_range = days.all(|days| (0..=365).contains(&days))
            && amounts.into_iter().flatten().all(|amount| amount >= 0);
        if in_range { Ok(()) } else { Err(BadPolicy::Range) }
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

//! When a company is looked at, and how that stays within the month (contract 9; issue: 100 companies every 15 minutes
//! within 300,000 metered calls).
//!
//! A look for changes is one metered call whatever it covers. Companies whose webhooks are proven are looked at half as
//! often, since a webhook brings the look forward. Where the month would not last, the times between looks grow for all
//! alike, a little and early rather than much and late.

use serde::{Deserialize, Serialize};

use super::id::RealmId;
use crate::ground::time::Instant;

/// Between two looks, in milliseconds.
pub const LOOK_MS: i64 = 15 * 60_000;
/// Between two looks at a company whose webhooks are proven.
pub const LOOK_PROVEN_MS: i64 = 30 * 60_000;
/// Between two controls of totals.
const CONTROL_MS: i64 = 86_400_000;
/// Between two comparisons of all ids.
const IDS_MS: i64 = 7 * 86_400_000;
/// What a control costs: the accounts as they stand, preferences, the company, files beside records.
pub const CONTROL_CALLS: u32 = 4;
/// So many changes must have been told by webhook, none missed, over so long.
const PROVEN_TOLD: u32 = 20;
const PROVEN_MS: i64 = 7 * 86_400_000;

/// What is known of a company's webhooks: each change that a look finds was told before, or missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Told in time since the last one was missed.
    told: u32,
    /// Since when none was missed.
    faultless_since: Option<Instant>,
    /// When one was told last.
    told_at: Option<Instant>,
}

impl Hooks {
    /// A look found a change that a webhook had told.
    pub fn told(&mut self, now: Instant) {
        self.told = self.told.saturating_add(1);
        self.faultless_since.get_or_insert(now);
        self.told_at = Some(now);
    }

    /// A look found a change that no webhook had told: proof begins anew.
    pub fn missed(&mut self) {
        *self = Self::default();
    }

    /// Whether they can be relied on: enough were told, none was missed for a week, and the last one is no older than that.
    pub fn are_proven(&self, now: Instant) -> bool {
        let age = |at: Option<Instant>| at.map(|at| now.micros_since(at));
        let long = age(self.faultless_since).is_some_and(|age| age >= PROVEN_MS * 1_000);
        let lately = age(self.told_at).is_some_and(|age| age <= PROVEN_MS * 1_000);
        self.told >= PROVEN_TOLD && long && lately
    }
}

/// What is known of a company for the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the last complete look began.
    pub looked_at: Option<Instant>,
    /// When its totals were last controlled.
    pub controlled_at: Option<Instant>,
    /// When all ids were last compared.
    pub compared_at: Option<Instant>,
    /// Whether a total differs that no comparison of ids has explained since.
    pub differs: bool,
    /// Whether a webhook told of a change since the last look.
    pub told: bool,
    /// Whether its webhooks are proven.
    pub proven: bool,
    /// What a comparison of ids costs: pages over all kinds of documents.
    pub ids_calls: u32,
}

/// What is due for a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A look for changes.
    Look,
    /// A control of totals.
    Control,
    /// A comparison of ids.
    Ids,
}

/// Times between looks, as the month allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// In milliseconds.
    pub look_ms: i64,
    /// Where webhooks are proven, in milliseconds.
    pub proven_ms: i64,
}

/// What the rest of the month has to pay for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Companies that are looked at every 15 minutes.
    pub plain: u32,
    /// Companies whose webhooks are proven.
    pub proven: u32,
    /// What one control of all companies costs.
    pub control_calls: u32,
    /// What one comparison of the ids of all companies costs.
    pub ids_calls: u32,
}

impl Demand {
    /// The demand of these companies.
    pub fn of<'s>(companies: impl IntoIterator<Item = &'s Standing>) -> Self {
        companies.into_iter().fold(Self::default(), |mut demand, company| {
            *(if company.proven { &mut demand.proven } else { &mut demand.plain }) += 1;
            demand.control_calls += CONTROL_CALLS;
            demand.ids_calls += company.ids_calls;
            demand
        })
    }
}

/// The times between looks with so many regular calls left until the month ends. None when nothing is left for looks: then
/// only webhooks and people make us look. Controls and comparisons of the rest of the month are paid first, since they are
/// what proves the looks.
pub fn intervals(demand: Demand, calls_left: u32, month_left_ms: i64) -> Option<Intervals> {
    let base = Intervals { look_ms: LOOK_MS, proven_ms: LOOK_PROVEN_MS };
    let left_ms = month_left_ms.max(0);
    // Companies are spread over the interval, so that of each there is as much as the time gives.
    let controls = i64::from(demand.control_calls) * left_ms / CONTROL_MS;
    let comparisons = i64::from(demand.ids_calls) * left_ms / IDS_MS;
    // A look of a plain company costs twice as much of the time. A tenth of one for all is kept back for the last minutes.
    let weighted = i64::from(demand.plain) * (LOOK_PROVEN_MS / LOOK_MS) + i64::from(demand.proven);
    let kept_back = i64::from(demand.plain + demand.proven) / 10;
    let wanted = weighted * left_ms / LOOK_PROVEN_MS + kept_back;
    let left = i64::from(calls_left) - controls - comparisons;
    if left <= 0 {
        return None;
    }
    if wanted <= left {
        return Some(base);
    }
    let stretched = |ms: i64| (ms * wanted + left - 1) / left;
    Some(Intervals { look_ms: stretched(base.look_ms), proven_ms: stretched(base.proven_ms) })
}

/// What is due for a company now; a look before a control, since a control of what is not up to date shows gaps that are
/// none.
pub fn due(company: &Standing, intervals: Option<Intervals>, now: Instant) -> Option<Due> {
    let over = |at: Option<Instant>, ms: i64| at.is_none_or(|at| now.micros_since(at) >= ms * 1_000);
    let Some(intervals) = intervals else {
        return (company.told || company.looked_at.is_none()).then_some(Due::Look);
    };
    let interval = if company.proven { intervals.proven_ms } else { intervals.look_ms };
    if company.told || over(company.looked_at, interval) {
        return Some(Due::Look);
    }
    if company.differs || over(company.compared_at, IDS_MS) {
        return Some(Due::Ids);
    }
    over(company.controlled_at, CONTROL_MS).then_some(Due::Control)
}

/// Where in an interval a company's looks fall, so that not all companies are looked at in the same minute: the same for
/// the same company, in thousandths.
pub fn phase(realm: &RealmId) -> i64 {
    let mixed = realm.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    i64::try_from((mixed >> 32) % 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests;

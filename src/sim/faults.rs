//! What can go wrong between a client and a server, decided by number or by seed.
//!
//! A fault is a value: a plan says which befalls the n-th request, and the simulator acts it out at
//! the byte stream. Nothing waits; a timeout is told, not sat through. A plan can be written as
//! text, see [`Plan::parse`].

mod text;

use std::collections::BTreeMap;

use http::Method;

use super::dice::Dice;
use super::twenty::Version;

pub use text::{BadPlan, GRAMMAR};

/// How an exchange broke off, as far as the caller can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No connection came about: nothing can have happened.
    #[error("connection refused")]
    Refused,
    /// The connection went away: the request may or may not have taken effect.
    #[error("connection reset")]
    Reset,
    /// No answer in time: the request may or may not have taken effect.
    #[error("timed out")]
    TimedOut,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens; nothing happens.
    Refused,
    /// The connection breaks before the request takes effect.
    LostRequest,
    /// The request takes effect, then the connection breaks.
    LostReply,
    /// The request takes effect, the answer ends in the middle.
    CutBody,
    /// A proxy answers with an HTML page and this status; nothing happens.
    GatewayBefore(u16),
    /// A proxy answers with an HTML page and this status after the request took effect.
    GatewayAfter(u16),
    /// The server answers 500 with JSON; nothing happens.
    InternalError,
    /// The limiter refuses this request and the ones after it, so many in all: 429 for records over
    /// REST, an error in a 200 for GraphQL; what the limiter does not watch passes.
    Storm(u32),
    /// The records of a batch answer come in another order.
    ShuffledBatch,
    /// One record is missing from a list or batch answer.
    MissingRecord,
    /// One record of the answer carries the id of something else.
    ForeignId,
    /// A read ignores its filter and returns everything.
    IgnoredFilter,
    /// The caller hears of a timeout; nothing happens.
    TimeoutBefore,
    /// The caller hears of a timeout after the request took effect.
    TimeoutAfter,
    /// The request is delivered twice; the caller gets the second answer.
    DuplicateDelivery,
    /// Somebody edits a random row right after the request.
    ConcurrentEdit,
    /// An administrator removes a field before the request.
    FieldRemoved {
        /// Plural name of the object.
        object: String,
        /// Name of the field.
        field: String,
    },
    /// An administrator adds a text field before the request.
    FieldAdded {
        /// Plural name of the object.
        object: String,
        /// Name of the field.
        field: String,
    },
    /// An administrator renames a field before the request.
    FieldRenamed {
        /// Plural name of the object.
        object: String,
        /// Name of the field.
        field: String,
        /// Its new name.
        to: String,
    },
    /// The answer comes so many milliseconds late. In process it comes at once; the log tells.
    Slow(u64),
    /// The database takes too long: 400 with `Query read timeout`; nothing happens.
    QueryTimeout,
    /// The objects and fields over REST answer 500, as on one release of the real server; others,
    /// the same over GraphQL among them, are not harmed.
    MetadataError,
    /// A read is answered by a replica that lacks the last so many writes.
    StaleRead(usize),
    /// Somebody creates a record right after the request.
    ConcurrentCreate,
    /// Somebody puts a random row into the bin right after the request.
    ConcurrentDelete,
    /// Somebody destroys a random row right after the request.
    HardDelete,
    /// Another importer changes a random row and dates the change back by a day.
    BackdatedEdit,
    /// The nightly job empties the bin of what lay there for two weeks.
    TrashPurge,
    /// From this request on the server's clock goes wrong by so many milliseconds.
    ClockSkew(i64),
    /// From this request on another version of the server answers.
    VersionSwitch(Version),
}

/// One thing that goes wrong on the way of a webhook's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookFault {
    /// It never leaves.
    Lost,
    /// It leaves twice.
    Duplicated,
    /// It overtakes calls that were there before it.
    Reordered,
    /// It leaves so many milliseconds late.
    Late(i64),
}

/// Which requests a plan counts and harms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    Every,
    /// Those that only read.
    Reads,
    /// Those that change something.
    Writes,
}

impl Scope {
    fn covers(self, method: &Method) -> bool {
        let reads = method == Method::GET || method == Method::HEAD || method == Method::OPTIONS;
        match self {
            Self::Every => true,
            Self::Reads => reads,
            Self::Writes => !reads,
        }
    }
}

/// What is to go wrong, and when.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    scope: Scope,
    scripted: BTreeMap<u64, Fault>,
    odds: Vec<(u64, Fault)>,
    every: Vec<(u64, Fault)>,
    hooks: Vec<(u64, HookFault)>,
    seed: Option<u64>,
    counted: u64,
    storm: u32,
}

impl Plan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// The n-th request (counted from 1, from the moment the plan is set) meets this fault.
    #[must_use]
    pub fn at(mut self, request: u64, fault: Fault) -> Self {
        self.scripted.insert(request, fault);
        self
    }

    /// Any request meets this fault so many times in a thousand, drawn from the simulator's seed.
    #[must_use]
    pub fn often(mut self, per_mille: u64, fault: Fault) -> Self {
        self.odds.push((per_mille, fault));
        self
    }

    /// Every n-th request meets this fault.
    #[must_use]
    pub fn every(mut self, requests: u64, fault: Fault) -> Self {
        self.every.push((requests, fault));
        self
    }

    /// Any call of a webhook meets this fault so many times in a thousand.
    #[must_use]
    pub fn hook(mut self, per_mille: u64, fault: HookFault) -> Self {
        self.hooks.push((per_mille, fault));
        self
    }

    /// Draws from a seed of its own instead of the simulator's.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The seed of its own, if it has one.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// What befalls the calls of webhooks, with the chance of each in a thousand.
    pub(crate) fn hook_faults(&self) -> &[(u64, HookFault)] {
        &self.hooks
    }

    /// Only requests of this scope are counted and harmed.
    #[must_use]
    pub fn only(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// A little of everything a bad network and a busy server do, for simulation runs.
    pub fn rough(per_mille: u64) -> Self {
        [
            Fault::Refused,
            Fault::LostRequest,
            Fault::LostReply,
            Fault::CutBody,
            Fault::GatewayBefore(502),
            Fault::GatewayAfter(503),
            Fault::InternalError,
            Fault::Storm(3),
            Fault::ShuffledBatch,
            Fault::TimeoutBefore,
            Fault::TimeoutAfter,
            Fault::DuplicateDelivery,
            Fault::ConcurrentEdit,
        ]
        .into_iter()
        .fold(Self::none(), |plan, fault| plan.often(per_mille, fault))
    }

    /// The fault of the next request.
    pub(crate) fn next(&mut self, method: &Method, dice: &mut Dice) -> Option<Fault> {
        let covered = self.scope.covers(method);
        self.counted += u64::from(covered);
        let due = if covered { self.due(dice) } else { None };
        if self.storm > 0 {
            // Whatever was due is drawn all the same, so that a storm shifts nothing that comes after it.
            self.storm -= 1;
            return Some(Fault::Storm(0));
        }
        let fault = due;
        if let Some(Fault::Storm(length)) = fault {
            self.storm = length.saturating_sub(1);
        }
        fault
    }

    /// What is written or drawn for the request that was counted last.
    fn due(&self, dice: &mut Dice) -> Option<Fault> {
        // Every chance is drawn, hit or not, so that a fault that strikes shifts no other.
        let mut hit = None;
        for (per_mille, fault) in &self.odds {
            if dice.per_mille(*per_mille) && hit.is_none() {
                hit = Some(fault);
            }
        }
        let periodic = |(requests, _): &&(u64, Fault)| self.counted.is_multiple_of((*requests).max(1));
        let written = self.scripted.get(&self.counted);
        let written = written.or_else(|| self.every.iter().find(periodic).map(|(_, fault)| fault));
        written.or(hit).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Fault, Method, Plan, Scope};

    #[test]
    fn a_scripted_fault_meets_its_request_only() {
        let mut plan = Plan::none().at(2, Fault::LostReply).only(Scope::Writes);
        let mut dice = Dice::new(1, 0);
        assert_eq!(plan.next(&Method::POST, &mut dice), None);
        assert_eq!(plan.next(&Method::GET, &mut dice), None);
        assert_eq!(plan.next(&Method::POST, &mut dice), Some(Fault::LostReply));
        assert_eq!(plan.next(&Method::POST, &mut dice), None);
    }

    #[test]
    fn a_storm_lasts_as_long_as_it_says() {
        let mut plan = Plan::none().at(1, Fault::Storm(3));
        let mut dice = Dice::new(1, 0);
        let stormy = (0..5).filter(|_| plan.next(&Method::GET, &mut dice).is_some()).count();
        assert_eq!(stormy, 3);
    }

    #[test]
    fn chances_depend_on_the_seed_alone() {
        let draw = |seed: u64| {
            let mut plan = Plan::rough(30);
            let mut dice = Dice::new(seed, 0);
            (0..200).map(|_| plan.next(&Method::POST, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}

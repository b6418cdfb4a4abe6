//! Custody of the tokens of one company (contract 1.4, 1.5): one refresher, the new pair durable before it is used, and
//! nobody overwrites a newer one.
//!
//! What is stored is [`Custody`]; the access token is taken from what was stored and from nowhere else, so that a pair
//! that was not committed cannot be used. [`Refresher`] lives in memory only, and a new process begins with an idle one.

use serde::{Deserialize, Serialize};

use super::id::RealmId;
use crate::ground::time::Instant;

/// An access token is renewed so long before it ends, in milliseconds (contract 1.5).
const RENEWED_BEFORE_MS: i64 = 5 * 60_000;
/// A company that nobody asks for is refreshed after so long, in milliseconds: the refresh token ends after 100 idle days,
/// and daily is simplest (contract 1.5).
const IDLE_MS: i64 = 20 * 3_600_000;
/// The first pause after a refresh without an answer, and the longest, in milliseconds.
const PAUSE_MS: i64 = 5_000;
const PAUSE_MAX_MS: i64 = 300_000;

/// A token. It is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The token of this text; none if it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text, for the one header or body it belongs in.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the token server gave, complete: a reply that lacks either token is no pair (contract 1.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// For calls.
    pub access: Secret,
    /// Until when it is good.
    pub access_until: Instant,
    /// For the next pair.
    pub refresh: Secret,
    /// Until when it is good if nobody uses it: as received, never assumed, and unknown where it was not told.
    pub refresh_until: Option<Instant>,
    /// When it was received.
    pub received_at: Instant,
}

/// Whether the company can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It can.
    Connected,
    /// Somebody has to connect this company again. Nothing else stops.
    Reconnect {
        /// Since when.
        since: Instant,
        /// Why.
        why: Lost,
    },
}

/// Why a company must be connected again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lost {
    /// The token server does not know the refresh token any more: it was taken back, has ended, or a newer one was
    /// given out in a reply that never arrived.
    RefreshRefused,
    /// A fresh access token is refused too: the person who connected it has lost their right.
    AccessRefused,
}

/// What is stored of one company's tokens, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    realm: RealmId,
    /// One more with each change: who holds an older one may not write.
    revision: u64,
    pair: Pair,
    standing: Standing,
}

/// A newer pair is stored than the one that was to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a newer token of this company is stored already")]
pub struct Superseded;

/// An access token with the revision it was stored under, for telling a refusal of it from one of an older token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token.
    pub token: Secret,
    /// Of which revision.
    pub revision: u64,
}

/// What can be done for somebody who wants to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call with this.
    Call(Bearer),
    /// Refresh first.
    Refresh,
    /// Not before a person has connected the company again.
    Reconnect,
}

impl Custody {
    /// A company that was connected just now.
    pub const fn connected(realm: RealmId, pair: Pair) -> Self {
        Self { realm, revision: 1, pair, standing: Standing::Connected }
    }

    /// Which company.
    pub const fn realm(&self) -> &RealmId {
        &self.realm
    }

    /// Which revision.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether it can be reached.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Until when its refresh token lives if nobody uses it.
    pub const fn refresh_until(&self) -> Option<Instant> {
        self.pair.refresh_until
    }

    /// Its refresh token, to be given back.
    pub const fn refresh_token(&self) -> &Secret {
        &self.pair.refresh
    }

    /// What somebody who wants to call does, knowing that a token of `refused` was refused (401) if one was.
    pub fn next(&self, refused: Option<u64>, now: Instant) -> Next {
        if matches!(self.standing, Standing::Reconnect { .. }) {
            return Next::Reconnect;
        }
        let ends_soon = now.plus_millis(RENEWED_BEFORE_MS) >= self.pair.access_until;
        if ends_soon || refused == Some(self.revision) {
            return Next::Refresh;
        }
        Next::Call(Bearer { token: self.pair.access.clone(), revision: self.revision })
    }

    /// Whether it is refreshed although nobody wants to call.
    pub fn is_idle(&self, now: Instant) -> bool {
        let connected = self.standing == Standing::Connected;
        connected && now.micros_since(self.pair.received_at) >= IDLE_MS * 1_000
    }

    /// The same company with a new pair: refreshed, or connected again.
    #[must_use]
    pub fn renewed(&self, pair: Pair) -> Self {
        Self { realm: self.realm.clone(), revision: self.revision + 1, pair, standing: Standing::Connected }
    }

    /// The same company, to be connected again.
    #[must_use]
    pub fn lost(&self, why: Lost, now: Instant) -> Self {
        let standing = Standing::Reconnect { since: now, why };
        Self { revision: self.revision + 1, standing, ..self.clone() }
    }

    /// Compare and swap, done inside the commit: what to store, if what is stored is still what `new` was made from.
    pub fn swap(stored: &Self, new: Self) -> Result<Self, Superseded> {
        let follows = new.realm == stored.realm && new.revision == stored.revision + 1;
        if follows { Ok(new) } else { Err(Superseded) }
    }
}

/// What came back from the token server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A complete pair.
    Pair(Pair),
    /// `invalid_grant`: it does not know this refresh token.
    InvalidGrant,
    /// Our own client id or secret is wrong: no fault of any company's token.
    InvalidClient,
    /// No connection, a time-out, 5xx, no JSON, or a reply without both tokens: anything can have happened.
    NoAnswer,
}

/// One request to the token server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The token to exchange.
    pub refresh: Secret,
    /// Of which revision it is.
    pub revision: u64,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Commit this by [`Custody::swap`], before anything else; then use it.
    Commit(Box<Custody>),
    /// Exchange this newer token, which somebody stored meanwhile.
    Again(Ask),
    /// Keep what is stored. Not again before this moment.
    Keep(Instant),
}

/// The one refresher of a company. Whoever finds it busy waits for its commit instead of asking as well.
#[derive(Clone, Debug, Default)]
pub struct Refresher {
    /// Which revision is being exchanged.
    out: Option<u64>,
    not_before: Instant,
    failures: u32,
}

impl Refresher {
    /// Begins a refresh of what is stored now: none while one is under way, or before a pause is over.
    pub fn begin(&mut self, stored: &Custody, now: Instant) -> Option<Ask> {
        let connected = stored.standing == Standing::Connected;
        if self.out.is_some() || now < self.not_before || !connected {
            return None;
        }
        Some(self.ask(stored))
    }

    fn ask(&mut self, stored: &Custody) -> Ask {
        self.out = Some(stored.revision);
        Ask { refresh: stored.pair.refresh.clone(), revision: stored.revision }
    }

    /// When the next refresh may begin.
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// What an answer leads to; `stored` was read after it came. A refusal counts only for what is stored: if a newer
    /// token is there, that one is tried once (contract 1.5, rule 4).
    pub fn answered(&mut self, ask: &Ask, answer: Answer, stored: &Custody, now: Instant) -> Decision {
        self.out = None;
        match answer {
            Answer::Pair(pair) if stored.revision == ask.revision => {
                self.failures = 0;
                Decision::Commit(Box::new(stored.renewed(pair)))
            }
            // Another one was stored meanwhile: a person connected the company again. Theirs is the chain that counts.
            Answer::Pair(_) => Decision::Keep(now),
            Answer::InvalidGrant if stored.revision != ask.revision => {
                if stored.standing == Standing::Connected {
                    Decision::Again(self.ask(stored))
                } else {
                    Decision::Keep(now)
                }
            }
            Answer::InvalidGrant => Decision::Commit(Box::new(stored.lost(Lost::RefreshRefused, now))),
            Answer::InvalidClient | Answer::NoAnswer => {
                let pause = PAUSE_MS.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX_MS);
                self.failures = self.failures.saturating_add(1);
                self.not_before = now.plus_millis(pause);
                Decision::Keep(self.not_before)
            }
        }
    }
}

#[cfg(test)]
mod lives;
#[cfg(test)]
mod tests;

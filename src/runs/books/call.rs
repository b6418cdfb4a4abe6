//! One call to a company: token, permit, and once more with a new token when the first one was refused (contract 1.5).

use super::tokens::NoToken;
use super::{BooksMeans, Of};
use crate::ground::books::RealmId;
use crate::ground::books::mirror::Halted;
use crate::ground::money::Currency;
use crate::ground::time::Instant;
use crate::rails::qbo::{Company, Fault, Then};
use crate::rails::{CallClass, Permit};
use crate::runs::gate::books::{NotNow, Wanted};
use crate::store::{StoreError, WriteError};

/// Asked again so much later when all calls a company may have at a time are out, in milliseconds.
const IN_FLIGHT_MS: i64 = 200;

/// Why a job does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nothing is wrong: no call is left before this moment.
    Until(Instant),
    /// QuickBooks does not do it.
    Fault(Fault),
    /// Nothing goes on before a person acts.
    Halt(Halted),
    /// The ledger does not answer.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WriteError<()>> for Stop {
    fn from(error: WriteError<()>) -> Self {
        match error {
            WriteError::Store(error) => Self::Store(error),
            WriteError::Refused(()) => Self::Store(StoreError::Moved),
        }
    }
}

impl From<NoToken> for Stop {
    fn from(none: NoToken) -> Self {
        match none {
            NoToken::Reconnect => Self::Halt(Halted::Reconnect),
            NoToken::Until(until) => Self::Until(until),
            NoToken::Store(error) => Self::Store(error),
        }
    }
}

/// A permit, and of which revision its token is.
pub(super) struct Turn {
    pub(super) permit: Permit,
    pub(super) revision: u64,
}

/// A call that brings data out.
pub(super) const fn reading(class: CallClass) -> Wanted {
    Wanted { class, metered: 1, is_batch: false }
}

impl Of {
    /// The company as a call needs it. Before its currency is known only what holds no amounts is read of it.
    pub(super) fn company(&self) -> Result<Company, Stop> {
        let unknown =
            || Fault::Unfit("QuickBooks does not tell in which currency the company keeps its books".into());
        let home = self.connected.home.ok_or_else(|| Stop::Fault(unknown()))?;
        Ok(Company { realm: self.connected.realm.clone(), home })
    }

    /// The same for reading what holds no amounts.
    pub(super) fn without_amounts(&self) -> Company {
        Company { realm: self.connected.realm.clone(), home: self.connected.home.unwrap_or(Currency::GBP) }
    }
}

impl BooksMeans {
    /// The right to make one call, or why not now. `refused` is the revision of a token that was refused.
    pub(super) async fn turn(
        &self,
        realm: &RealmId,
        wanted: Wanted,
        refused: Option<u64>,
    ) -> Result<Turn, Stop> {
        loop {
            let bearer = self.tokens.bearer(realm, refused).await?;
            match self.gate.permit(realm, &bearer, wanted) {
                Ok(permit) => return Ok(Turn { permit, revision: bearer.revision }),
                Err(NotNow::Reserve) => {
                    if let Err(spent) = self.gate.reserve(&self.store, realm, wanted).await? {
                        return Err(Stop::Until(spent.until));
                    }
                }
                Err(NotNow::Until(until)) => return Err(Stop::Until(until)),
                Err(NotNow::InFlight) => {
                    return Err(Stop::Until(self.world.now().plus_millis(IN_FLIGHT_MS)));
                }
            }
        }
    }

    /// What follows from a call that did not do what was asked: a refused token is replaced once.
    pub(super) async fn judge(
        &self,
        realm: &RealmId,
        fault: Fault,
        revision: u64,
        refused: &mut Option<u64>,
    ) -> Result<(), Stop> {
        match fault.then() {
            Then::Refresh if refused.is_none() => {
                *refused = Some(revision);
                Ok(())
            }
            Then::Refresh | Then::Reconnect => {
                self.tokens.lose(realm, revision).await?;
                Err(Stop::Halt(Halted::Reconnect))
            }
            Then::Pause => Err(Stop::Halt(Halted::Lapsed)),
            _ => Err(Stop::Fault(fault)),
        }
    }
}

/// Makes one call to a company; ends the surrounding function with a [`Stop`] when it does not come about.
macro_rules! call {
    ($means:expr, $realm:expr, $wanted:expr, |$permit:ident| $ask:expr) => {{
        let mut refused = None;
        loop {
            let turn = $means.turn($realm, $wanted, refused).await?;
            let $permit = &turn.permit;
            match $ask.await {
                Ok(got) => break got,
                Err(fault) => $means.judge($realm, fault, turn.revision, &mut refused).await?,
            }
        }
    }};
}
pub(super) use call;

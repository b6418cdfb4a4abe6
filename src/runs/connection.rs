//! The connection to Twenty as it is stored: its identity and its address. What the workspace has stands in a row of
//! its own, see `ground::workspace`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Means;
use super::gate::Gate;
use crate::ground::budget::{Buckets, Budget, Limit};
use crate::ground::id::{ConnectionId, ConnectionKey};
use crate::ground::journal::{Actor, Cause};
use crate::ground::workspace::Schema;
use crate::ground::world::World;
use crate::rails::Trouble;
use crate::rails::twenty::{Door, TwentyRail};
use crate::store::{Changes, Fail, Ledger, Store, StoreError, Working, WriteError};

/// A stored connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identity: the namespace of every key we choose there.
    pub key: ConnectionKey,
    /// Where the server is.
    pub base: String,
    /// Which workspace it is, where the key says so.
    pub workspace: Option<String>,
    /// Retired: stores before kept names of objects and fields here.
    schema: Option<SchemaBefore>,
}

/// What stores before knew of a workspace; read, and never written again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SchemaBefore {
    objects: BTreeMap<String, BTreeSet<String>>,
}

/// The budget as stored at a clean stop; absent while we run, so that a crash finds nothing.
#[derive(Serialize, Deserialize)]
struct StoredBudget {
    /// [`FORM`]; anything else was written by another version.
    form: u32,
    budget: Budget,
}

/// Stands before every stored budget. The first version's began with a number of calls, which is never this.
const FORM: u32 = 0xb0d6_e702;

fn slot() -> [u8; 2] {
    ConnectionId::TWENTY.0.to_be_bytes()
}

/// The connection, if there is one.
pub fn load(ledger: &Ledger<'_>) -> Result<Option<Connection>, StoreError> {
    ledger.working(Working::Connection, &slot())
}

fn system(why: &str) -> Cause {
    Cause { actor: Actor::System, why: why.into(), request_id: None }
}

/// The key belongs to another workspace than the one that is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the API key belongs to another Twenty workspace than the one this data folder mirrors; \
     use the key of that workspace, or another data folder"
)]
pub struct OtherWorkspace;

/// The connection to `base`: made the first time, kept with its identity when the server moved. Another workspace is
/// refused: its records must never mix with those we have.
pub async fn establish(
    store: &Store,
    base: &str,
    workspace: Option<String>,
) -> Result<Connection, WriteError<OtherWorkspace>> {
    let base = base.trim_end_matches('/').to_owned();
    let (_, connection) = store
        .write(move |view| {
            let stored = load(view.ledger())?;
            let known = stored.as_ref().and_then(|stored| stored.workspace.clone());
            if known.as_ref().zip(workspace.as_ref()).is_some_and(|(known, given)| known != given) {
                return Err(Fail::Refused(OtherWorkspace));
            }
            let workspace = workspace.or(known);
            let connection = match stored.clone() {
                Some(stored) => Connection { base, workspace, ..stored },
                None => Connection { key: ConnectionKey(view.world.uuid()), base, workspace, schema: None },
            };
            let mut changes = Changes::new(system("connect Twenty"));
            if stored.as_ref() != Some(&connection) {
                changes.working(Working::Connection, &slot(), Some(&connection))?;
            }
            Ok((changes, connection))
        })
        .await?;
    Ok(connection)
}

/// Reads what the workspace has and remembers it. Costs nothing of the call budget.
pub async fn refresh(means: &Means) -> Result<Result<(), Trouble>, WriteError<()>> {
    let schema = match read_schema(&means.rail, &means.gate).await {
        Ok(schema) => schema,
        Err(trouble) => return Ok(Err(trouble)),
    };
    // A server that does not tell its version is none the worse for it.
    let version = means.rail.version(&means.gate.unmetered()).await.ok().flatten();
    remember_schema(&means.store, schema, version).await.map(Ok)
}

/// What the workspace has. Where one way to it does not answer the other is asked: on one release of Twenty the REST
/// one always failed (contract 8, issue 20145).
pub async fn read_schema(rail: &TwentyRail, gate: &Gate) -> Result<Schema, Trouble> {
    match rail.schema_by(&gate.unmetered(), Door::Rest).await {
        Err(trouble @ Trouble::Later { limit: false, .. }) => {
            rail.schema_by(&gate.unmetered(), Door::GraphQl).await.map_err(|_| trouble)
        }
        answered => answered,
    }
}

/// Stores what the workspace has, if that is new.
pub async fn remember_schema(
    store: &Store,
    schema: Schema,
    version: Option<String>,
) -> Result<(), WriteError<()>> {
    let known = store.snapshot().map_err(WriteError::Store)?.ledger().workspace(ConnectionId::TWENTY);
    let known = known.map_err(WriteError::Store)?;
    if known.schema.as_ref() == Some(&schema) && (version.is_none() || known.version == version) {
        return Ok(());
    }
    store
        .write(move |view| {
            let mut changes = Changes::new(system("read Twenty's objects and fields"));
            let mut workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
            workspace.schema = Some(schema);
            workspace.version = version.or(workspace.version);
            workspace.read_at = Some(view.world.now());
            changes.workspace(ConnectionId::TWENTY, &workspace)?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// The budget as a clean stop left it, if it did. One of another version is as good as none: a budget is never worth
/// a ledger that does not start.
fn stored_budget(ledger: &Ledger<'_>) -> Result<Option<Budget>, StoreError> {
    match ledger.working::<StoredBudget>(Working::Budget, &slot()) {
        Ok(stored) => Ok(stored.filter(|stored| stored.form == FORM).map(|stored| stored.budget)),
        Err(StoreError::Corrupt { .. } | StoreError::Newer { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The call budget to begin with: full for a connection nobody used, what was left after a clean stop, empty after
/// a crash, when nobody knows how much was used. `share_percent` is the share of the limits that we take.
pub async fn opening_budget(
    store: &Store,
    world: &World,
    share_percent: u32,
    is_new: bool,
) -> Result<Budget, WriteError<()>> {
    let now = world.now();
    let (_, budget) = store
        .write(move |view| {
            let mut changes = Changes::new(system("start"));
            changes.working::<StoredBudget>(Working::Budget, &slot(), None)?;
            let budget = match stored_budget(view.ledger())? {
                Some(Budget { buckets, meter }) => {
                    Budget { buckets: buckets.with_share(share_percent, now), meter }
                }
                None if is_new => Buckets::full(&Limit::TWENTY_BOTH, share_percent, now).into(),
                None => Buckets::empty(&Limit::TWENTY_BOTH, share_percent, now).into(),
            };
            Ok::<_, Fail<()>>((changes, budget))
        })
        .await?;
    Ok(budget)
}

/// Keeps the budget over a clean stop.
pub async fn keep_budget(store: &Store, budget: Budget) -> Result<(), WriteError<()>> {
    store
        .write(move |_| {
            let mut changes = Changes::new(system("stop"));
            let stored = StoredBudget { form: FORM, budget };
            changes.working(Working::Budget, &slot(), Some(&stored))?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::budget::Bucket;
    use crate::ground::time::Instant;
    use crate::ground::world::{Clock, Entropy};
    use crate::store::disk::SimDisk;
    use crate::store::{Drive, Place};
    use std::sync::Arc;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant(1_795_424_400_000_000)
        }
    }

    impl Entropy for Still {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn world() -> World {
        World { clock: Arc::new(Still), entropy: Arc::new(Still) }
    }

    fn tokens(store: &Store, share_percent: u32, is_new: bool) -> u32 {
        let budget = wait(opening_budget(store, &world(), share_percent, is_new)).unwrap();
        assert_eq!(budget.buckets.share_percent(), share_percent);
        budget.buckets.tokens(Still.now())
    }

    /// Stores something in the budget's place.
    fn plant<T: Serialize + Send + 'static>(store: &Store, value: T) {
        let written = wait(store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(system("test"));
            changes.working(Working::Budget, &slot(), Some(&value))?;
            Ok((changes, ()))
        }));
        written.unwrap();
    }

    #[test]
    fn a_budget_outlives_a_clean_stop_and_nothing_else() {
        let store = Store::open(Place::Memory(SimDisk::new()), world(), Drive::Inline).unwrap();
        assert_eq!((tokens(&store, 80, true), tokens(&store, 80, false)), (80, 0));
        let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 80, Still.now());
        buckets.take(Still.now()).unwrap();
        wait(keep_budget(&store, buckets.clone().into())).unwrap();
        assert_eq!(tokens(&store, 80, false), 79);
        assert_eq!(tokens(&store, 80, false), 0, "read once: a crash from here on finds nothing");
        // The share was set anew in the meantime.
        wait(keep_budget(&store, buckets.into())).unwrap();
        assert_eq!(tokens(&store, 50, false), 50);
    }

    #[test]
    fn a_budget_of_another_version_counts_as_none() {
        let store = Store::open(Place::Memory(SimDisk::new()), world(), Drive::Inline).unwrap();
        // As the first version stored it: limit, tokens, two times.
        plant(&store, (Limit::TWENTY.share(80), 80_u32, Still.now(), Instant(0)));
        assert_eq!(tokens(&store, 80, false), 0);
        plant(&store, Bucket::full(Limit::TWENTY, Still.now()));
        assert_eq!(tokens(&store, 80, false), 0);
        plant(&store, u64::MAX);
        assert_eq!(tokens(&store, 80, false), 0);
    }
}

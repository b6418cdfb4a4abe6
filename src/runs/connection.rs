//! The connection to Twenty as it is stored: its identity and its address. What the workspace has stands in a row of
//! its own, see `ground::workspace`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Means;
use super::gate::Gate;
use crate::ground::budget::{Bucket, Limit};
use crate::ground::id::{ConnectionId, ConnectionKey};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
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
struct StoredBudget(Bucket);

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

/// The call budget to begin with: full for a connection nobody used, what was left after a clean stop, empty after
/// a crash, when nobody knows how much was used.
pub async fn opening_budget(
    store: &Store,
    world: &World,
    limit: Limit,
    is_new: bool,
) -> Result<Bucket, WriteError<()>> {
    let now = world.now();
    let (_, bucket) = store
        .write(move |view| {
            let stored: Option<StoredBudget> = view.ledger().working(Working::Budget, &slot())?;
            let mut changes = Changes::new(system("start"));
            if stored.is_some() {
                changes.working::<StoredBudget>(Working::Budget, &slot(), None)?;
            }
            let bucket = stored.map_or_else(
                || if is_new { Bucket::full(limit, now) } else { Bucket::empty(limit, now) },
                |stored| stored.0,
            );
            Ok::<_, Fail<()>>((changes, bucket))
        })
        .await?;
    Ok(bucket)
}

/// Keeps the budget over a clean stop.
pub async fn keep_budget(store: &Store, bucket: Bucket) -> Result<(), WriteError<()>> {
    store
        .write(move |_| {
            let mut changes = Changes::new(system("stop"));
            changes.working(Working::Budget, &slot(), Some(&StoredBudget(bucket)))?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// A budget that is as good as full, for callers whose limit is off.
pub const fn unlimited(now: Instant) -> Bucket {
    Bucket::full(Limit { calls: 1_000_000, period_ms: 1_000 }, now)
}

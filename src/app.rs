//! Puts the floors together: the same way for `serve`, `demo` and tests.

pub mod backup;
mod books;
pub mod crm;
pub mod notify;
pub mod restore;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::desk::Desk;
use crate::desk::hooks::Refused;
use crate::faces::control;
use crate::faces::http::{Face, Info, router};
use crate::ground::time::Zone;
use crate::ground::world::World;
use crate::rails::http::HttpTransport;
use crate::rails::twenty::TwentyRail;
use crate::runs::books::BooksMeans;
use crate::runs::gate::Gate;
use crate::runs::supervisor::Supervisor;
use crate::runs::watchdog::Watchdog;
use crate::runs::{Means, Settings, connection};
use crate::search::{Place as IndexPlace, Search};
use crate::store::secrets::SecretKey;
use crate::store::{Drive, Place, Store, WriteError};

use notify::Notify;

/// The ledger's file in the data folder.
pub(crate) const LEDGER: &str = "ledger.redb";
/// The index's folder there.
pub(crate) const INDEX: &str = "index";
/// The key that seals secrets; outside the ledger, so that a copy of the ledger alone opens nothing.
pub(crate) const KEY: &str = "secret.key";
/// How long open requests may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// A running Almoner.
pub struct App {
    /// The desk, for the command line.
    pub desk: Desk,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where people reach it, without a slash at the end.
    pub url: String,
    means: Means,
    books: Option<BooksMeans>,
    supervisor: Supervisor,
    server: JoinHandle<std::io::Result<()>>,
    control: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl App {
    /// Opens the ledger and starts serving. Listens only after everything else is in place.
    pub async fn open(world: World, config: &Config, demo: bool) -> anyhow::Result<Self> {
        make_folder(&config.data)
            .with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
        let zone = Zone::named(&config.time_zone)?;
        let store = Store::open(Place::File(config.data.join(LEDGER)), world.clone(), Drive::Thread)?;
        let may_make = !store.snapshot()?.ledger().has_secrets()?;
        let key = secret_key(&key_path(&config.data, handed_over().as_deref())?, &world, may_make)?;
        let search = Search::open(IndexPlace::Folder(config.data.join(INDEX)), &store)?;
        let means = means(&world, &store, config, &key).await?;
        let books = books::means(&means, config, &zone).await?;
        let desk = Desk {
            store,
            world,
            zone,
            key,
            staging_enabled: config.staging_enabled,
            refused: Refused::default(),
            books: books::setup(config),
        };
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let info = Info {
            demo,
            organisation: config.organisation.clone(),
            twenty_url: config.twenty_url.clone(),
            sync_every_ms: means.settings.sync_every_ms,
            secure_cookies: config
                .public_url
                .as_deref()
                .map_or(!address.ip().is_loopback(), |url| url.starts_with("https://")),
        };
        let (stop, stopped) = watch::channel(false);
        let face = Face::new(desk.clone(), Arc::clone(&search), info, stopped.clone());
        let gate = Arc::clone(&means.gate);
        let face = face.telling(Arc::new(move |calls| (gate.view(), gate.forecast(calls))));
        let face = match &books {
            Some(books) => face.telling_books(books::telling(books)),
            None => face,
        };
        let backup = backup::run(config.backup.as_ref(), &config.data, &means).await?;
        let supervisor = Supervisor::start(&means, &search, books.as_ref(), backup);
        // Gifts come in without it: a folder that cannot hold a socket stops nobody's work.
        let url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let control = control::start(&config.data, desk.clone(), &url, stopped.clone())
            .inspect_err(|error| tracing::warn!(event = "control_socket_failed", %error))
            .ok();
        let server = serve(listener, face, stopped);
        Ok(Self { desk, address, url, means, books, supervisor, server, control, stop })
    }

    /// Feeds systemd's watchdog from now on, where there is one.
    pub fn watch(&mut self, notify: &Notify) {
        if let Some((every_ms, feed)) = notify.watchdog() {
            let (store, world) = (self.means.store.clone(), self.means.world.clone());
            self.supervisor.watch(&self.means, &Watchdog { store, world, every_ms, feed });
        }
    }

    /// Resolves when the background work broke for good: the process must end and be started anew.
    pub async fn broken(&self) {
        self.supervisor.broken().await;
    }

    /// Ends cleanly: no new requests, running steps to their end, the budget kept, the ledger closed.
    pub async fn close(self) -> anyhow::Result<()> {
        // Nobody listening means nobody serves.
        let _ = self.stop.send(true);
        let control = async {
            if let Some(control) = self.control {
                drain(control).await;
            }
        };
        tokio::join!(drain(self.server), control);
        self.supervisor.stop().await;
        connection::keep_budget(&self.means.store, self.means.gate.bucket())
            .await
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        if let Some(books) = &self.books {
            books::keep(books).await?;
        }
        self.means.store.close();
        Ok(())
    }
}

/// Lets a task that was told to stop end by itself, for a while.
async fn drain<T>(task: JoinHandle<T>) {
    let abort = task.abort_handle();
    if tokio::time::timeout(DRAIN, task).await.is_err() {
        abort.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "the server is a task of its own; App::close ends it")]
fn serve(
    listener: TcpListener,
    face: Face,
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<std::io::Result<()>> {
    let until = async move {
        // An error means that the sender is gone: stop as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let server = axum::serve(listener, router(face)).with_graceful_shutdown(until);
    tokio::spawn(server.into_future())
}

async fn means(world: &World, store: &Store, config: &Config, key: &SecretKey) -> anyhow::Result<Means> {
    let is_new = connection::load(&store.snapshot()?.ledger())?.is_none();
    let workspace = workspace_of(&config.twenty_key);
    connection::establish(store, &config.twenty_url, workspace).await.map_err(|error| match error {
        WriteError::Refused(other) => anyhow::anyhow!(other),
        WriteError::Store(error) => anyhow::anyhow!(error),
    })?;
    let budget = connection::opening_budget(store, world, config.share_percent, is_new)
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let gate = Arc::new(Gate::new(world.clone(), budget, config.twenty_key.clone()));
    let rail = TwentyRail::new(Arc::new(HttpTransport::new()?), &config.twenty_url);
    Ok(Means {
        store: store.clone(),
        world: world.clone(),
        gate,
        rail,
        key: key.clone(),
        settings: Settings {
            sync_every_ms: i64::from(config.sync_minutes) * 60_000,
            walk_every_ms: i64::from(config.walk_hours) * 3_600_000,
            hook_url: config.public_url.as_ref().map(|url| hook_url(url)),
            create_max: config.create_max,
        },
    })
}

/// Where Twenty's webhooks go when we are reached at this address.
fn hook_url(public_url: &str) -> String {
    format!("{public_url}/hooks/twenty")
}

/// The workspace a key belongs to, as the key itself says (contract 1.2); nothing when it is of another kind.
fn workspace_of(key: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Claims {
        workspace_id: Option<String>,
        sub: Option<String>,
    }
    let payload = key.split('.').nth(1)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    claims.workspace_id.or(claims.sub)
}

/// The data folder holds donors' data: for its owner only.
fn make_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The folder in which systemd hands secrets over (`LoadCredential`), where it does.
pub(crate) fn handed_over() -> Option<PathBuf> {
    crate::config::environment("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Where the key is: handed over by systemd, which keeps it where this process could not read it otherwise, else in the data
/// folder. Two keys that differ are nobody's to choose from.
pub(crate) fn key_path(data: &Path, handed: Option<&Path>) -> anyhow::Result<PathBuf> {
    let own = data.join(KEY);
    let Some(given) = handed.map(|folder| folder.join(KEY)).filter(|path| path.exists()) else {
        return Ok(own);
    };
    if own.exists() && std::fs::read(&own)? != std::fs::read(&given)? {
        anyhow::bail!(
            "systemd hands over another {KEY} than the one in {}; move one of the two away",
            data.display()
        );
    }
    Ok(given)
}

/// The key that seals secrets: read, or made the first time with rights for its owner only. A ledger that holds sealed
/// secrets and has lost its key is an error, since a new key would only look like wrong passwords.
fn secret_key(path: &Path, world: &World, may_make: bool) -> anyhow::Result<SecretKey> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let bytes: Result<[u8; 32], _> = bytes.try_into();
            let bytes = bytes.map_err(|_| {
                anyhow::anyhow!(
                    "{} is not a key file (32 bytes); restore it from your backup",
                    path.display()
                )
            })?;
            Ok(SecretKey::new(bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_make => make_key(path, world),
        Err(error) => Err(error).with_context(|| {
            format!("cannot read the key file {}; restore it from your backup", path.display())
        }),
    }
}

fn make_key(path: &Path, world: &World) -> anyhow::Result<SecretKey> {
    let bytes: [u8; 32] = world.bytes();
    keep_secret(path, &bytes)?;
    Ok(SecretKey::new(bytes))
}

/// Writes a file for its owner only, whole or not at all.
pub(crate) fn keep_secret(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let unfinished = path.with_extension("unfinished");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_what_systemd_hands_over_and_two_keys_are_refused() {
        let home = std::env::temp_dir().join(format!("almoner-key-{}", std::process::id()));
        let (data, handed) = (home.join("data"), home.join("credentials"));
        for folder in [&data, &handed] {
            std::fs::create_dir_all(folder).unwrap();
        }
        assert_eq!(key_path(&data, None).unwrap(), data.join(KEY));
        assert_eq!(key_path(&data, Some(&handed)).unwrap(), data.join(KEY), "nothing is handed over");
        std::fs::write(handed.join(KEY), [1; 32]).unwrap();
        assert_eq!(key_path(&data, Some(&handed)).unwrap(), handed.join(KEY));
        std::fs::write(data.join(KEY), [1; 32]).unwrap();
        assert_eq!(key_path(&data, Some(&handed)).unwrap(), handed.join(KEY), "the same one");
        std::fs::write(data.join(KEY), [2; 32]).unwrap();
        assert!(key_path(&data, Some(&handed)).unwrap_err().to_string().contains("another"));
        std::fs::remove_dir_all(home).unwrap();
    }
}

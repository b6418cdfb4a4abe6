//! Talks to systemd: ready when everything is in place, alive while the supervisor finds progress (`runs/watchdog.rs`).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Environment;
use crate::runs::watchdog::Feed;

/// Systemd's socket; nothing where the process was not started by it.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<UnixDatagram>,
    /// How often the watchdog wants to be fed.
    every: Option<Duration>,
}

impl Notify {
    /// As the environment says.
    pub fn of(env: Environment<'_>) -> Self {
        let Some(name) = env("NOTIFY_SOCKET") else { return Self::default() };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&name),
        };
        let connect = |address| {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            Ok::<_, std::io::Error>(socket)
        };
        let socket = address.and_then(connect);
        let socket = socket.inspect_err(|error| tracing::warn!(event = "notify_failed", %error)).ok();
        // Half of what it allows, as its manual says.
        let micros =
            env("WATCHDOG_USEC").and_then(|text| text.parse::<u64>().ok()).filter(|micros| *micros > 1);
        Self { socket, every: micros.map(|micros| Duration::from_micros(micros / 2)) }
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            tell(socket, what);
        }
    }

    /// Everything is in place.
    pub fn ready(&self) {
        self.tell("READY=1\n");
    }

    /// It ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\n");
    }

    /// What feeds the watchdog, where there is one.
    pub fn watchdog(&self) -> Option<(i64, Feed)> {
        let (socket, every) = (self.socket.as_ref()?, self.every?);
        let socket =
            socket.try_clone().inspect_err(|error| tracing::warn!(event = "notify_failed", %error)).ok()?;
        let feed = move || tell(&socket, "WATCHDOG=1\n");
        Some((i64::try_from(every.as_millis()).unwrap_or(i64::MAX), Arc::new(feed)))
    }
}

fn tell(socket: &UnixDatagram, what: &str) {
    if let Err(error) = socket.send(what.as_bytes()) {
        tracing::warn!(event = "notify_failed", %error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::world::World;
    use crate::runs::Next;
    use crate::runs::watchdog::Watchdog;
    use crate::store::disk::SimDisk;
    use crate::store::{Drive, Place, Store};
    use crate::sys;

    #[test]
    fn systemd_hears_ready_and_then_proofs_until_writes_fail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let heard = || {
            let mut bytes = [0; 64];
            systemd.recv(&mut bytes).ok().map(|len| String::from_utf8_lossy(&bytes[..len]).into_owned())
        };
        let env = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(path.display().to_string()),
            "WATCHDOG_USEC" => Some("20000000".into()),
            _ => None,
        };
        let notify = Notify::of(&env);
        notify.ready();
        assert_eq!(heard().as_deref(), Some("READY=1\n"));
        let (every_ms, feed) = notify.watchdog().unwrap();
        assert_eq!(every_ms, 10_000);
        let store = Store::open(Place::Memory(SimDisk::new()), sys::world(), Drive::Thread).unwrap();
        let world: World = sys::world();
        let watchdog = Watchdog { store: store.clone(), world, every_ms, feed };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(matches!(runtime.block_on(watchdog.step()), Next::Wait(_)));
        assert_eq!(heard().as_deref(), Some("WATCHDOG=1\n"));
        store.close();
        runtime.block_on(watchdog.step());
        assert_eq!(heard(), None, "nothing is told once nothing is written");
        assert!(Notify::of(&|_| None).watchdog().is_none());
    }
}

//! What the doctor sees of the machine: settings, the way in, names, disk, rights of files, clock keeping, the unit.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Settings;
use crate::app::{KEY, LEDGER, backup::MACHINE_KEY};
use crate::config::{Flags, check, environment, present};
use crate::ground::doctor::Finding;
use crate::ground::doctor::State::{Fail, NotEvaluated, Ok as Well, Warn};

/// A name that is not found within this time is not found.
const NAME_WITHIN: Duration = Duration::from_secs(5);
/// Below this much room, in KiB, nothing may be relied on.
const ROOM_MIN_KIB: u64 = 256 * 1024;
/// The exposure that the packaged unit keeps below, in tenths.
const EXPOSURE_TENTHS_MAX: u32 = 15;

pub(super) fn look(settings: &Settings, flags: &Flags) -> Vec<Finding> {
    let (troubles, _) = check(flags, &environment, &present());
    let data = settings.text("data").map(Path::new);
    vec![
        told_settings(troubles.len()),
        kept_clock(Path::new("/run/systemd")),
        names(settings.text("twenty.url")),
        way_in(settings.text("listen"), settings.text("public_url")),
        Finding::new("proxy headers", Well, "Forwarded headers are not believed from anybody."),
        data.map_or_else(|| unknown("disk"), disk),
        data.map_or_else(|| unknown("files"), files),
        unit(Path::new("/run/systemd")),
    ]
}

fn unknown(name: &str) -> Finding {
    Finding::new(name, NotEvaluated, "It is not known which data folder.")
        .fix("Name it: --data or ALMONER_DATA.")
}

fn told_settings(troubles: usize) -> Finding {
    match troubles {
        0 => Finding::new("settings", Well, "They read."),
        _ => Finding::new("settings", Fail, format!("{troubles} of them are missing or wrong."))
            .fix("Run `almoner config check`, which names each."),
    }
}

fn kept_clock(systemd: &Path) -> Finding {
    if systemd.join("timesync/synchronized").exists() {
        return Finding::new("clock keeping", Well, "The clock is kept by a time server.");
    }
    Finding::new("clock keeping", NotEvaluated, "Whether the clock is kept right cannot be told here.")
        .fix("Look at `timedatectl`; an hour wrong makes gifts of the wrong day.")
}

/// Host and port of an address.
fn host_of(url: &str) -> Option<(String, u16)> {
    let uri: http::Uri = url.parse().ok()?;
    let usual = if uri.scheme_str()? == "https" { 443 } else { 80 };
    Some((uri.host()?.trim_matches(['[', ']']).to_owned(), uri.port_u16().unwrap_or(usual)))
}

fn names(url: Option<&str>) -> Finding {
    let Some(at) = url.and_then(host_of) else {
        return Finding::new("dns", NotEvaluated, "Twenty's address is not set.").fix("Set twenty.url.");
    };
    let asked = async { tokio::time::timeout(NAME_WITHIN, tokio::net::lookup_host(at)).await };
    let found = tokio::runtime::Handle::current().block_on(asked);
    if found.is_ok_and(|found| found.is_ok_and(|mut found| found.next().is_some())) {
        return Finding::new("dns", Well, "The name of Twenty's server is found.");
    }
    Finding::new("dns", Fail, "The name of Twenty's server is not found.")
        .fix("Check twenty.url, and the name servers of this machine (`resolvectl status`).")
}

/// Whether passwords travel in the open.
fn way_in(listen: Option<&str>, public: Option<&str>) -> Finding {
    let here = listen.and_then(|listen| listen.parse::<SocketAddr>().ok()).map(|at| at.ip());
    let fix = "Listen on 127.0.0.1 only, and put a proxy with TLS in front (docs: operations).";
    match (here.map(|ip: IpAddr| ip.is_loopback()), public) {
        (None, _) => Finding::new("tls", NotEvaluated, "The address to listen on does not read.").fix(fix),
        (Some(false), _) => {
            Finding::new("tls", Warn, "It listens beyond this machine without TLS of its own.").fix(fix)
        }
        (Some(true), Some(public)) if !public.starts_with("https://") => {
            Finding::new("tls", Fail, "public_url is not https: passwords travel in the open.").fix(fix)
        }
        (Some(true), Some(_)) => {
            Finding::new("tls", Well, "It listens on this machine only; a proxy is to serve https.")
        }
        (Some(true), None) => Finding::new("tls", Well, "It is reached from this machine only."),
    }
}

/// Free room in KiB, as POSIX `df -Pk` tells it.
fn free_kib(text: &str) -> Option<u64> {
    text.lines().nth(1)?.split_whitespace().rev().nth(2)?.parse().ok()
}

fn disk(data: &Path) -> Finding {
    let told = Command::new("df").arg("-Pk").arg(data).output().ok().filter(|told| told.status.success());
    let free = told.and_then(|told| free_kib(&String::from_utf8_lossy(&told.stdout)));
    let ledger = std::fs::metadata(data.join(LEDGER)).map_or(0, |ledger| ledger.len() / 1024);
    room(free, ledger)
}

fn room(free_kib: Option<u64>, ledger_kib: u64) -> Finding {
    let Some(free) = free_kib else {
        return Finding::new("disk", NotEvaluated, "How much room is left cannot be told.")
            .fix("Look at `df`.");
    };
    let says = format!("{} MiB are free; the ledger has {} MiB.", free / 1024, ledger_kib / 1024);
    let how = match free {
        free if free < ROOM_MIN_KIB => Fail,
        // A drill, a restore and an upgrade each need a copy.
        free if free < ledger_kib.saturating_mul(2) => Warn,
        _ => Well,
    };
    Finding::new("disk", how, says).fix("Make room: drills, restores and upgrades need twice the ledger.")
}

/// What must be readable by its owner only.
fn files(data: &Path) -> Finding {
    let open = |path: &Path| std::fs::metadata(path).map(|file| file.permissions().mode() & 0o077 != 0);
    let fix = "Run `chmod 700` on the data folder and `chmod 600` on secret.key and backup.key.";
    match open(data) {
        Err(_) => {
            return Finding::new("files", NotEvaluated, "The data folder cannot be looked at.")
                .fix("Run this under the server's account or as root.");
        }
        Ok(true) => return Finding::new("files", Fail, "Others may look into the data folder.").fix(fix),
        Ok(false) => {}
    }
    for key in [KEY, MACHINE_KEY] {
        if open(&data.join(key)).is_ok_and(|open| open) {
            return Finding::new("files", Fail, format!("Others may read {key}.")).fix(fix);
        }
    }
    Finding::new("files", Well, "Data folder and keys are their owner's only.")
}

/// The exposure that `systemd-analyze security` tells, in tenths.
fn exposure(text: &str) -> Option<u32> {
    let line = text.lines().find(|line| line.contains("Overall exposure level"))?;
    let (whole, tenth) = line.rsplit_once(": ")?.1.split_whitespace().next()?.split_once('.')?;
    Some(whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?)
}

fn unit(systemd: &Path) -> Finding {
    let fix = "Use the packaged unit; `systemd-analyze security almoner.service` names each line.";
    let none = |says: &str| Finding::new("unit", NotEvaluated, says);
    if !systemd.join("system").is_dir() {
        return none("Systemd does not run here.");
    }
    let told = Command::new("systemd-analyze").args(["security", "--no-pager", "almoner.service"]).output();
    let Some(tenths) = told.ok().and_then(|told| exposure(&String::from_utf8_lossy(&told.stdout))) else {
        return none("Systemd tells nothing of almoner.service.").fix(fix);
    };
    let how = if tenths <= EXPOSURE_TENTHS_MAX { Well } else { Warn };
    Finding::new("unit", how, format!("Exposure {}.{} of 10.", tenths / 10, tenths % 10)).fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_in_the_open_is_told() {
        for (listen, public, state) in [
            (Some("127.0.0.1:8080"), None, Well),
            (Some("127.0.0.1:8080"), Some("https://gifts.example.org"), Well),
            (Some("127.0.0.1:8080"), Some("http://gifts.example.org"), Fail),
            (Some("0.0.0.0:80"), Some("https://gifts.example.org"), Warn),
            (Some("[::]:80"), None, Warn),
            (Some("here"), None, NotEvaluated),
        ] {
            assert_eq!(way_in(listen, public).state, state, "{listen:?} {public:?}");
        }
    }

    #[test]
    fn room_is_judged_by_the_ledger() {
        let text =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a b 9 5 1048576 56% /srv\n";
        assert_eq!((free_kib(text), free_kib("")), (Some(1_048_576), None));
        for (free, ledger, state) in [
            (Some(1_048_576), 1_024, Well),
            (Some(1_048_576), 600_000, Warn),
            (Some(1_000), 10, Fail),
            (None, 10, NotEvaluated),
        ] {
            assert_eq!(room(free, ledger).state, state, "{free:?} {ledger}");
        }
    }

    #[test]
    fn rights_that_are_too_wide_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let may =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        let key = folder.path().join(KEY);
        std::fs::write(&key, "k").unwrap();
        may(folder.path(), 0o700);
        may(&key, 0o600);
        assert_eq!(files(folder.path()).state, Well);
        may(&key, 0o640);
        assert_eq!(files(folder.path()).state, Fail);
        may(&key, 0o600);
        may(folder.path(), 0o750);
        assert_eq!(files(folder.path()).state, Fail);
        assert_eq!(files(&folder.path().join("none")).state, NotEvaluated);
    }

    #[test]
    fn what_systemd_says_is_read_and_its_absence_is_not_a_verdict() {
        let text = "\u{2192} Overall exposure level for almoner.service: 1.2 OK :-)\n";
        assert_eq!((exposure(text), exposure("Unit not found")), (Some(12), None));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unit(folder.path()).state, NotEvaluated);
        assert_eq!(kept_clock(folder.path()).state, NotEvaluated);
    }

    #[test]
    fn hosts_are_read_from_addresses() {
        let of = |url| host_of(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(of("https://a.example/x").as_deref(), Some("a.example 443"));
        assert_eq!(of("http://[::1]:3000").as_deref(), Some("::1 3000"));
        assert_eq!(of("no"), None);
    }
}

//! `almoner doctor`: what of this appliance needs an operator, and what to do about it. Sees the machine itself (settings, doors, disk,
//! rights, unit) and asks the ledger, beside a running server or alone. What it prints, and the bundle, can be pasted: see
//! `ground/doctor.rs`.

mod machine;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::ask::{ask, is_served};
use super::say;
use crate::config::{Flags, Shown, environment, show};
use crate::faces::command::Command;
use crate::ground::doctor::{Finding, State, fails, summary};
use crate::sys;

#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: Option<PathBuf>,
    /// Settings file of the server
    #[arg(long, env = "ALMONER_CONFIG")]
    config: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
    /// Write a support bundle to this new file as well
    #[arg(long)]
    bundle: Option<PathBuf>,
}

impl Doctor {
    /// 0 when all is well or only warns, 1 when something does not work.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let flags = Flags { file: self.config.clone(), data: self.data.clone(), listen: None };
        let settings = Settings(show(&flags, &environment));
        let mut findings = machine::look(&settings, &flags);
        let data = settings.text("data").map(PathBuf::from);
        findings.extend(of_ledger(data.as_deref(), &settings));
        let now = sys::world().now();
        if let Some(path) = &self.bundle {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot make {}", path.display()))?;
            serde_json::to_writer_pretty(&mut file, &bundle(&findings, &settings, &now.to_string()))?;
            writeln!(file)?;
            file.sync_all()?;
        }
        if self.json {
            say(&serde_json::json!({ "ok": !fails(&findings), "findings": findings }).to_string());
        } else {
            say(summary(&findings, now).trim_end());
        }
        Ok(if fails(&findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// The settings as they are shown.
pub(super) struct Settings(Vec<Shown>);

impl Settings {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|setting| setting.key == key)?.value.as_deref()
    }

    fn number(&self, key: &str) -> u32 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

fn of_ledger(data: Option<&Path>, settings: &Settings) -> Vec<Finding> {
    let Some(data) = data else {
        let says = "It is not known which ledger.";
        return vec![
            Finding::new("ledger", State::NotEvaluated, says).fix("Name it: --data or ALMONER_DATA."),
        ];
    };
    let server = match is_served(data) {
        Ok(true) => Finding::new("server", State::Ok, "A server runs and answers at its control socket."),
        Ok(false) => {
            Finding::new("server", State::Warn, "No server has this ledger; it was looked at alone.")
                .fix("Start it: `systemctl start almoner`.")
        }
        Err(_) => Finding::new("server", State::Fail, "The server cannot be asked.")
            .fix("Run this under the server's account or as root."),
    };
    let command = Command::Doctor {
        sync_minutes: settings.number("sync_minutes"),
        calls_per_month: settings.number("quickbooks.calls_per_month"),
    };
    let mut answer = Vec::new();
    let told = ask(data, &command, &mut answer)
        .and_then(|_| serde_json::from_slice::<Vec<Finding>>(&answer).context("no answer of ours"));
    let mut findings = vec![server];
    match told {
        Ok(told) => findings.extend(told),
        // The reason may hold names of this machine: `verify` tells it to whoever may see it.
        Err(_) => findings.push(
            Finding::new("ledger", State::Fail, "The ledger could not be asked.")
                .fix("Run `almoner verify --data FOLDER`, which says why."),
        ),
    }
    findings
}

/// What a helper needs: versions, findings, which settings are set. A value is there only where it is a number or a yes or no: an
/// address can carry a password, and a name is a name.
fn bundle(findings: &[Finding], settings: &Settings, now: &str) -> serde_json::Value {
    let told = |setting: &Shown| {
        let plain = setting.value.as_deref().filter(|value| {
            !setting.secret && (value.parse::<u64>().is_ok() || matches!(*value, "true" | "false"))
        });
        let value = plain.or_else(|| setting.value.as_ref().map(|_| "(set)"));
        (setting.key.to_owned(), serde_json::json!(value))
    };
    let settings: serde_json::Map<_, _> = settings.0.iter().map(told).collect();
    serde_json::json!({
        "almoner": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "writtenAt": now,
        "findings": findings,
        "settings": settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_shows_numbers_and_hides_all_other_values() {
        let setting = |key, value: Option<&str>, secret| Shown {
            key,
            value: value.map(str::to_owned),
            origin: Some("/home/wilhelmina/almoner.toml".into()),
            secret,
            what: "",
        };
        let settings = Settings(vec![
            setting("sync_minutes", Some("15"), false),
            setting("twenty.url", Some("https://maya:hunter2@twenty.example"), false),
            setting("organisation", Some("Quartermaine Trust"), false),
            setting("twenty.api_key", Some("4711"), true),
            setting("public_url", None, false),
        ]);
        let bundle = bundle(&[Finding::new("a", State::Ok, "b")], &settings, "now");
        let told = &bundle["settings"];
        assert_eq!((&told["sync_minutes"], &told["twenty.url"]), (&"15".into(), &"(set)".into()));
        assert_eq!((&told["twenty.api_key"], told["public_url"].is_null()), (&"(set)".into(), true));
        let text = bundle.to_string();
        for planted in ["hunter2", "maya", "Quartermaine", "4711", "wilhelmina"] {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
    }
}

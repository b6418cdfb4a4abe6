//! `almoner config`: what the settings are, where each came from, and what is wrong with them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::say;
use crate::config::{Flags, Trouble, check, environment, present, show};

#[derive(Args, Debug)]
pub(super) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Say everything that is wrong with the settings, and what to do; exit code 1 when something is
    Check(Where),
    /// Show each setting with where it came from; secrets are hidden
    Show(Where),
}

#[derive(Args, Debug)]
struct Where {
    /// Settings file
    #[arg(long)]
    config: Option<PathBuf>,
    /// Data folder, as for serve
    #[arg(long)]
    data: Option<PathBuf>,
    /// Address to listen on, as for serve
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Where {
    fn flags(&self) -> Flags {
        Flags { file: self.config.clone(), data: self.data.clone(), listen: self.listen }
    }
}

impl Config {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.what {
            What::Check(at) => checked(at),
            What::Show(at) => shown(at),
        }
    }
}

fn checked(at: &Where) -> anyhow::Result<ExitCode> {
    let (troubles, notes) = check(&at.flags(), &environment, &present());
    if at.json {
        let list = |all: &[Trouble]| -> Vec<serde_json::Value> {
            all.iter().map(|it| serde_json::json!({ "at": it.at, "text": it.text })).collect()
        };
        let told = serde_json::json!({ "ok": troubles.is_empty(), "troubles": list(&troubles), "notes": list(&notes) });
        say(&serde_json::to_string(&told)?);
    } else {
        for trouble in &troubles {
            say(&trouble.to_string());
        }
        for note in &notes {
            say(&format!("note: {note}"));
        }
        if troubles.is_empty() {
            say("The settings are well.");
        }
    }
    Ok(if troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn shown(at: &Where) -> anyhow::Result<ExitCode> {
    let all = show(&at.flags(), &environment);
    if at.json {
        say(&serde_json::to_string(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    for setting in all {
        let value = setting.value.as_deref().unwrap_or("(not set)");
        let origin = setting.origin.map(|origin| format!("  [{origin}]")).unwrap_or_default();
        say(&format!("{:<22} {value}{origin}", setting.key));
    }
    Ok(ExitCode::SUCCESS)
}

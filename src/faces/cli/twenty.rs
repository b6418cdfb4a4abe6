//! `almoner twenty`: looks at the Twenty workspace, and adds what it lacks.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::say;
use crate::app::crm::{Checked, Crm, Webhook};
use crate::config::{CrmConfig, environment};
use crate::ground::provision::{Finding, Lack, Plan, Progress, Step};
use crate::{sys, telemetry};

#[derive(Args, Debug)]
pub(super) struct Twenty {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Add the objects and fields that are missing; what is there is never changed
    Provision(Provision),
    /// Say whether the server answers, takes the key, and has what Almoner needs
    Check(Check),
}

#[derive(Args, Debug)]
struct Provision {
    #[command(flatten)]
    how: How,
    /// Settings file
    #[arg(long)]
    config: Option<PathBuf>,
    /// Answer as lines of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct How {
    /// Only show what would be added
    #[arg(long)]
    dry_run: bool,
    /// Show it, then add it
    #[arg(long)]
    apply: bool,
}

#[derive(Args, Debug)]
struct Check {
    /// Settings file
    #[arg(long)]
    config: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

fn open(config: Option<&Path>) -> anyhow::Result<Crm> {
    telemetry::start(&environment("ALMONER_LOG").unwrap_or_else(|| "warn".into()));
    Crm::open(sys::world(), &CrmConfig::load(config, &environment)?)
}

impl Twenty {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let well = match self.what {
            What::Provision(Provision { how, config, json }) => {
                provision(&open(config.as_deref())?, how.apply, json).await
            }
            What::Check(Check { config, json }) => {
                let crm = open(config.as_deref())?;
                let checked = crm.check().await;
                if json {
                    say(&checked_json(crm.url(), &checked).to_string());
                } else {
                    say(&checked_text(crm.url(), &checked).join("\n"));
                }
                checked.version.is_ok() && checked.lacks.is_ok_and(|lacks| lacks.is_empty())
            }
        };
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether it came to a good end: the plan was shown, or nothing is missing any more.
async fn provision(crm: &Crm, apply: bool, json: bool) -> bool {
    let mut well = false;
    crm.provision(apply, |progress| {
        well = match progress {
            Progress::Planned(_) => !apply,
            Progress::Ended(lacks) => lacks.is_empty(),
            _ => false,
        };
        if json {
            say(&progress_json(progress).to_string());
        } else {
            say(&progress_text(progress, crm.url(), apply).join("\n"));
        }
    })
    .await;
    well
}

fn progress_text(progress: &Progress, url: &str, apply: bool) -> Vec<String> {
    match progress {
        Progress::Planned(plan) => plan_text(plan, url, apply),
        Progress::Done(step) => vec![format!("  ok      {step}")],
        Progress::Failed(step, why) => vec![format!("  failed  {step}: {why}")],
        Progress::Wait(_, why) => vec![format!("  waiting: {why}")],
        Progress::Stopped(why) => {
            vec![format!("Stopped: {why}"), "What was added stays; run this again to go on.".into()]
        }
        Progress::Ended(lacks) if lacks.is_empty() => vec!["The workspace has everything.".into()],
        Progress::Ended(lacks) => lacks_text("Still missing", lacks),
    }
}

fn plan_text(plan: &Plan, url: &str, apply: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if plan.steps.is_empty() {
        lines.push(format!("Nothing to add to {url}."));
    } else {
        let objects = plan.steps.iter().filter(|step| matches!(step, Step::Object(_))).count();
        lines.push(format!(
            "To add to {url}: {} and {}. What is there is not changed.",
            counted(objects, "object"),
            counted(plan.steps.len() - objects, "field")
        ));
        lines.extend(plan.steps.iter().map(|step| format!("  + {step}: for {}", step.needed_for())));
    }
    if !plan.findings.is_empty() {
        lines.push("For you to settle in Twenty:".into());
        lines.extend(plan.findings.iter().map(|finding| format!("  ! {finding}")));
    }
    match (apply, plan.steps.is_empty()) {
        (true, false) => lines.push("Adding them, one after another:".into()),
        (false, false) => lines.push("Nothing was changed. Run this with --apply to add them.".into()),
        (_, true) => {}
    }
    lines
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn lacks_text(head: &str, lacks: &[Lack]) -> Vec<String> {
    let mut lines = vec![format!("{head}: {}", lacks.len())];
    lines.extend(lacks.iter().map(|lack| {
        let why = lack.why.as_ref().map_or_else(String::new, |why| format!(" {why}"));
        format!("  - {} ({}), needed for {}.{why}", lack.name(), lack.label, lack.disables)
    }));
    lines
}

fn step_json(step: &Step) -> Value {
    let (object, field) = match step {
        Step::Object(object) => (object, None),
        Step::Field(object, field) => (object, Some(field)),
    };
    json!({
        "object": object.plural, "field": field.map(|field| field.name),
        "type": field.map(|field| field.kind.twenty()),
        "label": field.map_or(object.label_plural, |field| field.label), "disables": step.needed_for(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "object": finding.object.plural, "field": finding.field.map(|field| field.name),
        "reason": finding.reason(), "disables": finding.disables(),
    })
}

fn lack_json(lack: &Lack) -> Value {
    json!({
        "object": lack.object, "field": lack.field, "label": lack.label, "disables": lack.disables,
        "reason": lack.why,
    })
}

fn progress_json(progress: &Progress) -> Value {
    match progress {
        Progress::Planned(plan) => json!({
            "event": "plan",
            "steps": plan.steps.iter().map(step_json).collect::<Vec<_>>(),
            "findings": plan.findings.iter().map(finding_json).collect::<Vec<_>>(),
        }),
        Progress::Done(step) => json!({ "event": "done", "step": step_json(step) }),
        Progress::Failed(step, why) => json!({ "event": "failed", "step": step_json(step), "reason": why }),
        Progress::Wait(until, why) => {
            json!({ "event": "wait", "until": until.to_string(), "reason": why })
        }
        Progress::Stopped(why) => json!({ "event": "stopped", "reason": why }),
        Progress::Ended(lacks) => {
            json!({ "event": "ended", "lacks": lacks.iter().map(lack_json).collect::<Vec<_>>() })
        }
    }
}

fn checked_text(url: &str, checked: &Checked) -> Vec<String> {
    let mut lines = vec![match &checked.version {
        Ok(Some(version)) => format!("Twenty answers at {url}, version {version}."),
        Ok(None) => format!("Twenty answers at {url}; it does not tell its version."),
        Err(why) => format!("Nothing usable answers at {url}: {why}"),
    }];
    lines.push(match &checked.workspace {
        Some(workspace) => format!("The API key belongs to workspace {workspace}."),
        None => "The API key does not say which workspace it belongs to.".into(),
    });
    lines.push(match &checked.webhook {
        None => {
            "Webhooks cannot reach us: no address is set (ALMONER_PUBLIC_URL). Changes are found by passes."
                .into()
        }
        Some(Webhook { url, registered: Ok(true) }) => {
            format!("Webhooks go to {url}; Twenty has it registered.")
        }
        Some(Webhook { url, registered: Ok(false) }) => {
            format!("Webhooks can go to {url}; Twenty does not have it yet. A running Almoner registers it.")
        }
        Some(Webhook { url, registered: Err(why) }) => {
            format!("Webhooks can go to {url}; whether Twenty has it could not be read: {why}")
        }
    });
    match &checked.lacks {
        Err(why) => lines.push(format!("Its objects and fields could not be read: {why}")),
        Ok(lacks) => {
            lines.push("The API key is accepted and may read the data model.".into());
            if lacks.is_empty() {
                lines.push("The workspace has everything that Almoner wants.".into());
            } else {
                lines.extend(lacks_text("Missing in the workspace", lacks));
                lines.push("`almoner twenty provision --dry-run` shows what can be added by itself.".into());
            }
        }
    }
    lines
}

fn checked_json(url: &str, checked: &Checked) -> Value {
    let lacks = checked.lacks.as_ref();
    json!({
        "url": url,
        "reachable": checked.version.is_ok(),
        "version": checked.version.as_ref().ok().cloned().flatten(),
        "workspace": checked.workspace,
        "keyAccepted": lacks.is_ok(),
        "note": checked.version.as_ref().err().or(lacks.err()),
        "webhook": checked.webhook.as_ref().map(|hook| json!({
            "url": hook.url,
            "registered": hook.registered.as_ref().ok(),
            "note": hook.registered.as_ref().err(),
        })),
        "lacks": lacks.ok().map(|lacks| lacks.iter().map(lack_json).collect::<Vec<_>>()),
    })
}

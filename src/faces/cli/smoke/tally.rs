//! The call ledger of a smoke run, as the runbook reads it (domain 8): logical calls, attempts, retries.

use std::collections::BTreeMap;

use serde_json::json;

use super::Scenario;
use super::bench::Part;
use crate::ground::donor_match::MatchOutcome;
use crate::ground::run::{ProcessRun, RunStatus};

/// One request that Twenty saw.
pub(super) struct Call {
    /// Method and path; ids are left out.
    what: String,
    /// Whether it is one more try of the same, since the server did not take it.
    is_retry: bool,
}

impl Call {
    pub(super) fn of(method: &str, path: &str, status: Option<u16>) -> Self {
        let parts =
            path.split('/').map(|part| if part.len() == 36 && part.contains('-') { "{id}" } else { part });
        let what = format!("{method} {}", parts.collect::<Vec<_>>().join("/"));
        Self { what, is_retry: status.is_none_or(|status| status == 429 || status >= 500) }
    }
}

/// What became of a scenario.
pub(super) struct Outcome {
    pub(super) scenario: Scenario,
    pub(super) asked: u32,
    pub(super) run: ProcessRun,
    pub(super) donors: Donors,
    /// Of all three runs.
    pub(super) calls: Vec<Call>,
}

/// How the donors of a batch were found and made, and how many calls that took.
pub(super) struct Donors {
    pub(super) matched: ProcessRun,
    pub(super) match_calls: usize,
    pub(super) made: ProcessRun,
    pub(super) making_calls: usize,
}

impl Donors {
    fn linked(&self) -> u64 {
        self.matched.matches.count(MatchOutcome::AutoLinked)
    }

    fn created(&self) -> u64 {
        self.made.matches.count(MatchOutcome::CreatedDonor)
    }

    /// Whether each donor who is known was found, and each other one made.
    fn are_as_expected(&self, rows: u32) -> bool {
        let ended = [&self.matched, &self.made].iter().all(|run| run.status == RunStatus::Completed);
        ended && (self.linked(), self.created()) == (Part::Known.count(rows), Part::New.count(rows))
    }
}

/// Something that must hold, and whether it does.
pub(super) struct Step {
    what: String,
    well: bool,
}

impl Step {
    pub(super) const fn new(what: String, well: bool) -> Self {
        Self { what, well }
    }
}

impl Outcome {
    fn retries(&self) -> usize {
        self.calls.iter().filter(|call| call.is_retry).count()
    }

    fn logical(&self) -> usize {
        self.calls.len() - self.retries()
    }

    /// Whether it went as the scenario has it.
    fn is_as_expected(&self) -> bool {
        let (tally, asked) = (&self.run.tally, u64::from(self.asked));
        if !self.donors.are_as_expected(self.asked) {
            return false;
        }
        match self.scenario {
            Scenario::HappyPath | Scenario::MixedRouting => {
                self.run.status == RunStatus::Completed && (tally.processed, tally.errors) == (asked, 0)
            }
            Scenario::RowFallbackError => {
                self.run.status == RunStatus::CompletedWithErrors
                    && (tally.processed, tally.errors) == (asked - 1, 1)
            }
        }
    }
}

fn row(name: &str, cells: &[String; 8]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>9}")).collect();
    format!("{name:<20}{}", cells.join(""))
}

/// The ledger as text or JSON, and whether all went as it should.
pub(super) fn ledger(outcomes: &[Outcome], proof: &[Step], as_json: bool) -> (String, bool) {
    let well = outcomes.iter().all(Outcome::is_as_expected) && proof.iter().all(|step| step.well);
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for call in outcomes.iter().flat_map(|outcome| &outcome.calls) {
        *kinds.entry(&call.what).or_default() += 1;
    }
    if as_json {
        let view = |outcome: &Outcome| {
            let run = &outcome.run;
            json!({
                "scenario": outcome.scenario.name(), "rows": outcome.asked, "status": run.status.word(),
                "processed": run.tally.processed, "errors": run.tally.errors,
                "fastPath": run.execution.batch_path_processed, "rowPath": run.execution.row_fallback_processed,
                "logical": outcome.logical(), "attempts": outcome.calls.len(), "retries": outcome.retries(),
                "donorMatch": { "linked": outcome.donors.linked(), "attempts": outcome.donors.match_calls },
                "createDonors": { "created": outcome.donors.created(), "attempts": outcome.donors.making_calls },
                "asExpected": outcome.is_as_expected(),
            })
        };
        let totals = json!({ "logical": sum(Outcome::logical), "attempts": sum(|it| it.calls.len()), "retries": sum(Outcome::retries) });
        let proof: Vec<_> = proof.iter().map(|step| json!({ "what": step.what, "ok": step.well })).collect();
        let scenarios: Vec<_> = outcomes.iter().map(view).collect();
        let told =
            json!({ "ok": well, "scenarios": scenarios, "totals": totals, "calls": kinds, "proof": proof });
        return (told.to_string(), well);
    }
    let heads =
        ["rows", "linked", "made", "posted", "errors", "logical", "attempts", "retries"].map(str::to_owned);
    let mut lines = vec![row("scenario", &heads)];
    for outcome in outcomes {
        let tally = &outcome.run.tally;
        let cells = [
            outcome.asked.to_string(),
            outcome.donors.linked().to_string(),
            outcome.donors.created().to_string(),
            tally.processed.to_string(),
            tally.errors.to_string(),
            outcome.logical().to_string(),
            outcome.calls.len().to_string(),
            outcome.retries().to_string(),
        ];
        let mark = if outcome.is_as_expected() { "" } else { "   NOT as expected" };
        lines.push(format!("{}{mark}", row(outcome.scenario.name(), &cells)));
    }
    let rows: u32 = outcomes.iter().map(|outcome| outcome.asked).sum();
    let posted: u64 = outcomes.iter().map(|outcome| outcome.run.tally.processed).sum();
    let errors: u64 = outcomes.iter().map(|outcome| outcome.run.tally.errors).sum();
    let counted = [sum(Outcome::logical), sum(|it| it.calls.len()), sum(Outcome::retries)];
    let [logical, attempts, retries] = counted.map(|n| n.to_string());
    let linked = outcomes.iter().map(|outcome| outcome.donors.linked()).sum::<u64>().to_string();
    let made = outcomes.iter().map(|outcome| outcome.donors.created()).sum::<u64>().to_string();
    let all =
        [rows.to_string(), linked, made, posted.to_string(), errors.to_string(), logical, attempts, retries];
    lines.push(row("all", &all));
    lines.push(String::new());
    lines.extend(kinds.iter().map(|(what, count)| format!("{count:>5} x {what}")));
    lines.push(String::new());
    lines.extend(proof.iter().map(line));
    (lines.join("\n"), well)
}

fn line(step: &Step) -> String {
    format!("{} {}", if step.well { "ok    " } else { "FAILED" }, step.what)
}

/// Steps as text or JSON, and whether all of them went well.
pub(super) fn steps(steps: &[Step], as_json: bool) -> (String, bool) {
    let well = steps.iter().all(|step| step.well);
    if as_json {
        let all: Vec<_> = steps.iter().map(|step| json!({ "what": step.what, "ok": step.well })).collect();
        return (json!({ "ok": well, "steps": all }).to_string(), well);
    }
    (steps.iter().map(line).collect::<Vec<_>>().join("\n"), well)
}

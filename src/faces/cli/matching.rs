//! `almoner match` and `almoner match evaluate`: who in a file of people is there twice, and how well that was told.

mod table;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use self::table::{Columns, Table};
use super::say;
use crate::ground::matching::cluster::Joined;
use crate::ground::matching::compare::{Found, compare};
use crate::ground::matching::decide::{Likelihood, SAME_BITS, Thresholds, probability_of};
use crate::ground::matching::evaluate::{Figures, judge};
use crate::ground::matching::explain::explain;
use crate::ground::matching::link::{Linkage, Linked, Pair, link};

/// Options of `almoner match`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Match {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    people: People,
    /// Where to write the pairs (CSV); the terminal if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Compare what is found with a known truth
    Evaluate(Evaluate),
}

/// Which people, and which column is what.
#[derive(Args, Debug)]
struct People {
    /// CSV files of people, with a line of headers
    #[arg(required = true, value_name = "FILE.CSV")]
    files: Vec<PathBuf>,
    /// The column of the id (otherwise `rec_id`, `donor_id` or `id`)
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// What a column is, where its name does not say it: `last=family_name`. Ours are title, first, last, name, email, phone,
    /// birth, number, street, extra, town, postcode, region, organisation
    #[arg(long = "map", value_name = "OURS=THEIRS")]
    map: Vec<String>,
    /// The country code of telephone numbers written without one
    #[arg(long, default_value = "44", value_name = "CODE")]
    country: String,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("known").required(true))]
struct Evaluate {
    #[command(flatten)]
    people: People,
    /// A CSV file of the true pairs: two ids a line, with a line of headers
    #[arg(long, group = "known", value_name = "PAIRS.CSV")]
    truth: Option<PathBuf>,
    /// The column that is equal where two rows are one person; it is never compared
    #[arg(long, group = "known", value_name = "COLUMN")]
    entity: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
    /// Where to write the pairs that were judged wrongly, with their explanation (CSV)
    #[arg(long, value_name = "OUT.CSV")]
    errors: Option<PathBuf>,
}

impl Match {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.what {
            Some(What::Evaluate(evaluate)) => evaluate.run(),
            None => self.write_pairs(),
        }
    }

    fn write_pairs(&self) -> anyhow::Result<ExitCode> {
        let table = self.people.read(None)?;
        let linkage = link(&table.donors, &self.people.country, on_two_threads);
        match &self.out {
            Some(path) => {
                let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
                write_pairs(file, &table, &linkage)?;
            }
            None => write_pairs(std::io::stdout().lock(), &table, &linkage)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl People {
    fn read(&self, entity: Option<&str>) -> anyhow::Result<Table> {
        let columns = Columns::new(self.id.as_deref(), entity, &self.map)?;
        let mut table = Table::default();
        for file in &self.files {
            let reader = open(file)?;
            table.read(reader, &columns).with_context(|| file.display().to_string())?;
        }
        Ok(table)
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

/// All pairs worth a question, the likeliest first.
fn write_pairs(out: impl Write, table: &Table, linkage: &Linkage) -> anyhow::Result<()> {
    let thresholds = Thresholds::default();
    let clusters = clusters(&linkage.joined, table.ids.len());
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(["left", "right", "probability", "bits", "likelihood", "cluster", "why", "model"])?;
    let mut pairs: Vec<_> =
        linkage.joined.pairs.iter().filter(|linked| linked.bits >= thresholds.ask).collect();
    pairs.sort_by(|left, right| right.bits.total_cmp(&left.bits).then(left.pair.cmp(&right.pair)));
    for linked in pairs {
        let (left, right) = (linked.pair.0 as usize, linked.pair.1 as usize);
        let together = clusters[left].filter(|_| clusters[left] == clusters[right]);
        writer.write_record([
            table.ids[left].as_str(),
            &table.ids[right],
            &format!("{:.6}", probability_of(linked.bits)),
            &format!("{:.3}", linked.bits),
            Likelihood::of(linked.bits).words(),
            together.map_or("", |name| table.ids[name as usize].as_str()),
            &explain(&linkage.model, &linked.found).line(thresholds),
            &linkage.model.version,
        ])?;
    }
    writer.flush()?;
    Ok(())
}

/// The row that names the cluster of each row.
fn clusters(joined: &Joined, rows: usize) -> Vec<Option<u32>> {
    let mut of = vec![None; rows];
    for cluster in &joined.clusters {
        for row in &cluster.rows {
            of[*row as usize] = cluster.rows.first().copied();
        }
    }
    of
}

/// What `evaluate` prints.
#[derive(Serialize)]
struct Report {
    rows: usize,
    true_pairs: usize,
    pairs_compared: usize,
    best_f1: f64,
    best_threshold: f64,
    f1_at_threshold: f64,
    precision_at_threshold: f64,
    recall_at_threshold: f64,
    recall_at_p99: f64,
    recall_at_p999: f64,
    seconds: f64,
}

impl Evaluate {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let table = self.people.read(self.entity.as_deref())?;
        let truth = match &self.truth {
            Some(path) => table.pairs(open(path)?).with_context(|| path.display().to_string())?,
            None => table.pairs_of_entities(),
        };
        let clock = crate::sys::world();
        let started = clock.now();
        let linkage = link(&table.donors, &self.people.country, on_two_threads);
        let took = clock.now().0 - started.0;
        let seconds = Duration::from_micros(u64::try_from(took).unwrap_or(0)).as_secs_f64();
        let scored: Vec<_> = linkage.joined.pairs.iter().map(|linked| (linked.pair, linked.bits)).collect();
        let report = report(&linkage, judge(&scored, &truth, SAME_BITS), seconds);
        say(&if self.json { serde_json::to_string(&report)? } else { report.text() });
        if let Some(path) = &self.errors {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            write_errors(file, &table, &linkage, &truth)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn report(linkage: &Linkage, figures: Figures, seconds: f64) -> Report {
    Report {
        rows: linkage.base.rows.len(),
        true_pairs: figures.true_pairs,
        pairs_compared: linkage.compared,
        best_f1: figures.best_f1,
        best_threshold: figures.best_threshold,
        f1_at_threshold: figures.f1_at_threshold,
        precision_at_threshold: figures.precision_at_threshold,
        recall_at_threshold: figures.recall_at_threshold,
        recall_at_p99: figures.recall_at_p99,
        recall_at_p999: figures.recall_at_p999,
        seconds,
    }
}

impl Report {
    fn text(&self) -> String {
        format!(
            "{} rows, {} pairs of one person, {} pairs compared in {:.2} s\n\
             best F1 {:.4}, from probability {:.4}\n\
             likelier than not: F1 {:.4}, precision {:.4}, recall {:.4}\n\
             recall at precision 0.99: {:.4}, at 0.999: {:.4}",
            self.rows,
            self.true_pairs,
            self.pairs_compared,
            self.seconds,
            self.best_f1,
            self.best_threshold,
            self.f1_at_threshold,
            self.precision_at_threshold,
            self.recall_at_threshold,
            self.recall_at_p99,
            self.recall_at_p999,
        )
    }
}

/// Pairs linked wrongly, the surest first; then pairs missed, those compared before those that shared no key.
fn write_errors(
    out: impl Write,
    table: &Table,
    linkage: &Linkage,
    truth: &BTreeSet<Pair>,
) -> anyhow::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(["error", "left", "right", "probability", "bits", "why"])?;
    let mut scored = BTreeSet::new();
    let mut wrong = Vec::new();
    for linked in &linkage.joined.pairs {
        scored.insert(linked.pair);
        if (linked.bits >= SAME_BITS) != truth.contains(&linked.pair) {
            wrong.push((linked.pair, linked.bits, linked.found));
        }
    }
    wrong.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    for (pair, bits, found) in wrong {
        let error = if truth.contains(&pair) { "missed" } else { "linked" };
        writer.write_record(error_line(table, linkage, error, (pair, bits, found)))?;
    }
    for pair in truth.difference(&scored) {
        let rows = &linkage.base.rows;
        let found = compare(&linkage.base, &rows[pair.0 as usize], &rows[pair.1 as usize]);
        let bits = linkage.model.weigh(&found).bits();
        let error = "missed, not among the candidates";
        writer.write_record(error_line(table, linkage, error, (*pair, bits, found)))?;
    }
    writer.flush()?;
    Ok(())
}

/// A line about a pair that was judged wrongly.
fn error_line(
    table: &Table,
    linkage: &Linkage,
    error: &str,
    (pair, bits, found): (Pair, f64, Found),
) -> [String; 6] {
    [
        error.to_owned(),
        table.ids[pair.0 as usize].clone(),
        table.ids[pair.1 as usize].clone(),
        format!("{:.6}", probability_of(bits)),
        format!("{bits:.3}"),
        explain(&linkage.model, &found).line(Thresholds::default()),
    ]
}

/// Pairs below which a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 10_000;

/// Works through a list on this thread and one other.
fn on_two_threads(pairs: &[Pair], work: &(dyn Fn(&[Pair]) -> Vec<Linked> + Sync)) -> Vec<Linked> {
    if pairs.len() < WORTH_A_THREAD {
        return work(pairs);
    }
    let (left, right) = pairs.split_at(pairs.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(right));
        let mut all = work(left);
        match other.join() {
            Ok(more) => all.extend(more),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        all
    })
}

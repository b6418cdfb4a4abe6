//! Clock, medians, rounds and tables.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

/// Rounds of every part.
pub const ROUNDS: usize = 3;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// A twentieth of everything.
    pub small: bool,
}

impl Plan {
    /// A size of the full run, or its twentieth.
    pub const fn size(self, full: usize) -> usize {
        if self.small { full / 20 } else { full }
    }
}

/// Runs a part between two looks at the load of the machine.
pub fn part(name: &str, plan: Plan, run: fn(Plan) -> anyhow::Result<()>) -> anyhow::Result<()> {
    println!("\n## {name}{}\n", if plan.small { " (small: not for the record)" } else { "" });
    println!("load average at the start: {}\n", load());
    run(plan).with_context(|| format!("the part {name}"))?;
    println!("\nload average at the end: {}", load());
    Ok(())
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::disallowed_methods, reason = "a bench has no settings file")]
fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(Into::into)
}

/// A program that this variable of the environment names.
pub fn program(variable: &str) -> anyhow::Result<PathBuf> {
    let path =
        environment(variable).with_context(|| format!("{variable} is not set: use scripts/peers.sh"))?;
    anyhow::ensure!(path.is_file(), "{variable} names {}, which is not there", path.display());
    // It may be started from another folder.
    Ok(path.canonicalize()?)
}

/// A folder of its own that goes away again. `PEERS_FOLDER` says on which disk.
pub fn folder() -> anyhow::Result<tempfile::TempDir> {
    let within = environment("PEERS_FOLDER").unwrap_or_else(std::env::temp_dir);
    tempfile::Builder::new()
        .prefix("peers-")
        .tempdir_in(&within)
        .with_context(|| format!("no folder in {}", within.display()))
}

/// The time that work took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let began = Instant::now();
    let value = work()?;
    Ok((began.elapsed(), value))
}

/// Waits for another process.
#[expect(clippy::disallowed_methods, reason = "a benchmark waits for real processes")]
pub fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Asks again until there is an answer, at most `seconds`.
pub fn until<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    for _ in 0..seconds * 20 {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        pause(50);
    }
    anyhow::bail!("{what} did not come within {seconds} s")
}

/// Lets `contenders` run once in each round, the order turned by one each time. Answers the outcomes by contender.
pub fn rounds<T>(
    contenders: usize,
    mut run: impl FnMut(usize) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let mut outcomes: Vec<Vec<T>> = (0..contenders).map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for place in 0..contenders {
            let who = (place + round) % contenders;
            outcomes[who].push(run(who)?);
        }
    }
    Ok(outcomes)
}

/// The middle one.
pub fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

/// How many of `count` a second.
pub fn per_second(count: usize, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(count as u128 * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// Microseconds.
pub fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// `ours / theirs` with two decimals.
pub fn ratio(ours: u64, theirs: u64) -> String {
    let hundredths = (u128::from(ours) * 100 + u128::from(theirs) / 2) / u128::from(theirs.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as milliseconds.
pub fn millis(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// Bytes as megabytes (10^6).
pub fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// Prints a Markdown table.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    println!("{text}");
}

/// The bytes of a file, or of everything in a folder.
pub fn bytes_on_disk(path: &Path) -> anyhow::Result<u64> {
    let found = std::fs::symlink_metadata(path).with_context(|| path.display().to_string())?;
    if !found.is_dir() {
        return Ok(found.len());
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        sum += bytes_on_disk(&entry?.path())?;
    }
    Ok(sum)
}

/// The bytes of a file that take place on the disk: a file may have holes.
pub fn blocks_on_disk(file: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata(file)?.blocks() * 512)
}

/// A field of `/proc/PID/status` or `smaps_rollup`, in bytes.
pub fn memory_field(pid: u32, file: &str, fields: &[&str]) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/{file}");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let mut sum = 0;
    for field in fields {
        let line = text.lines().find(|line| line.starts_with(field));
        let word = line.and_then(|line| line.split_whitespace().nth(1)).context("a field of the memory")?;
        sum += word.parse::<u64>()? * 1_024;
    }
    Ok(sum)
}

/// The memory that would come back if the process ended.
pub fn private_memory(pid: u32) -> anyhow::Result<u64> {
    memory_field(pid, "smaps_rollup", &["Private_Clean:", "Private_Dirty:"])
}

//! Almoner beside its peers, in the same run on the same disk: SQLite, PostgreSQL, bare redb, PocketBase.
//!
//! `make bench` runs all parts; one alone: `scripts/peers.sh records|writers|group|reopen|growth|http|memory|past`.
//! `make soak` adds `scale`.
//! `--small` takes a twentieth of every size: it shows that everything works, not how fast.
//!
//! `peers profile GROUP RECORDS [updates]` runs our side alone, for a profiler.
//!
//! How to read it:
//! - Every figure is the median of three rounds. In a round each contender runs once, on fresh files in the same
//!   folder, and the order turns from round to round, so that a busy minute of the machine hits nobody alone.
//! - A ratio is ours divided by the peer's. It is the thing to judge by: absolute figures depend on the disk and on
//!   who else uses the machine, which is why each part prints the load average when it begins and when it ends.
//! - Every contender keeps what it acknowledges through a power failure: one fsync per commit, none switched off.
//! - The peers store what we store (record, journal with before and after, two secondary indexes), but not what they
//!   have no counterpart for: hash chain, counters, salted body hashes.

mod bare;
mod bench;
mod commit;
mod gifts;
mod growth;
mod http;
mod memory;
mod ours;
mod past;
mod pocketbase;
mod postgresql;
mod profile;
mod records;
mod reopen;
mod scale;
mod server;
mod sqlite;
mod storm;
mod writers;

use std::process::ExitCode;

use bench::Plan;

/// A name and what it measures.
type Part = (&'static str, fn(Plan) -> anyhow::Result<()>);

const PARTS: [Part; 9] = [
    ("records", records::run),
    ("writers", writers::run),
    ("group", commit::run),
    ("reopen", reopen::run),
    ("growth", growth::run),
    ("http", storm::run),
    ("memory", memory::run),
    ("past", past::run),
    ("scale", scale::run),
];

/// Takes minutes: asked for by its name only (`make soak`).
const LONG: &str = "scale";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [hidden, path] = arguments.as_slice()
        && hidden == reopen::HIDDEN
    {
        reopen::write_until_killed(std::path::Path::new(path))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let [word, rest @ ..] = arguments.as_slice()
        && word == "profile"
    {
        profile::run(rest)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan { small: arguments.iter().any(|word| word == "--small") };
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--small").collect();
    let known = |word: &str| word == "all" || PARTS.iter().any(|(name, _)| *name == word);
    if words.is_empty() || !words.iter().all(|word| known(word)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        eprintln!("peers {}|all [--small]", names.join("|"));
        return Ok(ExitCode::FAILURE);
    }
    for (name, part) in PARTS {
        if words.iter().any(|word| *word == name || (*word == "all" && name != LONG)) {
            bench::part(name, plan, part)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `verify`: the proof that the ledger is whole, in words or as JSON.

use std::io::Write;

use super::CommandError;
use crate::store::{Store, Verdict, verify as prove};

/// Exit code: the ledger is whole.
const WHOLE: u8 = 0;
/// Exit code: it is not.
const NOT_WHOLE: u8 = 1;

pub(super) fn verify(store: &Store, json: bool, out: &mut dyn Write) -> Result<u8, CommandError> {
    tell(&prove(store)?, json, out)
}

/// Says that the file is damaged, which was found without opening it.
pub fn damaged(fault: String, json: bool, out: &mut dyn Write) -> Result<u8, CommandError> {
    tell(&Verdict { fault: Some(fault), ..Verdict::default() }, json, out)
}

fn tell(verdict: &Verdict, json: bool, out: &mut dyn Write) -> Result<u8, CommandError> {
    let text = if json { as_json(verdict) } else { in_words(verdict) };
    out.write_all(format!("{text}\n").as_bytes())?;
    Ok(if verdict.fault.is_none() { WHOLE } else { NOT_WHOLE })
}

fn as_json(verdict: &Verdict) -> String {
    serde_json::json!({ "entries": verdict.entries, "commits": verdict.commits, "subjects": verdict.subjects, "erased": verdict.erased, "pages": verdict.pages, "fault": verdict.fault }).to_string()
}

fn in_words(verdict: &Verdict) -> String {
    let read = format!(
        "{} entries in {} commits, {} subjects, {} erased, {} pages",
        verdict.entries, verdict.commits, verdict.subjects, verdict.erased, verdict.pages
    );
    match &verdict.fault {
        None => format!("The ledger is whole: {read}."),
        Some(fault) => format!("The ledger is NOT whole: {fault} ({read})."),
    }
}

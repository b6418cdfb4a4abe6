//! Erases a person at their request.

use std::io::Write;

use super::{CommandError, wait};
use crate::desk::people::{Erasure, erase_person, erasure_of};
use crate::ground::backup::retention::gone_by;
use crate::ground::id::PersonId;
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Zone;
use crate::store::Store;

/// Exit code of a preview: nothing was done.
const NOTHING_DONE: u8 = 2;

/// Erases, or says what that would reach.
pub(super) fn erase(
    store: &Store,
    actor: &Actor,
    person: PersonId,
    (ground, preview): (&str, bool),
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    if preview {
        let reach = erasure_of(store, person)?;
        writeln!(out, "This would erase {}.", told(&reach))?;
        if reach.open > 0 {
            writeln!(out, "{} of those gifts are not posted yet: post or discard them first.", reach.open)?;
        }
        writeln!(out, "{}", kept(&reach))?;
        backups(store, out)?;
        writeln!(out, "Nothing was done. Repeat the command with --yes to do it; it cannot be undone.")?;
        return Ok(NOTHING_DONE);
    }
    let cause =
        Cause { actor: actor.clone(), why: "Erased at the person's request".into(), request_id: None };
    let reach = wait(erase_person(store, cause, person, ground.to_owned()))?;
    writeln!(out, "Erased {}.", told(&reach))?;
    writeln!(out, "{}", kept(&reach))?;
    writeln!(
        out,
        "Twenty still has the person: delete them there too. Run `almoner compact` to overwrite what is left in the file."
    )?;
    backups(store, out)?;
    Ok(0)
}

/// Backups are sealed and not rewritten: which hold what was there before, and when the rule removes them.
fn backups(store: &Store, out: &mut dyn Write) -> Result<(), CommandError> {
    let state = store.snapshot()?.ledger().backups()?;
    let (Some(keep), false) = (state.keep, state.held.is_empty()) else { return Ok(()) };
    let zone = Zone::utc();
    let taken: Vec<_> = state.held.iter().map(|good| good.taken_at).collect();
    writeln!(out, "{} backup(s) hold what was there when they were taken:", taken.len())?;
    for (which, good) in state.held.iter().enumerate() {
        let until = gone_by(&taken, which, keep, &zone).map(|at| at.to_string()[..10].to_owned());
        let until = until
            .map_or_else(|| "for as long as no newer ones are taken".into(), |day| format!("until {day}"));
        writeln!(out, "  {} {until}", good.set)?;
    }
    Ok(())
}

fn told(reach: &Erasure) -> String {
    let person = if reach.known {
        "the person's record in all its versions"
    } else {
        "nothing of a person's record (there is none here; one that comes later will not be taken in)"
    };
    format!(
        "{person}, {} staged gift(s), {} delivery(ies), {} task(s) and note(s) about nobody else, what was changed of them here, \
         and what webhooks told of them",
        reach.rows, reach.deliveries, reach.linked
    )
}

fn kept(reach: &Erasure) -> String {
    let others = match reach.linked_kept {
        0 => String::new(),
        kept => format!(
            " {kept} task(s) and note(s) are about others too and stay; their link to this person goes. Look whether their \
             text names this person."
        ),
    };
    format!(
        "{} gift(s) of this person stay in the mirror: they are the charity's accounts and Twenty's records.{others}",
        reach.gifts_kept
    )
}

//! `doctor`, the part that the ledger knows: clock, schema, connections, calls, outbox, backups, drill. Answers JSON, which
//! the command line joins with what it sees of the machine.
//!
//! No stored text is passed on (`ground/doctor.rs`): companies have numbers here, and troubles are only told to be there.

use std::io::Write;

use super::CommandError;
use crate::ground::backup::restored::Restored;
use crate::ground::backup::state::{BackupState, Verdict};
use crate::ground::books::connected::Connected;
use crate::ground::books::meter::{Allowance, Mark};
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::doctor::State::{Fail, NotEvaluated, Ok as Well, Warn};
use crate::ground::doctor::{Finding, fails};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::mirror::{Freshness, MirrorState};
use crate::ground::staging::Status;
use crate::ground::time::Instant;
use crate::store::{Ledger, SCHEMA, Store, StoreError, Working};

/// What the settings promise.
#[derive(Clone, Copy)]
pub(super) struct Promised {
    /// Minutes between passes over Twenty.
    pub(super) sync_minutes: u32,
    /// Metered calls to QuickBooks a month.
    pub(super) calls_per_month: u32,
}

pub(super) fn doctor(store: &Store, promised: Promised, out: &mut dyn Write) -> Result<u8, CommandError> {
    let snapshot = store.snapshot()?;
    let findings = look(&snapshot.ledger(), promised, snapshot.as_of())?;
    serde_json::to_writer(&mut *out, &findings)?;
    writeln!(out)?;
    Ok(u8::from(fails(&findings)))
}

fn look(ledger: &Ledger<'_>, promised: Promised, now: Instant) -> Result<Vec<Finding>, StoreError> {
    let mut found = vec![clock(ledger, now)?, schema(ledger)?];
    for object in [Object::People, Object::Gifts] {
        let state = ledger.mirror_state(ConnectionId::TWENTY, object)?;
        found.push(twenty(object, &state, now, i64::from(promised.sync_minutes) * 60_000));
    }
    let companies = ledger.companies()?;
    for (number, record) in companies.iter().enumerate() {
        let books = ledger.books(record.value.connection)?;
        found.push(company(number + 1, &record.value, &books));
    }
    found.push(calls(ledger, promised, now)?);
    found.push(outbox(ledger)?);
    let state = ledger.backups()?;
    found.push(backup(&state, now));
    found.push(drill(&state));
    Ok(found)
}

/// An entry is never written before the one before it: one from the future tells that the clock went back.
fn clock(ledger: &Ledger<'_>, now: Instant) -> Result<Finding, StoreError> {
    let last = ledger.last_seq()?.0;
    if last > 0 && ledger.header(last)?.recorded > now {
        let says = "The clock is behind the newest entry of the journal.";
        return Ok(Finding::new("clock", Fail, says)
            .fix("Set the clock, and let it be kept: `timedatectl set-ntp true`."));
    }
    Ok(Finding::new("clock", Well, "The clock is not behind the journal."))
}

fn schema(ledger: &Ledger<'_>) -> Result<Finding, StoreError> {
    let entries = ledger.last_seq()?.0;
    Ok(Finding::new("ledger", Well, format!("It answers: layout {SCHEMA}, {entries} entries.")))
}

fn twenty(object: Object, state: &MirrorState, now: Instant, every_ms: i64) -> Finding {
    let name = format!("twenty {}", object.word());
    let (how, says) = match state.freshness(now, every_ms) {
        _ if state.paused => (Warn, "A person paused the reading."),
        Freshness::Never => (Warn, "They were never read completely."),
        Freshness::Stale => (Warn, "What is known is older than promised."),
        Freshness::Fresh | Freshness::Late if state.trouble.is_some() => {
            (Warn, "The last reading had trouble.")
        }
        Freshness::Fresh => (Well, "They are as fresh as promised."),
        Freshness::Late => (Well, "They are a little late."),
    };
    Finding::new(&name, how, says)
        .fix("Look at the Sync page, which says why; check Twenty's address and key with `almoner twenty check`.")
        .as_of(state.complete_as_of)
}

fn company(number: usize, company: &Connected, books: &Books) -> Finding {
    let name = format!("quickbooks {number}");
    let (how, says, fix) = match books.halted {
        _ if company.disconnected_at.is_some() => (Well, "It was disconnected; its books are kept.", ""),
        Some(Halted::Reconnect) => (
            Fail,
            "QuickBooks does not let us in any more.",
            "Connect it again: Settings, QuickBooks companies.",
        ),
        Some(Halted::Lapsed) => (
            Warn,
            "Its subscription at QuickBooks has ended.",
            "Have the subscription renewed, or disconnect the company.",
        ),
        None if books.paused => {
            (Warn, "A person paused it.", "Let it go on: Settings, QuickBooks companies.")
        }
        None if books.differs_since.is_some() => (
            Warn,
            "A control total differs from QuickBooks.",
            "Look at the company's page, which names the figure.",
        ),
        None if books.trouble.is_some() => {
            (Warn, "The last look had trouble.", "Look at the company's page, which says why.")
        }
        None if books.complete_as_of.is_none() => {
            (Warn, "It was not read completely yet.", "Wait until the first load is done.")
        }
        None => (Well, "It is read.", ""),
    };
    let finding = Finding::new(&name, how, says).as_of(books.complete_as_of);
    if fix.is_empty() { finding } else { finding.fix(fix) }
}

fn calls(ledger: &Ledger<'_>, promised: Promised, now: Instant) -> Result<Finding, StoreError> {
    let name = "call budget";
    let Some(meter) = ledger.books_meter()? else {
        return Ok(Finding::new(name, NotEvaluated, "No call to QuickBooks was metered yet."));
    };
    let month = meter.view(Allowance { calls: promised.calls_per_month, ..Allowance::DEFAULT }, now);
    let says = format!("{} of this month's {} calls to QuickBooks are used.", month.used, month.calls);
    let how = match month.mark {
        Mark::Fine => Well,
        Mark::Noticed | Mark::Warned => Warn,
        Mark::Urgent | Mark::Spent => Fail,
    };
    Ok(Finding::new(name, how, says)
        .fix("Pause companies that can wait, or raise quickbooks.calls_per_month."))
}

fn outbox(ledger: &Ledger<'_>) -> Result<Finding, StoreError> {
    let restored: Option<Restored> =
        ledger.working_text(Working::Restored, &ConnectionId::TWENTY.0.to_be_bytes())?;
    if let Some(restored) = restored.filter(Restored::is_shut) {
        let says = "Nothing is sent after a restore until everything in Twenty was read once.";
        return Ok(Finding::new("outbox", Warn, says)
            .fix("Wait: it opens by itself. If reading has trouble, the Sync page says why.")
            .as_of(Some(restored.at)));
    }
    let failed = ledger.staged_count(None, Status::ProcessFailed)?;
    let says = format!("{} gift(s) on their way, {failed} failed.", ledger.outbox_len()?);
    let how = if failed == 0 { Well } else { Warn };
    Ok(Finding::new("outbox", how, says)
        .fix("Open the queue at \"failed\": each row says why and what to do."))
}

fn backup(state: &BackupState, now: Instant) -> Finding {
    let at = state.good.as_ref().map(|good| good.taken_at);
    let failed = state.failed.as_ref().map_or(0, |failed| failed.times);
    let (how, says) = match state.rhythm {
        None => (Warn, "No backups are set up.".into()),
        Some(rhythm) if state.is_missing(now, rhythm) => {
            (Fail, format!("A good backup is missing; {failed} attempt(s) failed since the last."))
        }
        Some(_) if failed > 0 => (Warn, format!("The last {failed} attempt(s) failed.")),
        Some(_) if at.is_none() => (Warn, "The first one is not taken yet.".into()),
        Some(_) => (Well, "Backups are taken.".into()),
    };
    let fix = match state.rhythm {
        None => "Write target and recipient under [backup] in the settings file.",
        Some(_) => "Run `almoner backup`, which says why it fails.",
    };
    Finding::new("backup", how, says).fix(fix).as_of(at)
}

fn drill(state: &BackupState) -> Finding {
    let Some(drill) = &state.drill else {
        return Finding::new("drill", NotEvaluated, "No backup was restored as a test yet.")
            .fix("Run `almoner drill`.");
    };
    let (how, says) = match drill.verdict {
        Verdict::Passed => (Well, "The last restore drill passed."),
        Verdict::Failed => (Fail, "The last restore drill failed."),
        Verdict::Inconclusive => (Warn, "The last restore drill proved nothing."),
    };
    Finding::new("drill", how, says)
        .fix("Run `almoner backup verify`, then `almoner drill`: they name what is wrong.")
        .as_of(Some(drill.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::backup::state::{Drill, Failed, Good, Rhythm};
    use crate::ground::books::RealmId;
    use crate::ground::books::mirror::Trouble;
    use crate::ground::id::ConnectionKey;

    const PLANTED: &str = "Wilhelmina Quartermaine wilhelmina@example.org sk-planted-secret";

    const fn rhythm() -> Rhythm {
        Rhythm { backup_ms: 24 * 3_600_000, drill_ms: 1 }
    }

    /// Keeps out: a stored text that a stranger wrote, in what is pasted into a ticket.
    #[test]
    fn no_stored_text_is_passed_on() {
        let mut state =
            BackupState { rhythm: Some(rhythm()), since: Some(Instant(0)), ..BackupState::default() };
        state.failed = Some(Failed { at: Instant(0), why: PLANTED.into(), times: 2 });
        state.good = Some(Good { set: PLANTED.into(), taken_at: Instant(0), seq: 1, stored: 1 });
        let set = Some(PLANTED.into());
        state.drill = Some(Drill { at: Instant(0), verdict: Verdict::Failed, set, says: PLANTED.into() });
        let mirror = MirrorState {
            trouble: Some(PLANTED.into()),
            complete_as_of: Some(Instant(0)),
            ..MirrorState::default()
        };
        let trouble = Some(Trouble { said: PLANTED.into(), since: Instant(0) });
        let books = Books { trouble, ..Books::default() };
        let realm: RealmId = "4620816365".parse().expect("a realm");
        let mut of =
            Connected::new(ConnectionKey(uuid::Uuid::nil()), ConnectionId::BOOKS_FIRST, realm, Instant(0));
        of.name = Some(PLANTED.into());
        let found = [
            backup(&state, Instant(1)),
            drill(&state),
            twenty(Object::People, &mirror, Instant(1), 1_000),
            company(1, &of, &books),
        ];
        assert_eq!(found.each_ref().map(|finding| finding.state), [Warn, Fail, Warn, Warn]);
        let text = serde_json::to_string(&found).expect("JSON");
        for word in PLANTED.split(' ').chain(["4620816365"]) {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn what_is_missing_fails_and_what_is_not_known_is_not_claimed() {
        let mut state = BackupState::default();
        assert_eq!((backup(&state, Instant(0)).state, drill(&state).state), (Warn, NotEvaluated));
        (state.rhythm, state.since) = (Some(rhythm()), Some(Instant(0)));
        assert_eq!(backup(&state, Instant(3_600_000_000)).state, Warn);
        assert_eq!(backup(&state, Instant(40 * 3_600_000_000)).state, Fail);
        let mirror = MirrorState::default();
        let told = twenty(Object::Gifts, &mirror, Instant(0), 1_000);
        assert_eq!((told.state, told.as_of), (Warn, None));
    }
}

//! The weekly digest of a company: drawn up from the books as they stand, edited, approved. What it says is computed anew from the
//! journal each time it is looked at, and is the same each time (finance 4.5, 10.25).

use uuid::Uuid;

use super::super::{Asked, Desk, Refusal};
use super::shelf::standing_as_of;
use super::{Reading, Standing};
use crate::ground::books::{Connected, RealmId};
use crate::ground::finance::aging::{Bucket, aging};
use crate::ground::finance::burn::Runway;
use crate::ground::finance::change::{Moved, drivers};
use crate::ground::finance::decision::Stage;
use crate::ground::finance::digest::{Digest, DigestStage};
use crate::ground::finance::facts::Side;
use crate::ground::finance::paper::{Grid, Paper, Section};
use crate::ground::finance::{Known, Unknown};
use crate::ground::id::{Object, Seq};
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Changes, Fail, Ledger, StoreError};

/// Characters of what somebody writes above it.
const WORDS_MAX: usize = 5_000;
/// Causes, issues and steps that are told.
const TOLD: usize = 5;
/// A week.
const DAYS: i32 = 7;

/// What somebody does with a digest.
#[derive(Clone, Debug)]
pub enum DigestWish {
    /// Draws it up anew, from the books as they stand now.
    Redraw,
    /// Writes other words above it.
    Words(String),
    /// Says that it can go out.
    Approve,
    /// Makes a draft of it again.
    Reopen,
}

impl Desk {
    /// Draws up the digest of the week; the one of a week is the same one, however often somebody asks.
    pub async fn draft_digest(
        &self,
        asked: &Asked,
        realm: RealmId,
        today: CalendarDate,
    ) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Digest drawn up");
        let (_, id) = self
            .store
            .write(move |view| {
                let company = view.ledger().company(&realm)?.ok_or(Refusal::NotFound("company"))?.value;
                let (week, mut changes) = (today.monday(), Changes::new(cause));
                let id = Digest::id_of(&realm, week);
                if view.ledger().money_digest(id)?.is_none() {
                    let as_of = view.ledger().last_seq()?.0;
                    let (called, at) = (company.label().to_owned(), view.world.now());
                    let (words, stage) = (String::new(), DigestStage::Draft);
                    let fresh = Digest { id, realm, week, as_of, today, at, called, words, stage };
                    changes.open(Object::MoneyDigest, id, &fresh)?;
                }
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Does something with a digest. `seen` is the entry that was seen; `today` the day of its company.
    pub async fn act_on_digest(
        &self,
        asked: &Asked,
        id: Uuid,
        (seen, today): (Option<Seq>, CalendarDate),
        wish: DigestWish,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Digest changed");
        if matches!(&wish, DigestWish::Words(words) if words.chars().count() > WORDS_MAX) {
            return Err(Refusal::Nothing(texts::DIGEST_WORDS));
        }
        self.store
            .write(move |view| {
                let record = view.ledger().money_digest(id)?.ok_or(Refusal::NotFound("digest"))?;
                if seen.is_some_and(|seen| seen != record.seq) {
                    return Err(Refusal::Changed.into());
                }
                let mut after = record.value.clone();
                let is_draft = after.stage == DigestStage::Draft;
                match wish {
                    DigestWish::Reopen if is_draft => return Err(Refusal::Unchanged.into()),
                    DigestWish::Reopen => after.stage = DigestStage::Draft,
                    _ if !is_draft => return Err(Refusal::Nothing(texts::DIGEST_APPROVED).into()),
                    DigestWish::Redraw => {
                        (after.as_of, after.at) = (view.ledger().last_seq()?.0, view.world.now());
                        after.today = today;
                    }
                    DigestWish::Words(words) => after.words = words,
                    DigestWish::Approve => {
                        after.stage = DigestStage::Approved {
                            approved_by: cause.actor.clone(),
                            approved_at: view.world.now(),
                        };
                    }
                }
                let mut changes = Changes::new(cause);
                if after != record.value {
                    changes.update(Object::MoneyDigest, id, &after)?;
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// What a digest says: from the journal up to its moment, and nothing else.
pub fn paper(
    reading: &Reading<'_>,
    company: &Connected,
    digest: &Digest,
) -> Result<Option<Paper>, StoreError> {
    let zone = company.zone_or(reading.zone);
    let then = digest.today.plus_days(-DAYS);
    let before_seq = reading.ledger.seq_at(zone.end_of(then))?.min(Seq(digest.as_of));
    let Some(now) = standing_as_of(reading, company, Seq(digest.as_of), digest.today)? else {
        return Ok(None);
    };
    let Some(before) = standing_as_of(reading, company, before_seq, then)? else { return Ok(None) };
    let sections = [
        Some(figures(&before, &now)),
        causes(&before, &now),
        decided(&now),
        next(&now),
        ahead(&now),
        Some(late(&now)),
        records(&now),
    ];
    Ok(Some(Paper {
        title: texts::digest_title(&digest.called),
        subtitle: texts::digest_subtitle(digest.week, digest.today),
        words: digest.words.clone(),
        sections: sections.into_iter().flatten().collect(),
        foot: texts::digest_foot(now.facts.home.as_str(), &digest.at.to_string(), digest.as_of),
    }))
}

fn money(of: Known<Money>) -> String {
    of.map_or_else(unknown, |money| texts::grouped(&money.decimal()))
}

fn unknown(why: Unknown) -> String {
    format!("{} ({})", texts::NOT_KNOWN, why.word())
}

fn lasts(of: &Standing) -> String {
    match of.runway {
        Ok(Runway::Days { days, covered_until, .. }) => texts::digest_lasts(days, covered_until),
        Ok(Runway::NotBurning) => texts::NOT_BURNING.to_owned(),
        Err(why) => unknown(why),
    }
}

fn row(cells: [String; 3]) -> Vec<String> {
    cells.into()
}

fn figures(before: &Standing, now: &Standing) -> Section {
    let head = texts::DIGEST_HEAD.map(str::to_owned).into();
    let pair = |name: &str, of: fn(&Standing) -> Known<Money>| {
        row([name.to_owned(), money(of(before)), money(of(now))])
    };
    let quality = |of: &Standing| of.quality.map_or_else(unknown, |quality| quality.score.to_string());
    let rows = vec![
        pair(texts::DIGEST_CASH, |of| of.cash.value),
        row([texts::DIGEST_LASTS.to_owned(), lasts(before), lasts(now)]),
        pair(texts::DIGEST_OWED, |of| of.payable.value),
        pair(texts::DIGEST_DUE, |of| of.receivable.value),
        row([texts::DIGEST_QUALITY.to_owned(), quality(before), quality(now)]),
    ];
    let title = texts::DIGEST_FIGURES.to_owned();
    Section { title, lines: Vec::new(), grid: Some(Grid { head, rows }) }
}

fn causes(before: &Standing, now: &Standing) -> Option<Section> {
    let moved = drivers(&before.facts, &now.facts, &now.burn.value);
    let line = |what: Moved, party: Option<&str>, amount: Known<Money>| {
        format!(
            "{}{}: {}",
            texts::digest_moved(what.word()),
            party.map_or_else(String::new, |it| format!(" ({it})")),
            money(amount)
        )
    };
    let lines = moved.iter().take(TOLD).map(|it| line(it.what, it.party.as_deref(), it.amount)).collect();
    section(texts::DIGEST_CAUSES, lines)
}

fn section(title: &str, lines: Vec<String>) -> Option<Section> {
    (!lines.is_empty()).then(|| Section { title: title.to_owned(), lines, grid: None })
}

/// What was decided about bills and not paid yet.
fn decided(now: &Standing) -> Option<Section> {
    let name = |bill: &crate::ground::finance::facts::Document| {
        let party =
            now.facts.party(bill).and_then(|party| party.called.clone()).or_else(|| bill.party_name.clone());
        format!("{} {}", party.unwrap_or_default(), bill.number.as_deref().unwrap_or(bill.name.id.as_str()))
    };
    let mut found: Vec<(String, Stage, Known<Money>)> =
        now.facts.open(Side::Bill).map(|bill| (name(bill), now.stage(bill), bill.open)).collect();
    found.retain(|(_, stage, _)| *stage != Stage::Ready);
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let line = |(name, stage, open): &(String, Stage, Known<Money>)| {
        format!("{}: {}, {}", name.trim(), texts::digest_stage(stage.word()), money(*open))
    };
    section(texts::DIGEST_DECIDED, found.iter().map(line).collect())
}

/// Who does what: the worst issues first.
fn next(now: &Standing) -> Option<Section> {
    let line = |issue: &crate::ground::finance::hygiene::Issue| {
        let of = issue
            .of
            .first()
            .map_or_else(String::new, |name| format!(" ({} {})", name.entity.path(), name.id));
        let due = issue.due.map_or_else(String::new, texts::digest_until);
        format!("{}{of}{due}", texts::digest_rule(issue.rule.word()))
    };
    section(texts::DIGEST_NEXT, now.tray.issues.iter().take(TOLD).map(line).collect())
}

fn ahead(now: &Standing) -> Option<Section> {
    let Ok(ahead) = now.ahead(0) else { return None };
    let lowest = ahead.weeks.get(ahead.lowest)?;
    let head = texts::DIGEST_WEEKS.map(str::to_owned).into();
    let rows = ahead.weeks.iter().map(|week| {
        let out =
            week.bills.micros.checked_add(week.other.micros).map(|micros| Money { micros, ..week.bills });
        let came = week
            .invoices
            .micros
            .checked_add(week.expected.micros)
            .map(|micros| Money { micros, ..week.bills });
        let cell = |of: Option<Money>| money(of.ok_or(Unknown::TooLarge));
        vec![texts::date(week.begins), cell(came), cell(out), money(Ok(week.closing))]
    });
    let rows = rows.collect();
    let lines = vec![texts::digest_lowest(&money(Ok(lowest.closing)), lowest.begins)];
    Some(Section { title: texts::DIGEST_AHEAD.to_owned(), lines, grid: Some(Grid { head, rows }) })
}

fn late(now: &Standing) -> Section {
    let (owed, due) = (aging(&now.facts, Side::Bill, now.today), aging(&now.facts, Side::Invoice, now.today));
    let head = texts::DIGEST_LATE_HEAD.map(str::to_owned).into();
    let rows = owed.iter().zip(&due).map(|((bucket, owed), (_, due)): (&(Bucket, _), _)| {
        row([texts::digest_bucket(bucket.word()).to_owned(), money(owed.value), money(due.value)])
    });
    let title = texts::DIGEST_LATE.to_owned();
    Section { title, lines: Vec::new(), grid: Some(Grid { head, rows: rows.collect() }) }
}

/// Whether the books are complete enough to believe it.
fn records(now: &Standing) -> Option<Section> {
    let gaps =
        now.tray.issues.iter().filter(|issue| issue.severity.blocks() && !issue.rule.is_timing()).count();
    section(texts::DIGEST_RECORDS, vec![texts::digest_gaps(gaps)])
}

/// The digests of a company, the newest week first.
pub fn of_company(ledger: &Ledger<'_>, realm: &RealmId) -> Result<Vec<Digest>, StoreError> {
    let mut found: Vec<Digest> = ledger
        .money_digests()?
        .into_iter()
        .map(|record| record.value)
        .filter(|it| it.realm == *realm)
        .collect();
    found.sort_by_key(|digest| std::cmp::Reverse(digest.week));
    Ok(found)
}

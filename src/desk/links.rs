//! What people decide about duplicates: two records are one person or two, and links that can be undone.

use uuid::Uuid;

use super::{Asked, Desk, Refusal};
use crate::ground::id::{Object, PersonId, StagedId, local_id};
use crate::ground::journal::SubjectState;
use crate::ground::links::{Kept, Link, LinkState, Moved, Said, Verdict, Who};
use crate::ground::matching::seen::Seen;
use crate::ground::staging::{DonorDecision, StagedRow};
use crate::ground::texts;
use crate::store::{Changes, Fail, StoreError, View};

/// What somebody says about two records.
#[derive(Clone, Debug)]
pub struct Saying {
    /// One record.
    pub one: Who,
    /// The other.
    pub other: Who,
    /// What is said.
    pub said: Said,
    /// Who stays, where the two are linked with it.
    pub keep: Option<PersonId>,
    /// Whether the weight was hidden.
    pub blind: bool,
    /// What the comparison is worth now, in thousandths of a bit, and by which weights.
    pub weight: (i64, String),
}

impl Desk {
    /// Keeps what somebody says about two records. "Same" links them where it says who stays; whatever else is said takes
    /// back the link that was made with what was said before. Answers the verdict and its link.
    pub async fn say(&self, asked: &Asked, saying: Saying) -> Result<(Uuid, Option<Uuid>), Refusal> {
        let cause = asked.cause(match saying.said {
            Said::Same => "Called one person",
            Said::Different => "Called two people",
            Said::Unsure => "Not sure whether one person",
            Said::Open => "Decision taken back",
        });
        let (_, kept) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause.clone());
                let verdict = verdict(view, &mut changes, &saying)?;
                let answer = (verdict.id, verdict.link);
                changes.open(Object::Verdict, verdict.id, &verdict)?;
                Ok::<_, Fail<Refusal>>((changes, answer))
            })
            .await?;
        Ok(kept)
    }

    /// Links a record to the person it stands for. The rows that name it name that person from now on.
    pub async fn link(&self, asked: &Asked, joined: Who, kept: PersonId) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Linked as one person");
        let (_, link) = self
            .store
            .write(move |view| {
                let apart = view.ledger().said(joined, Who::Person(kept))?;
                if apart.is_some_and(|verdict| verdict.said == Said::Different) {
                    return Err(Refusal::Nothing(texts::LINK_TOLD_APART).into());
                }
                let mut changes = Changes::new(cause.clone());
                let link = make(view, &mut changes, joined, kept)?;
                Ok::<_, Fail<Refusal>>((changes, link))
            })
            .await?;
        Ok(link)
    }

    /// Undoes a link, whatever was edited since. What cannot be put back is told with the link.
    pub async fn unlink(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Link undone");
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause.clone());
                undo(view, &mut changes, id)?;
                reopen(view, &mut changes, id)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

fn verdict(view: &View<'_>, changes: &mut Changes, saying: &Saying) -> Result<Verdict, Fail<Refusal>> {
    let ledger = view.ledger();
    let (id, left, right) = Verdict::of(saying.one, saying.other);
    if left == right {
        return Err(Refusal::Nothing(texts::LINK_ITSELF).into());
    }
    let known = |who| ledger.donor_of(who)?.ok_or(Fail::Refused(Refusal::NotFound("record")));
    let seen = (Seen::of(&known(left)?), Seen::of(&known(right)?));
    let before = ledger.verdict(left, right)?.map(|record| record.value);
    if let Some(link) = before.as_ref().and_then(|verdict| verdict.link)
        && ledger.link(link)?.is_some_and(|link| link.value.state == LinkState::Made)
    {
        if saying.said == Said::Same {
            return Err(Refusal::Nothing(texts::LINK_IS_THERE).into());
        }
        undo(view, changes, link)?;
    } else if before.is_none() && saying.said == Said::Open {
        return Err(Refusal::Nothing(texts::LINK_NOTHING_SAID).into());
    }
    let link = match saying.keep.filter(|_| saying.said == Said::Same) {
        Some(keep) if Who::Person(keep) == left => Some(make(view, changes, right, keep)?),
        Some(keep) if Who::Person(keep) == right => Some(make(view, changes, left, keep)?),
        Some(_) => return Err(Refusal::NotFound("record").into()),
        None => None,
    };
    let (bits, model) = saying.weight.clone();
    let (by, at) = (changes.actor().clone(), view.world.now());
    Ok(Verdict { id, left, right, said: saying.said, seen, bits, model, blind: saying.blind, link, by, at })
}

/// A person who is in Twenty, by the id they stand for.
fn live(view: &View<'_>, person: PersonId) -> Result<PersonId, Fail<Refusal>> {
    let person = view.ledger().stands_for(person)?;
    let record = view.ledger().person(person)?;
    match record.filter(|record| record.state == SubjectState::Live) {
        Some(_) => Ok(person),
        None => Err(Refusal::NotFound("donor").into()),
    }
}

/// Makes a link with all that follows from it.
fn make(view: &View<'_>, changes: &mut Changes, joined: Who, kept: PersonId) -> Result<Uuid, Fail<Refusal>> {
    let ledger = view.ledger();
    let kept = live(view, kept)?;
    let (joined, rows) = match joined {
        Who::Person(person) => {
            let person = live(view, person)?;
            let rows = ledger.staged_rows_of(person)?.into_iter().map(|record| record.value);
            (Who::Person(person), rows.filter(StagedRow::can_edit).collect::<Vec<_>>())
        }
        Who::Row(row) => {
            let row = ledger.staged(row)?.ok_or(Refusal::NotFound("gift"))?.value;
            if row.is_of_company() {
                return Err(Refusal::Nothing(texts::LINK_OF_COMPANY).into());
            }
            // A posted row says why it cannot be changed.
            let row = row.edited(crate::ground::staging::RowEdit::default())?;
            (Who::Row(row.id), vec![row])
        }
    };
    let is_there = joined == Who::Person(kept)
        || matches!(joined, Who::Row(_)) && rows.iter().all(|row| row.donor.person() == Some(kept));
    if is_there {
        return Err(Refusal::Nothing(texts::LINK_IS_THERE).into());
    }
    let moved = rows.iter().map(|row| Moved { row: row.id, before: row.donor }).collect();
    for row in rows {
        let row = row.repointed(DonorDecision::Confirmed(kept));
        changes.update(Object::GiftStaging, row.id.0, &row)?;
    }
    let id = local_id(Object::Link, view.world.origin());
    let (by, at) = (changes.actor().clone(), view.world.now());
    let link =
        Link { id, joined, kept, rule: "person".to_owned(), rows: moved, by, at, state: LinkState::Made };
    changes.create(Object::Link, id, &link)?;
    Ok(id)
}

/// Undoes a link: every row it moved gets back who was its donor before, unless it is posted or somebody chose another
/// donor meanwhile.
fn undo(view: &View<'_>, changes: &mut Changes, id: Uuid) -> Result<(), Fail<Refusal>> {
    let ledger = view.ledger();
    let mut link = ledger.link(id)?.ok_or(Refusal::NotFound("link"))?.value;
    match link.state {
        LinkState::Made => {}
        LinkState::Undone { .. } => return Err(Refusal::Nothing(texts::LINK_UNDONE).into()),
        LinkState::Merged => return Err(Refusal::Nothing(texts::LINK_MERGED).into()),
    }
    let further = further(view, link.kept)?;
    let led: Vec<PersonId> = std::iter::once(link.kept).chain(further.iter().map(|link| link.kept)).collect();
    let mut kept = Vec::new();
    let mut back: Vec<StagedId> = Vec::new();
    for moved in &link.rows {
        let Some(row) = ledger.staged(moved.row)?.map(|record| record.value) else {
            kept.push(Kept { row: moved.row, why: texts::LINK_ROW_ERASED.to_owned() });
            continue;
        };
        if row.donor == moved.before {
            continue;
        }
        if let Some(why) = row.stays(&led) {
            kept.push(Kept { row: row.id, why: why.to_owned() });
        } else {
            changes.update(Object::GiftStaging, row.id.0, &row.repointed(moved.before))?;
            back.push(moved.row);
        }
    }
    // Links further on moved the same rows, and have nothing to put back of them any more.
    for mut next in further {
        let all = next.rows.len();
        next.rows.retain(|moved| !back.contains(&moved.row));
        if next.rows.len() != all {
            changes.update(Object::Link, next.id, &next)?;
        }
    }
    link.state = LinkState::Undone { by: changes.actor().clone(), at: view.world.now(), kept };
    changes.update(Object::Link, id, &link)?;
    Ok(())
}

/// What was said with a link is open again once the link is undone: or nobody would be asked about the two any more.
fn reopen(view: &View<'_>, changes: &mut Changes, id: Uuid) -> Result<(), Fail<Refusal>> {
    let link = view.ledger().link(id)?.ok_or(Refusal::NotFound("link"))?.value;
    for record in view.ledger().verdicts_of(link.joined)? {
        if record.value.link == Some(id) && record.value.said == Said::Same {
            let (by, at) = (changes.actor().clone(), view.world.now());
            let verdict = Verdict { said: Said::Open, by, at, ..record.value };
            changes.update(Object::Verdict, verdict.id, &verdict)?;
        }
    }
    Ok(())
}

/// The links that lead on from a person.
fn further(view: &View<'_>, from: PersonId) -> Result<Vec<Link>, StoreError> {
    let (mut found, mut now): (Vec<Link>, PersonId) = (Vec::new(), from);
    loop {
        let links = view.ledger().links_of(Who::Person(now))?.into_iter().map(|record| record.value);
        let next = links.into_iter().find(|link| link.leads(now));
        let Some(next) = next.filter(|next| found.iter().all(|known| known.id != next.id)) else {
            return Ok(found);
        };
        now = next.kept;
        found.push(next);
    }
}

/// A row that came in with the id of a record that was linked or merged is of the person it stands for; the links keep in
/// mind what came, so that an undo puts that back too.
pub(super) fn led_on(
    view: &View<'_>,
    changes: &mut Changes,
    row: StagedRow,
) -> Result<StagedRow, Fail<Refusal>> {
    let DonorDecision::GivenBySender(told) = row.donor else { return Ok(row) };
    let kept = view.ledger().stands_for(told)?;
    let mut before = told;
    for mut link in further(view, told)? {
        link.rows.push(Moved { row: row.id, before: DonorDecision::GivenBySender(before) });
        before = link.kept;
        changes.update(Object::Link, link.id, &link)?;
    }
    Ok(row.repointed(DonorDecision::GivenBySender(kept)))
}

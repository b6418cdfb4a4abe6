//! What each step of a merge stores. A merge that somebody changed since the step read it is left alone: the next step reads
//! it again.

use crate::ground::id::ForeignId;
use crate::ground::id::{GiftId, Object, PersonId, SubjectKey};
use crate::ground::journal::Cause;
use crate::ground::links::{Link, LinkState, Who};
use crate::ground::merge::{Merge, MergeState, Preview};
use crate::ground::staging::DonorDecision;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::RawRecord;
use crate::runs::Means;
use crate::runs::see::see;
use crate::store::{Changes, Fail, StoreError, View, WriteError};

/// Stores what `decide` makes of the merge, if it is still as `basis`. Answers it as stored.
pub(super) async fn write<F>(
    means: &Means,
    basis: Merge,
    why: &'static str,
    decide: F,
) -> Result<Option<Merge>, WriteError<()>>
where
    F: FnOnce(&View<'_>, &mut Changes, &mut Merge) -> Result<(), Fail<()>> + Send + 'static,
{
    let (_, stored) = means
        .store
        .write(move |view| {
            let (actor, request_id) = (basis.by.clone(), basis.request_id.clone());
            let mut changes = Changes::new(Cause { actor, why: why.into(), request_id });
            if view.ledger().merge(basis.id)?.map(|record| record.value).as_ref() != Some(&basis) {
                return Ok((changes, None));
            }
            let mut merge = basis.clone();
            decide(view, &mut changes, &mut merge)?;
            if merge != basis {
                changes.update(Object::Merge, merge.id, &merge)?;
            }
            Ok::<_, Fail<()>>((changes, Some(merge)))
        })
        .await?;
    Ok(stored)
}

/// Says on a merge what is in the way.
pub(super) async fn note(means: &Means, merge: Merge, told: String) -> Result<(), WriteError<()>> {
    write(means, merge, "Merge waits", move |_, _, merge| {
        merge.note = Some(told);
        Ok(())
    })
    .await
    .map(drop)
}

/// It will not be made.
pub(super) async fn refuse(means: &Means, merge: Merge, reason: String) -> Result<(), WriteError<()>> {
    write(means, merge, "Not merged", move |_, _, merge| {
        merge.note = None;
        merge.state = MergeState::Refused { reason };
        Ok(())
    })
    .await
    .map(drop)
}

/// What would come of it is there to be looked at.
pub(super) async fn previewed(means: &Means, merge: Merge, preview: Preview) -> Result<(), WriteError<()>> {
    write(means, merge, "Merge shown", move |_, _, merge| {
        merge.preview = Some(preview);
        merge.state = MergeState::Previewed;
        Ok(())
    })
    .await
    .map(drop)
}

/// The records changed: what was agreed to is not what would happen.
pub(super) async fn show_again(means: &Means, merge: Merge) -> Result<(), WriteError<()>> {
    write(means, merge, "Merge to be looked at again", |_, _, merge| {
        merge.note = Some(texts::MERGE_MOVED.to_owned());
        merge.state = MergeState::Previewing;
        Ok(())
    })
    .await
    .map(drop)
}

/// Before the call: from here on it is not known whether it arrived.
pub(super) async fn sent(means: &Means, merge: Merge) -> Result<Option<Merge>, WriteError<()>> {
    write(means, merge, "Being merged in Twenty", |_, _, merge| {
        merge.note = None;
        merge.state = MergeState::Sent;
        Ok(())
    })
    .await
}

/// After a call that certainly did nothing.
pub(super) async fn not_sent(means: &Means, merge: Merge) -> Result<Option<Merge>, WriteError<()>> {
    write(means, merge, "Twenty merged nothing yet", |_, _, merge| {
        merge.state = MergeState::Wanted;
        Ok(())
    })
    .await
}

/// Twenty merged them: the ids of the others lead to the one that stayed, and so does every open row. What the mirror knew
/// of the others stays in their history.
pub(super) async fn merged(
    means: &Means,
    merge: Merge,
    kept: RawRecord,
    asked_at: Instant,
) -> Result<(), WriteError<()>> {
    write(means, merge, "Merged in Twenty", move |view, changes, merge| {
        see(view, changes, Object::People, &kept, asked_at)?;
        for person in merge.lose.clone() {
            let key = SubjectKey::twenty(Object::People, person.0);
            changes.merged(key, &ForeignId::Uuid(merge.keep.0))?;
            lead_rows(view, changes, person, merge.keep)?;
        }
        end_links(view, changes, merge)?;
        merge.note = None;
        merge.state = MergeState::Checking;
        Ok(())
    })
    .await
    .map(drop)
}

fn lead_rows(view: &View<'_>, changes: &mut Changes, from: PersonId, to: PersonId) -> Result<(), StoreError> {
    for record in view.ledger().staged_rows_of(from)? {
        let row = record.value;
        if row.can_edit() {
            let donor = match row.donor {
                DonorDecision::GivenBySender(_) => DonorDecision::GivenBySender(to),
                DonorDecision::Created(_) => DonorDecision::Created(to),
                _ => DonorDecision::Confirmed(to),
            };
            changes.update(Object::GiftStaging, row.id.0, &row.repointed(donor))?;
        }
    }
    Ok(())
}

/// Links among those who are one record now cannot be undone any more; links of others to them lead on by the merged id.
fn end_links(view: &View<'_>, changes: &mut Changes, merge: &Merge) -> Result<(), StoreError> {
    let all: Vec<PersonId> = merge.people().collect();
    let mut ended = Vec::new();
    for person in &all {
        for record in view.ledger().links_of(Who::Person(*person))? {
            let link: Link = record.value;
            let within = all.contains(&link.kept)
                && matches!(link.joined, Who::Person(joined) if all.contains(&joined));
            if within && link.state == LinkState::Made && !ended.contains(&link.id) {
                ended.push(link.id);
                changes.update(Object::Link, link.id, &Link { state: LinkState::Merged, ..link })?;
            }
        }
    }
    Ok(())
}

/// Some gifts were looked at; with none left the merge is done.
pub(super) async fn checked(
    means: &Means,
    merge: Merge,
    looked: Vec<GiftId>,
    found: Vec<RawRecord>,
    asked_at: Instant,
) -> Result<(), WriteError<()>> {
    write(means, merge, "Gifts of the merged donor looked at", move |view, changes, merge| {
        if looked.is_empty() {
            merge.note = (!merge.lost.is_empty()).then(|| texts::MERGE_GIFTS_LEFT.to_owned());
            merge.state = MergeState::Done { at: view.world.now() };
            return Ok(());
        }
        for gift in looked {
            let record = found.iter().find(|record| record.id == gift.0);
            if let Some(record) = record {
                see(view, changes, Object::Gifts, record, asked_at)?;
            }
            let follows = super::checks::follows(record, merge);
            if !follows {
                merge.lost.push(gift);
                super::checks::point(view, changes, merge, record)?;
            }
        }
        Ok(())
    })
    .await
    .map(drop)
}

//! What is looked at around a merge: claims before it, links of tasks and notes before it, gifts after it.

use serde_json::Value;
use uuid::Uuid;

use super::{Held, Merger, Stored, commits};
use crate::ground::crm::GiftDonor;
use crate::ground::edit::{Edit, FieldEdit, State};
use crate::ground::id::{ConnectionId, GiftId, Names, Object, local_id};
use crate::ground::journal::{Cause, SubjectState};
use crate::ground::merge::{ClaimTold, ClaimedGift, Merge};
use crate::ground::texts;
use crate::rails::twenty::{Guard, Guarded, PROBE_MAX, body_of};
use crate::rails::{RawRecord, Trouble};
use crate::runs::see::see;
use crate::runs::{Means, plain, walk};
use crate::store::{Changes, Fail, Ledger, Record, StoreError, View, WriteError};

/// What would move with a merge.
pub(super) struct Counted {
    pub(super) gifts: u64,
    pub(super) links: u64,
    pub(super) rows: u64,
}

pub(super) fn count(means: &Means, merge: &Merge) -> Result<Counted, StoreError> {
    let snapshot = means.store.snapshot()?;
    let ledger = snapshot.ledger();
    let mut counted = Counted { gifts: 0, links: links(&ledger, merge)?.len() as u64, rows: 0 };
    for person in &merge.lose {
        counted.gifts += ledger.gift_count_of(*person)?;
        let rows = ledger.staged_rows_of(*person)?;
        counted.rows += rows.iter().filter(|row| row.value.can_edit()).count() as u64;
    }
    Ok(counted)
}

/// Gifts of those who go that the mirror knows, as they were told last.
fn gifts(ledger: &Ledger<'_>, merge: &Merge) -> Result<Vec<Record<String>>, StoreError> {
    let mut gifts = Vec::new();
    for person in &merge.lose {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = ledger.gifts_of(*person, after.as_deref(), 500)?;
            let there =
                |gift: &Record<String>| matches!(gift.state, SubjectState::Live | SubjectState::Deleted);
            gifts.extend(page.items.into_iter().filter(there));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(gifts)
}

/// The object of claims has no place in the mirror: it is asked about by its names in the domain (1.13).
fn claims_names() -> Names {
    Names { singular: "giftAidClaimBatch".to_owned(), plural: "giftAidClaimBatches".to_owned() }
}

impl Merger {
    /// A claim that is not certainly a draft bars the merge: it names the donors of its gifts (domain 5.3).
    pub(super) async fn claims(&mut self, merge: &Merge) -> Result<(), Held> {
        let claims = {
            let read = || -> Result<Vec<Uuid>, StoreError> {
                let snapshot = self.means.store.snapshot()?;
                let gifts = gifts(&snapshot.ledger(), merge)?;
                let mut ids: Vec<Uuid> = Vec::new();
                let told =
                    |gift: &Record<String>| serde_json::from_str::<ClaimedGift>(&gift.value).ok()?.claim();
                for claim in gifts.iter().filter_map(told) {
                    // What is no id is nothing that can be asked about.
                    ids.push(Uuid::parse_str(&claim).unwrap_or(Uuid::nil()));
                }
                ids.sort_unstable();
                ids.dedup();
                Ok(ids)
            };
            read().map_err(|error| Held::Told(error.to_string()))?
        };
        let claimed = || Held::Refused(texts::MERGE_CLAIMED.to_owned());
        if claims.contains(&Uuid::nil()) {
            return Err(claimed());
        }
        for some in claims.chunks(PROBE_MAX).skip(self.known.claims) {
            let permit = self.permit(merge)?;
            match self.means.rail.probe(&permit, &claims_names(), some).await {
                Ok(found) => {
                    let draft = |claim: &&RawRecord| {
                        let told = serde_json::from_str::<ClaimTold>(&claim.json).unwrap_or_default();
                        !claim.deleted && told.is_draft()
                    };
                    let drafts = found.iter().filter(draft);
                    if drafts.count() != some.len() {
                        return Err(claimed());
                    }
                    self.known.claims += 1;
                }
                Err(Trouble::Refused(_) | Trouble::Gone(_) | Trouble::Clash(_)) => return Err(claimed()),
                Err(trouble) => return Err(self.held(&trouble)),
            }
        }
        Ok(())
    }

    /// Moves the next link of a task or a note to the record that stays. True: there is none left.
    pub(super) async fn move_links(&mut self, merge: &Merge) -> Stored<Result<bool, Held>> {
        let (next, names) = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            let ledger = snapshot.ledger();
            let workspace = ledger.workspace(ConnectionId::TWENTY).map_err(WriteError::Store)?;
            for object in [Object::TaskTargets, Object::NoteTargets] {
                let state = ledger.mirror_state(ConnectionId::TWENTY, object).map_err(WriteError::Store)?;
                if workspace.names(object).is_some() && state.complete_as_of.is_none() {
                    return Ok(Err(Held::Told(texts::MERGE_LINKS_MISSING.to_owned())));
                }
            }
            let Some(next) = links(&ledger, merge).map_err(WriteError::Store)?.into_iter().next() else {
                return Ok(Ok(true));
            };
            let names = workspace.names(next.key.object);
            (next, names)
        };
        let (Some(names), Some(id)) = (names, next.key.uuid()) else { return Ok(Ok(true)) };
        let object = next.key.object;
        let record = match self.known.link.take().filter(|known| known.id == id) {
            Some(known) => Some(known),
            None => match self.read_link(merge, &names, (object, id)).await? {
                Ok(found) => found,
                Err(held) => return Ok(Err(held)),
            },
        };
        let Some(record) = record.filter(|record| !record.deleted) else { return Ok(Ok(false)) };
        let (fields, Some(seen)) = (leading(&record.json, merge), record.updated) else {
            return Ok(Ok(false));
        };
        if fields.is_empty() {
            return Ok(Ok(false));
        }
        let permit = match self.permit(merge) {
            Ok(permit) => permit,
            Err(held) => {
                self.known.link = Some(record);
                return Ok(Err(held));
            }
        };
        let kept = Value::from(merge.keep.0.to_string());
        let body = body_of(fields.iter().map(|field| (field.as_str(), kept.clone())));
        let asked_at = self.means.world.now();
        match self.means.rail.update_guarded(&permit, &names, Guard { id, seen }, body).await {
            Guarded::Done(record) => {
                self.took(merge, object, (id, Some(record)), asked_at).await?;
                Ok(Ok(false))
            }
            // The next step reads it again and sees.
            Guarded::Moved => Ok(Ok(false)),
            Guarded::Unknown(said) => Ok(Err(Held::Told(said))),
            Guarded::Rejected(Trouble::Refused(said) | Trouble::Clash(said)) => {
                Ok(Err(Held::Refused(format!("{}{said}", texts::MERGE_REFUSED))))
            }
            Guarded::Rejected(trouble) => {
                self.means.gate.learn(&trouble);
                Ok(Err(Held::Told(plain(&trouble))))
            }
        }
    }

    /// A link as Twenty has it now; the mirror shows it so.
    async fn read_link(
        &self,
        merge: &Merge,
        names: &Names,
        (object, id): (Object, Uuid),
    ) -> Stored<Result<Option<RawRecord>, Held>> {
        let permit = match self.permit(merge) {
            Ok(permit) => permit,
            Err(held) => return Ok(Err(held)),
        };
        let asked_at = self.means.world.now();
        let found = match self.means.rail.probe(&permit, names, &[id]).await {
            Ok(found) => found.into_iter().next(),
            Err(trouble) => return Ok(Err(self.held(&trouble))),
        };
        self.took(merge, object, (id, found.clone()), asked_at).await?;
        Ok(Ok(found))
    }

    /// Takes what was read of a link into the mirror; one that Twenty does not have is gone.
    async fn took(
        &self,
        merge: &Merge,
        object: Object,
        (id, found): (Uuid, Option<RawRecord>),
        asked_at: crate::ground::time::Instant,
    ) -> Stored<()> {
        let cause = Cause {
            actor: merge.by.clone(),
            why: "Links moved before a merge".into(),
            request_id: merge.request_id.clone(),
        };
        self.means
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                match &found {
                    Some(record) => {
                        see(view, &mut changes, object, record, asked_at)?;
                    }
                    None => {
                        walk::destroy(view, &mut changes, object, id, asked_at)?;
                    }
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Looks at some gifts of those who are merged; with none left the merge is done.
    pub(super) async fn check(&self, merge: &Merge) -> Stored<Result<(), Held>> {
        let (ids, names) = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            let ledger = snapshot.ledger();
            let known = gifts(&ledger, merge).map_err(WriteError::Store)?;
            let ids = known.iter().filter_map(|gift| gift.key.uuid().map(GiftId));
            let ids: Vec<GiftId> = ids.filter(|id| !merge.lost.contains(id)).take(PROBE_MAX).collect();
            let workspace = ledger.workspace(ConnectionId::TWENTY).map_err(WriteError::Store)?;
            (ids, workspace.names(Object::Gifts))
        };
        let asked_at = self.means.world.now();
        let found = match names.filter(|_| !ids.is_empty()) {
            None => Vec::new(),
            Some(names) => {
                let permit = match self.permit(merge) {
                    Ok(permit) => permit,
                    Err(held) => return Ok(Err(held)),
                };
                let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                match self.means.rail.probe(&permit, &names, &wanted).await {
                    Ok(found) => found,
                    Err(trouble) => return Ok(Err(self.held(&trouble))),
                }
            }
        };
        commits::checked(&self.means, merge.clone(), ids, found, asked_at).await?;
        Ok(Ok(()))
    }
}

/// Links of tasks and notes to those who go.
fn links(ledger: &Ledger<'_>, merge: &Merge) -> Result<Vec<Record<String>>, StoreError> {
    let mut found = Vec::new();
    for person in &merge.lose {
        for object in [Object::TaskTargets, Object::NoteTargets] {
            let links = ledger.links_to(object, person.0)?;
            found.extend(links.into_iter().filter(|link| link.state == SubjectState::Live));
        }
    }
    Ok(found)
}

/// The fields of a link that lead to one of those who go, whatever the server calls them (contract 0.1).
fn leading(json: &str, merge: &Merge) -> Vec<String> {
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(json) else { return Vec::new() };
    let leads = |value: &Value| {
        let id = value.as_str().and_then(|id| Uuid::parse_str(id).ok());
        id.is_some_and(|id| merge.lose.iter().any(|person| person.0 == id))
    };
    members
        .into_iter()
        .filter(|(name, value)| name.ends_with("Id") && leads(value))
        .map(|(name, _)| name)
        .collect()
}

/// Whether a gift is the kept donor's now.
pub(super) fn follows(record: Option<&RawRecord>, merge: &Merge) -> bool {
    record.is_some_and(|record| donor_of(record) == Some(merge.keep.0))
}

fn donor_of(record: &RawRecord) -> Option<Uuid> {
    serde_json::from_str::<GiftDonor>(&record.json).ok()?.donor_id
}

/// A gift that is in Twenty and did not come along is pointed to the kept donor, as an edit.
pub(super) fn point(
    view: &View<'_>,
    changes: &mut Changes,
    merge: &Merge,
    record: Option<&RawRecord>,
) -> Result<(), StoreError> {
    let Some(record) = record.filter(|record| !record.deleted) else { return Ok(()) };
    let base = donor_of(record);
    let is_ours = base.is_none_or(|donor| merge.lose.iter().any(|person| person.0 == donor));
    if !is_ours {
        // Somebody gave it another donor meanwhile.
        return Ok(());
    }
    let origin = view.world.origin();
    let edit = Edit {
        id: local_id(Object::Edit, origin),
        object: Object::Gifts.word().to_owned(),
        record: record.id,
        origin,
        fields: vec![FieldEdit {
            field: "donorId".to_owned(),
            base: base.map_or_else(|| "null".to_owned(), |donor| Value::from(donor.to_string()).to_string()),
            value: Value::from(merge.keep.0.to_string()).to_string(),
        }],
        makes: Vec::new(),
        delete: None,
        made_for: None,
        by: merge.by.clone(),
        at: view.world.now(),
        request_id: merge.request_id.clone(),
        state: State::Waiting,
        note: None,
    };
    changes.create(Object::Edit, edit.id, &edit)?;
    changes.ask();
    Ok(())
}

//! Merges people in Twenty, one merge at a time, by Twenty's own call.
//!
//! It takes no input: what is to be done follows from what is stored. First Twenty is asked what would come of it and a
//! person looks at that. Once they agreed, the records are read again, and if they are as they were shown the links of their
//! tasks and notes are moved (servers before a fix delete them, contract 0.1), then the call goes out. Whether it arrived is
//! never told by its answer but by looking: the others are gone, or they are all there. A second call after one that arrived
//! would find nobody to merge, so nothing is ever done twice. At last every gift is looked at.

mod checks;
mod commits;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Means, Next, attempt, pause_ms, plain};
use crate::ground::id::{ConnectionId, Names, Object};
use crate::ground::merge::{Merge, MergeState, Preview};
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::twenty::MergeAsk;
use crate::rails::{CallClass, Outcome, Permit, RawRecord, Trouble};
use crate::store::{StoreError, WriteError};

type Stored<T> = Result<T, WriteError<()>>;

/// How long what was read counts, in milliseconds.
const KNOWN_MS: i64 = 20_000;
/// How often the records are looked at after a call that brought no answer, before it is sent again.
const LOOKS_MAX: u32 = 2;

/// The merging of this connection's people.
pub struct Merger {
    means: Means,
    /// Merges that could not go on, with the moment they are tried again and how often that was.
    resting: BTreeMap<Uuid, (Instant, u32)>,
    failures: u32,
    /// What was read for a merge while there was no call left to go on. Reading it again would cost that call.
    known: Known,
}

/// What was read of a merge's records for one step.
#[derive(Default)]
struct Known {
    merge: Option<Uuid>,
    at: Option<Instant>,
    /// The times of change of all records.
    seen: Option<BTreeMap<Uuid, Instant>>,
    /// Claims that were looked at.
    claims: usize,
    /// The link that is to be moved.
    link: Option<RawRecord>,
}

/// What a call came to that could not be made or was not answered: the merge waits.
enum Held {
    /// No call is left before this moment.
    Until(Instant),
    /// Something is in the way; in plain words.
    Told(String),
    /// It will not be made.
    Refused(String),
}

impl Merger {
    /// The merging of this connection's people.
    pub fn new(means: Means) -> Self {
        Self { means, resting: BTreeMap::new(), failures: 0, known: Known::default() }
    }

    /// The next thing to do for one merge.
    pub async fn step(&mut self) -> Next {
        if let Ok(next) = self.try_step().await {
            self.failures = 0;
            next
        } else {
            // The store recovers by itself.
            let pause = pause_ms(self.failures);
            self.failures += 1;
            Next::Wait(self.means.world.now().plus_millis(pause))
        }
    }

    async fn try_step(&mut self) -> Stored<Next> {
        let (merge, names) = match self.due().map_err(WriteError::Store)? {
            Ok(due) => due,
            Err(next) => return Ok(next),
        };
        let now = self.means.world.now();
        let fresh = self.known.at.is_some_and(|at| now.micros_since(at) < KNOWN_MS * 1_000);
        if self.known.merge != Some(merge.id) || !fresh {
            self.known = Known { merge: Some(merge.id), at: Some(now), ..Known::default() };
        }
        let done = match merge.state {
            MergeState::Previewing => self.preview(&merge, &names).await?,
            MergeState::Wanted => self.merge(&merge, &names).await?,
            MergeState::Sent => self.look(&merge, &names).await?,
            _ => self.check(&merge).await?,
        };
        if !matches!(done, Err(Held::Until(_))) {
            self.known = Known::default();
        }
        match done {
            Ok(()) => {
                if !matches!(merge.state, MergeState::Wanted) {
                    self.resting.remove(&merge.id);
                }
                Ok(Next::Again)
            }
            Err(Held::Until(at)) => Ok(Next::Wait(at)),
            Err(Held::Refused(reason)) => {
                commits::refuse(&self.means, merge, reason).await?;
                Ok(Next::Again)
            }
            Err(Held::Told(told)) => self.rest(merge, told).await,
        }
    }

    /// The merge that was asked for first, of those that do not rest.
    fn due(&mut self) -> Result<Result<(Merge, Names), Next>, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let now = self.means.world.now();
        let mut open: Vec<Merge> = ledger
            .all_here::<Merge>("merge", Object::Merge)?
            .into_iter()
            .map(|record| record.value)
            .collect();
        open.retain(|merge| merge.state.is_at_work());
        open.sort_by_key(|merge| (merge.at, merge.id));
        self.resting.retain(|id, _| open.iter().any(|merge| merge.id == *id));
        let Some(names) = ledger.workspace(ConnectionId::TWENTY)?.names(Object::People) else {
            return Ok(Err(Next::Idle));
        };
        let mut soonest: Option<Instant> = None;
        for merge in open {
            match self.resting.get(&merge.id).filter(|(until, _)| *until > now) {
                Some((until, _)) => soonest = Some(soonest.map_or(*until, |soonest| soonest.min(*until))),
                None => return Ok(Ok((merge, names))),
            }
        }
        Ok(Err(soonest.map_or(Next::Idle, Next::Wait)))
    }

    fn failed(&self, merge: &Merge) -> u32 {
        self.resting.get(&merge.id).map_or(0, |(_, failed)| *failed)
    }

    fn permit(&self, merge: &Merge) -> Result<Permit, Held> {
        let permit = self.means.gate.permit(CallClass::Person, merge.request_id.as_deref());
        Ok(permit.map_err(Held::Until)?.attempt(attempt(self.failed(merge))))
    }

    async fn rest(&mut self, merge: Merge, told: String) -> Stored<Next> {
        let failed = self.failed(&merge);
        let until = self.means.world.now().plus_millis(pause_ms(failed));
        self.resting.insert(merge.id, (until, failed + 1));
        commits::note(&self.means, merge, told).await?;
        Ok(Next::Again)
    }

    /// A question that was not answered.
    fn held(&self, trouble: &Trouble) -> Held {
        self.means.gate.learn(trouble);
        Held::Told(plain(trouble))
    }

    /// Everybody in the merge, as Twenty has them now; whoever is in the bin is not there.
    async fn read(&self, merge: &Merge, names: &Names) -> Result<Vec<RawRecord>, Held> {
        let permit = self.permit(merge)?;
        let ids: Vec<Uuid> = merge.people().map(|person| person.0).collect();
        let found = self.means.rail.probe(&permit, names, &ids).await.map_err(|error| self.held(&error))?;
        Ok(found)
    }

    /// Reads everybody, and says why they cannot be merged if so.
    async fn ready(&mut self, merge: &Merge, names: &Names) -> Result<BTreeMap<Uuid, Instant>, Held> {
        if let Some(seen) = self.known.seen.clone() {
            self.claims(merge).await?;
            return Ok(seen);
        }
        let found = self.read(merge, names).await?;
        let there: BTreeMap<Uuid, Instant> = found
            .iter()
            .filter(|record| !record.deleted)
            .filter_map(|record| record.updated.map(|at| (record.id, at)))
            .collect();
        if there.len() != merge.lose.len() + 1 {
            return Err(Held::Refused(texts::MERGE_GONE.to_owned()));
        }
        self.known.seen = Some(there.clone());
        self.claims(merge).await?;
        Ok(there)
    }

    async fn preview(&mut self, merge: &Merge, names: &Names) -> Stored<Result<(), Held>> {
        let seen = match self.ready(merge, names).await {
            Ok(seen) => seen,
            Err(held) => return Ok(Err(held)),
        };
        let permit = match self.permit(merge) {
            Ok(permit) => permit,
            Err(held) => return Ok(Err(held)),
        };
        let lose: Vec<Uuid> = merge.lose.iter().map(|person| person.0).collect();
        let ask = MergeAsk { keep: merge.keep.0, lose: &lose, dry: true };
        let record = match self.means.rail.merge(&permit, names, ask).await {
            Outcome::Confirmed(records) => records.into_iter().next().map(|record| record.json),
            Outcome::Rejected(Trouble::Refused(said) | Trouble::Clash(said)) => {
                return Ok(Err(Held::Refused(format!("{}{said}", texts::MERGE_REFUSED))));
            }
            Outcome::Rejected(trouble) => return Ok(Err(self.held(&trouble))),
            // Nothing is changed by it, so that it is simply asked again.
            Outcome::Unknown(said) => return Ok(Err(Held::Told(said))),
        };
        let counted = checks::count(&self.means, merge).map_err(WriteError::Store)?;
        let preview = Preview {
            record: record.unwrap_or_default(),
            seen,
            gifts: counted.gifts,
            links: counted.links,
            rows: counted.rows,
            at: self.means.world.now(),
        };
        commits::previewed(&self.means, merge.clone(), preview).await?;
        Ok(Ok(()))
    }

    /// A person agreed: if all is as it was shown, it goes out.
    async fn merge(&mut self, merge: &Merge, names: &Names) -> Stored<Result<(), Held>> {
        let seen = match self.ready(merge, names).await {
            Ok(seen) => seen,
            Err(held) => return Ok(Err(held)),
        };
        if merge.preview.as_ref().is_none_or(|preview| preview.seen != seen) {
            commits::show_again(&self.means, merge.clone()).await?;
            return Ok(Ok(()));
        }
        match self.move_links(merge).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(())),
            Err(held) => return Ok(Err(held)),
        }
        let permit = match self.permit(merge) {
            Ok(permit) => permit,
            Err(held) => return Ok(Err(held)),
        };
        let Some(sent) = commits::sent(&self.means, merge.clone()).await? else { return Ok(Ok(())) };
        let lose: Vec<Uuid> = merge.lose.iter().map(|person| person.0).collect();
        let ask = MergeAsk { keep: merge.keep.0, lose: &lose, dry: false };
        match self.means.rail.merge(&permit, names, ask).await {
            // It is looked at before it is believed.
            Outcome::Confirmed(_) => Ok(Ok(())),
            Outcome::Unknown(said) => {
                self.rest(sent, said).await?;
                Ok(Ok(()))
            }
            Outcome::Rejected(trouble) => {
                self.means.gate.learn(&trouble);
                match trouble {
                    Trouble::Refused(said) | Trouble::Clash(said) => {
                        commits::refuse(&self.means, sent, format!("{}{said}", texts::MERGE_REFUSED)).await?;
                    }
                    Trouble::Broken(said) | Trouble::Gone(said) => {
                        self.rest(sent, said).await?;
                    }
                    Trouble::Later { .. } | Trouble::Denied(_) => {
                        if let Some(wanted) = commits::not_sent(&self.means, sent).await? {
                            self.rest(wanted, plain(&trouble)).await?;
                        }
                    }
                }
                Ok(Ok(()))
            }
        }
    }

    /// After a call: the others are gone, or they are all there.
    async fn look(&mut self, merge: &Merge, names: &Names) -> Stored<Result<(), Held>> {
        let asked_at = self.means.world.now();
        let found = match self.read(merge, names).await {
            Ok(found) => found,
            Err(held) => return Ok(Err(held)),
        };
        let kept = found.iter().find(|record| record.id == merge.keep.0 && !record.deleted);
        let left = merge.lose.iter().filter(|person| found.iter().any(|record| record.id == person.0));
        match (kept, left.count()) {
            (Some(kept), 0) => {
                commits::merged(&self.means, merge.clone(), kept.clone(), asked_at).await?;
                Ok(Ok(()))
            }
            (Some(_), left) if left == merge.lose.len() => {
                if self.failed(merge) < LOOKS_MAX {
                    // It may still be under way.
                    return Ok(Err(Held::Told(texts::MERGE_LOOKING.to_owned())));
                }
                commits::not_sent(&self.means, merge.clone()).await?;
                Ok(Ok(()))
            }
            _ => Ok(Err(Held::Refused(texts::MERGE_HALF.to_owned()))),
        }
    }
}

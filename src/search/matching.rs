//! Who may be meant: candidates by their keys, each compared and weighed with what was learnt of this base.
//!
//! The index only says whom to look at; what is compared is read from the ledger, so a weight is never of an older version.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::likely::Likely;
use super::{Search, SearchError, lock};
use crate::ground::id::{ConnectionId, Object, PersonId, SubjectId};
use crate::ground::journal::SubjectState;
use crate::ground::links::Said;
pub use crate::ground::links::Who;
use crate::ground::matching::compare::{Found, compare};
use crate::ground::matching::decide::{Asked, Candidate, Decision, Thresholds, Trust, decide};
use crate::ground::matching::keys::search_keys;
use crate::ground::matching::learnt::Learnt;
use crate::ground::matching::record::{Base, Donor};
use crate::ground::matching::told::{COUNTRY, PersonTold};
use crate::ground::settings::LINK_STRONG;
use crate::ground::staging::StagedRow;
use crate::store::{Ledger, Record, StoreError};

/// Owners of one e-mail address that are looked at beside those who share keys.
const OWNERS_MAX: usize = 50;

/// Somebody who may be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    /// Who.
    pub who: Who,
    /// What is known of them.
    pub donor: Donor,
    /// How they compare.
    pub found: Found,
    /// What that is worth, in bits.
    pub bits: f64,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Matches {
    /// Who, the likeliest first.
    pub alike: Vec<Alike>,
    /// By what they were weighed.
    pub learnt: Arc<Learnt>,
    /// How many changes of the journal the candidates do not know of yet; 0 in ordinary times.
    pub behind: u64,
}

/// Whom a record is of, and what it says of them; none when it is of nobody to compare.
pub fn donor_of(record: &Record<String>) -> Option<(Who, Donor)> {
    if record.state != SubjectState::Live {
        return None;
    }
    if record.key.object == Object::GiftStaging {
        let row: StagedRow = serde_json::from_str(&record.value).ok()?;
        return row.is_somebody_unknown().then(|| (Who::Row(row.id), row.told()));
    }
    let told: PersonTold = serde_json::from_str(&record.value).ok()?;
    Some((Who::Person(PersonId(told.id)), told.into_donor()))
}

/// What follows for somebody asked about.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What is done; only people of Twenty are linked or proposed.
    pub decision: Decision<PersonId>,
    /// Everybody who was looked at, waiting rows too.
    pub matches: Matches,
    /// The most that a record of each of these people is worth, in bits.
    pub weights: BTreeMap<PersonId, f64>,
}

impl Judged {
    /// Whether somebody owns the e-mail address asked about.
    pub fn is_known_by_email(&self, asked: &Donor) -> bool {
        let people = self.matches.alike.iter().filter(|alike| matches!(alike.who, Who::Person(_)));
        let owns = |email: &String| asked.emails.iter().any(|asked| same_address(asked, email));
        people.flat_map(|alike| &alike.donor.emails).any(owns)
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

impl Search {
    /// What was learnt of this base last, or what is shipped.
    pub fn learnt(&self, ledger: &Ledger<'_>) -> Result<Arc<Learnt>, StoreError> {
        let newest = ledger.learnt_at()?;
        let mut kept = lock(&self.learnt);
        if let (Some((seq, learnt)), Some(newest)) = (&*kept, newest)
            && *seq == newest
        {
            return Ok(Arc::clone(learnt));
        }
        let Some(record) = ledger.learnt()? else {
            let people = ledger.object_count(ConnectionId::TWENTY, Object::People, SubjectState::Live)?;
            return Ok(Arc::new(Learnt::shipped(people)));
        };
        let learnt = Arc::new(record.value);
        *kept = Some((record.seq, Arc::clone(&learnt)));
        Ok(learnt)
    }

    /// Those who may be this person, at most `limit`. `but` is who asks.
    pub fn alike(
        &self,
        ledger: &Ledger<'_>,
        asked: &Donor,
        but: Option<Who>,
        limit: usize,
    ) -> Result<Matches, SearchError> {
        let learnt = self.learnt(ledger)?;
        // Whoever owns the address is looked at whatever the index knows: the one rule that links must see all of them.
        let mut known = owners(ledger, asked)?;
        let owners = known.len();
        // One more than is wanted, since who asks shares most with itself.
        let (subjects, behind) = self.candidates(asked, limit + 1)?;
        for (who, donor) in read(ledger, &subjects)? {
            if known.iter().all(|(known, _)| *known != who) {
                known.push((who, donor));
            }
        }
        known.retain(|(who, _)| Some(*who) != but);
        if known.is_empty() {
            known = self.misspelt(ledger, asked, limit)?;
            known.retain(|(who, _)| Some(*who) != but);
        }
        let donors = std::iter::once(asked).chain(known.iter().map(|(_, donor)| donor));
        let base = Base::among(donors, COUNTRY, &learnt.frequencies);
        let found: Vec<Found> = base.rows[1..].iter().map(|row| compare(&base, &base.rows[0], row)).collect();
        let weighed = known.into_iter().zip(found).map(|((who, donor), found)| Alike {
            who,
            donor,
            bits: learnt.model.weigh(&found).bits(),
            found,
        });
        let mut alike: Vec<Alike> = weighed.collect();
        alike.sort_by(|left, right| right.bits.total_cmp(&left.bits).then(left.who.cmp(&right.who)));
        alike.truncate(limit.max(owners));
        Ok(Matches { alike, learnt, behind })
    }

    /// What follows for somebody. `company` says that an organisation gave: it is never matched with people.
    pub fn judge(
        &self,
        ledger: &Ledger<'_>,
        asked: &Donor,
        company: bool,
        but: Option<Who>,
        limit: usize,
    ) -> Result<Judged, SearchError> {
        let matches = self.alike(ledger, asked, but, limit)?;
        let email = asked.emails.first().map_or("", String::as_str);
        let asks = Asked { first: &asked.first, last: &asked.last, email, company };
        let mut people: Vec<Candidate<'_, PersonId>> = Vec::with_capacity(matches.alike.len());
        for alike in &matches.alike {
            let Who::Person(id) = alike.who else { continue };
            if is_told_apart(ledger, but, alike.who)? {
                continue;
            }
            // Records that were linked are one person.
            let id = ledger.stands_for(id)?;
            let (first, last) = (alike.donor.first.as_str(), alike.donor.last.as_str());
            people.push(Candidate { id, first, last, emails: &alike.donor.emails, bits: alike.bits });
        }
        let trust = trust(ledger, &matches.learnt)?;
        let decision = decide(&asks, &people, Thresholds::default(), trust);
        let mut weights = BTreeMap::new();
        for one in &people {
            let most = weights.entry(one.id).or_insert(one.bits);
            *most = most.max(one.bits);
        }
        Ok(Judged { decision, matches, weights })
    }

    /// How two records compare, whether or not they would be candidates for each other.
    pub fn compared(
        &self,
        ledger: &Ledger<'_>,
        left: &Donor,
        right: &Donor,
    ) -> Result<(Found, Arc<Learnt>), StoreError> {
        let learnt = self.learnt(ledger)?;
        let base = Base::among([left, right], COUNTRY, &learnt.frequencies);
        Ok((compare(&base, &base.rows[0], &base.rows[1]), learnt))
    }

    /// Records that share keys with somebody, those that share most first.
    pub(super) fn candidates(
        &self,
        asked: &Donor,
        limit: usize,
    ) -> Result<(Vec<SubjectId>, u64), SearchError> {
        let (searcher, newer, behind) = {
            let now = lock(&self.now);
            (now.searcher.clone(), now.overlay.newer(), now.overlay.behind())
        };
        let keys = search_keys(asked, COUNTRY);
        let likely = Likely { fields: &self.shelf.fields, newer: &newer, keys: &keys, limit };
        Ok((likely.search(&searcher)?, behind))
    }

    /// Where no key leads to anybody, the names as people find them, small mistakes forgiven.
    fn misspelt(
        &self,
        ledger: &Ledger<'_>,
        asked: &Donor,
        limit: usize,
    ) -> Result<Vec<(Who, Donor)>, SearchError> {
        let name = format!("{} {} ", asked.first, asked.last);
        let hits = self.find(&name, limit)?.people;
        let mut known = Vec::with_capacity(hits.len());
        for hit in hits {
            let record = ledger.record_of(&Who::Person(hit.id).key())?;
            known.extend(record.as_ref().and_then(donor_of));
        }
        Ok(known)
    }
}

/// Whether somebody said of the two that they are not one person, and that holds.
fn is_told_apart(ledger: &Ledger<'_>, one: Option<Who>, other: Who) -> Result<bool, StoreError> {
    let Some(one) = one else { return Ok(false) };
    Ok(ledger.said(one, other)?.is_some_and(|verdict| verdict.said == Said::Different))
}

/// Whether unique strong matches may be linked without a person: switched on, and proven by people's decisions here.
pub fn trust(ledger: &Ledger<'_>, learnt: &Learnt) -> Result<Trust, StoreError> {
    let switched_on = ledger.settings()?.is_on(LINK_STRONG);
    Ok(Trust { switched_on, right: learnt.strong.0, wrong: learnt.strong.1 })
}

/// People who own an e-mail address asked about.
fn owners(ledger: &Ledger<'_>, asked: &Donor) -> Result<Vec<(Who, Donor)>, StoreError> {
    let mut subjects = Vec::new();
    for email in &asked.emails {
        subjects.extend(ledger.people_by_email(email)?.into_iter().map(|person| person.subject));
    }
    subjects.sort_unstable();
    subjects.dedup();
    subjects.truncate(OWNERS_MAX);
    read(ledger, &subjects)
}

/// What the ledger says of them now; whoever is not there any more is left out.
fn read(ledger: &Ledger<'_>, subjects: &[SubjectId]) -> Result<Vec<(Who, Donor)>, StoreError> {
    let mut known = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let record = ledger.record(*subject)?;
        known.extend(record.as_ref().and_then(donor_of));
    }
    Ok(known)
}

//! What the ledger knows around a staged row: what its diagnosis needs besides the row itself.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::changes::Changes;
use super::codec::from_json;
use super::error::StoreError;
use super::ledger::{Ledger, Record};
use super::tables::Working;
use super::writer::View;
use crate::ground::crm::{AgreementRecord, AppealSourceRecord, GiftRecord};
use crate::ground::id::{AppealId, Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::matching::learnt::{LEARNT_ID, Learnt};
use crate::ground::money::Money;
use crate::ground::settings::{SETTINGS_ID, Settings};
use crate::ground::staging::{Around, Earlier, StagedRow, Status};
use crate::ground::time::{CalendarDate, Instant};

/// Gifts of a donor that are looked at, the newest changes first.
const GIFTS_MAX: usize = 50;
/// Amounts of a channel that are remembered.
const AMOUNTS_MAX: usize = 200;

/// Amounts that a channel posted lately in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Channel {
    /// In micros, the oldest first.
    amounts: Vec<i64>,
}

impl Channel {
    fn add(&mut self, micros: i64) {
        self.amounts.push(micros);
        let over = self.amounts.len().saturating_sub(AMOUNTS_MAX);
        self.amounts.drain(..over);
    }

    /// The top twentieth does not count: what was unusual once must not make the next one usual.
    fn earlier(&self) -> Earlier {
        let mut sorted = self.amounts.clone();
        sorted.sort_unstable();
        sorted.truncate(sorted.len() - sorted.len() / 20);
        let mut earlier = Earlier::default();
        for micros in sorted {
            earlier.add(micros);
        }
        Earlier { count: u32::try_from(self.amounts.len()).unwrap_or(u32::MAX), ..earlier }
    }
}

/// The place of a channel and currency among working rows: short, whatever a sender calls its channel.
fn channel_slot(intake: &str, money: Money) -> [u8; 32] {
    let mut name = intake.as_bytes().to_vec();
    name.push(0);
    name.extend_from_slice(money.currency.as_str().as_bytes());
    *blake3::hash(&name).as_bytes()
}

impl Ledger<'_> {
    /// What the organisation set; the presets when nobody set anything.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        Ok(self.settings_record()?.map(|record| record.value).unwrap_or_default())
    }

    /// The keys and values of a kind of working rows that are kept as JSON text.
    pub fn working_texts<T: DeserializeOwned>(&self, kind: Working) -> Result<Vec<(Vec<u8>, T)>, StoreError> {
        let rows = self.working_rows::<String>(kind)?.into_iter();
        rows.map(|(key, text)| Ok((key, from_json("working row", &text)?))).collect()
    }

    /// The settings as a record, once somebody set something.
    pub fn settings_record(&self) -> Result<Option<Record<Settings>>, StoreError> {
        self.here("settings", Object::Settings, SETTINGS_ID)
    }

    /// What was learnt of the base, with the entry that says so; none when nothing was.
    pub fn learnt(&self) -> Result<Option<Record<Learnt>>, StoreError> {
        self.here("weights of matching", Object::Settings, LEARNT_ID)
    }

    /// The entry that says what was learnt of the base last.
    pub fn learnt_at(&self) -> Result<Option<Seq>, StoreError> {
        let Some(subject) = self.subject(&SubjectKey::here(Object::Settings, LEARNT_ID))? else {
            return Ok(None);
        };
        Ok(self.head(subject)?.map(|head| head.seq))
    }

    /// What is known around a row.
    pub fn around(&self, row: &StagedRow, settings: &Settings, now: Instant) -> Result<Around, StoreError> {
        let mut around = Around { settings: settings.clone(), now: Some(now), ..Around::default() };
        if matches!(row.status(), Status::Processed | Status::Discarded) {
            // Nothing is asked of these any more.
            return Ok(around);
        }
        around.email_owner = self.main_owner_of(row.evidence.email.as_deref())?;
        if let Some(donor) = row.donor.person() {
            self.around_donor(row, donor, &mut around)?;
        }
        let channel: Option<Channel> =
            self.working_text(Working::Channel, &channel_slot(&row.source.intake, row.amount))?;
        around.channel_gifts = channel.unwrap_or_default().earlier();
        let source = row.coding.appeal_source.map(|source| source.0);
        let source: Option<AppealSourceRecord> = self.crm(Object::AppealSources, source)?;
        around.source_appeal = source.and_then(|source| source.appeal_id).map(AppealId);
        let agreement = row.coding.agreement.map(|agreement| agreement.0);
        let agreement: Option<AgreementRecord> = self.crm(Object::RecurringAgreements, agreement)?;
        around.agreed = agreement.and_then(|agreement| agreement.agreed());
        Ok(around)
    }

    /// Whose main address in Twenty this is: it takes each address once.
    pub fn main_owner_of(&self, email: Option<&str>) -> Result<Option<PersonId>, StoreError> {
        let Some(email) = email.map(str::trim).filter(|email| !email.is_empty()) else { return Ok(None) };
        let people = self.people_by_email(email)?.into_iter();
        let is_main = |main: Option<&str>| main.is_some_and(|main| main.eq_ignore_ascii_case(email));
        let owner = people
            .filter(|person| matches!(person.state, SubjectState::Live | SubjectState::Pending))
            .find(|person| is_main(person.value.primary_email()));
        Ok(owner.map(|person| person.value.id))
    }

    fn crm<T: DeserializeOwned>(&self, object: Object, id: Option<Uuid>) -> Result<Option<T>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        let record = self.record_of(&SubjectKey::twenty(object, id))?;
        // A record of another shape says nothing; it is set aside where it was mirrored.
        Ok(record.and_then(|record| serde_json::from_str(&record.value).ok()))
    }

    fn around_donor(&self, row: &StagedRow, donor: PersonId, around: &mut Around) -> Result<(), StoreError> {
        around.donor_opted_out = self.person(donor)?.and_then(|person| person.value.email_opt_out);
        let own = row.gift();
        for record in self.gifts_of(donor, None, GIFTS_MAX)?.items {
            let known = matches!(record.state, SubjectState::Live | SubjectState::Pending);
            let gift = serde_json::from_str::<GiftRecord>(&record.value).ok().map(GiftRecord::into_gift);
            let Some((gift, amount)) = gift.filter(|_| known).and_then(|gift| gift.amount.map(|a| (gift, a)))
            else {
                continue;
            };
            if own == Some(gift.id) || amount.currency != row.amount.currency {
                continue;
            }
            around.donor_gifts.add(amount.micros);
            around.has_twin |= amount == row.amount && within_a_day(gift.gift_date, row.gift_date);
        }
        for record in self.staged_rows_of(donor)? {
            let other = record.value;
            let open = !matches!(other.status(), Status::Processed | Status::Discarded);
            around.has_twin |= open
                && other.id != row.id
                && other.amount == row.amount
                && within_a_day(other.gift_date, row.gift_date);
        }
        Ok(())
    }
}

/// Domain 4.5: the same contact and amount within one day either way.
fn within_a_day(one: Option<CalendarDate>, other: Option<CalendarDate>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    (-1..=1).any(|days| one.plus_days(days) == other)
}

impl Changes {
    /// Remembers what these rows' channels posted.
    pub fn posted(&mut self, view: &View<'_>, rows: &[StagedRow]) -> Result<(), StoreError> {
        let mut channels: Vec<([u8; 32], Channel)> = Vec::new();
        for row in rows {
            let slot = channel_slot(&row.source.intake, row.amount);
            let at = channels.iter().position(|(known, _)| *known == slot);
            let at = if let Some(at) = at {
                at
            } else {
                let stored = view.ledger().working_text(Working::Channel, &slot)?;
                channels.push((slot, stored.unwrap_or_default()));
                channels.len() - 1
            };
            channels[at].1.add(row.amount.micros);
        }
        channels
            .iter()
            .try_for_each(|(slot, channel)| self.working_text(Working::Channel, slot, Some(channel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_remembers_the_newest_and_does_not_learn_from_its_outliers() {
        let mut channel = Channel::default();
        for n in 0..205 {
            channel.add(n);
        }
        assert_eq!((channel.amounts.len(), channel.amounts[0]), (AMOUNTS_MAX, 5));
        let mut channel = Channel { amounts: vec![10; 39] };
        channel.add(10_000);
        assert_eq!(channel.earlier(), Earlier { count: 40, largest: 10 });
    }

    #[test]
    fn a_day_apart_is_near_and_two_are_not() {
        let day = |text: &str| text.parse::<CalendarDate>().ok();
        assert!(within_a_day(day("2026-03-01"), day("2026-02-28")));
        assert!(!within_a_day(day("2026-03-02"), day("2026-02-28")));
        assert!(!within_a_day(None, day("2026-02-28")));
    }
}

//! The shapes of Twenty's records as far as we read them (contract 2.2, 2.3; domain 1.2, 1.5).
//!
//! Fields that a workspace lacks are absent, not an error: they differ by version and customisation.

use serde::Deserialize;
use uuid::Uuid;

use super::gift::Gift;
use super::id::{CompanyId, GiftId, Object, PersonId};
use super::money::{Currency, Money};
use super::person::{Person, full_name};
use super::texts;
use super::time::{CalendarDate, Instant};

/// The address of a record in Twenty's own screens.
pub fn record_url(base: &str, object: Object, id: Uuid) -> Option<String> {
    let (singular, _) = object.twenty_names()?;
    Some(format!("{}/object/{singular}/{id}", base.trim_end_matches('/')))
}

/// What a record is called where it has a name or a title of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct Labelled {
    #[serde(default)]
    name: Option<NameOrText>,
    #[serde(default)]
    title: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum NameOrText {
    Text(String),
    Name(FullName),
}

impl Labelled {
    /// The name, else the title; nothing is invented when there is neither.
    pub fn label(self) -> Option<String> {
        let name = match self.name {
            Some(NameOrText::Text(text)) => present(Some(text)),
            Some(NameOrText::Name(name)) => full_name(name.first_name.as_deref(), name.last_name.as_deref()),
            None => None,
        };
        name.or_else(|| present(self.title))
    }
}

/// What every record has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordHead {
    /// The record's id.
    pub id: Uuid,
    /// When it was made there.
    pub created_at: Option<String>,
    /// When it was last changed there, in milliseconds precision.
    pub updated_at: Option<String>,
    /// Set when the record is soft-deleted.
    pub deleted_at: Option<String>,
}

impl RecordHead {
    /// `updatedAt` as an instant.
    pub fn updated(&self) -> Option<Instant> {
        self.updated_at.as_deref().and_then(|text| text.parse().ok())
    }

    /// Whether nobody changed it since it was made: Twenty writes both times at once then.
    pub fn is_as_made(&self) -> bool {
        let made: Option<Instant> = self.created_at.as_deref().and_then(|text| text.parse().ok());
        made.is_some() && made == self.updated()
    }
}

/// A person as Twenty tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonRecord {
    id: Uuid,
    #[serde(default)]
    name: Option<FullName>,
    #[serde(default)]
    emails: Option<Emails>,
    #[serde(default)]
    mailing_address: Option<Address>,
    #[serde(default)]
    city: Option<String>,
    #[serde(default)]
    supporter_email_opt_out: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FullName {
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Emails {
    primary_email: Option<String>,
    additional_emails: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    address_city: Option<String>,
    address_postcode: Option<String>,
}

/// Empty text is missing text (domain 1.1).
fn present(text: Option<String>) -> Option<String> {
    text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

impl PersonRecord {
    /// The person it describes.
    pub fn into_person(self) -> Person {
        let name = self.name.unwrap_or_default();
        let emails = self.emails.unwrap_or_default();
        let address = self.mailing_address.unwrap_or_default();
        let mut all: Vec<String> = present(emails.primary_email).into_iter().collect();
        all.extend(emails.additional_emails.unwrap_or_default().into_iter().filter_map(|e| present(Some(e))));
        Person {
            id: PersonId(self.id),
            first_name: present(name.first_name),
            last_name: present(name.last_name),
            emails: all,
            city: present(address.address_city).or_else(|| present(self.city)),
            postcode: present(address.address_postcode),
            email_opt_out: self.supporter_email_opt_out,
        }
    }
}

/// A gift as Twenty tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GiftRecord {
    id: Uuid,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    amount: Option<Amount>,
    #[serde(default)]
    gift_date: Option<String>,
    #[serde(default)]
    donor_id: Option<Uuid>,
    #[serde(default)]
    company_id: Option<Uuid>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    amount_micros: Option<i64>,
    currency_code: Option<String>,
}

impl Amount {
    /// Both parts, with a currency we know; anything else is not an amount.
    fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency_code.as_deref()?.parse().ok()?;
        Some(Money { micros: self.amount_micros?, currency })
    }
}

/// Where an appeal's gifts come from, as far as the desk needs it (domain 1.8).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppealSourceRecord {
    /// The appeal it belongs to.
    #[serde(default)]
    pub appeal_id: Option<Uuid>,
}

/// A regular gift, as far as the desk needs it (domain 1.9).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgreementRecord {
    #[serde(default)]
    amount: Option<Amount>,
}

impl AgreementRecord {
    /// What was agreed for one instalment; none when Twenty has no amount or a currency that does not exist.
    pub fn agreed(&self) -> Option<Money> {
        self.amount.as_ref().and_then(Amount::money)
    }
}

/// Only what says whose gift it is; a tenth of the work of reading the whole.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GiftDonor {
    /// The person who gave.
    #[serde(default)]
    pub donor_id: Option<Uuid>,
}

impl GiftRecord {
    /// Why it does not read as a gift, in plain words; none when it does. A missing figure is no fault: it is shown as
    /// missing.
    pub fn fault(&self) -> Option<&'static str> {
        let has_amount = self.amount.as_ref().is_some_and(|amount| amount.amount_micros.is_some());
        if has_amount && self.amount.as_ref().and_then(Amount::money).is_none() {
            return Some(texts::NO_SUCH_CURRENCY);
        }
        let date = self.gift_date.as_deref().filter(|date| !date.is_empty());
        let is_date = |date: &str| date.get(..10).is_some_and(|day| day.parse::<CalendarDate>().is_ok());
        date.is_some_and(|date| !is_date(date)).then_some(texts::NO_SUCH_DATE)
    }

    /// The gift it describes.
    pub fn into_gift(self) -> Gift {
        Gift {
            id: GiftId(self.id),
            name: present(self.name),
            amount: self.amount.as_ref().and_then(Amount::money),
            // A DATE field answers with the plain date; with a time of day only the date counts.
            gift_date: self
                .gift_date
                .as_deref()
                .and_then(|d| d.get(..10))
                .and_then(|d| d.parse::<CalendarDate>().ok()),
            donor: self.donor_id.map(PersonId),
            company: self.company_id.map(CompanyId),
        }
    }
}

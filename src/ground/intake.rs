//! What comes in: a delivery, read and checked, before it is a staged row (domain 3.3, 3.5).

use super::gift::{GiftIntent, PaymentMethod};
use super::id::{BatchId, CompanyId, PersonId};
use super::money::Money;
use super::replay::ReplayKey;
use super::staging::{DonorEvidence, Source};
use super::time::CalendarDate;

/// A delivery that can become a staged row.
#[derive(Clone, Debug)]
pub struct Intake {
    /// How much.
    pub amount: Money,
    /// The day the donor gave.
    pub gift_date: Option<CalendarDate>,
    /// Who gave, as told.
    pub evidence: DonorEvidence,
    /// Who gave, as the sender decided.
    pub donor: Option<PersonId>,
    /// The organisation that gave.
    pub company: Option<CompanyId>,
    /// How it was paid.
    pub payment_method: Option<PaymentMethod>,
    /// What kind of gift.
    pub intent: GiftIntent,
    /// A note for people.
    pub notes: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// The batch it belongs to.
    pub batch: Option<BatchId>,
}

/// One thing wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field as the sender spelt it.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Intake {
    /// The replay keys of this delivery, in the order in which they are asked.
    pub fn replay_keys(&self, idempotency: Option<(&str, &str)>) -> Vec<ReplayKey> {
        let source = &self.source;
        let pair = |a: &Option<String>, b: &Option<String>| a.clone().zip(b.clone());
        let provider = source.provider.as_ref().map(|p| p.to_lowercase());
        let mut keys = Vec::new();
        keys.extend(
            idempotency.map(|(caller, key)| ReplayKey::Idempotency {
                caller: caller.to_owned(),
                key: key.to_owned(),
            }),
        );
        keys.extend(source.fingerprint.clone().map(ReplayKey::Fingerprint));
        keys.extend(
            pair(&provider, &source.provider_event_id)
                .map(|(provider, event)| ReplayKey::Event { provider, event }),
        );
        keys.extend(
            pair(&provider, &source.provider_payment_id)
                .map(|(provider, payment)| ReplayKey::Payment { provider, payment }),
        );
        keys.extend(
            source.external_id.clone().map(|id| ReplayKey::External { source: source.intake.clone(), id }),
        );
        keys
    }
}

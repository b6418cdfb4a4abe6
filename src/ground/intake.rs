//! What comes in: a delivery, read and checked, before it is a staged row (domain 3.3, 3.5).

use super::coding::{Coding, Fees};
use super::gift::{GiftIntent, PaymentMethod};
use super::id::{BatchId, CompanyId};
use super::money::Money;
use super::replay::ReplayKey;
use super::staging::{DonorDecision, DonorEvidence, IdentityConfidence, Source};
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
    pub donor: DonorDecision,
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
    /// What it is booked to.
    pub coding: Coding,
    /// What the payment cost.
    pub fees: Fees,
    /// The day an instalment was expected.
    pub expected_at: Option<CalendarDate>,
    /// Whether the sender asks for it to be posted at once; none when they say nothing.
    pub auto_process: Option<bool>,
}

/// How far a channel is trusted to post without a person (domain 4.3). It limits automation only: a person may process any
/// complete row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Typed in by our own people.
    High,
    /// Sent by a program.
    Medium,
    /// Read from a file.
    Low,
}

impl Trust {
    /// The trust in a channel.
    pub fn of(intake: &str) -> Self {
        match intake {
            "manual_ui" => Self::High,
            "csv_import" => Self::Low,
            _ => Self::Medium,
        }
    }

    /// Whether a complete row of such a channel may be posted at its sender's wish, given how sure it is about its
    /// donor. A file needs a donor who was found, not one who is named in it (domain 4.3).
    pub const fn allows(self, identity: IdentityConfidence) -> bool {
        match self {
            Self::High => true,
            Self::Medium => matches!(identity, IdentityConfidence::Strong | IdentityConfidence::Explicit),
            Self::Low => matches!(identity, IdentityConfidence::Strong),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_limits_automation_as_the_domain_tables_it() {
        use IdentityConfidence::{Explicit, None, Strong, Weak};
        for (channel, allowed) in [
            ("manual_ui", [true, true, true, true]),
            ("stripe_webhook", [true, true, false, false]),
            ("csv_import", [true, false, false, false]),
        ] {
            let trust = Trust::of(channel);
            assert_eq!(
                [Strong, Explicit, Weak, None].map(|identity| trust.allows(identity)),
                allowed,
                "{channel}"
            );
        }
    }
}

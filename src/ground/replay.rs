//! Replay keys: when two deliveries are one.
//!
//! Only what the sender names makes two deliveries one. The joined key of domain 4.6 (donor, amount, …) is
//! not used: it swallows a donor's second equal gift.

use serde::{Deserialize, Serialize};

/// A name that a sender gave to a delivery or to the payment behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReplayKey {
    /// The `Idempotency-Key` header, scoped to who called.
    Idempotency {
        /// Who called: the user or token.
        caller: String,
        /// The header.
        key: String,
    },
    /// A given `sourceFingerprint`.
    Fingerprint(String),
    /// A provider's event.
    Event {
        /// The provider, lower case.
        provider: String,
        /// Its event id.
        event: String,
    },
    /// A provider's payment.
    Payment {
        /// The provider, lower case.
        provider: String,
        /// Its payment id.
        payment: String,
    },
    /// The id a source gave to the donation.
    External {
        /// The intake source.
        source: String,
        /// The id there.
        id: String,
    },
}

impl ReplayKey {
    /// The bytes the store finds the key by: a tag, then each part with its length, so that no two keys
    /// read alike.
    pub fn bytes(&self) -> Vec<u8> {
        let (tag, parts): (u8, Vec<&str>) = match self {
            Self::Idempotency { caller, key } => (1, vec![caller, key]),
            Self::Fingerprint(text) => (2, vec![text]),
            Self::Event { provider, event } => (3, vec![provider, event]),
            Self::Payment { provider, payment } => (4, vec![provider, payment]),
            Self::External { source, id } => (5, vec![source, id]),
        };
        let mut out = vec![tag];
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// What a known key says about a new delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same delivery again: nothing is written.
    Same,
    /// Another delivery about the same payment: kept as evidence of its row.
    MoreEvidence,
    /// The same `Idempotency-Key` with another body: refused.
    KeyReused,
}

/// Judges a delivery whose `key` is known, by whether its body is the one that came with the key first.
pub fn judge(key: &ReplayKey, same_body: bool) -> Replay {
    match key {
        _ if same_body => Replay::Same,
        ReplayKey::Idempotency { .. } => Replay::KeyReused,
        _ => Replay::MoreEvidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_run_into_each_other() {
        let a = ReplayKey::Event { provider: "ab".into(), event: "c".into() };
        let b = ReplayKey::Event { provider: "a".into(), event: "bc".into() };
        let c = ReplayKey::Payment { provider: "ab".into(), payment: "c".into() };
        assert_ne!(a.bytes(), b.bytes());
        assert_ne!(a.bytes(), c.bytes());
    }

    #[test]
    fn only_the_header_refuses_another_body() {
        let header = ReplayKey::Idempotency { caller: "u".into(), key: "k".into() };
        let event = ReplayKey::Event { provider: "stripe".into(), event: "evt_1".into() };
        let payment = ReplayKey::Payment { provider: "stripe".into(), payment: "pi_1".into() };
        assert_eq!(judge(&header, true), Replay::Same);
        assert_eq!(judge(&header, false), Replay::KeyReused);
        assert_eq!(judge(&event, true), Replay::Same);
        assert_eq!(judge(&event, false), Replay::MoreEvidence);
        assert_eq!(judge(&payment, false), Replay::MoreEvidence);
        assert_eq!(judge(&payment, true), Replay::Same, "the same text again adds nothing");
    }
}

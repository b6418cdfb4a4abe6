//! Webhooks of Twenty (contract 4.2, 4.3): signed over the raw bytes, told once, in no order, and only a hint.

use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ground::time::Instant;

/// How far a webhook's own time may lie from ours, in milliseconds: longer than any delivery takes, short enough that a
/// recorded one is not told again later.
pub const TOLERANCE_MS: i64 = 5 * 60_000;

/// Headers of a webhook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signed<'h> {
    /// `X-Twenty-Webhook-Timestamp`: milliseconds since the epoch.
    pub timestamp: Option<&'h str>,
    /// `X-Twenty-Webhook-Signature`: HMAC-SHA256 in hex.
    pub signature: Option<&'h str>,
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// It is not signed, or the signature is not of this form.
    #[error("the webhook is not signed")]
    Unsigned,
    /// It was signed with another secret, or changed on its way.
    #[error("the webhook's signature does not fit")]
    Forged,
    /// Its time is too far from ours.
    #[error("the webhook is too old, or one of the two clocks is wrong")]
    Stale,
}

/// Whether Twenty sent these bytes lately. The signature is compared in constant time.
pub fn verify(secret: &str, signed: Signed<'_>, raw: &[u8], now: Instant) -> Result<(), NotBelieved> {
    let (Some(timestamp), Some(signature)) = (signed.timestamp, signed.signature) else {
        return Err(NotBelieved::Unsigned);
    };
    let signature = from_hex(signature).ok_or(NotBelieved::Unsigned)?;
    let sent_ms: i64 = timestamp.parse().map_err(|_| NotBelieved::Unsigned)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let message = [timestamp.as_bytes(), b":", raw].concat();
    hmac::verify(&key, &message, &signature).map_err(|_| NotBelieved::Forged)?;
    let sent = Instant(sent_ms.saturating_mul(1_000));
    if now.micros_since(sent).abs() > TOLERANCE_MS * 1_000 { Err(NotBelieved::Stale) } else { Ok(()) }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

/// What a webhook tells, as far as it is believed: which record to read. Its content is not taken over, since it may be
/// older than what a later one told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something happened to a record.
    Record {
        /// Which kind: `person`.
        singular: String,
        /// Its id.
        id: Uuid,
        /// When it was changed there.
        updated: Option<Instant>,
        /// Whether it is gone for good.
        destroyed: bool,
    },
    /// The data model changed.
    Model,
    /// Something that is not about a record.
    Other,
}

/// A webhook's body as far as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    event_name: String,
    #[serde(default)]
    record: Option<Head>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: Uuid,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Payload {
    /// What it tells.
    pub fn told(self) -> Told {
        if let Some(entity) = self.event_name.strip_prefix("metadata.") {
            let model = entity.starts_with("object") || entity.starts_with("field");
            return if model { Told::Model } else { Told::Other };
        }
        let Some((singular, verb)) = self.event_name.split_once('.') else { return Told::Other };
        let Some(record) = self.record else { return Told::Other };
        Told::Record {
            singular: singular.to_owned(),
            id: record.id,
            updated: record.updated_at.and_then(|text| text.parse().ok()),
            destroyed: verb == "destroyed",
        }
    }
}

/// A record that a webhook told of and that is to be read. Several webhooks of one record are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToRead {
    /// When the first webhook of it came.
    pub since: Instant,
    /// The newest time of change told.
    pub updated: Option<Instant>,
    /// Whether it was told to be gone for good.
    pub destroyed: bool,
    /// How often it was asked for without an answer as new as was told.
    pub tries: u8,
    /// Not before this.
    pub not_before: Instant,
}

/// The webhook that we registered in Twenty, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Its id there.
    pub id: Option<Uuid>,
    /// Where it sends to.
    pub url: String,
    /// When it was seen there last.
    pub checked_at: Option<Instant>,
    /// When the last one came that was believed.
    pub heard_at: Option<Instant>,
    /// How many came that were believed.
    pub heard: u64,
    /// How many came that were not believed.
    pub refused: u64,
    /// What is in the way, in plain words.
    pub trouble: Option<String>,
}

/// The name under which the secret of our webhook is sealed.
pub const SECRET: &str = "twenty_webhook";

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"eventName":"person.updated","record":{"id":"63f16175-3266-5ae1-b7c7-297a48d16281","updatedAt":"2026-11-22T07:23:49.544Z"},"updatedFields":["jobTitle"]}"#;

    fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, &[timestamp.as_bytes(), b":", body].concat());
        tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    #[test]
    fn only_what_twenty_signed_lately_is_believed() {
        let (secret, stamp) = ("s3cret", "1795424400000");
        let now = Instant(1_795_424_400_000_000);
        let good = signature(secret, stamp, BODY);
        let check = |timestamp, signature, body: &[u8], now| {
            verify(secret, Signed { timestamp, signature }, body, now)
        };
        assert_eq!(check(Some(stamp), Some(&good), BODY, now), Ok(()));
        let shouted = good.to_uppercase();
        assert_eq!(check(Some(stamp), Some(&shouted), BODY, now), Ok(()));
        let later = now.plus_millis(TOLERANCE_MS + 1);
        assert_eq!(check(Some(stamp), Some(&good), BODY, later), Err(NotBelieved::Stale));
        assert_eq!(
            check(Some(stamp), Some(&good), BODY, now.plus_millis(-TOLERANCE_MS - 1)),
            Err(NotBelieved::Stale)
        );
        let mut changed = BODY.to_vec();
        changed[20] ^= 1;
        for (timestamp, signature, body, why) in [
            (None, Some(good.as_str()), BODY, NotBelieved::Unsigned),
            (Some(stamp), None, BODY, NotBelieved::Unsigned),
            (Some("soon"), Some(good.as_str()), BODY, NotBelieved::Unsigned),
            (Some(stamp), Some("zz"), BODY, NotBelieved::Unsigned),
            (Some(stamp), Some("abc"), BODY, NotBelieved::Unsigned),
            (Some(stamp), Some(&good[2..]), BODY, NotBelieved::Forged),
            (Some("1795424400001"), Some(good.as_str()), BODY, NotBelieved::Forged),
            (Some(stamp), Some(good.as_str()), changed.as_slice(), NotBelieved::Forged),
        ] {
            assert_eq!(check(timestamp, signature, body, now), Err(why));
        }
        assert_eq!(
            verify("other", Signed { timestamp: Some(stamp), signature: Some(&good) }, BODY, now),
            Err(NotBelieved::Forged)
        );
    }

    fn payload(event: &str, updated: Option<&str>) -> Payload {
        let record = Some(Head { id: Uuid::from_u128(7), updated_at: updated.map(str::to_owned) });
        Payload { event_name: event.into(), record }
    }

    #[test]
    fn it_tells_which_record_to_read() {
        let told = payload("person.updated", Some("2026-11-22T07:23:49.544Z")).told();
        let Told::Record { singular, updated, destroyed, .. } = told else { panic!("a record") };
        assert_eq!((singular.as_str(), destroyed), ("person", false));
        assert_eq!(updated.unwrap().to_string(), "2026-11-22T07:23:49.544000Z");
        let told = payload("gift.destroyed", None).told();
        assert!(matches!(told, Told::Record { destroyed: true, updated: None, .. }));
        for (event, told) in [
            ("metadata.fieldMetadata.created", Told::Model),
            ("metadata.objectMetadata.updated", Told::Model),
            ("metadata.webhook.created", Told::Other),
            ("strange", Told::Other),
        ] {
            assert_eq!(payload(event, None).told(), told, "{event}");
        }
    }
}

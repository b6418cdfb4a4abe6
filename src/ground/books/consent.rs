//! A person connects a company: where they are sent, and what they come back with (contract 1.2). Pure; the exchange of
//! what they bring is the rail's.

use serde::{Deserialize, Serialize};

use super::custody::Secret;
use super::id::RealmId;
use crate::ground::journal::Actor;
use crate::ground::time::Instant;

/// The one scope there is for books; none allows reading alone (contract 1.2).
const SCOPE: &str = "com.intuit.quickbooks.accounting";
/// How long a person may take to come back, in milliseconds (finance 5.10).
pub const VALID_MS: i64 = 3_600_000;

/// What stands in the address a person is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Where a person says yes.
    pub authorise: String,
    /// The id of the operator's own app at Intuit.
    pub client_id: String,
    /// Where a person comes back to; registered there, byte for byte.
    pub redirect: String,
}

impl Door {
    /// Where to send a person. `state` is random, stored before, and good for one return.
    pub fn address(&self, state: &str) -> String {
        format!(
            "{}?client_id={}&response_type=code&scope={SCOPE}&redirect_uri={}&state={}",
            self.authorise,
            encoded(&self.client_id),
            encoded(&self.redirect),
            encoded(state)
        )
    }
}

/// A consent that was asked for, until it is settled; stored under the hash of its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a consent stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The person was sent away.
    Away,
    /// They came back with a code, which is sealed, for this company.
    Back(RealmId),
    /// The company is connected.
    Connected(RealmId),
    /// It did not work: why, in plain words.
    Failed(String),
}

impl Consent {
    /// Whether it is still good.
    pub fn is_valid(&self, now: Instant) -> bool {
        (0..VALID_MS * 1_000).contains(&now.micros_since(self.at))
    }

    /// The name of the sealed code of the consent with this key.
    pub fn secret_name(key: &[u8]) -> String {
        let digits = key.iter().take(16).flat_map(|byte| [hex(byte >> 4), hex(byte & 15)]);
        format!("qbo.code.{}", digits.collect::<String>())
    }
}

/// Under which key the consent with this state is stored: the state itself is a secret.
pub fn key_of(state: &str) -> [u8; 32] {
    *blake3::hash(state.as_bytes()).as_bytes()
}

/// What a person came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callback {
    /// They said yes, to this company: one at a time.
    Granted {
        /// To be exchanged once, within minutes.
        code: Secret,
        /// The company; it is told here and nowhere else.
        realm: RealmId,
    },
    /// They said no.
    Declined,
    /// It does not belong to a request of ours, or lacks something.
    NotOurs,
}

/// The state in the query a person came back with.
pub fn state_of(query: &str) -> Option<String> {
    field(query, "state").filter(|state| !state.is_empty())
}

/// Reads the query a person came back with, against the state that was stored. Compared by hash, in constant time.
pub fn callback(query: &str, state: &str) -> Callback {
    let told = field(query, "state").unwrap_or_default();
    if state.is_empty() || blake3::hash(told.as_bytes()) != blake3::hash(state.as_bytes()) {
        return Callback::NotOurs;
    }
    if field(query, "error").is_some() {
        return Callback::Declined;
    }
    let code = field(query, "code").as_deref().and_then(Secret::new);
    match (code, field(query, "realmId").and_then(|realm| realm.parse().ok())) {
        (Some(code), Some(realm)) => Callback::Granted { code, realm },
        _ => Callback::NotOurs,
    }
}

fn field(query: &str, name: &str) -> Option<String> {
    let pairs = query.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(other, _)| *other == name).map(|(_, value)| decoded(value)).next()
}

/// A text within an address.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_is_good_for_an_hour_and_its_state_is_found_again() {
        let consent = Consent { by: Actor::System, at: Instant(0), stage: Stage::Away };
        let hour = Instant(VALID_MS * 1_000);
        assert!(consent.is_valid(Instant(0)) && !consent.is_valid(hour) && !consent.is_valid(Instant(-1)));
        assert_eq!(state_of("?code=1&state=a%2Fb&realmId=1").as_deref(), Some("a/b"));
        assert_eq!(state_of("code=1&state="), None);
        assert_ne!(Consent::secret_name(&key_of("a")), Consent::secret_name(&key_of("b")));
    }
}

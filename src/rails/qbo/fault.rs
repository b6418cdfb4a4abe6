//! What QuickBooks says when it does not do what was asked, in either envelope, and what to do next (contract 10).

use ::http::{Response, StatusCode, header};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ground::time::Instant;
use crate::rails::{Heard, TransportError, Trouble};

/// How long a limit is waited for when nothing says how long, in milliseconds (contract 9).
const LIMIT_MS: i64 = 60_000;
/// How long an outage is waited for at first, in milliseconds.
const OUTAGE_MS: i64 = 10_000;
/// Characters of a refusal that are kept: one lists all properties of a class (contract 7.2).
const SAID_MAX: usize = 400;

/// Why a call did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No more calls for now (3001, 429). Nothing was done.
    #[error("QuickBooks allows no more calls for now")]
    Throttled {
        /// For so long, if it said so.
        after_ms: Option<i64>,
    },
    /// The access token is not accepted (3200, 401). What it says may repeat the token, and is not kept.
    #[error("the access token is not accepted")]
    TokenRefused,
    /// Nobody lets us into this company any more (100, 120, 3100, 3201, 403).
    #[error("QuickBooks does not let us into this company any more ({code})")]
    AccessLost {
        /// The code it gave.
        code: String,
    },
    /// The company's subscription has ended (6190).
    #[error("the company's QuickBooks subscription has ended")]
    Lapsed,
    /// Somebody else changed the record (5010).
    #[error("the record was changed by somebody else meanwhile")]
    Stale,
    /// It is not there, or what it refers to is inactive (610).
    #[error("it is not there any more")]
    NotFound,
    /// Another customer, vendor or employee has this name (6240).
    #[error("the name is taken: customers, vendors and employees share one list of names")]
    NameTaken,
    /// Another document has this number (6140).
    #[error("the number is taken by another document")]
    NumberTaken,
    /// The books are closed for that date (6210).
    #[error("the books are closed for that date")]
    PeriodClosed,
    /// It is part of a deposit (6540).
    #[error("it is part of a deposit, which would have to be deleted first")]
    Deposited,
    /// Changes are not told that far back.
    #[error("changes are not told that far back")]
    ChangesTooOld,
    /// It does not take what was sent, for another reason.
    #[error("QuickBooks refuses it ({code}): {said}")]
    Refused {
        /// The code.
        code: String,
        /// What it said.
        said: String,
        /// Which field it names.
        element: Option<String>,
    },
    /// It failed (10000, 500): anything can have happened.
    #[error("QuickBooks failed ({status})")]
    Failed {
        /// The status.
        status: u16,
    },
    /// It could not be reached at all: nothing can have happened.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// No answer, or one that is not whole: anything can have happened.
    #[error("no complete answer: {0}")]
    NoAnswer(String),
    /// The answer is whole and does not fit the question.
    #[error("{0}")]
    Unfit(String),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Try again, a write under the same key, not before so many milliseconds.
    Retry {
        /// From now.
        after_ms: i64,
    },
    /// Refresh the token once, and do it once more.
    Refresh,
    /// This company must be connected again by a person.
    Reconnect,
    /// Leave the company alone until somebody says that it is paid for.
    Pause,
    /// Read the record, judge anew whether the change still applies, and send it with the new version under a new key.
    Reread,
    /// It is gone: of a read, that is the answer.
    Gone,
    /// Read everything again.
    ReadWhole,
    /// Set the change aside for a person, with what was said.
    SetAside,
}

impl Fault {
    /// What to do next.
    pub const fn then(&self) -> Then {
        match self {
            Self::Throttled { after_ms: Some(after_ms) } => Then::Retry { after_ms: *after_ms },
            Self::Throttled { after_ms: None } => Then::Retry { after_ms: LIMIT_MS },
            Self::Failed { .. } | Self::NoConnection(_) | Self::NoAnswer(_) => {
                Then::Retry { after_ms: OUTAGE_MS }
            }
            Self::TokenRefused => Then::Refresh,
            Self::AccessLost { .. } => Then::Reconnect,
            Self::Lapsed => Then::Pause,
            Self::Stale => Then::Reread,
            Self::NotFound => Then::Gone,
            Self::ChangesTooOld => Then::ReadWhole,
            Self::NameTaken
            | Self::NumberTaken
            | Self::PeriodClosed
            | Self::Deposited
            | Self::Refused { .. }
            | Self::Unfit(_) => Then::SetAside,
        }
    }

    /// Its name in logs: what was said may repeat what we sent.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::TokenRefused => "token_refused",
            Self::AccessLost { .. } => "access_lost",
            Self::Lapsed => "lapsed",
            Self::Stale => "stale",
            Self::NotFound => "not_found",
            Self::NameTaken => "name_taken",
            Self::NumberTaken => "number_taken",
            Self::PeriodClosed => "period_closed",
            Self::Deposited => "deposited",
            Self::ChangesTooOld => "changes_too_old",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::NoConnection(_) => "no_connection",
            Self::NoAnswer(_) => "no_answer",
            Self::Unfit(_) => "unfit",
        }
    }

    /// Whether a write that ended so was certainly not done.
    pub const fn did_nothing(&self) -> bool {
        !matches!(self, Self::Failed { .. } | Self::NoAnswer(_) | Self::Unfit(_))
    }

    /// What the answer teaches of the connection.
    pub fn heard(&self) -> Heard {
        match self {
            Self::Throttled { after_ms } => {
                Heard::Limited { after_ms: after_ms.or(Some(LIMIT_MS)), limit: None, ceiling: None }
            }
            Self::TokenRefused | Self::AccessLost { .. } | Self::Lapsed => Heard::Denied(self.to_string()),
            Self::Failed { .. } | Self::NoConnection(_) | Self::NoAnswer(_) => {
                Heard::NoAnswer(self.to_string())
            }
            _ => Heard::Answered { ceiling: None, remaining: None },
        }
    }

    /// The fault that an answer is, if it is one: also a 200 can hold one (contract 10.1).
    pub fn of(reply: &Response<Bytes>, now: Instant) -> Option<Self> {
        let said = Envelope::of(reply.body());
        let status = reply.status();
        if status.is_success() {
            return Some(said?.fault(status, None));
        }
        let after_ms = retry_after(reply, now);
        Some(match said {
            Some(said) => said.fault(status, after_ms),
            // The reason was on its way when it broke off: nothing is known of what it would have said.
            None if status == StatusCode::BAD_REQUEST && is_cut(reply.body()) => {
                Self::NoAnswer(format!("answer {status} broke off"))
            }
            None => of_status(status, after_ms),
        })
    }

    /// The fault within an item of a batch, an upload or a list of changes.
    pub(super) fn within(text: &str) -> Option<Self> {
        Envelope::of(text.as_bytes()).map(|said| said.fault(StatusCode::OK, None))
    }
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Refused(said) => Self::NoConnection(said),
            TransportError::Broken(said) => Self::NoAnswer(said),
        }
    }
}

/// The six kinds that every rail sorts into.
impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let said = fault.to_string();
        match (fault.then(), &fault) {
            (Then::Retry { after_ms }, _) => {
                let limit = matches!(fault, Fault::Throttled { .. });
                Self::Later { after_ms: Some(after_ms), said, limit }
            }
            (Then::Refresh | Then::Reconnect | Then::Pause, _) => Self::Denied(said),
            (Then::Reread, _) | (_, Fault::NameTaken | Fault::NumberTaken) => Self::Clash(said),
            (Then::Gone, _) => Self::Gone(said),
            (Then::ReadWhole, _) | (_, Fault::Unfit(_)) => Self::Broken(said),
            (Then::SetAside, _) => Self::Refused(said),
        }
    }
}

/// `Retry-After` was never seen, and is heeded if it comes.
fn retry_after(reply: &Response<Bytes>, now: Instant) -> Option<i64> {
    let text = reply.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: Option<i64> = text.trim().parse().ok();
    let until = || Instant::from_http_date(text).map(|at| at.micros_since(now).max(0) / 1_000);
    seconds.map(|seconds| seconds.saturating_mul(1_000)).or_else(until)
}

/// Whether a body begins as JSON and does not end as such.
fn is_cut(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{') && serde_json::from_slice::<&RawValue>(body).is_err()
}

/// An answer without an envelope: HTML of a gateway, an empty body.
fn of_status(status: StatusCode, after_ms: Option<i64>) -> Fault {
    match status.as_u16() {
        429 => Fault::Throttled { after_ms },
        401 => Fault::TokenRefused,
        403 => Fault::AccessLost { code: "403".into() },
        500.. => Fault::Failed { status: status.as_u16() },
        code => Fault::Refused { code: code.to_string(), said: "without a reason".into(), element: None },
    }
}

/// Both envelopes: `Fault.Error[].Message`, and in small letters (contract 10.1, 10.3).
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Fault", alias = "fault")]
    fault: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "Error", alias = "error", default)]
    errors: Vec<Item>,
}

#[derive(Default, Deserialize)]
struct Item {
    #[serde(rename = "Message", alias = "message", default)]
    message: Option<String>,
    #[serde(rename = "Detail", alias = "detail", default)]
    detail: Option<String>,
    #[serde(default)]
    code: Option<Box<RawValue>>,
    #[serde(default)]
    element: Option<String>,
}

impl Envelope {
    fn of(body: &[u8]) -> Option<Said> {
        serde_json::from_slice::<Self>(body).ok()?.fault
    }
}

impl Said {
    fn fault(self, status: StatusCode, after_ms: Option<i64>) -> Fault {
        self.errors.into_iter().next().unwrap_or_default().fault(status, after_ms)
    }
}

impl Item {
    /// `003001` and `3001` are one code.
    fn code(&self) -> String {
        let code = self.code.as_ref().map_or("", |code| code.get().trim_matches('"'));
        code.trim_start_matches('0').to_owned()
    }

    fn fault(self, status: StatusCode, after_ms: Option<i64>) -> Fault {
        let code = self.code();
        match code.as_str() {
            "3001" => Fault::Throttled { after_ms },
            "3200" => Fault::TokenRefused,
            "100" | "120" | "3100" | "3201" => Fault::AccessLost { code },
            "610" => Fault::NotFound,
            "5010" => Fault::Stale,
            "6140" => Fault::NumberTaken,
            "6190" => Fault::Lapsed,
            "6210" => Fault::PeriodClosed,
            "6240" => Fault::NameTaken,
            "6540" => Fault::Deposited,
            "10000" => Fault::Failed { status: status.as_u16() },
            _ if status == StatusCode::OK || status == StatusCode::BAD_REQUEST => self.refused(code),
            _ => of_status(status, after_ms),
        }
    }

    fn refused(self, code: String) -> Fault {
        let (message, detail) = (self.message.unwrap_or_default(), self.detail.unwrap_or_default());
        let all = format!("{message}: {detail}");
        let names = |word: &str| all.to_ascii_lowercase().contains(word);
        if names("changedsince") || names("30 days") {
            return Fault::ChangesTooOld;
        }
        let said = if detail.is_empty() { message } else { detail };
        let element = self.element.filter(|element| !element.is_empty());
        Fault::Refused { code, said: said.chars().take(SAID_MAX).collect(), element }
    }
}

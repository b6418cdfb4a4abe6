//! What Twenty tells of its limits on calls (contract 5.3): older servers in the text of a refusal, newer ones in JSON
//! and headers.

use ::http::{HeaderName, Response, header};
use bytes::Bytes;
use serde::Deserialize;

use super::{ArrivedAt, said};
use crate::ground::budget::Limit;
use crate::ground::time::Instant;
use crate::rails::Heard;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// Longest wait that is believed, in milliseconds: a day. A clock that is wrong there must not stop us for ever.
const WAIT_MAX_MS: i64 = 24 * 3_600_000;

/// What newer servers say in the body.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    limit: Option<u32>,
    period_count: Option<u32>,
    period_unit: Option<String>,
    retry_after_seconds: Option<i64>,
}

impl Told {
    fn limit(&self) -> Option<Limit> {
        let unit_ms: u32 = match self.period_unit.as_deref()?.trim_end_matches('s') {
            "millisecond" => 1,
            "second" => 1_000,
            "minute" => 60_000,
            "hour" => 3_600_000,
            "day" => 86_400_000,
            _ => return None,
        };
        let period_ms = self.period_count?.checked_mul(unit_ms)?;
        Some(Limit { calls: self.limit?, period_ms }).filter(|limit| limit.calls > 0 && period_ms > 0)
    }
}

fn told(reply: &Response<Bytes>) -> Told {
    serde_json::from_slice(reply.body()).unwrap_or_default()
}

fn text<'r>(reply: &'r Response<Bytes>, name: &HeaderName) -> Option<&'r str> {
    reply.headers().get(name)?.to_str().ok().map(str::trim)
}

fn number(reply: &Response<Bytes>, name: &HeaderName) -> Option<i64> {
    text(reply, name)?.parse().ok()
}

/// `Limit reached (100 tokens per 60000 ms)`.
fn limit_of(text: &str) -> Option<Limit> {
    let numbers: Vec<u32> =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [calls, period_ms] if calls > 0 && period_ms > 0 && text.contains("tokens per") => {
            Some(Limit { calls, period_ms })
        }
        _ => None,
    }
}

fn limit(reply: &Response<Bytes>) -> Option<Limit> {
    told(reply).limit().or_else(|| limit_of(&said(reply.body())?.text))
}

/// When it was on their clock, else on ours.
fn now(reply: &Response<Bytes>) -> Option<Instant> {
    let theirs = text(reply, &header::DATE).and_then(Instant::from_http_date);
    theirs.or_else(|| reply.extensions().get::<ArrivedAt>().map(|at| at.0))
}

/// `Retry-After`: seconds, or a date.
fn retry_after(reply: &Response<Bytes>) -> Option<i64> {
    let value = text(reply, &header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    Some(Instant::from_http_date(value)?.micros_since(now(reply)?) / 1_000)
}

/// `X-RateLimit-Reset`: seconds since 1970.
fn reset(reply: &Response<Bytes>) -> Option<i64> {
    let at = Instant(number(reply, &RESET)?.saturating_mul(1_000_000));
    Some(at.micros_since(now(reply)?) / 1_000)
}

/// For how long a refusal asks to be left alone, in milliseconds: the longest of what it says; where it says nothing of
/// time, the time in which one call comes back under the limit it tells.
pub(super) fn after_ms(reply: &Response<Bytes>) -> Option<i64> {
    let told = told(reply).retry_after_seconds.map(|seconds| seconds.saturating_mul(1_000));
    let asked = [retry_after(reply), reset(reply), told].into_iter().flatten().filter(|ms| *ms > 0).max();
    let spacing = || limit(reply).map(|limit| limit.spacing_micros() / 1_000);
    asked.or_else(spacing).map(|ms| ms.min(WAIT_MAX_MS))
}

/// A refusal because of the limit.
pub(super) fn limited(reply: &Response<Bytes>) -> Heard {
    Heard::Limited { after_ms: after_ms(reply), limit: limit(reply), ceiling: ceiling(reply) }
}

/// Any other answer, with what its headers tell.
pub(super) fn answered(reply: &Response<Bytes>) -> Heard {
    let remaining = number(reply, &REMAINING).and_then(|calls| u32::try_from(calls).ok());
    Heard::Answered { ceiling: ceiling(reply), remaining }
}

fn ceiling(reply: &Response<Bytes>) -> Option<u32> {
    number(reply, &LIMIT).and_then(|calls| u32::try_from(calls).ok()).filter(|calls| *calls > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rails::Trouble;
    use crate::rails::twenty::reply::trouble_of_read;

    const OLD: &str = r#"{"statusCode":429,"error":"HttpException","messages":["Limit reached (100 tokens per 60000 ms)"]}"#;
    const NEW: &str = r#"{"statusCode":429,"error":"RATE_LIMITED","messages":["Rate limit exceeded for apiKey: 50 requests per 60s."],"limitKind":"speed","exhaustedKind":"limit","limit":50,"remaining":0,"periodCount":60,"periodUnit":"second","retryAfterSeconds":2}"#;

    fn reply(body: &str, headers: &[(HeaderName, &str)]) -> Response<Bytes> {
        let mut reply = Response::builder().status(429).body(Bytes::from(body.to_owned())).unwrap();
        reply.extensions_mut().insert(ArrivedAt("2026-11-23T09:00:00Z".parse().unwrap()));
        for (name, value) in headers {
            reply.headers_mut().insert(name, value.parse().unwrap());
        }
        reply
    }

    #[test]
    fn the_limit_is_read_from_the_older_text_and_the_newer_json() {
        for (body, calls) in [(OLD, 100), (NEW, 50)] {
            let limit = Some(Limit { calls, period_ms: 60_000 });
            assert_eq!(super::limit(&reply(body, &[])), limit);
        }
        for body in ["", "<html>", r#"{"statusCode":429,"messages":["Too many (7 of 9)"]}"#] {
            assert_eq!(
                limited(&reply(body, &[])),
                Heard::Limited { after_ms: None, limit: None, ceiling: None }
            );
        }
    }

    /// Body, headers, and how long is waited.
    type Case<'c> = (&'c str, &'c [(HeaderName, &'c str)], Option<i64>);

    #[test]
    fn a_limit_tells_how_long_to_wait() {
        let date = (header::DATE, "Mon, 23 Nov 2026 10:00:00 GMT");
        let retry_date = (header::RETRY_AFTER, "Mon, 23 Nov 2026 10:00:09 GMT");
        let cases: &[Case<'_>] = &[
            (OLD, &[], Some(600)),
            (NEW, &[], Some(2_000)),
            (OLD, &[(header::RETRY_AFTER, "7")], Some(7_000)),
            // A date counts from their clock where they tell it, else from ours.
            (OLD, &[date.clone(), retry_date.clone()], Some(9_000)),
            (OLD, &[retry_date], Some(3_609_000)),
            (OLD, &[(RESET, "1795424404")], Some(4_000)),
            (NEW, &[(header::RETRY_AFTER, "1"), (RESET, "1795424403")], Some(3_000)),
            // Times that have passed, and nonsense, say nothing.
            (OLD, &[(RESET, "0"), (header::RETRY_AFTER, "soon")], Some(600)),
            (OLD, &[(header::RETRY_AFTER, "99999999999999999")], Some(WAIT_MAX_MS)),
            ("", &[(LIMIT, "30")], None),
        ];
        for (body, headers, wanted) in cases {
            let reply = reply(body, headers);
            let Trouble::Later { after_ms, limit: true, .. } = trouble_of_read(&reply) else {
                panic!("a limit is a limit: {headers:?}")
            };
            assert_eq!(after_ms, *wanted, "{body} {headers:?}");
        }
    }

    #[test]
    fn headers_of_any_answer_are_heeded() {
        let reply = reply(OLD, &[(LIMIT, "50"), (REMAINING, "12")]);
        assert_eq!(answered(&reply), Heard::Answered { ceiling: Some(50), remaining: Some(12) });
        assert!(matches!(limited(&reply), Heard::Limited { ceiling: Some(50), .. }));
    }
}

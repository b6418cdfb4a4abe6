//! One call to Twenty as the log and the gate hear of it (domain 4.11).
//!
//! Logged are ids, methods, paths and times. The query of an address is left out, since a filter may hold a name; what
//! we send never appears, nor the token. What Twenty says to an error may repeat what we sent: it is shown, cut, only
//! where somebody asked for debugging.

use ::http::{Method, Response};
use bytes::Bytes;

use super::reply::{self, ArrivedAt};
use crate::ground::time::Instant;
use crate::rails::{Heard, Permit, TransportError, Trouble};

/// Characters of an error body that are shown.
const PREVIEW_MAX: usize = 2_000;

/// A call that is out.
pub(super) struct Call<'c> {
    permit: &'c Permit,
    method: Method,
    path: &'c str,
    url: String,
    began: Instant,
}

/// One line of the log with the keys that every line of a call has.
macro_rules! tell {
    ($level:ident, $event:literal, $call:expr $(, $($more:tt)+)?) => {
        tracing::$level!(
            event = $event,
            requestId = $call.permit.request_id(),
            context = $call.permit.context(),
            method = $call.method.as_str(),
            path = $call.path,
            url = $call.url.as_str(),
            attempt = $call.permit.which().number,
            maxAttempts = $call.permit.which().max,
            $($($more)+)?
        )
    };
}

impl<'c> Call<'c> {
    /// The call goes out now.
    pub(super) fn begin(permit: &'c Permit, method: Method, base: &str, path_and_query: &'c str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let call = Self { permit, method, path, url: format!("{base}{path}"), began: permit.now() };
        permit.begin();
        if permit.which().number > 1 {
            tell!(info, "twenty_proxy_retry", call, delayMs = permit.which().delay_ms);
        }
        tell!(debug, "twenty_proxy_attempt", call, delayMs = permit.which().delay_ms);
        call
    }

    fn duration_ms(&self) -> i64 {
        self.permit.now().micros_since(self.began) / 1_000
    }

    /// It ended: logged, and told to the gate.
    pub(super) fn end(
        self,
        result: Result<Response<Bytes>, TransportError>,
    ) -> Result<Response<Bytes>, TransportError> {
        let duration_ms = self.duration_ms();
        let mut response = result.inspect_err(|error| {
            tell!(warn, "twenty_proxy_network_error", self, durationMs = duration_ms, %error);
            self.permit.report(Heard::NoAnswer(error.to_string()));
        })?;
        response.extensions_mut().insert(ArrivedAt(self.permit.now()));
        let heard = reply::heard(&response);
        let status = response.status().as_u16();
        if !response.status().is_success() {
            self.refused(&response, &heard);
        } else if matches!(heard, Heard::NoAnswer(_)) {
            let length = response.body().len();
            tell!(warn, "twenty_proxy_parse_error", self, status, durationMs = duration_ms, length);
        } else if self.permit.which().number > 1 {
            tell!(info, "twenty_proxy_success", self, status, durationMs = duration_ms);
        }
        self.permit.report(heard);
        Ok(response)
    }

    fn refused(&self, response: &Response<Bytes>, heard: &Heard) {
        let (status, duration_ms) = (response.status().as_u16(), self.duration_ms());
        let delay_ms = match heard {
            Heard::Limited { after_ms, .. } => *after_ms,
            _ => None,
        };
        let body = tracing::enabled!(tracing::Level::DEBUG).then(|| preview(response.body()));
        let body_preview = body.as_deref();
        tell!(
            warn,
            "twenty_proxy_http_error",
            self,
            status,
            durationMs = duration_ms,
            delayMs = delay_ms,
            bodyPreview = body_preview
        );
    }
}

/// An answer that came whole and does not fit the question: what it lacked, for the log.
pub(super) fn unfit(permit: &Permit, path: &str, trouble: &Trouble) {
    if let Trouble::Broken(said) = trouble {
        let path = path.split('?').next().unwrap_or_default();
        tracing::error!(
            event = "twenty_proxy_parse_error",
            requestId = permit.request_id(),
            context = permit.context(),
            path,
            attempt = permit.which().number,
            reason = said.as_str()
        );
    }
}

fn preview(body: &[u8]) -> String {
    // Four bytes a character at most: no need to read all of a large page.
    let start = &body[..body.len().min(PREVIEW_MAX * 4)];
    String::from_utf8_lossy(start).chars().take(PREVIEW_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::id::Names;
    use crate::rails::twenty::{PageAsk, TwentyRail};
    use crate::rails::{Attempt, CallClass, Hears, Outcome, Sending, Transport};
    use ::http::Request;
    use serde_json::Value;
    use std::io::Write;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    /// Everything that was written, and what the gate was told.
    #[derive(Clone, Default)]
    struct Ear {
        lines: Arc<Mutex<Vec<u8>>>,
        heard: Arc<Mutex<Vec<Heard>>>,
        time: Arc<AtomicI64>,
    }

    impl Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.lines.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Hears for Ear {
        fn now(&self) -> Instant {
            // Each look at the clock takes 40 ms.
            Instant(self.time.fetch_add(40_000, Ordering::SeqCst))
        }
        fn called(&self, _: Option<CallClass>) {}
        fn heard(&self, _: Option<CallClass>, heard: Heard) {
            self.heard.lock().unwrap().push(heard);
        }
        fn unused(&self, _: Option<CallClass>) {}
    }

    /// Answers every request with this, or not at all.
    struct Says(Option<(u16, &'static str)>);

    impl Transport for Says {
        fn send(&self, _: Request<Bytes>) -> Sending<'_> {
            let answer = self.0.map_or_else(
                || Err(TransportError::Broken("time-out".into())),
                |(status, body)| {
                    Ok(Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
                },
            );
            Box::pin(async move { answer })
        }
    }

    /// A read and a create with this answer, as attempt `number`; the lines of the log at this level.
    fn logged(answer: Option<(u16, &'static str)>, number: u32, level: tracing::Level) -> (Ear, Vec<Value>) {
        let ear = Ear::default();
        let writer = ear.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        let rail = TwentyRail::new(Arc::new(Says(answer)), "https://crm.example.org");
        let permit = || {
            let gate = Arc::new(ear.clone());
            let permit =
                Permit::issued_by_gate("top-secret".into(), "req-7".into(), Some(CallClass::Webhook), gate);
            permit.attempt(Attempt::after(number - 1, 2_000))
        };
        let ask = PageAsk { since: None, cursor: Some("Ada".into()) };
        let id = uuid::Uuid::from_u128(7);
        tracing::subscriber::with_default(subscriber, || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                drop(rail.page(&permit(), &names("person", "people"), &ask).await);
                let body = r#"{"name":"Ada Lovelace gave 25"}"#;
                let outcome = rail.create(&permit(), &names("gift", "gifts"), &[id], &[body]).await;
                assert!(!matches!(outcome, Outcome::Confirmed(_)));
            });
        });
        let text = String::from_utf8(ear.lines.lock().unwrap().clone()).unwrap();
        for secret in ["top-secret", "Lovelace", "starting_after", "filter"] {
            assert!(!text.contains(secret), "{secret} is in the log: {text}");
        }
        (ear.clone(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn events(lines: &[Value]) -> Vec<&str> {
        lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
    }

    fn names(singular: &str, plural: &str) -> Names {
        Names { singular: singular.into(), plural: plural.into() }
    }

    #[test]
    fn a_call_is_logged_with_its_keys_and_without_what_it_carries() {
        let (_, lines) = logged(Some((502, "<html>")), 1, tracing::Level::DEBUG);
        assert_eq!(
            events(&lines),
            ["twenty_proxy_attempt", "twenty_proxy_http_error"].repeat(2),
            "attempts at debug, errors as warnings"
        );
        let line = &lines[3];
        let wanted = serde_json::json!({
            "level": "WARN", "event": "twenty_proxy_http_error", "requestId": "req-7", "context": "webhook",
            "method": "POST", "path": "/rest/batch/gifts", "url": "https://crm.example.org/rest/batch/gifts",
            "status": 502, "attempt": 1, "bodyPreview": "<html>"
        });
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&line[key], value, "{key}");
        }
        assert!(line["durationMs"].as_i64().unwrap() >= 40);
    }

    #[test]
    fn a_retry_says_so_and_so_does_its_success() {
        let (_, lines) = logged(Some((200, "{}")), 3, tracing::Level::INFO);
        // The answers are whole, so the call succeeded; that they do not fit the question is another matter.
        let one = ["twenty_proxy_retry", "twenty_proxy_success", "twenty_proxy_parse_error"];
        assert_eq!(events(&lines), one.repeat(2));
        assert_eq!((&lines[0]["attempt"], &lines[0]["delayMs"]), (&3.into(), &2_000.into()));
        let (_, quiet) = logged(Some((200, "{}")), 1, tracing::Level::INFO);
        assert_eq!(events(&quiet), ["twenty_proxy_parse_error"; 2]);
    }

    #[test]
    fn no_answer_a_cut_one_and_a_limit_are_told_apart_for_log_and_gate() {
        let (ear, lines) = logged(None, 1, tracing::Level::INFO);
        assert_eq!(events(&lines), ["twenty_proxy_network_error"; 2]);
        assert!(ear.heard.lock().unwrap().iter().all(|heard| matches!(heard, Heard::NoAnswer(_))));
        let (ear, lines) = logged(Some((200, "{\"data\":")), 1, tracing::Level::INFO);
        assert_eq!(events(&lines), ["twenty_proxy_parse_error"; 2]);
        assert!(ear.heard.lock().unwrap().iter().all(|heard| matches!(heard, Heard::NoAnswer(_))));
        let limit = r#"{"statusCode":429,"error":"HttpException","messages":["Limit reached (100 tokens per 60000 ms)"]}"#;
        let (ear, lines) = logged(Some((429, limit)), 1, tracing::Level::INFO);
        assert_eq!((&lines[0]["status"], &lines[0]["delayMs"]), (&429.into(), &600.into()));
        assert_eq!(lines[0].get("bodyPreview"), None, "shown to those who debug only");
        assert!(matches!(ear.heard.lock().unwrap()[0], Heard::Limited { limit: Some(_), .. }));
    }

    #[test]
    fn previews_are_cut() {
        assert_eq!(preview("ä".repeat(5_000).as_bytes()).chars().count(), PREVIEW_MAX);
    }

    #[test]
    fn nothing_leaves_on_a_barred_permit() {
        let ear = Ear::default();
        let rail = TwentyRail::new(Arc::new(Says(Some((200, "{}")))), "https://crm.example.org");
        let told = Trouble::Denied("This API Key is revoked".into());
        let permit = Permit::issued_by_gate(String::new(), String::new(), None, Arc::new(ear.clone()));
        let permit = permit.barred(told.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(rail.schema(&permit)), Err(told));
        let outcome = runtime.block_on(rail.create(&permit, &names("gift", "gifts"), &[], &[]));
        assert!(matches!(outcome, Outcome::Rejected(Trouble::Later { .. })));
        assert!(ear.heard.lock().unwrap().is_empty());
    }
}

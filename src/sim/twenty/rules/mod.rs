//! The rules of the server, one by one: what a client may meet beyond the recorded requests.

mod faults;
mod graphql;
mod hooks;
mod model;
mod reading;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use serde_json::Value;

use super::{Options, Schema, Twenty};
use crate::sim::faults::{Broken, Plan};

/// Any day will do; the charity's bookkeeping begins here.
const NOON: i64 = 1_790_000_000_000_000;

/// A simulator with the small gift of the recordings.
struct Probe {
    server: Twenty,
}

impl Probe {
    fn new() -> Self {
        Self::with(Options::new(3, || NOON))
    }

    fn with(options: Options) -> Self {
        Self { server: Twenty::with_schema(options, Schema::recorded()) }
    }

    /// A simulator whose clock moves by a millisecond whenever somebody looks.
    fn ticking() -> Self {
        let clock = AtomicI64::new(NOON);
        Self::with(Options::new(3, move || clock.fetch_add(1_000, Ordering::Relaxed)))
    }

    /// A simulator with a clock, in microseconds, that somebody else moves.
    fn moved_by(clock: &Arc<AtomicI64>) -> Self {
        let clock = Arc::clone(clock);
        Self::with(Options::new(3, move || clock.load(Ordering::Relaxed)))
    }

    /// A simulator that meets these faults, written as on the command line.
    fn meeting(plan: &str) -> Self {
        let probe = Self::new();
        probe.meet(plan);
        probe
    }

    /// Meets these faults from now on.
    fn meet(&self, plan: &str) {
        self.server.set_faults(Plan::parse(plan).expect("a plan"));
    }

    fn raw(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> http::Response<Bytes> {
        let mut request = http::Request::builder().method(method).uri(target.replace('"', "%22"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a request");
        self.server.answer(request).expect("no faults are set")
    }

    /// A request of the workspace's key.
    fn request(&self, method: &str, target: &str, body: &Value) -> http::Request<Bytes> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder().method(method).uri(target.replace('"', "%22"));
        let request = request.header("authorization", format!("Bearer {}", self.server.api_key()));
        let request = request.header("content-type", "application/json");
        request.body(Bytes::from(text)).expect("a request")
    }

    /// What comes back on the wire, if anything does.
    fn sent(&self, method: &str, target: &str, body: &Value) -> Result<http::Response<Bytes>, Broken> {
        self.server.answer(self.request(method, target, body))
    }

    fn as_key(&self, key: &str, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {key}");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let reply = self.raw(method, target, &headers, &text);
        (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or_default())
    }

    fn ask(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        self.as_key(&self.server.api_key(), method, target, body)
    }

    fn get(&self, target: &str) -> Value {
        let (status, body) = self.ask("GET", target, &Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// The record a create answers.
    fn make(&self, plural: &str, body: &Value) -> Value {
        let (status, reply) = self.ask("POST", &format!("/rest/{plural}"), body);
        assert_eq!(status, 201, "{reply}");
        let data = reply["data"].as_object().expect("data");
        data.values().next().expect("a record").clone()
    }

    /// Status and first message of a refusal.
    fn refused(&self, method: &str, target: &str, body: &Value) -> (u16, String) {
        let (status, reply) = self.ask(method, target, body);
        let message = reply["messages"][0].as_str().or_else(|| reply["message"].as_str());
        (status, message.unwrap_or_default().to_owned())
    }

    /// The values of a field in a list, in the order of the answer.
    fn column(&self, target: &str, pointer: &str) -> Vec<Value> {
        let body = self.get(target);
        let records = body["data"].as_object().and_then(|data| data.values().next()).expect("records");
        records
            .as_array()
            .expect("a list")
            .iter()
            .map(|record| record.pointer(pointer).cloned().unwrap_or_default())
            .collect()
    }
}

/// The id of a record.
fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

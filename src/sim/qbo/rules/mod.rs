//! The rules of the contract (its checklist, section 14), each with its test.

mod access;
mod books;
mod changes;
mod reading;
mod recorded;
mod trouble;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Options, Qbo, Tokens};
use crate::sim::faults::Broken;

/// Friday, 1 May 2026, 17:00 UTC.
const NOW: i64 = 1_777_654_800_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A server with one connected company and a clock to turn.
struct World {
    server: Qbo,
    clock: Arc<AtomicI64>,
    realm: String,
    tokens: Tokens,
}

impl World {
    fn new() -> Self {
        Self::with(|options| options)
    }

    fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let hand = Arc::clone(&clock);
        let server = Qbo::new(change(Options::new(1, move || hand.load(Ordering::Relaxed))));
        let realm = server.add_company("Harbour Trust");
        let tokens = server.connect(&realm);
        Self { server, clock, realm, tokens }
    }

    fn pass(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    /// One request with headers of one's own.
    fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, Broken> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.server.answer(request.body(Bytes::from(body.to_owned())).unwrap())?;
        Ok(Reply {
            status: reply.status().as_u16(),
            headers: reply.headers().clone(),
            text: String::from_utf8_lossy(reply.body()).into_owned(),
        })
    }

    /// One request of the API below the company.
    fn call(&self, method: &str, below: &str, body: &str) -> Result<Reply, Broken> {
        let target = format!("/v3/company/{}/{below}", self.realm);
        let bearer = format!("Bearer {}", self.tokens.access);
        self.send(method, &target, &[("authorization", &bearer), ("accept", "application/json")], body)
    }

    fn get(&self, below: &str) -> Reply {
        self.call("GET", below, "").unwrap()
    }

    fn post(&self, below: &str, body: &Value) -> Reply {
        self.call("POST", below, &body.to_string()).unwrap()
    }

    /// The rows of a statement.
    fn query(&self, statement: &str) -> Reply {
        self.call("POST", "query", statement).unwrap()
    }

    /// A write that must be taken; the object.
    fn made(&self, below: &str, body: &Value) -> Value {
        let reply = self.post(below, body);
        assert_eq!(reply.status, 200, "{below} {body}: {}", reply.text);
        let body = reply.json();
        let object = body.as_object().unwrap().iter().find(|(name, _)| *name != "time").unwrap().1;
        object.clone()
    }

    /// An object as it is now.
    fn read(&self, path: &str, name: &str) -> Value {
        self.get(path).json()[name].clone()
    }

    fn donor(&self, name: &str) -> String {
        id(&self.made("customer", &json!({"DisplayName": name})))
    }

    fn vendor(&self, name: &str) -> String {
        id(&self.made("vendor", &json!({"DisplayName": name})))
    }

    fn invoice(&self, customer: &str, amount: &str) -> Value {
        let amount: Value = serde_json::from_str(amount).unwrap();
        self.made("invoice", &json!({"CustomerRef": {"value": customer}, "Line": [
            {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "2"}}}]}))
    }

    fn bill(&self, vendor: &str, amount: i64) -> Value {
        self.made("bill", &json!({"VendorRef": {"value": vendor}, "Line": [cost(amount)]}))
    }

    fn receipt(&self, amount: i64) -> Value {
        self.made("salesreceipt", &json!({"Line": [
            {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]}))
    }
}

/// An expense of that amount for the programme.
fn cost(amount: i64) -> Value {
    json!({"Amount": amount, "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "13"}}})
}

/// An amount applied to a document.
fn applied(amount: i64, kind: &str, id: &str) -> Value {
    json!({"Amount": amount, "LinkedTxn": [{"TxnId": id, "TxnType": kind}]})
}

fn id(object: &Value) -> String {
    object["Id"].as_str().unwrap().to_owned()
}

/// An answer.
struct Reply {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a fault.
    fn fault(&self) -> (u16, String) {
        let body = self.json();
        let code =
            body["Fault"]["Error"][0]["code"].as_str().or_else(|| body["fault"]["error"][0]["code"].as_str());
        (self.status, code.unwrap_or_default().to_owned())
    }

    /// The rows of a page.
    fn rows(&self, name: &str) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["QueryResponse"][name].as_array().cloned().unwrap_or_default()
    }
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

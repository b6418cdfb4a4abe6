//! `almoner gifts`: take one in, have ready ones posted, beside a running server.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::ask::ask;
use crate::faces::command::{Command, GiftsAsk, Look};
use crate::ground::id::{BatchId, PersonId};
use crate::ground::money::{Currency, Money};
use crate::ground::time::CalendarDate;

#[derive(Args, Debug)]
pub(super) struct Gifts {
    #[command(subcommand)]
    what: What,
}

#[derive(Args, Debug)]
struct Where {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Answer as JSON, a line a step
    #[arg(long)]
    json: bool,
}

impl Where {
    fn look(&self) -> Look {
        super::sync::look(self.json)
    }
}

#[derive(Subcommand, Debug)]
enum What {
    /// Take a gift in; it waits for review unless --ready
    Add(Box<Add>),
    /// Have ready gifts posted: those of a batch, or those in none
    Process(Process),
}

#[derive(Args, Debug)]
struct Add {
    /// How much, such as 25.00
    #[arg(long, required_unless_present = "body")]
    amount: Option<String>,
    /// Its currency
    #[arg(long, default_value = "GBP")]
    currency: Currency,
    /// The day it was given, YYYY-MM-DD
    #[arg(long)]
    date: Option<CalendarDate>,
    /// The donor's id in Twenty
    #[arg(long)]
    donor: Option<PersonId>,
    /// First name as told
    #[arg(long)]
    first_name: Option<String>,
    /// Last name as told
    #[arg(long)]
    last_name: Option<String>,
    /// E-mail address as told
    #[arg(long)]
    email: Option<String>,
    /// How it was paid, in the API's words: card, cash, cheque and so on
    #[arg(long)]
    method: Option<String>,
    /// A note for people
    #[arg(long)]
    note: Option<String>,
    /// The whole gift as the API takes it; - reads standard input
    #[arg(long, value_name = "JSON", conflicts_with_all = ["amount", "date", "donor", "first_name", "last_name", "email", "method", "note"])]
    body: Option<String>,
    /// Makes repeated deliveries one, as the header Idempotency-Key does
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Mark it ready at once; exit code 1 when something is missing
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Args, Debug)]
struct Process {
    /// Of this batch
    #[arg(long)]
    batch: Option<BatchId>,
    /// At most so many gifts of the batch
    #[arg(long, requires = "batch")]
    rows: Option<u32>,
    /// Only show the requests that would be sent
    #[arg(long, requires = "batch", conflicts_with_all = ["rows", "wait"])]
    dry_run: bool,
    /// Come back when the run has ended; exit code 1 when a gift was not posted
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    at: Where,
}

impl Gifts {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let (at, what) = match &self.what {
            What::Add(add) => {
                let (key, ready) = (add.idempotency_key.clone(), add.ready);
                (&add.at, GiftsAsk::Add { body: add.body()?, key, ready })
            }
            What::Process(Process { batch, rows, dry_run, wait, at }) => {
                (at, GiftsAsk::Process { batch: *batch, rows: *rows, dry_run: *dry_run, wait: *wait })
            }
        };
        let command = Command::Gifts { what, look: at.look() };
        Ok(ExitCode::from(ask(&at.data, &command, &mut std::io::stdout().lock())?))
    }
}

impl Add {
    fn body(&self) -> anyhow::Result<String> {
        match self.body.as_deref() {
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
                return Ok(text);
            }
            Some(text) => return Ok(text.to_owned()),
            None => {}
        }
        let amount = Money::parse(self.amount.as_deref().unwrap_or_default(), self.currency)?;
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::String);
        set(
            "amount",
            Some(json!({ "amountMicros": amount.micros, "currencyCode": amount.currency.as_str() })),
        );
        set("giftDate", self.date.map(|date| json!(date)));
        set("donorId", self.donor.map(|donor| json!(donor.to_string())));
        set("donorFirstName", text(&self.first_name));
        set("donorLastName", text(&self.last_name));
        set("donorEmail", text(&self.email));
        set("paymentMethod", text(&self.method));
        set("notes", text(&self.note));
        Ok(Value::Object(body).to_string())
    }
}

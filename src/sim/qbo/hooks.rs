//! Webhooks: both forms of the payload, signed, late, lost, doubled and out of order (contract 5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use uuid::Uuid;

use super::company::Event;
use super::time::{SECOND, utc};
use super::tree::Json;
use crate::sim::dice::Dice;
use crate::sim::digest::{hmac_sha256, sha256};
use crate::sim::faults::HookFault;
use crate::sim::twenty::{Delivered, Delivery};

/// In which form changes are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One object with `eventNotifications`; until July 2026.
    Classic,
    /// An array of `CloudEvents`.
    #[default]
    Cloud,
}

/// After how many seconds a call that failed is made again; the last goes on.
const LADDER: [i64; 9] = [10, 20, 30, 300, 1_200, 7_200, 14_400, 21_600, 21_600];

#[derive(Clone, Debug)]
struct Post {
    number: u64,
    body: String,
    due: i64,
    attempt: usize,
}

/// The app's webhook and its calls.
pub(crate) struct Hooks {
    /// Where calls go; without it nothing is kept.
    pub(crate) url: Option<String>,
    /// Signs the calls.
    pub(crate) verifier: String,
    /// The form of calls made from now on.
    pub(crate) form: Form,
    /// How long changes are gathered before they are told, in microseconds.
    pub(crate) gather: i64,
    /// What becomes of calls, with the chance of each in a thousand.
    pub(crate) faults: Vec<(u64, HookFault)>,
    /// Batch answers come in another order.
    pub(crate) shuffled_batches: bool,
    /// What became of the calls.
    pub(crate) log: Vec<Delivered>,
    waiting: Vec<(String, Event)>,
    queue: Vec<Post>,
    sent: Vec<Post>,
    count: u64,
    dice: Dice,
}

impl Hooks {
    /// No webhook yet.
    pub(crate) fn new(mut dice: Dice) -> Self {
        Self {
            url: None,
            verifier: dice.uuid().to_string(),
            form: Form::default(),
            gather: 5 * SECOND,
            faults: Vec::new(),
            shuffled_batches: false,
            log: Vec::new(),
            waiting: Vec::new(),
            queue: Vec::new(),
            sent: Vec::new(),
            count: 0,
            dice,
        }
    }

    /// Takes in what happened in a company.
    pub(crate) fn gather(&mut self, realm: &str, events: Vec<Event>) {
        if self.url.is_some() {
            self.waiting.extend(events.into_iter().map(|event| (realm.to_owned(), event)));
        }
    }

    /// The calls that are due, in the order in which they leave.
    pub(crate) fn due(&mut self, now: i64) -> Vec<Delivery> {
        self.bundle(now);
        let (due, later): (Vec<Post>, Vec<Post>) = self.queue.drain(..).partition(|post| post.due <= now);
        self.queue = later;
        let Some(url) = self.url.clone() else { return Vec::new() };
        let calls = due.iter().map(|post| Delivery {
            number: post.number,
            webhook: Uuid::nil(),
            url: url.clone(),
            event: "events".to_owned(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("intuit-signature", self.signature(post.body.as_bytes())),
                ("intuit-t-id", format!("{:08x}", post.number)),
                ("intuit-notification-schema-version", "1".to_owned()),
            ],
            body: Bytes::from(post.body.clone()),
        });
        let calls = calls.collect();
        self.sent.extend(due);
        calls
    }

    /// What a receiver answered; without a 2xx the call is made again by the ladder.
    pub(crate) fn settle(&mut self, number: u64, status: Option<u16>, now: i64) {
        let Some(at) = self.sent.iter().position(|post| post.number == number) else { return };
        let mut post = self.sent.swap_remove(at);
        self.log.push(Delivered { number, event: "events".to_owned(), status });
        if status.is_none_or(|status| !(200..300).contains(&status)) {
            let wait = LADDER.get(post.attempt).or(LADDER.last()).copied().unwrap_or_default();
            post.attempt += 1;
            post.due = now + wait * SECOND;
            self.queue.push(post);
        }
    }

    /// What was gathered long enough becomes one call, whatever companies it is of.
    fn bundle(&mut self, now: i64) {
        let ripe = self.waiting.iter().any(|(_, event)| now - event.at >= self.gather);
        if !ripe {
            return;
        }
        let events = std::mem::take(&mut self.waiting);
        let body = match self.form {
            Form::Classic => classic(&events),
            Form::Cloud => cloud(&events, &mut self.dice),
        };
        self.count += 1;
        let mut post = Post { number: self.count, body: body.to_text(), due: now, attempt: 0 };
        let faults = self.faults.clone();
        // Every chance is drawn, hit or not, so that one fault shifts no other.
        let drawn: Vec<HookFault> =
            faults.iter().filter(|(odds, _)| self.dice.per_mille(*odds)).map(|(_, fault)| *fault).collect();
        match drawn.first() {
            Some(HookFault::Lost) => {
                self.log.push(Delivered { number: post.number, event: "events".to_owned(), status: None });
                return;
            }
            Some(HookFault::Duplicated) => self.queue.push(post.clone()),
            Some(HookFault::Late(milliseconds)) => post.due = now + milliseconds * 1_000,
            Some(HookFault::Reordered) => {
                self.queue.insert(0, post);
                return;
            }
            None => {}
        }
        self.queue.push(post);
    }

    /// `intuit-signature`: HMAC-SHA256 of the bytes, in Base64.
    fn signature(&self, body: &[u8]) -> String {
        STANDARD.encode(hmac_sha256(self.verifier.as_bytes(), body))
    }
}

fn classic(events: &[(String, Event)]) -> Json {
    let mut realms: Vec<&String> = Vec::new();
    for (realm, _) in events {
        if !realms.contains(&realm) {
            realms.push(realm);
        }
    }
    let one = |realm: &&String| {
        let own = events.iter().filter(|(of, _)| of == *realm).map(|(_, event)| {
            let mut told = Json::object([
                ("name", Json::text(event.key.0.spec().name)),
                ("id", Json::text(&*event.key.1)),
                ("operation", Json::text(event.operation)),
            ]);
            if let Some(loser) = &event.loser {
                told.set("deletedId", Json::text(&**loser));
            }
            told.set("lastUpdated", Json::text(utc(event.at)));
            told
        });
        Json::object([
            ("realmId", Json::text(realm.as_str())),
            ("dataChangeEvent", Json::object([("entities", Json::Arr(own.collect()))])),
        ])
    };
    Json::object([("eventNotifications", Json::Arr(realms.iter().map(one).collect()))])
}

fn cloud(events: &[(String, Event)], dice: &mut Dice) -> Json {
    let one = |(realm, event): &(String, Event)| {
        let done = match event.operation {
            "Create" => "created",
            "Delete" => "deleted",
            "Void" => "voided",
            "Merge" => "merged",
            _ => "updated",
        };
        let name = event.key.0.spec().name.to_lowercase();
        let mut data = Json::Obj(Vec::new());
        if let Some(loser) = &event.loser {
            data.set("deletedId", Json::text(&**loser));
        }
        Json::object([
            ("specversion", Json::text("1.0")),
            ("id", Json::text(dice.uuid().to_string())),
            ("source", Json::text(format!("intuit.{}", STANDARD.encode(sha256(realm.as_bytes()))))),
            ("type", Json::text(format!("qbo.{name}.{done}.v1"))),
            ("datacontenttype", Json::text("application/json")),
            ("time", Json::text(utc(event.at))),
            ("intuitentityid", Json::text(&*event.key.1)),
            ("intuitaccountid", Json::text(realm.as_str())),
            ("data", data),
        ])
    };
    Json::Arr(events.iter().map(one).collect())
}

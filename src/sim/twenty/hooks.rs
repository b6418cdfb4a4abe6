//! Webhooks: who asked for what, and the calls on their way.
//!
//! As on the real server a call is made once: whatever the receiver answers, nothing is sent again.
//! The simulator keeps the calls until somebody takes or delivers them, so that tests with a
//! virtual clock lose none to chance, unless the plan of faults says so.

use bytes::Bytes;
use uuid::Uuid;

use super::core::Core;
use super::error::Refusal;
use super::events::Told;
use super::metadata::describe::id_of;
use super::schema::Object;
use super::time::{MILLISECOND, to_iso};
use crate::sim::dice::Dice;
use crate::sim::digest;
use crate::sim::faults::{HookFault, Plan};
use crate::sim::json::{Json, Key};

/// Calls that are made at the same time.
pub(crate) const CHUNK: usize = 20;

/// One registered webhook.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: Uuid,
    target_url: String,
    operations: Vec<Json>,
    description: Json,
    secret: String,
    created_at: i64,
    updated_at: i64,
}

/// One call of a webhook, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Running number of the call, from 1; a call that is sent twice keeps it.
    pub number: u64,
    /// The webhook's id.
    pub webhook: Uuid,
    /// Where it goes.
    pub url: String,
    /// What it tells of, `person.created`.
    pub event: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, byte for byte as it is signed.
    pub body: Bytes,
}

/// A call on its way.
#[derive(Clone, Debug)]
struct Queued {
    number: u64,
    webhook: Uuid,
    url: String,
    event: String,
    body: String,
    secret: String,
    due: i64,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Running number of the call.
    pub number: u64,
    /// What it told of.
    pub event: String,
    /// Status of the receiver's answer; `None` when there was none, or the call was never made.
    pub status: Option<u16>,
}

/// The webhooks of a workspace and their calls.
pub(crate) struct Hooks {
    registered: Vec<Webhook>,
    queue: Vec<Queued>,
    /// What became of the calls so far.
    pub(crate) log: Vec<Delivered>,
    /// True while the worker that makes the calls is down: they wait.
    pub(crate) stopped: bool,
    /// True when calls to private networks are dropped without a word, as the server does by default.
    pub(crate) public_only: bool,
    numbered: u64,
    dice: Dice,
}

impl Hooks {
    /// No webhooks.
    pub(crate) fn new(seed: u64) -> Self {
        const PURPOSE: u64 = 5;
        Self {
            registered: Vec::new(),
            queue: Vec::new(),
            log: Vec::new(),
            stopped: false,
            public_only: false,
            numbered: 0,
            dice: Dice::new(seed, PURPOSE),
        }
    }

    /// The calls that are due, signed now, in the order in which they leave.
    pub(crate) fn due(&mut self, now: i64) -> Vec<Delivery> {
        if self.stopped {
            return Vec::new();
        }
        let (due, later) = std::mem::take(&mut self.queue).into_iter().partition(|call| call.due <= now);
        self.queue = later;
        let due: Vec<Queued> = due;
        due.into_iter().map(|call| self.sign(call, now)).collect()
    }

    fn sign(&mut self, call: Queued, now: i64) -> Delivery {
        let mut headers = vec![
            ("accept", "application/json, text/plain, */*".to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        if !call.secret.is_empty() {
            let timestamp = (now / MILLISECOND).to_string();
            let signed = format!("{timestamp}:{}", call.body);
            let mac = digest::hmac_sha256(call.secret.as_bytes(), signed.as_bytes());
            let nonce = format!("{:016x}{:016x}", self.dice.bits(), self.dice.bits());
            headers.extend([
                ("x-twenty-webhook-timestamp", timestamp),
                ("x-twenty-webhook-signature", digest::hex(&mac)),
                ("x-twenty-webhook-nonce", nonce),
            ]);
        }
        headers.push(("user-agent", "axios/1.17.0".to_owned()));
        Delivery {
            number: call.number,
            webhook: call.webhook,
            url: call.url,
            event: call.event,
            headers,
            body: Bytes::from(call.body),
        }
    }

    /// Puts a call on its way, as far as the faults let it.
    fn enqueue(&mut self, mut call: Queued, plan: &Plan) {
        self.numbered += 1;
        call.number = self.numbered;
        let dropped =
            |call: &Queued| Delivered { number: call.number, event: call.event.clone(), status: None };
        if self.public_only && is_private(&call.url) {
            self.log.push(dropped(&call));
            return;
        }
        let mut twice = false;
        // Every chance is drawn, hit or not, so that one fault more or less shifts no other.
        let hits: Vec<HookFault> = plan
            .hook_faults()
            .iter()
            .filter(|(per_mille, _)| self.dice.per_mille(*per_mille))
            .map(|(_, fault)| *fault)
            .collect();
        for fault in hits {
            match fault {
                HookFault::Lost => {
                    self.log.push(dropped(&call));
                    return;
                }
                HookFault::Duplicated => twice = true,
                HookFault::Late(by_ms) => call.due += by_ms * MILLISECOND,
                HookFault::Reordered => {
                    let at = self.dice.index(self.queue.len() + 1);
                    self.queue.insert(at, call.clone());
                    if twice {
                        self.queue.push(call);
                    }
                    return;
                }
            }
        }
        if twice {
            self.queue.push(call.clone());
        }
        self.queue.push(call);
    }
}

/// Whether an address lies in a network that is closed to outbound calls.
fn is_private(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    let octets: Vec<u8> = host.split('.').filter_map(|part| part.parse().ok()).collect();
    match octets.as_slice() {
        [0 | 10 | 127 | 224..=255, ..] | [192, 168, ..] | [169, 254, ..] => true,
        [172, second, ..] => (16..32).contains(second),
        [100, second, ..] => (64..128).contains(second),
        _ => {
            host == "localhost"
                || host.rsplit('.').next() == Some("local")
                || host.starts_with("[::1")
                || host.starts_with("[f")
        }
    }
}

/// Calls everybody who asked for an event of a record.
pub(crate) fn call(core: &mut Core, event: &str, object: &Object, told: &[Told]) {
    let (singular, verb) = event.split_once('.').unwrap_or((event, ""));
    let wanted = [event.to_owned(), format!("*.{verb}"), format!("{singular}.*"), "*.*".to_owned()];
    let described = Json::object([
        ("id", Json::text(id_of(core, object.key))),
        ("nameSingular", Json::text(object.singular)),
    ]);
    for webhook in asking(core, &wanted) {
        for one in told {
            let mut body = head(core, event, &webhook);
            if let Json::Obj(members) = &mut body {
                members.insert(2, (Key::Borrowed("objectMetadata"), described.clone()));
            }
            if let Some((user, member)) = core.author {
                body.set("userId", Json::text(user.to_string()));
                body.set("workspaceMemberId", Json::text(member.to_string()));
            }
            body.set("record", one.record.clone());
            if let Some(updated) = &one.updated {
                body.set("updatedFields", Json::Arr(updated.clone()));
            }
            send(core, event, &webhook, &body);
        }
    }
}

/// Calls everybody who asked for an event of the data model.
pub(crate) fn call_metadata(core: &mut Core, entity: &str, verb: &str, id: &str, after: &Json) {
    let event = format!("metadata.{entity}.{verb}");
    let wanted = [
        event.clone(),
        format!("metadata.{entity}.*"),
        format!("metadata.*.{verb}"),
        "metadata.*.*".to_owned(),
        "*.*".to_owned(),
    ];
    for webhook in asking(core, &wanted) {
        let mut body = head(core, &event, &webhook);
        body.set("apiKeyId", Json::text(core.key_id().to_string()));
        let side = if verb == "deleted" { "before" } else { "after" };
        body.set(
            "event",
            Json::object([
                ("type", Json::text(verb)),
                ("metadataName", Json::text(entity)),
                ("recordId", Json::text(id)),
                ("properties", Json::Obj(vec![(Key::Borrowed(side), after.clone())])),
            ]),
        );
        send(core, &event, &webhook, &body);
    }
}

/// The webhooks that asked for one of these patterns.
fn asking(core: &Core, wanted: &[String]) -> Vec<Webhook> {
    let asked = |pattern: &Json| pattern.as_str().is_some_and(|text| wanted.iter().any(|name| name == text));
    core.hooks.registered.iter().filter(|webhook| webhook.operations.iter().any(asked)).cloned().collect()
}

/// The members every call begins with.
fn head(core: &Core, event: &str, webhook: &Webhook) -> Json {
    Json::object([
        ("targetUrl", Json::text(webhook.target_url.clone())),
        ("eventName", Json::text(event)),
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("webhookId", Json::text(webhook.id.to_string())),
        ("eventDate", Json::text(to_iso(core.now()))),
    ])
}

fn send(core: &mut Core, event: &str, webhook: &Webhook, body: &Json) {
    let call = Queued {
        number: 0,
        webhook: webhook.id,
        url: webhook.target_url.clone(),
        event: event.to_owned(),
        body: body.to_text(),
        secret: webhook.secret.clone(),
        due: core.now(),
    };
    let Core { hooks, plan, .. } = core;
    hooks.enqueue(call, plan);
}

/// Registers a webhook.
pub(crate) fn register(core: &mut Core, body: &Json) -> Result<Json, Refusal> {
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let target_url = check_url(text("targetUrl"), "creating")?;
    let Some(operations) = body.get("operations").and_then(Json::as_array) else {
        return Err(Refusal::type_error("Cannot read properties of undefined (reading 'map')"));
    };
    let now = core.now();
    let own = text("id").and_then(super::values::parse_uuid);
    let random = |dice: &mut Dice| format!("{:016x}", dice.bits());
    let made = |core: &mut Core| (0..4).map(|_| random(&mut core.hooks.dice)).collect::<String>();
    let webhook = Webhook {
        id: own.unwrap_or_else(|| core.ids.uuid()),
        target_url,
        operations: operations.to_vec(),
        description: text("description").map_or(Json::Null, |text| Json::text(squeezed(text))),
        secret: text("secret").map_or_else(|| made(core), str::to_owned),
        created_at: now,
        updated_at: now,
    };
    let shown = show(core, &webhook);
    let id = webhook.id.to_string();
    core.hooks.registered.push(webhook);
    call_metadata(core, "webhook", "created", &id, &without_secret(&shown));
    Ok(shown)
}

/// Changes a webhook.
pub(crate) fn change(core: &mut Core, id: &str, body: &Json) -> Result<Json, Refusal> {
    let now = core.now();
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let found = core.hooks.registered.iter().position(|webhook| webhook.id.to_string() == id);
    let at = found.ok_or_else(unknown)?;
    let url = match text("targetUrl") {
        Some(url) => Some(check_url(Some(url), "updating")?),
        None => None,
    };
    let Some(webhook) = core.hooks.registered.get_mut(at) else { return Err(unknown()) };
    if let Some(url) = url {
        webhook.target_url = url;
    }
    if let Some(operations) = body.get("operations").and_then(Json::as_array) {
        webhook.operations = operations.to_vec();
    }
    if let Some(description) = body.get("description") {
        webhook.description = description.clone();
    }
    if let Some(secret) = text("secret") {
        secret.clone_into(&mut webhook.secret);
    }
    webhook.updated_at = now;
    let webhook = webhook.clone();
    let shown = show(core, &webhook);
    call_metadata(core, "webhook", "updated", id, &without_secret(&shown));
    Ok(shown)
}

/// Removes a webhook and answers what it was.
pub(crate) fn remove(core: &mut Core, id: &str) -> Result<Json, Refusal> {
    let found = core.hooks.registered.iter().position(|webhook| webhook.id.to_string() == id);
    let webhook = core.hooks.registered.remove(found.ok_or_else(unknown)?);
    let shown = show(core, &webhook);
    call_metadata(core, "webhook", "deleted", id, &without_secret(&shown));
    Ok(shown)
}

fn unknown() -> Refusal {
    Refusal::coded("WEBHOOK_NOT_FOUND", "Webhook not found")
}

/// All webhooks, the oldest first.
pub(crate) fn list(core: &Core) -> Json {
    Json::Arr(core.hooks.registered.iter().map(|webhook| show(core, webhook)).collect())
}

/// One webhook, if it is there.
pub(crate) fn one(core: &Core, id: &str) -> Option<Json> {
    let webhook = core.hooks.registered.iter().find(|webhook| webhook.id.to_string() == id)?;
    Some(show(core, webhook))
}

fn show(core: &Core, webhook: &Webhook) -> Json {
    Json::object([
        ("id", Json::text(webhook.id.to_string())),
        ("targetUrl", Json::text(webhook.target_url.clone())),
        ("operations", Json::Arr(webhook.operations.clone())),
        ("description", webhook.description.clone()),
        ("secret", Json::text(webhook.secret.clone())),
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("applicationId", Json::text(id_of(core, "custom"))),
        ("createdAt", Json::text(to_iso(webhook.created_at))),
        ("updatedAt", Json::text(to_iso(webhook.updated_at))),
        ("deletedAt", Json::Null),
    ])
}

/// Events about webhooks do not tell their secret.
fn without_secret(shown: &Json) -> Json {
    let members = shown.as_object().unwrap_or_default().iter();
    Json::Obj(members.filter(|(key, _)| key != "secret").cloned().collect())
}

/// An absolute http(s) address without surplus blanks.
fn check_url(given: Option<&str>, doing: &str) -> Result<String, Refusal> {
    let url = squeezed(given.unwrap_or_default());
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || host.contains(' ') {
        return Err(Refusal::migration(format!("Multiple validation errors occurred while {doing} webhook")));
    }
    Ok(url)
}

/// Text without blanks at its ends and with single ones inside.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn private_networks_are_known() {
        for url in ["http://127.0.0.1:53999/x", "http://localhost/", "http://10.1.2.3", "http://172.20.0.1/a"]
        {
            assert!(is_private(url), "{url}");
        }
        for url in ["https://example.org/hook", "http://172.32.0.1", "http://8.8.8.8:80/"] {
            assert!(!is_private(url), "{url}");
        }
    }
}

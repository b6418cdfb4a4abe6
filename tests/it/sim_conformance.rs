//! Replays recorded requests of a real Twenty server against the simulator and compares the answers.
//!
//! Compared are the status, the content type, the names of the headers, error texts word for word,
//! the shape of every body (keys, their order, types) and the number of records; what a webhook's
//! receiver got; and the description of every standard object and field. Ids, times and secrets are
//! the server's own, so they are not compared; ids a recorded reply handed out are translated in the
//! requests that use them.

mod compare;
mod model;
mod transcript;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use almoner::sim::twenty::{Delivery, Options, RateLimit, Schema, Twenty};
use bytes::Bytes;
use serde_json::{Value, json};

use self::compare::{Ordered, cut_difference, differ, learn, list_length, unequal};
use self::transcript::{Exchange, filler, names_that_matter, recordings, seeds};

/// Recorded exchanges the simulator answers otherwise, with the reason: file, beginning of the title.
const KNOWN_DIFFERENCES: &[(&str, &str, &str)] = &[(
    "10-delete-restore.txt",
    "restore many without a filter",
    "rows of an unordered UPDATE come in the order of Postgres' pages, which the simulator does not model",
)];

/// Tokens handed out in the course of the recordings, which the transcripts do not show.
#[derive(Default)]
struct Tokens {
    login: String,
    session: String,
    key: String,
    short: String,
}

/// A simulator with a clock the test turns.
struct World {
    server: Twenty,
    clock: Arc<AtomicI64>,
    /// Ids the recording handed out, with those the simulator gave instead.
    ids: BTreeMap<String, String>,
    tokens: Tokens,
    /// Calls of webhooks so far.
    calls: Vec<Delivery>,
    /// Values that differ in answers that are alike, for the report.
    unequal: Vec<String>,
}

impl World {
    fn new(limit: Option<RateLimit>, schema: Schema) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&clock);
        let mut options = Options::new(1, move || hand.fetch_add(1_009, Ordering::Relaxed));
        options.rate_limit = limit;
        Self {
            server: Twenty::with_schema(options, schema),
            clock,
            ids: BTreeMap::new(),
            tokens: Tokens::default(),
            calls: Vec::new(),
            unequal: Vec::new(),
        }
    }

    /// The demo workspace: every seeded record some reply shows, and fillers up to the recorded
    /// totals; two members, of whom Tim is the administrator; and the other key there was.
    fn demo(exchanges: &[Exchange]) -> Self {
        let mut world = Self::new(None, Schema::bare());
        for exchange in exchanges.iter().filter(|exchange| !exchange.file.starts_with("21")) {
            for record in seeds(&exchange.reply) {
                let plural = if record.get("emails").is_some() { "people" } else { "companies" };
                world.server.load(plural, &record);
            }
        }
        for (plural, total) in [("people", 1_200), ("companies", 599)] {
            let known = world.server.records(plural);
            let model = known.first().expect("a seeded record").clone();
            for number in known.len()..total {
                world.server.load(plural, &filler(&model, number));
            }
        }
        for (place, email) in ["tim@apple.dev", "jane.austen@apple.dev"].into_iter().enumerate() {
            let id = format!("20202020-0687-4c41-b707-ed1bfca972a{place}");
            let member = json!({"id": id, "userEmail": email, "position": place,
                "name": {"firstName": email, "lastName": "Demo"}});
            assert!(world.server.load("workspaceMembers", &member));
        }
        world.add_key();
        world.learn_model(exchanges);
        world
    }

    fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let request = http::Request::builder()
            .method("POST")
            .uri(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        serde_json::from_slice(self.server.answer(request).expect("no faults are set").body())
            .expect("the simulator writes JSON")
    }

    /// The second API key of the recorded workspace, made by its administrator.
    fn add_key(&mut self) {
        let ask = |token: &str, query: &str| self.post("/metadata", token, &json!({ "query": query }));
        let login = "mutation { getLoginTokenFromCredentials(email: \"tim@apple.dev\", password: \"x\") { loginToken { token } } }";
        let login = &ask("", login)["data"]["getLoginTokenFromCredentials"]["loginToken"]["token"];
        let query = format!(
            "mutation {{ getAuthTokensFromLoginToken(loginToken: {login}) {{ tokens {{ accessOrWorkspaceAgnosticToken {{ token }} }} }} }}"
        );
        let session = &ask("", &query)["data"]["getAuthTokensFromLoginToken"]["tokens"]["accessOrWorkspaceAgnosticToken"]
            ["token"];
        let session = session.as_str().expect("a session");
        let role = &ask(session, "{ getRoles { id } }")["data"]["getRoles"][0]["id"];
        let query = format!(
            "mutation {{ createApiKey(input: {{name: \"My api key\", expiresAt: \"2126-10-29T06:16:16Z\", roleId: {role}}}) {{ id }} }}"
        );
        assert!(ask(session, &query)["data"]["createApiKey"]["id"].is_string());
    }

    /// The ids of the standard objects, by their names.
    fn learn_model(&mut self, exchanges: &[Exchange]) {
        let listed = self.get("/rest/metadata/objects?limit=200");
        for object in listed["data"]["objects"].as_array().expect("objects") {
            let (id, name) = (object["id"].as_str().expect("an id"), &object["nameSingular"]);
            let mark = format!("\"nameSingular\":{name}");
            for exchange in exchanges {
                let Some(at) = exchange.reply.find(&mark) else { continue };
                let front = &exchange.reply[..at];
                let recorded = front.rfind("{\"id\":\"").map(|at| &front[at + 7..at + 43]);
                self.ids.insert(recorded.expect("an id").to_owned(), id.to_owned());
            }
        }
    }

    fn get(&self, target: &str) -> Value {
        let request = http::Request::builder()
            .uri(target)
            .header("authorization", format!("Bearer {}", self.server.api_key()))
            .body(Bytes::new())
            .expect("a request");
        serde_json::from_slice(self.server.answer(request).expect("no faults are set").body())
            .expect("the simulator writes JSON")
    }

    /// The token a recorded request carried: the transcripts show the key's as `$TOKEN` and only the
    /// common front of all others.
    fn bearer(&self, exchange: &Exchange, header: &str) -> String {
        let title = exchange.title.as_str();
        let token = if !exchange.file.starts_with("19") {
            return header.replace("$TOKEN", &self.server.api_key());
        } else if title.starts_with("read-only key:") || title.starts_with("revoked key:") {
            &self.tokens.key
        } else if title.starts_with("expired API key") {
            &self.tokens.short
        } else {
            &self.tokens.session
        };
        let shown = header.strip_prefix("Bearer eyJ");
        shown.map_or_else(|| header.replace("$TOKEN", &self.server.api_key()), |_| format!("Bearer {token}"))
    }

    fn ask(&mut self, exchange: &Exchange) -> http::Response<Bytes> {
        let now = exchange.at * 1_000_000;
        self.clock.fetch_max(now, Ordering::Relaxed);
        // The recorded requests came at least so far apart.
        self.clock.fetch_add(20_000, Ordering::Relaxed);
        let mut target = exchange.target.clone();
        let mut body = exchange.whole_body().replace("<JWT>", &self.tokens.login);
        for (recorded, ours) in &self.ids {
            target = target.replace(recorded, ours);
            body = body.replace(recorded, ours);
        }
        let target = target.replace('"', "%22");
        let mut request = http::Request::builder().method(exchange.method.as_str()).uri(target);
        for (name, value) in &exchange.headers {
            request = request.header(name, self.bearer(exchange, value));
        }
        let request = request.body(Bytes::from(body)).expect("a request");
        let reply = self.server.answer(request).expect("no faults are set");
        self.remember(exchange, reply.body());
        self.calls.extend(self.server.take_deliveries());
        reply
    }

    /// Keeps the tokens of a reply for the requests that use them.
    fn remember(&mut self, exchange: &Exchange, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let data = &body["data"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(token) = text(&data["getLoginTokenFromCredentials"]["loginToken"]["token"]) {
            self.tokens.login = token;
        }
        let session =
            &data["getAuthTokensFromLoginToken"]["tokens"]["accessOrWorkspaceAgnosticToken"]["token"];
        if let Some(token) = text(session) {
            self.tokens.session = token;
        }
        if let Some(token) = text(&data["generateApiKeyToken"]["token"]) {
            if exchange.title.starts_with("short-lived") {
                self.tokens.short = token;
            } else {
                self.tokens.key = token;
            }
        }
    }

    /// What the recorder did to the server beside its requests.
    fn beside(&mut self, exchange: &Exchange) {
        let title = exchange.title.as_str();
        if title.starts_with("(create a person to fire the hook, safe mode ON") {
            self.server.set_public_hooks_only(true);
        }
        if title.starts_with("create person -> person.created") {
            self.server.set_public_hooks_only(false);
        }
        if title.starts_with("walk updatedAt") && title.ends_with("page 1") {
            self.move_into_one_millisecond();
        }
    }

    /// The six rows of recording 18 with the ids and the microseconds they were given by hand.
    fn move_into_one_millisecond(&mut self) {
        const IDS: [&str; 6] = [
            "6985b122-7cc2-4e39-8f5a-57fc8ab8f0bf",
            "77d7e78c-7d5a-449c-a630-22592f9818c7",
            "f8c54d1c-0f88-4315-ab51-4d11e70bc365",
            "e36302e7-879c-4acc-835e-f9b3c0836fbb",
            "11111111-7d5a-449c-a630-22592f9818c7",
            "7ae2da35-9191-4d60-8156-1e22b12eb965",
        ];
        const ORDER: [u32; 6] = [900, 800, 100, 200, 700, 600];
        self.ids.retain(|recorded, _| !IDS.contains(&recorded.as_str()));
        let rows = self.server.records("gifts");
        let model = rows.iter().find(|row| row["externalId"] == "us-0").expect("the batch").clone();
        for row in
            rows.iter().filter(|row| row["externalId"].as_str().is_some_and(|id| id.starts_with("us-")))
        {
            self.server.destroy("gifts", row["id"].as_str().expect("an id").parse().expect("a uuid"));
        }
        for (at, (id, micros)) in IDS.into_iter().zip(ORDER).enumerate() {
            let mut row = model.clone();
            row["id"] = id.into();
            row["name"] = format!("us{at}").into();
            row["externalId"] = format!("us-{at}").into();
            row["updatedAt"] = format!("2026-11-22T05:00:00.500{micros}Z").into();
            assert!(self.server.load("gifts", &row));
        }
    }

    /// Why the simulator's answer is not like the recorded one; `None` when it is.
    fn difference(&mut self, exchange: &Exchange) -> Option<String> {
        self.beside(exchange);
        let answer = self.ask(exchange);
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let status = answer.status().as_u16();
        if status != exchange.status {
            let start: String = body.chars().take(160).collect();
            return Some(format!("status {status}, recorded {}: {start}", exchange.status));
        }
        let header = |name: http::HeaderName| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default()
        };
        let content_type = header(http::header::CONTENT_TYPE);
        if content_type != exchange.content_type {
            return Some(format!("content type {content_type}, recorded {}", exchange.content_type));
        }
        let names = names_that_matter(answer.headers().keys().map(http::HeaderName::as_str));
        if names != exchange.header_names {
            return Some(format!("headers {names:?}, recorded {:?}", exchange.header_names));
        }
        if body.is_empty() && exchange.reply.is_empty() {
            return None;
        }
        self.body_difference(exchange, status, &body)
    }

    fn body_difference(&mut self, exchange: &Exchange, status: u16, body: &str) -> Option<String> {
        let ours: Ordered = serde_json::from_str(body).expect("the simulator writes JSON");
        if let Some(recorded) = exchange.records
            && let Some(count) = list_length(&ours)
            && recorded != count
        {
            return Some(format!("{count} records, recorded {recorded}"));
        }
        if exchange.is_cut() {
            if exchange.target.starts_with("/rest/metadata/") && exchange.method == "GET" {
                return model::difference(&exchange.reply, body);
            }
            return cut_difference(&exchange.reply, body);
        }
        let mut reply = exchange.reply.clone();
        if status >= 400 {
            for (recorded, ours) in &self.ids {
                reply = reply.replace(recorded, ours);
            }
        }
        let recorded: Ordered = serde_json::from_str(&reply)
            .unwrap_or_else(|error| panic!("{}, {}: {error}: {reply:?}", exchange.file, exchange.title));
        if exchange.target.starts_with("/rest/metadata/fields?") {
            // Which field comes first depends on ids.
            return model::difference(&reply, body);
        }
        let deep = exchange.target.contains("depth=1");
        let reason = differ(&recorded, &ours, deep, "");
        if reason.is_none() {
            unequal(&recorded, &ours, &exchange.title, "", &mut self.unequal);
            learn(&recorded, &ours, &mut self.ids);
        }
        reason
    }
}

/// Result of one file.
#[derive(Default)]
struct Tally {
    alike: usize,
    known: usize,
    different: Vec<String>,
}

fn replay(world: &mut World, exchanges: &[Exchange], tallies: &mut BTreeMap<String, Tally>) {
    for exchange in exchanges {
        let reason = world.difference(exchange);
        let tally = tallies.entry(exchange.file.clone()).or_default();
        let known = KNOWN_DIFFERENCES
            .iter()
            .find(|(file, title, _)| *file == exchange.file && exchange.title.starts_with(title));
        match (reason, known) {
            (None, _) => tally.alike += 1,
            (Some(_), Some(_)) => tally.known += 1,
            (Some(reason), None) => tally.different.push(format!("{}: {reason}", exchange.title)),
        }
    }
}

fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let mut text = format!("{:<24}{:>6}{:>7}{:>11}\n", "recording", "alike", "known", "different");
    for (file, tally) in tallies {
        let _ = writeln!(text, "{file:<24}{:>6}{:>7}{:>11}", tally.alike, tally.known, tally.different.len());
        for reason in &tally.different {
            let _ = writeln!(text, "    {}", reason.chars().take(600).collect::<String>());
        }
    }
    for (file, title, reason) in KNOWN_DIFFERENCES {
        let _ = writeln!(text, "known: {file}, {title}: {reason}");
    }
    text
}

/// The requests of the demo workspace in the order of time.
fn story(all: &[Exchange]) -> Vec<Exchange> {
    let apart = |file: &str| file.starts_with("17") || file.starts_with("21");
    let mut story: Vec<Exchange> = all.iter().filter(|one| !apart(&one.file)).cloned().collect();
    // The sort is stable, files come in order.
    story.sort_by_key(|exchange| exchange.at);
    story
}

#[test]
fn the_simulator_answers_as_the_real_server_did() {
    let all = recordings();
    let mut tallies = BTreeMap::new();
    let of =
        |prefix: &str| all.iter().filter(|one| one.file.starts_with(prefix)).cloned().collect::<Vec<_>>();

    let mut demo = World::demo(&all);
    replay(&mut demo, &story(&all), &mut tallies);

    // Own ids were recorded on a fresh server, an hour later.
    replay(&mut World::new(None, Schema::bare()), &of("21"), &mut tallies);

    // The throttled server: the bucket is emptied first.
    let throttled = of("17");
    let mut world = World::new(Some(RateLimit::default()), Schema::recorded());
    let mut probe = throttled.first().expect("a recorded 429").clone();
    probe.target = "/rest/gifts?limit=1".to_owned();
    while world.ask(&probe).status() == http::StatusCode::OK {}
    replay(&mut world, &throttled, &mut tallies);

    let mut report = table(&tallies);
    let _ = writeln!(report, "{} values differ in answers that are alike:", demo.unequal.len());
    for line in &demo.unequal {
        let _ = writeln!(report, "    {line}");
    }
    let alike: usize = tallies.values().map(|tally| tally.alike).sum();
    let others: usize = tallies.values().map(|tally| tally.known + tally.different.len()).sum();
    let total = alike + others;
    eprintln!("{report}\n{alike} of {total} recorded requests are answered alike");
    assert!(total > 330, "the recordings were not read: {total}");
    let different: usize = tallies.values().map(|tally| tally.different.len()).sum();
    assert_eq!(different, 0, "differences nobody gave a reason for\n{report}");
    assert!(alike * 100 >= total * 99, "{alike} of {total}\n{report}");
}

#[test]
fn the_calls_of_webhooks_are_those_a_receiver_got() {
    let all = recordings();
    let mut demo = World::demo(&all);
    for exchange in story(&all) {
        demo.beside(&exchange);
        let before = demo.calls.len();
        let answer = demo.ask(&exchange);
        if !exchange.file.starts_with("15") {
            // The receiver listened for that recording only.
            demo.calls.truncate(before);
        }
        let recorded = serde_json::from_str::<Ordered>(&exchange.reply);
        if let (Ok(recorded), Ok(ours)) = (recorded, serde_json::from_slice::<Ordered>(answer.body())) {
            learn(&recorded, &ours, &mut demo.ids);
        }
    }
    let received = transcript::received();
    assert_eq!(received.len(), 9);
    assert_eq!(demo.calls.len(), received.len(), "{:?}", demo.calls);
    for (call, (names, body)) in demo.calls.iter().zip(&received) {
        assert_eq!(&names_that_matter(call.headers.iter().map(|(name, _)| *name)), names);
        let recorded: Ordered = serde_json::from_str(body).expect("a recorded body");
        let ours: Ordered = serde_json::from_slice(&call.body).expect("a body");
        assert_eq!(differ(&recorded, &ours, false, ""), None, "{}", call.event);
        let of = |body: &[u8], name: &str| serde_json::from_slice::<Value>(body).expect("JSON")[name].clone();
        for name in ["eventName", "updatedFields", "targetUrl"] {
            assert_eq!(of(&call.body, name), of(body.as_bytes(), name));
        }
    }
}

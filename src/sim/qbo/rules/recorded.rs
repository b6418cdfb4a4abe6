//! Replays recorded requests of the real server and compares the answers.
//!
//! Compared are the status, the content type and every value of every body, numbers by the text they
//! were written as; the order of members is not. A company is furnished with what the recorded reads
//! show of the time before, the clock stands where the recorded answer says, and the rest is computed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;

use crate::sim::qbo::schema::Kind;
use crate::sim::qbo::time::instant;
use crate::sim::qbo::tree::Json;
use crate::sim::qbo::{CdcHabits, Options, Qbo};

/// The company in the recordings.
const REALM: &str = "-COMPANY_ID-";

/// Where the simulator answers otherwise, with the reason: file, beginning of the path of the value.
const KNOWN_DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "attachment__create_for_invoice",
        "AttachableResponse.0.Attachable.TempDownloadUri",
        "a signed address that expires",
    ),
    (
        "attachment__create_for_invoice",
        "AttachableResponse.0.Attachable.MetaData",
        "stamped a second after the envelope",
    ),
    (
        "batch__basic",
        "BatchItemResponse.0.Vendor.MetaData",
        "made and changed at two times of one long request",
    ),
    (
        "error__400_json",
        "Fault.Error.0.Detail",
        "the list of 83 properties of the class in the order of a hash table",
    ),
];

/// What is not simulated, with the reason; it is asked, and refused.
const NOT_SIMULATED: &[(&str, &str)] = &[
    ("get_pdf__invoice", "no PDF is made"),
    ("reports__gl", "GeneralLedger is not among the reports that are simulated"),
];

/// The files whose reads furnish every company.
const BASE: [&str; 3] = ["all__customers", "get__inactive_vendors", "attachment__read_attachment"];

/// One recorded request with its answer.
struct Exchange {
    file: String,
    method: String,
    target: String,
    request: String,
    status: u16,
    content_type: String,
    body: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/recordings/qbo/minimul-qbo_api/derived-json")
}

/// Files with their exchanges.
fn recordings() -> Vec<Vec<Exchange>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let json = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| {
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let read = Json::parse(&std::fs::read(path).unwrap()).unwrap();
        read.items().iter().map(|one| exchange(&file, one)).collect()
    })
    .collect()
}

fn exchange(file: &str, one: &Json) -> Exchange {
    let text = |name: &str| one.get(name).map(Json::shown).unwrap_or_default();
    let uri = text("uri");
    let below = uri.split_once("/v3/").unwrap().1;
    // The recorder took the company out of some addresses.
    let below = below.strip_prefix("company/-COMPANY_ID-/").unwrap_or(below);
    Exchange {
        file: file.to_owned(),
        method: text("method"),
        target: format!("/v3/company/{REALM}/{below}"),
        request: text("request_body"),
        status: text("status").parse().unwrap(),
        content_type: one.str_at("headers.Content-Type").unwrap_or_default().to_owned(),
        body: text("body"),
    }
}

/// Every object that a recorded read shows.
fn shown(exchange: &Exchange) -> Vec<(Kind, Json)> {
    let Some(body) = Json::parse(exchange.body.as_bytes()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut lists: Vec<Json> = body.get("QueryResponse").cloned().into_iter().collect();
    for path in ["CDCResponse", "BatchItemResponse"] {
        for item in body.get(path).map_or(&[][..], Json::items) {
            match item.get("QueryResponse") {
                Some(Json::Arr(each)) => lists.extend(each.iter().cloned()),
                Some(list) => lists.push(list.clone()),
                None => {}
            }
        }
    }
    for list in &lists {
        for (name, rows) in list.members() {
            found.extend(
                Kind::named(name)
                    .into_iter()
                    .flat_map(|kind| rows.items().iter().map(move |row| (kind, row.clone()))),
            );
        }
    }
    if exchange.method == "GET" {
        found.extend(
            body.members().iter().filter_map(|(name, object)| Some((Kind::named(name)?, object.clone()))),
        );
    }
    found
}

fn time_of(exchange: &Exchange) -> Option<i64> {
    let body = Json::parse(exchange.body.as_bytes())?;
    let time = body.get("time").or_else(|| body.at("Header.Time"))?;
    time.as_str().and_then(instant).or_else(|| time.exact().map(|number| number.cents() / 100 * 1_000))
}

/// The company before the first request of a file.
fn furnished(exchanges: &[Exchange], base: &[(Kind, Json)], clock: &Arc<AtomicI64>) -> Qbo {
    let hand = Arc::clone(clock);
    let server = Qbo::new(Options::new(1, move || hand.load(Ordering::Relaxed)));
    server.add_bare_company(REALM, true);
    server.set_words(REALM, Some("Crew #"), "Christian Pelczarski");
    server.set_cdc(CdcHabits { no_edge: true, ..CdcHabits::default() });
    let first = exchanges.iter().find_map(time_of).unwrap_or(1_601_400_000_000_000);
    clock.store(first, Ordering::Relaxed);
    // What no recording shows but the requests name.
    for (kind, object) in [
        (
            Kind::Account,
            r#"{"Id":"4","Name":"Undeposited Funds","FullyQualifiedName":"Undeposited Funds","AccountType":"Other Current Asset","AccountSubType":"UndepositedFunds"}"#,
        ),
        (Kind::Item, r#"{"Id":"1","Name":"Services","FullyQualifiedName":"Services"}"#),
        (Kind::Item, r#"{"Id":"4","Name":"Design","FullyQualifiedName":"Design"}"#),
        (Kind::Invoice, r#"{"Id":"75","DocNumber":"1042"}"#),
    ] {
        assert!(server.load(REALM, kind, object));
    }
    let own: Vec<(Kind, Json)> = exchanges.iter().flat_map(shown).collect();
    let mut seen = BTreeSet::new();
    for (kind, object) in own.iter().chain(base) {
        let id = object.str_at("Id").unwrap().to_owned();
        let came = object.str_at("MetaData.CreateTime").and_then(instant).unwrap_or(0);
        if came < first - 5_000_000 && seen.insert((*kind, id)) {
            assert!(server.load(REALM, *kind, &object.to_text()));
        }
    }
    for exchange in exchanges.iter().filter(|exchange| exchange.method == "POST") {
        next_ids(&server, exchange);
    }
    server
}

/// Sequences go on where the recorded ones did.
fn next_ids(server: &Qbo, exchange: &Exchange) {
    let Some(body) = Json::parse(exchange.body.as_bytes()) else { return };
    let mut objects: Vec<&Json> = vec![&body];
    for path in ["AttachableResponse", "BatchItemResponse"] {
        objects.extend(body.get(path).map_or(&[][..], Json::items));
    }
    for (name, object) in objects.iter().flat_map(|object| object.members()) {
        if let (Some(kind), Some("0")) = (Kind::named(name), object.str_at("SyncToken")) {
            server.set_next_id(REALM, kind, object.str_at("Id").unwrap().parse().unwrap());
        }
    }
}

/// Counts the plain values of the recorded answer and notes the paths of those that differ.
fn compare(path: &str, recorded: &Json, ours: Option<&Json>, count: &mut usize, differing: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match recorded {
        Json::Obj(members) if !members.is_empty() => {
            for (name, value) in members {
                compare(&below(name), value, ours.and_then(|ours| ours.get(name)), count, differing);
            }
            for (name, _) in ours.map_or(&[][..], Json::members) {
                if recorded.get(name).is_none() {
                    differing.push(format!("{} (only here)", below(name)));
                }
            }
        }
        Json::Arr(items) if !items.is_empty() => {
            let theirs = ours.map_or(&[][..], Json::items);
            for (at, item) in items.iter().enumerate() {
                compare(&below(&at.to_string()), item, theirs.get(at), count, differing);
            }
            if theirs.len() > items.len() {
                differing.push(format!("{path} (more here)"));
            }
        }
        plain => {
            *count += 1;
            if ours != Some(plain) {
                let ours = ours.map_or("nothing".to_owned(), Json::to_text);
                differing.push(format!("{path}: recorded {}, here {ours}", plain.to_text()));
            }
        }
    }
}

/// The answer of the simulator.
fn ask(server: &Qbo, exchange: &Exchange) -> (u16, String, String) {
    // The recorded refusal names the token that was over.
    let bearer = if exchange.status == 401 {
        exchange.body.split("Token expired: ").nth(1).unwrap().split('"').next().unwrap().to_owned()
    } else {
        server.connect(REALM).access
    };
    let request = http::Request::builder()
        .method(exchange.method.as_str())
        .uri(&exchange.target)
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {bearer}"))
        .body(Bytes::from(exchange.request.clone()))
        .unwrap();
    let reply = server.answer(request).unwrap();
    let kind = reply.headers()["content-type"].to_str().unwrap().to_owned();
    (reply.status().as_u16(), kind, String::from_utf8_lossy(reply.body()).into_owned())
}

#[test]
fn recorded_requests_are_answered_as_they_were() {
    let files = recordings();
    let base: Vec<(Kind, Json)> =
        files.iter().flatten().filter(|one| BASE.contains(&one.file.as_str())).flat_map(shown).collect();
    let (mut values, mut alike, mut exchanges) = (0, 0, 0);
    let mut unknown = Vec::new();
    let mut used = BTreeSet::new();
    for file in &files {
        let clock = Arc::new(AtomicI64::new(0));
        let server = furnished(file, &base, &clock);
        for exchange in file {
            if let Some(time) = time_of(exchange) {
                clock.store(time, Ordering::Relaxed);
            }
            let (status, kind, text) = ask(&server, exchange);
            exchanges += 1;
            if NOT_SIMULATED.iter().any(|(file, _)| *file == exchange.file) {
                assert!(status == 400, "{}: what is simulated belongs into the comparison", exchange.file);
                continue;
            }
            let (mut count, mut differing) = (2, Vec::new());
            if (status, kind.as_str()) != (exchange.status, exchange.content_type.as_str()) {
                differing.push(format!("status or type: {status} {kind}"));
            }
            match Json::parse(exchange.body.as_bytes()) {
                Some(recorded) => {
                    compare("", &recorded, Json::parse(text.as_bytes()).as_ref(), &mut count, &mut differing);
                }
                None => differing.push("body".to_owned()),
            }
            values += count;
            alike += count.saturating_sub(differing.len());
            for difference in differing {
                let known = KNOWN_DIFFERENCES
                    .iter()
                    .position(|(file, path, _)| *file == exchange.file && difference.starts_with(path));
                match known {
                    Some(at) => drop(used.insert(at)),
                    None => unknown.push(format!("{} {}: {difference}", exchange.file, exchange.target)),
                }
            }
        }
    }
    println!("{exchanges} exchanges, {alike} of {values} values alike");
    assert!(unknown.is_empty(), "{} unknown differences:\n{}", unknown.len(), unknown.join("\n"));
    assert_eq!(used.len(), KNOWN_DIFFERENCES.len(), "a known difference is none any more");
    assert!(exchanges >= 45 && alike * 100 >= values * 98, "{alike} of {values}");
}

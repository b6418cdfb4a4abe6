//! The real binary over loopback, killed for real. The only tests that wait for real time.

mod backing;
mod beside;
mod commands;
mod doctor;
mod provisioning;
mod smoke;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A simulated Twenty in a process of its own: it lives on when Almoner is killed.
struct Crm {
    child: Child,
    url: String,
    key: String,
}

struct Server {
    child: Child,
    address: String,
    /// The first-run link, while nobody has an account.
    link: Option<String>,
}

fn almoner(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_almoner"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn first_lines(child: &mut Child, count: usize) -> Vec<String> {
    let out = child.stdout.take().expect("piped");
    BufReader::new(out).lines().map_while(Result::ok).take(count).collect()
}

impl Crm {
    fn start(seed: &str) -> Self {
        Self::with(&["--people", "20", "--gifts", "30", "--seed", seed])
    }

    fn with(arguments: &[&str]) -> Self {
        let mut child =
            almoner(&[&["simulate", "twenty"], arguments].concat()).spawn().expect("the binary starts");
        let lines = first_lines(&mut child, 2);
        let last = |line: &str| line.rsplit(' ').next().expect("a word").to_owned();
        Self { child, url: last(&lines[0]), key: last(&lines[1]) }
    }

    /// Amounts of the gifts that our key made, in micros.
    fn posted(&self) -> Vec<i64> {
        let path = "/rest/gifts?limit=200&filter=createdBy.source%5Beq%5D%3A%22API%22";
        let address = self.url.trim_start_matches("http://");
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            self.key
        );
        let (status, _, body) = exchange(address, &head, "").expect("Twenty answers");
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let gifts = answer["data"]["gifts"].as_array().expect("gifts").clone();
        let ours = gifts.iter().filter(|gift| gift["createdBy"]["name"] == "Almoner");
        let mut amounts: Vec<i64> =
            ours.map(|gift| gift["amount"]["amountMicros"].as_i64().unwrap_or(0)).collect();
        amounts.sort_unstable();
        amounts
    }
}

fn exchange(address: &str, head: &str, body: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_owned(), body.to_owned()))
}

impl Server {
    fn start(folder: &Path, crm: &Crm, first: bool) -> Self {
        Self::start_with(folder, crm, first, |_| {})
    }

    fn start_with(folder: &Path, crm: &Crm, first: bool, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = almoner(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(folder).env("TWENTY_API_BASE_URL", &crm.url).env("TWENTY_API_KEY", &crm.key);
        more(&mut command);
        let mut child = command.spawn().expect("the binary starts");
        let lines = first_lines(&mut child, if first { 2 } else { 1 });
        let address = lines[0].split("http://").nth(1).expect("an address").trim_end_matches('/').to_owned();
        let link = lines.get(1).and_then(|line| line.split_once("token=")).map(|(_, token)| token.to_owned());
        Self { child, address, link }
    }

    fn kill(mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("it died");
    }

    fn request(&self, method: &str, path: &str, cookie: &str, body: &str) -> Option<(u16, String, String)> {
        let (length, host) = (body.len(), &self.address);
        let kind =
            if body.starts_with("token=") { "application/x-www-form-urlencoded" } else { "application/json" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        exchange(&self.address, &head, body)
    }

    /// Makes the first account by the first-run link; answers the session cookie.
    fn set_up(&self) -> String {
        let link = self.link.as_deref().expect("a first-run link");
        let form = format!("token={link}&name=Maya&email=maya@example.org&password=correct-horse-battery");
        let (status, head, text) = self.request("POST", "/setup", "", &form).expect("an answer");
        assert_eq!(status, 303, "{head} {text}");
        let cookie =
            head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).expect("a cookie");
        cookie["set-cookie:".len()..].split(';').next().expect("a value").trim().to_owned()
    }

    fn json(&self, method: &str, path: &str, cookie: &str, body: &Value) -> Value {
        let (status, _, text) = self.request(method, path, cookie, &body.to_string()).expect("an answer");
        assert!(status < 300, "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Asks until the answer fits, at most half a minute.
    fn until(&self, path: &str, cookie: &str, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..300 {
            let answer = self.json("GET", path, cookie, &Value::Null);
            if fits(&answer) {
                return answer;
            }
            pause(100);
        }
        panic!("{path} never came to what was waited for");
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed must not leave a server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "these tests wait for a real process")]
fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Takes `count` gifts in, marks them ready and starts their run. Answers the batch's path.
fn start_batch(server: &Server, cookie: &str, count: usize) -> String {
    let donor =
        server.until("/api/gifts?limit=1", cookie, |gifts| gifts["data"][0]["donor"]["id"].is_string());
    let donor = donor["data"][0]["donor"]["id"].clone();
    let ids: Vec<Value> = (0..count)
        .map(|n| {
            let body = json!({ "amount": { "amountMicros": (n + 1) * 1_000_000, "currencyCode": "GBP" }, "giftDate": "2026-11-20", "contactId": donor, "paymentMethod": "card" });
            let row = server.json("POST", "/api/fundraising/gift-staging", cookie, &body);
            let id = row["data"]["giftStaging"]["id"].as_str().expect("an id").to_owned();
            server.json("PATCH", &format!("/api/fundraising/gift-staging/{id}/status"), cookie, &json!({ "processingStatus": "ready_for_process" }));
            Value::from(id)
        })
        .collect();
    let batch = server.json(
        "POST",
        "/api/fundraising/gift-batches",
        cookie,
        &json!({ "name": "Monday", "rowIds": ids }),
    );
    format!(
        "/api/fundraising/gift-batches/{}",
        batch["data"]["createGiftBatch"]["id"].as_str().expect("an id")
    )
}

#[test]
fn kill_9_at_any_moment_and_the_run_goes_on() {
    for pause_ms in [0, 4, 10, 25] {
        let folder = tempfile::tempdir().expect("a folder");
        let crm = Crm::start("3");
        let server = Server::start(folder.path(), &crm, true);
        let cookie = server.set_up();
        let batch = start_batch(&server, &cookie, 12);
        server.json("POST", &format!("{batch}/process"), &cookie, &json!({}));
        pause(pause_ms);
        server.kill();
        let server = Server::start(folder.path(), &crm, false);
        let done =
            server.until(&batch, &cookie, |batch| batch["data"]["giftBatch"]["status"] != "processing");
        assert_eq!(done["data"]["giftBatch"]["status"], "processed", "{done}");
        assert_eq!(done["data"]["giftBatch"]["rows"]["processed"], 12);
        assert_eq!(
            crm.posted(),
            (1..=12).map(|n| n * 1_000_000).collect::<Vec<i64>>(),
            "killed after {pause_ms} ms"
        );
        server.kill();
        let verdict =
            almoner(&["verify", "--json", "--data"]).arg(folder.path()).output().expect("verify runs");
        assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stdout));
    }
}

/// What the operator reads when `serve` refuses to start on this folder.
fn refusal(folder: &Path, crm: &Crm) -> String {
    let mut command = almoner(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder).env("TWENTY_API_BASE_URL", &crm.url).env("TWENTY_API_KEY", &crm.key);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
    // A server that starts after all says so: the test fails then, and does not wait for ever.
    let started = first_lines(&mut child, 1);
    let ended = if started.is_empty() {
        child.wait().expect("it ended")
    } else {
        panic!("it started: {:?}", child.kill())
    };
    assert!(!ended.success());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    said
}

/// Keeps out: two workspaces mixed in one mirror; a new key that only looks like wrong passwords.
#[test]
fn another_workspace_and_a_lost_key_file_are_refused_and_nothing_is_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (crm, other) = (Crm::start("3"), Crm::start("4"));
    let server = Server::start(folder.path(), &crm, true);
    server.set_up();
    server.kill();
    assert!(refusal(folder.path(), &other).contains("another Twenty workspace"));
    let key = folder.path().join("secret.key");
    std::fs::rename(&key, folder.path().join("away")).expect("moved");
    assert!(refusal(folder.path(), &crm).contains("secret.key"));
    assert!(!key.exists(), "no new key was made");
    std::fs::rename(folder.path().join("away"), &key).expect("moved back");
    Server::start(folder.path(), &crm, false).kill();
}

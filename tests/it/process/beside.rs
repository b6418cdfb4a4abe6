//! Commands beside a running server, after a kill, and after a clean stop: the same answers each way.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Output;

use super::*;

fn command(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = almoner(arguments);
    command.arg("--data").arg(folder).stderr(Stdio::piped());
    command.output().expect("the command runs")
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

impl Server {
    /// Asks it to end, and waits until it has.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        assert!(self.child.wait().expect("it ended").success());
    }
}

fn a_person(server: &Server, cookie: &str) -> String {
    let gifts =
        server.until("/api/gifts?limit=1", cookie, |gifts| gifts["data"][0]["donor"]["id"].is_string());
    gifts["data"][0]["donor"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn verify_and_export_answer_alike_beside_a_server_after_a_kill_and_after_a_stop() {
    // A path that does not fit the address of a socket.
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("a-long-name-".repeat(9));
    std::fs::create_dir(&folder).expect("a folder");
    let crm = Crm::start("3");
    let server = Server::start(&folder, &crm, true);
    let cookie = server.set_up();
    let person = a_person(&server, &cookie);
    let socket = std::fs::metadata(folder.join("control.sock")).expect("a socket");
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(socket.uid(), std::fs::metadata("/proc/self").expect("proc").uid());
    let whole = told(&folder, &["verify"]);
    assert!(whole.starts_with("The ledger is whole"), "{whole}");
    let beside = told(&folder, &["journal", "export"]);
    let lines: Vec<Value> = beside.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.len() > 50 && lines.iter().enumerate().all(|(n, line)| line["seq"] == n + 1));
    assert!(beside.contains(&person));
    // What is held of a person is written out, with the history and with whatever names them.
    let held: Value =
        serde_json::from_str(&told(&folder, &["people", "export", "--id", &person])).expect("JSON");
    let records = held["records"].as_array().expect("records");
    let of = |object: &str| records.iter().filter(|record| record["object"] == object).collect::<Vec<_>>();
    assert_eq!((of("people").len(), &of("people")[0]["id"]), (1, &person.as_str().into()));
    assert_eq!(of("people")[0]["current"], of("people")[0]["history"][0]["record"]);
    assert!(
        !of("gifts").is_empty() && of("gifts").iter().all(|gift| gift["current"]["donorId"] == *person),
        "{held}"
    );
    let nobody = command(&folder, &["people", "export", "--id", "00000000-0000-4000-8000-000000000404"]);
    assert_eq!(nobody.status.code(), Some(3));
    // A person is erased beside the server: first told, then done, by the operator.
    let erase = ["people", "erase", "--id", person.as_str(), "--ground", "request of 2 May"];
    let preview = command(&folder, &erase);
    assert_eq!(preview.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&preview.stdout).contains("Nothing was done"));
    let done = told(&folder, &[&erase[..], &["--yes"]].concat());
    assert!(done.starts_with("Erased the person's record"), "{done}");
    let compacted = told(&folder, &["compact"]);
    assert!(compacted.starts_with("The ledger had "), "{compacted}");
    let (status, _, _) =
        server.request("GET", &format!("/api/records/people/{person}"), &cookie, "").expect("an answer");
    assert_eq!(status, 404);
    let journal = server.json("GET", "/api/journal?object=people&limit=1", &cookie, &Value::Null);
    assert_eq!(
        (journal["data"][0]["op"].as_str(), journal["data"][0]["who"]["kind"].as_str()),
        (Some("erased"), Some("operator"))
    );
    let since = lines.len().to_string();
    let beside = told(&folder, &["journal", "export", "--since", &since]);
    server.kill();
    assert!(folder.join("control.sock").exists(), "a kill leaves the socket");
    // The first pass may have gone on between the two.
    assert!(told(&folder, &["journal", "export", "--since", &since]).starts_with(&beside));
    assert!(told(&folder, &["verify", "--json"]).contains("\"fault\":null"));
    let server = Server::start(&folder, &crm, false);
    assert!(told(&folder, &["verify"]).starts_with("The ledger is whole"));
    // A server without its socket: the command says what to do, and touches nothing.
    std::fs::remove_file(folder.join("control.sock")).expect("removed");
    let refused = command(&folder, &["verify"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is in use, and no server answers"), "{said}");
    server.stop();
    assert!(told(&folder, &["verify"]).starts_with("The ledger is whole"));
}

/// Keeps out: an operator who can look after users only while a server runs, or only while none does.
#[test]
fn users_are_looked_after_beside_a_server_and_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let crm = Crm::start("3");
    let server = Server::start(folder, &crm, true);
    let cookie = server.set_up();
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&told(folder, &[&["users"], arguments, &["--json"]].concat())).expect("JSON")
    };
    let invited = json(&["invite", "rosa@example.org", "--name", "Rosa", "--role", "reviewer"]);
    assert_eq!(invited["user"]["state"], "invited");
    let url = invited["link"]["url"].as_str().expect("a link");
    let path = url.strip_prefix(&format!("http://{}", server.address)).expect("the server knows its address");
    let token = path.strip_prefix("/password?token=").expect("the page that asks for a password");
    let form = format!("token={token}&password=correct-horse-battery");
    let (status, head, text) = server.request("POST", "/password", "", &form).expect("an answer");
    assert_eq!(status, 303, "{text}");
    let set = head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).expect("a cookie");
    let rosa = set["set-cookie:".len()..].split(';').next().expect("a value").trim().to_owned();
    assert_eq!(server.json("GET", "/api/session", &rosa, &Value::Null)["user"]["role"], "reviewer");
    assert_eq!(json(&["role", "Rosa@Example.org", "finance"])["user"]["role"], "finance");
    assert_eq!(server.json("GET", "/api/session", &rosa, &Value::Null)["user"]["role"], "finance");
    assert_eq!(json(&["disable", "rosa@example.org"])["user"]["state"], "disabled");
    assert_eq!(server.request("GET", "/api/session", &rosa, "").expect("an answer").0, 401);
    let last = command(folder, &["users", "disable", "maya@example.org"]);
    assert!(!last.status.success() && String::from_utf8_lossy(&last.stderr).contains("last admin"));
    let nobody = command(folder, &["users", "reset", "nobody@example.org"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("there is no user nobody@example.org"));
    let journal = server.json("GET", "/api/journal?object=user&limit=1", &cookie, &Value::Null);
    assert_eq!(journal["data"][0]["who"]["kind"], "operator");
    server.stop();
    assert_eq!(json(&["enable", "rosa@example.org"])["user"]["state"], "active");
    let scoped = json(&["scope", "rosa@example.org", "--company", "qbo-1", "--company", "qbo-2"]);
    assert_eq!(scoped["user"]["companies"], json!(["qbo-1", "qbo-2"]));
    let id = scoped["user"]["id"].as_str().expect("an id");
    assert_eq!(json(&["scope", id, "--all"])["user"]["companies"], Value::Null);
    let reset = told(folder, &["users", "reset", "rosa@example.org", "--url", "https://gifts.example.org/"]);
    assert!(reset.contains("\nhttps://gifts.example.org/password?token="), "{reset}");
    let shown = told(folder, &["users", "list"]);
    assert!(shown.contains("Maya <maya@example.org>  admin  active  all companies"), "{shown}");
    assert!(shown.contains("Rosa <rosa@example.org>  finance  invited  all companies"), "{shown}");
    assert_eq!(json(&["list"]).as_array().map(Vec::len), Some(2));
    assert!(!command(folder, &["users", "scope", "rosa@example.org"]).status.success(), "all, or some");
}

#[test]
fn a_damaged_page_is_named_and_the_file_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let crm = Crm::start("3");
    let server = Server::start(folder.path(), &crm, true);
    let cookie = server.set_up();
    a_person(&server, &cookie);
    server.stop();
    let path = folder.path().join("ledger.redb");
    let whole = std::fs::read(&path).expect("bytes");
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        let output = command(folder.path(), &["verify"]);
        assert!(std::fs::read(&path).expect("bytes") == bytes || output.status.success(), "it was touched");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(told(&whole).0, Some(0));
    let whole = std::fs::read(&path).expect("bytes");
    let (mut named, mut harmless) = (0, 0);
    // Near the head of a page, where every page that is used holds something.
    let pages = whole.len() / 4_096;
    for page in (1..pages).step_by(pages.div_ceil(40)) {
        let at = page * 4_096 + 2;
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        match told(&damaged) {
            (Some(1), said) => {
                assert!(said.contains("NOT whole") && said.contains("bytes "), "{said}");
                named += 1;
            }
            (Some(0), _) => harmless += 1,
            other => panic!("{at}: {other:?}"),
        }
    }
    assert!(named > 3 && named + harmless > 20, "{named} named, {harmless} harmless of {pages} pages");
}

/// What a folder or file that may not be written says, when one is not root.
#[test]
fn a_folder_that_may_not_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).expect("rights");
    let is_root = std::fs::metadata("/proc/self").expect("proc").uid() == 0;
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--clear-groups", env!("CARGO_BIN_EXE_almoner")]);
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_almoner"))
    };
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
    command.env("TWENTY_API_BASE_URL", "http://127.0.0.1:9").env("TWENTY_API_KEY", "k");
    let output = command.output().expect("it runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // The account that tests drop to may not even reach the binary; then there is nothing to see here.
    if !said.contains("failed to execute") {
        assert!(said.contains("may not write") && said.contains("Nothing was changed"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// Keeps out: a command that says a gift is posted when it is not, or that does something else than the API.
#[test]
fn gifts_are_taken_in_and_posted_at_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let crm = Crm::start("3");
    let server = Server::start(folder, &crm, true);
    let cookie = server.set_up();
    let person = a_person(&server, &cookie);
    let json = |arguments: &[&str]| -> Value {
        let text = told(folder, &[&["gifts"], arguments, &["--json"]].concat());
        serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
    };
    let gift = [
        "add",
        "--amount",
        "25.50",
        "--date",
        "2026-11-20",
        "--donor",
        &person,
        "--method",
        "card",
        "--ready",
    ];
    let added = json(&[&gift[..], &["--idempotency-key", "k1"]].concat());
    assert_eq!((&added["created"], &added["ready"]), (&Value::Bool(true), &Value::Bool(true)), "{added}");
    let again = json(&[&gift[..], &["--idempotency-key", "k1"]].concat());
    assert_eq!((&again["created"], &again["id"]), (&Value::Bool(false), &added["id"]));
    // What is missing is told, the gift is kept, and the exit code says that it is not ready.
    let poor = command(folder, &["gifts", "add", "--amount", "3", "--ready"]);
    assert_eq!(poor.status.code(), Some(1));
    let said = String::from_utf8_lossy(&poor.stdout).into_owned();
    assert!(said.contains("taken in") && said.contains("It is not ready: "), "{said}");
    let wrong = command(folder, &["gifts", "add", "--body", "{\"amount\": 3}"]);
    assert!(!wrong.status.success());
    assert_eq!(
        command(folder, &["gifts", "add", "--amount", "1.234"]).status.code(),
        Some(1),
        "asked, not guessed"
    );
    let run = json(&["process", "--wait"]);
    assert_eq!((&run["status"], &run["progress"]["processed"]), (&"completed".into(), &1.into()), "{run}");
    let path = format!("/api/fundraising/gift-staging/{}", added["id"].as_str().expect("an id"));
    let row = server.json("GET", &path, &cookie, &Value::Null);
    assert_eq!(row["data"]["giftStaging"]["processingStatus"], "processed");
    assert_eq!(
        row["meta"]["history"].as_array().expect("history").last().expect("first")["who"]["kind"],
        "operator"
    );
    // The same again has nothing to do, and says so.
    let nothing = command(folder, &["gifts", "process"]);
    assert!(!nothing.status.success(), "{}", String::from_utf8_lossy(&nothing.stdout));
    server.stop();
    let alone = command(folder, &["gifts", "process"]);
    assert!(String::from_utf8_lossy(&alone.stderr).contains("needs a running server"));
}

/// Keeps out: a dry run that sends, or a run that does not say how it went.
#[test]
fn a_batch_is_rehearsed_and_followed_at_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let crm = Crm::start("3");
    let server = Server::start(folder, &crm, true);
    let cookie = server.set_up();
    let person = a_person(&server, &cookie);
    let json = |arguments: &[&str]| -> Value {
        let text = told(folder, &[&["gifts"], arguments, &["--json"]].concat());
        serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
    };
    let second = json(&[
        "add",
        "--amount",
        "7",
        "--date",
        "2026-11-20",
        "--donor",
        &person,
        "--method",
        "cash",
        "--ready",
    ]);
    let batch = serde_json::json!({ "name": "Rehearsed", "rowIds": [second["id"]] });
    let batch = server.json("POST", "/api/fundraising/gift-batches", &cookie, &batch);
    let batch = batch["data"]["createGiftBatch"]["id"].as_str().expect("an id").to_owned();
    let before = crm.posted().len();
    let plan = json(&["process", "--batch", &batch, "--dry-run"]);
    assert_eq!((&plan["calls"], &plan["rows"]), (&1.into(), &1.into()), "{plan}");
    assert_eq!(crm.posted().len(), before);
    let run = told(folder, &["gifts", "process", "--batch", &batch, "--wait"]);
    assert!(run.contains("1 of 1") && run.contains("completed: 1 posted, 0 not posted."), "{run}");
}

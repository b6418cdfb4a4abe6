//! What every command owes a script: JSON where it is asked for, and an exit code that says how it went.

use super::*;

/// The commands of a day's work, but `serve`, whose log is JSON.
const COMMANDS: [&[&str]; 8] = [
    &["demo"],
    &["verify"],
    &["sync"],
    &["twenty", "provision"],
    &["gifts", "add"],
    &["gifts", "process"],
    &["smoke", "gifts"],
    &["smoke", "batch"],
];

#[test]
fn every_command_answers_as_json_and_wrong_usage_is_2() {
    for command in COMMANDS {
        let help = almoner(&[command, &["--help"]].concat()).output().expect("it runs");
        assert!(String::from_utf8_lossy(&help.stdout).contains("--json"), "{command:?}");
        let wrong = almoner(&[command, &["--no-such-flag"]].concat()).output().expect("it runs");
        assert_eq!(wrong.status.code(), Some(2), "{command:?}");
    }
}

/// Keeps out: a sync that says it is done before it is, or that hides what could not be read.
#[test]
fn a_sync_is_asked_for_followed_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let crm = Crm::start("5");
    let server = Server::start(folder, &crm, true);
    server.set_up();
    let run = |arguments: &[&str]| {
        let output = almoner(&[&["sync"], arguments].concat()).arg("--data").arg(folder).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(&["--wait", "--json"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("a line");
    assert_eq!((code, &last["ok"]), (Some(0), &Value::Bool(true)), "{text}");
    let people = last["objects"].as_array().expect("objects").iter().find(|it| it["object"] == "people");
    let people = people.expect("people are mirrored");
    assert_eq!((&people["records"], &people["trouble"]), (&20.into(), &Value::Null), "{text}");
    assert!(people["completeAsOf"].is_string(), "{text}");
    let (code, text) = run(&["--wait"]);
    assert!(code == Some(0) && text.contains("People: 20 record(s), everything is here"), "{text}");
    assert_eq!(run(&["--json"]), (Some(0), "{\"asked\":true}\n".into()));
    assert_eq!(run(&[]), (Some(0), "Reading from Twenty has begun.\n".into()));
    server.kill();
    assert_eq!(run(&[]).0, Some(1), "it needs a server");
}

#[test]
fn a_demo_says_where_it_is_as_json_and_has_regular_givers() {
    let mut child = almoner(&["demo", "--quiet", "--json", "--seed", "7"]).spawn().expect("it starts");
    let line = first_lines(&mut child, 1).remove(0);
    let told: Value = serde_json::from_str(&line).expect("JSON");
    let url = told["url"].as_str().expect("an address");
    assert!(told["login"].as_str().expect("a link").starts_with(&format!("{url}/login/once?token=")));
    assert_eq!(told["kept"], false);
    let twenty = told["twenty"]["url"].as_str().expect("an address").trim_start_matches("http://");
    let key = told["twenty"]["key"].as_str().expect("a key");
    let head = format!(
        "GET /rest/recurringAgreements?limit=60 HTTP/1.1\r\nhost: {twenty}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    );
    let (status, _, body) = exchange(twenty, &head, "").expect("Twenty answers");
    child.kill().expect("it ends");
    child.wait().expect("it ended");
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(answer["totalCount"], 120, "{body}");
    let first = &answer["data"]["recurringAgreements"][0];
    assert!(first["personId"].is_string() && first["nextExpectedAt"].is_string(), "{first}");
}

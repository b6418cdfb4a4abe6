//! The doctor beside a server and alone, and what is pasted: nothing of a donor, no secret.

use std::os::unix::fs::PermissionsExt;

use super::*;

const DONOR: [&str; 3] = ["Wilhelmina", "Quartermaine", "wilhelmina.q@example.org"];

/// Keeps out: a donor or a secret in what an operator pastes into a ticket, or in logs and figures.
#[test]
fn nothing_of_a_planted_donor_and_no_secret_is_in_what_is_pasted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let crm = Crm::start("9");
    let server = Server::start_with(&data, &crm, true, |command| {
        command.env("ALMONER_LOG", "debug");
        command.stderr(std::fs::File::create(&log).expect("a log"));
    });
    let cookie = server.set_up();
    let added =
        almoner(&["gifts", "add", "--amount", "25.00", "--currency", "GBP", "--first-name", DONOR[0]])
            .args(["--last-name", DONOR[1], "--email", DONOR[2], "--data"])
            .arg(&data)
            .output()
            .expect("it runs");
    assert_eq!(added.status.code(), Some(0), "{}", String::from_utf8_lossy(&added.stdout));
    let run = |arguments: &[&str]| {
        let output = almoner(&[&["doctor"], arguments].concat())
            .env("TWENTY_API_BASE_URL", &crm.url)
            .env("TWENTY_API_KEY", &crm.key)
            .arg("--data")
            .arg(&data)
            .stderr(Stdio::piped())
            .output()
            .expect("it runs");
        let both = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&both).into_owned())
    };
    let bundle = folder.path().join("bundle.json");
    let (code, json) = run(&["--json", "--bundle", bundle.to_str().expect("text")]);
    let told: Value = serde_json::from_str(&json).expect("JSON");
    let state = |told: &Value, name: &str| {
        let findings = told["findings"].as_array().expect("findings").clone();
        let found = findings.into_iter().find(|finding| finding["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {told}"))["state"].as_str().expect("a word").to_owned()
    };
    for name in ["settings", "server", "ledger", "clock", "dns", "tls", "files"] {
        assert_eq!(state(&told, name), "ok", "{name}: {json}");
    }
    assert_eq!((code, state(&told, "backup").as_str()), (Some(0), "warn"), "{json}");
    assert_eq!(state(&told, "drill"), "not-evaluated");
    let (_, summary) = run(&[]);
    assert!(summary.contains("-> Write target and recipient under [backup]"), "{summary}");
    assert_eq!(std::fs::metadata(&bundle).expect("a bundle").permissions().mode() & 0o777, 0o600);
    let (again, error) = run(&["--bundle", bundle.to_str().expect("text")]);
    assert_eq!(again, Some(1), "it overwrote a file: {error}");
    let (_, _, figures) = server.request("GET", "/metrics", &cookie, "").expect("an answer");
    let (_, _, health) = server.request("GET", "/healthz?verbose", "", "").expect("an answer");
    server.kill();
    let (_, alone) = run(&["--json"]);
    assert_eq!(state(&serde_json::from_str(&alone).expect("JSON"), "server"), "warn", "{alone}");
    std::fs::set_permissions(data.join("secret.key"), PermissionsExt::from_mode(0o644)).expect("it may");
    let (code, wide) = run(&["--json"]);
    assert_eq!(
        (code, state(&serde_json::from_str(&wide).expect("JSON"), "files").as_str()),
        (Some(1), "fail")
    );
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("it reads")).into_owned();
    let (bundle, log) = (read(&bundle), read(&log));
    assert!(bundle.contains("\"twenty.api_key\": \"(set)\"") && log.contains("control_command"), "{log}");
    let session = cookie.split('=').nth(1).expect("a value");
    for text in [&json, &summary, &error, &figures, &health, &alone, &wide, &bundle, &log] {
        for planted in DONOR.into_iter().chain([crm.key.as_str(), session, "correct-horse-battery"]) {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
    }
}

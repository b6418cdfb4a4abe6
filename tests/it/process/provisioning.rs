//! `almoner twenty` against a simulated Twenty over loopback, also beside a running server.

use std::process::Output;

use super::*;

fn twenty(crm: &Crm, arguments: &[&str]) -> (Output, String) {
    let mut command = almoner(&[&["twenty"], arguments].concat());
    command.env("TWENTY_API_BASE_URL", &crm.url).env("TWENTY_API_KEY", &crm.key).stderr(Stdio::piped());
    let output = command.output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

fn events(said: &str) -> Vec<Value> {
    said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_bare_workspace_is_checked_planned_provisioned_and_complete() {
    let crm = Crm::with(&["--workspace", "bare", "--seed", "5", "--faults", "lost-reply:every=40"]);
    // One of the two must be said.
    assert_eq!(twenty(&crm, &["provision"]).0.status.code(), Some(2));
    let (checked, said) = twenty(&crm, &["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(
        said.contains("version 2.19.0") && said.contains("- gifts (Gifts), needed for posting"),
        "{said}"
    );
    assert!(said.contains("no address is set (ALMONER_PUBLIC_URL)") && said.contains("workspace "), "{said}");

    let (planned, said) = twenty(&crm, &["provision", "--dry-run"]);
    assert!(planned.status.success());
    assert!(said.contains("+ field gifts.donor (Donor, relation to people): for showing who gave"), "{said}");
    assert!(said.ends_with("Nothing was changed. Run this with --apply to add them.\n"), "{said}");
    let (_, said) = twenty(&crm, &["provision", "--dry-run", "--json"]);
    let plan = events(&said).remove(0);
    let steps = plan["steps"].as_array().expect("steps").len();
    assert_eq!((plan["event"].as_str(), steps > 100), (Some("plan"), true));

    // Beside a running server, which then sees what is there.
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), &crm, true);
    let cookie = server.set_up();
    let (applied, said) = twenty(&crm, &["provision", "--apply"]);
    assert!(applied.status.success(), "{said}");
    assert_eq!(said.matches("\n  ok      ").count(), steps, "{said}");
    assert!(
        said.starts_with("To add to http") && said.ends_with("The workspace has everything.\n"),
        "{said}"
    );

    let (again, said) = twenty(&crm, &["provision", "--apply", "--json"]);
    assert!(again.status.success());
    let told = events(&said);
    assert_eq!((told[0]["steps"].as_array().map(Vec::len), &told[1]["lacks"]), (Some(0), &json!([])));
    let (checked, said) = twenty(&crm, &["check", "--json"]);
    assert!(checked.status.success(), "{said}");
    let checked = events(&said).remove(0);
    assert_eq!((&checked["keyAccepted"], &checked["lacks"]), (&json!(true), &json!([])));
    server.json("POST", "/api/sync", &cookie, &Value::Null);
    server.until("/api/sync", &cookie, |sync| sync["lacks"] == json!([]));
}

#[test]
fn a_wrong_key_and_a_server_that_is_away_are_said() {
    let mut crm = Crm::with(&["--workspace", "bare", "--seed", "6"]);
    let key = std::mem::replace(&mut crm.key, "nonsense".into());
    let (refused, said) = twenty(&crm, &["provision", "--apply"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.starts_with("Stopped: ") && said.contains("API key"), "{said}");
    let (checked, said) = twenty(&crm, &["check", "--json"]);
    let told = events(&said).remove(0);
    assert_eq!((checked.status.code(), &told["reachable"]), (Some(1), &json!(true)));
    assert_eq!((&told["keyAccepted"], &told["lacks"]), (&json!(false), &Value::Null));
    crm.key = key;
    crm.url = "http://127.0.0.1:9".into();
    let (checked, said) = twenty(&crm, &["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(said.starts_with("Nothing usable answers at http://127.0.0.1:9"), "{said}");
}

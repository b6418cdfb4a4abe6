//! What the server says of itself: to monitors, to Prometheus, on Home. Never anything of people.
//!
//! Keeps out: a missing backup that nobody is told of, and a donor's name in a monitor.

use super::*;
use almoner::ground::backup::state::{BackupState, Drill, Failed, Good, Rhythm, Verdict};
use almoner::ground::time::Instant;

const DAY_MS: i64 = 24 * 3_600_000;

fn open(api: &Api, path: &str) -> Reply {
    api.raw(Request::builder().uri(path).body(axum::body::Body::empty()).unwrap())
}

fn check(reply: &Reply, name: &str) -> (String, String) {
    let checks = reply.body["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["name"] == name).expect("the check");
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("status"), text("says"))
}

#[test]
fn a_missing_backup_and_a_failed_drill_are_told_everywhere() {
    let api = Api::new();
    let change = |change: fn(&mut BackupState)| {
        block(api.process.means.store.change_backups(change)).unwrap();
    };
    assert_eq!((open(&api, "/livez").status, open(&api, "/livez").text), (StatusCode::OK, "ok\n".into()));
    let none = open(&api, "/healthz?verbose");
    assert_eq!((none.status, none.body["status"].as_str()), (StatusCode::OK, Some("warning")));
    assert!(check(&none, "backup").1.contains("No backups are set up"));
    assert_eq!(open(&api, "/healthz").body, json!({ "status": "warning" }));
    let needs = |api: &Api| api.get("/api/home").body["needsMe"].to_string();
    assert!(needs(&api).contains("No backups are set up"));
    change(|state| {
        state.rhythm = Some(Rhythm { backup_ms: DAY_MS, drill_ms: 7 * DAY_MS });
        state.good = Some(Good {
            set: "almoner-x".into(),
            taken_at: Instant(1_795_424_400_000_000),
            seq: 1,
            stored: 77,
        });
        let drill = Drill {
            at: Instant(1_795_424_400_000_000),
            verdict: Verdict::Passed,
            set: None,
            says: "9 entries".into(),
        };
        (state.drill, state.passed) = (Some(drill.clone()), Some(drill));
    });
    let well = open(&api, "/healthz?verbose");
    assert_eq!((well.status, well.body["status"].as_str()), (StatusCode::OK, Some("ok")), "{}", well.text);
    assert_eq!(api.get("/api/health").body, well.body);
    assert_eq!(needs(&api), "[]");
    // A day and a half later it is missing, and one that was damaged fails its drill.
    change(|state| {
        state.failed = Some(Failed { at: Instant(1), why: "there is no room".into(), times: 2 });
        state.drill.as_mut().unwrap().verdict = Verdict::Failed;
    });
    api.outside.advance_ms(DAY_MS * 3 / 2 + 60_000);
    let bad = open(&api, "/healthz?verbose");
    assert_eq!(bad.status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, says) = check(&bad, "backup");
    assert!(
        status == "failing" && says.contains("there is no room") && says.contains("2026-11-23 09:00 UTC")
    );
    assert_eq!(check(&bad, "drill").0, "failing");
    assert!(needs(&api).contains("there is no room"));
    assert_eq!(api.get("/api/health").status, StatusCode::OK, "a screen is shown it");
}

#[test]
fn metrics_have_names_as_prometheus_wants_them_and_nothing_of_people() {
    let api = Api::new();
    let body = json!({
        "amount": pounds(31), "giftDate": "2026-11-20", "donorFirstName": "Plantagenet",
        "donorLastName": "Quux", "donorEmail": "planted@example.org", "paymentMethod": "card",
    });
    assert_eq!(api.post("/api/fundraising/gift-staging", &body).status, 200);
    let metrics = api.get("/metrics");
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(metrics.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let mut declared = String::new();
    for line in metrics.text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').unwrap();
            assert!(name.starts_with("almoner_") && text.ends_with('.'), "{line}");
            // Base units stand at the end; counters, which alone end in _total, there are none.
            assert!(!["_total", "_ms", "_minutes", "_mb"].iter().any(|unit| name.ends_with(unit)), "{name}");
            assert!(!name.contains("timestamp") || name.ends_with("_timestamp_seconds"), "{name}");
            declared = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{declared} gauge"));
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(name.split('{').next(), Some(declared.as_str()), "{line}");
            assert!(value.parse::<i64>().is_ok(), "{line}");
        }
    }
    let has =
        |line: &str| assert!(metrics.text.lines().any(|found| found == line), "{line}: {}", metrics.text);
    has(r#"almoner_staged_rows{status="pending"} 1"#);
    has("almoner_backup_missing 1");
    has("almoner_outbox_shut 0");
    let told = format!("{} {}", metrics.text, open(&api, "/healthz?verbose").text);
    for planted in ["Plantagenet", "Quux", "planted@", api.token.as_str(), &api.donor()] {
        assert!(!told.contains(planted), "{planted}");
    }
}

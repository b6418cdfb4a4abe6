//! `almoner smoke`: what it says is so, and the calls stay within the bars of the runbook (domain 8).

use super::*;

fn told(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = almoner(arguments).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")))
}

#[test]
fn batches_cost_no_more_calls_than_the_runbook_allows_and_no_retries() {
    let (code, told) = told(&["smoke", "batch", "--rows", "30", "--json"]);
    assert_eq!((code, &told["ok"]), (Some(0), &Value::Bool(true)), "{told}");
    for (n, name, posted, errors, most) in
        [(0, "happy-path", 30, 0, 10), (1, "mixed-routing", 30, 0, 14), (2, "row-fallback-error", 29, 1, 16)]
    {
        let scenario = &told["scenarios"][n];
        assert_eq!(scenario["scenario"], name);
        assert_eq!((&scenario["processed"], &scenario["errors"]), (&posted.into(), &errors.into()), "{told}");
        assert!(scenario["logical"].as_u64().expect("a number") <= most, "{told}");
        // Donors who are known are found without a call; all who are new are made in one, under the same total.
        let third =
            |part: &str, name: &str| (scenario[part][name].as_u64(), scenario[part]["attempts"].as_u64());
        let (linked, created) = (third("donorMatch", "linked"), third("createDonors", "created"));
        assert!(linked.0 >= Some(9) && linked.1 == Some(0), "{told}");
        assert!(created.0 >= Some(9) && created.1 == Some(1), "{told}");
    }
    // One row of the second goes alone.
    assert_eq!(told["scenarios"][1]["rowPath"], 1);
    assert_eq!(told["totals"]["retries"], 0, "{told}");
    let calls: u64 = told["calls"].as_object().expect("calls").values().filter_map(Value::as_u64).sum();
    assert_eq!(told["totals"]["attempts"], calls);
}

#[test]
fn a_gift_goes_all_the_way_and_one_that_nobody_looked_at_waits() {
    let (code, told) = told(&["smoke", "gifts", "--json"]);
    assert_eq!((code, &told["ok"]), (Some(0), &Value::Bool(true)), "{told}");
    let steps = told["steps"].as_array().expect("steps");
    assert!(steps.len() > 5 && steps.iter().all(|step| step["ok"] == true), "{told}");
}

//! Home: its figures, and that each is what the records behind it come to.

use almoner::ground::time::CalendarDate;

use super::*;

impl Api {
    fn home(&self) -> Value {
        let reply = self.get("/api/home");
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body
    }

    fn behind(&self, figure: &str) -> Vec<Value> {
        let reply = self.get(&format!("/api/home/figures/{figure}?limit=100"));
        assert_eq!(reply.status, 200, "{}", reply.text);
        let rows = reply.body["data"].as_array().unwrap().clone();
        assert_eq!(reply.body["meta"]["total"], json!(rows.len()));
        rows
    }

    /// Sums of rows by currency, as the figures tell them.
    fn summed(rows: &[Value]) -> Value {
        let mut sums = std::collections::BTreeMap::<String, (i64, u64)>::new();
        for amount in rows.iter().filter_map(|row| row["amount"].as_object()) {
            let sum = sums.entry(amount["currencyCode"].as_str().unwrap().to_owned()).or_default();
            *sum = (sum.0 + amount["amountMicros"].as_i64().unwrap(), sum.1 + 1);
        }
        let view = |(code, (micros, rows)): (String, (i64, u64))| json!({ "amountMicros": micros, "currencyCode": code, "rows": rows });
        sums.into_iter().map(view).collect()
    }

    fn nudge(&self, name: &str) -> Value {
        let home = self.home();
        let nudge = home["nudges"].as_array().unwrap().iter().find(|nudge| nudge["name"] == name);
        nudge.unwrap_or_else(|| panic!("no nudge {name}")).clone()
    }

    fn today(&self) -> CalendarDate {
        self.home()["cameIn"]["week"]["now"]["to"].as_str().unwrap().parse().unwrap()
    }

    fn gift(&self, donor: &str, (micros, currency): (i64, &str), day: CalendarDate) {
        let amount = json!({ "amountMicros": micros, "currencyCode": currency });
        let gift = json!({ "name": "g", "amount": amount, "giftDate": day, "donorId": donor });
        self.outside.create("gifts", &gift);
    }
}

#[test]
fn what_came_in_is_what_its_gifts_come_to_and_currencies_stay_apart() {
    let mut api = Api::new();
    let today = api.today();
    let donor = api.donor();
    api.gift(&donor, (40_000_000, "GBP"), today);
    api.gift(&donor, (2_500_000, "GBP"), today);
    api.gift(&donor, (7_000_000, "EUR"), today);
    api.gift(&donor, (11_000_000, "GBP"), today.plus_days(-364));
    api.gift(&donor, (13_000_000, "GBP"), today.plus_years(-1));
    api.gift(&donor, (99_000_000, "GBP"), today.plus_days(1));
    api.outside.create("gifts", &json!({ "name": "no amount", "giftDate": today, "donorId": donor }));
    api.synced();
    let home = api.home();
    let mut figures = 0;
    for period in ["week", "month"] {
        for side in ["now", "before"] {
            let figure = &home["cameIn"][period][side];
            let rows = api.behind(figure["name"].as_str().unwrap());
            assert_eq!(figure["gifts"], json!(rows.len()), "{figure}");
            assert_eq!(figure["totals"], Api::summed(&rows), "{figure}");
            figures += 1;
        }
    }
    assert_eq!(figures, 4);
    let week = &home["cameIn"]["week"];
    let euros = json!({ "amountMicros": 7_000_000, "currencyCode": "EUR", "rows": 1 });
    let pounds = json!({ "amountMicros": 42_500_000, "currencyCode": "GBP", "rows": 2 });
    assert_eq!((&week["now"]["totals"], &week["now"]["withoutAmount"]), (&json!([euros, pounds]), &json!(1)));
    assert_eq!(week["before"]["gifts"], 1);
    assert_eq!(home["cameIn"]["freshness"]["state"], "fresh");
    // What Twenty has not confirmed is in no posted total.
    api.staged(5_000_000);
    assert_eq!(api.home()["cameIn"]["week"]["now"], week["now"]);
    // A gift that goes away leaves the figure, and so does one whose day was wrong.
    let gifts = api.behind("gifts-this-week");
    let id = |n: usize| gifts[n]["id"].as_str().unwrap().parse().unwrap();
    let far = today.plus_days(-400);
    let _ = api.outside.twenty.edit("gifts", id(0), &json!({ "deletedAt": "2026-11-24T00:00:00.000Z" }));
    let _ = api.outside.twenty.edit("gifts", id(1), &json!({ "giftDate": far }));
    api.synced();
    assert_eq!(api.home()["cameIn"]["week"]["now"]["gifts"], 2);
}

#[test]
fn rules_find_whom_to_thank_who_lapsed_and_what_is_due() {
    let mut api = callers::provisioned();
    api.outside.people(3);
    api.synced();
    let today = api.today();
    let people = api.outside.twenty.records("people");
    let id = |n: usize| people[n]["id"].as_str().unwrap().to_owned();
    let name = |n: usize| {
        let name = &people[n]["name"];
        format!("{} {}", name["firstName"].as_str().unwrap(), name["lastName"].as_str().unwrap())
    };
    let (fresh, lapsed, loyal) = (id(0), id(1), id(2));
    let (thanked, left) = (name(0), name(1));
    api.gift(&fresh, (5_000_000, "GBP"), today.plus_days(-3));
    api.gift(&fresh, (5_000_000, "GBP"), today.plus_days(-1));
    api.gift(&lapsed, (5_000_000, "GBP"), today.plus_years(-2));
    api.gift(&lapsed, (6_000_000, "GBP"), today.plus_years(-1).plus_days(-10));
    api.gift(&loyal, (5_000_000, "GBP"), today.plus_years(-1).plus_days(-10));
    api.gift(&loyal, (5_000_000, "GBP"), today.plus_days(-40));
    let due = |days: i32| format!("{}T09:00:00.000Z", today.plus_days(days));
    for (title, days, status) in [
        ("Call her", -2, "TODO"),
        ("Done already", -2, "DONE"),
        ("Later", 3, "TODO"),
        ("Today", 0, "IN_PROGRESS"),
    ] {
        let task = json!({ "title": title, "dueAt": due(days), "status": status });
        let task = api.outside.create("tasks", &task);
        if title == "Call her" {
            api.outside.create("taskTargets", &json!({ "taskId": task, "targetPersonId": loyal }));
        }
    }
    for (name, days, status) in
        [("Overdue", -1, "ACTIVE"), ("Near", 2, "ACTIVE"), ("Paused", -9, "PAUSED"), ("Far", 30, "ACTIVE")]
    {
        let agreement = json!({ "name": name, "status": status, "personId": loyal, "nextExpectedAt": today.plus_days(days) });
        api.outside.create("recurringAgreements", &agreement);
    }
    api.synced();
    for (name, titles) in [
        ("first-gifts", vec![thanked.as_str()]),
        ("just-lapsed", vec![left.as_str()]),
        ("tasks-due", vec!["Call her", "Today"]),
        ("agreements-overdue", vec!["Overdue"]),
        ("agreements-near", vec!["Near"]),
    ] {
        let nudge = api.nudge(name);
        assert_eq!((&nudge["count"], &nudge["note"]), (&json!(titles.len()), &Value::Null), "{nudge}");
        let rows = api.behind(name);
        let told: Vec<&str> = rows.iter().map(|row| row["title"].as_str().unwrap()).collect();
        assert_eq!(told, titles, "{name}");
    }
    assert_eq!(api.behind("first-gifts")[0]["donorId"], json!(fresh));
    assert_eq!(api.behind("just-lapsed")[0]["amount"]["amountMicros"], 6_000_000);
    let call = &api.behind("tasks-due")[0];
    assert_eq!((&call["donorId"], &call["day"]), (&json!(loyal), &json!(today.plus_days(-2))));
    assert_eq!(api.behind("agreements-near")[0]["donorId"], json!(loyal));
    assert_eq!(api.get("/api/home/figures/nothing").status, 404);
}

#[test]
fn what_people_did_last_is_told_and_what_a_sync_saw_is_not() {
    let mut api = Api::new();
    let row = api.staged(5_000_000);
    let donor = api.donor();
    api.gift(&donor, (5_000_000, "GBP"), api.today());
    api.synced();
    let home = api.home();
    let activity = home["activity"].as_array().unwrap();
    assert!(!activity.is_empty() && activity.len() <= 8);
    assert!(activity.iter().any(|entry| entry["subjectId"] == json!(row)), "{home}");
    assert!(activity.iter().all(|entry| entry["object"] != "gifts"), "{home}");
}

#[test]
fn bookmarks_of_the_old_screens_lead_home() {
    let api = Api::new();
    for path in ["/fundraising", "/fundraising/"] {
        let reply = api.get(path);
        assert_eq!(reply.status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(reply.headers[header::LOCATION], "/");
    }
    assert_eq!(api.get("/api/fundraising/nothing").status, 404, "the API is no screen");
}

//! The desk over the API: rehearsals, posting at once, steering a run, batches' defaults, settings.

use super::*;

impl Api {
    /// A request that waits for a run, and the runs at work meanwhile.
    fn meanwhile(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token));
        if !body.is_null() {
            request = request.header("content-type", "application/json");
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(axum::body::Body::from(text)).unwrap();
        let router = self.router.clone();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                block(async {
                    let response = router.oneshot(request).await.unwrap();
                    let (status, headers) = (response.status(), response.headers().clone());
                    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
                })
            });
            while !asking.is_finished() {
                self.process.step();
                std::thread::yield_now();
            }
            asking.join().unwrap()
        })
    }

    fn row(&self, id: &str) -> Value {
        self.get(&format!("/api/fundraising/gift-staging/{id}")).body["data"]["giftStaging"].clone()
    }

    fn mark(&self, id: &str, status: &str) -> Reply {
        let path = format!("/api/fundraising/gift-staging/{id}/status");
        self.patch(&path, &json!({ "processingStatus": status }))
    }

    fn take_in(&self, body: &Value) -> String {
        let reply = self.post("/api/fundraising/gift-staging", body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["data"]["giftStaging"]["id"].as_str().unwrap().to_owned()
    }

    fn batch(&self, rows: &[&str]) -> String {
        let made =
            self.post("/api/fundraising/gift-batches", &json!({ "name": "Monday post", "rowIds": rows }));
        assert_eq!(made.status, 200, "{}", made.text);
        made.body["data"]["createGiftBatch"]["id"].as_str().unwrap().to_owned()
    }
}

fn of_somebody_new(n: i64) -> Value {
    json!({
        "amount": pounds(n), "giftDate": "2026-11-20", "paymentMethod": "card",
        "contact": { "firstName": "Grace", "lastName": format!("New{n}"), "email": format!("g{n}@example.org") },
    })
}

#[test]
fn what_was_rehearsed_is_what_is_sent() {
    let mut api = Api::new();
    let mut rows: Vec<String> = (1..=4).map(|n| api.staged(n * 1_000_000)).collect();
    for n in 5..=7 {
        let id = api.take_in(&of_somebody_new(n));
        let told = api.row(&id);
        assert_eq!(told["donorResolutionState"], "UNREVIEWED");
        assert_eq!(api.mark(&id, "ready_for_process").status, 409, "somebody must say that they are new");
        let edit = json!({ "donorResolutionState": "NEW_DONOR" });
        let edited = api.patch(&format!("/api/fundraising/gift-staging/{id}"), &edit);
        assert_eq!(
            edited.body["data"]["giftStaging"]["donorResolutionState"], "NEW_DONOR",
            "{}",
            edited.text
        );
        rows.push(id);
    }
    for id in &rows {
        assert_eq!(api.mark(id, "ready_for_process").status, 200);
    }
    let batch = api.batch(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let plan_path = format!("/api/fundraising/gift-batches/{batch}/plan");
    let stale = api.meanwhile("POST", &plan_path, &Value::Null);
    assert_eq!(stale.status, 200, "{}", stale.text);
    assert_eq!(
        (stale.body["data"]["calls"].as_u64(), stale.body["data"]["rows"].as_u64()),
        (Some(2), Some(7))
    );
    // One gift changes: the plan is not what would happen any more.
    let note = json!({ "notes": "In memory of Bob" });
    assert_eq!(api.patch(&format!("/api/fundraising/gift-staging/{}", rows[0]), &note).status, 200);
    let process_path = format!("/api/fundraising/gift-batches/{batch}/process");
    let refused = api.post(&process_path, &json!({ "plan": stale.body["data"]["plan"] }));
    assert_eq!(refused.status, 412, "{}", refused.text);
    assert!(api.outside.twenty.records("gifts").is_empty(), "a rehearsal sends nothing");
    let plan = api.meanwhile("POST", &plan_path, &Value::Null).body["data"].clone();
    assert!(plan["minutes"].as_u64().is_some_and(|minutes| minutes <= 1));
    api.outside.twenty.clear_log();
    assert_eq!(api.post(&process_path, &json!({ "plan": plan["plan"] })).status, 200);
    api.settle();
    let sent: Vec<(String, Value)> = api
        .outside
        .twenty
        .request_log()
        .into_iter()
        .filter(|call| call.method == http::Method::POST)
        .map(|call| (call.path, serde_json::from_slice(&call.body).unwrap()))
        .collect();
    let planned: Vec<(String, Value)> = plan["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let path = request["path"].as_str().unwrap().split('?').next().unwrap().to_owned();
            (path, request["body"].clone())
        })
        .collect();
    assert_eq!(sent, planned);
    assert_eq!(api.outside.twenty.records("gifts").len(), 7);
}

#[test]
fn a_row_is_posted_alone_and_says_how_it_went() {
    let mut api = Api::new();
    let id = api.staged(25_000_000);
    let path = format!("/api/fundraising/gift-staging/{id}/process");
    let early = api.meanwhile("POST", &path, &Value::Null);
    assert_eq!(
        (early.status, &early.body["status"], &early.body["reason"]),
        (StatusCode::OK, &json!("deferred"), &json!("not_ready"))
    );
    api.mark(&id, "ready_for_process");
    let done = api.meanwhile("POST", &path, &Value::Null);
    assert_eq!((done.status, &done.body["status"]), (StatusCode::OK, &json!("processed")), "{}", done.text);
    let again = api.meanwhile("POST", &path, &Value::Null);
    assert_eq!(again.body, done.body, "the same gift, and nothing is written");
    assert_eq!(api.outside.twenty.records("gifts").len(), 1);
    assert_eq!(done.body["giftId"], api.row(&id)["gift"]["id"]);
}

#[test]
fn a_gift_is_posted_at_once_where_its_sender_wishes_and_may() {
    let mut api = Api::new();
    let path = "/api/fundraising/gifts";
    // Nothing said: it waits for a person, and the answer says so.
    let waits = api.meanwhile("POST", path, &of_somebody_new(1));
    assert_eq!(
        (waits.status, &waits.body["meta"]["stagedOnly"]),
        (StatusCode::OK, &json!(true)),
        "{}",
        waits.text
    );
    let wish = |mut body: Value| {
        body["autoProcess"] = json!(true);
        body
    };
    let posted = api.meanwhile("POST", path, &wish(of_somebody_new(2)));
    assert_eq!(posted.status, 200, "{}", posted.text);
    let gift = &posted.body["data"]["createGift"];
    assert_eq!(gift["name"], "Donation from Grace New2 - £2 - 2026-11-20");
    let people = api.outside.twenty.records("people");
    assert!(
        people.iter().any(|person| person["id"] == gift["donorId"] && person["name"]["lastName"] == "New2")
    );
    // Somebody has the address by now: nobody is matched and nobody is made twice.
    let known = api.meanwhile("POST", path, &wish(of_somebody_new(2)));
    assert_eq!(known.body["meta"]["stagedOnly"], true, "{}", known.text);
    // A program is trusted with a donor it names, and no further.
    let mut program = wish(of_somebody_new(3));
    program["intakeSource"] = json!("crm_sync");
    assert_eq!(api.meanwhile("POST", path, &program).body["meta"]["stagedOnly"], true);
    program["contactId"] = json!(api.donor());
    assert!(api.meanwhile("POST", path, &program).body["data"]["createGift"]["id"].is_string());
    // What is incomplete waits, whoever wishes.
    let mut undated = wish(of_somebody_new(4));
    undated["giftDate"] = Value::Null;
    assert_eq!(api.meanwhile("POST", path, &undated).body["meta"]["stagedOnly"], true);
    for wrong in [json!({ "amount": pounds(1) }), json!({ "amount": pounds(1), "giftIntent": "grant" })] {
        assert_eq!(api.meanwhile("POST", path, &wrong).status, 400);
    }
    assert_eq!(api.outside.twenty.records("gifts").len(), 2);
}

#[test]
fn a_repeated_wish_is_one_gift() {
    let mut api = Api::new();
    let mut body = of_somebody_new(9);
    body["autoProcess"] = json!(true);
    body["sourceFingerprint"] = json!("form-77");
    let first = api.meanwhile("POST", "/api/fundraising/gifts", &body);
    let again = api.meanwhile("POST", "/api/fundraising/gifts", &body);
    assert_eq!(
        first.body["data"]["createGift"]["id"], again.body["data"]["createGift"]["id"],
        "{}",
        again.text
    );
    assert_eq!(api.outside.twenty.records("gifts").len(), 1);
}

#[test]
fn a_run_is_paused_and_stopped_under_its_own_batch() {
    let mut api = Api::new();
    let rows: Vec<String> = (1..=3).map(|n| api.staged(n * 1_000_000)).collect();
    for id in &rows {
        assert_eq!(api.mark(id, "ready_for_process").status, 200);
    }
    let batch = api.batch(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let path = format!("/api/fundraising/gift-batches/{batch}/process");
    let run = api.post(&path, &json!({})).body["data"]["run"]["runId"].as_str().unwrap().to_owned();
    let steer = |api: &Api, wish: &str| api.patch(&format!("{path}/{run}"), &json!({ "wish": wish }));
    assert_eq!(steer(&api, "pause").body["data"]["run"]["wish"], "pause");
    for _ in 0..5 {
        api.process.step();
    }
    assert!(api.outside.twenty.records("gifts").is_empty());
    assert_eq!(steer(&api, "halt").status, 400);
    let other = api.batch(&[]);
    let elsewhere = format!("/api/fundraising/gift-batches/{other}/process/{run}");
    assert_eq!(api.patch(&elsewhere, &json!({ "wish": "go" })).status, 404);
    assert_eq!(steer(&api, "cancel").status, 200);
    api.settle();
    assert_eq!(api.get(&format!("{path}/{run}")).body["data"]["run"]["status"], "cancelled");
    assert_eq!(steer(&api, "go").status, 409);
    assert!(rows.iter().all(|id| api.row(id)["processingStatus"] == "ready_for_process"));
}

#[test]
fn defaults_of_a_batch_fill_blanks_only() {
    let mut api = Api::new();
    let fund = |api: &Api, name: &str| api.outside.create("funds", &json!({ "name": name })).to_string();
    let (roof, bells) = (fund(&api, "Roof"), fund(&api, "Bells"));
    api.outside.advance_ms(2_000);
    api.process.sync_now();
    api.settle();
    let (blank, own) = (api.staged(1_000_000), api.staged(2_000_000));
    let edit = api.patch(&format!("/api/fundraising/gift-staging/{own}"), &json!({ "fundId": bells }));
    assert_eq!(edit.body["data"]["giftStaging"]["coding"]["fund"]["name"], "Bells", "{}", edit.text);
    assert_eq!(api.mark(&blank, "ready_for_process").status, 200);
    let batch = api.batch(&[&blank, &own]);
    let path = format!("/api/fundraising/gift-batches/{batch}");
    let changed = api.patch(&path, &json!({ "defaultFundId": roof, "expectedCount": 2, "name": "Tuesday" }));
    assert_eq!(changed.status, 200, "{}", changed.text);
    let told = &changed.body["data"]["giftBatch"];
    assert_eq!((&told["name"], &told["expectedCount"]), (&json!("Tuesday"), &json!(2)));
    assert_eq!(told["defaults"]["fund"]["name"], "Roof");
    assert_eq!(api.row(&blank)["coding"]["fund"]["id"], roof);
    assert_eq!(api.row(&blank)["processingStatus"], "ready_for_process", "nothing was judged by that");
    assert_eq!(api.row(&own)["coding"]["fund"]["id"], bells);
    let nowhere = json!({ "defaultFundId": "00000000-0000-4000-8000-000000000404" });
    assert_eq!(api.patch(&path, &nowhere).status, 400);
    assert_eq!(api.patch(&path, &json!({ "name": null })).status, 400);
    // Who joins later is filled too.
    let later = api.staged(3_000_000);
    api.patch(&format!("/api/fundraising/gift-staging/{later}"), &json!({ "giftBatchId": batch }));
    assert_eq!(api.row(&later)["coding"]["fund"]["id"], roof);
}

#[test]
fn settings_say_what_is_warned_of_and_a_switch_stops_intake() {
    let api = Api::new();
    let (first, twin) = (api.staged(5_000_000), api.staged(5_000_000));
    let codes = |api: &Api, id: &str| {
        let warnings = api.row(id)["processingDiagnostics"]["processingWarnings"].clone();
        let codes = warnings.as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(&api, &first), ["possible_duplicate_gift"]);
    assert_eq!(codes(&api, &twin), ["possible_duplicate_gift"]);
    let settings = api.get("/api/settings").body;
    assert_eq!((&settings["meta"]["version"], &settings["meta"]["changedAt"]), (&json!(0), &Value::Null));
    let change = json!({
        "warnings": { "possible_duplicate_gift": false, "fund_missing": true, "fund_missing:standard": null },
        "promiseDays": { "api": 1 },
    });
    assert_eq!(api.patch("/api/settings", &change).status, 200);
    assert_eq!(codes(&api, &first), ["fund_missing"]);
    api.outside.advance_ms(26 * 3_600_000);
    assert_eq!(codes(&api, &first), ["row_late", "fund_missing"]);
    for wrong in [
        json!({ "warnings": { "no_such": true } }),
        json!({ "flags": { "NO_SUCH": true } }),
        json!({ "promiseDays": { "api": -1 } }),
        json!({ "unusual": { "times": 1 } }),
        json!({ "colour": "blue" }),
        json!({}),
    ] {
        assert_eq!(api.patch("/api/settings", &wrong).status, 400, "{wrong}");
    }
    let off = json!({ "flags": { "FUNDRAISING_ENABLE_GIFT_STAGING": false } });
    let reply = api.call_with("PATCH", "/api/settings", &off.to_string(), &[("if-match", "\"1\"")]);
    assert_eq!(reply.status, 412, "somebody changed them since");
    assert_eq!(api.patch("/api/settings", &off).status, 200);
    let refused = api.post("/api/fundraising/gift-staging", &json!({ "amount": pounds(1) }));
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("Gift staging is disabled"))
    );
    let on = json!({ "flags": { "FUNDRAISING_ENABLE_GIFT_STAGING": null } });
    assert_eq!(api.patch("/api/settings", &on).status, 200);
    api.staged(1_000_000);
}

#[test]
fn two_answers_about_who_gave_are_no_answer() {
    let api = Api::new();
    let id = api.staged(5_000_000);
    let path = format!("/api/fundraising/gift-staging/{id}");
    let both = json!({ "donorId": api.donor(), "isAnonymousDonor": true });
    assert_eq!(api.patch(&path, &both).status, 400);
    let anonymous = api.patch(&path, &json!({ "donorId": null, "isAnonymousDonor": true }));
    let row = &anonymous.body["data"]["giftStaging"];
    assert_eq!(
        (&row["isAnonymousDonor"], &row["donorId"]),
        (&json!(true), &Value::Null),
        "{}",
        anonymous.text
    );
    let named = api.patch(&path, &json!({ "isAnonymousDonor": false }));
    assert_eq!(named.body["data"]["giftStaging"]["isAnonymousDonor"], false);
    assert_eq!(api.patch(&path, &json!({ "donorResolutionState": "CONFIRMED" })).status, 400);
}

#[test]
fn what_a_gift_can_be_booked_to_is_found_by_parts_of_its_name() {
    let mut api = Api::new();
    for (name, code, active) in
        [("Church roof", "R1", true), ("Roof garden", "G7", true), ("Old roof", "R0", false)]
    {
        api.outside.create("funds", &json!({ "name": name, "code": code, "isActive": active }));
    }
    api.outside.advance_ms(2_000);
    api.process.sync_now();
    api.settle();
    let names = |api: &Api, query: &str| {
        let reply = api.get(&format!("/api/choices/funds?{query}"));
        assert_eq!(reply.status, 200, "{}", reply.text);
        let list = reply.body["data"].as_array().unwrap().clone();
        list.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&api, "q=ROOF"), ["Church roof", "Roof garden"], "what is not in use is not offered");
    assert_eq!(names(&api, "q=roof%20g7"), ["Roof garden"]);
    assert_eq!(names(&api, "limit=1"), ["Church roof"]);
    assert_eq!(api.get("/api/choices/people").status, 404);
    assert_eq!(api.get("/api/choices/funds?sort=name").status, 400);
}

#[test]
fn a_donor_is_shown_with_everything_that_belongs_to_them() {
    let mut api = Api::new();
    let donor = api.donor();
    let other = api.outside.twenty.records("people")[1]["id"].as_str().unwrap().to_owned();
    for (amount, day) in [(40, "2026-01-05"), (2, "2025-03-01")] {
        let gift = json!({ "name": "given", "amount": pounds(amount), "giftDate": day, "donorId": donor });
        api.outside.create("gifts", &gift);
    }
    api.outside.create("gifts", &json!({ "name": "foreign", "amount": { "amountMicros": 7_000_000, "currencyCode": "EUR" }, "donorId": donor }));
    api.outside.create("gifts", &json!({ "name": "somebody else's", "amount": pounds(9), "donorId": other }));
    api.staged(3_000_000);
    let task = json!({ "title": "Thank her", "body": "By **Friday**", "targets": [{ "object": "people", "id": donor }] });
    assert_eq!(api.post("/api/tasks", &task).status, 202);
    let note = json!({ "title": "Met at the fair", "targets": [{ "object": "people", "id": donor }] });
    assert_eq!(api.post("/api/notes", &note).status, 202);
    // Before Twenty has them they are there already.
    let early = api.get(&format!("/api/donors/{donor}")).body["data"].clone();
    assert_eq!(
        (&early["tasks"][0]["title"], &early["tasks"][0]["state"]),
        (&json!("Thank her"), &json!("pending"))
    );
    api.outside.advance_ms(2_000);
    api.process.sync_now();
    api.settle();
    let reply = api.get(&format!("/api/donors/{donor}"));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let data = &reply.body["data"];
    assert_eq!((&data["name"], &data["state"]), (&json!("Ada0 Lovelace"), &json!("live")));
    let giving = &data["giving"];
    assert_eq!(
        (&giving["count"], &giving["firstDate"], &giving["lastDate"]),
        (&json!(3), &json!("2025-03-01"), &json!("2026-01-05"))
    );
    let sums: Vec<(&str, i64)> = giving["totals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sum| (sum["currencyCode"].as_str().unwrap(), sum["amountMicros"].as_i64().unwrap()))
        .collect();
    assert_eq!(sums, [("EUR", 7_000_000), ("GBP", 42_000_000)], "currencies are never added together");
    let dates: Vec<&Value> = data["gifts"].as_array().unwrap().iter().map(|gift| &gift["giftDate"]).collect();
    assert_eq!(dates, [&json!("2026-01-05"), &json!("2025-03-01"), &Value::Null]);
    assert_eq!(data["waiting"].as_array().unwrap().len(), 1);
    let tasks = data["tasks"].as_array().unwrap();
    assert_eq!((tasks.len(), &tasks[0]["state"], &tasks[0]["status"]), (1, &json!("live"), &json!("TODO")));
    assert!(tasks[0]["body"].as_str().unwrap().contains("**Friday**"));
    assert_eq!(data["notes"][0]["title"], "Met at the fair");
    let task = tasks[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.patch(&format!("/api/tasks/{task}"), &json!({ "done": "yes" })).status, 400);
    for (done, state) in [(true, "DONE"), (false, "TODO")] {
        assert_eq!(api.patch(&format!("/api/tasks/{task}"), &json!({ "done": done })).status, 202);
        api.settle();
        let now = api.get(&format!("/api/donors/{donor}")).body["data"]["tasks"][0].clone();
        assert_eq!(now["status"], state);
    }
    assert!(!data["history"].as_array().unwrap().is_empty());
    assert_eq!(api.get("/api/donors/00000000-0000-4000-8000-000000000404").status, 404);
    // Nothing of it is told with somebody else.
    let other = api.get(&format!("/api/donors/{other}")).body["data"].clone();
    assert_eq!((other["tasks"].as_array().unwrap().len(), &other["giving"]["count"]), (0, &json!(1)));
}

#[test]
fn many_rows_are_marked_at_once_and_each_is_told() {
    let mut api = Api::new();
    let good = api.take_in(&of_somebody_new(1));
    let poor = api.take_in(&json!({ "amount": { "amountMicros": 5_000_000, "currencyCode": "GBP" } }));
    let path = "/api/fundraising/gift-staging/status";
    let nobody = "00000000-0000-4000-8000-000000000009";
    api.patch(
        &format!("/api/fundraising/gift-staging/{good}"),
        &json!({ "donorResolutionState": "NEW_DONOR" }),
    );
    let ids = [good.as_str(), poor.as_str(), nobody, good.as_str()];
    let told = api.post(path, &json!({ "ids": ids, "processingStatus": "ready_for_process" }));
    assert_eq!(told.status, 200, "{}", told.text);
    let done: Vec<bool> =
        told.body["data"].as_array().unwrap().iter().map(|row| row["done"].as_bool().unwrap()).collect();
    assert_eq!(done, [true, false, false], "{}", told.text);
    assert!(told.body["data"][1]["message"].as_str().unwrap().len() > 10);
    assert!(told.body["data"][2]["message"].as_str().unwrap().contains("no such gift"));
    assert_eq!(api.row(&good)["processingStatus"], "ready_for_process");
    assert_eq!(api.row(&poor)["processingStatus"], "pending");
    for wrong in [json!({ "ids": [], "processingStatus": "pending" }), json!({ "ids": [good] })] {
        assert_eq!(api.post(path, &wrong).status, 400);
    }
    let ids = api.get("/api/fundraising/gift-staging/ids?status=ready_for_process");
    assert_eq!(ids.body["data"], json!([good]));
    api.process.step();
}

#[test]
fn the_queue_is_asked_by_place_or_by_cursor() {
    let api = Api::new();
    let made: Vec<String> = (1..=7).map(|n| api.take_in(&of_somebody_new(n))).collect();
    let ids = |reply: &Reply| -> Vec<String> {
        let rows = reply.body["data"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let sort = "sort=amount.amountMicros:asc";
    let all = ids(&api.get(&format!("/api/fundraising/gift-staging?{sort}")));
    assert_eq!(all, made);
    let part = api.get(&format!("/api/fundraising/gift-staging?{sort}&offset=3&limit=2"));
    assert_eq!((ids(&part), part.body["meta"]["total"].as_u64()), (all[3..5].to_vec(), Some(7)));
    let cursor = part.body["meta"]["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("/api/fundraising/gift-staging?{sort}&cursor={cursor}"));
    assert_eq!(ids(&rest), all[5..]);
    let both = api.get(&format!("/api/fundraising/gift-staging?cursor={cursor}&offset=1"));
    assert_eq!(both.status, 400, "{}", both.text);
    assert_eq!(api.get("/api/fundraising/gift-staging?cursor=AAAA").status, 400);
}

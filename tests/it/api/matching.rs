//! Matching as callers meet it: duplicates, matches with their reasons, "why not?", and what a row says of its donor.
//!
//! Keeps out: numbers that do not add up, a call to Twenty, a row that proposes a stranger, and a parameter that is ignored.

use serde_json::{Value, json};

use super::{Api, pounds};

/// Some people of Twenty, known here.
fn api() -> (Api, String, String) {
    let mut api = Api::new();
    let create = |api: &Api, first: &str, last: &str, email: &str, street: &str| {
        let body = json!({
            "name": { "firstName": first, "lastName": last },
            "emails": { "primaryEmail": email, "additionalEmails": [] },
            "phones": { "primaryPhoneNumber": "1633700221", "primaryPhoneCallingCode": "+44" },
            "mailingAddress": { "addressStreet1": "7 Mill Lane", "addressCity": street, "addressPostcode": "NP20 1AA" },
        });
        api.outside.create("people", &body).to_string()
    };
    let kate = create(&api, "Katherine", "Llewellyn", "kate@llewellyn.example", "Newport");
    let dan = create(&api, "Dan", "Llewellyn", "dan@llewellyn.example", "Newport");
    api.outside.advance_ms(20 * 60_000);
    api.settle();
    api.outside.twenty.clear_log();
    (api, kate, dan)
}

fn total(weight: &Value) -> f64 {
    weight["waterfall"].as_array().unwrap().iter().map(|step| step["bits"].as_f64().unwrap()).sum()
}

#[test]
fn a_match_says_who_how_likely_and_why() {
    let (api, kate, _) = api();
    let donor = json!({ "firstName": "Kate", "lastName": "Llewellyn", "email": "kate@llewellyn.example" });
    let reply = api.post("/api/fundraising/people/match", &json!({ "donor": donor }));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let (decision, best) = (&reply.body["data"]["decision"], &reply.body["data"]["candidates"][0]);
    assert_eq!(decision["outcome"], "partial_match_review", "{decision}");
    assert_eq!(decision["decidedBy"], "email_of_another_name");
    assert_eq!((best["id"].as_str(), best["kind"].as_str()), (Some(kate.as_str()), Some("person")));
    assert_eq!(best["likelihood"], "very likely", "a nickname is not a name");
    assert!((total(best) - best["bits"].as_f64().unwrap()).abs() < 0.05, "{best}");
    let nickname = best["waterfall"].as_array().unwrap().iter().find(|step| step["what"] == "first name");
    let nickname = nickname.unwrap();
    assert_eq!((nickname["left"].as_str(), nickname["right"].as_str()), (Some("Kate"), Some("Katherine")));
    assert_eq!(nickname["found"], "said for each other");
    assert!(reply.body["meta"]["model"].as_str().unwrap().starts_with("shipped-"));
    assert!(reply.body["meta"]["strongMatchesOff"].is_string());

    let exact =
        json!({ "firstName": "katherine", "lastName": "Llewellyn", "email": "kate@llewellyn.example" });
    let reply = api.post("/api/fundraising/people/match", &json!({ "donor": exact }));
    assert_eq!(reply.body["data"]["decision"]["outcome"], "auto_linked");
    assert_eq!(reply.body["data"]["decision"]["personId"], kate.as_str());
    assert_eq!(api.outside.twenty.request_log().len(), 0, "nothing is asked of Twenty");
}

#[test]
fn duplicates_answer_in_twentys_shape_one_or_many() {
    let (api, kate, _) = api();
    let ask = |body: Value| {
        let reply = api.post("/api/fundraising/people/duplicates", &body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        let answers = reply.body["data"].as_array().unwrap().clone();
        let ids = |answer: &Value| -> Vec<String> {
            let records = answer["personDuplicates"].as_array().unwrap();
            assert_eq!(answer["totalCount"], records.len());
            records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
        };
        answers.iter().map(ids).collect::<Vec<_>>()
    };
    let told = json!({ "name": { "firstName": "Kathryn", "lastName": "Llewellyn" }, "emails": { "primaryEmail": "kate@llewellyn.example" } });
    let nobody = json!({ "name": { "firstName": "Zoltan", "lastName": "Quist" } });
    assert_eq!(ask(json!({ "data": [told, nobody] })), [vec![kate.clone()], vec![]]);
    assert_eq!(ask(json!({ "ids": [kate] })), [Vec::<String>::new()], "nobody is their own duplicate");
    let old = json!({ "firstName": "Katherine", "lastName": "Llewellyn", "email": "kate@llewellyn.example", "depth": 1 });
    assert_eq!(ask(old), [vec![kate.clone()]]);
    for wrong in [json!({}), json!({ "data": [], "ids": [] }), json!({ "firstName": "K", "lastName": "L" })] {
        assert_eq!(api.post("/api/fundraising/people/duplicates", &wrong).status, 400, "{wrong}");
    }
    let gone = json!({ "ids": ["11111111-2222-4333-8444-555555555555"] });
    assert_eq!(api.post("/api/fundraising/people/duplicates", &gone).status, 404);
}

#[test]
fn why_not_is_answered_for_any_two_records_and_either_way_round() {
    let (api, kate, dan) = api();
    let why = |left: Value, right: Value| {
        let reply = api.post("/api/fundraising/people/why", &json!({ "left": left, "right": right }));
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["data"].clone()
    };
    let (one, other) = (json!({ "personId": kate }), json!({ "personId": dan }));
    let spouses = why(one.clone(), other.clone());
    assert_eq!(spouses["likelihood"], "unlikely", "{spouses}");
    assert!((total(&spouses) - spouses["bits"].as_f64().unwrap()).abs() < 0.05);
    assert_eq!(spouses["bits"], why(other, one.clone())["bits"]);
    assert_eq!(spouses["isCandidate"], true, "a household is looked at, and not taken for one person");
    let stranger = why(one, json!({ "donor": { "firstName": "Zoltan", "lastName": "Quist" } }));
    assert_eq!(stranger["isCandidate"], false);
    assert!(stranger["verdict"].as_str().unwrap().contains("below the threshold"));
    let both = json!({ "left": { "personId": kate, "donor": {} }, "right": { "personId": dan } });
    assert_eq!(api.post("/api/fundraising/people/why", &both).status, 400);
}

#[test]
fn a_row_says_who_may_have_given_it_and_a_run_stores_what_it_found() {
    let (mut api, kate, _) = api();
    let told = |first: &str, email: &str| json!({ "amount": pounds(5), "contact": { "firstName": first, "lastName": "Llewellyn", "email": email } });
    let stage = |api: &Api, body: &Value| {
        api.post("/api/fundraising/gift-staging", body).body["data"]["giftStaging"].clone()
    };
    let known = stage(&api, &told("Kate", "kate@llewellyn.example"));
    let diagnostics = &known["processingDiagnostics"];
    assert_eq!(diagnostics["identityConfidence"], "strong", "{known}");
    let best = &diagnostics["donorCandidates"][0];
    assert_eq!(
        (best["id"].as_str(), best["likelihood"].as_str()),
        (Some(kate.as_str()), Some("very likely"))
    );
    let exact = stage(&api, &told("Katherine", "kate@llewellyn.example"));
    let rows = [known["id"].clone(), exact["id"].clone()];
    let batch = api.post("/api/fundraising/gift-batches", &json!({ "name": "Post", "rowIds": rows }));
    let batch = batch.body["data"]["createGiftBatch"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/fundraising/gift-batches/{batch}/donor-match");
    let asked = api.post(&path, &json!({}));
    assert_eq!(
        (asked.status.as_u16(), asked.body["data"]["run"]["type"].as_str()),
        (200, Some("donor-match"))
    );
    let run = asked.body["data"]["run"]["runId"].as_str().unwrap().to_owned();
    api.settle();
    let ended = api.get(&format!("{path}/{run}")).body["data"]["run"].clone();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(
        (&ended["donorMatch"]["autoLinked"], &ended["donorMatch"]["partialMatchReview"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(api.get(&format!("/api/fundraising/gift-batches/{batch}/process/{run}")).status, 404);
    let row = |id: &Value| {
        let path = format!("/api/fundraising/gift-staging/{}", id.as_str().unwrap());
        api.get(&path).body["data"]["giftStaging"].clone()
    };
    let (review, linked) = (row(&rows[0]), row(&rows[1]));
    assert_eq!(
        (linked["donorId"].as_str(), linked["dedupeStatus"].as_str()),
        (Some(kate.as_str()), Some("matched_existing"))
    );
    assert_eq!(linked["donorMatch"]["runId"], run.as_str());
    assert_eq!(
        (review["donorResolutionState"].as_str(), review["donorMatch"]["outcome"].as_str()),
        (Some("AMBIGUOUS"), Some("partial_match_review"))
    );
    assert_eq!(review["donorMatch"]["proposed"][0]["id"], kate.as_str());
    // Other words for the donor: what was found is not about them.
    let path = format!("/api/fundraising/gift-staging/{}", rows[0].as_str().unwrap());
    let changed = api.patch(&path, &json!({ "donorEmail": "somebody@else.example" }));
    assert_eq!(changed.body["data"]["giftStaging"]["donorMatch"], Value::Null);
}

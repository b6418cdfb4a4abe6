//! Lists, filters, orders, cursors, depth, groups, and the answers to requests that make no sense.

use serde_json::{Value, json};

use super::{Probe, id};
use crate::sim::twenty::{Options, RateLimit, Version};

/// Five gifts, one of them of a person.
fn gifts() -> Probe {
    let probe = Probe::ticking();
    let donor = probe.make(
        "people",
        &json!({"name": {"firstName": "Ada", "lastName": "Lovelace"},
        "emails": {"primaryEmail": "ada@example.org", "additionalEmails": ["a@b.org", "c@d.org"]}}),
    );
    let money = |pounds: i64| json!({"amountMicros": pounds * 1_000_000, "currencyCode": "GBP"});
    let batch = json!([
        {"name": "a", "externalId": "x-1", "amount": money(10), "giftDate": "2026-01-05", "status": "PLEDGED", "donorId": id(&donor)},
        {"name": "B", "externalId": "x-2", "amount": money(20), "giftDate": "2026-01-20", "status": "RECEIVED"},
        {"name": "c", "externalId": "x-3", "amount": money(30), "giftDate": "2026-02-01", "status": "RECEIVED"},
        {"name": "d", "externalId": "x-4", "amount": money(40), "giftDate": "2026-12-31"},
        {"name": "", "externalId": "x-5"},
    ]);
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &batch).0, 201);
    probe
}

fn found(probe: &Probe, filter: &str) -> Vec<String> {
    let target = format!("/rest/gifts?filter={filter}");
    let mut ids: Vec<String> = probe
        .column(&target, "/externalId")
        .iter()
        .map(|value| value.as_str().expect("text").trim_start_matches("x-").to_owned())
        .collect();
    ids.sort();
    ids
}

#[test]
fn every_operator_does_what_its_name_says() {
    let probe = gifts();
    for (filter, expected) in [
        ("amount.amountMicros[gt]:20000000", "34"),
        ("amount.amountMicros[gte]:20000000", "234"),
        ("amount.amountMicros[lt]:20000000", "1"),
        ("amount.amountMicros[lte]:20000000.9", "12"),
        ("amount.amountMicros[in]:[10000000,40000000]", "14"),
        ("amount.amountMicros[is]:NULL", "5"),
        ("amount.currencyCode[eq]:GBP", "1234"),
        ("giftDate[gte]:2026-02-01", "34"),
        ("giftDate[neq]:2026-01-05", "234"),
        ("giftDate[is]:NOT_NULL", "1234"),
        ("giftDate[eq]:01/05/2026", "1"),
        ("status[eq]:RECEIVED", "23"),
        ("status[in]:[PLEDGED]", "1"),
        ("status[is]:NULL", "45"),
        // An enum sorts by its definition: PLEDGED comes before RECEIVED.
        ("status[gt]:PLEDGED", "23"),
        ("name[like]:_", "1234"),
        ("name[ilike]:b", "2"),
        ("name[startsWith]:B", "2"),
        ("name[endsWith]:c", "3"),
        ("name[is]:NULL", "5"),
        ("name[eq]:\"\"", "5"),
        // Letters of either case, by bytes.
        ("name[gt]:B", "134"),
        ("donorId[is]:NOT_NULL", "1"),
        ("donor.name.lastName[ilike]:love%25", "1"),
        ("createdBy.source[eq]:API", "12345"),
        ("or(externalId[eq]:x-1,and(status[eq]:RECEIVED,not(name[eq]:B)))", "13"),
        ("not(or(externalId[eq]:x-1,externalId[eq]:x-2))", "345"),
        ("deletedAt[is]:NULL", "12345"),
    ] {
        assert_eq!(found(&probe, filter).concat(), expected, "{filter}");
    }
}

#[test]
fn a_filter_that_makes_no_sense_is_refused_in_the_servers_words() {
    let probe = gifts();
    for (filter, expected) in [
        (
            "position[like]:1",
            "Operator \"like\" is not valid for field \"position\" of type POSITION - Allowed operators: eq, neq, gt, gte, lt, lte, in, is",
        ),
        ("amount.amountMicros[gt]:abc", "Invalid number value NaN for field \"amount.amountMicros\""),
        (
            "amount.amountMicros[like]:1",
            "Operator \"like\" is not valid for field \"amount.amountMicros\" of type NUMERIC - Allowed operators: eq, neq, gt, gte, lt, lte, in, is",
        ),
        ("amount[gt]:1", "Sub field \"gt\" not found for composite type: CURRENCY"),
        ("amount.pence[gt]:1", "Sub field \"pence\" not found for composite type: CURRENCY"),
        ("status[eq]:NOPE", "invalid input value for enum \"_gift_status_enum\": \"NOPE\""),
        (
            "status[like]:P",
            "Operator \"like\" is not valid for field \"status\" of type SELECT - Allowed operators: eq, neq, gt, gte, lt, lte, in, containsAny, is, isEmptyArray",
        ),
        ("name[is]:\"NULL\"", "Invalid filter value for \"is\" operator. Expected \"NULL\" or \"NOT_NULL\""),
        (
            "name[in]:a",
            "'filter' invalid for 'in' operator. Received 'a' but array value expected eg: 'field[in]:[value_1,value_2]'",
        ),
        ("id[in]:[]", "Invalid UUID value '' for field \"id\""),
        (
            "donorId[eq]:01938f2a-7b3c-7d4e-8f5a-6b7c8d9e0f1a",
            "Invalid UUID value '01938f2a-7b3c-7d4e-8f5a-6b7c8d9e0f1a' for field \"donorId\"",
        ),
        ("donor[eq]:x", "Object person doesn't have any \"eq\" field."),
        ("donor.nosuch[eq]:x", "Object person doesn't have any \"nosuch\" field."),
        ("donor.company.name[eq]:x", "Relation filter nesting deeper than 1 hop is not supported"),
        (
            "giftDate[eq]:yesterday",
            "Invalid value 'yesterday' for date field \"giftDate\". Expected format: 'YYYY-MM-DD'",
        ),
        (
            "createdAt[eq]:yesterday",
            "Invalid value 'yesterday' for date-time field \"createdAt\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'",
        ),
        (
            "not(name[eq]:a,name[eq]:b)",
            "'filter' invalid. 'not' conjunction should contain only 1 condition. eg: not(field[eq]:1)",
        ),
        ("and(name[eq]:a", "'filter' invalid. 1 close bracket is missing in the query"),
        ("name[eq]:a))", "'filter' invalid. 2 open brackets are missing in the query"),
    ] {
        let refused = probe.refused("GET", &format!("/rest/gifts?filter={filter}"), &Value::Null);
        assert_eq!(refused, (400, expected.to_owned()), "{filter}");
    }
}

#[test]
fn orders_put_nulls_where_they_say() {
    let probe = gifts();
    let names = |order: &str| {
        let values = probe.column(&format!("/rest/gifts?order_by={order}"), "/externalId");
        values.iter().map(|value| value.as_str().expect("text").replace("x-", "")).collect::<String>()
    };
    assert_eq!(names("amount.amountMicros"), "51234");
    assert_eq!(names("amount.amountMicros[AscNullsLast]"), "12345");
    assert_eq!(names("amount.amountMicros[DescNullsLast]"), "43215");
    assert_eq!(names("amount.amountMicros[DescNullsFirst]"), "54321");
    // Letter case is folded when sorting.
    assert_eq!(names("name[AscNullsLast]"), "12345");
    assert_eq!(names("donor.name.lastName[AscNullsLast],amount.amountMicros[DescNullsLast]"), "14325");
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let probe = gifts();
    for (order, expected) in [
        ("", "Field \"\" does not exist or is not sortable"),
        (
            "donor",
            "Relation field \"donor\" requires nested field ordering (e.g., { donor: { fieldName: 'AscNullsFirst' } })",
        ),
        ("donor.nosuch", "Nested field \"nosuch\" not found in target object \"person\""),
        ("donor.name", "Composite field \"name\" requires a subfield to be specified"),
        ("amount.pence", "Sub field metadata not found for composite type: CURRENCY"),
        (
            "name.x",
            "Scalar field \"name\" requires a direction value (AscNullsFirst, AscNullsLast, DescNullsFirst, DescNullsLast)",
        ),
    ] {
        let refused = probe.refused("GET", &format!("/rest/gifts?order_by={order}"), &Value::Null);
        assert_eq!(refused, (400, expected.to_owned()), "{order}");
    }
}

#[test]
fn a_walk_by_amount_meets_every_gift_once_both_ways() {
    let probe = gifts();
    let order = "order_by=amount.amountMicros[AscNullsLast]";
    let mut seen = Vec::new();
    let mut target = format!("/rest/gifts?limit=2&{order}");
    loop {
        let page = probe.get(&target);
        let gifts = page["data"]["gifts"].as_array().expect("gifts");
        seen.extend(gifts.iter().map(|gift| gift["externalId"].as_str().expect("text").to_owned()));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        let cursor = page["pageInfo"]["endCursor"].as_str().expect("a cursor").replace('=', "%3D");
        target = format!("/rest/gifts?limit=2&{order}&starting_after={cursor}");
    }
    assert_eq!(seen, ["x-1", "x-2", "x-3", "x-4", "x-5"]);
    let last = probe.get(&format!("/rest/gifts?{order}"));
    let cursor = last["pageInfo"]["endCursor"].as_str().expect("a cursor").replace('=', "%3D");
    let back = probe.get(&format!("/rest/gifts?limit=2&{order}&ending_before={cursor}"));
    let names: Vec<&Value> =
        back["data"]["gifts"].as_array().expect("gifts").iter().map(|gift| &gift["externalId"]).collect();
    assert_eq!(names, ["x-3", "x-4"]);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], json!(true));
    assert_eq!(back["pageInfo"]["hasNextPage"], json!(false));
}

#[test]
fn limits_and_depths_are_read_as_javascript_reads_numbers() {
    let probe = gifts();
    for (query, expected) in
        [("limit=1e0", 1), ("limit=0x2", 2), ("limit=%202", 2), ("limit=Infinity", 5), ("limit=", 5)]
    {
        assert_eq!(probe.column(&format!("/rest/gifts?{query}"), "/id").len(), expected, "{query}");
    }
    let refused = |query: &str| probe.refused("GET", &format!("/rest/gifts?{query}"), &Value::Null);
    assert_eq!(refused("limit=1&limit=2"), (400, "limit '1,2' is invalid. Should be an integer".to_owned()));
    assert_eq!(refused("limit=nan"), (400, "limit 'nan' is invalid. Should be an integer".to_owned()));
    assert_eq!(
        refused("depth=1.5"),
        (400, "'depth=1.5' parameter invalid. Allowed values are 0, 1".to_owned())
    );
    assert_eq!(probe.column("/rest/gifts?depth=1&limit=1", "/noteTargets"), [json!([])]);
    // An unknown cursor parameter gives the first page for ever.
    assert_eq!(probe.get("/rest/gifts?after=x&limit=1"), probe.get("/rest/gifts?limit=1"));
}

#[test]
fn depth_one_shows_parents_children_and_the_timeline() {
    let probe = gifts();
    let gift = &probe.get("/rest/gifts?depth=1&filter=externalId[eq]:x-1")["data"]["gifts"][0];
    assert_eq!(gift["donor"]["name"]["lastName"], json!("Lovelace"));
    assert_eq!(gift["timelineActivities"][0]["name"], json!("gift.created"));
    let person = &probe.get("/rest/people?depth=1")["data"]["people"][0];
    assert_eq!(person["gifts"][0]["externalId"], json!("x-1"));
    // A parent in the bin shows as null, its id stays.
    let donor: uuid::Uuid = gift["donorId"].as_str().expect("an id").parse().expect("a uuid");
    assert!(probe.server.soft_delete("people", donor));
    let gift = &probe.get("/rest/gifts?depth=1&filter=externalId[eq]:x-1")["data"]["gifts"][0];
    assert_eq!((&gift["donor"], gift["donorId"].as_str()), (&Value::Null, Some(donor.to_string().as_str())));
}

#[test]
fn groups_count_and_add_by_field_step_and_relation() {
    let probe = gifts();
    let grouped = |by: &str, aggregates: &str, more: &str| {
        probe.get(
            &format!("/rest/gifts/groupBy?group_by={by}&aggregate={aggregates}{more}").replace('"', "%22"),
        )
    };
    let by_month = grouped(
        "[{\"giftDate\":{\"granularity\":\"MONTH\"}}]",
        "[\"countNotEmptyId\",\"sumAmountAmountMicros\"]",
        "&order_by=[{\"giftDate\":\"AscNullsLast\"}]",
    );
    let mut dates: Vec<&Value> = by_month
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| &group["groupByDimensionValues"][0])
        .collect();
    dates.retain(|date| !date.is_null());
    assert_eq!(dates, ["2026-01-01", "2026-02-01", "2026-12-01"]);
    let january = &by_month[0];
    assert_eq!(
        (&january["countNotEmptyId"], &january["sumAmountAmountMicros"]),
        (&json!("2"), &json!("30000000"))
    );
    let by_donor = grouped("[{\"donor\":{\"name\":{\"lastName\":true}}}]", "[\"totalCount\"]", "");
    assert_eq!(by_donor[1]["groupByDimensionValues"], json!(["Lovelace"]));
    let quarter = grouped(
        "[{\"giftDate\":{\"granularity\":\"QUARTER_OF_THE_YEAR\"}}]",
        "[\"maxGiftDate\"]",
        "&limit=1",
    );
    assert_eq!(
        (&quarter[0]["groupByDimensionValues"][0], &quarter[0]["maxGiftDate"]),
        (&json!("Q1"), &json!("2026-02-01"))
    );
    let by_status = grouped(
        "[{\"status\":true}]",
        "[\"percentageEmptyGiftDate\",\"countUniqueValuesName\"]",
        "&include_records_sample=true",
    );
    assert_eq!(by_status.as_array().map(Vec::len), Some(3));
    assert!(by_status[0]["records"].as_array().is_some_and(|records| records.len() == 2));
}

#[test]
fn groups_that_make_no_sense_are_refused() {
    let probe = gifts();
    let refused = |query: &str| probe.refused("GET", &format!("/rest/gifts/groupBy?{query}"), &Value::Null).1;
    let example = "Invalid group_by query parameter - should be a valid array of objects - ex: [{\"firstField\": true}, {\"secondField\": {\"subField\": true}}, {\"dateField\": {\"granularity\": 'DAY'}}]";
    assert_eq!(refused(""), example);
    assert_eq!(refused("group_by=x"), example);
    assert_eq!(refused("group_by=[{\"nosuch\":true}]"), "Unidentified field in groupBy: nosuch");
    assert_eq!(
        refused("group_by=[{\"createdAt\":{\"granularity\":\"DAY\"}}]"),
        "Time zone should be specified for a group by date on Day, Week, Month, Quarter or Year"
    );
    assert_eq!(
        refused("group_by=[{\"createdAt\":{\"granularity\":\"DAY\",\"timeZone\":\"Mars/Olympus\"}}]"),
        "Invalid timezone: Mars/Olympus"
    );
    assert_eq!(
        refused("group_by=[{\"amount\":{\"pence\":true}}]"),
        "Composite subfield \"pence\" is not supported in groupBy for \"amount\""
    );
    assert_eq!(
        refused("group_by=[{\"name\":true,\"status\":true}]"),
        "You cannot provide multiple fields in one GroupByInput, split them into multiple GroupByInput"
    );
}

#[test]
fn paths_lead_where_the_server_sends_them() {
    let probe = gifts();
    let (status, body) = probe.ask("GET", "/rest/batch/gifts?limit=1", &Value::Null);
    assert_eq!((status, body["totalCount"].as_u64()), (200, Some(5)));
    for (method, target, expected) in [
        ("GET", "/rest", (404, "Cannot GET /rest")),
        ("POST", "/healthz", (404, "Cannot POST /healthz")),
        ("GET", "/rest/gift", (400, "object 'gift' not found. Did you mean 'gifts'?")),
        (
            "PATCH",
            "/rest/gifts/merge",
            (
                400,
                "Merge is only available for objects with duplicate criteria. Object 'gift' does not have duplicate criteria defined.",
            ),
        ),
        (
            "GET",
            "/rest/gifts/duplicates/x",
            (
                400,
                "Query path '/rest/gifts/duplicates/x' invalid. Valid examples: /rest/companies/id or /rest/companies or /rest/batch/companies",
            ),
        ),
        (
            "DELETE",
            "/rest/gifts?soft_delete=true",
            (
                400,
                "Filters are mandatory for bulk delete operations. Please provide at least one filter to prevent accidental deletion of all records.",
            ),
        ),
        ("DELETE", "/rest/gifts?soft_delete=True&filter=name[eq]:nobody", (200, "")),
    ] {
        let (status, message) = probe.refused(method, target, &json!({}));
        assert_eq!((status, message.as_str()), expected, "{method} {target}");
    }
    let long = format!("/rest/gifts?filter=name[eq]:{}", "x".repeat(17_000));
    assert_eq!(probe.raw("GET", &long, &[], "").status(), 431);
}

#[test]
fn headers_are_those_browsers_and_caches_look_for() {
    let probe = gifts();
    let bearer = format!("bearer {}", probe.server.api_key());
    let ask = |tag: &str| {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", tag)];
        probe.raw("GET", "/rest/gifts?limit=1", &headers, "")
    };
    let first = ask("W/\"x\"");
    assert_eq!(first.status(), 200);
    let tag = first.headers()["etag"].to_str().expect("ASCII").to_owned();
    let again = ask(&tag);
    assert_eq!((again.status().as_u16(), again.body().len()), (304, 0));
    let wanted = [("access-control-request-headers", "authorization")];
    let preflight = probe.raw("OPTIONS", "/rest/gifts", &wanted, "");
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "authorization");
    let none = probe.raw("GET", "/rest/gifts", &[], "");
    assert_eq!((none.status().as_u16(), none.headers().get("content-length")), (403, None));
}

#[test]
fn other_versions_answer_otherwise() {
    let newer = Probe::with(Options::new(1, || super::NOON).playing(Version::Newer));
    let gift = newer.make("gifts", &json!({"name": "x"}));
    let path = format!("/rest/gifts/{}", id(&gift));
    assert_eq!(newer.ask("DELETE", &format!("{path}?soft_delete=true"), &Value::Null).0, 200);
    let (status, body) = newer.ask("PATCH", &format!("{path}/restore"), &Value::Null);
    assert_eq!((status, &body["data"]["restoreGift"]["deletedAt"]), (200, &Value::Null));
    assert_eq!(newer.ask("PATCH", "/rest/gifts/restore?filter=name[eq]:x", &Value::Null).0, 200);
    assert_eq!(newer.ask("PATCH", "/rest/restore/gifts?filter=name[eq]:x", &Value::Null).0, 400);
    assert!(newer.get("/rest/metadata/objects?limit=1")["data"].is_array());
    assert_eq!(newer.get("/client-config")["appVersion"], json!("2.47.0"));
    newer.server.set_rate_limit(Some(RateLimit { long_limit: 1, ..RateLimit::default() }));
    assert_eq!(newer.ask("GET", "/rest/gifts", &Value::Null).0, 200);
    let bearer = format!("Bearer {}", newer.server.api_key());
    let refused = newer.raw("GET", "/rest/gifts", &[("authorization", bearer.as_str())], "");
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &http::HeaderValue::from_static("1"))
    );
}

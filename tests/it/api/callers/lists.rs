//! Lists of the mirror answer as Twenty itself answers the same question.

use super::*;

/// Gifts of three people over two years, some of them deleted.
fn with_gifts() -> Api {
    let outside = Outside::new(33);
    let people = outside.people(3);
    let appeal = outside.create("appeals", &json!({ "name": "Roof" }));
    for n in 0..40_u32 {
        let email = ["ada@example.org", "bob@example.org", "", ""][n as usize % 4];
        let donor = people[n as usize % 3].0;
        let gift = outside.create(
            "gifts",
            &json!({
                "name": format!("{} {}", if n % 2 == 0 { "gift" } else { "Gift" }, n % 7),
                "amount": { "amountMicros": i64::from(n % 9) * 2_500_000, "currencyCode": "GBP" },
                "giftDate": if n % 5 == 0 { Value::Null } else { json!(format!("2026-{:02}-{:02}", 1 + n % 12, 1 + n % 28)) },
                "donorId": donor,
                "appealId": if n % 4 == 0 { json!(appeal) } else { Value::Null },
                "giftType": if n % 3 == 0 { "GRANT" } else { "DONATION" },
                "isAnonymousDonor": n % 6 == 0,
                "donorEmail": email,
            }),
        );
        outside.advance_ms(i64::from(n % 3) * 700);
        if n % 13 == 0 {
            outside.twenty.soft_delete("gifts", gift);
        }
    }
    let process = outside.boot();
    Api::over(outside, process)
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// What Twenty itself answers.
fn twenty(api: &Api, path: &str) -> (u16, Value) {
    let request = Request::builder()
        .uri(format!("http://twenty.sim/rest/{path}"))
        .header("authorization", format!("Bearer {}", api.outside.twenty.api_key()));
    let reply = api.outside.twenty.answer(request.body(Bytes::new()).unwrap()).unwrap();
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap())
}

fn ids(body: &Value, plural: &str) -> Vec<String> {
    body["data"][plural]
        .as_array()
        .unwrap_or_else(|| panic!("{body}"))
        .iter()
        .map(|gift| text(&gift["id"]))
        .collect()
}

#[test]
fn filters_and_orders_bring_the_same_records_as_twenty() {
    let api = with_gifts();
    let donor = api.donor();
    let by_donor = format!("donorId[eq]:{donor}");
    let two = api.outside.twenty.records("gifts");
    let named = format!("id[in]:[\"{}\",\"{}\"]", text(&two[3]["id"]), text(&two[1]["id"]));
    for (filter, order) in [
        ("", ""),
        ("", "giftDate[DescNullsLast]"),
        ("", "giftDate"),
        ("", "amount.amountMicros[DescNullsFirst],name[AscNullsLast]"),
        ("amount.amountMicros[gte]:10000000", ""),
        ("giftDate[gte]:\"2026-03-01\",giftDate[lt]:\"2026-09-01\"", "giftDate"),
        ("giftDate[is]:NULL", "name"),
        ("or(giftType[eq]:GRANT,appealId[is]:NOT_NULL)", "createdAt[DescNullsLast]"),
        ("not(giftType[in]:[GRANT])", ""),
        ("name[ilike]:\"%T 3\"", ""),
        ("name[startsWith]:gift", "id[DescNullsLast]"),
        ("donorEmail[eq]:\"\"", ""),
        ("donorEmail[neq]:\"ada@example.org\"", ""),
        ("isAnonymousDonor[eq]:true", ""),
        ("deletedAt[is]:NOT_NULL", ""),
        ("or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)", "amount.amountMicros"),
        (by_donor.as_str(), "giftDate[AscNullsLast]"),
        (named.as_str(), ""),
    ] {
        let mut pairs = vec![("limit", "100")];
        pairs.extend(
            [("filter", filter), ("order_by", order)].into_iter().filter(|(_, text)| !text.is_empty()),
        );
        let (status, theirs) = twenty(&api, &format!("gifts?{}", query(&pairs)));
        assert_eq!(status, 200, "{filter} {order}: {theirs}");
        let ours = api.get(&format!("/api/fundraising/gifts?{}", query(&pairs)));
        assert_eq!(ours.status, 200, "{filter} {order}: {}", ours.text);
        assert_eq!(ours.body["totalCount"], theirs["totalCount"], "{filter} {order}");
        assert_eq!(ids(&ours.body, "gifts"), ids(&theirs, "gifts"), "{filter} {order}");
        assert!(!ids(&ours.body, "gifts").is_empty(), "{filter} {order} shows nothing");
    }
}

#[test]
fn pages_hold_everything_once_in_both_directions() {
    let api = with_gifts();
    for order in ["id", "giftDate[DescNullsLast]", "name,amount.amountMicros", "amount.amountMicros"] {
        let page = |more: &[(&str, &str)]| {
            let pairs = [&[("limit", "7"), ("order_by", order)], more].concat();
            let reply = api.get(&format!("/api/fundraising/gifts?{}", query(&pairs)));
            assert_eq!(reply.status, 200, "{order}: {}", reply.text);
            reply.body
        };
        let whole =
            api.get(&format!("/api/fundraising/gifts?{}", query(&[("limit", "100"), ("order_by", order)])));
        let whole = ids(&whole.body, "gifts");
        let (mut body, mut seen, mut firsts) = (page(&[]), Vec::new(), Vec::new());
        loop {
            seen.extend(ids(&body, "gifts"));
            firsts.push(text(&body["pageInfo"]["startCursor"]));
            assert_eq!(body["pageInfo"]["hasPreviousPage"], false);
            if body["pageInfo"]["hasNextPage"] == false {
                break;
            }
            body = page(&[("starting_after", &text(&body["pageInfo"]["endCursor"]))]);
        }
        assert_eq!(seen, whole, "{order}");
        let back = page(&[("ending_before", firsts.last().unwrap())]);
        let last_but_one = &seen[(firsts.len() - 2) * 7..(firsts.len() - 1) * 7];
        assert_eq!(
            (ids(&back, "gifts").as_slice(), &back["pageInfo"]["hasPreviousPage"]),
            (last_but_one, &json!(true))
        );
    }
    // A cursor that somebody made themselves, as Twenty takes it too.
    let all = ids(&api.get("/api/fundraising/gifts?limit=100").body, "gifts");
    let cursor = base64_of(&json!({ "id": all[4] }).to_string());
    let after =
        api.get(&format!("/api/fundraising/gifts?limit=100&{}", query(&[("starting_after", &cursor)])));
    assert_eq!(ids(&after.body, "gifts"), all[5..]);
}

fn base64_of(text: &str) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[test]
fn an_answer_has_twentys_shape_and_says_how_old_it_is() {
    let api = with_gifts();
    let list = api.get("/api/fundraising/gifts?limit=2&depth=1&filter=appealId%5Bis%5D:NOT_NULL").body;
    assert!(list["meta"]["asOf"].is_string() && list["meta"]["freshness"]["state"] == "fresh", "{list}");
    let gift = &list["data"]["gifts"][0];
    assert_eq!(
        (&gift["appeal"]["name"], &gift["donor"]["name"]["lastName"]),
        (&json!("Roof"), &json!("Lovelace"))
    );
    assert_eq!(gift["fund"], Value::Null);
    let path = format!("/api/fundraising/gifts/{}", text(&gift["id"]));
    let (_, theirs) = twenty(&api, &format!("gifts/{}", text(&gift["id"])));
    let ours = api.get(&path).body;
    let mut expected = theirs["data"]["gift"].clone();
    expected.as_object_mut().unwrap().remove("searchVector");
    assert_eq!(ours["data"]["gift"], expected);
    assert!(ours["meta"]["version"].is_u64() && ours["meta"]["state"] == "live");
    let some = api.get(&format!("{path}?fields=giftDate,amount")).body;
    let names: Vec<&String> = some["data"]["gift"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["amount", "giftDate", "id"]);
    assert_eq!(api.get("/api/fundraising/gifts?limit=0").body["data"]["gifts"], json!([]));
    assert_eq!(api.get("/api/fundraising/gifts?limit=0").body["totalCount"], 36);
    let deleted =
        api.outside.twenty.records("gifts").into_iter().find(|gift| !gift["deletedAt"].is_null()).unwrap();
    assert_eq!(api.get(&format!("/api/fundraising/gifts/{}", text(&deleted["id"]))).status, 404);
}

#[test]
fn what_a_list_does_not_understand_is_400_and_names_the_parameter() {
    let api = with_gifts();
    let other = base64_of(&json!({ "giftDate": "2026-01-01", "id": NOBODY }).to_string());
    for (name, value) in [
        ("limit", "many"),
        ("limit", "-1"),
        ("depth", "2"),
        ("fields", "id,shoeSize"),
        ("filter", "shoeSize[eq]:43"),
        ("filter", "donor.name[eq]:x"),
        ("filter", "amount[eq]:1"),
        ("order_by", "shoeSize"),
        ("order_by", "giftDate[Newest]"),
        ("starting_after", "garbage"),
        ("starting_after", &other),
        ("ending_before", "e30="),
        ("cursor", "x"),
    ] {
        let reply = api.get(&format!("/api/fundraising/gifts?{}", query(&[(name, value)])));
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["field"]),
            (400, &json!(name)),
            "{name} {value}: {}",
            reply.text
        );
    }
    let cursor = base64_of(&json!({ "id": NOBODY }).to_string());
    let both = query(&[("starting_after", &cursor), ("ending_before", &cursor)]);
    assert_eq!(api.get(&format!("/api/fundraising/gifts?{both}")).status, 400);
}

#[test]
fn a_list_follows_the_mirror() {
    let mut api = with_gifts();
    let path = format!("/api/fundraising/gifts?{}", query(&[("filter", "giftType[eq]:SPONSORSHIP")]));
    assert_eq!(api.get(&path).body["totalCount"], 0);
    let gift = text(&api.get("/api/fundraising/gifts").body["data"]["gifts"][0]["id"]);
    api.outside.advance_ms(2_000);
    assert!(api.outside.twenty.edit("gifts", gift.parse().unwrap(), &json!({ "giftType": "SPONSORSHIP" })));
    assert_eq!(api.get(&path).body["totalCount"], 0, "nobody told us yet");
    api.process.sync_now();
    api.settle();
    let list = api.get(&path).body;
    assert_eq!((&list["totalCount"], ids(&list, "gifts")), (&json!(1), vec![gift]));
}

#[test]
fn people_companies_and_opportunities_are_found() {
    let outside = Outside::new(34);
    let ada = outside.create(
        "people",
        &json!({ "name": { "firstName": "Ada", "lastName": "Lovelace" }, "emails": { "primaryEmail": "ada@example.org" },
            "mailingAddress": { "addressStreet1": "1 Quay St", "addressCity": "Bristol" } }),
    );
    let company = outside.create("companies", &json!({ "name": "Harbour 50% Trust" }));
    outside.create("companies", &json!({ "name": "Quay Ltd" }));
    for (name, stage) in [("Roof grant", "NEW"), ("Boat grant", "MEETING"), ("Late", "NEW")] {
        outside.create(
            "opportunities",
            &json!({ "name": name, "stage": stage, "companyId": company, "pointOfContactId": ada }),
        );
        outside.advance_ms(1_000);
    }
    let process = outside.boot();
    let api = Api::over(outside, process);
    let person = api.get(&format!("/api/fundraising/people/{ada}")).body;
    assert_eq!(person["data"]["person"]["emails"]["primaryEmail"], "ada@example.org");
    assert_eq!(
        (&person["fullName"], &person["email"], &person["mailingAddress"]),
        (
            &json!("Ada Lovelace"),
            &json!("ada@example.org"),
            &json!({ "line1": "1 Quay St", "city": "Bristol" })
        )
    );
    assert!(person["meta"]["asOf"].is_string());
    let names = |path: &str, plural: &str| -> Vec<String> {
        let reply = api.get(&format!("/api/fundraising{path}"));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.body["data"][plural].as_array().unwrap().iter().map(|one| text(&one["name"])).collect()
    };
    assert_eq!(names("/companies/search?search=50%25", "companies"), ["Harbour 50% Trust"]);
    assert_eq!(names("/companies/search", "companies"), ["Harbour 50% Trust", "Quay Ltd"]);
    assert_eq!(names("/companies/search?limit=1", "companies").len(), 1);
    assert_eq!(names("/opportunities/search", "opportunities"), ["Late", "Boat grant", "Roof grant"]);
    assert_eq!(names("/opportunities/search?search=GRANT", "opportunities"), ["Boat grant", "Roof grant"]);
    assert_eq!(names("/opportunities/search?stage=meeting", "opportunities"), ["Boat grant"]);
    assert_eq!(
        names("/opportunities/search?stages=MEETING,new&limit=2", "opportunities"),
        ["Late", "Boat grant"]
    );
    assert_eq!(names("/opportunities/search?stage=NEW&stage=MEETING", "opportunities").len(), 3);
    assert_eq!(
        names(&format!("/opportunities/search?companyId={company}&pointOfContactId={ada}"), "opportunities")
            .len(),
        3
    );
    assert_eq!(names(&format!("/opportunities/search?companyId={NOBODY}"), "opportunities").len(), 0);
    for (path, field) in
        [("companyId=x", "companyId"), ("opportunityType=grant", "opportunityType"), ("limit=x", "limit")]
    {
        let reply = api.get(&format!("/api/fundraising/opportunities/search?{path}"));
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["field"]),
            (400, &json!(field)),
            "{}",
            reply.text
        );
    }
}

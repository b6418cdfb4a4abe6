//! Appeals, households, agreements, payouts and opportunities that existing callers make and change: each once.

use super::*;

/// Writes that reached Twenty, by the front of their path.
fn writes(api: &Api, path: &str) -> usize {
    let log = api.outside.twenty.request_log();
    log.iter().filter(|call| call.method != http::Method::GET && call.path.starts_with(path)).count()
}

#[test]
fn an_appeal_is_made_once_and_changed() {
    let mut api = provisioned();
    api.lose_a_reply();
    let body = json!({
        "name": " Roof ", "appealType": "annual", "startDate": "2026-11-01", "goalAmount": { "value": "5000", "currencyCode": "gbp" },
        "budgetAmount": 250.5, "targetSolicitedCount": "1200", "description": "",
    });
    let key = [("idempotency-key", "appeal-1")];
    let made = api.served_with("POST", "/api/fundraising/appeals", &body, &key);
    assert_eq!(made.status, 200, "{}", made.text);
    let appeal = made.body["data"]["createAppeal"].clone();
    let id = text(&appeal["id"]);
    assert_eq!((&appeal["name"], &appeal["appealType"]), (&json!("Roof"), &json!("ANNUAL")));
    assert_eq!(appeal["goalAmount"], json!({ "amountMicros": 5_000_000_000_i64, "currencyCode": "GBP" }));
    assert_eq!(
        (&appeal["budgetAmount"]["amountMicros"], &appeal["targetSolicitedCount"]),
        (&json!(250_500_000), &json!(1200))
    );
    let again = api.served_with("POST", "/api/fundraising/appeals", &body, &key);
    assert_eq!((again.status.as_u16(), &again.body["data"]["createAppeal"]["id"]), (200, &json!(id)));
    let other = api.served_with("POST", "/api/fundraising/appeals", &json!({ "name": "Boat" }), &key);
    assert_eq!(other.status, 422, "{}", other.text);
    assert_eq!(api.outside.twenty.records("appeals").len(), 1);
    let told = api.well(
        "PATCH",
        &format!("/appeals/{id}"),
        &json!({ "endDate": "2026-12-24", "notes": null, "goalAmount": null }),
    );
    let changed = &told["data"]["updateAppeal"];
    assert_eq!((&changed["endDate"], &changed["name"]), (&json!("2026-12-24"), &json!("Roof")));
    assert_eq!(api.there("appeals", &id)["goalAmount"]["amountMicros"], Value::Null);
    for (method, path, body, field) in [
        ("POST", "/appeals".to_owned(), json!({ "description": "x" }), "name"),
        ("POST", "/appeals".into(), json!({ "name": "x", "startDate": "soon" }), "startDate"),
        ("POST", "/appeals".into(), json!({ "name": "x", "goalAmount": { "value": -1 } }), "goalAmount"),
        (
            "POST",
            "/appeals".into(),
            json!({ "name": "x", "targetSolicitedCount": -1 }),
            "targetSolicitedCount",
        ),
        ("POST", "/appeals".into(), json!({ "name": "x", "appealType": "odd" }), "appealType"),
        ("PATCH", format!("/appeals/{id}"), json!({ "name": " " }), "name"),
    ] {
        let reply = api.served(method, &path, &body);
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["field"]),
            (400, &json!(field)),
            "{}",
            reply.text
        );
    }
    let list = api.get("/api/fundraising/appeals?order_by=name").body;
    assert_eq!((&list["totalCount"], &list["data"]["appeals"][0]["id"]), (&json!(1), &json!(id)));
}

/// Twenty's administrator adds the object that says how many an appeal asked, and we mirror it.
fn with_snapshots(api: &mut Api) {
    let post = |path: &str, body: Value| -> Value {
        let request = Request::builder()
            .method("POST")
            .uri(format!("http://twenty.sim/rest/metadata/{path}"))
            .header("authorization", format!("Bearer {}", api.outside.twenty.api_key()))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let reply = api.outside.twenty.answer(request).unwrap();
        assert!(reply.status().is_success(), "{reply:?}");
        let body: Value = serde_json::from_slice(reply.body()).unwrap();
        body["data"].as_object().map_or(body.clone(), |data| data.values().next().unwrap().clone())
    };
    let object = post(
        "objects",
        json!({ "nameSingular": "solicitationSnapshot", "namePlural": "solicitationSnapshots", "labelSingular": "Solicitation snapshot", "labelPlural": "Solicitation snapshots", "icon": "IconUsers" }),
    );
    let snapshot = api.process.means.store.snapshot().unwrap();
    let workspace = snapshot.ledger().workspace(almoner::ground::id::ConnectionId::TWENTY).unwrap();
    let appeals = workspace.schema.unwrap().objects["appeals"].id.clone();
    for (name, kind) in [("countSolicited", "NUMBER"), ("capturedAt", "DATE_TIME"), ("source", "TEXT")] {
        post(
            "fields",
            json!({ "objectMetadataId": object["id"], "type": kind, "name": name, "label": name }),
        );
    }
    let relation = json!({ "type": "MANY_TO_ONE", "targetObjectMetadataId": appeals, "targetFieldLabel": "Solicitation snapshots", "targetFieldIcon": "IconUsers" });
    post(
        "fields",
        json!({ "objectMetadataId": object["id"], "type": "RELATION", "name": "appeal", "label": "Appeal", "relationCreationPayload": relation }),
    );
    api.process.sync_now();
    api.settle();
    let on = api.post("/api/sync/objects", &json!({ "plural": "solicitationSnapshots", "on": true }));
    assert_eq!(on.status, 204, "{}", on.text);
    api.settle();
}

#[test]
fn snapshots_of_an_appeal_are_counted_where_the_workspace_has_them() {
    let mut api = provisioned();
    let appeal =
        text(&api.well("POST", "/appeals", &json!({ "name": "Roof" }))["data"]["createAppeal"]["id"]);
    let other = text(&api.well("POST", "/appeals", &json!({ "name": "Boat" }))["data"]["createAppeal"]["id"]);
    let path = format!("/appeals/{appeal}/solicitation-snapshots");
    let lacking = api.served("POST", &path, &json!({ "countSolicited": 1 }));
    assert!(lacking.status == 404 && lacking.text.contains("solicitationSnapshots"), "{}", lacking.text);
    with_snapshots(&mut api);
    api.lose_a_reply();
    let told = api.well("POST", &path, &json!({ "recipients": "1200", "source": "Post" }));
    let made = &told["data"]["createSolicitationSnapshot"];
    assert_eq!((&made["countSolicited"], &made["appealId"]), (&json!(1200), &json!(appeal)));
    assert!(made["capturedAt"].is_string());
    api.well(
        "POST",
        &format!("/appeals/{other}/solicitation-snapshots"),
        &json!({ "count": 3, "capturedAt": "2026-11-01" }),
    );
    assert_eq!(api.outside.twenty.records("solicitationSnapshots").len(), 2);
    let list = api.get(&at(&path)).body;
    assert_eq!(list["totalCount"], 1);
    assert_eq!(list["data"]["solicitationSnapshots"][0]["id"], made["id"]);
    for bad in
        [json!({}), json!({ "count": 0 }), json!({ "count": 2, "total": 2 }), json!({ "count": "many" })]
    {
        assert_eq!(api.served("POST", &path, &bad).status, 400, "{bad}");
    }
    // The same request again, a minute later, with the same name.
    let key = [("idempotency-key", "k")];
    let path = at(&path);
    let first = api.served_with("POST", &path, &json!({ "count": 9 }), &key);
    api.outside.advance_ms(60_000);
    let second = api.served_with("POST", &path, &json!({ "count": 9 }), &key);
    let id = |reply: &Reply| text(&reply.body["data"]["createSolicitationSnapshot"]["id"]);
    assert_eq!((id(&first), api.outside.twenty.records("solicitationSnapshots").len()), (id(&second), 3));
}

#[test]
fn a_household_has_members_and_an_address() {
    let mut api = provisioned();
    let people: Vec<String> =
        api.outside.twenty.records("people").iter().map(|person| text(&person["id"])).collect();
    let address = json!({ "line1": "1 Quay St", "city": "Bristol", "postalCode": "BS1 1AA" });
    let made = api.well(
        "POST",
        "/households",
        &json!({ "name": "Lovelace Household", "mailingAddress": address, "envelopeName": "The Lovelaces" }),
    );
    let id = text(&made["id"]);
    assert_eq!((&made["name"], &made["mailingAddress"]), (&json!("Lovelace Household"), &address));
    assert!(made["meta"]["asOf"].is_string());
    api.lose_a_reply();
    let member = api.well(
        "POST",
        &format!("/households/{id}/members"),
        &json!({ "contactId": people[0], "makePrimary": true }),
    );
    assert_eq!((&member["id"], &member["householdId"]), (&json!(people[0]), &json!(id)));
    assert_eq!(api.there("households", &id)["primaryContactId"], json!(people[0]));
    api.well("POST", &format!("/households/{id}/members"), &json!({ "contactId": people[1] }));
    let list = api.get(&at(&format!("/households/{id}/members?limit=1"))).body;
    assert_eq!((&list["meta"]["totalCount"], &list["meta"]["hasMore"]), (&json!(2), &json!(true)));
    let next = text(&list["meta"]["nextCursor"]).replace('=', "%3D");
    let rest = api.get(&at(&format!("/households/{id}/members?starting_after={next}"))).body;
    assert_eq!((rest["members"].as_array().unwrap().len(), &rest["meta"]["hasMore"]), (1, &json!(false)));
    let told = api.well(
        "POST",
        &format!("/households/{id}/copy-address"),
        &json!({ "contactId": people[2], "mailingAddress": address }),
    );
    assert_eq!((&told["mailingAddress"], &told["householdId"]), (&address, &json!(id)));
    let cleared = api.well(
        "POST",
        &format!("/households/{id}/copy-address"),
        &json!({ "contactId": people[2], "mailingAddress": null }),
    );
    assert_eq!(cleared["mailingAddress"], json!({}));
    let told = api.well(
        "PATCH",
        &format!("/households/{id}"),
        &json!({ "envelopeName": null, "salutationFormal": "Dear Ada" }),
    );
    assert_eq!((&told["envelopeName"], &told["salutationFormal"]), (&json!(""), &json!("Dear Ada")));
    let gone = api.well("DELETE", &format!("/households/{id}/members/{}", people[1]), &Value::Null);
    assert_eq!(gone["householdId"], Value::Null);
    let other = text(&api.well("POST", "/households", &json!({ "name": "Other" }))["id"]);
    let foreign = api.served("DELETE", &format!("/households/{other}/members/{}", people[0]), &Value::Null);
    assert_eq!((foreign.status.as_u16(), &api.there("people", &people[0])["householdId"]), (409, &json!(id)));
    let list = api.get(&at("/households?order_by=name")).body;
    assert_eq!(
        (&list["households"][0]["name"], &list["meta"]["totalCount"]),
        (&json!("Lovelace Household"), &json!(2))
    );
    assert_eq!(api.get(&at(&format!("/households/{id}"))).body["primaryContactId"], json!(people[0]));
    for bad in [
        json!({ "contactId": people[0] }),
        json!({ "contactId": people[0], "mailingAddress": {} }),
        json!({ "mailingAddress": null }),
    ] {
        assert_eq!(api.served("POST", &format!("/households/{id}/copy-address"), &bad).status, 400, "{bad}");
    }
    assert_eq!(api.edits(), 0);
}

#[test]
fn an_agreement_is_made_paused_and_deleted_once() {
    let mut api = provisioned();
    let donor = api.donor();
    api.lose_a_reply();
    let told = api.well(
        "POST",
        "/recurring-agreements",
        &json!({ "name": "Monthly", "contactId": donor, "amount": { "value": 10 }, "cadence": "monthly", "status": "active", "intervalCount": 1, "nextExpectedAt": "2026-12-01T00:00:00Z" }),
    );
    let made = &told["data"]["createRecurringAgreement"];
    let id = text(&made["id"]);
    assert_eq!(
        (&made["personId"], &made["cadence"], &made["nextExpectedAt"]),
        (&json!(donor), &json!("MONTHLY"), &json!("2026-12-01"))
    );
    assert_eq!(api.outside.twenty.records("recurringAgreements").len(), 1);
    let path = format!("/recurring-agreements/{id}");
    assert_eq!(
        api.well("PATCH", &path, &json!({ "status": "paused" }))["data"]["updateRecurringAgreement"]["status"],
        "PAUSED"
    );
    assert_eq!(
        api.get(&at(&format!("{path}?depth=1"))).body["data"]["recurringAgreement"]["person"]["id"],
        json!(donor)
    );
    let twice = api.served("PATCH", &path, &json!({ "contactId": donor, "personId": donor }));
    assert_eq!(twice.status, 400, "{}", twice.text);
    api.lose_a_reply();
    assert_eq!(
        api.well("DELETE", &path, &Value::Null)["data"],
        json!({ "deleteRecurringAgreement": { "id": id } })
    );
    assert!(!api.there("recurringAgreements", &id)["deletedAt"].is_null());
    assert_eq!(api.get(&at("/recurring-agreements")).body["totalCount"], 0);
    assert_eq!(api.get(&at(&path)).status, 404);
}

#[test]
fn gifts_are_linked_with_a_payout_and_taken_out_again() {
    let mut api = provisioned();
    let gifts: Vec<String> = (0..3)
        .map(|n| api.outside.create("gifts", &json!({ "name": format!("Gift {n}") })).to_string())
        .collect();
    api.process.sync_now();
    api.settle();
    api.lose_a_reply();
    let made = api.served("POST", "/gift-payouts", &json!({ "name": "P", "sourceSystem": "stripe", "depositGrossAmount": { "value": 150 }, "status": "pending" }));
    assert_eq!(made.status, 201, "{}", made.text);
    let id = text(&made.body["data"]["createGiftPayout"]["id"]);
    assert_eq!(api.outside.twenty.records("giftPayouts").len(), 1);
    let path = format!("/gift-payouts/{id}");
    api.lose_a_reply();
    let linked = api.served(
        "POST",
        &format!("{path}/gifts/link"),
        &json!({ "giftIds": [gifts[0], gifts[1], gifts[0]] }),
    );
    assert_eq!(
        (linked.status.as_u16(), &linked.body["linkedGiftIds"]),
        (201, &json!([gifts[0], gifts[1]])),
        "{}",
        linked.text
    );
    assert_eq!(api.there("gifts", &gifts[1])["giftPayoutId"], json!(id));
    assert_eq!(
        writes(&api, "/rest/gifts"),
        5,
        "three were made by somebody else, and each of two was changed once"
    );
    let again = api.served("POST", &format!("{path}/gifts/link"), &json!({ "giftIds": [gifts[0]] }));
    assert_eq!((again.status.as_u16(), writes(&api, "/rest/gifts")), (201, 5));
    let one_is_gone =
        api.served("POST", &format!("{path}/gifts/link"), &json!({ "giftIds": [gifts[2], NOBODY] }));
    assert_eq!(
        (one_is_gone.status.as_u16(), &api.there("gifts", &gifts[2])["giftPayoutId"]),
        (404, &Value::Null),
        "all or none"
    );
    // Unlinking leaves a gift of another payout where it is.
    let other = api.outside.create("giftPayouts", &json!({ "name": "Other" })).to_string();
    api.outside.advance_ms(2_000);
    assert!(api.outside.twenty.edit("gifts", gifts[1].parse().unwrap(), &json!({ "giftPayoutId": other })));
    api.process.sync_now();
    api.settle();
    let unlinked =
        api.served("POST", &format!("{path}/gifts/unlink"), &json!({ "giftIds": [gifts[0], gifts[1]] }));
    assert_eq!(
        (unlinked.status.as_u16(), &unlinked.body["unlinkedGiftIds"]),
        (201, &json!([gifts[0], gifts[1]])),
        "{}",
        unlinked.text
    );
    assert_eq!(api.there("gifts", &gifts[0])["giftPayoutId"], Value::Null);
    assert_eq!(api.there("gifts", &gifts[1])["giftPayoutId"], json!(other));
    for bad in
        [json!({}), json!({ "giftIds": [] }), json!({ "giftIds": ["x"] }), json!({ "giftIds": gifts[0] })]
    {
        assert_eq!(api.served("POST", &format!("{path}/gifts/link"), &bad).status, 400, "{bad}");
    }
}

#[test]
fn a_payout_is_confirmed_once_when_it_is_reconciled() {
    let mut api = provisioned();
    let made = api.well("POST", "/gift-payouts", &json!({ "name": "P" }));
    let path = format!("/gift-payouts/{}", text(&made["data"]["createGiftPayout"]["id"]));
    let told = api.well("PATCH", &path, &json!({ "status": "reconciled" }));
    let confirmed = told["data"]["updateGiftPayout"]["confirmedAt"].clone();
    assert_eq!(
        (&told["data"]["updateGiftPayout"]["status"], confirmed.is_string()),
        (&json!("RECONCILED"), true)
    );
    api.outside.advance_ms(60_000);
    let told = api.well("PATCH", &path, &json!({ "status": "RECONCILED", "note": "Twice" }));
    assert_eq!(told["data"]["updateGiftPayout"]["confirmedAt"], confirmed, "confirmed once");
    let list = api.get(&at("/gift-payouts?filter=status%5Beq%5D:RECONCILED")).body;
    assert_eq!(list["totalCount"], 1);
}

#[test]
fn an_opportunity_moves_on_in_stage_and_date_only() {
    let mut api = provisioned();
    let id = api
        .outside
        .create(
            "opportunities",
            &json!({ "name": "Grant", "amount": { "amountMicros": 1, "currencyCode": "GBP" } }),
        )
        .to_string();
    api.process.sync_now();
    api.settle();
    let path = format!("/opportunities/{id}");
    api.lose_a_reply();
    let told = api.well("PATCH", &path, &json!({ "stage": "meeting", "closeDate": "2026-12-24" }));
    let changed = &told["data"]["updateOpportunity"];
    assert_eq!(
        (&changed["stage"], &changed["closeDate"]),
        (&json!("MEETING"), &json!("2026-12-24T00:00:00.000Z"))
    );
    assert_eq!(writes(&api, "/rest/opportunities"), 2, "made by somebody else, changed by us once");
    let more = api.served("PATCH", &path, &json!({ "stage": "NEW", "amount": 5 }));
    assert_eq!(
        (more.status.as_u16(), &more.body["errors"][0]["field"]),
        (400, &json!("amount")),
        "{}",
        more.text
    );
    assert_eq!(api.served("PATCH", &path, &json!({ "stage": "DREAMING" })).status, 400);
}

//! Creates, updates, upserts, merges, the bin, and values of every type.

use serde_json::{Value, json};

use super::{Probe, id};

#[test]
fn values_are_stored_as_the_server_stores_them() {
    let probe = Probe::new();
    let person = probe.make(
        "people",
        &json!({
            "name": {"firstName": "Ada"},
            "emails": {"primaryEmail": "ADA@Example.org", "additionalEmails": ["B@Example.org"]},
            "phones": {"primaryPhoneNumber": "+44 7700 900123", "additionalPhones": [{"number": "0612345678", "countryCode": "FR"}]},
            "linkedinLink": {"primaryLinkUrl": "HTTPS://Example.ORG/In/", "primaryLinkLabel": "In", "secondaryLinks": [{"url": "", "label": "x"}, {"url": "https://b.org", "label": "B"}]},
            "jobTitle": "",
        }),
    );
    assert_eq!(
        person["emails"],
        json!({"primaryEmail": "ada@example.org", "additionalEmails": ["b@example.org"]})
    );
    assert_eq!(person["phones"]["primaryPhoneCountryCode"], json!("GB"));
    assert_eq!(person["phones"]["additionalPhones"][0]["callingCode"], json!("+33"));
    assert_eq!(person["linkedinLink"]["primaryLinkUrl"], json!("https://example.org/In"));
    assert_eq!(person["linkedinLink"]["secondaryLinks"], json!([{"url": "https://b.org", "label": "B"}]));
    assert_eq!((&person["jobTitle"], &person["name"]["lastName"]), (&json!(""), &json!("")));
    assert_eq!(person["position"], json!(0));
    let second = probe.make("people", &json!({"position": "first"}));
    assert_eq!(second["position"], json!(-1));
    let note = probe.make("notes", &json!({"title": "N", "bodyV2": {"markdown": "Hello"}}));
    assert!(note["bodyV2"]["blocknote"].as_str().is_some_and(|blocks| blocks.contains("\"Hello\"")));
}

#[test]
fn wrong_values_are_refused_in_the_servers_words() {
    let probe = Probe::new();
    for (plural, body, expected) in [
        (
            "people",
            json!({"emails": {"primaryMail": "x"}}),
            "Invalid subfield primaryMail for emails field \"emails\"",
        ),
        (
            "people",
            json!({"name": {"middleName": "x"}}),
            "Invalid subfield middleName for full name field \"name\"",
        ),
        ("people", json!({"name": ["x"]}), "Invalid subfield 0 for full name field \"name\""),
        (
            "people",
            json!({"emails": {"primaryEmail": 5}}),
            "Invalid string value 5 for email field \"emails.primaryEmail\"",
        ),
        (
            "people",
            json!({"linkedinLink": {"primaryLinkUrl": "not a url"}}),
            "The URL of the link is not valid",
        ),
        (
            "people",
            json!({"searchVector": "x"}),
            "searchVector TS_VECTOR-typed field does not support write operations",
        ),
        (
            "people",
            json!({"noteTargets": []}),
            "One-to-many relation noteTargets field does not support write operations.",
        ),
        ("people", json!({"companyId": "x"}), "Invalid UUID value 'x' for field \"companyId\""),
        ("people", json!({"company": null}), "Relation \"company\" requires connect or disconnect operation"),
        (
            "people",
            json!({"company": {"connect": {"where": {"name": "x"}}}}),
            "Missing required fields: at least one unique constraint have to be fully populated for 'company'.",
        ),
        (
            "people",
            json!({"company": {"connect": {"where": {"domainName": {"primaryLinkUrl": "https://a.org"}}}}}),
            "Expected 1 record to connect to company, but found 0 for domainNamePrimaryLinkUrl = https://a.org",
        ),
        (
            "people",
            json!({"company": {"disconnect": true}, "companyId": null}),
            "company and companyId cannot be both provided.",
        ),
        ("people", json!({"position": "soon"}), "Invalid position value 'soon' for field \"position\""),
        (
            "people",
            json!({"createdAt": "soon"}),
            "Invalid value 'soon' for date-time field \"createdAt\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'",
        ),
        ("people", json!({"id": 5}), "Value \"5\" is not a valid UUID"),
    ] {
        let (status, message) = probe.refused("POST", &format!("/rest/{plural}"), &body);
        assert_eq!((status, message.as_str()), (400, expected), "{body}");
    }
}

#[test]
fn wrong_parts_are_refused_in_the_servers_words() {
    let probe = Probe::new();
    for (plural, body, expected) in [
        (
            "gifts",
            json!({"amount": {"amountMicros": "ten"}}),
            "Invalid number value NaN for field \"amount.amountMicros\"",
        ),
        ("gifts", json!({"amount": 5}), "Invalid object value 5 for field \"amount\""),
        ("gifts", json!({"status": 5}), "Invalid string value 5 for text field \"status\""),
        (
            "gifts",
            json!({"name": {"a": [1, "b"]}}),
            "Invalid string value { a: [ 1, 'b' ] } for text field \"name\"",
        ),
        ("notes", json!({"bodyV2": {"html": "x"}}), "Invalid subfield 'html' for rich text field \"bodyV2\""),
        (
            "notes",
            json!({"bodyV2": {"blocknote": "x"}}),
            "Invalid blocknote value for field \"bodyV2.blocknote\" - must contain valid JSON",
        ),
        ("workspaceMembers", json!({}), "Entity performing the request does not have permission"),
    ] {
        let (status, message) = probe.refused("POST", &format!("/rest/{plural}"), &body);
        assert_eq!((status, message.as_str()), (400, expected), "{body}");
    }
}

#[test]
fn a_batch_of_nonsense_is_refused_as_javascript_stumbles_over_it() {
    let probe = Probe::new();
    for (body, expected) in [
        (json!([null]), "Cannot read properties of null (reading 'position')"),
        (json!([5]), "Cannot create property 'position' on number '5'"),
        (json!(["x"]), "Cannot create property 'position' on string 'x'"),
        (json!({}), "args.data.forEach is not a function"),
    ] {
        assert_eq!(probe.refused("POST", "/rest/batch/people", &body), (400, expected.to_owned()));
    }
    let none = probe.refused("POST", "/rest/batch/people", &Value::Null);
    assert_eq!(none.1, "Cannot read properties of undefined (reading 'forEach')");
}

#[test]
fn forms_nest_and_large_bodies_are_turned_away() {
    let probe = Probe::new();
    let bearer = format!("Bearer {}", probe.server.api_key());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let reply = probe.raw("POST", "/rest/people", &headers, "name[firstName]=Ada&jobTitle=x%20y");
    let body: Value = serde_json::from_slice(reply.body()).expect("JSON");
    assert_eq!(body["data"]["createPerson"]["name"]["firstName"], json!("Ada"));
    let large = probe.raw("POST", "/rest/people", &headers, &"x".repeat(10 * 1024 * 1024 + 1));
    let body: Value = serde_json::from_slice(large.body()).expect("JSON");
    assert_eq!(
        (large.status().as_u16(), body),
        (413, json!({"statusCode": 413, "message": "request entity too large"}))
    );
}

#[test]
fn an_upsert_matches_ids_and_unique_values_and_refuses_to_choose() {
    let probe = Probe::new();
    let one = probe.make("gifts", &json!({"externalId": "a"}));
    let two = probe.make("gifts", &json!({"externalId": "b"}));
    let (status, message) =
        probe.refused("POST", "/rest/gifts?upsert=true", &json!({"id": id(&one), "externalId": "b"}));
    let expected = format!(
        "Multiple records found with the same unique field values for id: {}, externalId: b. Cannot determine which record to update.",
        id(&one)
    );
    assert_eq!((status, message), (400, expected));
    // Updates come first in the answer; what cannot be inserted does not undo them.
    let batch = json!([{"externalId": "c"}, {"id": id(&two), "name": "new"}]);
    let (_, body) = probe.ask("POST", "/rest/batch/gifts?upsert=true", &batch);
    assert_eq!(body["data"]["createGifts"][0]["id"], two["id"]);
    let batch = json!([{"id": id(&two), "name": "newer"}, {"externalId": "d"}, {"externalId": "d"}]);
    assert_eq!(probe.ask("POST", "/rest/batch/gifts?upsert=true", &batch).0, 400);
    assert_eq!(probe.get(&format!("/rest/gifts/{}", id(&two)))["data"]["gift"]["name"], json!("newer"));
}

#[test]
fn a_bulk_update_can_compare_and_set() {
    let probe = Probe::ticking();
    let gift = probe.make("gifts", &json!({"name": "x"}));
    let at = gift["updatedAt"].as_str().expect("a time");
    let target =
        format!("/rest/gifts?filter=and(id[eq]:{},deletedAt[is]:NULL,updatedAt[eq]:{at})", id(&gift));
    let (_, first) = probe.ask("PATCH", &target, &json!({"name": "y"}));
    assert_eq!(first["data"]["updateGifts"][0]["name"], json!("y"));
    let (status, second) = probe.ask("PATCH", &target, &json!({"name": "z"}));
    assert_eq!((status, &second["data"]["updateGifts"]), (200, &json!([])));
}

#[test]
fn destroying_a_parent_leaves_its_children_untold() {
    let probe = Probe::ticking();
    let donor = probe.make("people", &json!({}));
    let gift = probe.make("gifts", &json!({"donorId": id(&donor)}));
    let note = probe.make("notes", &json!({"title": "n"}));
    let link = probe.make("noteTargets", &json!({"noteId": id(&note), "targetPersonId": id(&donor)}));
    assert_eq!(probe.ask("DELETE", &format!("/rest/people/{}", id(&donor)), &Value::Null).0, 200);
    let after = &probe.get(&format!("/rest/gifts/{}", id(&gift)))["data"]["gift"];
    assert_eq!((&after["donorId"], &after["updatedAt"]), (&Value::Null, &gift["updatedAt"]));
    assert_eq!(probe.ask("GET", &format!("/rest/noteTargets/{}", id(&link)), &Value::Null).0, 404);
}

#[test]
fn links_follow_their_note_into_the_bin_and_out_again() {
    let probe = Probe::new();
    let note = probe.make("notes", &json!({"title": "n"}));
    let link = probe.make("noteTargets", &json!({"noteId": id(&note)}));
    let path = format!("/rest/noteTargets/{}", id(&link));
    probe.ask("DELETE", &format!("/rest/notes/{}?soft_delete=true", id(&note)), &Value::Null);
    assert_eq!(probe.ask("GET", &path, &Value::Null).0, 404);
    probe.ask("PATCH", &format!("/rest/restore/notes?filter=id[eq]:{}", id(&note)), &Value::Null);
    assert_eq!(probe.ask("GET", &path, &Value::Null).0, 200);
    // A restore by the time of deletion happens, but its answer looks again and finds nothing.
    probe.ask("DELETE", &format!("/rest/notes/{}?soft_delete=true", id(&note)), &Value::Null);
    let (_, body) = probe.ask("PATCH", "/rest/restore/notes?filter=deletedAt[is]:NOT_NULL", &Value::Null);
    assert_eq!(body["data"]["restoreNotes"], json!([]));
    assert_eq!(probe.get("/rest/notes")["totalCount"], json!(1));
}

#[test]
fn a_merge_fills_unites_moves_and_destroys() {
    let probe = Probe::ticking();
    let keep =
        probe.make("people", &json!({"name": {"firstName": "Ada"}, "emails": {"primaryEmail": "a@x.org"}}));
    let lose = probe.make("people", &json!({"jobTitle": "Countess", "emails": {"primaryEmail": "b@x.org"}}));
    let gift = probe.make("gifts", &json!({"donorId": id(&lose)}));
    let note = probe.make("notes", &json!({"title": "n"}));
    let link = probe.make("noteTargets", &json!({"noteId": id(&note), "targetPersonId": id(&lose)}));
    let body = json!({"ids": [id(&keep), id(&lose)], "conflictPriorityIndex": 0});
    let mut dry = body.clone();
    dry["dryRun"] = json!(true);
    let (_, reply) = probe.ask("PATCH", "/rest/people/merge", &dry);
    assert_ne!(reply["data"]["mergePerson"]["id"], keep["id"]);
    assert_eq!(probe.get("/rest/people")["totalCount"], json!(2));
    let (status, reply) = probe.ask("PATCH", "/rest/people/merge", &body);
    let merged = &reply["data"]["mergePerson"];
    assert_eq!((status, &merged["id"], &merged["jobTitle"]), (200, &keep["id"], &json!("Countess")));
    assert_eq!(merged["emails"], json!({"primaryEmail": "a@x.org", "additionalEmails": ["b@x.org"]}));
    assert_eq!(probe.get("/rest/people")["totalCount"], json!(1));
    assert_eq!(probe.get(&format!("/rest/gifts/{}", id(&gift)))["data"]["gift"]["donorId"], keep["id"]);
    // Notes fall with the loser on this version.
    assert_eq!(probe.ask("GET", &format!("/rest/noteTargets/{}", id(&link)), &Value::Null).0, 404);
    for (body, expected) in [
        (json!({"ids": [id(&keep)]}), "At least 2 record IDs are required for merge"),
        (json!({"ids": vec![id(&keep); 10]}), "Maximum 9 records can be merged at once"),
        (
            json!({"ids": [id(&keep), id(&keep)], "conflictPriorityIndex": 2}),
            "Invalid conflict priority '2'. Valid options for 2 records: 0-1",
        ),
    ] {
        assert_eq!(probe.refused("PATCH", "/rest/people/merge", &body).1, expected);
    }
}

#[test]
fn duplicates_are_exact_and_short_values_do_not_count() {
    let probe = Probe::new();
    let ada = probe.make("people", &json!({"name": {"firstName": "Ada", "lastName": "Lovelace"}}));
    probe.make("people", &json!({"name": {"firstName": "Al", "lastName": "Lovelace"}}));
    let found = |data: Value| {
        probe.ask("POST", "/rest/people/duplicates", &json!({ "data": [data] })).1["data"][0]["personDuplicates"].clone()
    };
    assert_eq!(found(json!({"name": {"firstName": "Ada", "lastName": "Lovelace"}}))[0]["id"], ada["id"]);
    assert_eq!(found(json!({"name": {"firstName": "ada", "lastName": "Lovelace"}})), json!([]));
    assert_eq!(found(json!({"name": {"firstName": "Al", "lastName": "Lovelace"}})), json!([]));
    let (_, none) = probe.ask("POST", "/rest/people/duplicates", &json!({"ids": []}));
    assert_eq!(none, json!({"data": []}));
    let (_, custom) = probe.ask("POST", "/rest/gifts/duplicates", &json!({"data": [{"name": "x"}]}));
    assert_eq!(custom["data"][0]["totalCount"], json!(0));
}

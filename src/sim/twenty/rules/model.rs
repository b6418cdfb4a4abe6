//! The metadata calls: objects and fields, their rules and refusals, and what records look like
//! after a change of the data model.

use serde_json::{Value, json};

use super::{NOON, Probe, id};
use crate::sim::twenty::{Options, Version};

const OBJECTS: &str = "/rest/metadata/objects";
/// What is said of a name of the wrong letters.
const NOT_CAMEL: &str =
    "Name is not valid: it must start with lowercase letter and contain only alphanumeric letters";
/// What is said of a name the server keeps for itself.
const RESERVED: &str =
    "This name is reserved. Use a different name or the system will add \"Custom\" suffix.";
const FIELDS: &str = "/rest/metadata/fields";
/// An id nobody has.
const NOBODY: &str = "20202020-b000-4485-94de-70c2a98daeff";

fn object(probe: &Probe, singular: &str) -> Value {
    let listed = probe.get(&format!("{OBJECTS}?limit=200"));
    let objects = listed["data"]["objects"].as_array().expect("objects").clone();
    objects.into_iter().find(|one| one["nameSingular"] == singular).expect("the object")
}

fn field(probe: &Probe, singular: &str, name: &str) -> Value {
    let fields = object(probe, singular)["fields"].as_array().expect("fields").clone();
    fields.into_iter().find(|one| one["name"] == name).expect("the field")
}

fn names(object: &Value) -> Vec<String> {
    let fields = object["fields"].as_array().expect("fields").iter();
    fields.map(|one| one["name"].as_str().expect("text").to_owned()).collect()
}

/// Makes an object of these names.
fn make_object(probe: &Probe, singular: &str, plural: &str) -> Value {
    let body = json!({"nameSingular": singular, "namePlural": plural, "labelSingular": "One", "labelPlural": "Many"});
    let (status, reply) = probe.ask("POST", OBJECTS, &body);
    assert_eq!(status, 201, "{reply}");
    reply["data"]["createOneObject"].clone()
}

/// Asks for a field of the gift.
fn ask_field(probe: &Probe, name: &str, kind: &str, more: &Value) -> (u16, Value) {
    let owner = object(probe, "gift");
    let mut body = json!({"objectMetadataId": owner["id"], "type": kind, "name": name, "label": "Label"});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    probe.ask("POST", FIELDS, &body)
}

fn make_field(probe: &Probe, name: &str, kind: &str, more: &Value) -> Value {
    let (status, reply) = ask_field(probe, name, kind, more);
    assert_eq!(status, 201, "{reply}");
    reply["data"]["createOneField"].clone()
}

/// Every message and code a refusal of the builder of migrations holds for one kind of thing.
fn faults(reply: &Value, entity: &str) -> Vec<(String, String)> {
    let failed = reply["errors"][entity].as_array().expect("failed things").iter();
    let faults = failed.flat_map(|one| one["errors"].as_array().expect("errors").clone());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    faults.map(|fault| (text(&fault["code"]), text(&fault["message"]))).collect()
}

#[test]
fn lists_come_by_descending_id_and_page_by_bare_ids() {
    let probe = Probe::new();
    for (path, name) in [(OBJECTS, "objects"), (FIELDS, "fields")] {
        let mut seen: Vec<String> = Vec::new();
        let mut target = format!("{path}?limit=7");
        let total = loop {
            let page = probe.get(&target);
            let ids = page["data"][name].as_array().expect("a list").iter().map(|one| id(one).to_owned());
            seen.extend(ids);
            assert_eq!(page["pageInfo"]["endCursor"], json!(seen.last()));
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                break page["totalCount"].clone();
            }
            target = format!("{path}?limit=7&starting_after={}", seen.last().expect("a page"));
        };
        assert_eq!(json!(seen.len()), total, "{path}");
        assert!(seen.is_sorted_by(|left, right| left > right), "{path}");
        // Backwards the nearest ones come.
        let back = probe.get(&format!("{path}?limit=2&ending_before={}", seen[5]));
        let ids: Vec<&str> = back["data"][name].as_array().expect("a list").iter().map(id).collect();
        assert_eq!(ids, [seen[3].as_str(), seen[4].as_str()], "{path}");
        let both = format!("{path}?starting_after={0}&ending_before={0}", seen[5]);
        assert_eq!(probe.ask("GET", &both, &Value::Null).0, 400, "{path}");
    }
    // There is no filter, and sixty is the page where nobody says.
    let page = probe.get(&format!("{FIELDS}?filter=name[eq]:amount"));
    assert_eq!(page["data"]["fields"].as_array().expect("a list").len(), 60);
    let none = probe.get(&format!("{OBJECTS}?limit=0"));
    assert_eq!((&none["data"]["objects"], &none["pageInfo"]["hasNextPage"]), (&json!([]), &json!(true)));
}

#[test]
fn an_id_that_is_none_and_one_nobody_has_are_refused_differently() {
    let probe = Probe::new();
    for path in [OBJECTS, FIELDS] {
        let (status, body) = probe.ask("GET", &format!("{path}/person"), &Value::Null);
        let expected = json!({"message": "Validation failed (uuid is expected)", "error": "Bad Request", "statusCode": 400});
        assert_eq!((status, body), (400, expected));
        assert_eq!(probe.ask("GET", &format!("{path}/{NOBODY}"), &Value::Null).0, 404, "{path}");
        assert_eq!(probe.ask("PATCH", &format!("{path}/{NOBODY}"), &json!({"label": "x"})).0, 400, "{path}");
    }
    let (_, body) = probe.ask("GET", &format!("{OBJECTS}/{NOBODY}"), &Value::Null);
    let expected = json!({"statusCode": 404, "error": "Error", "messages": ["Object metadata not found"],
        "code": "OBJECT_METADATA_NOT_FOUND"});
    assert_eq!(body, expected);
    let (_, body) = probe.ask("GET", &format!("{OBJECTS}?limit=abc"), &Value::Null);
    assert_eq!(body["code"], json!("INVALID_LIMIT_QUERY_PARAM"));
}

#[test]
fn a_new_object_has_its_system_fields_and_links_and_answers_at_once() {
    let probe = Probe::new();
    let made = make_object(&probe, "pledge", "pledges");
    let expected = [
        "name",
        "id",
        "createdAt",
        "createdBy",
        "deletedAt",
        "position",
        "searchVector",
        "updatedAt",
        "updatedBy",
        "timelineActivities",
        "attachments",
        "noteTargets",
        "taskTargets",
    ];
    let mut found = names(&made);
    let mut wanted = expected.map(str::to_owned);
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    for (key, value) in [("isActive", true), ("isSystem", false), ("isRemote", false), ("isSearchable", true)]
    {
        assert_eq!(made[key], json!(value), "{key}");
    }
    let label = field(&probe, "pledge", "name");
    assert_eq!((&made["labelIdentifierFieldMetadataId"], &label["isSystem"]), (&label["id"], &json!(false)));
    assert_eq!(field(&probe, "pledge", "createdAt")["isSystem"], json!(true));
    // The links got an arm that points here, and it can be written.
    for linked in ["noteTarget", "taskTarget", "attachment", "timelineActivity"] {
        let arm = field(&probe, linked, "targetPledge");
        assert_eq!(arm["type"], json!("MORPH_RELATION"), "{linked}");
        assert_eq!(arm["settings"]["joinColumnName"], json!("targetPledgeId"), "{linked}");
    }
    let pledge = probe.make("pledges", &json!({"name": "p"}));
    let note = probe.make("notes", &json!({"title": "n"}));
    let link = probe.make("noteTargets", &json!({"noteId": id(&note), "targetPledgeId": id(&pledge)}));
    assert_eq!(link["targetPledgeId"], pledge["id"]);
    // Without a name there is none.
    let bare = json!({"nameSingular": "mark", "namePlural": "marks", "labelSingular": "Mark", "labelPlural": "Marks", "skipNameField": true});
    assert_eq!(probe.ask("POST", OBJECTS, &bare).0, 201);
    assert_eq!(probe.make("marks", &json!({})).get("name"), None);
}

#[test]
fn names_of_objects_have_rules() {
    let probe = Probe::new();
    let long = "a".repeat(64);
    for (singular, plural, expected) in [
        ("gift", "gifts", ("OBJECT_ALREADY_EXISTS", "Object already exists")),
        (
            "sheep",
            "Sheep",
            ("INVALID_OBJECT_INPUT", "The singular and plural names cannot be the same for an object"),
        ),
        ("Pledge", "pledges", ("INVALID_OBJECT_INPUT", NOT_CAMEL)),
        ("my_pledge", "pledges", ("INVALID_OBJECT_INPUT", NOT_CAMEL)),
        (long.as_str(), "pledges", ("INVALID_OBJECT_INPUT", "Name is too long")),
        ("event", "happenings", ("INVALID_OBJECT_INPUT", RESERVED)),
    ] {
        let body = json!({"nameSingular": singular, "namePlural": plural, "labelSingular": "One", "labelPlural": "Many"});
        let (status, reply) = probe.ask("POST", OBJECTS, &body);
        assert_eq!((status, &reply["error"]), (400, &json!("METADATA_VALIDATION_ERROR")), "{singular}");
        let (code, message) = expected;
        let found = faults(&reply, "objectMetadata");
        assert!(found.contains(&(code.to_owned(), message.to_owned())), "{singular}: {found:?}");
        assert!(reply["summary"]["objectMetadata"].as_i64() >= Some(1), "{singular}");
    }
}

#[test]
fn some_names_are_kept_and_some_members_must_be_there() {
    let probe = Probe::new();
    for reserved in [
        "field",
        "link",
        "type",
        "object",
        "index",
        "relation",
        "address",
        "currency",
        "role",
        "user",
        "workspace",
        "plan",
        "job",
        "search",
        "aggregate",
    ] {
        let body = json!({"nameSingular": reserved, "namePlural": "others", "labelSingular": "One", "labelPlural": "Many"});
        let (status, reply) = probe.ask("POST", OBJECTS, &body);
        assert_eq!(status, 400, "{reserved}");
        assert!(
            faults(&reply, "objectMetadata").iter().any(|(_, message)| message == RESERVED),
            "{reserved}"
        );
    }
    let (status, reply) = probe.ask("POST", OBJECTS, &json!({"nameSingular": "pledge"}));
    let expected = json!([
        "namePlural should not be empty",
        "namePlural must be a string",
        "labelSingular should not be empty",
        "labelSingular must be a string",
        "labelPlural should not be empty",
        "labelPlural must be a string"
    ]);
    assert_eq!((status, &reply["message"], &reply["error"]), (400, &expected, &json!("Bad Request")));
    assert_eq!(probe.get(&format!("{OBJECTS}?limit=1"))["totalCount"], json!(29), "nothing was made");
}

#[test]
fn a_renamed_object_moves_its_paths_and_keeps_its_records() {
    let probe = Probe::new();
    let donor = probe.make("people", &json!({}));
    let gift = probe.make("gifts", &json!({"name": "x", "donorId": id(&donor)}));
    let path = format!("{OBJECTS}/{}", id(&object(&probe, "gift")));
    let (status, changed) =
        probe.ask("PATCH", &path, &json!({"nameSingular": "donation", "namePlural": "donations"}));
    assert_eq!((status, &changed["data"]["updateOneObject"]["namePlural"]), (200, &json!("donations")));
    assert_eq!(probe.ask("GET", "/rest/gifts", &Value::Null).0, 400);
    let found = probe.get(&format!("/rest/donations/{}?depth=1", id(&gift)));
    assert_eq!(found["data"]["donation"]["donor"]["id"], donor["id"]);
    let person = probe.get(&format!("/rest/people/{}?depth=1", id(&donor)));
    assert_eq!(person["data"]["person"]["gifts"][0]["id"], gift["id"]);
    // PUT is the same, and a name that is taken stays where it is.
    assert_eq!(probe.ask("PUT", &path, &json!({"labelPlural": "Donations"})).0, 200);
    let (status, reply) =
        probe.ask("PATCH", &path, &json!({"nameSingular": "person", "namePlural": "people"}));
    assert_eq!((status, faults(&reply, "objectMetadata")[0].0.as_str()), (400, "OBJECT_ALREADY_EXISTS"));
    probe.get("/rest/donations");
}

#[test]
fn an_object_is_switched_off_before_it_is_removed() {
    let probe = Probe::new();
    make_object(&probe, "pledge", "pledges");
    let pledge = probe.make("pledges", &json!({"name": "p"}));
    let path = format!("{OBJECTS}/{}", id(&object(&probe, "pledge")));
    let (status, reply) = probe.ask("DELETE", &path, &Value::Null);
    assert_eq!((status, faults(&reply, "objectMetadata").len()), (400, 1));
    assert_eq!(probe.get(&format!("/rest/pledges/{}", id(&pledge)))["data"]["pledge"]["name"], json!("p"));
    let (status, off) = probe.ask("PATCH", &path, &json!({"isActive": false}));
    assert_eq!((status, &off["data"]["updateOneObject"]["isActive"]), (200, &json!(false)));
    assert_eq!(probe.ask("DELETE", &path, &Value::Null).0, 200);
    assert_eq!(probe.ask("GET", &path, &Value::Null).0, 404);
    assert_eq!(probe.ask("GET", "/rest/pledges", &Value::Null).0, 400);
    assert!(!names(&object(&probe, "noteTarget")).contains(&"targetPledge".to_owned()));
    // A new one of the same name is another one, and empty.
    make_object(&probe, "pledge", "pledges");
    assert_ne!(format!("{OBJECTS}/{}", id(&object(&probe, "pledge"))), path);
    assert_eq!(probe.get("/rest/pledges")["totalCount"], json!(0));
    let standard = format!("{OBJECTS}/{}", id(&object(&probe, "person")));
    assert_eq!(probe.ask("PATCH", &standard, &json!({"isActive": false})).0, 200);
    let (status, reply) = probe.ask("DELETE", &standard, &Value::Null);
    assert_eq!(
        (status, faults(&reply, "objectMetadata")[0].1.as_str()),
        (400, "Standard objects cannot be deleted")
    );
}

#[test]
fn fields_of_every_kind_take_and_show_their_values() {
    let probe = Probe::new();
    let options = json!({"options": [{"value": "A", "label": "a", "color": "blue", "position": 0},
        {"value": "B", "label": "b", "color": "red", "position": 1}]});
    for (name, kind, more, empty, value) in [
        ("motive", "TEXT", json!({}), json!(""), json!("why")),
        ("count", "NUMBER", json!({}), Value::Null, json!(3)),
        ("thanked", "BOOLEAN", json!({}), json!(false), json!(true)),
        ("day", "DATE", json!({}), Value::Null, json!("2026-02-03")),
        ("moment", "DATE_TIME", json!({}), Value::Null, json!("2026-02-03T04:05:06.789Z")),
        ("stage", "SELECT", options.clone(), Value::Null, json!("A")),
        ("tags", "MULTI_SELECT", options.clone(), json!([]), json!(["B", "A"])),
        ("words", "ARRAY", json!({}), json!([]), json!(["x", "y"])),
        ("raw", "RAW_JSON", json!({}), Value::Null, json!({"a": [1]})),
        (
            "fee",
            "CURRENCY",
            json!({}),
            json!({"amountMicros": null, "currencyCode": null}),
            json!({"amountMicros": 5, "currencyCode": "EUR"}),
        ),
        ("key", "UUID", json!({}), Value::Null, json!("20202020-b000-4485-94de-70c2a98daeff")),
    ] {
        // A row that was there before has the field too, empty.
        let old = probe.make("gifts", &json!({}));
        let made = make_field(&probe, name, kind, &more);
        assert_eq!(
            (&made["type"], &made["isNullable"], &made["isUnique"]),
            (&json!(kind), &json!(true), &json!(false))
        );
        let path = format!("/rest/gifts/{}", id(&old));
        assert_eq!(probe.get(&path)["data"]["gift"][name], empty, "{name}");
        let (status, reply) = probe.ask("PATCH", &path, &json!({ name: value }));
        assert_eq!((status, &reply["data"]["updateGift"][name]), (200, &value), "{name}");
        assert_eq!(probe.get(&path)["data"]["gift"][name], value, "{name}");
    }
}

#[test]
fn a_relation_is_a_column_here_and_a_list_there() {
    let probe = Probe::new();
    let person = object(&probe, "person");
    let payload = json!({"relationCreationPayload": {"type": "MANY_TO_ONE", "targetObjectMetadataId": person["id"],
        "targetFieldLabel": "Soft credits", "targetFieldIcon": "IconGift"}});
    let made = make_field(&probe, "creditor", "RELATION", &payload);
    assert_eq!(
        made["settings"],
        json!({"onDelete": "SET_NULL", "relationType": "MANY_TO_ONE", "joinColumnName": "creditorId"})
    );
    assert_eq!(field(&probe, "person", "softCredits")["settings"]["relationType"], json!("ONE_TO_MANY"));
    let creditor = probe.make("people", &json!({}));
    let gift = probe.make("gifts", &json!({"creditorId": id(&creditor)}));
    assert_eq!((&gift["creditorId"], gift.get("creditor")), (&creditor["id"], None));
    assert_eq!(
        probe.column(&format!("/rest/gifts?filter=creditorId[eq]:{}", id(&creditor)), "/id"),
        [gift["id"].clone()]
    );
    let deep = probe.get(&format!("/rest/people/{}?depth=1", id(&creditor)));
    assert_eq!(deep["data"]["person"]["softCredits"][0]["id"], gift["id"]);
    // Taking one end away takes the other.
    assert_eq!(probe.ask("DELETE", &format!("{FIELDS}/{}", id(&made)), &Value::Null).0, 200);
    assert!(!names(&object(&probe, "person")).contains(&"softCredits".to_owned()));
    assert_eq!(probe.ask("POST", "/rest/gifts", &json!({"creditorId": id(&creditor)})).0, 400);
}

#[test]
fn a_field_that_makes_no_sense_is_refused() {
    let probe = Probe::new();
    let option =
        |value: &str| json!({"options": [{"value": value, "label": "A", "color": "blue", "position": 0}]});
    let mut defaulted = option("A");
    defaulted["defaultValue"] = json!("'B'");
    for (name, kind, more, code, message) in [
        (
            "amount",
            "TEXT",
            json!({}),
            "NOT_AVAILABLE",
            "Name \"amount\" is not available as it is already used by another field",
        ),
        (
            "createdAt",
            "TEXT",
            json!({}),
            "NOT_AVAILABLE",
            "Name \"createdAt\" is not available as it is already used by another field",
        ),
        (
            "donorId",
            "TEXT",
            json!({}),
            "NOT_AVAILABLE",
            "Name \"donorId\" is not available as it is already used by another join column name",
        ),
        (
            "amountAmountMicros",
            "NUMBER",
            json!({}),
            "RESERVED_KEYWORD",
            "Name \"amountAmountMicros\" is reserved composite field name",
        ),
        ("Motive", "TEXT", json!({}), "INVALID_FIELD_INPUT", NOT_CAMEL),
        ("search", "TEXT", json!({}), "INVALID_FIELD_INPUT", RESERVED),
        ("donator", "RELATION", json!({}), "INVALID_FIELD_INPUT", "Relation creation payload is required"),
        ("stage", "SELECT", json!({}), "INVALID_FIELD_INPUT", "Options are required for enum fields"),
        (
            "stage",
            "SELECT",
            option("lower"),
            "INVALID_FIELD_INPUT",
            "Value must be in UPPER_CASE and follow snake_case \"lower\"",
        ),
        (
            "stage",
            "SELECT",
            defaulted,
            "INVALID_FIELD_INPUT",
            "Default value \"'B'\" must be one of the option values",
        ),
    ] {
        let (status, reply) = ask_field(&probe, name, kind, &more);
        assert_eq!((status, &reply["error"]), (400, &json!("METADATA_VALIDATION_ERROR")), "{name}");
        let found = faults(&reply, "fieldMetadata");
        assert!(found.contains(&(code.to_owned(), message.to_owned())), "{name}: {found:?}");
    }
    let (status, reply) = ask_field(&probe, "nope", "NOPE", &json!({}));
    assert_eq!((status, reply["message"].as_array().expect("complaints").len()), (400, 1));
    assert_eq!(names(&object(&probe, "gift")).len(), 18, "nothing was made");
}

#[test]
fn a_unique_field_keeps_values_apart_and_carries_upserts() {
    let probe = Probe::new();
    make_field(&probe, "syncKey", "TEXT", &json!({"isUnique": true}));
    let one = probe.make("gifts", &json!({"syncKey": "k", "name": "a"}));
    assert_eq!(
        probe.refused("POST", "/rest/gifts", &json!({"syncKey": "k"})).1,
        "A duplicate entry was detected"
    );
    let (status, reply) = probe.ask("POST", "/rest/gifts?upsert=true", &json!({"syncKey": "k", "name": "b"}));
    assert_eq!((status, &reply["data"]["createGift"]["id"]), (201, &one["id"]));
}

#[test]
fn a_field_that_is_switched_off_disappears_from_records_and_keeps_its_values() {
    let probe = Probe::new();
    make_field(&probe, "syncKey", "TEXT", &json!({"isUnique": true}));
    let gift = probe.make("gifts", &json!({"syncKey": "k", "name": "a"}));
    let path = format!("{FIELDS}/{}", id(&field(&probe, "gift", "syncKey")));
    let (status, off) = probe.ask("PATCH", &path, &json!({"isActive": false}));
    assert_eq!((status, &off["data"]["updateOneField"]["isActive"]), (200, &json!(false)));
    let own = format!("/rest/gifts/{}", id(&gift));
    assert_eq!(probe.get(&own)["data"]["gift"].get("syncKey"), None);
    assert_eq!(probe.get("/rest/gifts")["data"]["gifts"][0].get("syncKey"), None);
    for (method, target, body) in [
        ("GET", "/rest/gifts?filter=syncKey[eq]:k", Value::Null),
        ("GET", "/rest/gifts?order_by=syncKey", Value::Null),
        ("POST", "/rest/gifts", json!({"syncKey": "other"})),
        ("PATCH", own.as_str(), json!({"syncKey": "other"})),
    ] {
        assert_eq!(probe.ask(method, target, &body).0, 400, "{method} {target}");
    }
    // The data model still lists it, and its name stays taken.
    assert_eq!(field(&probe, "gift", "syncKey")["isActive"], json!(false));
    let (status, reply) = ask_field(&probe, "syncKey", "TEXT", &json!({}));
    assert_eq!((status, faults(&reply, "fieldMetadata")[0].0.as_str()), (400, "NOT_AVAILABLE"));
    assert_eq!(probe.ask("PATCH", &path, &json!({"isActive": true})).0, 200);
    assert_eq!(probe.get(&own)["data"]["gift"]["syncKey"], json!("k"));
    assert_eq!(probe.refused("POST", "/rest/gifts", &json!({"syncKey": "k"})).0, 400);
}

#[test]
fn fields_are_renamed_and_removed() {
    let probe = Probe::new();
    let gift = probe.make("gifts", &json!({"externalId": "e", "name": "n"}));
    let own = format!("/rest/gifts/{}", id(&gift));
    let path = format!("{FIELDS}/{}", id(&field(&probe, "gift", "externalId")));
    let (status, reply) = probe.ask("PATCH", &path, &json!({"name": "reference", "label": "Reference"}));
    assert_eq!((status, &reply["data"]["updateOneField"]["name"]), (200, &json!("reference")));
    let shown = probe.get(&own)["data"]["gift"].clone();
    assert_eq!((&shown["reference"], shown.get("externalId")), (&json!("e"), None));
    let (status, gone) = probe.ask("DELETE", &path, &Value::Null);
    assert_eq!((status, &gone["data"]["deleteOneField"]["name"]), (200, &json!("reference")));
    assert_eq!(probe.get(&own)["data"]["gift"].get("reference"), None);
    // What comes back under an old name is empty.
    make_field(&probe, "reference", "TEXT", &json!({}));
    assert_eq!(probe.get(&own)["data"]["gift"]["reference"], json!(""));
    for (name, message) in [
        ("createdAt", "System fields cannot be deleted"),
        ("name", "Cannot delete, please update the label identifier field first"),
    ] {
        let path = format!("{FIELDS}/{}", id(&field(&probe, "gift", name)));
        let (status, reply) = probe.ask("DELETE", &path, &Value::Null);
        assert_eq!((status, faults(&reply, "fieldMetadata")[0].1.as_str()), (400, message), "{name}");
    }
}

#[test]
fn a_newer_server_answers_without_the_old_envelope() {
    for version in [Version::Older, Version::Recorded, Version::Newer] {
        let probe = Probe::with(Options::new(3, || NOON).playing(version));
        let bare = version == Version::Newer;
        let unwrap = |body: &Value, name: &str| if bare { body.clone() } else { body["data"][name].clone() };
        let listed = probe.get(&format!("{OBJECTS}?limit=2"));
        let list = if bare { &listed["data"] } else { &listed["data"]["objects"] };
        assert_eq!(
            (list.as_array().map(Vec::len), &listed["totalCount"]),
            (Some(2), &json!(29)),
            "{version:?}"
        );
        let body = json!({"nameSingular": "pledge", "namePlural": "pledges", "labelSingular": "One", "labelPlural": "Many"});
        let (status, made) = probe.ask("POST", OBJECTS, &body);
        let made = unwrap(&made, "createOneObject");
        assert_eq!((status, &made["nameSingular"]), (201, &json!("pledge")), "{version:?}");
        let path = format!("{OBJECTS}/{}", id(&made));
        assert_eq!(unwrap(&probe.get(&path), "object")["id"], made["id"], "{version:?}");
        let (_, off) = probe.ask("PATCH", &path, &json!({"isActive": false}));
        assert_eq!(unwrap(&off, "updateOneObject")["isActive"], json!(false), "{version:?}");
        let (_, gone) = probe.ask("DELETE", &path, &Value::Null);
        assert_eq!(unwrap(&gone, "deleteOneObject")["id"], made["id"], "{version:?}");
        // The arms of links bear these names since 1.17, before the oldest that is played.
        let note = probe.make("notes", &json!({"title": "n"}));
        let donor = probe.make("people", &json!({}));
        let link = json!({"noteId": id(&note), "targetPersonId": id(&donor)});
        assert_eq!(probe.ask("POST", "/rest/noteTargets", &link).0, 201, "{version:?}");
    }
}

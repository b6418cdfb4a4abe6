//! GraphQL over records and over the data model: what it reads and writes, and how it refuses.

use serde_json::{Value, json};

use super::{Probe, id};

/// The answer of `/graphql`, whose status is always 200.
fn call(probe: &Probe, query: &str, variables: &Value) -> Value {
    let (status, answer) = probe.ask("POST", "/graphql", &json!({"query": query, "variables": variables}));
    assert_eq!(status, 200, "{query}");
    answer
}

/// The data of an answer without errors.
fn data(probe: &Probe, query: &str, variables: &Value) -> Value {
    let answer = call(probe, query, variables);
    assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    answer["data"].clone()
}

/// Message and code of the first error.
fn refusal(answer: &Value) -> (String, String) {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/errors/0/message"), text("/errors/0/extensions/code"))
}

/// Seven gifts of growing size, the first two of one donor.
fn gifts() -> (Probe, Value) {
    let probe = Probe::ticking();
    let donor = probe.make(
        "people",
        &json!({"name": {"firstName": "Ada", "lastName": "O'Brien, (Jr.) \"A\""},
            "emails": {"primaryEmail": "ada@example.org", "additionalEmails": ["old@b.org", "x@c.org"]}}),
    );
    let batch: Vec<Value> = (1..=7)
        .map(|at| {
            let donor = if at <= 2 { donor["id"].clone() } else { Value::Null };
            json!({"name": format!("g{at}"), "externalId": format!("x-{at}"), "donorId": donor,
                "amount": {"amountMicros": at * 1_000_000, "currencyCode": "GBP"},
                "status": if at % 2 == 0 { "RECEIVED" } else { "PLEDGED" }})
        })
        .collect();
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &json!(batch)).0, 201);
    (probe, donor)
}

/// The external ids of a page of gifts, in its order.
fn found(probe: &Probe, arguments: &str) -> Vec<String> {
    let query = format!("{{ gifts({arguments}) {{ edges {{ node {{ externalId }} }} }} }}");
    let data = data(probe, &query, &Value::Null);
    let edges = data["gifts"]["edges"].as_array().expect("edges").iter();
    edges.map(|edge| edge["node"]["externalId"].as_str().expect("text").to_owned()).collect()
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.iter().map(|name| name.trim_start_matches("x-")).collect()
}

#[test]
fn whatever_goes_wrong_the_status_is_200() {
    let (probe, _) = gifts();
    for (query, message, code) in [
        (
            "{ unicorns { totalCount } }",
            "Cannot query field \"unicorns\" on type \"Query\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ gifts { edges { node { horn } } } }",
            "Cannot query field \"horn\" on type \"Gift\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ gifts { nodes { id } } }",
            "Cannot query field \"nodes\" on type \"GiftConnection\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ gifts { edges { node { amount { pence } } } } }",
            "Cannot query field \"pence\" on type \"Amount\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "mutation { gifts { totalCount } }",
            "Cannot query field \"gifts\" on type \"Mutation\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ createGift(data: {}) { id } }",
            "Cannot query field \"createGift\" on type \"Query\".",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ gifts { totalCount }", "Syntax Error: Unexpected <EOF>.", "GRAPHQL_PARSE_FAILED"),
    ] {
        let answer = call(&probe, query, &Value::Null);
        assert_eq!(refusal(&answer), (message.to_owned(), code.to_owned()), "{query}");
        assert_eq!(answer.get("data"), None, "{query}");
    }
    // Without a token, and with one that is none.
    for (headers, code) in [
        (vec![("content-type", "application/json")], "FORBIDDEN"),
        (vec![("content-type", "application/json"), ("authorization", "Bearer x")], "UNAUTHENTICATED"),
    ] {
        let reply = probe.raw("POST", "/graphql", &headers, r#"{"query":"{ gifts { totalCount } }"}"#);
        let answer: Value = serde_json::from_slice(reply.body()).expect("JSON");
        assert_eq!((reply.status().as_u16(), refusal(&answer).1.as_str()), (200, code));
    }
}

#[test]
fn nothing_happens_when_anything_asked_for_is_unknown() {
    let (probe, _) = gifts();
    let answer = call(&probe, "mutation { createGift(data: {name: \"new\"}) { id horn } }", &Value::Null);
    assert_eq!(refusal(&answer).1, "GRAPHQL_VALIDATION_FAILED");
    let both = "mutation { createGift(data: {name: \"new\"}) { id } createUnicorn(data: {}) { id } }";
    assert_eq!(refusal(&call(&probe, both, &Value::Null)).1, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(probe.get("/rest/gifts")["totalCount"], json!(7));
}

#[test]
fn a_walk_forward_sees_every_record_once() {
    let (probe, _) = gifts();
    let query = "query Page($after: String) { gifts(first: 3, after: $after) {
        edges { cursor node { id externalId } } totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let mut after = Value::Null;
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = data(&probe, query, &json!({ "after": after }))["gifts"].clone();
        let edges = page["edges"].as_array().expect("edges").clone();
        let info = &page["pageInfo"];
        assert_eq!((&page["totalCount"], &info["hasPreviousPage"]), (&json!(7), &json!(false)));
        assert_eq!(info["startCursor"], edges[0]["cursor"]);
        assert_eq!(Some(&info["endCursor"]), edges.last().map(|edge| &edge["cursor"]));
        sizes.push(edges.len());
        seen.extend(edges.iter().map(|edge| edge["node"]["id"].clone()));
        if info["hasNextPage"] == json!(false) {
            break;
        }
        after = info["endCursor"].clone();
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(seen, probe.column("/rest/gifts", "/id"));
    // The cursors are those of REST.
    let rest = probe.get("/rest/gifts?limit=3")["pageInfo"]["endCursor"].clone();
    let page = data(&probe, query, &json!({ "after": rest }));
    assert_eq!(page["gifts"]["edges"][0]["node"]["id"], seen[3]);
}

#[test]
fn pages_go_back_skip_and_are_not_clamped() {
    let (probe, _) = gifts();
    let order = "orderBy: [{amount: {amountMicros: AscNullsLast}}]";
    assert_eq!(found(&probe, &format!("{order}, first: 2, offset: 3")), ["x-4", "x-5"]);
    assert_eq!(found(&probe, &format!("{order}, last: 2")), ["x-6", "x-7"]);
    assert_eq!(found(&probe, "orderBy: [{externalId: DescNullsLast}], first: 3"), ["x-7", "x-6", "x-5"]);
    assert_eq!(found(&probe, "first: 0"), Vec::<String>::new());
    let query = format!("{{ gifts({order}, first: 5) {{ edges {{ cursor }} }} }}");
    let cursors = data(&probe, &query, &Value::Null);
    let fifth = cursors["gifts"]["edges"][4]["cursor"].as_str().expect("a cursor");
    assert_eq!(found(&probe, &format!("{order}, last: 2, before: \"{fifth}\"")), ["x-3", "x-4"]);
    for (arguments, message) in [
        (format!("{order}, after: \"{fifth}\", before: \"{fifth}\""), "Cannot provide both before and after"),
        ("first: -1".to_owned(), "First argument must be non-negative"),
    ] {
        let answer = call(&probe, &format!("{{ gifts({arguments}) {{ totalCount }} }}"), &Value::Null);
        assert_eq!(refusal(&answer), (message.to_owned(), "BAD_USER_INPUT".to_owned()));
        assert_eq!(answer["data"], json!({"gifts": null}));
    }
    let nonsense = call(&probe, "{ gifts(after: \"x\") { totalCount } }", &Value::Null);
    assert!(refusal(&nonsense).0.starts_with("Invalid cursor: "), "{nonsense}");
    // More than 200 come where REST cuts.
    let many: Vec<Value> = (0..200).map(|at| json!({"name": format!("m{at}")})).collect();
    assert_eq!(probe.ask("POST", "/rest/batch/gifts", &json!(many)).0, 201);
    assert_eq!(found(&probe, "first: 205").len(), 205);
    assert_eq!(found(&probe, "").len(), 60);
}

#[test]
fn filters_are_trees_and_hold_any_value() {
    let (probe, donor) = gifts();
    for (filter, expected) in [
        ("{externalId: {eq: \"x-3\"}}".to_owned(), "3"),
        ("{externalId: {in: [\"x-3\", \"x-5\"]}}".to_owned(), "35"),
        ("{amount: {amountMicros: {gte: 6000000}}}".to_owned(), "67"),
        ("{status: {eq: RECEIVED}}".to_owned(), "246"),
        ("{status: {in: [RECEIVED]}, name: {ilike: \"G_\"}, externalId: {neq: \"x-2\"}}".to_owned(), "46"),
        ("{or: [{name: {startsWith: \"g1\"}}, {and: [{name: {endsWith: \"7\"}}, {not: {status: {eq: RECEIVED}}}]}]}".to_owned(), "17"),
        ("{not: {donorId: {is: NULL}}}".to_owned(), "12"),
        (format!("{{donorId: {{eq: \"{}\"}}}}", id(&donor)), "12"),
        ("{donor: {name: {lastName: {ilike: \"o'brien%\"}}}}".to_owned(), "12"),
        ("{}".to_owned(), "1234567"),
    ] {
        assert_eq!(sorted(found(&probe, &format!("filter: {filter}"))), expected, "{filter}");
    }
    // Quotes, commas and parentheses, which the text filter of REST cannot carry, arrive whole.
    let people = |filter: Value| {
        let query = "query Q($f: PersonFilterInput) { people(filter: $f) { totalCount } }";
        data(&probe, query, &json!({ "f": filter }))["people"]["totalCount"].clone()
    };
    assert_eq!(people(json!({"name": {"lastName": {"eq": "O'Brien, (Jr.) \"A\""}}})), json!(1));
    assert_eq!(people(json!({"name": {"lastName": {"eq": "O'Brien"}}})), json!(0));
    assert_eq!(people(json!({"emails": {"primaryEmail": {"eq": "ada@example.org"}}})), json!(1));
}

#[test]
fn lists_have_operators_of_their_own() {
    let probe = Probe::new();
    let owner = probe.get("/rest/metadata/objects?limit=200")["data"]["objects"].clone();
    let objects = owner.as_array().expect("objects").iter();
    let gift = objects.clone().find(|one| one["nameSingular"] == "gift").expect("the gift");
    let options = json!([{"value": "A", "label": "a", "color": "blue", "position": 0}, {"value": "B", "label": "b", "color": "red", "position": 1}]);
    for (name, kind) in [("words", "ARRAY"), ("tags", "MULTI_SELECT")] {
        let mut field = json!({"objectMetadataId": gift["id"], "type": kind, "name": name, "label": "L"});
        if kind == "MULTI_SELECT" {
            field["options"] = options.clone();
        }
        assert_eq!(probe.ask("POST", "/rest/metadata/fields", &field).0, 201, "{name}");
    }
    probe.make("gifts", &json!({"externalId": "x-1", "words": ["Harbour", "light"], "tags": ["A", "B"]}));
    probe.make("gifts", &json!({"externalId": "x-2", "words": ["sea"], "tags": ["B"]}));
    probe.make("gifts", &json!({"externalId": "x-3"}));
    for (filter, expected) in [
        ("{words: {containsIlike: \"%harb%\"}}", "1"),
        ("{words: {isEmptyArray: true}}", "3"),
        ("{tags: {containsAny: [A]}}", "1"),
        ("{tags: {containsAny: [A, B]}}", "12"),
        ("{tags: {isEmptyArray: true}}", "3"),
    ] {
        assert_eq!(sorted(found(&probe, &format!("filter: {filter}"))), expected, "{filter}");
    }
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    let (probe, _) = gifts();
    for (filter, message) in [
        ("{horn: {eq: 1}}", "Object gift doesn't have any \"horn\" field."),
        ("{name: {eq: \"a\", like: \"b\"}}", "Filter for field \"name\" must have exactly one operator"),
        (
            "{position: {like: \"1\"}}",
            "Operator \"like\" is not valid for field \"position\" of type POSITION - Allowed operators: eq, neq, gt, gte, lt, lte, in, is",
        ),
        ("{id: {eq: \"x\"}}", "Invalid UUID value 'x' for field \"id\""),
    ] {
        let answer = call(&probe, &format!("{{ gifts(filter: {filter}) {{ totalCount }} }}"), &Value::Null);
        assert_eq!(refusal(&answer), (message.to_owned(), "BAD_USER_INPUT".to_owned()), "{filter}");
        assert_eq!(answer["data"], json!({"gifts": null}));
    }
}

#[test]
fn the_bin_is_seen_by_those_who_ask_for_it() {
    let (probe, _) = gifts();
    let gift = probe.column("/rest/gifts?filter=externalId[eq]:x-4", "/id")[0].clone();
    let query = "mutation M($id: UUID!) { deleteGift(id: $id) { id deletedAt } }";
    let gone = data(&probe, query, &json!({ "id": gift }))["deleteGift"].clone();
    assert_eq!((&gone["id"], gone["deletedAt"].is_string()), (&gift, true));
    assert_eq!(sorted(found(&probe, "")), "123567");
    assert_eq!(sorted(found(&probe, "filter: {deletedAt: {is: NOT_NULL}}")), "4");
    let both = "filter: {or: [{deletedAt: {is: NULL}}, {deletedAt: {is: NOT_NULL}}]}";
    assert_eq!(sorted(found(&probe, both)), "1234567");
    let one = "query Q($id: UUID) { gift(filter: {id: {eq: $id}}) { externalId } }";
    assert_eq!(
        refusal(&call(&probe, one, &json!({ "id": gift }))),
        ("Record not found".to_owned(), "NOT_FOUND".to_owned())
    );
    let restored = "mutation M($id: UUID!) { restoreGift(id: $id) { deletedAt externalId } }";
    let back = data(&probe, restored, &json!({ "id": gift }));
    assert_eq!(back["restoreGift"], json!({"deletedAt": null, "externalId": "x-4"}));
    assert_eq!(data(&probe, one, &json!({ "id": gift }))["gift"], json!({"externalId": "x-4"}));
}

#[test]
fn delete_is_soft_here_and_destroy_is_not() {
    let (probe, _) = gifts();
    let many = "mutation { deleteGifts(filter: {status: {eq: RECEIVED}}) { externalId } }";
    assert_eq!(data(&probe, many, &Value::Null)["deleteGifts"].as_array().map(Vec::len), Some(3));
    assert_eq!(probe.server.records("gifts").len(), 7);
    let destroy = "mutation { destroyGifts(filter: {deletedAt: {is: NOT_NULL}}) { externalId } }";
    assert_eq!(data(&probe, destroy, &Value::Null)["destroyGifts"].as_array().map(Vec::len), Some(3));
    assert_eq!(probe.server.records("gifts").len(), 4);
    let first = probe.column("/rest/gifts?filter=externalId[eq]:x-1", "/id")[0].clone();
    let one = "mutation M($id: UUID!) { destroyGift(id: $id) { externalId } }";
    assert_eq!(data(&probe, one, &json!({ "id": first }))["destroyGift"], json!({"externalId": "x-1"}));
    assert_eq!(refusal(&call(&probe, one, &json!({ "id": first }))).1, "NOT_FOUND");
    // Without a filter neither bulk removal dares.
    for query in ["mutation { deleteGifts { id } }", "mutation { destroyGifts(filter: {}) { id } }"] {
        assert!(
            refusal(&call(&probe, query, &Value::Null)).0.starts_with("Filters are mandatory"),
            "{query}"
        );
    }
    assert_eq!(probe.get("/rest/gifts")["totalCount"], json!(3));
}

#[test]
fn records_are_made_and_changed() {
    let (probe, donor) = gifts();
    let creation = "mutation M($d: [GiftCreateInput!]!, $u: Boolean) { createGifts(data: $d, upsert: $u) { id name externalId } }";
    let batch = json!([{"externalId": "x-8", "name": "g8"}, {"externalId": "x-9", "name": "g9"}]);
    let made = data(&probe, creation, &json!({ "d": batch }))["createGifts"].clone();
    assert_eq!((&made[0]["name"], &made[1]["externalId"]), (&json!("g8"), &json!("x-9")));
    let again = data(&probe, creation, &json!({"u": true, "d": [{"externalId": "x-8", "name": "new"}]}));
    assert_eq!(again["createGifts"], json!([{"id": made[0]["id"], "name": "new", "externalId": "x-8"}]));
    let change = "mutation M($id: UUID!, $d: GiftUpdateInput!) { updateGift(id: $id, data: $d) { donorId updatedBy { name source } } }";
    let wanted = json!({"id": made[0]["id"], "d": {"donorId": donor["id"]}});
    let changed = data(&probe, change, &wanted)["updateGift"].clone();
    assert_eq!((&changed["donorId"], &changed["updatedBy"]["source"]), (&donor["id"], &json!("API")));
    let bulk =
        "mutation { updateGifts(filter: {status: {eq: PLEDGED}}, data: {status: RECEIVED}) { externalId } }";
    assert_eq!(data(&probe, bulk, &Value::Null)["updateGifts"].as_array().map(Vec::len), Some(4));
    let nobody = json!({"id": "20202020-b000-4485-94de-70c2a98daeff", "d": {"name": "x"}});
    let answer = call(&probe, change, &nobody);
    assert_eq!(refusal(&answer), ("Record not found".to_owned(), "NOT_FOUND".to_owned()));
    assert_eq!(answer["data"], json!({"updateGift": null}));
    let unknown = call(&probe, change, &json!({"id": made[0]["id"], "d": {"horn": 1}}));
    assert_eq!(refusal(&unknown).0, "Object gift doesn't have any \"horn\" field.");
}

#[test]
fn a_duplicate_names_the_record_in_the_way() {
    let (probe, _) = gifts();
    let holder = probe.column("/rest/gifts?filter=externalId[eq]:x-3", "/id")[0].clone();
    let query = "mutation { createGift(data: {externalId: \"x-3\"}) { id } }";
    let answer = call(&probe, query, &Value::Null);
    assert_eq!(refusal(&answer), ("A duplicate entry was detected".to_owned(), "BAD_USER_INPUT".to_owned()));
    let told = &answer["errors"][0]["extensions"];
    assert_eq!(
        (&told["conflictingRecordId"], &told["conflictingObjectNameSingular"]),
        (&holder, &json!("gift"))
    );
    assert!(told["userFriendlyMessage"].is_string());
    assert_eq!(answer["data"], json!({"createGift": null}));
}

#[test]
fn what_is_asked_for_is_what_comes_under_the_names_asked_for() {
    let (probe, donor) = gifts();
    let query = "query Q($id: UUID) {
        person(filter: {id: {eq: $id}}) { ...Who kind: __typename
            gifts { totalCount edges { node { sum: amount { amountMicros } ... on Gift { externalId } } } } }
        all: gifts(first: 2, orderBy: [{externalId: AscNullsLast}]) { edges { node { who: donor { ...Who } donorId } } }
    }
    fragment Who on Person { surname: name { lastName } }";
    let data = data(&probe, query, &json!({"id": donor["id"]}));
    let who = json!({"surname": {"lastName": "O'Brien, (Jr.) \"A\""}});
    let gift =
        |at: i64| json!({"node": {"sum": {"amountMicros": at * 1_000_000}, "externalId": format!("x-{at}")}});
    let mut person = who.clone();
    person["kind"] = json!("Person");
    let mut edges = data["person"]["gifts"]["edges"].as_array().expect("edges").clone();
    edges.sort_by_key(ToString::to_string);
    assert_eq!(edges, [gift(1), gift(2)]);
    person["gifts"] = data["person"]["gifts"].clone();
    assert_eq!(data["person"], person);
    assert_eq!(person["gifts"]["totalCount"], json!(2));
    let node = json!({"node": {"who": who, "donorId": donor["id"]}});
    assert_eq!(data["all"]["edges"], json!([node, node]));
}

#[test]
fn a_root_field_may_be_asked_for_once_and_twenty_in_all() {
    let (probe, _) = gifts();
    for query in [
        "{ a: gifts { totalCount } b: gifts(first: 1) { totalCount } }",
        "{ gifts { totalCount } gifts { edges { cursor } } }",
    ] {
        let answer = call(&probe, query, &Value::Null);
        let expected = ("Duplicate root resolver: \"gifts\"".to_owned(), "BAD_USER_INPUT".to_owned());
        assert_eq!(refusal(&answer), expected, "{query}");
        assert_eq!(answer.get("data"), None);
    }
    let roots = [
        "gifts",
        "people",
        "companies",
        "notes",
        "tasks",
        "noteTargets",
        "taskTargets",
        "attachments",
        "opportunities",
        "timelineActivities",
        "workspaceMembers",
        "giftsGroupBy(groupBy: [{status: true}])",
    ];
    let ask = |root: &&str| match root.split_once('(') {
        Some(_) => format!("{root} {{ groupByDimensionValues }}"),
        None => format!("{root} {{ totalCount }}"),
    };
    let twelve: Vec<String> = roots.iter().map(ask).collect();
    let answer = data(&probe, &format!("{{ {} }}", twelve.join(" ")), &Value::Null);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(12));
    // Nine single records more are one too many.
    let singles = [
        "gift",
        "person",
        "company",
        "note",
        "task",
        "noteTarget",
        "taskTarget",
        "attachment",
        "opportunity",
    ];
    let nine = singles.map(|name| format!("{name}(filter: {{}}) {{ id }}"));
    let answer = call(&probe, &format!("{{ {} {} }}", twelve.join(" "), nine.join(" ")), &Value::Null);
    assert!(refusal(&answer).0.contains("Maximum allowed root resolvers: 20"), "{answer}");
}

#[test]
fn one_root_field_may_fail_beside_another() {
    let (probe, _) = gifts();
    let query = "{ gifts(filter: {horn: {eq: 1}}) { totalCount } people { totalCount } }";
    let answer = call(&probe, query, &Value::Null);
    assert_eq!(answer["data"], json!({"gifts": null, "people": {"totalCount": 1}}));
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
}

#[test]
fn aggregates_are_numbers_here() {
    let (probe, _) = gifts();
    let query = "{ gifts(first: 1, filter: {status: {eq: RECEIVED}}) {
        totalCount sumAmountAmountMicros minAmountAmountMicros named: countNotEmptyName } }";
    let found = data(&probe, query, &Value::Null)["gifts"].clone();
    assert_eq!((&found["totalCount"], &found["sumAmountAmountMicros"]), (&json!(3), &json!(12_000_000)));
    assert_eq!((&found["minAmountAmountMicros"], &found["named"]), (&json!(2_000_000), &json!(3)));
    let query = "{ giftsGroupBy(groupBy: [{status: true}]) { groupByDimensionValues totalCount sumAmountAmountMicros } }";
    let mut groups = data(&probe, query, &Value::Null)["giftsGroupBy"].as_array().expect("groups").clone();
    groups.sort_by_key(ToString::to_string);
    let group = |status: &str, count: i64, sum: i64| json!({"groupByDimensionValues": [status], "totalCount": count, "sumAmountAmountMicros": sum});
    assert_eq!(groups, [group("PLEDGED", 4, 16_000_000), group("RECEIVED", 3, 12_000_000)]);
}

#[test]
fn duplicates_and_merges_work_as_over_rest() {
    let (probe, ada) = gifts();
    let twin = probe.make(
        "people",
        &json!({"name": {"firstName": "Ada", "lastName": "O'Brien, (Jr.) \"A\""}, "jobTitle": "Clerk"}),
    );
    let query = "query Q($ids: [UUID!]) { personDuplicates(ids: $ids) { totalCount edges { node { id } } } }";
    let found = data(&probe, query, &json!({"ids": [ada["id"]]}));
    assert_eq!(
        found["personDuplicates"],
        json!([{"totalCount": 1, "edges": [{"node": {"id": twin["id"]}}]}])
    );
    let merge =
        "mutation M($ids: [UUID!]!) { mergePeople(ids: $ids, conflictPriorityIndex: 0) { id jobTitle } }";
    let merged = data(&probe, merge, &json!({"ids": [ada["id"], twin["id"]]}));
    assert_eq!(merged["mergePeople"], json!({"id": ada["id"], "jobTitle": "Clerk"}));
    assert_eq!(probe.get("/rest/people")["totalCount"], json!(1));
}

/// The answer of `/metadata`.
fn model(probe: &Probe, query: &str) -> Value {
    let (status, answer) = probe.ask("POST", "/metadata", &json!({ "query": query }));
    assert_eq!(status, 200, "{query}");
    answer
}

#[test]
fn the_data_model_is_read_page_by_page() {
    let probe = Probe::new();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let query = format!(
            "{{ objects(paging: {{first: 10{after}}}) {{ edges {{ node {{ nameSingular fields(paging: {{first: 500}}) {{ edges {{ node {{ name type }} }} }} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let page = model(&probe, &query)["data"]["objects"].clone();
        seen.extend(page["edges"].as_array().expect("edges").clone());
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(seen.len(), 29);
    let gift = seen.iter().find(|edge| edge["node"]["nameSingular"] == "gift").expect("the gift");
    let fields = gift["node"]["fields"]["edges"].as_array().expect("fields");
    assert!(fields.contains(&json!({"node": {"name": "amount", "type": "CURRENCY"}})));
}

#[test]
fn the_data_model_is_changed_and_its_refusals_stand_in_the_answer() {
    let probe = Probe::new();
    let object = "mutation { createOneObject(input: {object: {nameSingular: \"pledge\", namePlural: \"pledges\", labelSingular: \"P\", labelPlural: \"Ps\"}}) { id nameSingular } }";
    let made = model(&probe, object)["data"]["createOneObject"].clone();
    assert_eq!(made["nameSingular"], json!("pledge"));
    probe.make("pledges", &json!({"name": "p"}));
    let refused = model(&probe, object);
    let told = &refused["errors"][0]["extensions"];
    assert_eq!((&refused["data"], &told["code"]), (&Value::Null, &json!("METADATA_VALIDATION_FAILED")));
    assert_eq!(told["errors"]["objectMetadata"][0]["errors"][0]["code"], json!("OBJECT_ALREADY_EXISTS"));
    let field = |name: &str| {
        format!(
            "mutation {{ createOneField(input: {{field: {{objectMetadataId: {}, type: TEXT, name: \"{name}\", label: \"L\"}}}}) {{ id name }} }}",
            made["id"]
        )
    };
    let added = model(&probe, &field("motive"))["data"]["createOneField"].clone();
    assert_eq!(probe.make("pledges", &json!({"motive": "why"}))["motive"], json!("why"));
    assert_eq!(
        model(&probe, &field("motive"))["errors"][0]["extensions"]["code"],
        json!("METADATA_VALIDATION_FAILED")
    );
    let off = format!(
        "mutation {{ updateOneField(input: {{id: {}, update: {{isActive: false}}}}) {{ isActive }} }}",
        added["id"]
    );
    assert_eq!(model(&probe, &off)["data"]["updateOneField"], json!({"isActive": false}));
    let read = call(&probe, "{ pledges { edges { node { motive } } } }", &Value::Null);
    assert_eq!(refusal(&read).0, "Cannot query field \"motive\" on type \"Pledge\".");
    let gone = format!("mutation {{ deleteOneField(input: {{id: {}}}) {{ name }} }}", added["id"]);
    assert_eq!(model(&probe, &gone)["data"]["deleteOneField"], json!({"name": "motive"}));
    for query in ["{ unicorns { id } }", "mutation { createUnicorn { id } }"] {
        let answer = model(&probe, query);
        assert_eq!(
            (&answer["data"], refusal(&answer).1.as_str()),
            (&Value::Null, "GRAPHQL_VALIDATION_FAILED")
        );
    }
}

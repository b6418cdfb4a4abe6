//! Provisioning of a workspace: it ends complete whatever the network does, adds nothing twice, and touches nothing.
//!
//! Keeps out: a second field beside a renamed one, a field that is changed under its owner, a lost reply that makes
//! something twice or leaves it out, a gift that cannot be posted into a workspace that was just provisioned.

use almoner::ground::budget::{Buckets, Limit};
use almoner::ground::model::MODEL;
use almoner::ground::provision::{Lack, Plan, Progress, Step, lacks, plan};
use almoner::ground::staging::Progress as Stands;
use almoner::ground::workspace::Schema;
use almoner::rails::twenty::Door;
use almoner::runs::gate::Gate;
use almoner::runs::provision::Provisioner;
use almoner::runs::{Means, connection};
use almoner::sim::faults::{Fault, Plan as Faults};
use almoner::sim::twenty::Version;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::world::checks::assert_sound;
use crate::world::{Outside, Process, Settled, block, gbp};

/// What was told on the way.
#[derive(Debug, Default)]
struct Told {
    plan: Option<Plan>,
    done: Vec<Step>,
    failed: Vec<(Step, String)>,
    waited: usize,
    /// What is missing at the end; none when it stopped early.
    lacks: Option<Vec<Lack>>,
    stopped: Option<String>,
}

/// Provisions to the end, or until the process died or `most` things were made.
fn provision_with(outside: &Outside, process: &Process, gate: &Gate, most: usize) -> Told {
    let world = outside.world();
    let mut run = Provisioner::new(&process.means.rail, gate, &world);
    let mut told = Told::default();
    for _ in 0..2_000 {
        if process.is_dead() || told.done.len() >= most {
            return told;
        }
        match block(run.step()) {
            Progress::Planned(plan) => told.plan = Some(plan),
            Progress::Done(step) => told.done.push(step),
            Progress::Failed(step, said) => told.failed.push((step, said)),
            Progress::Wait(until, _) => {
                told.waited += 1;
                outside.advance_ms((until.micros_since(world.now()) / 1_000).max(0) + 1);
            }
            Progress::Stopped(said) => {
                told.stopped = Some(said);
                return told;
            }
            Progress::Ended(lacks) => {
                told.lacks = Some(lacks);
                return told;
            }
        }
    }
    panic!("it does not come to an end: {told:?}");
}

fn provision(outside: &Outside, process: &Process) -> Told {
    provision_with(outside, process, &process.means.gate, usize::MAX)
}

/// A workspace that has everything the model wants.
pub fn provisioned(seed: u64) -> Outside {
    let outside = Outside::new(seed);
    let process = outside.boot();
    assert_eq!(provision(&outside, &process).stopped, None);
    outside
}

fn schema(means: &Means) -> Schema {
    block(connection::read_schema(&means.rail, &means.gate)).unwrap()
}

/// Writes of the data model that were asked for.
fn writes(outside: &Outside) -> usize {
    let log = outside.twenty.request_log();
    let by_graphql = |body: &[u8]| String::from_utf8_lossy(body).contains("mutation");
    let writes = log.iter().filter(|request| match request.path.as_str() {
        "/metadata" => by_graphql(&request.body),
        path => request.method == http::Method::POST && path.starts_with("/rest/metadata/"),
    });
    writes.count()
}

/// Everything the workspace has, by name and type; ids differ from one to the next.
fn shape(schema: &Schema) -> Vec<String> {
    let fields = schema.objects.iter().flat_map(|(plural, object)| {
        object.fields.iter().map(move |(column, field)| {
            format!("{plural}.{column} {} {} {:?}", field.kind, field.label, field.options)
        })
    });
    fields.collect()
}

/// What a workspace has that was provisioned without any fault.
fn expected() -> Vec<String> {
    let outside = Outside::bare(9);
    let process = outside.boot();
    provision(&outside, &process);
    shape(&schema(&process.means))
}

fn wanted_count() -> usize {
    MODEL.iter().map(|object| object.fields.len() + usize::from(!object.standard)).sum()
}

fn post(outside: &Outside, path: &str, token: &str, body: &Value) -> Value {
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("http://twenty.sim{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let reply = outside.twenty.answer(request).unwrap();
    assert!(reply.status().is_success(), "{reply:?}");
    serde_json::from_slice(reply.body()).unwrap()
}

#[test]
fn the_plan_is_shown_first_and_nothing_is_written_for_it() {
    let outside = Outside::bare(1);
    let process = outside.boot();
    let world = outside.world();
    let mut run = Provisioner::new(&process.means.rail, &process.means.gate, &world);
    let Progress::Planned(plan) = block(run.step()) else { panic!("the plan comes first") };
    assert_eq!((plan.steps.len(), plan.findings.len()), (wanted_count(), 0));
    assert!(outside.twenty.request_log().iter().all(|request| request.method == http::Method::GET));
}

#[test]
fn a_bare_workspace_ends_complete_and_a_second_time_writes_nothing() {
    for version in [Version::Recorded, Version::Newer] {
        let outside = Outside::bare(2);
        outside.twenty.set_version(version);
        let process = outside.boot();
        let told = provision(&outside, &process);
        assert_eq!((told.lacks.as_deref(), told.failed.as_slice()), (Some(&[][..]), &[][..]));
        assert_eq!((told.done.len(), writes(&outside)), (wanted_count(), wanted_count()));
        let provisioned = schema(&process.means);
        assert_eq!(plan(&provisioned), Plan::default());
        // Both ways to the data model tell the same.
        let by_graphql = block(process.means.rail.schema_by(&process.means.gate.unmetered(), Door::GraphQl));
        assert_eq!(by_graphql.unwrap(), provisioned);
        outside.twenty.clear_log();
        let again = provision(&outside, &process);
        assert_eq!((again.lacks, again.done.len(), writes(&outside)), (Some(Vec::new()), 0, 0));
        assert_eq!(schema(&process.means), provisioned);
    }
}

#[test]
fn whatever_the_network_does_each_thing_is_made_once() {
    let faults = [
        Fault::LostReply,
        Fault::LostRequest,
        Fault::Refused,
        Fault::CutBody,
        Fault::InternalError,
        Fault::MetadataError,
        Fault::TimeoutBefore,
        Fault::TimeoutAfter,
        Fault::GatewayBefore(502),
        Fault::GatewayAfter(503),
        Fault::DuplicateDelivery,
        Fault::QueryTimeout,
        Fault::Storm(2),
        Fault::StaleRead(2),
    ];
    for (seed, fault) in (10..).zip(faults) {
        let outside = Outside::bare(seed);
        let process = outside.boot();
        outside.twenty.set_faults(Faults::none().every(3, fault.clone()));
        let told = provision_with(&outside, &process, &process.means.gate, 4);
        outside.twenty.set_faults(Faults::none());
        let left = plan(&schema(&process.means)).steps;
        assert_eq!((told.done.len(), told.failed.as_slice()), (4, &[][..]), "{fault:?}");
        assert_eq!(left.len() + 4, wanted_count(), "{fault:?}");
        assert!(told.done.iter().all(|step| !left.contains(step)), "{fault:?}");
    }
}

#[test]
fn a_rough_network_all_the_way_makes_no_difference_in_the_end() {
    let expected = expected();
    for seed in [21, 22] {
        let outside = Outside::bare(seed);
        let process = outside.boot();
        outside.twenty.set_faults(Faults::rough(15));
        let told = provision(&outside, &process);
        assert_eq!((told.lacks.as_deref(), told.failed.as_slice()), (Some(&[][..]), &[][..]), "{seed}");
        assert!(told.waited > 0 && told.done.len() == wanted_count(), "{seed}");
        outside.twenty.set_faults(Faults::none());
        assert_eq!(shape(&schema(&process.means)), expected, "{seed}");
    }
}

/// Issue 20145: the REST way answered 500 on one release.
#[test]
fn where_rest_always_fails_graphql_is_taken() {
    let outside = Outside::bare(30);
    let process = outside.boot();
    // Reading takes the other way at once.
    outside.twenty.set_faults(Faults::none().at(1, Fault::InternalError));
    assert!(!lacks(&schema(&process.means)).is_empty());
    outside.twenty.set_faults(Faults::none().at(1, Fault::InternalError));
    outside.twenty.clear_log();
    let told = provision(&outside, &process);
    assert_eq!(told.lacks, Some(Vec::new()));
    let log = outside.twenty.request_log();
    let by_rest = log.iter().filter(|request| request.path.starts_with("/rest/")).count();
    assert_eq!((by_rest, writes(&outside)), (1, wanted_count()), "it stays with what answers");
    assert_eq!(shape(&schema(&process.means)), expected());
}

#[test]
fn one_that_dies_half_way_goes_on_when_it_is_started_again() {
    let expected = expected();
    for moments in [3, 40, 41, 43] {
        let mut outside = Outside::bare(40 + moments);
        let process = outside.boot();
        process.light_fuse(moments);
        let told = provision(&outside, &process);
        assert!(told.lacks.is_none() && process.is_dead());
        let process = outside.crash(process);
        let told = provision(&outside, &process);
        assert_eq!((told.lacks, told.failed), (Some(Vec::new()), Vec::new()), "{moments}");
        assert_eq!(shape(&schema(&process.means)), expected, "{moments}");
    }
}

#[test]
fn a_server_that_stays_away_is_given_up_and_said() {
    let outside = Outside::bare(50);
    let process = outside.boot();
    outside.twenty.set_faults(Faults::none().every(1, Fault::Refused));
    let told = provision(&outside, &process);
    assert!(told.stopped.is_some_and(|said| said.contains("does not answer")), "{:?}", told.lacks);
    // One that answers reads and never writes leaves each thing alone after some tries.
    outside.twenty.set_faults(Faults::none());
    process.poison("\"namePlural\":");
    let told = provision(&outside, &process);
    assert!(told.failed.len() == 2 && told.failed[0].1.contains("500"), "{:?}", told.failed);
    assert!(told.stopped.is_some() && told.done.is_empty());
    assert_eq!(plan(&schema(&process.means)).steps.len(), wanted_count());
}

/// A key whose role may write records and not the data model, made as people make one (recording 19).
fn key_without_model(outside: &Outside) -> String {
    let member = uuid::Uuid::from_u128(0x2020_2020_0687_4c41_8b70_7ed1_bfca_972a);
    assert!(outside.twenty.load(
        "workspaceMembers",
        &json!({ "id": member, "userEmail": "maya@example.org", "name": { "firstName": "Maya", "lastName": "Okafor" }, "position": 0 })
    ));
    let ask = |token: &str, query: &str, variables: Value| {
        post(outside, "/metadata", token, &json!({ "query": query, "variables": variables }))["data"].take()
    };
    let login = ask(
        "",
        "mutation($e:String!){getLoginTokenFromCredentials(email:$e,password:\"x\",origin:\"x\"){loginToken{token}}}",
        json!({ "e": "maya@example.org" }),
    );
    let login = login["getLoginTokenFromCredentials"]["loginToken"]["token"].clone();
    let session = ask(
        "",
        "mutation($t:String!){getAuthTokensFromLoginToken(loginToken:$t,origin:\"x\"){tokens{accessOrWorkspaceAgnosticToken{token}}}}",
        json!({ "t": login }),
    );
    let session = session["getAuthTokensFromLoginToken"]["tokens"]["accessOrWorkspaceAgnosticToken"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let role = json!({ "label": "Gifts", "canReadAllObjectRecords": true, "canUpdateAllObjectRecords": true, "canBeAssignedToApiKeys": true });
    let role = ask(
        &session,
        "mutation($i:CreateRoleInput!){createOneRole(createRoleInput:$i){id}}",
        json!({ "i": role }),
    );
    let key = json!({ "name": "Almoner", "expiresAt": "2027-11-01T00:00:00Z", "roleId": role["createOneRole"]["id"] });
    let key =
        ask(&session, "mutation($i:CreateApiKeyInput!){createApiKey(input:$i){id}}", json!({ "i": key }));
    let token = ask(
        &session,
        "mutation($a:UUID!,$e:String!){generateApiKeyToken(apiKeyId:$a,expiresAt:$e){token}}",
        json!({ "a": key["createApiKey"]["id"], "e": "2027-11-01T00:00:00Z" }),
    );
    token["generateApiKeyToken"]["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_that_may_not_change_the_data_model_is_told_which_role_it_needs() {
    let outside = Outside::bare(60);
    let process = outside.boot();
    let now = outside.world().now();
    let gate =
        Gate::new(outside.world(), Buckets::full(&Limit::TWENTY_BOTH, 100, now), key_without_model(&outside));
    outside.twenty.clear_log();
    let told = provision_with(&outside, &process, &gate, usize::MAX);
    let said = told.stopped.unwrap();
    assert!(said.contains("DATA_MODEL") && said.contains("does not have permission"), "{said}");
    assert_eq!((writes(&outside), told.waited), (0, 0));
}

/// Makes something in the data model as an administrator would.
fn make(outside: &Outside, path: &str, body: &Value) -> Value {
    let made = post(outside, path, &outside.twenty.api_key(), body)["data"].take();
    made.as_object().unwrap().values().next().unwrap().clone()
}

#[test]
fn what_is_there_otherwise_is_left_alone_and_told() {
    let outside = Outside::bare(70);
    let gift = make(
        &outside,
        "/rest/metadata/objects",
        &json!({ "nameSingular": "gift", "namePlural": "gifts", "labelSingular": "Gift", "labelPlural": "Gifts" }),
    );
    let field = |name: &str, label: &str, kind: &str| {
        let body = json!({ "objectMetadataId": gift["id"], "name": name, "label": label, "type": kind });
        make(&outside, "/rest/metadata/fields", &body)
    };
    field("provider", "Provider", "NUMBER");
    field("dateOfGift", "Gift date", "DATE");
    let process = outside.boot();
    let before = schema(&process.means).objects["gifts"].fields.clone();
    let told = provision(&outside, &process);
    let lacking: Vec<(String, &str)> =
        told.lacks.iter().flatten().map(|lack| (lack.name(), lack.disables)).collect();
    assert_eq!(
        lacking,
        [
            ("gifts.giftDate".to_owned(), "posting gifts at all"),
            ("gifts.provider".to_owned(), "showing which provider a gift came through")
        ]
    );
    let reasons: Vec<String> = told.plan.unwrap().findings.iter().map(ToString::to_string).collect();
    assert!(reasons.iter().any(|said| said.contains("dateOfGift has the same label")), "{reasons:?}");
    assert!(reasons.iter().any(|said| said.contains("type NUMBER where TEXT is needed")), "{reasons:?}");
    let after = schema(&process.means).objects["gifts"].fields.clone();
    assert!(before.iter().all(|(name, field)| after[name] == *field), "nothing that was there changed");
    assert!(!after.contains_key("giftDate"));
}

#[test]
fn a_gift_is_posted_into_a_workspace_that_was_just_provisioned() {
    let outside = Outside::bare(80);
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let donors = outside.people(2);
    assert_eq!(provision(&outside, &process).lacks, Some(Vec::new()));
    outside.advance_ms(3_600_000);
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let (batch, rows) = process.ready_batch(&[(donors[0], gbp("25")), (donors[1], gbp("40"))]);
    process.process(batch);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    for row in rows {
        assert!(
            matches!(process.row(row).progress, Stands::Posted { .. }),
            "{:?}",
            process.row(row).progress
        );
    }
    let gifts = outside.twenty.records("gifts");
    let mut told: Vec<(i64, &str, &str)> = gifts
        .iter()
        .map(|gift| {
            let text = |name: &str| gift[name].as_str().unwrap_or_default();
            (gift["amount"]["amountMicros"].as_i64().unwrap(), text("paymentType"), text("giftType"))
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(25_000_000, "CARD", "DONATION"), (40_000_000, "CARD", "DONATION")]);
    assert_sound(&outside, &process);
}

//! Authorisation, tokens, hosts, headers (checklist 1 to 8).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{DAY, Reply, SECOND, World, refused};
use crate::sim::faults::{Broken, Fault, Plan};

fn consent(world: &World, state: &str) -> String {
    let (client, _) = world.server.client();
    let target = format!(
        "/connect/oauth2?client_id={client}&response_type=code&scope=com.intuit.quickbooks.accounting\
         &redirect_uri=http%3A%2F%2Flocalhost%2Fback&state={state}"
    );
    let reply = world.send("GET", &target, &[], "").unwrap();
    assert_eq!(reply.status, 302);
    reply.header("location").to_owned()
}

fn token(world: &World, form: &str) -> Result<Reply, Broken> {
    let (client, secret) = world.server.client();
    let basic = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
    world.send("POST", "/oauth2/v1/tokens/bearer", &[("authorization", &basic)], form)
}

fn refresh(world: &World, refresh: &str) -> Reply {
    token(world, &format!("grant_type=refresh_token&refresh_token={refresh}")).unwrap()
}

#[test]
fn consent_gives_a_code_once_and_the_company_only_there() {
    let world = World::new();
    world.server.pick(Some(&world.realm));
    let location = consent(&world, "s%26x");
    let query = location.strip_prefix("http://localhost/back?").unwrap();
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let code = pairs.iter().find(|(name, _)| *name == "code").unwrap().1;
    assert!(pairs.contains(&("state", "s%26x")) && pairs.contains(&("realmId", world.realm.as_str())));
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%2Fback");
    let body = token(&world, &form).unwrap().json();
    assert_eq!((&body["expires_in"], &body["x_refresh_token_expires_in"]), (&3600.into(), &8_726_400.into()));
    assert!(body.get("realmId").is_none() && body.get("x_refresh_token_hard_expires_in").is_none());
    assert_eq!(token(&world, &form).unwrap().json()["error"], "invalid_grant");
    // A new consent ends the older chain.
    assert_eq!(refresh(&world, &world.tokens.refresh).json()["error"], "invalid_grant");
    world.server.pick(None);
    assert_eq!(consent(&world, "z"), "http://localhost/back?error=access_denied&state=z");
}

#[test]
fn a_code_goes_with_its_address_and_the_right_secret() {
    let world = World::new();
    world.server.pick(Some(&world.realm));
    let location = consent(&world, "z");
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri=http://elsewhere");
    let wrong =
        world.send("POST", "/oauth2/v1/tokens/bearer", &[("authorization", "Basic eDp5")], &form).unwrap();
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (401, Some("invalid_client")));
    assert_eq!(token(&world, &form).unwrap().status, 400);
    assert_eq!(token(&world, "grant_type=password").unwrap().json()["error"], "unsupported_grant_type");
}

#[test]
fn an_access_token_lives_an_hour() {
    let world = World::new();
    world.pass(3_599 * SECOND);
    assert_eq!(world.get("companyinfo/1").status, 200);
    world.pass(SECOND);
    let reply = world.get("companyinfo/1");
    assert_eq!(reply.fault(), refused(401, "3200"));
    assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"Intuit\", error=\"invalid_token\"");
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert!(body["time"].is_i64() && body["cdcresponse"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(body["fault"]["type"], "AUTHENTICATION");
}

#[test]
fn the_refresh_token_keeps_its_value_for_a_day() {
    let world = World::new();
    let first = world.tokens.refresh.clone();
    world.pass(DAY - SECOND);
    let body = refresh(&world, &first).json();
    assert_eq!(body["refresh_token"], *first);
    world.pass(SECOND);
    let body = refresh(&world, &first).json();
    let second = body["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    let late = refresh(&world, &first);
    assert_eq!((late.status, late.json()["error"].as_str()), (400, Some("invalid_grant")));
    world.pass(102 * DAY);
    assert_eq!(refresh(&world, &second).json()["error"], "invalid_grant");
}

#[test]
fn five_years_are_the_end_however_often_it_is_refreshed() {
    let world = World::new();
    let mut value = world.tokens.refresh.clone();
    let mut days = 0;
    loop {
        world.pass(90 * DAY);
        days += 90;
        let body = refresh(&world, &value).json();
        match body["refresh_token"].as_str() {
            Some(next) => next.clone_into(&mut value),
            None => break,
        }
    }
    assert_eq!(days, 1_890);
}

#[test]
fn the_hard_end_is_told_when_asked_for() {
    let world = World::new();
    let (client, secret) = world.server.client();
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&client_id={client}&client_secret={secret}",
        world.tokens.refresh
    );
    let headers = [("x-include-refresh-token-hard-expires-in", "true")];
    let body = world.send("POST", "/oauth2/v1/tokens/bearer", &headers, &form).unwrap().json();
    assert_eq!(body["x_refresh_token_hard_expires_in"], 157_680_000);
}

#[test]
fn a_lost_reply_to_a_refresh_loses_the_chain() {
    let world = World::new();
    world.pass(DAY);
    world.server.set_token_faults(Plan::none().at(1, Fault::LostReply));
    let form = format!("grant_type=refresh_token&refresh_token={}", world.tokens.refresh);
    assert_eq!(token(&world, &form).err(), Some(Broken::Reset));
    assert_eq!(token(&world, &form).unwrap().json()["error"], "invalid_grant");
}

#[test]
fn revoking_either_token_and_disconnecting_end_both() {
    for which in 0..3 {
        let world = World::new();
        let (client, secret) = world.server.client();
        let basic = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        let value = if which == 0 { &world.tokens.refresh } else { &world.tokens.access };
        if which == 2 {
            world.server.disconnect(&world.realm);
        } else {
            let body = format!("{{\"token\":\"{value}\"}}");
            let once = || {
                world.send("POST", "/v2/oauth2/tokens/revoke", &[("authorization", &basic)], &body).unwrap()
            };
            let reply = once();
            assert_eq!((reply.status, reply.text.as_str()), (200, ""));
            assert_eq!(once().status, 400);
        }
        assert_eq!(world.get("companyinfo/1").status, 401);
        assert_eq!(refresh(&world, &world.tokens.refresh).status, 400);
    }
}

#[test]
fn a_token_opens_one_company_on_one_host() {
    let world = World::new();
    let other = world.server.add_company("Other");
    world.server.add_bare_company("77", true);
    let bearer = format!("Bearer {}", world.tokens.access);
    let ask = |host: &str, realm: &str, bearer: &str| {
        let headers = [("authorization", bearer), ("accept", "application/json"), ("host", host)];
        world
            .send("GET", &format!("/v3/company/{realm}/query?query=select+*+from+Bill"), &headers, "")
            .unwrap()
    };
    assert_eq!(ask("quickbooks.api.intuit.com", &world.realm, &bearer).status, 200);
    let wrong = ask("sandbox-quickbooks.api.intuit.com", &world.realm, &bearer);
    assert_eq!(wrong.fault(), refused(403, "3100"));
    assert_eq!(wrong.json()["fault"]["type"], "SERVICE");
    assert_eq!(ask("", &other, &bearer).fault(), refused(403, "3100"));
    let sandbox = format!("Bearer {}", world.server.connect("77").access);
    assert_eq!(ask("quickbooks.api.intuit.com", "77", &sandbox).fault(), refused(403, "3100"));
    assert_eq!(ask("sandbox-quickbooks.api.intuit.com", "77", &sandbox).status, 200);
}

#[test]
fn companies_lapse_and_people_lose_access() {
    let world = World::new();
    world.server.set_lapsed(&world.realm, true);
    assert_eq!(world.get("companyinfo/1").fault(), refused(403, "6190"));
    world.server.set_lapsed(&world.realm, false);
    world.server.set_locked_out(&world.realm, true);
    assert_eq!(world.get("companyinfo/1").fault(), refused(403, "120"));
}

#[test]
fn headers_are_those_of_the_real_one() {
    let world = World::new();
    let (one, two) = (world.get("companyinfo/1"), world.get("companyinfo/1"));
    assert_ne!(one.header("intuit_tid"), two.header("intuit_tid"));
    assert_eq!(one.header("content-type"), "application/json;charset=utf-8");
    let fault = world.get("invoice/999");
    assert_eq!((fault.header("content-type"), fault.header("retry-after")), ("application/json", ""));
    assert!(!fault.header("intuit_tid").is_empty());
    assert_eq!(one.json()["time"], "2026-05-01T10:00:00.000-07:00");
}

#[test]
fn who_asks_for_no_json_gets_xml() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.tokens.access);
    let target = format!("/v3/company/{}/companyinfo/1", world.realm);
    let reply = world.send("GET", &target, &[("authorization", &bearer)], "").unwrap();
    assert_eq!(reply.header("content-type"), "application/xml");
    assert!(reply.text.contains("<CompanyName>Harbour Trust</CompanyName>"));
}

#[test]
fn old_versions_are_served_as_the_newest_and_unknown_fields_turn_up() {
    let world = World::new();
    let plain = world.get("companyinfo/1").text;
    assert_eq!(world.get("companyinfo/1?minorversion=8").text, plain);
    world.server.set_unknown_fields(true);
    let info = world.read("companyinfo/1", "CompanyInfo");
    assert!(info["CustomExtensions"].is_array() && info["ObjectEx"].is_object());
}

#[test]
fn discovery_names_the_addresses() {
    let world = World::new();
    let headers = [("host", "127.0.0.1:99")];
    let body = world.send("GET", "/.well-known/openid_configuration", &headers, "").unwrap().json();
    assert_eq!(body["issuer"], "https://oauth.platform.intuit.com/op/v1");
    assert_eq!(body["token_endpoint"], "http://127.0.0.1:99/oauth2/v1/tokens/bearer");
}

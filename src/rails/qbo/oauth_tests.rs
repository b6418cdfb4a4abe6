//! Connecting: addresses, what comes back, and replies of the token server as they were recorded.

use ::http::{Response, header};
use bytes::Bytes;

use super::codec::recorded::folder;
use super::oauth::{App, Hosts, NotConnected, answer, exchanged};
use crate::ground::books::consent::{Callback, callback};
use crate::ground::books::custody::{Answer, Secret};
use crate::ground::time::Instant;
use crate::rails::TransportError;

fn app() -> App {
    App {
        client_id: "AB id".into(),
        client_secret: Secret::new("s3cret").unwrap(),
        redirect: "https://books.example.org/connect?rail=qbo".into(),
        hosts: Hosts::default(),
    }
}

fn reply(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
}

/// What a refresh that is answered so comes to.
fn said(status: u16, body: &str) -> Answer {
    answer(Ok(reply(status, body)), Instant(0))
}

#[test]
fn a_person_is_sent_with_a_state_and_believed_only_with_it() {
    assert_eq!(
        app().authorise_address("a/b+c"),
        "https://appcenter.intuit.com/connect/oauth2?client_id=AB%20id&response_type=code\
         &scope=com.intuit.quickbooks.accounting&redirect_uri=https%3A%2F%2Fbooks.example.org%2Fconnect%3Frail%3Dqbo\
         &state=a%2Fb%2Bc"
    );
    let (code, realm) = (Secret::new("x y").unwrap(), "9341457021722202".parse().unwrap());
    let granted = Callback::Granted { code, realm };
    assert_eq!(callback("?code=x%20y&state=a%2Fb%2Bc&realmId=9341457021722202", "a/b+c"), granted);
    assert_eq!(callback("error=access_denied&state=s", "s"), Callback::Declined);
    for other in [
        "code=x&realmId=1",
        "code=x&state=t&realmId=1",
        "code=x&state=s",
        "state=s&realmId=1",
        "code=x&state=s&realmId=a",
    ] {
        assert_eq!(callback(other, "s"), Callback::NotOurs, "{other}");
    }
    assert_eq!(callback("code=x&state=&realmId=1", ""), Callback::NotOurs, "no state was given out");
}

#[test]
fn requests_are_forms_with_the_app_as_the_user() {
    let refresh = app().refresh(&Secret::new("AB11+/=").unwrap()).unwrap();
    assert_eq!(refresh.uri(), "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer");
    assert_eq!(refresh.headers()[header::AUTHORIZATION], "Basic QUIgaWQ6czNjcmV0");
    assert_eq!(refresh.headers()[header::ACCEPT], "application/json");
    assert_eq!(refresh.body(), &"grant_type=refresh_token&refresh_token=AB11%2B%2F%3D");
    let exchange = app().exchange(&Secret::new("c").unwrap()).unwrap();
    let wanted = "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fbooks.example.org%2Fconnect%3Frail%3Dqbo";
    assert_eq!(exchange.body(), &wanted);
    let revoke = app().revoke(&Secret::new("t").unwrap()).unwrap();
    assert_eq!(
        (revoke.body(), &revoke.headers()[header::CONTENT_TYPE]),
        (&Bytes::from(r#"{"token":"t"}"#), &"application/json".parse().unwrap())
    );
}

#[test]
fn recorded_replies_are_a_pair_and_a_refusal() {
    let file = |name: &str| std::fs::read_to_string(folder().join(name)).unwrap();
    // The file begins with a byte order mark, which no answer does.
    let body = file("intuit-dotnet-sdk/success_refreshtoken_response.json");
    let Answer::Pair(pair) = said(200, body.trim_start_matches('\u{feff}')) else { panic!() };
    assert_eq!((pair.access.reveal(), pair.refresh.reveal()), ("REDACTED_JWT", "REDACTED"));
    assert_eq!(pair.access_until, Instant(0).plus_millis(3_600_000));
    assert_eq!(pair.refresh_until, Some(Instant(0).plus_millis(15_552_000_000)));
    let refused: serde_json::Value =
        serde_json::from_str(&file("intuit-oauth-jsclient/errorResponse.json")).unwrap();
    assert_eq!(said(400, refused["body"].as_str().unwrap()), Answer::InvalidGrant);
}

#[test]
fn only_a_refusal_of_the_token_itself_ends_a_chain() {
    assert_eq!(
        said(400, r#"{"error":"invalid_grant","error_description":"Token invalid"}"#),
        Answer::InvalidGrant
    );
    assert_eq!(said(401, r#"{"error":"invalid_client"}"#), Answer::InvalidClient);
    for (status, body) in [
        (200, r#"{"access_token":"a","expires_in":3600}"#),
        (200, r#"{"access_token":"","refresh_token":"r"}"#),
        (200, r#"{"access_token":"a","refresh_"#),
        (400, r#"{"error":"invalid_request"}"#),
        (429, "{}"),
        (503, "<html>"),
    ] {
        assert_eq!(said(status, body), Answer::NoAnswer, "{body}");
    }
    assert_eq!(answer(Err(TransportError::Broken("time-out".into())), Instant(0)), Answer::NoAnswer);
    // The pair counts even where it does not say how long it lives: to drop it would end the chain.
    let Answer::Pair(pair) = said(200, r#"{"access_token":"a","refresh_token":"r"}"#) else { panic!() };
    assert_eq!((pair.access_until, pair.refresh_until), (Instant(0).plus_millis(3_600_000), None));
    let refused = exchanged(Ok(reply(400, r#"{"error":"invalid_grant"}"#)), Instant(0));
    assert_eq!(refused, Err(NotConnected::CodeRefused));
}

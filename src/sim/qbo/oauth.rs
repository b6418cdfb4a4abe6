//! Addresses outside of companies: consent, tokens, discovery, and the counters for tests.

use super::auth::Outcome;
use super::server::{Answer, Content, Core, Request, form};
use super::tree::Json;

/// The answer to an address that is not below a company; `None` for others.
pub(crate) fn answer(core: &mut Core, request: &Request) -> Option<Answer> {
    let post = request.method == http::Method::POST;
    match request.path.as_str() {
        "/connect/oauth2" => Some(consent(core, request)),
        "/oauth2/v1/tokens/bearer" if post => Some(token(core, request)),
        "/v2/oauth2/tokens/revoke" if post => Some(revoke(core, request)),
        "/.well-known/openid_configuration" => Some(Answer::json(discovery(request, ""))),
        "/.well-known/openid_sandbox_configuration" => Some(Answer::json(discovery(request, "sandbox-"))),
        "/_sim/calls" => Some(Answer::json(calls(core))),
        _ => None,
    }
}

fn plain(status: u16, text: &str) -> Answer {
    Answer { status, content: Content::Text("text/html", text.to_owned()), headers: Vec::new(), fault: false }
}

/// The page on which a person picks the company. What was picked ahead is taken at once; else
/// `choose=` in the address names it, and without that the page lists the companies.
fn consent(core: &mut Core, request: &Request) -> Answer {
    let params = form(&request.query);
    let param = |name: &str| params.get(name).map_or("", String::as_str);
    let redirect = param("redirect_uri").to_owned();
    if param("client_id") != core.auth.client || param("response_type") != "code" || redirect.is_empty() {
        return plain(400, "<h1>Sorry, but the app didn't connect</h1><p>invalid request</p>");
    }
    let chosen = params.get("choose").map(|realm| Some(realm.clone()).filter(|realm| realm != "nobody"));
    let only = || (core.companies.len() == 1).then(|| core.companies.keys().next().cloned());
    let Some(pick) = core.picks.pop_front().or(chosen).or_else(only) else {
        let mut page = "<h1>Which company?</h1><ul>".to_owned();
        for realm in core.companies.keys().map(String::as_str).chain(["nobody"]) {
            page.push_str("<li><a href=\"?");
            page.push_str(&request.query.replace('"', "%22"));
            page.push_str("&amp;choose=");
            page.push_str(realm);
            page.push_str("\">");
            page.push_str(realm);
            page.push_str("</a></li>");
        }
        return plain(200, &page);
    };
    let state = encoded(param("state"));
    let mark = if redirect.contains('?') { '&' } else { '?' };
    let now = core.now();
    let location = match pick.filter(|realm| core.companies.contains_key(realm)) {
        Some(realm) => {
            let granted = core.auth.consent(&realm, &redirect, now);
            format!("{redirect}{mark}code={granted}&state={state}&realmId={realm}")
        }
        None => format!("{redirect}{mark}error=access_denied&state={state}"),
    };
    let mut answer = plain(302, "");
    answer.headers.push(("location", location));
    answer
}

fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn error(status: u16, name: &str, description: &str) -> Answer {
    let mut body = Json::Obj(Vec::new());
    if !description.is_empty() {
        body.set("error_description", Json::text(description));
    }
    body.set("error", Json::text(name));
    Answer { status, ..Answer::json(body) }
}

fn token(core: &mut Core, request: &Request) -> Answer {
    let form = form(&String::from_utf8_lossy(&request.body));
    if !core.auth.is_client(request.header("authorization"), &form) {
        return error(401, "invalid_client", "");
    }
    let hard = request.header("x-include-refresh-token-hard-expires-in") == Some("true");
    let now = core.now();
    match core.auth.exchange(&form, hard, now) {
        Outcome::Tokens(body) => Answer::json(body),
        Outcome::Refused(status, name, description) => error(status, name, description),
    }
}

fn revoke(core: &mut Core, request: &Request) -> Answer {
    let text = String::from_utf8_lossy(&request.body);
    let form = form(&text);
    if !core.auth.is_client(request.header("authorization"), &form) {
        return error(401, "invalid_client", "");
    }
    let token = Json::parse(&request.body).and_then(|body| body.str_at("token").map(str::to_owned));
    let token = token.or_else(|| form.get("token").cloned()).unwrap_or_default();
    if core.auth.revoke(&token) { plain(200, "") } else { error(400, "invalid_request", "Token invalid") }
}

/// The addresses, below the one that was asked (contract 1.1).
fn discovery(request: &Request, environment: &str) -> Json {
    let base = format!("http://{}", request.host);
    let below = |path: &str| Json::text(format!("{base}{path}"));
    let list = |words: &[&str]| Json::Arr(words.iter().map(|word| Json::text(*word)).collect());
    Json::object([
        ("issuer", Json::text("https://oauth.platform.intuit.com/op/v1")),
        ("authorization_endpoint", below("/connect/oauth2")),
        ("token_endpoint", below("/oauth2/v1/tokens/bearer")),
        (
            "userinfo_endpoint",
            Json::text(format!(
                "https://{environment}accounts.platform.intuit.com/v1/openid_connect/userinfo"
            )),
        ),
        ("revocation_endpoint", below("/v2/oauth2/tokens/revoke")),
        ("jwks_uri", Json::text("https://oauth.platform.intuit.com/op/v1/jwks")),
        ("response_types_supported", list(&["code"])),
        ("subject_types_supported", list(&["public"])),
        ("id_token_signing_alg_values_supported", list(&["RS256"])),
        ("scopes_supported", list(&["openid", "email", "profile", "address", "phone"])),
        ("token_endpoint_auth_methods_supported", list(&["client_secret_post", "client_secret_basic"])),
        ("claims_supported", list(&["aud", "exp", "iat", "iss", "realmid", "sub"])),
    ])
}

/// Calls by company, for a test that runs in another process.
fn calls(core: &Core) -> Json {
    let one = |(realm, company): (&String, &super::company::Company)| {
        let calls = company.calls;
        let told = Json::object([("core", Json::int(calls.core)), ("corePlus", Json::int(calls.core_plus))]);
        (realm.clone(), told)
    };
    Json::Obj(core.companies.iter().map(one).collect())
}

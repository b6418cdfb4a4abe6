//! Users, as admins and those they invite meet them.
//!
//! Keeps out: a link that works twice or too long, a session that outlives its user, an installation without an admin.

use almoner::desk::access::NewUser;
use almoner::ground::access::Role;
use almoner::ground::id::UserId;
use http::{Request, header};
use serde_json::{Value, json};

use super::{Api, Reply};
use crate::world::block;

const PASSWORD: &str = "correct-horse-battery";

impl Api {
    /// An admin with a password.
    fn admin(&self, name: &str) -> UserId {
        let new = NewUser {
            name: name.into(),
            email: format!("{}@example.org", name.to_lowercase()),
            password: Some(PASSWORD.into()),
            role: Role::Admin,
        };
        block(self.process.desk.ensure_user(new)).unwrap()
    }

    /// Invites somebody; answers their id and the link's path.
    fn invited(&self, name: &str, role: &str) -> (String, String) {
        let email = format!("{}@Example.org", name.to_lowercase());
        let reply = self.post("/api/users", &json!({ "name": name, "email": email, "role": role }));
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert_eq!(reply.body["user"]["state"], "invited");
        of(&reply)
    }

    fn user(&self, id: &str) -> Value {
        let users = self.get("/api/users").body["data"].as_array().unwrap().clone();
        users.into_iter().find(|user| user["id"] == id).unwrap()
    }

    fn form(&self, path: &str, body: &str) -> Reply {
        let request = Request::builder().method("POST").uri(path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.raw(request.body(axum::body::Body::from(body.to_owned())).unwrap())
    }

    /// Opens a link's page, chooses the password; answers the cookie.
    fn choose(&self, path: &str) -> String {
        let page = self.raw(Request::builder().uri(path).body(axum::body::Body::empty()).unwrap());
        assert_eq!(page.status, 200, "{}", page.text);
        let token = path.split_once("token=").unwrap().1;
        let made = self.form("/password", &format!("token={token}&password={PASSWORD}"));
        assert_eq!(made.status, 303, "{}", made.text);
        cookie(&made)
    }

    fn sign_in(&self, email: &str) -> Reply {
        self.form("/login", &format!("email={email}&password={PASSWORD}"))
    }

    fn as_session(&self, cookie: &str, path: &str) -> u16 {
        let request = Request::builder().uri(path).header("cookie", cookie);
        self.raw(request.body(axum::body::Body::empty()).unwrap()).status.as_u16()
    }
}

fn cookie(reply: &Reply) -> String {
    reply.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

fn of(reply: &Reply) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&reply.body["user"]["id"]), text(&reply.body["link"]["path"]))
}

#[test]
fn somebody_invited_chooses_a_password_by_a_link_that_works_once() {
    let api = Api::new();
    let (id, path) = api.invited("Rosa", "reviewer");
    let token = path.split_once("token=").unwrap().1;
    let page = api.raw(Request::builder().uri(&path).body(axum::body::Body::empty()).unwrap());
    assert!(page.text.contains("Rosa") && page.text.contains("rosa@example.org"), "{}", page.text);
    assert!(!page.text.contains("<script"));
    let weak = api.form("/password", &format!("token={token}&password=short"));
    assert!(weak.status == 400 && weak.text.contains("at least 12 characters"), "{}", weak.text);
    let cookie = api.choose(&path);
    assert_eq!(api.as_session(&cookie, "/api/home"), 200);
    assert_eq!(api.as_session(&cookie, "/api/users"), 403);
    assert_eq!(api.form("/password", &format!("token={token}&password={PASSWORD}")).status, 410);
    assert_eq!(api.as_session("", &path), 410);
    assert_eq!(
        (api.user(&id)["state"].as_str(), api.user(&id)["email"].as_str()),
        (Some("active"), Some("rosa@example.org"))
    );
    assert_eq!(api.sign_in("rosa@example.org").status, 303);
    let again =
        api.post("/api/users", &json!({ "name": "R", "email": "ROSA@example.org", "role": "viewer" }));
    assert_eq!(again.status, 409, "{}", again.text);
}

#[test]
fn an_invitation_works_for_three_days_and_a_new_one_takes_its_place() {
    let api = Api::new();
    let (id, first) = api.invited("Rosa", "viewer");
    let (_, second) = of(&api.post(&format!("/api/users/{id}/reset"), &json!({})));
    assert_eq!(api.as_session("", &first), 410, "the older link is taken back");
    api.outside.advance_ms(71 * 3_600_000);
    assert_eq!(api.as_session("", &second), 200);
    api.outside.advance_ms(2 * 3_600_000);
    assert_eq!(api.as_session("", &second), 410);
    assert_eq!(api.user(&id)["state"], "no_password");
}

#[test]
fn who_is_switched_off_is_out_at_once_and_comes_back_with_their_password() {
    let api = Api::new();
    let (id, path) = api.invited("Rosa", "fundraising");
    let cookie = api.choose(&path);
    let change = |body: Value| api.patch(&format!("/api/users/{id}"), &body);
    let off = change(json!({ "disabled": true }));
    assert_eq!((off.status.as_u16(), off.body["data"]["state"].as_str()), (200, Some("disabled")));
    assert_eq!(api.as_session(&cookie, "/api/session"), 401);
    let refused = api.sign_in("rosa@example.org");
    assert!(refused.status == 403 && refused.text.contains("switched off"), "{}", refused.text);
    let wrong = api.form("/login", "email=rosa@example.org&password=wrong-wrong-wrong");
    assert!(
        wrong.status == 401 && !wrong.text.contains("switched off"),
        "only who knows the password is told"
    );
    assert_eq!(api.post(&format!("/api/users/{id}/reset"), &json!({})).status, 409);
    assert_eq!(change(json!({ "disabled": false })).body["data"]["state"], "active");
    assert_eq!(api.as_session(&cookie, "/api/session"), 401, "an ended session stays ended");
    assert_eq!(api.sign_in("rosa@example.org").status, 303);
    // An invitation of somebody who is switched off does not work either.
    let (id, path) = api.invited("Ben", "viewer");
    assert_eq!(api.patch(&format!("/api/users/{id}"), &json!({ "disabled": true })).status, 200);
    assert_eq!(api.as_session("", &path), 410);
}

#[test]
fn a_reset_ends_sessions_and_the_old_password() {
    let api = Api::new();
    let (id, path) = api.invited("Rosa", "fundraising");
    let cookie = api.choose(&path);
    let other = cookie_of(&api.sign_in("rosa@example.org"));
    let (_, link) = of(&api.post(&format!("/api/users/{id}/reset"), &json!({})));
    for session in [&cookie, &other] {
        assert_eq!(api.as_session(session, "/api/session"), 401);
    }
    assert_eq!(api.sign_in("rosa@example.org").status, 401, "the old password");
    assert_eq!(api.as_session(&api.choose(&link), "/api/session"), 200);
}

fn cookie_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    cookie(reply)
}

#[test]
fn the_last_admin_who_can_sign_in_stays_one() {
    let api = Api::new();
    let maya = format!("/api/users/{}", api.admin("Maya"));
    let refused = |body: &Value| {
        let reply = api.patch(&maya, body);
        assert!(reply.status == 409 && reply.text.contains("last admin"), "{}", reply.text);
    };
    for body in [json!({ "role": "finance" }), json!({ "disabled": true })] {
        refused(&body);
    }
    let (other, link) = api.invited("Omar", "admin");
    refused(&json!({ "disabled": true }));
    api.choose(&link);
    assert_eq!(api.patch(&maya, &json!({ "role": "viewer" })).status, 200);
    // Now the other one is the last.
    let other = format!("/api/users/{other}");
    assert_eq!(api.patch(&other, &json!({ "disabled": true })).status, 409);
    assert_eq!(api.patch(&other, &json!({ "role": "viewer" })).status, 409);
    assert_eq!(api.patch(&maya, &json!({ "role": "admin" })).status, 200);
    assert_eq!(api.patch(&other, &json!({ "disabled": true })).status, 200);
    assert_eq!(
        api.patch(&maya, &json!({ "disabled": true })).status,
        409,
        "who is switched off does not count"
    );
    assert_eq!(api.call_with("DELETE", &maya, "", &[]).status, 405, "nobody is removed");
}

#[test]
fn what_happens_to_users_stands_in_the_journal_and_no_secret_does() {
    let api = Api::new();
    let (id, path) = api.invited("Rosa", "viewer");
    api.choose(&path);
    let user = format!("/api/users/{id}");
    for body in [
        json!({ "role": "reviewer" }),
        json!({ "companies": ["qbo-1"] }),
        json!({ "name": "Rosa Marin" }),
        json!({ "disabled": true }),
        json!({ "disabled": false }),
        json!({ "disabled": false }),
    ] {
        assert_eq!(api.patch(&user, &body).status, 200);
    }
    api.outside.advance_ms(1);
    let (_, link) = of(&api.post(&format!("{user}/reset"), &json!({})));
    let journal = api.get(&format!("/api/journal?object=user&subject={id}"));
    let why: Vec<&str> =
        journal.body["data"].as_array().unwrap().iter().rev().map(|e| e["why"].as_str().unwrap()).collect();
    assert_eq!(
        why,
        [
            "User invited",
            "Password chosen by link",
            "Role changed",
            "Company scope changed",
            "User renamed",
            "User switched off",
            "User switched on",
            "Password reset"
        ]
    );
    for secret in [&path, &link] {
        assert!(!journal.text.contains(secret.split_once("token=").unwrap().1));
    }
    assert!(!journal.text.contains("argon2"));
    let who = &journal.body["data"][6]["who"];
    assert_eq!((who["kind"].as_str(), who["name"].as_str()), (Some("user"), Some("Rosa Marin")));
}

#[test]
fn a_change_says_what_it_does_not_take_and_guards_versions() {
    let api = Api::new();
    let (id, _) = api.invited("Rosa", "viewer");
    let user = format!("/api/users/{id}");
    for body in [
        json!({}),
        json!({ "role": "owner" }),
        json!({ "email": "x@example.org" }),
        json!({ "companies": "all" }),
        json!({ "companies": ["a b"] }),
        json!({ "disabled": null }),
    ] {
        assert_eq!(api.patch(&user, &body).status, 400, "{body}");
    }
    for body in [
        json!({ "name": "A", "email": "a@example.org" }),
        json!({ "name": "A", "email": "nobody", "role": "viewer" }),
        json!({ "email": "a@example.org", "role": "viewer" }),
        json!({ "name": "A", "email": "a@example.org", "role": "viewer", "password": "x" }),
    ] {
        assert_eq!(api.post("/api/users", &body).status, 400, "{body}");
    }
    let version = api.user(&id)["version"].to_string();
    let guarded = |role: &str| {
        let body = json!({ "role": role }).to_string();
        api.call_with("PATCH", &user, &body, &[("if-match", &format!("\"{version}\""))])
    };
    assert_eq!(guarded("reviewer").status, 200);
    assert_eq!(guarded("finance").status, 412);
    let some = api.patch(&user, &json!({ "companies": ["qbo-2", "qbo-1"] }));
    assert_eq!(some.body["data"]["companies"], json!(["qbo-1", "qbo-2"]));
    assert_eq!(api.patch(&user, &json!({ "companies": null })).body["data"]["companies"], Value::Null);
    assert_eq!(
        api.patch("/api/users/00000000-0000-4000-8000-000000000000", &json!({ "role": "viewer" })).status,
        404
    );
}

#[test]
fn a_role_that_changes_counts_from_the_next_request() {
    let api = Api::new();
    let (id, path) = api.invited("Rosa", "finance");
    let cookie = api.choose(&path);
    assert_eq!(api.as_session(&cookie, "/api/journal"), 200);
    assert_eq!(api.patch(&format!("/api/users/{id}"), &json!({ "role": "viewer" })).status, 200);
    assert_eq!(api.as_session(&cookie, "/api/journal"), 403);
    assert_eq!(api.as_session(&cookie, "/api/home"), 200);
}

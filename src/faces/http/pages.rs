//! Sign-in, first run: plain HTML that needs no script and works before anything else does.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::Face;
use super::auth::{Need, same_origin, set_cookie};
use super::routes::{Route, on};
use super::session::{check_password, with_cookie};
use crate::desk::Refusal;
use crate::desk::access::{LinkPurpose, NewUser};
use crate::ground::access::{Role, User};
use crate::ground::intake::FieldError;

const CSS: &str = include_str!("pages.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The plain pages; none needs more than what the form itself proves.
pub(super) fn routes() -> Vec<Route> {
    let open = Need::Nothing;
    vec![
        on("GET", "/login", open, get(login_page)),
        on("POST", "/login", open, post(login)),
        on("GET", "/login/once", open, get(login_once)),
        on("GET", "/setup", open, get(setup_page)),
        on("POST", "/setup", open, post(setup)),
        on("GET", "/password", open, get(password_page)),
        on("POST", "/password", open, post(password)),
        on("GET", "/pages.css", open, get(css)),
    ]
}

async fn css() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], CSS)
}

/// Text as HTML text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn page(face: &Face, status: StatusCode, title: &str, body: &str) -> Response {
    let demo = if face.info.demo {
        "<p class=\"demo\">This is a demo: invented people, invented gifts, a simulated Twenty.</p>"
    } else {
        ""
    };
    let html = format!(
        "<!doctype html><html lang=\"en-GB\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title} · Almoner</title><link rel=\"stylesheet\" href=\"/pages.css\"></head><body><main>{demo}\
         <p class=\"brand\">Almoner</p><h1>{title}</h1>{body}</main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn alert(text: Option<&str>) -> String {
    text.map(|text| format!("<p class=\"alert\" role=\"alert\">{}</p>", escaped(text))).unwrap_or_default()
}

/// Where to go after signing in: a path of ours and nothing else.
fn safe_next(next: Option<&str>) -> &str {
    let is_path = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains('\\')
            && next.bytes().all(|b| b.is_ascii_graphic())
    };
    next.filter(is_path).unwrap_or("/")
}

#[derive(Deserialize)]
struct NextQuery {
    next: Option<String>,
}

fn login_form(face: &Face, status: StatusCode, next: &str, email: &str, trouble: Option<&str>) -> Response {
    let body = format!(
        "<p>{}</p>{}<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"next\" value=\"{}\">\
         <label>E-mail<input name=\"email\" type=\"email\" autocomplete=\"username\" required autofocus value=\"{}\"></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <button>Sign in</button></form>",
        escaped(&face.info.organisation),
        alert(trouble),
        escaped(next),
        escaped(email)
    );
    page(face, status, "Sign in", &body)
}

async fn login_page(State(face): State<Face>, Query(query): Query<NextQuery>) -> Response {
    login_form(&face, StatusCode::OK, safe_next(query.next.as_deref()), "", None)
}

#[derive(Deserialize)]
struct LoginForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

async fn login(State(face): State<Face>, parts: Parts, Form(form): Form<LoginForm>) -> Response {
    let next = safe_next(form.next.as_deref()).to_owned();
    if let Err(problem) = same_origin(&parts) {
        return problem.into_response();
    }
    match check_password(&face, &form.email, form.password).await {
        Ok(session) => {
            with_cookie(Redirect::to(&next).into_response(), &set_cookie(&session, face.info.secure_cookies))
        }
        Err(problem) => login_form(&face, problem.code(), &next, &form.email, Some(problem.detail())),
    }
}

#[derive(Deserialize)]
struct LinkQuery {
    #[serde(default)]
    token: String,
}

fn spent(face: &Face, refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::LinkSpent => StatusCode::GONE,
        Refusal::SwitchedOff => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    page(
        face,
        status,
        "This link does not work",
        &format!(
            "{}<p><a href=\"/login\">Sign in with your password</a></p>",
            alert(Some(&refusal.to_string()))
        ),
    )
}

async fn login_once(State(face): State<Face>, Query(query): Query<LinkQuery>) -> Response {
    match face.desk.sign_in_by_link(query.token).await {
        Ok(session) => {
            with_cookie(Redirect::to("/").into_response(), &set_cookie(&session, face.info.secure_cookies))
        }
        Err(refusal) => spent(&face, &refusal),
    }
}

fn setup_form(
    face: &Face,
    status: StatusCode,
    token: &str,
    name: &str,
    email: &str,
    trouble: Option<&str>,
) -> Response {
    let body = format!(
        "<p>Make the first account for {}. It may do everything.</p>{}<form method=\"post\" action=\"/setup\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\">\
         <label>Your name<input name=\"name\" autocomplete=\"name\" required autofocus value=\"{}\"></label>\
         <label>E-mail<input name=\"email\" type=\"email\" autocomplete=\"username\" required value=\"{}\"></label>\
         <label>Password <small>at least 12 characters</small><input name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"12\" required></label>\
         <button>Make the account</button></form>",
        escaped(&face.info.organisation),
        alert(trouble),
        escaped(token),
        escaped(name),
        escaped(email)
    );
    page(face, status, "First account", &body)
}

async fn setup_page(State(face): State<Face>, Query(query): Query<LinkQuery>) -> Response {
    match face.desk.link_purpose(&query.token) {
        Ok(LinkPurpose::Setup) => setup_form(&face, StatusCode::OK, &query.token, "", "", None),
        Ok(LinkPurpose::SignIn(_) | LinkPurpose::Password(_)) => spent(&face, &Refusal::LinkSpent),
        Err(refusal) => spent(&face, &refusal),
    }
}

#[derive(Deserialize)]
struct SetupForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

async fn setup(State(face): State<Face>, parts: Parts, Form(form): Form<SetupForm>) -> Response {
    if let Err(problem) = same_origin(&parts) {
        return problem.into_response();
    }
    let new = NewUser {
        name: form.name.clone(),
        email: form.email.clone(),
        password: Some(form.password),
        role: Role::Admin,
    };
    // Hashing takes 19 MB each; nobody closes the semaphore.
    let _turn = face.hashing.acquire().await;
    match face.desk.set_up(form.token.clone(), new).await {
        Ok(session) => {
            with_cookie(Redirect::to("/").into_response(), &set_cookie(&session, face.info.secure_cookies))
        }
        Err(Refusal::Invalid(errors)) => setup_form(
            &face,
            StatusCode::BAD_REQUEST,
            &form.token,
            &form.name,
            &form.email,
            Some(&told(errors)),
        ),
        Err(refusal) => spent(&face, &refusal),
    }
}

fn told(errors: Vec<FieldError>) -> String {
    let texts: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    texts.join(" ")
}

fn password_form(face: &Face, token: &str, user: &User, trouble: Option<&str>) -> Response {
    let status = if trouble.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = format!(
        "<p>{}, choose the password with which you sign in to Almoner of {}.</p>{}<form method=\"post\" action=\"/password\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\">\
         <label>E-mail<input name=\"email\" type=\"email\" autocomplete=\"username\" readonly value=\"{}\"></label>\
         <label>Password <small>at least 12 characters</small><input name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"12\" required autofocus></label>\
         <button>Save and sign in</button></form>",
        escaped(&user.name),
        escaped(&face.info.organisation),
        alert(trouble),
        escaped(token),
        escaped(&user.email)
    );
    page(face, status, "Choose a password", &body)
}

async fn password_page(State(face): State<Face>, Query(query): Query<LinkQuery>) -> Response {
    match face.desk.password_link(&query.token) {
        Ok(user) => password_form(&face, &query.token, &user, None),
        Err(refusal) => spent(&face, &refusal),
    }
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: String,
}

async fn password(State(face): State<Face>, parts: Parts, Form(form): Form<PasswordForm>) -> Response {
    if let Err(problem) = same_origin(&parts) {
        return problem.into_response();
    }
    // Hashing takes 19 MB each; nobody closes the semaphore.
    let _turn = face.hashing.acquire().await;
    match face.desk.choose_password(form.token.clone(), form.password).await {
        Ok(session) => {
            with_cookie(Redirect::to("/").into_response(), &set_cookie(&session, face.info.secure_cookies))
        }
        Err(Refusal::Invalid(errors)) => match face.desk.password_link(&form.token) {
            Ok(user) => password_form(&face, &form.token, &user, Some(&told(errors))),
            Err(refusal) => spent(&face, &refusal),
        },
        Err(refusal) => spent(&face, &refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (next, to) in [
            (Some("/staging?x=1"), "/staging?x=1"),
            (Some("//evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/\\evil"), "/"),
            (Some("/\t/evil.example"), "/"),
            (None, "/"),
        ] {
            assert_eq!(safe_next(next), to);
        }
        assert_eq!(escaped("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}

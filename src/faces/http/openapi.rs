//! The OpenAPI document, generated from the handlers and their types.

use axum::response::IntoResponse;
use http::header;
use utoipa::openapi::RefOr;
use utoipa::openapi::content::Content;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::callers::{agreements, appeals, households, payouts, people};
use super::matching::{links, merges, review};
use super::{
    batches, books, callers, choices, donor, donor_match, donors, edits, figures, finance, gifts, health,
    home, hooks, journal, live, made, matching, mirror, plans, posting, queue, session, settings, sync,
    users,
};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

#[derive(OpenApi)]
#[openapi(
    info(title = "Almoner", description = "See docs/API.md for the conventions.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    paths(
        queue::list, queue::ids, queue::mark_many, gifts::create, gifts::one, gifts::edit, gifts::mark, made::remove,
        batches::process_ready, batches::list, batches::create, batches::one, batches::edit, batches::process, batches::run, batches::steer, plans::plan,
        settings::settings, settings::change, posting::process, posting::create_gift, choices::choices,
        donors::search, donor::donor, mirror::gifts, mirror::records, mirror::record, home::home, figures::figure, sync::sync, sync::sync_now, sync::sweep, sync::change, sync::switch, sync::quarantine, sync::ready, health::live, health::health, health::shown, health::metrics, hooks::twenty, journal::list, live::events,
        edits::change, edits::new_task, edits::change_task, edits::new_note, edits::edits, edits::one, edits::withdraw, edits::conflicts, edits::decide,
        callers::gifts::list, callers::gifts::one, callers::gifts::change, callers::gifts::remove,
        donor_match::start, donor_match::run, donor_match::create, donor_match::created, matching::duplicates, matching::matches, matching::why,
        review::pairs, review::pair, links::links, links::make_link, links::undo_link, links::verdicts, links::say, links::agreed,
        merges::merges, merges::ask, merges::merge, merges::confirm, merges::withdraw,
        people::one, people::companies, people::opportunities, people::change_opportunity,
        appeals::list, appeals::one, appeals::create, appeals::change, appeals::snapshots, appeals::create_snapshot,
        households::list, households::one, households::create, households::change, households::members, households::add_member, households::remove_member, households::copy_address,
        agreements::list, agreements::one, agreements::create, agreements::change, agreements::remove,
        payouts::list, payouts::one, payouts::create, payouts::change, payouts::link, payouts::unlink,
        session::show, session::sign_in, session::sign_out, session::tokens, session::create_token, session::revoke_token,
        users::list, users::invite, users::change, users::reset,
        books::companies, books::connect, books::look, books::load, books::pause, books::resume, books::disconnect, books::hook, books::records::list, books::records::one, books::records::aside, books::records::repeat, books::records::discard,
        finance::portfolio, finance::money, finance::rows::rows, finance::moved::moved,
        finance::tray::tray, finance::tray::ignore, finance::tray::reopen, finance::tray::fix,
        finance::console::console, finance::console::what_if, finance::console::decide,
        finance::said::said, finance::said::say, finance::said::unsay,
        finance::digests::list, finance::digests::draft, finance::digests::one, finance::digests::change, finance::digests::formed,
        finance::policy::policy, finance::policy::preview, finance::policy::preview_firm, finance::policy::set, finance::policy::firm, finance::policy::set_firm,
        books::changes::ask, books::changes::list, books::changes::one, books::changes::undo, books::changes::repeat, books::changes::discard, books::changes::decide,
        books::golden::of_book, books::golden::of_somebody, books::golden::make, books::golden::undo,
    ),
    modifiers(&Credentials, &Problems),
    security(("session" = []), ("token" = [])),
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API token (alm_…)"))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(super::auth::COOKIE))),
        );
    }
}

/// Problems travel under a media type of their own (RFC 9457).
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            let all = [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete];
            for response in
                all.into_iter().flatten().flat_map(|operation| operation.responses.responses.values_mut())
            {
                let RefOr::T(response) = response else { continue };
                let is_problem = response.content.get(JSON).is_some_and(|content| match content {
                    RefOr::T(Content { schema: Some(RefOr::Ref(to)), .. }) => {
                        to.ref_location.ends_with("/Problem")
                    }
                    _ => false,
                });
                if is_problem && let Some(content) = response.content.shift_remove(JSON) {
                    response.content.insert(PROBLEM.to_owned(), content);
                }
            }
        }
    }
}

/// The document as JSON text, indented.
pub(super) fn json() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], json())
}

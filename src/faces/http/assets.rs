//! The embedded UI: files with their compressed twins; every unknown page is the application itself.

use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The page that carries the application (the static adapter's fallback).
const SHELL: &str = "index.html";
/// Where the old service had its screens.
const OLD_SCREENS: &str = "fundraising";
/// Files whose names change with their content.
const IMMUTABLE: &str = "_app/immutable/";

#[derive(RustEmbed)]
#[folder = "ui/build"]
#[allow_missing = true]
struct Built;

pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    // Where the old service had its screens: bookmarks lead here.
    if path.trim_end_matches('/') == OLD_SCREENS {
        return Redirect::permanent("/").into_response();
    }
    let wanted = if path.is_empty() || Built::get(path).is_none() { SHELL } else { path };
    // A missing hashed file is an old page asking; the shell in its place would be a riddle.
    if wanted == SHELL && path.starts_with("_app/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Built::get(wanted) {
        Some(file) => answer(wanted, &file, &headers),
        None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
    }
}

const NOT_BUILT: &str = "<!doctype html><html lang=\"en-GB\"><meta charset=\"utf-8\"><title>Almoner</title><link rel=\"stylesheet\" href=\"/pages.css\">\
    <main><p class=\"brand\">Almoner</p><h1>The screens are not built in</h1><p>This binary was compiled without its user interface. \
    The API works. To have the screens: run <code>make ui</code>, then <code>cargo build</code> again.</p></main></html>";

fn answer(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let twins = [("br", "br"), ("gzip", "gz")];
    let twin = twins.into_iter().filter(|(encoding, _)| accepted.contains(encoding)).find_map(
        |(encoding, suffix)| {
            let file = Built::get(&format!("{path}.{suffix}"))?;
            Some((encoding, file))
        },
    );
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..12]));
    let mime = file.metadata.mimetype().to_owned();
    let cache = if path.starts_with(IMMUTABLE) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let unchanged =
        headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let (encoding, body) = match twin {
        Some((encoding, twin)) => (Some(encoding), twin.data),
        None => (None, file.data.clone()),
    };
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { body.into_owned().into_response() };
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &mime);
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, cache);
    set(header::VARY, "Accept-Encoding");
    if path == SHELL {
        // The page's own policy stands in it with the hashes of its script; this one only a header can say.
        set(header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'");
    }
    if let Some(encoding) = encoding {
        set(header::CONTENT_ENCODING, encoding);
    }
    response
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

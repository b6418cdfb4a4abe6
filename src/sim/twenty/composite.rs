//! Composite input: names, e-mails, phones, links, money, addresses, rich text.
//!
//! The rules for what a partial update keeps differ from type to type, and three of them lose data;
//! the recordings show it, so the simulator does it too.

use super::emit::empty;
use super::error::Refusal;
use super::phone;
use super::schema::{Field, Kind};
use super::values::{micros, numeric, text};
use crate::sim::json::Json;

/// True for field types whose value has parts.
pub(crate) fn is_composite(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FullName
            | Kind::Emails
            | Kind::Phones
            | Kind::Links
            | Kind::Address
            | Kind::Currency
            | Kind::Actor
            | Kind::RichText
    )
}

/// The complete composite to store.
pub(crate) fn bind(field: &Field, value: &Json, old: Option<&Json>) -> Result<Json, Refusal> {
    if matches!(value, Json::Arr(items) if !items.is_empty()) {
        // The server walks the entries of whatever is no plain value; those of a list are numbered.
        return Err(unknown_part(field, "0"));
    }
    let Some(parts) = value.as_object() else {
        let shown = value.inspect();
        return Err(Refusal::bad(format!("Invalid object value {shown} for field \"{}\"", field.name)));
    };
    let shape = empty(field.kind);
    if let Some((unknown, _)) = parts.iter().find(|(part, _)| shape.get(part).is_none()) {
        return Err(unknown_part(field, unknown));
    }
    let kept = old.filter(|old| !old.is_null()).cloned().unwrap_or(shape);
    match field.kind {
        Kind::Emails => emails(field.name, value, kept),
        Kind::Phones => phone::bind(value, kept),
        Kind::Links => links(field.name, value),
        Kind::RichText => rich_text(field.name, value),
        Kind::Actor => Ok(merge(value, kept)),
        Kind::Currency => currency(field.name, value, kept),
        _ => merge_texts(field.name, value, kept),
    }
}

/// The refusal of a part the type does not have; the editor form quotes it, the others do not.
fn unknown_part(field: &Field, part: &str) -> Refusal {
    let (part, kind) = match field.kind {
        Kind::RichText => (format!("'{part}'"), "rich text"),
        Kind::FullName => (part.to_owned(), "full name"),
        Kind::Emails => (part.to_owned(), "emails"),
        Kind::Phones => (part.to_owned(), "phones"),
        Kind::Links => (part.to_owned(), "links"),
        Kind::Address => (part.to_owned(), "address"),
        Kind::Currency => (part.to_owned(), "currency"),
        _ => (part.to_owned(), "actor"),
    };
    Refusal::bad(format!("Invalid subfield {part} for {kind} field \"{}\"", field.name))
}

/// The API's name of a composite type.
pub(crate) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "UUID",
        Kind::Text => "TEXT",
        Kind::Number => "NUMBER",
        Kind::Position => "POSITION",
        Kind::Boolean => "BOOLEAN",
        Kind::Date => "DATE",
        Kind::DateTime => "DATE_TIME",
        Kind::Numeric => "NUMERIC",
        Kind::Select(_) => "SELECT",
        Kind::Rating(_) => "RATING",
        Kind::MultiSelect(_) => "MULTI_SELECT",
        Kind::Array => "ARRAY",
        Kind::RawJson => "RAW_JSON",
        Kind::Files => "FILES",
        Kind::FullName => "FULL_NAME",
        Kind::Emails => "EMAILS",
        Kind::Phones => "PHONES",
        Kind::Links => "LINKS",
        Kind::Address => "ADDRESS",
        Kind::Currency => "CURRENCY",
        Kind::Actor => "ACTOR",
        Kind::RichText => "RICH_TEXT",
        Kind::TsVector => "TS_VECTOR",
        Kind::ToOne { morph: true, .. } => "MORPH_RELATION",
        Kind::ToOne { .. } | Kind::ToMany { .. } => "RELATION",
    }
}

/// Parts given replace parts kept.
fn merge(value: &Json, mut kept: Json) -> Json {
    for (part, given) in value.as_object().unwrap_or_default() {
        kept.set(part.clone(), given.clone());
    }
    kept
}

/// As [`merge`], checking that text parts are text; an empty part is shown as the empty string.
fn merge_texts(name: &str, value: &Json, mut kept: Json) -> Result<Json, Refusal> {
    for (part, given) in value.as_object().unwrap_or_default() {
        let path = format!("{name}.{part}");
        let stored = match part.as_ref() {
            "addressLat" | "addressLng" => numeric(&path, given)?,
            _ => shown_text(&path, given)?,
        };
        kept.set(part.clone(), stored);
    }
    Ok(kept)
}

/// A text part: null becomes the empty string, which is how it is shown.
fn shown_text(path: &str, given: &Json) -> Result<Json, Refusal> {
    let stored = text(path, given)?;
    Ok(if stored.is_null() { Json::text("") } else { stored })
}

fn currency(name: &str, value: &Json, mut kept: Json) -> Result<Json, Refusal> {
    if let Some(amount) = value.get("amountMicros") {
        kept.set("amountMicros", micros(&format!("{name}.amountMicros"), amount)?);
    }
    if let Some(code) = value.get("currencyCode") {
        // Any text is accepted here, even one that names no currency.
        kept.set("currencyCode", text(&format!("{name}.currencyCode"), code)?);
    }
    Ok(kept)
}

/// E-mails are lower-cased; leaving out `primaryEmail` blanks it while additional ones are kept.
fn emails(name: &str, value: &Json, mut kept: Json) -> Result<Json, Refusal> {
    let primary = match value.get("primaryEmail") {
        None | Some(Json::Null) => Json::text(""),
        Some(given) => email(&format!("{name}.primaryEmail"), given)?,
    };
    kept.set("primaryEmail", primary);
    match value.get("additionalEmails") {
        None => {}
        Some(Json::Null) => kept.set("additionalEmails", Json::Arr(Vec::new())),
        Some(given) => {
            let path = format!("{name}.additionalEmails");
            let list = match given {
                Json::Str(_) => std::slice::from_ref(given),
                Json::Arr(items) => items.as_slice(),
                other => {
                    let shown = other.inspect();
                    return Err(Refusal::bad(format!(
                        "Invalid value {shown} for field \"{path} - Array values need to be string\""
                    )));
                }
            };
            let list = list.iter().map(|item| email(&path, item)).collect::<Result<_, _>>()?;
            kept.set("additionalEmails", Json::Arr(list));
        }
    }
    Ok(kept)
}

fn email(path: &str, given: &Json) -> Result<Json, Refusal> {
    let lower = given.as_str().map(str::to_lowercase);
    lower.filter(|address| address.is_empty() || is_email(address)).map(Json::text).ok_or_else(|| {
        Refusal::bad(format!("Invalid string value {} for email field \"{path}\"", given.inspect()))
    })
}

fn is_email(address: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains([' ', '\t', '\n', ',', '@', '<', '>']);
    address.split_once('@').is_some_and(|(local, domain)| {
        plain(local)
            && plain(domain)
            && domain.split('.').count() > 1
            && domain.split('.').all(|label| !label.is_empty())
    })
}

/// A link is rewritten as a whole: what is left out is gone, and a label without an address too.
/// Links without an address fall out, and the first of the others moves up.
fn links(name: &str, value: &Json) -> Result<Json, Refusal> {
    let text = |part: &str| match value.get(part) {
        None => Ok(Json::Null),
        Some(given) => text(&format!("{name}.{part}"), given),
    };
    let (url, label) = (text("primaryLinkUrl")?, text("primaryLinkLabel")?);
    let secondary = match value.get("secondaryLinks") {
        Some(Json::Arr(items)) => items.clone(),
        Some(Json::Str(text)) => match Json::parse(text.as_bytes()) {
            Ok(Json::Arr(items)) => items,
            _ => Vec::new(),
        },
        Some(Json::Null | Json::Obj(_)) | None => Vec::new(),
        Some(other) => {
            let shown = other.inspect();
            return Err(Refusal::bad(format!(
                "Invalid object value {shown} for field \"{name}.secondaryLinks\""
            )));
        }
    };
    let own = Json::object([("url", url), ("label", label)]);
    let filled = |link: &Json| link.get("url").and_then(Json::as_str).is_some_and(|url| !url.is_empty());
    let mut all = std::iter::once(own).chain(secondary).filter(filled).map(|one| {
        let url = link(one.get("url").unwrap_or(&Json::Null))?;
        let label = one.get("label").cloned().unwrap_or_default();
        Ok(Json::object([("url", url), ("label", label)]))
    });
    let first = all.next().transpose()?.unwrap_or_default();
    let rest = all.collect::<Result<Vec<_>, Refusal>>()?;
    let shown = |part: &str| match first.get(part) {
        Some(Json::Str(text)) => Json::text(text.clone()),
        _ => Json::text(""),
    };
    Ok(Json::object([
        ("primaryLinkLabel", shown("label")),
        ("primaryLinkUrl", shown("url")),
        ("secondaryLinks", Json::Arr(rest).into_jsonb()),
    ]))
}

/// Scheme and host are lower-cased and one trailing slash cut; without a scheme it stays as it is.
fn link(given: &Json) -> Result<Json, Refusal> {
    let invalid = || Refusal::coded("INVALID_URL", "The URL of the link is not valid");
    let url = given.as_str().ok_or_else(invalid)?;
    if url.is_empty() {
        return Ok(Json::text(""));
    }
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let named = host.split(':').next().unwrap_or_default();
    let valid = !url.contains(char::is_whitespace)
        && !named.is_empty()
        && named.split('.').all(|label| !label.is_empty())
        && (!scheme.is_empty() || named.contains('.'));
    if !valid {
        return Err(invalid());
    }
    if scheme.is_empty() {
        return Ok(Json::text(url));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let whole = format!("{}://{}{slash}{path}", scheme.to_lowercase(), host.to_lowercase());
    Ok(Json::text(whole.strip_suffix('/').unwrap_or(&whole)))
}

/// The missing half is derived from the other; the round trip is lossy.
fn rich_text(name: &str, value: &Json) -> Result<Json, Refusal> {
    let markdown = value.get("markdown").filter(|given| !given.is_null());
    let blocknote = value.get("blocknote").filter(|given| !given.is_null());
    let markdown = markdown.map(|given| shown_text(&format!("{name}.markdown"), given)).transpose()?;
    let blocknote = blocknote.map(|given| shown_text(&format!("{name}.blocknote"), given)).transpose()?;
    if let Some(text) = blocknote.as_ref().and_then(Json::as_str).filter(|text| !text.is_empty()) {
        check_blocks(name, text)?;
    }
    let derived = || {
        let source = markdown.as_ref().and_then(Json::as_str).unwrap_or_default();
        let blocks: Vec<Json> = source.lines().filter(|line| !line.is_empty()).map(paragraph).collect();
        Json::text(Json::Arr(blocks).to_text())
    };
    let blocknote = blocknote.unwrap_or_else(derived);
    Ok(Json::object([("blocknote", blocknote), ("markdown", markdown.unwrap_or_else(|| Json::text("")))]))
}

/// The editor form must be a list of blocks.
fn check_blocks(name: &str, text: &str) -> Result<(), Refusal> {
    let refusal =
        |what: &str| Refusal::bad(format!("Invalid blocknote value for field \"{name}.blocknote\" - {what}"));
    match Json::parse(text.as_bytes()) {
        Ok(Json::Arr(_)) => Ok(()),
        Ok(_) => Err(refusal("must be a JSON array of blocks")),
        Err(_) => Err(refusal("must contain valid JSON")),
    }
}

fn paragraph(line: &str) -> Json {
    let run = Json::object([
        ("type", Json::text("text")),
        ("text", Json::text(line)),
        ("styles", Json::Obj(Vec::new())),
    ]);
    Json::object([
        ("type", Json::text("paragraph")),
        ("content", Json::Arr(vec![run])),
        ("children", Json::Arr(Vec::new())),
    ])
}

#[cfg(test)]
mod tests {
    use super::{Field, Json, Kind, bind};

    fn after(kind: Kind, name: &'static str, old: &str, patch: &str) -> String {
        let json = |text: &str| Json::parse(text.as_bytes()).expect("JSON");
        bind(&Field::new(name, kind), &json(patch), Some(&json(old))).expect("accepted").to_text()
    }

    #[test]
    fn additional_emails_alone_blank_the_primary_one() {
        let old = r#"{"primaryEmail":"a@example.org","additionalEmails":[]}"#;
        let new = after(Kind::Emails, "emails", old, r#"{"additionalEmails":["B@Example.org"]}"#);
        assert_eq!(new, r#"{"primaryEmail":"","additionalEmails":["b@example.org"]}"#);
    }

    #[test]
    fn a_primary_email_alone_keeps_the_additional_ones() {
        let old = r#"{"primaryEmail":"","additionalEmails":["b@example.org"]}"#;
        let new = after(Kind::Emails, "emails", old, r#"{"primaryEmail":"A@example.org"}"#);
        assert_eq!(new, r#"{"primaryEmail":"a@example.org","additionalEmails":["b@example.org"]}"#);
    }

    #[test]
    fn a_link_label_alone_loses_the_link() {
        let old = r#"{"primaryLinkLabel":"L","primaryLinkUrl":"https://example.org","secondaryLinks":[]}"#;
        let new = after(Kind::Links, "linkedinLink", old, r#"{"primaryLinkLabel":"New"}"#);
        assert_eq!(new, r#"{"primaryLinkLabel":"","primaryLinkUrl":"","secondaryLinks":[]}"#);
    }

    #[test]
    fn the_parts_of_a_name_merge() {
        let old = r#"{"firstName":"Ada","lastName":"King"}"#;
        let new = after(Kind::FullName, "name", old, r#"{"lastName":"Lovelace"}"#);
        assert_eq!(new, r#"{"firstName":"Ada","lastName":"Lovelace"}"#);
    }

    #[test]
    fn money_parts_merge_and_the_currency_is_not_checked() {
        let old = r#"{"amountMicros":5,"currencyCode":"GBP"}"#;
        let new = after(Kind::Currency, "amount", old, r#"{"currencyCode":"XXY"}"#);
        assert_eq!(new, r#"{"amountMicros":5,"currencyCode":"XXY"}"#);
    }
}

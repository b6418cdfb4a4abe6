//! Objects as answers tell them: names of references are looked up at that moment (contract 7.1).

use super::company::{Company, Key, Row};
use super::schema::{Kind, target};
use super::time::stamp;
use super::tree::Json;

/// Where an object is told; the server is not of one mind (contract 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Read by id, or the reply of a write.
    Single,
    /// A row of a query.
    List,
}

/// The object, told.
pub(crate) fn object(company: &Company, kind: Kind, stored: &Json, place: Place) -> Json {
    let mut told = named(company, kind, stored);
    // A read by id tells the company's tax code where none is stored; a list does not (recorded).
    let taxed = kind == Kind::Customer && told.get("Taxable").and_then(Json::as_bool) == Some(true);
    if taxed && place == Place::Single {
        told.default("DefaultTaxCodeRef", Json::reference("2"));
    }
    told
}

/// The row, told in a list.
pub(crate) fn listed(company: &Company, kind: Kind, row: &Row) -> Json {
    object(company, kind, &row.object, Place::List)
}

fn named(company: &Company, kind: Kind, value: &Json) -> Json {
    match value {
        Json::Arr(items) => Json::Arr(items.iter().map(|item| named(company, kind, item)).collect()),
        Json::Obj(members) => Json::Obj(
            members
                .iter()
                .map(|(field, inner)| {
                    let told = match inner.str_at("value") {
                        Some(id) => reference(company, kind, field, inner, id),
                        None => named(company, kind, inner),
                    };
                    (field.clone(), told)
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn reference(company: &Company, kind: Kind, field: &str, inner: &Json, id: &str) -> Json {
    let mut told = inner.clone();
    if field == "CurrencyRef" {
        if id == "USD" {
            told.set("name", Json::text("United States Dollar"));
        }
        return told;
    }
    // These come without a name (contract 7.1, recorded).
    let nameless = matches!(field, "ParentRef" | "PaymentMethodRef" | "SalesTermRef" | "TaxCodeRef")
        || (kind == Kind::Payment && field == "DepositToAccountRef");
    if nameless {
        return told;
    }
    let typed = inner.str_at("type").or_else(|| inner.str_at("Type")).and_then(Kind::of_path);
    let people = || {
        [Kind::Customer, Kind::Vendor, Kind::Employee]
            .into_iter()
            .find(|kind| company.get(*kind, id).is_some())
    };
    let kind = target(field)
        .map(|(kind, _)| kind)
        .or(typed)
        .or_else(|| matches!(field, "EntityRef" | "Entity").then(people).flatten());
    let Some(found) = kind.and_then(|kind| company.get(kind, id)) else { return told };
    let full = ["FullyQualifiedName", "DisplayName", "Name"].iter().find_map(|field| found.str_at(field));
    let name = if kind == Some(Kind::Customer) { found.str_at("DisplayName") } else { full };
    if let Some(name) = name {
        told.set("name", Json::text(name));
    }
    told
}

/// What remains of a deleted transaction (contract 4).
pub(crate) fn tombstone(key: &Key, at: i64) -> Json {
    Json::object([
        ("domain", Json::text("QBO")),
        ("status", Json::text("Deleted")),
        ("Id", Json::text(&*key.1)),
        ("MetaData", Json::object([("LastUpdatedTime", Json::text(stamp(at)))])),
    ])
}

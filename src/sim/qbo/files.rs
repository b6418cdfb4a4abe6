//! Attachments: upload in parts, and the address their bytes are at (contract 7.3).

use super::company::Company;
use super::refusal::Refusal;
use super::schema::Kind;
use super::server::{Answer, Content, Request};
use super::tree::Json;

/// The text of a part's head and its bytes.
struct Part<'a> {
    head: String,
    body: &'a [u8],
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

/// The parts of a body; the boundary is its first line.
fn parts(body: &[u8]) -> Vec<Part<'_>> {
    let end = find(body, b"\r\n").unwrap_or(0);
    let (boundary, mut rest) = body.split_at(end);
    let mut parts = Vec::new();
    while let Some(inner) = rest.strip_prefix(b"\r\n").filter(|_| !boundary.is_empty()) {
        let Some(at) = find(inner, boundary) else { break };
        let (part, after) = inner.split_at(at);
        if let Some(gap) = find(part, b"\r\n\r\n") {
            let (head, body) = part.split_at(gap);
            let body = body.strip_prefix(b"\r\n\r\n").unwrap_or_default();
            let body = body.strip_suffix(b"\r\n").unwrap_or(body);
            parts.push(Part { head: String::from_utf8_lossy(head).into_owned(), body });
        }
        rest = after.strip_prefix(boundary).unwrap_or_default();
    }
    parts
}

/// `POST /upload`: one element in the answer for each pair of parts; each may be a fault.
pub(crate) fn upload(company: &mut Company, request: &Request, now: i64) -> Result<Json, Refusal> {
    let parts = parts(&request.body);
    let mut told = Vec::new();
    for part in parts.iter().filter(|part| part.head.contains("file_metadata_")) {
        let number =
            part.head.split("file_metadata_").nth(1).and_then(|rest| rest.get(..2)).unwrap_or_default();
        let content = parts.iter().find(|part| part.head.contains(&format!("file_content_{number}")));
        let described = Json::parse(part.body).ok_or_else(Refusal::unreadable)?;
        let size = content.map_or(0, |content| content.body.len());
        told.push(match one(company, described, size, now) {
            Ok(object) => Json::object([("Attachable", object)]),
            Err(refusal) => Json::object([("Fault", refusal.fault())]),
        });
    }
    if told.is_empty() {
        return Err(Refusal::missing("file_metadata_01"));
    }
    Ok(Json::object([("AttachableResponse", Json::Arr(told))]))
}

fn one(company: &mut Company, mut described: Json, size: usize, now: i64) -> Result<Json, Refusal> {
    super::check::properties(Kind::Attachable, &described)?;
    if let Some(Json::Arr(refs)) = described.get_mut("AttachableRef") {
        for reference in refs {
            let kind = reference.str_at("EntityRef.type").unwrap_or_default().to_owned();
            let id = reference.id_at("EntityRef").unwrap_or_default().to_owned();
            if Kind::named(&kind).and_then(|kind| company.get(kind, &id)).is_none() {
                return Err(Refusal::rule(&format!(
                    "The entity {kind} {id} that you are trying to link does not exist. {kind} {id}"
                )));
            }
            let entity = Json::object([("value", Json::text(id)), ("type", Json::text(kind))]);
            reference.set("EntityRef", entity);
            reference.default("IncludeOnSend", Json::Bool(false));
        }
    }
    let id = company.take_id(Kind::Attachable);
    let path = format!("/v3/company/{}/download/{id}", company.realm);
    let name = described.str_at("FileName").unwrap_or_default().to_owned();
    described.set("FileAccessUri", Json::text(path));
    described.set("TempDownloadUri", Json::text(address(company, &id, &name)));
    described.set("Size", Json::int(size));
    described.set("domain", Json::text("QBO"));
    described.set("sparse", Json::Bool(false));
    described.set("Id", Json::text(&*id));
    described.set("SyncToken", Json::text("0"));
    company.put(Kind::Attachable, &id, described, now);
    Ok(company.get(Kind::Attachable, &id).cloned().unwrap_or_default())
}

fn address(company: &Company, id: &str, name: &str) -> String {
    format!(
        "https://intuit-qbo-prod-23.s3.amazonaws.com/{}/attachments/{id}{name}?X-Amz-Expires=900",
        company.realm
    )
}

/// `GET /download/{id}`: a text that is an address.
pub(crate) fn download(company: &Company, id: &str) -> Result<Answer, Refusal> {
    let found = company.get(Kind::Attachable, id).ok_or_else(Refusal::not_found)?;
    let address = found.str_at("TempDownloadUri").unwrap_or_default().to_owned();
    let content = Content::Text("text/plain;charset=utf-8", address);
    Ok(Answer { status: 200, content, headers: Vec::new(), fault: false })
}

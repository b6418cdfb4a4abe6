//! What others do in the books behind the client's back.

use super::company::Company;
use super::effects;
use super::refusal::Refusal;
use super::schema::{Kind, Sort};
use super::server::Core;
use super::time::instant;
use super::tree::Json;
use super::write::{self, Options};

/// Stores an object as a reply showed it, id, token and times included; it moves no balance, because
/// the balances it was recorded with are those after it.
pub(crate) fn load(company: &mut Company, kind: Kind, object: &Json) -> bool {
    let Some(id) = object.str_at("Id").map(str::to_owned) else { return false };
    let time = |path: &str| object.str_at(path).and_then(instant);
    let updated = time("MetaData.LastUpdatedTime").unwrap_or_default();
    company.used_id(kind, &id);
    company.put(kind, &id, object.clone(), updated);
    let created = time("MetaData.CreateTime").unwrap_or(updated);
    if let Some(row) = company.rows.get_mut(&kind).and_then(|rows| rows.get_mut(&id)) {
        row.created = created;
        if let Some(times) = object.get("MetaData") {
            row.object.set("MetaData", times.clone());
        }
    }
    if kind.is_document() {
        let entry = effects::of(company, kind, object);
        company.ledger.insert((kind, id), entry);
    }
    true
}

/// Somebody's write, with the newest token filled in.
pub(crate) fn write(
    company: &mut Company,
    kind: Kind,
    body: &Json,
    options: &Options,
) -> Result<Json, Refusal> {
    let mut body = body.clone();
    if let Some(object) = body.str_at("Id").and_then(|id| company.get(kind, id)).cloned() {
        for field in ["SyncToken", "VendorRef", "CustomerRef", "PaymentType", "AccountRef", "Name"] {
            if let Some(value) =
                object.get(field).filter(|_| field == "SyncToken" || options.operation.is_empty())
            {
                body.default(field, value.clone());
            }
        }
    }
    write::write(company, kind, &body, options)
}

/// Somebody merges one name into another: references move, the loser is gone from view (contract 3.4).
pub(crate) fn merge(company: &mut Company, kind: Kind, winner: &str, loser: &str, now: i64) -> bool {
    if winner == loser || company.get(kind, winner).is_none() || company.get(kind, loser).is_none() {
        return false;
    }
    let documents: Vec<_> = Kind::all()
        .filter(|kind| kind.is_document())
        .flat_map(|kind| {
            company.all(kind).map(move |row| (kind, row.updated, row.object.clone())).collect::<Vec<_>>()
        })
        .collect();
    for (document, updated, mut object) in documents {
        let id = object.str_at("Id").unwrap_or_default().to_owned();
        if redirect(&mut object, kind, winner, loser) {
            // The documents themselves keep their time.
            write::store(company, document, &id, object, updated);
        }
    }
    // What was owed by or to the one is owed by or to the other.
    if matches!(kind, Kind::Customer | Kind::Vendor) {
        let owed = company.get(kind, loser).map_or(0, |name| name.cents_at("Balance"));
        effects::move_name(company, kind, winner, owed, now);
        effects::move_name(company, kind, loser, -owed, now);
    }
    company.touch(kind, loser, now, |name| {
        name.set("Active", Json::Bool(false));
        effects::bump(name);
    });
    company.tell(kind, winner, "Merge", now);
    if let Some(event) = company.events.last_mut() {
        event.loser = Some(loser.to_owned());
    }
    true
}

fn redirect(value: &mut Json, kind: Kind, winner: &str, loser: &str) -> bool {
    match value {
        Json::Arr(items) => {
            {
                // Every one is looked at: `any` would stop at the first.
                let hits: Vec<bool> =
                    items.iter_mut().map(|item| redirect(item, kind, winner, loser)).collect();
                hits.contains(&true)
            }
        }
        Json::Obj(members) => {
            let mut hit = false;
            for (field, inner) in members {
                let leads = super::schema::target(field).is_some_and(|(to, _)| to == kind);
                if leads && inner.str_at("value") == Some(loser) {
                    *inner = Json::reference(winner);
                    hit = true;
                } else {
                    hit = redirect(inner, kind, winner, loser) || hit;
                }
            }
            hit
        }
        _ => false,
    }
}

/// Somebody changes the note or the notes of a random object.
pub(crate) fn somebody_edits(core: &mut Core) {
    let now = core.now();
    let at = core.mischief.index(core.companies.len());
    let Some(company) = core.companies.values_mut().nth(at) else { return };
    let open = |kind: &Kind| kind.is_document() || *kind == Kind::Customer;
    let all: Vec<(Kind, String)> = Kind::all()
        .filter(|kind| open(kind) && kind.spec().sort != Sort::File)
        .flat_map(|kind| company.rows.get(&kind).into_iter().flatten().map(move |(id, _)| (kind, id.clone())))
        .collect();
    let Some((kind, id)) = core.mischief.pick(&all).cloned() else { return };
    let field = if kind == Kind::Customer { "Notes" } else { "PrivateNote" };
    let note = format!("looked at {}", core.mischief.below(1_000_000));
    let mut body = company.get(kind, &id).cloned().unwrap_or_default();
    body.set("sparse", Json::Bool(true));
    body.set(field, Json::text(note));
    // What lies in a deposit or in closed books refuses the edit, as it would refuse a person's.
    let _ = write(company, kind, &body, &Options::at(now));
}

//! The memory of `serve` with everything mirrored: a ledger written through the store, then the real process on it.

use almoner::ground::id::{ConnectionId, Object, SubjectKey};
use almoner::ground::journal::{Actor, Cause};
use almoner::store::{Changes, Fail};
use serde_json::{Value, json};

use crate::bench::{Plan, folder, grouped, megabytes, memory_field, pause, private_memory, table};
use crate::gifts::{Gifts, groups};
use crate::ours::Ours;
use crate::server::Server;

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let (people, gifts) = (plan.size(20_000), plan.size(180_000));
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut supply = Gifts::new(200);
    people_of(&ours, supply.donors().iter().take(people))?;
    ours.write_all(groups(supply.fresh(gifts), 1_000))?;
    ours.close();
    let server = Server::start(at.path(), 20, 30)?;
    server.synced()?;
    let mut rows = vec![row("after the first sync and the index's catching up", {
        // What the index still has to read, it reads in the background.
        pause(5_000);
        server.pid()
    })?];
    for turn in 0..1_000 {
        let path = if turn % 10 == 0 { "/api/donors?q=okafor" } else { "/api/gifts?limit=50" };
        server.client.json("GET", path, &Value::Null)?;
    }
    rows.push(row("and after 1,000 requests (900 lists, 100 searches)", server.pid())?);
    let what = format!("`serve` with {} records mirrored", grouped((people + gifts) as u64));
    table(&[&what, "VmRSS", "VmHWM", "private"], &rows);
    Ok(())
}

fn row(what: &str, pid: u32) -> anyhow::Result<Vec<String>> {
    let resident = memory_field(pid, "status", &["VmRSS:"])?;
    let peak = memory_field(pid, "status", &["VmHWM:"])?;
    Ok(vec![what.to_owned(), megabytes(resident), megabytes(peak), megabytes(private_memory(pid)?)])
}

/// The donors as people of the mirror, so that search has something to hold.
fn people_of<'d>(ours: &Ours, donors: impl Iterator<Item = &'d uuid::Uuid>) -> anyhow::Result<()> {
    let all: Vec<(uuid::Uuid, String)> = donors.enumerate().map(|(n, id)| (*id, person(*id, n))).collect();
    for some in all.chunks(1_000) {
        let some = some.to_vec();
        let decide = move |_: &almoner::store::View<'_>| {
            let mut changes = Changes::new(Cause {
                actor: Actor::Connection(ConnectionId::TWENTY),
                why: "Seen in Twenty".into(),
                request_id: None,
            });
            for (id, json) in some {
                changes.seen(SubjectKey::twenty(Object::People, id), json, false, None);
            }
            Ok::<_, Fail<()>>((changes, ()))
        };
        let written = ours.runtime.block_on(ours.store.write(decide));
        written.map_err(|error| anyhow::anyhow!("the ledger refused: {error:?}"))?;
    }
    Ok(())
}

fn person(id: uuid::Uuid, number: usize) -> String {
    const FIRST: [&str; 6] = ["Amina", "Bertram", "Chiara", "Dafydd", "Eleni", "Hamish"];
    const LAST: [&str; 5] = ["Whitfield", "Okafor", "Lindqvist", "Pereira", "Nakamura"];
    let (first, last) = (FIRST[number % FIRST.len()], LAST[number / 7 % LAST.len()]);
    let email = format!("{}.{}.{number}@example.org", first.to_lowercase(), last.to_lowercase());
    let record = json!({
        "id": id, "createdAt": "2026-01-02T03:04:05.000Z", "updatedAt": "2026-01-02T03:04:05.000Z", "deletedAt": null,
        "name": { "firstName": first, "lastName": format!("{last}-{}", number / 35) },
        "emails": { "primaryEmail": email, "additionalEmails": [] },
        "mailingAddress": { "addressCity": "Whitby", "addressPostcode": format!("YO{} {}AB", number % 90, number % 9) },
        "city": "Whitby", "notes": "Wrote to us at the harvest supper; wishes to be told about the lifeboat only.",
    });
    record.to_string()
}

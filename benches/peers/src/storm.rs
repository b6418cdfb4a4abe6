//! The list of gifts over HTTP, with login and request log on, beside PocketBase.

use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::bench::{Plan, folder, grouped, median, megabytes, private_memory, ratio, rounds, table};
use crate::http::Client;
use crate::pocketbase::PocketBase;
use crate::server::Server;

const ROWS: usize = 50;
/// Requests before the memory is looked at.
const WARM: usize = 1_000;

/// One list to ask for.
struct List {
    what: &'static str,
    client: Client,
    path: String,
    authorization: String,
}

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let at = folder()?;
    let server = Server::start(at.path(), plan.size(2_000), plan.size(6_000))?;
    server.synced()?;
    let gifts = all_gifts(&server.client, plan.size(5_000))?;
    let beside = folder()?;
    let peer = PocketBase::start(beside.path(), &gifts)?;
    let bare = |client: &Client| Client { address: client.address.clone(), headers: Vec::new() };
    let theirs = |what, more: &str| List {
        what,
        client: bare(&peer.client),
        path: format!("/api/collections/gifts/records?perPage={ROWS}&sort=-created{more}"),
        authorization: peer.token.clone(),
    };
    let lists = [
        List {
            what: "Almoner",
            client: bare(&server.client),
            path: format!("/api/gifts?limit={ROWS}"),
            authorization: format!("Bearer {}", server.token()?),
        },
        theirs("PocketBase", ""),
        theirs("PocketBase with skipTotal=1", "&skipTotal=1"),
    ];
    for list in &lists[..2] {
        for _ in 0..WARM {
            list.once()?;
        }
    }
    let memory = [private_memory(server.pid())?, private_memory(peer.pid())?];
    let seconds = if plan.small { 1 } else { 5 };
    let outcomes = rounds(lists.len(), |who| lists[who].storm(seconds))?;
    let speeds: Vec<u64> = outcomes.into_iter().map(median).collect();
    let row = |who: usize| {
        let memory = memory.get(who).map_or_else(String::new, |bytes| megabytes(*bytes));
        vec![lists[who].what.to_owned(), grouped(speeds[who]), ratio(speeds[0], speeds[who]), memory]
    };
    let head = ["list of 50 gifts", "requests a second", "ours to it", "private memory after 1,000 requests"];
    table(&head, &[row(0), row(1), row(2)]);
    println!("memory, ours to PocketBase's: {}", ratio(memory[0], memory[1]));
    Ok(())
}

/// Our gifts, page by page.
fn all_gifts(client: &Client, most: usize) -> anyhow::Result<Vec<Value>> {
    let mut gifts: Vec<Value> = Vec::new();
    let mut path = "/api/gifts?limit=200".to_owned();
    while gifts.len() < most {
        let page = client.json("GET", &path, &Value::Null)?;
        gifts.extend(page["data"].as_array().context("a list of gifts")?.iter().cloned());
        let Some(next) = page["meta"]["nextCursor"].as_str() else { break };
        path = format!("/api/gifts?limit=200&cursor={next}");
    }
    gifts.truncate(most);
    Ok(gifts)
}

impl List {
    fn once(&self) -> anyhow::Result<()> {
        let headers = vec![("authorization".to_owned(), self.authorization.clone())];
        let client = Client { headers, ..self.client.clone() };
        let answer = client.send("GET", &self.path, "application/json", "")?;
        let told: Value = serde_json::from_str(&answer.body).with_context(|| answer.body.clone())?;
        let rows = told["data"].as_array().or(told["items"].as_array()).context("a list")?;
        anyhow::ensure!(answer.status == 200 && rows.len() == ROWS, "{}: {} rows", self.what, rows.len());
        Ok(())
    }

    /// Requests a second under `wrk`.
    fn storm(&self, seconds: u32) -> anyhow::Result<u64> {
        let out = Command::new("wrk")
            .args([
                "-t2",
                "-c16",
                &format!("-d{seconds}s"),
                "-H",
                &format!("Authorization: {}", self.authorization),
            ])
            .arg(format!("http://{}{}", self.client.address, self.path))
            .output()
            .context("wrk: scripts/need.sh wrk")?;
        let text = String::from_utf8_lossy(&out.stdout);
        anyhow::ensure!(
            !text.contains("Non-2xx") && !text.contains("Socket errors"),
            "{}: {text}",
            self.what
        );
        let line = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
        let whole = line.with_context(|| text.to_string())?.trim().split('.').next().unwrap_or_default();
        Ok(whole.parse()?)
    }
}

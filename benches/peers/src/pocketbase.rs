//! PocketBase with the same list: gifts with their donors' names, an index on what the list is sorted by.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::bench::{program, until};
use crate::http::{Client, free_port};

const EMAIL: &str = "maya@example.org";
const PASSWORD: &str = "correct-horse-battery";
/// Records of one call of its batch API.
const BATCH: usize = 500;

/// A running one; it ends with the value.
pub struct PocketBase {
    child: Child,
    /// As its superuser: no rule is evaluated, which is in its favour.
    pub client: Client,
    /// The superuser's token.
    pub token: String,
}

impl PocketBase {
    /// Starts one in this folder with these gifts, as our own list told them. The request log is on, as it comes.
    pub fn start(folder: &Path, gifts: &[Value]) -> anyhow::Result<Self> {
        let binary = program("POCKETBASE_BIN")?;
        let data = folder.join("pb_data");
        let made = Command::new(&binary)
            .args(["superuser", "upsert", EMAIL, PASSWORD, "--dir"])
            .arg(&data)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()?;
        anyhow::ensure!(made.status.success(), "superuser: {}", String::from_utf8_lossy(&made.stderr));
        let address = format!("127.0.0.1:{}", free_port()?);
        let child = Command::new(&binary)
            .args(["serve", "--http", &address, "--dir"])
            .arg(&data)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("pocketbase.log"))?)
            .spawn()?;
        let client = Client { address, headers: Vec::new() };
        let mut peer = Self { child, client, token: String::new() };
        until("PocketBase", 30, || peer.client.json("GET", "/api/health", &Value::Null).ok())?;
        let path = "/api/collections/_superusers/auth-with-password";
        let told = peer.client.json("POST", path, &json!({ "identity": EMAIL, "password": PASSWORD }))?;
        told["token"].as_str().context("a token")?.clone_into(&mut peer.token);
        peer.client.headers.push(("authorization".into(), peer.token.clone()));
        peer.fill(gifts)?;
        Ok(peer)
    }

    fn fill(&self, gifts: &[Value]) -> anyhow::Result<()> {
        let text = |name: &str| json!({ "name": name, "type": "text" });
        let date = |name: &str, changes: bool| json!({ "name": name, "type": "autodate", "onCreate": true, "onUpdate": changes });
        let collection = json!({
            "name": "gifts", "type": "base",
            "fields": [
                text("name"), { "name": "amountMicros", "type": "number" }, text("currencyCode"), text("giftDate"),
                text("donorId"), text("donorName"), text("donorEmail"), text("state"), text("url"),
                date("created", false), date("updated", true),
            ],
            "indexes": ["CREATE INDEX gifts_created ON gifts (created)"],
        });
        self.client.json("POST", "/api/collections", &collection)?;
        let batch = json!({ "batch": { "enabled": true, "maxRequests": BATCH, "timeout": 30 } });
        self.client.json("PATCH", "/api/settings", &batch)?;
        for some in gifts.chunks(BATCH) {
            let one = |gift: &Value| json!({ "method": "POST", "url": "/api/collections/gifts/records", "body": record(gift) });
            let requests: Vec<Value> = some.iter().map(one).collect();
            self.client.json("POST", "/api/batch", &json!({ "requests": requests }))?;
        }
        Ok(())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

fn record(gift: &Value) -> Value {
    json!({
        "name": gift["name"], "amountMicros": gift["amount"]["amountMicros"],
        "currencyCode": gift["amount"]["currencyCode"], "giftDate": gift["giftDate"],
        "donorId": gift["donor"]["id"], "donorName": gift["donor"]["name"],
        "donorEmail": gift["donor"]["email"], "state": gift["state"],
        "url": gift["url"],
    })
}

impl Drop for PocketBase {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The real `almoner serve`, against a simulated Twenty in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::bench::{program, until};
use crate::http::Client;

/// Both processes; they end with the value.
pub struct Server {
    crm: Child,
    child: Child,
    /// As its first user.
    pub client: Client,
}

impl Server {
    /// Starts both on this folder, with the log at its usual level in a file, and makes the first account.
    pub fn start(folder: &Path, people: usize, gifts: usize) -> anyhow::Result<Self> {
        let binary = program("ALMONER_BIN")?;
        let mut crm = Command::new(&binary)
            .args(["simulate", "twenty", "--people", &people.to_string(), "--gifts", &gifts.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let told = first_lines(&mut crm, 2)?;
        let last = |line: &String| line.rsplit(' ').next().map(str::to_owned);
        let mut child = Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .env("TWENTY_API_BASE_URL", told.first().and_then(last).context("Twenty's address")?)
            .env("TWENTY_API_KEY", told.get(1).and_then(last).context("Twenty's key")?)
            .env("ALMONER_LOG", "info")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("log"))?)
            .spawn()?;
        let told = first_lines(&mut child, 2)?;
        let address = told.first().and_then(|line| line.split("http://").nth(1)).context("our address")?;
        let client = Client { address: address.trim_end_matches('/').to_owned(), headers: Vec::new() };
        let link = told.get(1).and_then(|line| line.split_once("token=")).context("a first-run link")?.1;
        let mut server = Self { crm, child, client };
        server.set_up(link)?;
        Ok(server)
    }

    fn set_up(&mut self, link: &str) -> anyhow::Result<()> {
        let form = format!("token={link}&name=Maya&email=maya@example.org&password=correct-horse-battery");
        let answer = self.client.send("POST", "/setup", "application/x-www-form-urlencoded", &form)?;
        let cookie = answer.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:"));
        let cookie = cookie.with_context(|| format!("a cookie: {} {}", answer.status, answer.body))?;
        let value = cookie["set-cookie:".len()..].split(';').next().unwrap_or_default().trim();
        self.client.headers.push(("cookie".into(), value.to_owned()));
        Ok(())
    }

    /// Waits until everything was read once.
    pub fn synced(&self) -> anyhow::Result<()> {
        until("the first sync", 300, || {
            let told = self.client.json("GET", "/api/sync", &Value::Null).ok()?;
            let objects = told["objects"].as_array()?;
            objects.iter().all(|object| object["freshness"]["syncedAt"].is_string()).then_some(())
        })
    }

    /// A token that may read gifts.
    pub fn token(&self) -> anyhow::Result<String> {
        let wish = json!({ "name": "bench", "scopes": ["gifts:read"] });
        let made = self.client.json("POST", "/api/tokens", &wish)?;
        Ok(made["token"].as_str().context("a token")?.to_owned())
    }

    /// The process of `serve`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in [&mut self.child, &mut self.crm] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn first_lines(child: &mut Child, count: usize) -> anyhow::Result<Vec<String>> {
    let out = child.stdout.take().context("piped")?;
    Ok(BufReader::new(out).lines().map_while(Result::ok).take(count).collect())
}

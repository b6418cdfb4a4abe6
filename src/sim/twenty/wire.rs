//! Carries the calls of webhooks over plain HTTP, one connection each, as a simulator alone needs it.

use std::fmt::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Delivery, Sender};

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends to `http://` addresses; others get nothing, as behind a firewall.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire;

impl Sender for Wire {
    async fn send(&self, delivery: Delivery) -> Option<u16> {
        tokio::time::timeout(PATIENCE, post(&delivery)).await.ok().flatten()
    }
}

async fn post(delivery: &Delivery) -> Option<u16> {
    let rest = delivery.url.strip_prefix("http://")?;
    let (host, path) = rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at));
    let slash = if path.starts_with('/') { "" } else { "/" };
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(address).await.ok()?;
    let mut head = format!("POST {slash}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &delivery.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n", delivery.body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&delivery.body).await.ok()?;
    let mut answer = Vec::new();
    let mut piece = [0_u8; 512];
    while !answer.contains(&b'\n') {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        answer.extend_from_slice(piece.get(..read)?);
    }
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1)?.parse().ok()
}

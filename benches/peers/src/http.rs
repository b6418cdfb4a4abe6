//! The little HTTP that setting up takes: one request per connection.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

/// A server on loopback.
#[derive(Clone, Debug)]
pub struct Client {
    /// Host and port.
    pub address: String,
    /// Lines of every request, such as a cookie.
    pub headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The lines of the head.
    pub head: String,
    /// The text.
    pub body: String,
}

impl Client {
    /// One request.
    pub fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        // HTTP/1.0, so that nobody answers in chunks.
        let lines = self.headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat());
        let lines: String = lines.collect();
        let (host, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{lines}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer with a head")?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// JSON there and back; anything but success is an error.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, path, "application/json", &text)?;
        anyhow::ensure!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        Ok(serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}

/// A port that nobody has now.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

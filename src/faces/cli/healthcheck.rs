//! `almoner healthcheck`: asks the server of this machine how it is; for containers and monitors.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::say;
use crate::config::{Flags, environment, show};

/// A server that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer has.
const ANSWER_MAX: u64 = 64 * 1024;

#[derive(Args, Debug)]
pub(super) struct Healthcheck {
    /// Settings file of the server
    #[arg(long, env = "ALMONER_CONFIG")]
    config: Option<PathBuf>,
    /// Where the server listens
    #[arg(long)]
    listen: Option<SocketAddr>,
}

impl Healthcheck {
    /// 0 when it is well or only warns, 1 when something does not work or nobody answers.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let answer = asked(here(self.address()?))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the server's answer is cut short")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        let told: serde_json::Value = serde_json::from_str(body).context("this is not an Almoner server")?;
        for check in told["checks"].as_array().into_iter().flatten() {
            let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
            say(&format!("{:<8} {:<8} {}", text("name"), text("status"), text("says")));
        }
        if !matches!(status, "200" | "503") {
            bail!("the server answered {status}");
        }
        Ok(if status == "200" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let flags = Flags { file: self.config.clone(), listen: self.listen, data: None };
        let listen = show(&flags, &environment).into_iter().find(|setting| setting.key == "listen");
        let listen = listen.and_then(|setting| setting.value).context("no address is set")?;
        listen.parse().with_context(|| format!("{listen} is no address"))
    }
}

/// Where one reaches, from this machine, what listens everywhere.
fn here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn asked(address: SocketAddr) -> anyhow::Result<String> {
    let unanswered = || format!("no server answers at {address}");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(unanswered)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /healthz?verbose HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).with_context(unanswered)?;
    let mut answer = String::new();
    stream.take(ANSWER_MAX).read_to_string(&mut answer).with_context(unanswered)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_here() {
        let of = |text: &str| here(text.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(of("[::]:1"), "[::1]:1");
        assert_eq!(of("10.0.0.5:443"), "10.0.0.5:443");
    }
}

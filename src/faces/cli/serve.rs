//! `almoner serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{asked_to_stop, say};
use crate::app::App;
use crate::app::notify::Notify;
use crate::config::{Config, Flags, environment};
use crate::desk::access::LinkPurpose;
use crate::{sys, telemetry};

#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Folder of the ledger, its index and its key
    #[arg(long)]
    data: Option<PathBuf>,
    /// Settings file
    #[arg(long)]
    config: Option<PathBuf>,
    /// Address to listen on
    #[arg(long)]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&environment("ALMONER_LOG").unwrap_or_else(|| "info".into()));
        let config =
            Config::load(&Flags { file: self.config, data: self.data, listen: self.listen }, &environment)?;
        let mut app = App::open(sys::world(), &config, false).await?;
        let notify = Notify::of(&environment);
        notify.ready();
        app.watch(&notify);
        say(&format!("Almoner is at {}/", app.url));
        if app.desk.store.snapshot()?.ledger().user_count()? == 0 {
            let link = app.desk.one_time_link(LinkPurpose::Setup).await?;
            say(&format!(
                "Make the first account (works once, for 30 minutes): {}/setup?token={link}",
                app.url
            ));
        }
        let broken = tokio::select! {
            asked = asked_to_stop() => asked.map(|()| false)?,
            () = app.broken() => true,
        };
        notify.stopping();
        app.close().await?;
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

//! The command line: one file a subcommand.

mod ask;
mod backup;
mod compact;
mod config;
mod demo;
mod doctor;
mod gifts;
mod healthcheck;
mod journal;
mod matching;
mod people;
mod restore;
mod serve;
mod simulate;
mod smoke;
mod sync;
mod twenty;
mod users;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Almoner sits between your charity's CRM and its inbound gifts.
#[derive(Parser, Debug)]
#[command(name = "almoner", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run Almoner against your Twenty
    Serve(serve::Serve),
    /// Run everything with invented data and a simulated Twenty
    Demo(demo::Demo),
    /// Start a simulated Twenty or QuickBooks Online alone
    Simulate(simulate::Simulate),
    /// Look at the Twenty workspace and add what it lacks, beside a running Almoner or alone
    Twenty(twenty::Twenty),
    /// Prove that the ledger is whole, beside a running Almoner or alone
    Verify(verify::Verify),
    /// Take the journal out, beside a running Almoner or alone
    Journal(journal::Journal),
    /// Make the ledger's file as small as it goes, beside a running Almoner or alone
    Compact(compact::Compact),
    /// Take a backup now, beside a running Almoner or alone; list, check and prune backups
    Backup(backup::Backup),
    /// Put a backup in the place of the ledger; says first what would be forgotten
    Restore(restore::Restore),
    /// Restore the newest backup into a sandbox and prove it, beside a running Almoner or alone
    Drill(backup::Drill),
    /// Take a gift in, or have ready ones posted, beside a running Almoner
    Gifts(gifts::Gifts),
    /// Read everything from Twenty now, beside a running Almoner
    Sync(sync::Sync),
    /// Find people who are in a file twice, and judge how well that is told
    Match(matching::Match),
    /// What people ask for: a copy of what is held about them, erasure
    People(people::People),
    /// Who may come in, and what for, beside a running Almoner or alone
    Users(users::Users),
    /// Try the whole way of gifts against a simulated Twenty, and count the calls
    Smoke(smoke::Smoke),
    /// What the settings are and where each came from, or what is wrong with them
    Config(config::Config),
    /// Print the completions of a shell, to be kept where it looks for them
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Say what needs an operator and what to do, beside a running Almoner or alone; makes a support bundle
    Doctor(doctor::Doctor),
    /// Ask the server of this machine how it is: exit code 0 well, 1 not
    Healthcheck(healthcheck::Healthcheck),
    /// Write the manual pages into a folder
    Man {
        /// The folder
        folder: std::path::PathBuf,
    },
    /// Print the OpenAPI document
    Openapi,
}

/// Parses, runs, and turns the outcome into an exit code: 0 done, 1 failed, 2 wrong usage.
#[expect(clippy::print_stderr, reason = "this is where errors reach the person at the terminal")]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("almoner: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let inside = runtime.enter();
    let code = match command {
        Command::Serve(serve) => runtime.block_on(serve.run()),
        Command::Demo(demo) => runtime.block_on(demo.run()),
        Command::Simulate(simulate) => runtime.block_on(simulate.run()),
        Command::Twenty(twenty) => runtime.block_on(twenty.run()),
        Command::Verify(verify) => verify.run(),
        Command::Journal(journal) => journal.run(),
        Command::Compact(compact) => compact.run(),
        Command::Backup(backup) => runtime.block_on(backup.run()),
        Command::Restore(restore) => runtime.block_on(restore.run()),
        Command::Drill(drill) => runtime.block_on(drill.run()),
        Command::Gifts(gifts) => gifts.run(),
        Command::Sync(sync) => sync.run(),
        Command::Match(matching) => matching.run(),
        Command::People(people) => people.run(),
        Command::Users(users) => users.run(),
        Command::Smoke(smoke) => runtime.block_on(smoke.run()),
        Command::Config(config) => config.run(),
        Command::Completions { shell } => {
            completions(shell);
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(doctor) => doctor.run(),
        Command::Healthcheck(healthcheck) => healthcheck.run(),
        Command::Man { folder } => {
            clap_mangen::generate_to(Cli::command(), folder)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            say(&super::http::openapi_json());
            Ok(ExitCode::SUCCESS)
        }
    };
    drop(inside);
    // Everything that writes has ended by now; a proof of the ledger that nobody waits for any more need not.
    runtime.shutdown_background();
    code
}

/// Written into memory first: a closed pipe is no reason to fail.
fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "almoner", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
}

/// A line for the person or the script that started us. A closed pipe is no reason to fail.
fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Resolves when the process is asked to end.
async fn asked_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let folder = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(Cli::command(), folder.path()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("almoner-backup-verify.1")).unwrap();
        assert!(page.contains("Read every file of a backup"), "{page}");
        for command in Cli::command().get_subcommands() {
            assert!(folder.path().join(format!("almoner-{}.1", command.get_name())).exists());
        }
    }

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "almoner", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell} {}", command.get_name());
            }
        }
    }
}

//! The `almoner` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    almoner::faces::cli::main()
}

//! The `credentials` command. See the crate's page.

use std::process::ExitCode;

fn main() -> ExitCode {
    credentials_cli::run(std::env::args_os().collect())
}

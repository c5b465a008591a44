//! A gateway that tells the life of its credentials. `--fast` shortens the waits.

use std::process::ExitCode;

use examples::gateway::{self, host::Pace};

#[tokio::main]
async fn main() -> ExitCode {
    let fast = std::env::args().any(|argument| argument == "--fast");
    let told = gateway::run(if fast { Pace::Fast } else { Pace::Told }).await;
    if told.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! A gateway that tells the life of its credentials. `--fast` shortens the waits. `--config FILE` serves
//! that configuration instead.

use std::process::ExitCode;

use examples::gateway::{self, host::Pace};

#[tokio::main]
async fn main() -> ExitCode {
    #[cfg(unix)]
    if std::env::args_os().nth(1).is_some_and(|word| word == "--config") {
        // None named is a name too: the answer says that nothing is there.
        let file = std::env::args_os().nth(2).unwrap_or_default();
        return examples::served::serve(file.as_ref()).await;
    }
    let fast = std::env::args().any(|argument| argument == "--fast");
    let told = gateway::run(if fast { Pace::Fast } else { Pace::Told }).await;
    if told.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

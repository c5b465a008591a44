//! What a program of this crate writes to standard error, if `CREDENTIALS_LOG` asks for it.

use std::io::Write as _;

/// Logs at the level that `CREDENTIALS_LOG` names, from `error` to `trace`; nothing without it. A word
/// that is no level is told of, and nothing is logged.
pub fn start() {
    let Ok(word) = std::env::var("CREDENTIALS_LOG") else { return };
    match word.parse::<tracing::Level>() {
        Ok(level) => {
            let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
            lines.with_writer(std::io::stderr).init();
        }
        Err(_) => {
            let levels = "CREDENTIALS_LOG is error, warn, info, debug or trace";
            let _ = writeln!(std::io::stderr(), "{levels}: nothing is logged");
        }
    }
}

//! `gateway --config FILE`: a small real host, served by [`credential_host::gateway`].

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Serves the configuration until a signal ends it. What it does is told on standard output; nothing
/// waits for whoever reads it. A read that a drive does not answer may be under way yet when this returns:
/// end the runtime with `shutdown_background`.
pub async fn serve(configuration: &Path) -> ExitCode {
    let tell = |line: &str| {
        // Nobody may be reading any more; that ends nothing.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    ExitCode::from(credential_host::gateway::run(configuration, Arc::new(tell)).await)
}

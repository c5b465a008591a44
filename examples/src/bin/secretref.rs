//! Answers OpenClaw's exec SecretRefs from the credentials of a gateway. See `examples::secretref`.

use std::process::ExitCode;

// No `#[tokio::main]`: its threads would cost more than the answer to a static key.
fn main() -> ExitCode {
    examples::secretref::run(std::env::args().skip(1).collect())
}

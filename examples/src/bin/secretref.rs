//! Answers OpenClaw's exec SecretRefs from the credentials of a gateway. See `credential_host::resolver`.
//! `credentials secretref` is the same.

use std::process::ExitCode;

// No `#[tokio::main]`: its threads would cost more than the answer to a static key.
fn main() -> ExitCode {
    let invocation = credential_host::resolver::Invocation::default();
    credential_host::resolver::run(invocation, std::env::args().skip(1).collect())
}

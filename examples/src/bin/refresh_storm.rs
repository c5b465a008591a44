//! Does each expiry cost one refresh call, whatever dies? See `examples::refresh_storm`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    examples::refresh_storm::run(std::env::args().skip(1)).await
}

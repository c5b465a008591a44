//! The resolver: a program that OpenClaw starts for its exec SecretRefs, on a gateway's credentials.
//!
//! It reads one request, answers from the providers, access rules and store of the configuration file
//! that a gateway uses too, and ends. A renewal takes the same lease as the gateway's, so a refresh
//! token is spent once, whoever comes first. In OpenClaw's configuration:
//!
//! ```json5
//! { secrets: { providers: { ours: {
//!     source: "exec", command: "/abs/secretref", args: ["--config", "/abs/credentials.json5"],
//!     passEnv: ["HOME", "DBUS_SESSION_BUS_ADDRESS"], jsonOnly: true,
//! } } } }
//! ```
//! and then `{ source: "exec", provider: "ours", id: "vault/openai" }` wherever it takes a SecretRef.
//!
//! # Start-up
//! OpenClaw waits for every start. So: one thread; only the providers asked for are built, and those
//! they name; the store is opened when a grant is first read, and certificates are when a request is
//! first sent. `--measure` says what it costs.

mod files;
mod host;
mod http;
mod measure;
mod options;
mod store;
mod wanted;

pub use files::FileFactory;
pub use host::CONSUMER;

use std::process::ExitCode;
use std::sync::Arc;

use authprofile_bridge::exec::{ExecFailure, ExecLimits, receive, respond};
use resolution_engine::SystemClock;

use host::Host;
use options::{Asked, Options};

/// Exit code of a command line that cannot be understood (`EX_USAGE`).
const USAGE: u8 = 64;
/// Exit code of a configuration that cannot be used (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;

/// Why it ends without an answer: what to say on standard error, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn usage(message: &str) -> Self {
        Self { code: USAGE, message: format!("{message}; see --help") }
    }

    pub(crate) fn configuration(message: impl std::fmt::Display) -> Self {
        Self { code: CONFIGURATION, message: message.to_string() }
    }
}

impl From<ExecFailure> for Failure {
    fn from(failure: ExecFailure) -> Self {
        Self { code: failure.exit_code(), message: failure.to_string() }
    }
}

/// The whole program.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]
pub fn run(arguments: Vec<String>) -> ExitCode {
    let configured = std::env::var("CREDENTIALS_CONFIG").ok();
    let done = match Options::parse(arguments, configured) {
        Err(failure) => Err(failure),
        Ok(Asked::Help) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Asked::Measure { runs, configuration, ids }) => {
            measure::run(runs, configuration, ids).map(|report| println!("{report}"))
        }
        Ok(Asked::Answer(options)) => on_one_thread(answer(options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("secretref: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn on_one_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| Failure::configuration("this system lends no event queue"))?;
    let done = runtime.block_on(work);
    // A read of standard input that nobody ends must not keep us.
    runtime.shutdown_background();
    done
}

async fn answer(options: Options) -> Result<(), Failure> {
    let clock = Arc::new(SystemClock::new());
    let limits = ExecLimits::default();
    let request = receive(tokio::io::stdin(), &*clock, limits).await?;
    let host = Host::open(&options.configuration, &request, clock.clone()).await?;
    let answered = respond(request, tokio::io::stdout(), &host, &*clock, limits).await;
    // An exchange under way is waited for: the refresh token it spent is not to be lost.
    host.close().await;
    answered?;
    Ok(())
}

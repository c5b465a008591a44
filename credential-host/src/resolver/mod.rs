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
//! # Exchanges
//! OpenClaw kills a program after 5 s, and takes it for unfinished while somebody holds its output. A
//! refresh token that is sent has to be followed by its successor in the store, however slow the issuer
//! is. So an id whose provider makes exchanges (`oauth`, `mcp`, `volcengine`) is answered by a second
//! process of this program, in a process group of its own and with none of our pipes: what it has
//! within the time is a part of the answer, then we end, and it ends when its exchange is saved. Until
//! then it has the lease, so the next start waits for it and sends nothing again. Who stops all of a
//! service's processes at once, as systemd does with a control group, stops it too.
//!
//! # Start-up
//! OpenClaw waits for every start. So: one process for static keys; only the providers asked for are
//! built, and those they name; the store is opened when a grant is first read, OpenClaw's database when
//! a reference to it is, and certificates are when a request is first sent. `--measure` says what it
//! costs.

mod exchange;
mod host;
mod measure;
mod options;
mod wanted;

pub use host::CONSUMER;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use authprofile_bridge::exec::{ExecAnswer, ExecFailure, ExecLimits, receive};
use credential_provider_api::{Clock as _, CredentialError, ErrorCode};
use resolution_engine::SystemClock;

use host::Host;
use options::{Asked, Options};

use crate::document::{Document, DocumentError};

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

/// Says something on standard error, whether anybody listens or not.
pub(crate) fn say(message: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "secretref: {message}");
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::configuration(error)
    }
}

impl From<ExecFailure> for Failure {
    fn from(failure: ExecFailure) -> Self {
        Self { code: failure.exit_code(), message: failure.to_string() }
    }
}

/// How this program is started: it starts itself for exchanges.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "a program is started by its arguments")]
pub struct Invocation {
    /// The words before the resolver's own arguments: `["secretref"]` where it is a subcommand.
    pub subcommand: &'static [&'static str],
}

/// The whole program.
#[allow(clippy::print_stdout, reason = "a program that talks to a person")]
pub fn run(invocation: Invocation, arguments: Vec<String>) -> ExitCode {
    let configured = std::env::var("CREDENTIALS_CONFIG").ok();
    let done = match Options::parse(arguments, configured) {
        Err(failure) => Err(failure),
        Ok(Asked::Help) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Asked::Measure { runs, configuration, ids }) => {
            measure::run(invocation, runs, configuration, ids).map(|report| println!("{report}"))
        }
        Ok(Asked::Answer(options)) => on_one_thread(answer(invocation, options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.message);
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
    // A pipe that nobody ends or reads must not keep us.
    runtime.shutdown_background();
    done
}

async fn answer(invocation: Invocation, options: Options) -> Result<(), Failure> {
    let clock = Arc::new(SystemClock::new());
    let path = &options.configuration;
    match options.exchanging {
        Some(wait) => exchange::make(path, wait, clock).await,
        None => everything(invocation, path, clock).await,
    }
}

/// The answer to OpenClaw, of what is known here and what exchanges give.
async fn everything(
    invocation: Invocation,
    path: &Path,
    clock: Arc<SystemClock>,
) -> Result<(), Failure> {
    let began = clock.now();
    let limits = ExecLimits::default();
    let request = receive(tokio::io::stdin(), &*clock, limits).await?;
    let whole = Document::read(path)?;
    let slow = |id: &String| wanted::may_exchange(whole.value(), id);
    let (slow, own) = request.ids.iter().cloned().partition(slow);
    let (mut slow_request, mut own_request) = (request.clone(), request);
    (slow_request.ids, own_request.ids) = (slow, own);
    let limits = limits.after(began.until(clock.now()));
    // Asked first: it takes longer.
    let theirs = exchange::ask(invocation, path, slow_request, &*clock, limits);
    let asked = clock.now();
    let ours = async {
        let host = tokio::select! {
            biased;
            host = Host::open(whole, &own_request, clock.clone()) => host?,
            // A reference in its settings takes its time.
            () = clock.sleep_until(asked.plus(limits.resolve)) => {
                let mut answer = ExecAnswer::default();
                let late = CredentialError::new(ErrorCode::DeadlineExceeded, "not set up in time");
                answer.refuse(&own_request.ids, &late);
                return Ok(answer);
            }
        };
        let limits = limits.after(asked.until(clock.now()));
        Ok(ExecAnswer::resolve(own_request, &host, &*clock, limits).await)
    };
    let (theirs, ours): (_, Result<_, Failure>) = tokio::join!(theirs, ours);
    let mut answer = ours?;
    answer.join(theirs);
    answer.write(tokio::io::stdout(), &*clock, limits).await?;
    Ok(())
}

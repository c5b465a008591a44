//! [`run`]: the whole program.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Arguments, Command, misunderstood};
use crate::commands;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Runs the command with these arguments, the program's own name first.
///
/// `exec` does not return where its program could be started.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    credential_host::quiet_panics("credentials");
    // OpenClaw waits for every start of this one: nothing comes before it.
    if arguments.get(1).is_some_and(|word| word == "secretref") {
        return resolver(arguments);
    }
    let done = std::panic::catch_unwind(|| match Arguments::try_parse_from(arguments) {
        Ok(arguments) => started(arguments),
        Err(error) => misunderstood(&error),
    });
    done.unwrap_or(Exit::Bug).into()
}

fn resolver(arguments: Vec<OsString>) -> ExitCode {
    let invocation = credential_host::resolver::Invocation { subcommand: &["secretref"] };
    let words = arguments.into_iter().skip(2).map(|word| word.to_string_lossy().into_owned());
    credential_host::resolver::run(invocation, words.collect())
}

fn started(arguments: Arguments) -> Exit {
    let context = Context::new(arguments.global);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match &runtime {
        Ok(runtime) => runtime.block_on(to_its_end(&context, arguments.command)),
        Err(_) => Err(Failure::new(Exit::Later, "this system lends no event queue")),
    };
    // A prompt that nobody answers must not keep us.
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    let terminal = &context.terminal;
    terminal.restore();
    match done.and_then(Next::go) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal.complain(&failure.message);
            failure.exit
        }
    }
}

/// What is left to do once everything of ours has ended.
pub(crate) enum Next {
    /// Nothing.
    End(Exit),
    /// To become another program.
    Become(Box<std::process::Command>),
}

impl Next {
    fn go(self) -> Result<Exit, Failure> {
        match self {
            Self::End(exit) => Ok(exit),
            Self::Become(command) => Err(commands::exec::replace(*command)),
        }
    }
}

/// The command, and after it what it began: an exchange that was sent is saved before we end, whoever
/// is impatient. A second signal ends us at once.
async fn to_its_end(context: &Context, command: Command) -> Result<Next, Failure> {
    let impatient = || Failure::new(Exit::Interrupted, "interrupted");
    let work = commands::run(context, command);
    tokio::pin!(work);
    let done = tokio::select! {
        done = &mut work => done,
        () = interrupted() => if context.leaving.tell() {
            tokio::select! {
                done = &mut work => done,
                () = tokio::time::sleep(GOODBYE) => Err(impatient()),
                () = interrupted() => return Err(impatient()),
            }
        } else {
            Err(impatient())
        },
    };
    if let Some(host) = context.opened() {
        tokio::select! {
            () = host.shutdown() => {}
            () = interrupted() => return Err(impatient()),
        }
    }
    done
}

/// How long a gateway is given to hear that a sign-in is left.
const GOODBYE: Duration = Duration::from_secs(3);

async fn interrupted() {
    let of = |kind| signal(kind).ok();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [interrupt, terminate, hangup] = kinds.map(of);
    let next = async |signal: Option<tokio::signal::unix::Signal>| match signal {
        Some(mut signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    };
    tokio::select! {
        () = next(interrupt) => {}
        () = next(terminate) => {}
        () = next(hangup) => {}
    }
}

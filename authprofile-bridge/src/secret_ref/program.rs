//! Running a program within limits.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credential_provider_api::Clock;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::bytes::SecretBytes;

/// A program to run, and its limits.
#[non_exhaustive]
pub struct Invocation {
    /// The program, by absolute path.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment; of two of the same name the last counts.
    pub variables: Vec<(String, SecretString)>,
    /// Its working folder.
    pub folder: PathBuf,
    /// What it reads; then its standard input ends.
    pub input: Vec<u8>,
    /// How long it may run.
    pub timeout: Duration,
    /// How long it may be silent.
    pub no_output_timeout: Duration,
    /// How much it may say on standard output and error together, in bytes.
    pub max_output_bytes: usize,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramEnd {
    /// By itself, with this code, or by a signal.
    Exited(Option<i32>),
    /// It could not be started.
    NotStarted,
    /// It was killed: it took too long.
    TimedOut,
    /// It was killed: it was silent for too long.
    NoOutput,
    /// It was killed: it said too much.
    TooMuchOutput,
}

/// What came of a program. Its standard error is not kept.
pub struct ProgramOutput {
    /// How it ended.
    pub end: ProgramEnd,
    /// What it said on standard output.
    pub stdout: SecretSlice<u8>,
}

impl ProgramOutput {
    /// An output of its parts.
    #[must_use]
    pub fn new(end: ProgramEnd, stdout: SecretSlice<u8>) -> Self {
        Self { end, stdout }
    }
}

/// Runs programs.
#[async_trait]
pub trait Programs: Send + Sync {
    /// Runs it to its end or to a limit. Dropping the future kills it.
    async fn run(&self, invocation: Invocation) -> ProgramOutput;
}

/// Programs of this machine. They need a tokio runtime with I/O.
pub struct SystemPrograms {
    clock: Arc<dyn Clock>,
}

impl SystemPrograms {
    /// Programs whose limits are in the time of `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Programs for SystemPrograms {
    async fn run(&self, invocation: Invocation) -> ProgramOutput {
        let mut said = SecretBytes::default();
        let end = match start(&invocation) {
            Some(child) => watch(child, invocation, &*self.clock, &mut said).await,
            None => ProgramEnd::NotStarted,
        };
        ProgramOutput::new(end, SecretSlice::from(said.as_slice().to_vec()))
    }
}

fn start(invocation: &Invocation) -> Option<Child> {
    let mut command = Command::new(&invocation.command);
    command.args(&invocation.args).current_dir(&invocation.folder).env_clear();
    for (name, value) in &invocation.variables {
        command.env(name, value.expose_secret());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().ok()
}

async fn watch(
    mut child: Child,
    invocation: Invocation,
    clock: &dyn Clock,
    said: &mut SecretBytes,
) -> ProgramEnd {
    // Dropped before the child: as long as the child is not waited for, the group's id is its own.
    let mut group = Group::of(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) = (stdin, stdout, stderr) else {
        return ProgramEnd::NotStarted;
    };
    let input = invocation.input;
    let feed = async move {
        // A program that does not read all of it may still answer.
        let _ = stdin.write_all(&input).await;
        let _ = stdin.shutdown().await;
    };
    tokio::pin!(feed);
    let (mut feeding, mut speaking, mut grumbling) = (true, true, true);
    let mut heard = Zeroizing::new([0; 8 << 10]);
    let mut grumble = Zeroizing::new([0; 8 << 10]);
    let deadline = clock.now().plus(invocation.timeout);
    let mut silent_from = clock.now();
    let mut total = 0usize;
    let end = loop {
        let silence = silent_from.plus(invocation.no_output_timeout);
        let count = tokio::select! {
            count = stdout.read(heard.as_mut_slice()), if speaking => {
                let count = count.unwrap_or(0);
                speaking = count > 0;
                said.extend(heard.get(..count).unwrap_or_default());
                count
            }
            count = stderr.read(grumble.as_mut_slice()), if grumbling => {
                let count = count.unwrap_or(0);
                grumbling = count > 0;
                count
            }
            () = &mut feed, if feeding => {
                feeding = false;
                0
            }
            status = child.wait(), if !speaking && !grumbling => {
                group.ended();
                return ProgramEnd::Exited(status.ok().and_then(|status| status.code()));
            }
            () = clock.sleep_until(deadline.min(silence)) => {
                break if clock.now() >= deadline { ProgramEnd::TimedOut } else { ProgramEnd::NoOutput };
            }
        };
        if count > 0 {
            silent_from = clock.now();
            total = total.saturating_add(count);
            if total > invocation.max_output_bytes {
                break ProgramEnd::TooMuchOutput;
            }
        }
    };
    group.kill();
    let _ = child.start_kill();
    // Killed, it ends at once, unless the kernel holds it; then nobody waits for it here.
    tokio::select! {
        _ = child.wait() => {}
        () = clock.sleep_until(clock.now().plus(Duration::from_secs(1))) => {}
    }
    end
}

/// The processes that a program started, itself among them. Dropping it kills them.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: pid.and_then(rustix::process::Pid::from_raw) }
    }

    /// The leader was waited for: its id may be another's now.
    fn ended(&mut self) {
        self.leader = None;
    }

    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            // If none of them is left, that is what was wanted.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Self {
        Self {}
    }

    fn ended(&mut self) {}

    fn kill(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

//! What may spend a refresh token: in a process that nobody's impatience ends.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::exec::{ExecAnswer, ExecLimits, ExecRequest, receive};
use credential_provider_api::{Clock, CredentialError, ErrorCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::host::Host;
use super::options::EXCHANGING;
use super::{Failure, Invocation, say};
use crate::document::Document;

/// How much earlier than we the other process gives its answer, so that one slow id keeps no other's
/// from us.
const EARLIER: Duration = Duration::from_millis(500);

/// The longest answer: what OpenClaw reads.
const LONGEST: usize = 1 << 20;

/// Has another process answer `request`, and waits for [`ExecLimits::resolve`]. Dropping it leaves that
/// process to its work.
pub(crate) async fn ask(
    invocation: Invocation,
    configuration: &Path,
    request: ExecRequest,
    clock: &dyn Clock,
    limits: ExecLimits,
) -> ExecAnswer {
    if request.ids.is_empty() {
        return ExecAnswer::default();
    }
    let deadline = clock.now().plus(limits.resolve);
    let wait = limits.resolve.saturating_sub(EARLIER);
    let asked = async {
        let child = start(invocation, configuration, wait).map_err(|_| ErrorCode::Unavailable)?;
        converse(child, &request).await
    };
    let found = tokio::select! {
        biased;
        found = asked => found,
        () = clock.sleep_until(deadline) => Err(ErrorCode::DeadlineExceeded),
    };
    let (mut answer, code) = match found {
        Ok(answer) => (answer, ErrorCode::Internal),
        Err(code) => (ExecAnswer::default(), code),
    };
    answer.refuse(&request.ids, &CredentialError::new(code, "no answer of the other process"));
    answer
}

/// None of its streams is one of ours: who started us waits until nobody holds those.
fn start(invocation: Invocation, configuration: &Path, wait: Duration) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(invocation.subcommand).arg("--config").arg(configuration);
    command.arg(EXCHANGING).arg(wait.as_millis().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Who kills our group does not kill it.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

async fn converse(mut child: Child, request: &ExecRequest) -> Result<ExecAnswer, ErrorCode> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(mut stderr)) = pipes else {
        return Err(ErrorCode::Internal);
    };
    // One that does not read says why on standard error.
    let _ = stdin.write_all(&request.to_json()).await;
    drop(stdin);
    let answered = ExecAnswer::read(stdout, LONGEST);
    tokio::pin!(answered);
    let (mut chunk, mut grumbling) = ([0; 4 << 10], true);
    loop {
        tokio::select! {
            // What it complained of before its answer is told before ours.
            biased;
            count = stderr.read(&mut chunk), if grumbling => {
                let count = count.unwrap_or(0);
                grumbling = count > 0;
                let said = chunk.get(..count).unwrap_or_default();
                let _ = std::io::Write::write_all(&mut std::io::stderr(), said);
            }
            answer = &mut answered => {
                return answer.map_err(|_| ErrorCode::ConfigurationInvalid);
            }
        }
    }
}

/// The other process: answers whoever started it within `wait`, and ends when all that it began is
/// saved.
pub(crate) async fn make(
    configuration: &Path,
    wait: Duration,
    clock: Arc<dyn Clock>,
) -> Result<(), Failure> {
    let began = clock.now();
    let mut limits = ExecLimits::default();
    limits.resolve = wait;
    let request = receive(tokio::io::stdin(), &*clock, limits).await?;
    let whole = Document::read(configuration)?;
    let host = Host::open(whole, &request, clock.clone()).await?;
    let limits = limits.after(began.until(clock.now()));
    let answer = ExecAnswer::resolve(request, &host, &*clock, limits).await;
    let mut stdout = tokio::io::stdout();
    // Nobody may be there any more; the work is no less ours.
    let told = answer.write(&mut stdout, &*clock, limits).await;
    if told.is_ok() {
        let _ = stdout.write_all(b"\n").await;
        let _ = stdout.flush().await;
    }
    host.close().await;
    if told.is_err() {
        say("nobody waited for the answer");
    }
    Ok(())
}

//! Time and size: what meets a limit is killed, and everything it started with it.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use authprofile_bridge::secret_ref::SecretRefProblem as P;
use credential_provider_api::{ManualClock, SecretRefResolver as _};
use serde_json::{Value, json};

use super::common::{Folder, exec, one, problem, secrets, timed};

/// A program that started another, and says who they are.
const HANGS: &str = "sleep 600 & echo $! > child; echo $$ > self; wait";

fn hanging(folder: &Folder, more: Value) -> Value {
    let path = folder.program("p", HANGS);
    let mut source = json!({"source": "exec", "command": path});
    source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one(source)
}

/// Without sleeping: others get the processor meanwhile. What does not come at all fails.
async fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come");
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}

fn pid(path: PathBuf) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

async fn started(folder: &Path) -> [u32; 2] {
    let both = || Some([pid(folder.join("child"))?, pid(folder.join("self"))?]);
    until(|| both().is_some()).await;
    both().unwrap()
}

/// Whether it runs; a process that ended and that nobody waited for does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

async fn killed_at(more: Value, advance: &[u64]) -> P {
    let folder = Folder::new();
    let clock = ManualClock::default();
    let secrets = timed(&hanging(&folder, more), &[], &clock);
    let task = tokio::spawn(async move { problem(&secrets, exec("a")).await });
    let pids = started(folder.path()).await;
    for millis in advance {
        assert!(pids.iter().all(|pid| runs(*pid)), "killed too early");
        clock.advance(Duration::from_millis(*millis));
        tokio::task::yield_now().await;
    }
    let problem = task.await.unwrap();
    until(|| !pids.iter().any(|pid| runs(*pid))).await;
    problem
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_with_its_children() {
    let found = killed_at(json!({"timeoutMs": 3_000}), &[2_999, 1]).await;
    assert!(matches!(found, P::TimedOut), "{found:?}");
}

#[tokio::test]
async fn a_silent_program_is_killed_with_its_children() {
    let found = killed_at(json!({"timeoutMs": 3_000, "noOutputTimeoutMs": 500}), &[499, 1]).await;
    assert!(matches!(found, P::NoOutput), "{found:?}");
}

#[tokio::test]
async fn a_resolution_given_up_kills_its_program() {
    let folder = Folder::new();
    let secrets = timed(&hanging(&folder, json!({})), &[], &ManualClock::default());
    let task = tokio::spawn(async move { drop(secrets.resolve(&[exec("a")]).await) });
    let pids = started(folder.path()).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until(|| !pids.iter().any(|pid| runs(*pid))).await;
}

#[tokio::test]
async fn both_outputs_count_against_the_limit() {
    for (script, most, is_over) in [
        ("head -c 4000 /dev/zero", 4_000, false),
        ("head -c 4001 /dev/zero", 4_000, true),
        ("head -c 3000 /dev/zero >&2; head -c 1001 /dev/zero", 4_000, true),
        ("while :; do echo y; done", 100_000, true),
        ("while :; do echo y >&2; done", 100_000, true),
    ] {
        let folder = Folder::new();
        let path = folder.program("p", script);
        let source = json!({"source": "exec", "command": path, "maxOutputBytes": most});
        let found = problem(&secrets(&one(source)), exec("a")).await;
        assert_eq!(matches!(found, P::TooMuchOutput), is_over, "{script}: {found:?}");
    }
}

#[tokio::test]
async fn output_on_either_side_is_a_sign_of_life() {
    let folder = Folder::new();
    let clock = ManualClock::default();
    // It says something each time a file appears.
    let script = "echo 1 >&2; echo $$ > self; while [ ! -e a ]; do :; done; echo 2 >&2; echo x > heard; \
                  while [ ! -e b ]; do :; done; echo '{\"protocolVersion\":1,\"values\":{\"a\":\"1\"}}'";
    let path = folder.program("p", script);
    let source = json!({"source": "exec", "command": path, "noOutputTimeoutMs": 500});
    let secrets = timed(&one(source), &[], &clock);
    let task = tokio::spawn(async move { super::common::value(&secrets, exec("a")).await });
    until(|| pid(folder.path().join("self")).is_some()).await;
    // Whatever it said so far is read before time goes on.
    settle(&clock).await;
    clock.advance(Duration::from_millis(400));
    folder.file("a", "");
    until(|| folder.path().join("heard").exists()).await;
    settle(&clock).await;
    clock.advance(Duration::from_millis(400));
    folder.file("b", "");
    assert_eq!(task.await.unwrap(), "1");
}

/// Until the reader has nothing more to read: it then waits for the end of a silence from now.
async fn settle(clock: &ManualClock) {
    use credential_provider_api::Clock as _;
    let silence = Duration::from_millis(500);
    let expected = clock.now().plus(silence);
    until(|| clock.next_sleeper() == Some(expected)).await;
}

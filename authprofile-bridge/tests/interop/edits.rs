//! Edits of one file beside OpenClaw itself: its locks, taken by its own code, and its own edits.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::json::{Object, Raw};
use authprofile_bridge::openclaw::{AuthProfileStore, Profile, ProfileKind, Profiles};
use credential_provider_api::{CredentialError, ErrorCode};

use crate::common::WallClock;
use crate::openclaw::{BOTH, OpenClaw, Version};

/// How many processes of ours edit, and how often each.
const PROCESSES: usize = 4;
const EDITS: usize = 500;
/// How often OpenClaw's command does.
const PASTES: usize = 20;

/// A store without profiles, and its file.
fn empty_store(claw: &OpenClaw) -> (AuthProfileStore, PathBuf) {
    let file = claw.state("agents/main/agent/auth-profiles.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{\n  \"version\": 1,\n  \"profiles\": {}\n}\n").unwrap();
    (store(&file), file)
}

fn store(file: &Path) -> AuthProfileStore {
    AuthProfileStore::new(file.parent().unwrap(), Arc::new(WallClock))
}

fn lock_of(file: &Path) -> PathBuf {
    file.with_extension("json.lock")
}

async fn put(store: &AuthProfileStore, id: &str) -> Result<(), CredentialError> {
    let id = id.to_owned();
    let edit = move |profiles: &mut Profiles| {
        let mut profile = Profile::new(ProfileKind::ApiKey, "groq");
        profile.edit(|entry| entry.set("key", Raw::from_text("sk-test-ours")));
        profiles.put(&id, &profile);
        Ok(())
    };
    store.edit(edit).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_live_openclaws_lock_is_waited_for() {
    for version in BOTH {
        let claw = OpenClaw::new(version, "live-lock");
        let (store, file) = empty_store(&claw);
        let mut theirs = claw.lock(&["store", file.to_str().unwrap()]).await;
        theirs.held().await;
        let before = std::fs::read(&file).unwrap();
        let editing = tokio::spawn(async move { put(&store, "groq:ours").await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!editing.is_finished(), "{version:?}");
        assert_eq!(std::fs::read(&file).unwrap(), before, "{version:?}");
        assert_eq!(theirs.order("release").await, "RELEASED");
        editing.await.unwrap().unwrap();
        assert_ne!(std::fs::read(&file).unwrap(), before, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_dead_openclaws_lock_is_taken_over() {
    for version in BOTH {
        let claw = OpenClaw::new(version, "dead-lock");
        let (store, file) = empty_store(&claw);
        let mut theirs = claw.lock(&["store", file.to_str().unwrap()]).await;
        assert_eq!(theirs.held().await, lock_of(&file));
        theirs.running.kill().await;
        assert!(lock_of(&file).exists(), "it died with the lock");
        put(&store, "groq:ours").await.unwrap();
        assert!(!lock_of(&file).exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_kill_of_ours_inside_the_lock_is_survived_by_both() {
    for version in BOTH {
        let claw = OpenClaw::new(version, "kill-ours");
        let (store, file) = empty_store(&claw);
        killed_inside(&file);
        // Theirs takes it over, and after the next one ours does.
        let mut theirs = claw.lock(&["store", file.to_str().unwrap()]).await;
        theirs.held().await;
        assert_eq!(theirs.order("release").await, "RELEASED");
        killed_inside(&file);
        put(&store, "groq:after").await.unwrap();
        let left: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

/// A process of ours takes the lock, and is killed with it.
fn killed_inside(file: &Path) {
    let mut child = ours(file, "hold");
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while line(&mut lines) != "HELD" {}
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lock_of(file).exists(), "ours died with the lock");
}

fn line(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    assert!(lines.read_line(&mut line).unwrap() > 0, "the process has ended");
    line.trim().to_owned()
}

fn ours(file: &Path, work: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "edits::a_process_of_ours"]);
    command.env("BRIDGE_CHILD_FILE", file).env("BRIDGE_CHILD_WORK", work);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// One process of ours: edits, or holds the lock until it is killed. Without a parent it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a parent: the tests here start it"]
async fn a_process_of_ours() {
    let Ok(file) = std::env::var("BRIDGE_CHILD_FILE") else { return };
    let work = std::env::var("BRIDGE_CHILD_WORK").unwrap();
    let store = store(Path::new(&file));
    if work == "hold" {
        let held = store.edit(|_| {
            // Past the harness's own line.
            println!("\nHELD");
            std::io::stdout().flush().unwrap();
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        });
        held.await.unwrap();
        return;
    }
    for edit in 0..EDITS {
        let id = format!("groq:{work}-{edit}");
        while let Err(error) = put(&store, &id).await {
            assert_eq!(error.code(), ErrorCode::StoreLocked, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn promise_10_two_thousand_edits_beside_openclaws_own_lose_nothing() {
    let claw = OpenClaw::new(Version::V2026_5_28, "storm");
    let (store, file) = empty_store(&claw);
    let children: Vec<Child> = (0..PROCESSES).map(|at| ours(&file, &at.to_string())).collect();
    let mut pasted = Vec::new();
    for paste in 0..PASTES {
        let id = format!("groq:theirs-{paste}");
        let words = format!("models auth paste-api-key --provider groq --profile-id {id}");
        // An edit that OpenClaw itself reports as failed does not count.
        if claw.run_with(&words, "sk-test-theirs\n").await.status.success() {
            pasted.push(id);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(Object::parse(&text).is_ok(), "a torn file after paste {paste}");
    }
    for mut child in children {
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    }
    let profiles = store.load().await.unwrap();
    let ours =
        (0..PROCESSES).flat_map(|at| (0..EDITS).map(move |edit| format!("groq:{at}-{edit}")));
    let all = ours.chain(pasted.iter().cloned());
    let lost: Vec<String> = all.filter(|id| profiles.profile(id).is_none()).collect();
    assert!(lost.is_empty(), "{} lost, {:?} first", lost.len(), lost.first());
    assert!(pasted.len() * 2 >= PASTES, "OpenClaw got only {} of its edits in", pasted.len());
    let left = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    let left: Vec<String> =
        left.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let is_left = |name: &String| name.contains("lock") || name.ends_with("bridge-tmp");
    assert!(!left.iter().any(is_left), "{left:?}");
}

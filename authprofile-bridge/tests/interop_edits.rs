//! Edits of one file beside OpenClaw itself: its locks, taken by its own code, and its own edits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use authprofile_bridge::json::{Object, Raw};
use authprofile_bridge::openclaw::{AuthProfileStore, Profile, ProfileKind};
use common::{Folder, WallClock};
use credential_provider_api::ErrorCode;

/// How many processes of ours edit, and how often each.
const PROCESSES: usize = 4;
const EDITS: usize = 500;
/// How often OpenClaw's command does.
const PASTES: usize = 20;

fn place(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by .ci/interop bridge"))
}

/// OpenClaw's node, with nothing of ours in its environment.
fn node(home: &Path) -> Command {
    let node = place("BRIDGE_NODE");
    let mut command = Command::new(&node);
    command.env_clear().env("HOME", home).env("OPENCLAW_STATE_DIR", home);
    command.env("OPENCLAW_CONFIG_PATH", home.join("openclaw.json"));
    command.env("PATH", Path::new(&node).parent().unwrap());
    command
}

/// OpenClaw's own code, holding the lock of a file.
fn holder(
    package: &str,
    home: &Path,
    file: &Path,
    millis: u64,
) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = node(home);
    command.arg(Path::new(&place("BRIDGE_SCRIPTS")).join("lock.mjs"));
    command.arg(place(package)).arg(file).arg(millis.to_string());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(line(&mut lines), "HELD");
    (child, lines)
}

fn line(lines: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn profiles_file(folder: &Folder) -> PathBuf {
    folder.write(
        "agents/main/agent/auth-profiles.json",
        "{\n  \"version\": 1,\n  \"profiles\": {}\n}\n",
    )
}

fn store(file: &Path) -> AuthProfileStore {
    AuthProfileStore::new(file.parent().unwrap(), Arc::new(WallClock))
}

async fn put(
    store: &AuthProfileStore,
    id: &str,
) -> Result<(), credential_provider_api::CredentialError> {
    let id = id.to_owned();
    let edit = move |profiles: &mut authprofile_bridge::openclaw::Profiles| {
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
    for package in ["BRIDGE_OPENCLAW_5", "BRIDGE_OPENCLAW_9"] {
        let folder = Folder::new();
        let file = profiles_file(&folder);
        let (mut child, mut lines) = holder(package, folder.root(), &file, 1500);
        let began = Instant::now();
        put(&store(&file), "groq:ours").await.unwrap();
        // It was released before we wrote: so it says, as soon as it has.
        assert_eq!(line(&mut lines), "RELEASED");
        assert!(began.elapsed().as_millis() >= 1000, "{package}: {:?}", began.elapsed());
        assert!(child.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_dead_openclaws_lock_is_taken_over() {
    for package in ["BRIDGE_OPENCLAW_5", "BRIDGE_OPENCLAW_9"] {
        let folder = Folder::new();
        let file = profiles_file(&folder);
        let (mut child, _) = holder(package, folder.root(), &file, 600_000);
        assert!(file.with_extension("json.lock").exists());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(file.with_extension("json.lock").exists(), "it died with the lock");
        put(&store(&file), "groq:ours").await.unwrap();
        assert!(!file.with_extension("json.lock").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_kill_of_ours_inside_the_lock_is_survived_by_both() {
    for package in ["BRIDGE_OPENCLAW_5", "BRIDGE_OPENCLAW_9"] {
        let folder = Folder::new();
        let file = profiles_file(&folder);
        for _ in 0..3 {
            let mut child = ours(&file, "hold");
            let mut lines = BufReader::new(child.stdout.take().unwrap());
            while line(&mut lines) != "HELD" {}
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(file.with_extension("json.lock").exists(), "ours died with the lock");
            // Theirs takes it over, and after the next one ours does.
            let (mut theirs, mut lines) = holder(package, folder.root(), &file, 10);
            assert_eq!(line(&mut lines), "RELEASED");
            assert!(theirs.wait().unwrap().success());
        }
        let mut child = ours(&file, "hold");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while line(&mut lines) != "HELD" {}
        child.kill().unwrap();
        child.wait().unwrap();
        put(&store(&file), "groq:after").await.unwrap();
        let names: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

/// One process of ours: edits, or holds the lock until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a parent: run by the tests here"]
async fn process_of_ours() {
    let Ok(file) = std::env::var("BRIDGE_CHILD_FILE") else { return };
    let work = std::env::var("BRIDGE_CHILD_WORK").unwrap();
    let store = store(Path::new(&file));
    if work == "hold" {
        let held = store.edit(|_| {
            // Past the harness's own line.
            println!("\nHELD");
            std::io::stdout().flush().unwrap();
            std::thread::sleep(std::time::Duration::from_secs(600));
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

fn ours(file: &Path, work: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "process_of_ours"]);
    command.env("BRIDGE_CHILD_FILE", file).env("BRIDGE_CHILD_WORK", work);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn promise_10_two_thousand_edits_beside_openclaws_own_lose_nothing() {
    let folder = Folder::new();
    folder.write("openclaw.json", "{\"update\":{\"checkOnStart\":false}}");
    let file = profiles_file(&folder);
    // A field and an entry that OpenClaw 2026.5.28 does not know: what it drops is its own loss.
    let children: Vec<Child> = (0..PROCESSES).map(|at| ours(&file, &at.to_string())).collect();
    let mut pasted = Vec::new();
    for paste in 0..PASTES {
        let id = format!("groq:theirs-{paste}");
        let mut command = node(folder.root());
        command.arg(Path::new(&place("BRIDGE_OPENCLAW_5")).join("openclaw.mjs"));
        command.args([
            "models",
            "auth",
            "paste-api-key",
            "--provider",
            "groq",
            "--profile-id",
            &id,
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"sk-test-theirs\n").unwrap();
        // An edit that OpenClaw itself reports as failed does not count.
        if child.wait().unwrap().success() {
            pasted.push(id);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(Object::parse(&text).is_ok(), "a torn file after paste {paste}");
    }
    for mut child in children {
        let _ = std::io::copy(&mut child.stdout.take().unwrap(), &mut std::io::sink());
        assert!(child.wait().unwrap().success());
    }
    let profiles = store(&file).load().await.unwrap();
    let ours =
        (0..PROCESSES).flat_map(|at| (0..EDITS).map(move |edit| format!("groq:{at}-{edit}")));
    let lost: Vec<String> =
        ours.chain(pasted.iter().cloned()).filter(|id| profiles.profile(id).is_none()).collect();
    assert!(
        lost.is_empty(),
        "{} of them: {:?}",
        lost.len(),
        lost.iter().take(5).collect::<Vec<_>>()
    );
    println!("{} edits of ours and {} of OpenClaw's", PROCESSES * EDITS, pasted.len());
    assert!(pasted.len() * 2 >= PASTES, "OpenClaw got only {} of its edits in", pasted.len());
    let left: Vec<_> = std::fs::read_dir(file.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("lock")), "{left:?}");
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with("bridge-tmp")), "{left:?}");
}

//! Many at once on one store: tasks, processes, and processes that are killed.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use authprofile_bridge::json::Raw;
use authprofile_bridge::openclaw::{AuthProfileStore, Profile, ProfileKind, Profiles};
use common::{Folder, WallClock};
use credential_provider_api::{CredentialError, ErrorCode};
use serde_json::Value;

const FILE: &str = "auth-profiles.json";
const STORE: &str = r#"{"version":1,"new":{"a":1.50},"profiles":{"x":{"type":"magic","new":[1]}},"order":{"y":["z"]}}"#;

fn store(folder: &Path) -> AuthProfileStore {
    AuthProfileStore::new(folder, Arc::new(WallClock))
}

/// Counts in the profile of this name.
fn count(profiles: &mut Profiles, id: &str) {
    let new = || Profile::new(ProfileKind::Token, "counted");
    let mut profile = profiles.profile(id).unwrap_or_else(new);
    let before = profile.entry().number("count").unwrap_or(0.0);
    profile.edit(|entry| entry.set("count", Raw::from_number(before + 1.0)));
    profiles.put(id, &profile);
}

/// Counts for everybody and for `who`. A crowded lock may be waited for in vain: then again.
async fn edit(store: &AuthProfileStore, who: &str) {
    loop {
        let who = who.to_owned();
        let change = move |profiles: &mut Profiles| -> Result<(), CredentialError> {
            count(profiles, "all");
            count(profiles, &who);
            Ok(())
        };
        match store.edit(change).await {
            Ok(()) => return,
            Err(error) if error.code() == ErrorCode::StoreLocked => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn counted(folder: &Folder, id: &str) -> u64 {
    let text = std::fs::read_to_string(folder.path(FILE)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["new"]["a"], 1.5);
    assert_eq!(file["profiles"]["x"]["new"][0], 1);
    assert_eq!(file["order"]["y"][0], "z");
    assert!(text.contains(r#"{"a":1.50}"#), "as the text it was");
    file["profiles"][id]["count"].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_10_four_tasks_lose_no_edit_and_leave_nothing_behind() {
    let folder = Folder::new();
    folder.write(FILE, STORE);
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            // Each has a store of its own: nothing in memory helps.
            let store = store(folder.root());
            tokio::spawn(async move {
                for _ in 0..200 {
                    edit(&store, &format!("task-{task}")).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counted(&folder, "all"), 800);
    for task in 0..4 {
        assert_eq!(counted(&folder, &format!("task-{task}")), 200);
    }
    assert_eq!(folder.names(), [FILE]);
}

/// This very program, doing `what` as the child below.
fn process(folder: &Folder, what: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("BRIDGE_FOLDER", folder.root())
        .env("BRIDGE_WHAT", what)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the child says that it is inside the lock.
fn inside(child: &mut Child) {
    let output = child.stdout.as_mut().unwrap();
    let mut lines = BufReader::new(output).lines();
    assert!(lines.any(|line| line.unwrap().contains("@inside")));
}

#[test]
#[ignore = "what the processes of the test below do"]
fn child() {
    let Some(folder) = std::env::var_os("BRIDGE_FOLDER") else { return };
    let what = std::env::var("BRIDGE_WHAT").unwrap();
    let store = store(Path::new(&folder));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match what.as_str() {
            "hold" => loop {
                let hold = |profiles: &mut Profiles| -> Result<(), CredentialError> {
                    count(profiles, "held");
                    println!("@inside");
                    std::io::stdout().flush().unwrap();
                    // Until it is killed.
                    loop {
                        std::thread::park();
                    }
                };
                // Somebody else may have the lock for long.
                let _ = store.edit(hold).await;
            },
            "victim" => loop {
                println!("@inside");
                let victim = |profiles: &mut Profiles| {
                    count(profiles, "victim");
                    Ok(())
                };
                let _ = store.edit(victim).await;
            },
            who => {
                for _ in 0..100 {
                    edit(&store, who).await;
                }
            }
        }
    });
}

#[test]
fn promise_10_four_processes_lose_no_edit_whoever_is_killed_inside_the_lock() {
    let folder = Folder::new();
    folder.write(FILE, STORE);
    let names = ["a", "b", "c", "d"];
    let mut editors = names.map(|name| process(&folder, name));
    for round in 0..6 {
        // Now in the midst of an edit, now wherever it is.
        let mut killed = process(&folder, if round % 2 == 0 { "hold" } else { "victim" });
        inside(&mut killed);
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    for editor in &mut editors {
        assert!(editor.wait().unwrap().success());
    }
    for name in names {
        assert_eq!(counted(&folder, name), 100);
    }
    assert_eq!(counted(&folder, "all"), 400);
    assert_eq!(counted(&folder, "held"), 0, "nothing half done was kept");
    // What a killed process left half written goes with the next edit.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(edit(&store(folder.root()), "a"));
    assert_eq!(folder.names(), [FILE]);
}

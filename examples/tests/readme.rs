//! What the README tells a new user to run, run.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../README.md");

/// What a program of this folder prints, started where the README says.
fn run(program: &str, arguments: &[&str]) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(program).args(arguments).current_dir(workspace).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_of_the_readme_is_one_that_is_run_here_or_in_a_test_of_its_own() {
    let tested = ["gateway", "embed", "sign_in", "tool", "openclaw", "secretref"];
    let mut named = 0;
    for rest in README.split("cargo run -p examples --bin ").skip(1) {
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        assert!(tested.contains(&name.as_str()), "{name}");
        named += 1;
    }
    assert!(named >= 5, "{named}");
}

#[test]
fn the_embedded_engine_gives_a_key_and_shows_none() {
    let said = run(env!("CARGO_BIN_EXE_embed"), &[]);
    assert!(said.contains("ApiKey") && !said.contains("sk-not-a-real-key"), "{said}");
}

#[test]
fn a_sign_in_ends_with_a_token_of_the_person() {
    let said = run(env!("CARGO_BIN_EXE_sign_in"), &[]);
    assert!(said.contains("open http://127.0.0.1:"), "{said}");
    assert!(said.contains("signed in as alice"), "{said}");
}

#[test]
fn a_tool_has_the_key_and_the_model_reads_a_mark_in_its_place() {
    let said = run(env!("CARGO_BIN_EXE_tool"), &[]);
    assert!(said.contains("searching with [redacted]"), "{said}");
    // `user:sk-not-a-real-key` in base64: what the key alone decides is masked there too.
    assert!(said.lines().count() >= 2 && said.matches("[redacted]").count() >= 2, "{said}");
    assert!(!said.contains("sk-not-a-real-key"), "{said}");
}

#[test]
fn an_openclaws_keys_are_listed_and_chosen() {
    let said = run(env!("CARGO_BIN_EXE_openclaw"), &[]);
    for name in ["openclaw/openai:work", "openclaw/openai:backup", "openclaw/anthropic:team"] {
        assert!(said.contains(name), "{said}");
    }
}

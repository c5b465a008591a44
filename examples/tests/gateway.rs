//! The gateway's program tells its story, everything it promises comes true, and nothing is left.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use examples::gateway::folder::Folder;
use examples::gateway::narrator::MARK;
use rustix::process::{Pid, Signal, kill_process};

/// A folder of temporary files for one test, so that what is left in it is seen.
struct Place(Folder);

impl Place {
    fn new() -> Self {
        Self(Folder::new().unwrap())
    }

    fn gateway(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.args(arguments).env("TMPDIR", self.0.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn left(&self) -> Vec<PathBuf> {
        fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn the_story_comes_true_twice_at_once_and_leaves_nothing() {
    let place = Place::new();
    let both = [(); 2].map(|()| place.gateway(&["--fast"]).spawn().unwrap());
    for child in both {
        let output = child.wait_with_output().unwrap();
        let text = text(&output);
        for promised in [
            "skill:weather    asks for alice's calendar: access_denied",
            "openai:work cools down, rate_limit",
            "profiles/openai:backup: r4 is served",
            "for alice: needs_reauth (not_signed_in)",
            "to alice alone: open http://127.0.0.1:",
            "bob is signed in",
            "50 of 50 calls at once have the hosted key",
            "was asked for it 1 time",
            "openclaw-agent for u-bob",
            "200 of 200 calls done",
            "was asked 1 time for alice",
            "0 failed",
            "50 of 50 succeed",
            "-> backing_off",
            "20 of 20 calls under way fail: revoked",
            "who never signed in here",
            "a new call: needs_reauth; the handle: needs_reauth",
            "for bob, through the handle: session_ended, for good",
            "a late call: shut_down",
            "ok      nothing is left of the folder",
            "ok      no line holds a secret",
        ] {
            assert!(text.contains(promised), "`{promised}` is missing in\n{text}");
        }
        for row in ["requests by name", "provider calls", "hit rate", "renewals", "p50", "p99"] {
            assert!(text.contains(row), "`{row}` is no row of the table in\n{text}");
        }
        assert!(text.contains("refresh tokens spent twice            0"), "{text}");
        assert!(!text.contains("FAILED") && !text.contains(MARK), "{text}");
        assert_eq!(output.status.code(), Some(0), "{text}");
    }
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

/// Reads what a gateway says until a line has `what` in it.
fn until(child: &mut Child, what: &str) {
    let said = BufReader::new(child.stdout.as_mut().unwrap());
    let found = said.lines().map(Result::unwrap).any(|line| line.contains(what));
    assert!(found, "it ended before it said `{what}`");
}

#[test]
fn a_signal_ends_it_in_the_middle_and_leaves_nothing() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::new();
        let mut child = place.gateway(&[]).spawn().unwrap();
        until(&mut child, "alice is signed in");
        assert!(!place.left().is_empty(), "it writes elsewhere");
        kill_process(Pid::from_child(&child), signal).unwrap();
        // The rest of what it says is read, so that it does not wait for a reader.
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    }
}

#[test]
fn an_unknown_argument_is_an_error_and_help_is_not() {
    let place = Place::new();
    for arguments in [&["--fats"][..], &["--fast", "now"], &["status"]] {
        let output = place.gateway(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{}", text(&output));
        assert!(output.stdout.is_empty() && text(&output).contains("unknown argument"));
    }
    let output = place.gateway(&["--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).contains("--keychain"));
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

/// Nothing falls back to a key in a file.
#[cfg(target_os = "linux")]
#[test]
fn where_there_is_no_keychain_it_says_so_and_leaves_nothing() {
    let place = Place::new();
    let mut command = place.gateway(&["--fast", "--keychain"]);
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env("XDG_RUNTIME_DIR", place.0.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    assert!(text.contains("does not start: not_configured"), "{text}");
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

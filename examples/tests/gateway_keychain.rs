//! The gateway with the key of its store in a real keychain: what a person sees there, and that it goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use examples::gateway::folder::Folder;
use rustix::process::{Pid, Signal, kill_process};

#[allow(dead_code, reason = "the keychain's own tests use all of it")]
#[path = "../../keychain-provider/tests/interop/session.rs"]
mod session;

use session::Session;

const SECRETS: &str = "/org/freedesktop/secrets";
const SEARCH: &str = "org.freedesktop.Secret.Service.SearchItems";

fn gateway(session: &Session, arguments: &[&str]) -> Command {
    let mut command = session.command(env!("CARGO_BIN_EXE_gateway"));
    command.arg("--keychain").args(arguments).env("TMPDIR", &session.home);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn items(session: &Session) -> usize {
    session.secrets(SECRETS, SEARCH, &["{}"]).matches("/collection/").count()
}

fn until(child: &mut Child, what: &str) {
    let said = BufReader::new(child.stdout.as_mut().unwrap());
    assert!(said.lines().map(Result::unwrap).any(|line| line.contains(what)), "no `{what}`");
}

#[test]
#[ignore = "needs gnome-keyring and gdbus"]
fn the_key_is_in_the_keychain_while_it_runs_and_not_afterwards() {
    let session = Session::unlocked("gateway");
    let place = Folder::new().unwrap();
    let mut both = [(); 2].map(|()| {
        let mut command = gateway(&session, &["--fast"]);
        command.env("TMPDIR", place.path()).spawn().unwrap()
    });
    for child in &mut both {
        until(child, "the key is in secret_service, service credential-gateway-example-");
    }
    assert_eq!(items(&session), 2, "an item of each run's own");
    for child in both {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
    }
    assert_eq!(items(&session), 0);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "a folder is left");
}

#[test]
#[ignore = "needs gnome-keyring and gdbus"]
fn a_signal_takes_the_key_out_of_the_keychain() {
    let session = Session::unlocked("gateway-signal");
    let mut child = gateway(&session, &[]).spawn().unwrap();
    until(&mut child, "alice is signed in");
    assert_eq!(items(&session), 1);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(items(&session), 0);
}

//! What only a terminal gets: a revealed secret, hidden prompts, the address and the code of a sign-in.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::json;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::common::{KEY, World, grant, vault};
use super::issuer::{Issuer, consent};

/// A command at a terminal of its own.
pub(crate) struct Session {
    pub(crate) child: Child,
    keys: File,
    pub(crate) seen: String,
    more: mpsc::UnboundedReceiver<Vec<u8>>,
    /// Keeps the terminal's modes to be looked at.
    line: File,
}

const LONG: Duration = Duration::from_secs(60);

impl Session {
    pub(crate) fn new(command: Command) -> Self {
        Self::with(command, None)
    }

    /// With standard error in this file, if one is given.
    pub(crate) fn with(mut command: Command, errors: Option<File>) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let path = std::ffi::OsStr::from_bytes(name.as_bytes()).to_owned();
        let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
        let open = || {
            let mut options = File::options();
            options.read(true).write(true).custom_flags(flags).open(&path).unwrap()
        };
        let line = open();
        command.stdin(Stdio::from(open())).stdout(Stdio::from(open()));
        command.stderr(Stdio::from(errors.unwrap_or_else(open)));
        let child = command.spawn().unwrap();
        // The command's copies of the terminal are ours until it is dropped.
        drop(command);
        let keys = File::from(controller);
        let mut screen = keys.try_clone().unwrap();
        let (sender, more) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count) = screen.read(&mut chunk) {
                if count == 0 || sender.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, seen: String::new(), more, line }
    }

    /// Waits until this is on the screen.
    pub(crate) async fn sees(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let chunk = tokio::time::timeout(LONG, self.more.recv()).await;
            let Ok(Some(chunk)) = chunk else { panic!("{text}: {}", self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    /// Its exit code, and all that was on the screen.
    pub(crate) async fn ends(mut self) -> (i32, String) {
        let status = tokio::time::timeout(LONG, self.child.wait()).await.unwrap().unwrap();
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        let usual = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        assert!(modes.contains(usual), "the terminal is as it was: {modes:?}");
        // The reader ends when nobody has the terminal any more.
        drop(self.line);
        while let Some(chunk) = self.more.recv().await {
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        (status.code().unwrap(), self.seen)
    }
}

#[tokio::test]
async fn a_terminal_is_shown_a_secret_if_it_is_granted() {
    let world = World::keys();
    let session = Session::new(world.command(&["get", "keys/openai", "--reveal"]));
    let (code, seen) = session.ends().await;
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains(KEY), "{seen}");
    let (code, seen) = Session::new(world.command(&["get", "keys/openai"])).ends().await;
    assert!(code == 0 && !seen.contains("canary"), "{seen}");
    let (code, seen) = Session::new(world.command(&["get", "--reveal", "keys/other"])).ends().await;
    assert!(code == 3 && !seen.contains("canary"), "{seen}");
}

#[tokio::test]
async fn what_is_typed_as_a_secret_is_not_shown() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    let mut session = Session::new(world.command(&["set", "vault/openai"]));
    session.sees("API key (not shown): ").await;
    // Longer than a terminal's own line can be, with a slip mended.
    let long = format!("{KEY}-{}", "x".repeat(6000));
    session.types("canary-é\u{7f}\u{7f}\u{15}");
    session.types(&long);
    session.types("\r");
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("vault/openai: kept"), "{seen}");
    assert!(!seen.contains("canary") && !seen.contains("xxx"), "{seen}");
    let words = ["exec", "--env", "K=vault/openai", "--", "sh", "-c", "printf %s \"$K\""];
    assert_eq!(world.run(&words).await.code(0).out, long);

    let mut session = Session::new(world.command(&["set", "vault/login"]));
    session.sees("User: ").await;
    session.types("alice\n");
    session.sees("Password (not shown): ").await;
    session.types("pw-canary\n");
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("alice") && !seen.contains("canary"), "{seen}");
}

#[tokio::test]
async fn a_hidden_prompt_that_is_left_leaves_the_terminal_as_it_was() {
    let world = World::new();
    world.configure(vault(&world), json!([]));
    for leaving in ["canary\u{3}", "\u{4}"] {
        let mut session = Session::new(world.command(&["set", "vault/openai"]));
        session.sees("(not shown): ").await;
        session.types(leaving);
        let (code, seen) = session.ends().await;
        assert!(code == 130 && !seen.contains("canary"), "{seen}");
    }
    let mut session = Session::new(world.command(&["set", "vault/openai"]));
    session.sees("(not shown): ").await;
    let own = rustix::process::Pid::from_raw(session.child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
    let (code, seen) = session.ends().await;
    assert_eq!(code, 130, "{seen}");
    world.run(&["get", "vault/openai"]).await.code(3);
}

/// The address on the screen.
fn address(seen: &str) -> String {
    let line = seen.lines().find(|line| line.contains("/authorize?")).unwrap();
    line.trim().to_owned()
}

#[tokio::test]
async fn a_sign_in_is_finished_by_pasting_the_address_of_a_browser_elsewhere() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    let mut session = Session::new(world.command(&["login", "work/mail"]));
    session.sees("not shown): ").await;
    let back = consent(&address(&session.seen));
    session.types(&back);
    session.types("\n");
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("work/mail: signed in"), "{seen}");
    assert!(!seen.contains("code-canary"), "{seen}");
    world.run(&["get", "work/mail"]).await.code(0);
}

#[tokio::test]
async fn a_browser_of_this_machine_comes_back_while_a_paste_is_awaited() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    let mut session = Session::new(world.command(&["login", "work/mail"]));
    session.sees("not shown): ").await;
    super::issuer::visit(&consent(&address(&session.seen))).await;
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("signed in"), "{seen}");
}

#[tokio::test]
async fn a_sign_in_is_finished_with_a_code_on_another_device() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    let providers = issuer.with(json!(["authorization_code", "device_code"]));
    world.configure(providers, json!([grant("work/*")]));
    let mut session = Session::new(world.command(&["login", "work/mail"]));
    session.sees("WDJB-MJHT").await;
    assert!(session.seen.contains('█') && session.seen.contains("/code"), "{}", session.seen);
    issuer.state().entered = true;
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("signed in") && !seen.contains("canary"), "{seen}");
    world.run(&["get", "work/mail"]).await.code(0);
}

#[tokio::test]
async fn a_revoke_is_asked_for_and_anything_but_yes_is_no() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    world.run_on(&["set", "vault/openai"], KEY).await.code(0);
    for (answer, code) in [("\n", 130), ("no\n", 130), ("y\n", 0)] {
        let mut session = Session::new(world.command(&["revoke", "vault/openai"]));
        session.sees("[y/N]: ").await;
        session.types(answer);
        assert_eq!(session.ends().await.0, code, "{answer:?}");
    }
    world.run(&["get", "vault/openai"]).await.code(2);
}

#[tokio::test]
async fn colours_are_a_terminals_and_not_where_they_are_unwanted() {
    let world = World::keys();
    let (_, seen) = Session::new(world.command(&["doctor"])).ends().await;
    assert!(seen.contains("\x1b[32m"), "{seen}");
    let mut command = world.command(&["doctor"]);
    command.env("NO_COLOR", "1");
    let (_, seen) = Session::new(command).ends().await;
    assert!(!seen.contains("\x1b["), "{seen}");
    assert!(!world.run(&["doctor"]).await.out.contains('\x1b'));
}

#[tokio::test]
async fn a_watched_status_is_drawn_anew_on_a_terminal() {
    let world = World::keys();
    let gateway = super::gateway::Gateway::on(&world.configuration()).await;
    let mut session = Session::new(world.command(&["status", "--watch"]));
    session.sees("CREDENTIAL").await;
    assert!(!session.seen.contains("keys/openai"), "{}", session.seen);
    world.run(&["get", "keys/openai"]).await.code(0);
    session.sees("active").await;
    assert!(session.seen.contains("\x1b[2J"), "{}", session.seen);
    gateway.stop().await;
    let (code, seen) = session.ends().await;
    assert!(code == 0 && seen.contains("the gateway has ended"), "{seen}");
}

#[tokio::test]
async fn a_secret_typed_at_a_terminal_is_hidden_wherever_the_errors_go() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    let errors = File::create(world.path("errors")).unwrap();
    let mut session = Session::with(world.command(&["set", "vault/openai"]), Some(errors));
    session.sees("API key (not shown): ").await;
    session.types("sk-canary-typed-0123456789\n");
    let (code, seen) = session.ends().await;
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("canary"), "it was shown on the terminal: {seen:?}");
}

#[tokio::test]
async fn a_key_of_several_lines_is_revealed_as_it_is() {
    let world = World::keys();
    let key = "-----BEGIN KEY-----\nAAAAcanary\n-----END KEY-----";
    world.file("keys.json", &json!({"keys": {"openai": key}}).to_string());
    let session = Session::new(world.command(&["get", "keys/openai", "--reveal"]));
    let (_, seen) = session.ends().await;
    assert!(seen.contains("AAAAcanary\r\n-----END") && !seen.contains('\u{fffd}'), "{seen}");
}

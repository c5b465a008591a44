//! Signing in, at no terminal: with a browser here.

use std::path::PathBuf;
use std::time::Duration;

use credential_provider_api::{EffectiveSession, Requester};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::common::{World, end, grant};
use super::issuer::{Issuer, consent, visit};

/// A program that a browser is, as far as the command knows: it writes down where it was sent.
pub(crate) fn browser(world: &World) -> (PathBuf, PathBuf) {
    let page = world.path("page");
    let text = format!("printf %s \"$1\" > {page:?}.part; mv {page:?}.part {page:?}");
    (world.script("browser", &text), page)
}

/// The page that the browser was sent to, once it was.
pub(crate) async fn page(place: &std::path::Path) -> String {
    led(&argument(place).await).await
}

/// Where the address that a browser was started with leads.
pub(crate) async fn led(address: &str) -> String {
    let answer = visit(address).await;
    let mut lines = answer.lines();
    lines.find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
}

/// What the browser was started with, once it was.
pub(crate) async fn argument(place: &std::path::Path) -> String {
    loop {
        match std::fs::read_to_string(place) {
            Ok(page) => {
                std::fs::remove_file(place).unwrap();
                return page;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Runs `login` with a person who consents at once.
pub(crate) async fn login(world: &World, arguments: &[&str]) -> super::common::Done {
    let (program, place) = browser(world);
    let mut command: Command = world.command(arguments);
    command.env("BROWSER", program);
    let person = async {
        let page = page(&place).await;
        visit(&consent(&page)).await
    };
    let (done, seen) = tokio::join!(end(command, ""), person);
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    done
}

#[tokio::test]
async fn a_browser_here_signs_in_and_the_address_is_said_to_nobody_else() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    world.run(&["get", "work/mail"]).await.code(2).complains("credentials login work/mail");
    let done = login(&world, &["login", "work/mail"]).await.code(0).says("work/mail: signed in");
    let done = done.keeps_quiet();
    assert!(!done.err.contains("/authorize") && !done.out.contains("/authorize"), "{done:?}");
    world.run(&["get", "work/mail"]).await.code(0).says("oauth2").keeps_quiet();
    world.run(&["status"]).await.code(0).says("work/mail   active");
    assert_eq!(issuer.count("authorization_code"), 1);
    world.run(&["refresh", "work/mail"]).await.code(0).says("renewed, ends in").keeps_quiet();
    assert_eq!(issuer.count("refresh_token"), 1);
    world.run(&["logout", "work/mail"]).await.code(0).says("signed out here and at its source");
    assert!(issuer.count("revoke") >= 1);
    world.run(&["get", "work/mail"]).await.code(2);
}

#[tokio::test]
async fn a_persons_own_credential_is_theirs() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    world.run(&["login", "work/own"]).await.code(64).complains("--session");
    let whose = ["--session", "main", "--channel", "slack", "--account", "T1", "--requester"];
    let mut words = vec!["login", "work/own"];
    words.extend(whose);
    words.push("alice");
    login(&world, &words).await.code(0);
    words[0] = "get";
    world.run(&words).await.code(0).keeps_quiet();
    *words.last_mut().unwrap() = "bob";
    world.run(&words).await.code(2).complains("credentials login work/own --encoded");
}

#[tokio::test]
async fn a_refusal_at_the_page_is_told() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([]));
    let (program, place) = browser(&world);
    let mut command = world.command(&["login", "work/mail"]);
    command.env("BROWSER", program);
    let person = async {
        let back =
            consent(&page(&place).await).replace("code=code-canary-1", "error=access_denied");
        visit(&back).await
    };
    let (done, _) = tokio::join!(end(command, ""), person);
    assert_ne!(done.code, 0, "{done:?}");
    done.complains("work/mail").keeps_quiet();
}

#[tokio::test]
async fn without_a_person_there_is_no_sign_in() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.with(json!(["authorization_code", "device_code"])), json!([]));
    for way in ["device", "paste"] {
        let done = world.run(&["login", "work/mail", "--by", way]).await.code(64);
        let done = done.complains("terminal");
        assert!(!done.err.contains("WDJB") && !done.err.contains("/authorize"), "{done:?}");
    }
    world.run(&["login", "work/mail", "--by", "fields"]).await.code(64);
    world.run(&["login", "work/mail", "--by", "browser"]).await.code(64).complains("BROWSER");
    world.run(&["login", "none/mail"]).await.code(4);
}

/// Somebody of a chat, who is named as they like.
fn mallory() -> EffectiveSession {
    EffectiveSession::requester(Requester {
        session: "s",
        channel: "slack",
        account: "T1",
        requester: "m'; touch ran; echo '\u{1b}[2J",
    })
    .unwrap()
}

#[tokio::test]
async fn what_the_command_advises_to_type_runs_nothing_that_a_chat_has_named() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    let session = mallory();
    let words = ["get", "work/own", "--encoded", session.encoded()];
    let done = world.run(&words).await.code(2);
    let advice = done.err.split_once("to sign in: ").unwrap().1.lines().next().unwrap();
    // As a person does: copied into a shell.
    let shell = format!("credentials() {{ :; }}; cd '{}'; {advice}", world.path("").display());
    let _ = tokio::process::Command::new("sh").args(["-c", &shell]).output().await.unwrap();
    assert!(!world.path("ran").exists(), "{advice}");
}

#[tokio::test]
async fn what_the_command_complains_of_moves_no_cursor() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    let session = mallory();
    let done = world.run(&["get", "work/own", "--encoded", session.encoded()]).await.code(2);
    assert!(!done.err.contains('\u{1b}'), "{:?}", done.err);
}

#[tokio::test]
async fn the_advice_to_sign_in_is_for_the_variant_that_was_asked_for() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    let variant = credential_provider_api::Variant::builder();
    let variant = variant.resource("https://api.example").build().unwrap();
    let words = ["get", "work/mail", "--variant", variant.encoded()];
    world.run(&words).await.code(2).complains("--variant");
}

/// The address has all that a browser of anybody else needs: who opens it and signs in comes back here,
/// with a code for this very challenge.
#[tokio::test]
async fn what_a_browser_is_started_with_lets_nobody_else_finish_the_sign_in() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([]));
    let (program, place) = browser(&world);
    let mut command = world.command(&["login", "work/mail"]);
    command.env("BROWSER", program);
    let person = async {
        let argument = argument(&place).await;
        let page = led(&argument).await;
        // It leads there once.
        let again = visit(&argument).await;
        assert!(again.starts_with("HTTP/1.1 410"), "{again}");
        visit(&consent(&page)).await;
        argument
    };
    let (done, argument) = tokio::join!(end(command, ""), person);
    done.code(0);
    assert!(!argument.contains("state=") && !argument.contains("code_challenge="), "{argument}");
}

#[tokio::test]
async fn a_watch_whose_reader_has_gone_ends() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    // `credentials status --watch | head -1`
    let mut child = world.command(&["status", "--watch"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    drop(lines);
    login(&world, &["login", "work/mail"]).await.code(0);
    let ended = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    assert!(ended.is_ok(), "it goes on for nobody");
}

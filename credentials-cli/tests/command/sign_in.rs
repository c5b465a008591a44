//! Signing in, at no terminal: with a browser here.

use std::path::PathBuf;

use serde_json::json;
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

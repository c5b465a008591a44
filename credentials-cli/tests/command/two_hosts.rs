//! The command beside a gateway on one store: through its socket, and past it.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{CredentialRef, ErrorCode};
use resolution_engine::Consumer;
use serde_json::json;

use super::common::{World, grant};
use super::gateway::Gateway;
use super::issuer::Issuer;
use super::sign_in::login;

/// How the command reaches the credentials.
const WAYS: [&[&str]; 2] = [&[], &["--no-gateway"]];

/// Other processes follow within two seconds; a machine that builds is given more.
const FOLLOWED: Duration = Duration::from_secs(20);

async fn gateway(world: &World, issuer: &Issuer) -> (Gateway, Consumer) {
    let rules = json!([grant("work/*"), {"consumer": "tool:mail", "credential": "work/mail"}]);
    let gateway = Gateway::on(&world.configure(issuer.provider(), rules)).await;
    let tool = gateway.host.engine().consumer("tool:mail").unwrap();
    (gateway, tool)
}

fn words<'a>(first: &[&'a str], way: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(way).copied().collect()
}

/// Asks until it is as expected.
async fn until(tool: &Consumer, expected: impl Fn(Result<(), ErrorCode>) -> bool) {
    let mail = CredentialRef::parse("work/mail").unwrap();
    let asked = async {
        while !expected(tool.request(&mail).await.map(drop).map_err(|error| error.code())) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FOLLOWED, asked).await.expect("the gateway follows");
}

#[tokio::test]
async fn a_login_at_the_command_clears_the_gateways_needs_reauth() {
    for way in WAYS {
        let (world, issuer) = (World::new(), Issuer::start().await);
        let (gateway, tool) = gateway(&world, &issuer).await;
        // First nobody has signed in; then the issuer forgets the grant.
        until(&tool, |got| got == Err(ErrorCode::NeedsReauth)).await;
        let rounds = ["not signed in", "grant rejected"];
        for round in rounds {
            login(&world, &words(&["login", "work/mail"], way)).await.code(0);
            until(&tool, |got| got == Ok(())).await;
            if round == "not signed in" {
                issuer.forget();
                world.run(&["refresh", "work/mail"]).await.code(2);
                world.run(&["status"]).await.code(0).says("work/mail   needs_reauth");
            }
        }
        // What was still good was served all along: the state tells.
        let told = async {
            while !world.run(&["status"]).await.code(0).out.contains("work/mail   active") {}
        };
        tokio::time::timeout(FOLLOWED, told).await.unwrap_or_else(|_| panic!("{way:?}"));
        issuer_renews(&world, &issuer).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_revoke_at_the_command_stops_the_gateway_serving() {
    for way in WAYS {
        let (world, issuer) = (World::new(), Issuer::start().await);
        let (gateway, tool) = gateway(&world, &issuer).await;
        login(&world, &words(&["login", "work/mail"], way)).await.code(0);
        until(&tool, |got| got == Ok(())).await;
        let done = world.run(&words(&["revoke", "work/mail", "--yes"], way)).await.code(0);
        done.says("here and at its source");
        assert!(issuer.count("revoke") >= 1, "{way:?}");
        if way.is_empty() {
            let mail = CredentialRef::parse("work/mail").unwrap();
            assert!(tool.request(&mail).await.is_err(), "when it has returned, nobody gets it");
        }
        until(&tool, |got| got.is_err()).await;
        // And comes back by a sign-in, at the other way in.
        let other = if way.is_empty() { WAYS[1] } else { WAYS[0] };
        login(&world, &words(&["login", "work/mail"], other)).await.code(0);
        until(&tool, |got| got == Ok(())).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn renewals_at_both_at_once_spend_a_refresh_token_once_each() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    let (gateway, tool) = gateway(&world, &issuer).await;
    login(&world, &["login", "work/mail"]).await.code(0);
    until(&tool, |got| got == Ok(())).await;
    let world = Arc::new(world);
    // A single-use token that two spent would be `invalid_grant`, and the grant gone.
    let renew = |way: &'static [&'static str]| {
        let world = world.clone();
        async move { world.run(&words(&["refresh", "work/mail"], way)).await }
    };
    let (a, b, c, d) = tokio::join!(renew(&[]), renew(WAYS[1]), renew(WAYS[1]), renew(&[]));
    for done in [a, b, c, d] {
        done.code(0);
    }
    until(&tool, |got| got == Ok(())).await;
    assert!((1..=4).contains(&issuer.count("refresh_token")));
    gateway.stop().await;
}

/// The grant that a gateway has is the new one.
async fn issuer_renews(world: &World, issuer: &Issuer) {
    let before = issuer.count("refresh_token");
    world.run(&["refresh", "work/mail"]).await.code(0).says("renewed");
    assert_eq!(issuer.count("refresh_token"), before + 1);
}

#[tokio::test]
async fn promise_7_an_impatient_person_loses_no_refresh_token() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([grant("work/*")]));
    login(&world, &["login", "work/mail"]).await.code(0);
    let held = Arc::new(tokio::sync::Semaphore::new(0));
    issuer.state().held = Some(held.clone());
    let child = world.command(&["refresh", "work/mail"]).spawn().unwrap();
    // It has spent the token, and has not been told of the next.
    while issuer.count("refresh_token") == 0 {
        tokio::task::yield_now().await;
    }
    let own = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
    issuer.state().held = None;
    held.add_permits(1);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    world.run(&["refresh", "work/mail"]).await.code(0).says("renewed");
    assert_eq!(issuer.count("refresh_token"), 2);
}

//! A second gateway on the same folder: one login, one renewal, one sign-out for both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::ErrorCode;
use tokio::task::JoinSet;

use super::{Chapter, people};
use crate::gateway::events;
use crate::gateway::folder::shows;
use crate::gateway::host::Host;
use crate::gateway::narrator::MARK;

/// At each of the two.
const CALLERS: usize = 100;
/// Within this, what one does is known at the other.
const PROMISED: Duration = Duration::from_secs(2);

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("a second gateway on the same folder");
    let other = host.beside().await?;
    let printing = tokio::spawn(events::print(&other));
    let told = together(host, &other).await;
    other.engine.shutdown().await;
    let _ = tokio::time::timeout(Duration::from_secs(1), printing).await;
    told?;
    host.say(other.name, "stops");
    host.pause().await;
    Ok(())
}

async fn together(host: &Arc<Host>, other: &Arc<Host>) -> Chapter {
    one_login(host, other).await?;
    one_renewal(host, other).await?;
    one_sign_out(host, other).await?;
    let readable = shows(&host.world.folder.join("grants"), MARK)?;
    host.checks.expect(!readable, "no file of the store of grants shows a secret");
    Ok(())
}

/// Alice has signed in at the first only.
async fn one_login(host: &Host, other: &Host) -> Chapter {
    let before = host.world.issuer.renewals_of("alice");
    let first = host.request(&host.tool, &host.calendar, &host.alice).await?;
    let second = other.request(&other.tool, &other.calendar, &other.alice).await?;
    let mask = host.narrator.mask(&second);
    host.say(other.name, format!("has {mask} for alice, who never signed in here"));
    let same = second.same_secrets(&first) && host.world.issuer.renewals_of("alice") == before;
    host.checks.expect(same, "a second gateway serves alice with the first one's credential");
    host.pause().await;
    Ok(())
}

/// The token ends, and both are asked for another.
async fn one_renewal(host: &Arc<Host>, other: &Arc<Host>) -> Chapter {
    let ends = [host.forget_until_it_ends(&host.alice), other.forget_until_it_ends(&other.alice)];
    futures::future::try_join_all(ends).await?;
    host.say("gateway", "at both of them her access token has ended");

    let before = host.world.issuer.renewals_of("alice");
    let mut calls = JoinSet::new();
    for gateway in [host, other] {
        for _ in 0..CALLERS {
            let gateway = gateway.clone();
            calls.spawn(async move { gateway.call_calendar(&gateway.alice).await.ok() });
        }
    }
    let owners = calls.join_all().await;
    let right = owners.iter().flatten().filter(|owner| *owner == "alice").count();
    let renewals = host.world.issuer.renewals_of("alice") - before;
    host.say("tool:calendar", format!("{right} of {} calls done, {CALLERS} at each", 2 * CALLERS));
    host.say("issuer", format!("was asked {renewals} time for alice"));
    host.checks.expect(right == 2 * CALLERS, "200 calls at two gateways all succeed");
    host.checks.expect(renewals == 1, format!("and make 1 renewal ({renewals})"));
    host.pause().await;
    Ok(())
}

/// What alice does at one of them counts at both.
async fn one_sign_out(host: &Host, other: &Host) -> Chapter {
    let handle = other.bind_calendar(&other.alice)?;
    handle.get().await?;
    let target = host.administrator.at(&host.calendar).session(&host.alice.session);
    let answer = target.sign_out().await?;
    let begun = Instant::now();
    host.say("alice", format!("signs out at the first gateway: {answer:?}"));
    let read = || handle.with(|_| ()).err().map(|error| error.code());
    let ends = || read().is_some_and(signed_out);
    let noticed = host.wait_for(PROMISED, ends).await;
    let took = begun.elapsed().as_millis();
    let asked = other.request(&other.tool, &other.calendar, &other.alice).await;
    let asked = asked.err().map(|error| error.code());
    if let (Some(asked), Some(read)) = (asked, read()) {
        let text = format!("{took} ms later, a new call: {asked}; the handle: {read}");
        host.say(other.name, text);
    }
    let ended = noticed && asked.is_some_and(signed_out);
    host.checks.expect(ended, "a sign-out ends requests and handles at the other within 2 s");
    host.pause().await;

    people::sign_in(other, &other.alice).await?;
    let begun = Instant::now();
    let mut back = None;
    while back.is_none() && begun.elapsed() < PROMISED {
        back = host.request(&host.tool, &host.calendar, &host.alice).await.ok();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let there = handle.get().await?;
    if let Some(credential) = &back {
        let (mask, took) = (host.narrator.mask(credential), begun.elapsed().as_millis());
        host.say("gateway", format!("has {mask} for alice, {took} ms later"));
    }
    let same = back.is_some_and(|back| back.same_secrets(&there));
    host.checks.expect(same, "a sign-in at the second brings alice back at the first within 2 s");
    host.pause().await;
    Ok(())
}

fn signed_out(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::NeedsReauth | ErrorCode::Revoked)
}

//! Alice's access is revoked while calls are under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{CredentialError, ErrorCode, Outcome};
use tokio::task::JoinSet;

use super::{Chapter, people};
use crate::gateway::host::Host;
use crate::gateway::tool::CallFailed;

const CALLERS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("alice's access is revoked");
    let handle = host.bind_calendar(&host.alice)?;
    let old = handle.get().await?;
    let derived = host.request(&host.slack, &host.post, &host.alice).await?;
    host.say("channel:slack", format!("has {} derived from it", host.narrator.mask(&derived)));

    // So that the calls are under way at the issuer when the revocation comes: of a token that is
    // good, the store would give another copy.
    host.world.issuer.reject_access_of("alice");
    let request = host.tool.request(&host.calendar).session(&host.alice.session);
    request.report(&old, Outcome::Rejected)?;
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        let host = host.clone();
        calls.spawn(async move { (host.call_calendar(&host.alice).await, Instant::now()) });
    }
    let sent = host.wait_for(PATIENCE, || host.world.issuer.under_way() > 0).await;
    host.checks.expect(sent, "calls are under way at the issuer");
    host.say("tool:calendar", format!("{CALLERS} calls are under way"));
    let begun = Instant::now();
    let target = host.administrator.at(&host.calendar).session(&host.alice.session);
    let revoked = target.revoke().await?;
    let took = begun.elapsed().as_millis();
    host.say("operator", format!("revokes it: {revoked:?}, in {took} ms"));

    let answers = calls.join_all().await;
    let ends = answers.iter().filter_map(|(answer, at)| match answer {
        Err(CallFailed::Credential(error)) if error.code() == ErrorCode::Revoked => Some(*at),
        _ => None,
    });
    let ends: Vec<Instant> = ends.collect();
    let last = ends.iter().max().map_or(0, |at| (*at - begun).as_millis());
    let text = format!("{} of {CALLERS} calls under way fail: revoked", ends.len());
    host.say("tool:calendar", format!("{text}, the last after {last} ms"));
    host.checks.expect(ends.len() == CALLERS, "calls under way fail with the revocation");

    let later = host.request(&host.tool, &host.calendar, &host.alice).await.err();
    let read = handle.with(|_| ()).err();
    let child = host.request(&host.slack, &host.post, &host.alice).await.err();
    if let (Some(later), Some(read), Some(child)) = (&later, &read, &child) {
        host.say(
            "tool:calendar",
            format!("a new call: {}; the handle: {}", later.code(), read.code()),
        );
        host.say("channel:slack", format!("{}: {}", child.code(), child.next_step()));
    }
    let is_revoked = |error: &Option<CredentialError>| {
        error.as_ref().is_some_and(|error| error.code() == ErrorCode::Revoked)
    };
    host.checks
        .expect(is_revoked(&later) && is_revoked(&read), "later requests and the handle fail");
    host.checks.expect(child.is_some(), "what was derived from it ends with it");
    host.pause().await;

    people::sign_in(host, &host.alice).await?;
    let again = handle.get().await?;
    host.say("tool:calendar", format!("the handle reads {}", host.narrator.mask(&again)));
    host.checks
        .expect(!again.same_secrets(&old), "a sign-in brings the handle back, with a new token");
    let derived = host.request(&host.slack, &host.post, &host.alice).await;
    match &derived {
        Ok(token) => host.say("channel:slack", format!("has {}", host.narrator.mask(token))),
        Err(error) => host.say("channel:slack", format!("{}: {}", error.code(), error.next_step())),
    }
    host.checks.expect(derived.is_ok(), "and what is derived from it");
    host.pause().await;
    Ok(())
}

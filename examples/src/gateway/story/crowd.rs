//! Many callers, nothing cached, and nothing good in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Chapter;
use crate::gateway::host::Host;

const CALLERS: usize = 200;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("200 calls at once, nothing cached");
    host.forget_until_it_ends(&host.alice).await?;
    host.say("gateway", "has no access token of alice that is good; her grant stays");

    let before = host.world.issuer.renewals_of("alice");
    let (begun, mut calls) = (Instant::now(), JoinSet::new());
    for _ in 0..CALLERS {
        let host = host.clone();
        calls.spawn(async move {
            let token = host.request(&host.tool, &host.calendar, &host.alice).await.ok()?;
            let waited = begun.elapsed();
            host.whose(&token).await.ok()?.map(|owner| (owner, waited))
        });
    }
    let answers = calls.join_all().await;
    let right = answers.iter().flatten().filter(|(owner, _)| owner == "alice").count();
    let waited = answers.iter().flatten().map(|(_, waited)| *waited).max().unwrap_or_default();
    let renewals = host.world.issuer.renewals_of("alice") - before;
    host.say(
        "tool:calendar",
        format!("{right} of {CALLERS} calls done; the last had its token after {waited:.0?}"),
    );
    host.say("issuer", format!("was asked {renewals} time for alice"));
    host.checks.expect(right == CALLERS, "200 calls on a cold key all succeed");
    host.checks.expect(renewals == 1, "200 calls on a cold key make 1 renewal");
    host.checks.expect(waited < Duration::from_secs(1), "and wait about as long as one");
    host.pause().await;
    Ok(())
}

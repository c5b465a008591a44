//! A token is refused although it has not ended, and everybody notices at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Chapter;
use crate::gateway::host::Host;

const CALLERS: usize = 50;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("a token is rejected, 50 callers say so");
    let before = host.world.issuer.renewals_of("alice");
    host.world.issuer.reject_access_of("alice");
    host.say("calendar", "refuses alice's token from now on: 401");
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        let host = host.clone();
        calls.spawn(async move { host.call_calendar_twice(&host.alice).await.ok() });
    }
    let owners = calls.join_all().await;
    let right = owners.iter().flatten().filter(|owner| *owner == "alice").count();
    let exchanges = host.world.issuer.renewals_of("alice") - before;
    host.say(
        "tool:calendar",
        format!("{CALLERS} callers report the revision they used and try again"),
    );
    host.say(
        "tool:calendar",
        format!("{right} of {CALLERS} succeed; the issuer was asked {exchanges} time"),
    );
    host.checks.expect(right == CALLERS, "50 callers with a rejected token all succeed in the end");
    host.checks.expect(exchanges == 1, format!("50 rejections make 1 renewal ({exchanges})"));
    host.pause().await;
    Ok(())
}

//! A session ends, then the gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::ErrorCode;
use tokio::task::JoinHandle;

use super::Chapter;
use crate::gateway::host::Host;

/// Bob leaves.
pub(super) async fn end_session(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("bob leaves the chat");
    let handle = host.bind_calendar(&host.bob)?;
    let held = handle.get().await?;
    host.say("tool:calendar", format!("for bob: {}", host.narrator.mask(&held)));
    host.administrator.end_session(&host.bob.session).await;
    let read = handle.with(|_| ()).err().map(|error| error.code());
    let snapshot = host.administrator.snapshot();
    let served = snapshot.iter().filter(|status| {
        status.key.session.as_ref() == Some(&host.bob.session) && status.revision.is_some()
    });
    let served = served.count();
    host.say("gateway", format!("ends bob's session: {served} of his credentials are served"));
    if let Some(code) = read {
        host.say("tool:calendar", format!("for bob, through the handle: {code}, for good"));
    }
    let ended = read == Some(ErrorCode::SessionEnded) && served == 0;
    host.checks.expect(ended, "with a session its credentials and handles end");
    let alice = host.call_calendar(&host.alice).await.ok();
    host.checks.expect(alice.as_deref() == Some("alice"), "alice is not affected");
    host.pause().await;
    Ok(())
}

/// The gateway stops.
pub(super) async fn shut_down(host: &Arc<Host>, printing: JoinHandle<()>) {
    host.narrator.chapter("the gateway stops");
    let begun = Instant::now();
    host.engine.shutdown().await;
    let down = begun.elapsed();
    // The last events stand before what is said of the end.
    let ended = tokio::time::timeout(Duration::from_secs(1), printing).await;
    host.checks.expect(ended.is_ok(), "with the engine its events have ended");
    host.say("gateway", format!("is down after {} ms", down.as_millis()));
    let refused = host.tool.request(&host.calendar).session(&host.alice.session).await;
    let code = refused.err().map(|error| error.code());
    if let Some(code) = code {
        host.say("tool:calendar", format!("a late call: {code}"));
    }
    host.checks.expect(code == Some(ErrorCode::ShutDown), "after shutdown requests fail at once");
}

//! The issuer goes down: what is valid is served, then errors say how long to wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{ErrorCode, State};
use resolution_engine::Handle;

use super::Chapter;
use crate::gateway::host::Host;
use crate::gateway::options::Pace;

const PATIENCE: Duration = Duration::from_secs(6);

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("the issuer is down");
    let handle = host.bind_calendar(&host.alice)?;
    host.world.issuer.set_outage(true);
    host.say("issuer", "answers 503 to everything");

    let backs_off = || {
        // Reading it keeps it in use; what nobody uses is not renewed.
        let _ = handle.with(|_| ());
        host.state_of(&host.alice) == State::BackingOff
    };
    let backed_off = host.wait_for(PATIENCE, backs_off).await;
    host.checks.expect(backed_off, "a renewal that fails backs off");
    let left = handle.with(|credential| host.now().until(credential.window().until));
    let served = host.request(&host.tool, &host.calendar, &host.alice).await;
    // The events first, for the reader.
    tokio::time::sleep(Duration::from_millis(10)).await;
    if let (Ok(left), Ok(credential)) = (&left, &served) {
        let mask = host.narrator.mask(credential);
        host.say("tool:calendar", format!("still has {mask}, for another {} ms", left.as_millis()));
    }
    host.checks
        .expect(left.is_ok() && served.is_ok(), "while it is valid it is served all the same");

    if host.pace == Pace::Told {
        host.wait_for(PATIENCE, || handle.with(|_| ()).is_err()).await;
        let begun = Instant::now();
        let refused = host.request(&host.tool, &host.calendar, &host.alice).await;
        let took = begun.elapsed().as_millis();
        if let Err(error) = &refused {
            host.say("tool:calendar", format!("after its end: {} within {took} ms", error.code()));
            host.say("tool:calendar", format!("is told: {}", error.next_step()));
        }
        let code = refused.err().map(|error| error.code());
        host.checks.expect(code == Some(ErrorCode::Unavailable), "after its end it is not served");
    }

    host.world.issuer.set_outage(false);
    host.say("issuer", "answers again");
    let begun = Instant::now();
    let recovered = recover(host, &handle).await;
    if let Some(mask) = &recovered {
        host.say("tool:calendar", format!("has {mask}, {} ms later", begun.elapsed().as_millis()));
    }
    host.checks.expect(recovered.is_some(), "after an outage it recovers without a person");
    host.pause().await;
    Ok(())
}

/// Asks again as often as the error says, until a new revision is there.
async fn recover(host: &Host, handle: &Handle) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match handle.get().await {
            Ok(credential) if host.state_of(&host.alice) == State::Active => {
                return Some(host.narrator.mask(&credential));
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => tokio::time::sleep(error.retry_after().unwrap_or_default()).await,
        }
    }
    None
}

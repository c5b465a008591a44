//! What happens, told line by line.

use std::sync::Arc;

use resolution_engine::Delivery;
use tokio_util::sync::CancellationToken;

use super::Tell;
use crate::control::{Answer, EventLine, Operation, Operations};

/// What is served, at the start.
pub(super) async fn introduce(operations: &Operations, tell: &Tell) {
    let path = operations.host().document().path().display().to_string();
    tell(&format!("gateway   {path}, process {}", std::process::id()));
    let Ok(Answer::Providers { providers }) = operations.perform(Operation::Providers).await else {
        return;
    };
    if providers.is_empty() {
        tell("provider  none: name one under credentialProviders, and it is put in service");
    }
    for provider in providers {
        let kind = provider.kind.as_deref().unwrap_or("built in");
        match provider.problem {
            Some(problem) => {
                tell(&format!("provider  {} ({kind}) is not in service: {problem}", provider.id))
            }
            None => tell(&format!("provider  {} ({kind}) {}", provider.id, provider.name)),
        }
    }
}

/// Tells what happens until `stop`.
pub(super) async fn follow(operations: Operations, tell: Arc<Tell>, stop: CancellationToken) {
    let mut events = operations.host().engine().events();
    loop {
        let delivery = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            delivery = events.next() => delivery,
        };
        match delivery {
            Some(Delivery::Event(event)) => {
                if let Some(line) = line(&EventLine::from(&event)) {
                    tell(&line);
                }
            }
            Some(Delivery::Missed(count)) => tell(&format!("… {count} events were not told")),
            Some(_) => {}
            None => return,
        }
    }
}

/// What a person wants to know of an event; nothing of what passes by itself.
fn line(event: &EventLine) -> Option<String> {
    let about = event.about.as_deref()?;
    let whose =
        event.session.as_deref().map(|session| format!(" in {session}")).unwrap_or_default();
    let first = event.error.as_ref().is_some_and(|error| error.class == "sign_in");
    match (event.what.as_str(), event.to.as_deref()) {
        ("state", Some("pending")) if first => Some(format!(
            "sign in   {about}{whose}: nobody has yet; on the page, or `credentials login {about}`"
        )),
        // Whoever asks next has it renewed.
        ("state", Some("expired")) if event.error.is_none() => None,
        ("state", Some("pending" | "refreshing" | "unconfigured" | "expiring")) => None,
        ("state", Some(to)) => {
            let why = event.error.as_ref();
            // With what to do.
            let why = why.map(|error| format!(": {}", error.message));
            Some(format!("{to:<9} {about}{whose}{}", why.unwrap_or_default()))
        }
        ("renewed", _) => Some(format!("renewed   {about}{whose}")),
        _ => None,
    }
}

//! Prints what the engine tells.

use std::sync::Arc;

use credential_provider_api::{ChangeCause, Event, EventKind, Key};
use resolution_engine::{Delivery, EventStream};

use super::host::{Host, Person};
use super::narrator::Narrator;

/// Prints the events of a gateway until its engine is gone.
pub(super) fn print(host: &Host) -> impl Future<Output = ()> + Send + 'static {
    let (events, narrator) = (host.engine.events(), host.narrator.clone());
    let people = vec![host.alice.clone(), host.bob.clone()];
    let who = if host.name == "gateway" { "  event" } else { "  event at 2" };
    follow(events, narrator, people, who)
}

async fn follow(
    mut events: EventStream,
    narrator: Arc<Narrator>,
    people: Vec<Person>,
    who: &'static str,
) {
    while let Some(delivery) = events.next().await {
        match delivery {
            Delivery::Event(event) => narrator.say(who, describe(&event, &people)),
            Delivery::Missed(count) => narrator.say(who, format!("{count} were missed")),
            _ => {}
        }
    }
}

fn describe(event: &Event, people: &[Person]) -> String {
    match &event.kind {
        EventKind::StateChanged { key, from, to, cause, error } => {
            let why = error.as_ref().map(|error| format!(" ({})", error.code()));
            let why = why.unwrap_or_default();
            let cause = match cause {
                ChangeCause::Asked => "asked for",
                ChangeCause::Answered => "answered",
                ChangeCause::Time => "time",
                ChangeCause::Renewing => "renewal ahead",
                ChangeCause::Rejected => "rejected",
                ChangeCause::Invalidated => "changed or forgotten",
                ChangeCause::ParentEnded => "its parent ended",
                ChangeCause::Revoked => "revoked",
                ChangeCause::SessionEnded => "session ended",
                ChangeCause::SignedIn => "signed in",
                ChangeCause::SignedOut => "signed out",
                _ => "its provider changed",
            };
            format!("{}: {from} -> {to}, {cause}{why}", name(key, people))
        }
        EventKind::Renewed { key, revision } => {
            format!("{}: {revision} is served", name(key, people))
        }
        EventKind::ProviderChanged { provider, generation } => match generation {
            Some(generation) => format!("provider {provider}: in service, generation {generation}"),
            None => format!("provider {provider}: out of service"),
        },
        other => format!("{other:?}"),
    }
}

/// `workspace/calendar of alice`.
fn name(key: &Key, people: &[Person]) -> String {
    let owner = people.iter().find(|p| Some(&p.session) == key.session.as_ref());
    match owner {
        Some(person) => format!("{} of {}", key.reference(), person.name),
        None => key.reference().to_string(),
    }
}

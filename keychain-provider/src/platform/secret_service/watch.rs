//! Changes that other programs make, as the service tells of them.

use std::time::Duration;

use zbus::{Connection, Message, ObjectPath, OwnedObjectPath};

use super::signals::{Heard, Signals};
use super::wire::Failure;
use super::{attributes_of, connect};
use crate::keychain::{Listener, Noticed};
use crate::platform::Environment;

/// Between two tries to listen.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest an item is asked for its attributes; then nobody knows what changed.
const ASK: Duration = Duration::from_millis(500);

/// Tells of changes until nobody listens.
pub(in crate::platform) fn watch(environment: &Environment, listener: &Listener) {
    let Ok(runtime) = crate::platform::runtime() else {
        return;
    };
    runtime.block_on(async {
        tokio::select! {
            () = listener.gone() => {}
            () = follow(environment, listener) => {}
        }
    });
}

async fn follow(environment: &Environment, listener: &Listener) {
    loop {
        // Without a bus now there may be one later; a lost one is listened to again.
        if let Ok((bus, signals)) = listen(environment).await {
            // Whatever happened before is not known.
            listener.tell(Noticed::Anything);
            while let Some(heard) = signals.next().await {
                let noticed = match heard {
                    Heard::Burst => Some(Noticed::Anything),
                    Heard::Signal(signal) => meaning(&bus, &signal, listener).await,
                };
                noticed.into_iter().for_each(|noticed| listener.tell(noticed));
            }
            listener.tell(Noticed::Anything);
        }
        let clock = listener.clock();
        clock.sleep_until(clock.now().plus(PAUSE)).await;
    }
}

async fn listen(environment: &Environment) -> Result<(Connection, Signals), Failure> {
    let bus = connect::connect(environment).await?;
    let signals = Signals::of(&bus).await?;
    Ok((bus, signals))
}

async fn meaning(bus: &Connection, signal: &Message, listener: &Listener) -> Option<Noticed> {
    let header = signal.header();
    match header.member()?.as_str() {
        "ItemCreated" | "ItemChanged" => {
            let item: OwnedObjectPath = signal.body().deserialize().ok()?;
            Some(item_at(bus, &item, listener).await)
        }
        // An item that is gone has no attributes to tell it by.
        "ItemDeleted" | "CollectionCreated" | "CollectionDeleted" | "CollectionChanged"
        | "NameOwnerChanged" => Some(Noticed::Anything),
        "PropertiesChanged" => {
            let path = header.path()?;
            let depth = path.as_str().split('/').count();
            // /org/freedesktop/secrets/collection/NAME/ITEM
            Some(if depth == 7 { item_at(bus, path, listener).await } else { Noticed::Anything })
        }
        _ => None,
    }
}

async fn item_at(bus: &Connection, item: &ObjectPath<'_>, listener: &Listener) -> Noticed {
    let clock = listener.clock();
    tokio::select! {
        attributes = attributes_of(bus, item) => {
            attributes.map_or(Noticed::Anything, Noticed::Item)
        }
        () = clock.sleep_until(clock.now().plus(ASK)) => Noticed::Anything,
    }
}

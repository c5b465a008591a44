//! Changes that other programs make, as the service tells of them.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{Select, select};
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, ObjectPath, OwnedObjectPath};

use super::wire::{Failure, NAME, ROOT};
use super::{attributes_of, connect};
use crate::error::unavailable;
use crate::keychain::{Listener, Noticed};
use crate::platform::Environment;

/// Between two tries to listen.
const PAUSE: Duration = Duration::from_secs(5);

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
        if let Ok((bus, mut signals)) = listen(environment).await {
            // Whatever happened before is not known.
            listener.tell(Noticed::Anything);
            while let Some(Ok(signal)) = signals.next().await {
                if let Some(noticed) = meaning(&bus, &signal).await {
                    listener.tell(noticed);
                }
            }
            listener.tell(Noticed::Anything);
        }
        let clock = listener.clock();
        clock.sleep_until(clock.now().plus(PAUSE)).await;
    }
}

async fn listen(environment: &Environment) -> Result<(Connection, Signals), Failure> {
    let bus = connect::connect(environment).await?;
    let signals = signals(&bus).await?;
    Ok((bus, signals))
}

pub(super) type Signals = Select<MessageStream, MessageStream>;

/// What the service tells of, and its coming and going.
pub(super) async fn signals(bus: &Connection) -> Result<Signals, Failure> {
    let lost = |_| unavailable("the session bus does not tell of changes");
    let rule = || MatchRule::builder().msg_type(Type::Signal);
    let items = rule().sender(NAME).path_namespace(ROOT).build().map_err(lost)?;
    let owner = rule().sender("org.freedesktop.DBus").member("NameOwnerChanged").arg(0, NAME);
    let owner = owner.build().map_err(lost)?;
    let items = MessageStream::for_match_rule(items, bus, None).await.map_err(lost)?;
    let owner = MessageStream::for_match_rule(owner, bus, None).await.map_err(lost)?;
    Ok(select(items, owner))
}

async fn meaning(bus: &Connection, signal: &Message) -> Option<Noticed> {
    let header = signal.header();
    match header.member()?.as_str() {
        "ItemCreated" | "ItemChanged" => {
            let item: OwnedObjectPath = signal.body().deserialize().ok()?;
            Some(item_at(bus, &item).await)
        }
        // An item that is gone has no attributes to tell it by.
        "ItemDeleted" | "CollectionCreated" | "CollectionDeleted" | "CollectionChanged"
        | "NameOwnerChanged" => Some(Noticed::Anything),
        "PropertiesChanged" => {
            let path = header.path()?;
            let depth = path.as_str().split('/').count();
            // /org/freedesktop/secrets/collection/NAME/ITEM
            Some(if depth == 7 { item_at(bus, path).await } else { Noticed::Anything })
        }
        _ => None,
    }
}

async fn item_at(bus: &Connection, item: &ObjectPath<'_>) -> Noticed {
    attributes_of(bus, item).await.map_or(Noticed::Anything, Noticed::Item)
}

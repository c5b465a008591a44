//! Unlocking, with one prompt.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use zbus::{Connection, Message, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::signals::{Heard, Signals};
use super::wire::{COLLECTION, Failure, ITEM, PROMPT, ROOT, SERVICE, call, is_nothing, property};
use super::{collection_of, default_collection, is_locked, path, search};
use crate::error::{garbled, interaction, timeout, unavailable};
use crate::keychain::Call;

/// Longest the service may take to prepare a prompt.
const PREPARE: Duration = Duration::from_secs(10);
/// Longest a look whether all is unlocked may take; then it counts as locked, and is looked at again
/// with the next change.
const LOOK: Duration = Duration::from_secs(2);

/// A collection, or an item that is locked by itself.
#[derive(PartialEq, Eq)]
struct Wanted {
    path: OwnedObjectPath,
    interface: &'static str,
}

/// Has a person unlock the collections of the items that match, the items that are locked by
/// themselves, and the default collection. Ends, too, if
/// they are unlocked in another way meanwhile.
///
/// A prompt that is shown is never taken back: `Dismiss` makes gnome-keyring 42 abort, and with it
/// goes what others had unlocked. So it is waited for as long as it stands.
pub(super) async fn unlock(
    bus: &Connection,
    attributes: &BTreeMap<String, String>,
    limits: &Call,
) -> Result<(), Failure> {
    let shown = async {
        let wanted = wanted(bus, attributes).await?;
        // Heard from before the prompt is there: it may be answered at once.
        let signals = Signals::of(bus).await?;
        let prompt =
            if wanted.is_empty() { make_one(bus).await? } else { ask(bus, &wanted).await? };
        if !is_nothing(&prompt) {
            let () = call(bus, &prompt, PROMPT, "Prompt", &("",)).await?;
        }
        Ok::<_, Failure>((wanted, signals, prompt))
    };
    let (wanted, signals, prompt) = tokio::select! {
        shown = shown => shown?,
        () = limits.lasted(PREPARE) => return Err(timeout().into()),
    };
    if is_nothing(&prompt) {
        return Ok(());
    }
    tokio::select! {
        answer = wait(bus, &prompt, &wanted, &signals, limits) => answer,
        () = limits.ended() => Err(interaction("nobody answered the prompt to unlock").into()),
    }
}

/// What is to be unlocked; nothing if there is no collection at all.
async fn wanted(
    bus: &Connection,
    attributes: &BTreeMap<String, String>,
) -> Result<Vec<Wanted>, Failure> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let default = default_collection(bus).await?;
    wanted.extend(default.map(|path| Wanted { path, interface: COLLECTION }));
    for item in search(bus, attributes).await?.locked {
        let collection = OwnedObjectPath::from(collection_of(&item)?);
        let one = match is_locked(bus, &collection).await? {
            true => Wanted { path: collection, interface: COLLECTION },
            // Locked by itself.
            false => Wanted { path: item, interface: ITEM },
        };
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    Ok(wanted)
}

async fn ask(bus: &Connection, wanted: &[Wanted]) -> Result<OwnedObjectPath, Failure> {
    let paths: Vec<&ObjectPath<'_>> = wanted.iter().map(|one| &*one.path).collect();
    let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
        call(bus, &path(ROOT)?, SERVICE, "Unlock", &(paths,)).await?;
    Ok(prompt)
}

/// A first collection: the person is asked for its password.
async fn make_one(bus: &Connection) -> Result<OwnedObjectPath, Failure> {
    let label =
        HashMap::from([("org.freedesktop.Secret.Collection.Label", Variant::from("Login"))]);
    let (_, prompt): (OwnedObjectPath, OwnedObjectPath) =
        call(bus, &path(ROOT)?, SERVICE, "CreateCollection", &(label, "default")).await?;
    Ok(prompt)
}

async fn wait(
    bus: &Connection,
    prompt: &OwnedObjectPath,
    wanted: &[Wanted],
    signals: &Signals,
    limits: &Call,
) -> Result<(), Failure> {
    while let Some(heard) = signals.next().await {
        if let Heard::Signal(signal) = heard
            && is_answered(&signal, prompt)?
        {
            return Ok(());
        }
        let open =
            async { Ok::<_, Failure>(!wanted.is_empty() && !any_locked(bus, wanted).await?) };
        let open = tokio::select! {
            open = open => open?,
            () = limits.lasted(LOOK) => false,
        };
        if open {
            return Ok(());
        }
    }
    Err(unavailable("the session bus is gone").into())
}

/// Whether this says that the prompt was answered; an error if it was declined or is lost.
fn is_answered(signal: &Message, prompt: &OwnedObjectPath) -> Result<bool, Failure> {
    let header = signal.header();
    match header.member().map(|member| member.as_str()) {
        // Its prompts have gone with it.
        Some("NameOwnerChanged") => {
            Err(unavailable("the Secret Service is gone; it may come back").into())
        }
        Some("Completed") if header.path().is_some_and(|path| *path == **prompt) => {
            let (dismissed, _): (bool, OwnedVariant) = signal
                .body()
                .deserialize()
                .map_err(|_| garbled("the prompt's answer cannot be read"))?;
            let declined = || interaction("the prompt to unlock the keychain was declined");
            if dismissed { Err(declined().into()) } else { Ok(true) }
        }
        _ => Ok(false),
    }
}

async fn any_locked(bus: &Connection, wanted: &[Wanted]) -> Result<bool, Failure> {
    for one in wanted {
        if property(bus, &one.path, one.interface, "Locked").await? {
            return Ok(true);
        }
    }
    Ok(false)
}

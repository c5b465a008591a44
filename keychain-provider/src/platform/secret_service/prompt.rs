//! Unlocking, with one prompt.

use std::collections::{BTreeMap, HashMap};

use std::time::Duration;

use futures::StreamExt as _;
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::wire::{Failure, PROMPT, ROOT, SERVICE, call, is_nothing};
use super::{default_collection, is_locked, path, search, watch};
use crate::error::{garbled, interaction, timeout, unavailable};
use crate::keychain::Call;

/// Longest the service may take to prepare a prompt.
const PREPARE: Duration = Duration::from_secs(10);

/// Has a person unlock the collections of the items that match, and the default one. Ends, too, if
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
        let wanted = collections(bus, attributes).await?;
        // Heard from before the prompt is there: it may be answered at once.
        let signals = watch::signals(bus).await?;
        let prompt =
            if wanted.is_empty() { make_one(bus).await? } else { ask(bus, &wanted).await? };
        if !is_nothing(&prompt) {
            let () = call(bus, &prompt, PROMPT, "Prompt", &("",)).await?;
        }
        Ok::<_, Failure>((wanted, signals, prompt))
    };
    let (wanted, mut signals, prompt) = tokio::select! {
        shown = shown => shown?,
        () = limits.lasted(PREPARE) => return Err(timeout().into()),
    };
    if is_nothing(&prompt) {
        return Ok(());
    }
    tokio::select! {
        answer = wait(bus, &prompt, &wanted, &mut signals) => answer,
        () = limits.ended() => Err(interaction("nobody answered the prompt to unlock").into()),
    }
}

/// The locked collections to unlock; none if there is no collection at all.
async fn collections(
    bus: &Connection,
    attributes: &BTreeMap<String, String>,
) -> Result<Vec<OwnedObjectPath>, Failure> {
    let mut wanted: Vec<OwnedObjectPath> = Vec::new();
    wanted.extend(default_collection(bus).await?);
    for item in search(bus, attributes).await?.locked {
        let Some((collection, _)) = item.as_str().rsplit_once('/') else { continue };
        let collection = OwnedObjectPath::from(path(collection)?);
        // An alias names a collection a second time.
        if !wanted.contains(&collection) {
            wanted.push(collection);
        }
    }
    Ok(wanted)
}

async fn ask(bus: &Connection, wanted: &[OwnedObjectPath]) -> Result<OwnedObjectPath, Failure> {
    let paths: Vec<&ObjectPath<'_>> = wanted.iter().map(|path| &**path).collect();
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
    wanted: &[OwnedObjectPath],
    signals: &mut watch::Signals,
) -> Result<(), Failure> {
    while let Some(signal) = signals.next().await {
        let signal = signal.map_err(|_| unavailable("the session bus is gone"))?;
        let header = signal.header();
        // Its prompts have gone with it.
        if header.member().is_some_and(|member| member.as_str() == "NameOwnerChanged") {
            return Err(unavailable("the Secret Service is gone; it may come back").into());
        }
        let completed = header.path().is_some_and(|path| *path == **prompt)
            && header.member().is_some_and(|member| member.as_str() == "Completed");
        if completed {
            let (dismissed, _): (bool, OwnedVariant) = signal
                .body()
                .deserialize()
                .map_err(|_| garbled("the prompt's answer cannot be read"))?;
            return if dismissed {
                Err(interaction("the prompt to unlock the keychain was declined").into())
            } else {
                Ok(())
            };
        }
        if !wanted.is_empty() && !any_locked(bus, wanted).await? {
            return Ok(());
        }
    }
    Err(unavailable("the session bus is gone").into())
}

async fn any_locked(bus: &Connection, wanted: &[OwnedObjectPath]) -> Result<bool, Failure> {
    for collection in wanted {
        if is_locked(bus, collection).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

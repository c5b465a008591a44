//! The Secret Service API over D-Bus: GNOME Keyring, KWallet.
//!
//! Spoken directly: prompts, locked collections and reading by attributes are beyond the store
//! crates, and no call of ours may raise a prompt by itself.

mod connect;
mod prompt;
mod session;
mod signals;
mod watch;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use credential_provider_api::CredentialError;
use secrecy::SecretSlice;
use tokio::runtime::Runtime;
use zbus::{Connection, ObjectPath, OwnedObjectPath, Variant};

use self::session::{Sealed, Session};
use self::wire::{
    COLLECTION, Failure, ITEM, PROMPT, ROOT, SERVICE, call, is_nothing, locked, property,
};
use crate::error::{ambiguous, garbled, interaction, timeout, unsupported};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Condition, Keychain};
use crate::platform::Environment;

pub(super) use self::watch::watch as follow_changes;

/// Items that libsecret's tools write have this schema; with it they replace ours, and ours theirs.
const SCHEMA: (&str, &str) = ("xdg:schema", "org.freedesktop.Secret.Generic");

pub(super) struct SecretService {
    bus: Connection,
    session: Session,
    // Last, so that the connection can say goodbye.
    runtime: Runtime,
}

/// What a search found.
struct Found {
    unlocked: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl SecretService {
    pub(super) fn open(environment: &Environment, limits: &Call) -> Result<Self, CredentialError> {
        let runtime = super::runtime()?;
        let opening = async {
            let bus = connect::connect(environment).await?;
            connect::find(&bus).await?;
            let session = Session::open(&bus).await?;
            Ok((bus, session))
        };
        let (bus, session) = within(&runtime, limits, opening)?;
        Ok(Self { bus, session, runtime })
    }

    /// Runs `work` until it is done or nobody waits for it. A service that was restarted knows our
    /// session no more: then it gets a new one, and the work is done once more.
    fn run<T>(
        &mut self,
        limits: &Call,
        work: impl AsyncFn(&Connection, &Session) -> Result<T, Failure>,
    ) -> Result<T, CredentialError> {
        let Self { bus, session, runtime } = self;
        within(runtime, limits, async {
            match work(bus, session).await {
                Err(Failure::NoSession) => {
                    *session = Session::open(bus).await?;
                    work(bus, session).await
                }
                done => done,
            }
        })
    }
}

/// Runs `work` on this thread until it is done or nobody waits for it.
fn within<T>(
    runtime: &Runtime,
    limits: &Call,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, CredentialError> {
    runtime.block_on(async {
        tokio::select! {
            biased;
            done = work => done.map_err(CredentialError::from),
            () = limits.ended() => Err(timeout()),
        }
    })
}

/// The collection that an item is in.
fn collection_of<'a>(item: &'a OwnedObjectPath) -> Result<ObjectPath<'a>, CredentialError> {
    path(item.as_str().rsplit_once('/').map_or("", |(collection, _)| collection))
}

fn path(text: &str) -> Result<ObjectPath<'_>, CredentialError> {
    ObjectPath::try_from(text).map_err(|_| garbled("a path is not one"))
}

async fn search(bus: &Connection, attributes: &BTreeMap<String, String>) -> Result<Found, Failure> {
    let (unlocked, locked) =
        call(bus, &path(ROOT)?, SERVICE, "SearchItems", &(attributes,)).await?;
    Ok(Found { unlocked, locked })
}

/// The collection that new items go to, if there is one.
async fn default_collection(bus: &Connection) -> Result<Option<OwnedObjectPath>, Failure> {
    let found: OwnedObjectPath =
        call(bus, &path(ROOT)?, SERVICE, "ReadAlias", &("default",)).await?;
    Ok((!is_nothing(&found)).then_some(found))
}

async fn is_locked(bus: &Connection, collection: &ObjectPath<'_>) -> Result<bool, Failure> {
    property(bus, collection, COLLECTION, "Locked").await
}

/// Whether the default collection is there and can be read.
async fn condition(bus: &Connection) -> Result<Condition, Failure> {
    match default_collection(bus).await? {
        Some(collection) if is_locked(bus, &collection).await? => Ok(Condition::Locked),
        _ => Ok(Condition::Ready),
    }
}

/// The item meant.
enum Meant {
    Nothing,
    Open(OwnedObjectPath),
    Locked,
}

/// The one item meant: of several, the one in the default collection, locked or not. Never another
/// because that one is locked.
async fn the_one(bus: &Connection, found: Found) -> Result<Meant, Failure> {
    let open = found.unlocked.into_iter().map(|item| (item, false));
    let mut all: Vec<_> = open.chain(found.locked.into_iter().map(|item| (item, true))).collect();
    if all.len() > 1
        && let Some(collection) = default_collection(bus).await?
    {
        let within = format!("{}/", collection.as_str());
        let (ours, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(item, _)| item.as_str().starts_with(&within));
        all = if ours.is_empty() { others } else { ours };
    }
    match (all.len(), all.pop()) {
        (1, Some((_, true))) => Ok(Meant::Locked),
        (1, Some((item, false))) => Ok(Meant::Open(item)),
        (0, _) => Ok(Meant::Nothing),
        (count, _) => Err(ambiguous(count).into()),
    }
}

/// A prompt in place of a change: it is taken back, and nothing is changed.
///
/// It belongs to the connection it was made for, where it would keep all other calls waiting.
async fn no_prompt(
    bus: &Connection,
    prompt: &OwnedObjectPath,
    collection: &ObjectPath<'_>,
) -> Result<(), Failure> {
    if is_nothing(prompt) {
        return Ok(());
    }
    // One that is gone already is taken back, too.
    let _: Result<(), Failure> = call(bus, prompt, PROMPT, "Dismiss", &()).await;
    if is_locked(bus, collection).await? {
        return Err(locked().into());
    }
    let detail = "this Secret Service asks a person before it stores or deletes an item: turn that \
                  question off in its settings, or name another store";
    Err(unsupported(detail).into())
}

impl Keychain for SecretService {
    fn read(
        &mut self,
        item: &Item,
        limits: &Call,
    ) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let attributes = item.attributes();
        self.run(limits, async |bus, session| {
            let found = search(bus, &attributes).await?;
            let item = match the_one(bus, found).await? {
                Meant::Open(item) => item,
                Meant::Locked => return Err(locked().into()),
                // A locked collection may hide its items: then nobody knows that there is none.
                Meant::Nothing if condition(bus).await? == Condition::Locked => {
                    return Err(locked().into());
                }
                Meant::Nothing => return Ok(None),
            };
            let secret: Result<Sealed, Failure> =
                call(bus, &item, ITEM, "GetSecret", &(session.path(),)).await;
            match secret {
                Ok(sealed) => Ok(Some(session.unseal(&sealed)?)),
                // Deleted since it was found.
                Err(Failure::NoObject) => Ok(None),
                Err(failure) => Err(failure),
            }
        })
    }

    fn write(
        &mut self,
        item: &OwnItem,
        label: &str,
        secret: &SecretSlice<u8>,
        limits: &Call,
    ) -> Result<(), CredentialError> {
        let mut attributes: HashMap<String, String> =
            Item::Own(item.clone()).attributes().into_iter().collect();
        attributes.insert(SCHEMA.0.to_owned(), SCHEMA.1.to_owned());
        self.run(limits, async |bus, session| {
            let Some(collection) = default_collection(bus).await? else {
                let detail = "the Secret Service has no default collection: make one, or ask with \
                              a person at hand";
                return Err(interaction(detail).into());
            };
            let properties: HashMap<&str, Variant<'_>> = HashMap::from([
                ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
                ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes.clone())),
            ]);
            let body = (properties, session.seal(secret)?, true);
            let (_, prompt): (OwnedObjectPath, OwnedObjectPath) =
                call(bus, &collection, COLLECTION, "CreateItem", &body).await?;
            no_prompt(bus, &prompt, &collection).await
        })
    }

    fn delete(&mut self, item: &OwnItem, limits: &Call) -> Result<bool, CredentialError> {
        let attributes = Item::Own(item.clone()).attributes();
        self.run(limits, async |bus, _| {
            let found = search(bus, &attributes).await?;
            if !found.locked.is_empty() {
                return Err(locked().into());
            }
            if found.unlocked.is_empty() && condition(bus).await? == Condition::Locked {
                return Err(locked().into());
            }
            for item in &found.unlocked {
                match call::<_, OwnedObjectPath>(bus, item, ITEM, "Delete", &()).await {
                    Ok(prompt) => no_prompt(bus, &prompt, &collection_of(item)?).await?,
                    Err(Failure::NoObject) => {}
                    Err(failure) => return Err(failure),
                }
            }
            Ok(!found.unlocked.is_empty())
        })
    }

    fn holds(&mut self, item: &Item, limits: &Call) -> Result<bool, CredentialError> {
        let attributes = item.attributes();
        self.run(limits, async |bus, _| {
            let found = search(bus, &attributes).await?;
            Ok(!found.unlocked.is_empty() || !found.locked.is_empty())
        })
    }

    fn accounts(&mut self, service: &str, limits: &Call) -> Result<Vec<String>, CredentialError> {
        let attributes = BTreeMap::from([("service".to_owned(), service.to_owned())]);
        self.run(limits, async |bus, _| {
            let found = search(bus, &attributes).await?;
            let mut accounts = Vec::new();
            for item in found.unlocked.iter().chain(&found.locked) {
                match attributes_of(bus, item).await {
                    Ok(mut attributes) => accounts.extend(attributes.remove("account")),
                    Err(Failure::NoObject) => {}
                    Err(failure) => return Err(failure),
                }
            }
            accounts.sort_unstable();
            accounts.dedup();
            Ok(accounts)
        })
    }

    fn condition(&mut self, limits: &Call) -> Result<Condition, CredentialError> {
        self.run(limits, async |bus, _| condition(bus).await)
    }

    fn unlock(&mut self, item: &Item, limits: &Call) -> Result<(), CredentialError> {
        let attributes = item.attributes();
        // Not through `run`: its limit is the person's, not the bus's.
        let Self { bus, runtime, .. } = self;
        runtime.block_on(prompt::unlock(bus, &attributes, limits)).map_err(CredentialError::from)
    }
}

async fn attributes_of(
    bus: &Connection,
    item: &ObjectPath<'_>,
) -> Result<BTreeMap<String, String>, Failure> {
    let found: HashMap<String, String> = property(bus, item, ITEM, "Attributes").await?;
    Ok(found.into_iter().collect())
}

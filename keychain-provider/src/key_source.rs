//! [`KeychainKeySource`]: the data keys of `credential-store` in the keychain.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, CredentialError, ErrorCode, ExposeSecret as _, Interaction, async_trait,
};
use credential_store::{KeyRing, KeySource};
use secrecy::SecretSlice;

use crate::access::{Access, Asker};
use crate::builder::{LIMIT, PROMPT};
use crate::error::{garbled, unavailable};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Keychain, OpenKeychain};

/// How often a lock that another process holds is tried.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// The data keys of a store, in an item of the keychain: grants stay in the encrypted folder, and a
/// backup of the folder, or of the whole disk, opens nothing.
///
/// The item holds the text of a key file. Losing it is losing every login in the store: copy it, as
/// a key file, to a safe place. A keychain has no compare-and-swap, so a lock file says which of two
/// processes makes the first keys; it is empty, and stays. Rotated keys are as durable as the
/// keychain makes them.
pub struct KeychainKeySource {
    access: Access,
    clock: Arc<dyn Clock>,
    item: OwnItem,
    lock: PathBuf,
    limit: Duration,
    interaction: Interaction,
}

impl KeychainKeySource {
    /// The keys in `item`. All processes that share the store name the same item and lock file.
    #[must_use]
    pub fn new(
        keychain: Arc<dyn OpenKeychain>,
        clock: Arc<dyn Clock>,
        item: OwnItem,
        lock: impl Into<PathBuf>,
    ) -> Self {
        Self {
            access: Access::new(&keychain, &clock, LIMIT, PROMPT),
            clock,
            item,
            lock: lock.into(),
            limit: LIMIT,
            interaction: Interaction::Forbidden,
        }
    }

    /// A person may be asked to unlock the keychain when the store is opened.
    #[must_use]
    pub const fn interactive(mut self) -> Self {
        self.interaction = Interaction::Allowed;
        self
    }

    fn asker(&self) -> Asker {
        let patience = match self.interaction {
            Interaction::Allowed => PROMPT,
            _ => self.limit,
        };
        Asker { interaction: self.interaction, deadline: self.clock.now().plus(patience) }
    }

    fn item(&self) -> Item {
        Item::Own(self.item.clone())
    }
}

#[async_trait]
impl KeySource for KeychainKeySource {
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError> {
        let item = self.item();
        let wanted = item.clone();
        let work = move |keychain: &mut dyn Keychain, call: &Call| keychain.read(&wanted, call);
        let found = self.access.ask(self.asker(), &item, work).await?;
        found.as_ref().map(ring).transpose()
    }

    async fn create(&self, made: KeyRing) -> Result<KeyRing, CredentialError> {
        let (own, item, lock) = (self.item.clone(), self.item(), self.lock.clone());
        let work = move |keychain: &mut dyn Keychain, call: &Call| {
            let _locked = locked(&lock, call)?;
            let there = keychain.read(&Item::Own(own.clone()), call)?;
            match there {
                Some(there) => ring(&there),
                None => {
                    write(keychain, &own, &made, call)?;
                    Ok(made.clone())
                }
            }
        };
        self.access.change(self.asker(), &item, || Ok(None), work).await
    }

    async fn replace(&self, new: KeyRing) -> Result<(), CredentialError> {
        let (own, item, lock) = (self.item.clone(), self.item(), self.lock.clone());
        let work = move |keychain: &mut dyn Keychain, call: &Call| {
            let _locked = locked(&lock, call)?;
            write(keychain, &own, &new, call)
        };
        self.access.change(self.asker(), &item, || Ok(None), work).await
    }

    fn describe(&self) -> String {
        format!("the keychain's item {}", self.item.joined())
    }
}

/// Writes keys, and sees that they are there: what is encrypted with keys that are nowhere is lost.
fn write(
    keychain: &mut dyn Keychain,
    item: &OwnItem,
    keys: &KeyRing,
    call: &Call,
) -> Result<(), CredentialError> {
    let secret: SecretSlice<u8> = keys.to_text().expose_secret().as_bytes().to_vec().into();
    keychain.write(item, "Keys of a credential store", &secret, call)?;
    let there = keychain.read(&Item::Own(item.clone()), call)?;
    if there.is_some_and(|there| there.expose_secret() == secret.expose_secret()) {
        return Ok(());
    }
    Err(unavailable("the keychain took the keys and does not have them"))
}

fn ring(secret: &SecretSlice<u8>) -> Result<KeyRing, CredentialError> {
    let text = std::str::from_utf8(secret.expose_secret());
    KeyRing::from_text(text.map_err(|_| garbled("the keychain's item holds no keys"))?)
}

/// Holds the lock file, which other processes hold while they make keys.
fn locked(path: &Path, call: &Call) -> Result<File, CredentialError> {
    let unwritable = |_| {
        let detail = "the lock file of the keychain's keys cannot be opened";
        CredentialError::new(ErrorCode::StoreUnwritable, detail)
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(unwritable)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if !call.has_ended() => std::thread::sleep(TRY_AGAIN),
            Err(TryLockError::WouldBlock) => {
                let detail = "another process holds the lock file of the keychain's keys";
                return Err(CredentialError::new(ErrorCode::StoreLocked, detail));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
    }
}

impl fmt::Debug for KeychainKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeychainKeySource")
            .field("item", &self.item)
            .field("lock", &self.lock)
            .field("interaction", &self.interaction)
            .finish_non_exhaustive()
    }
}

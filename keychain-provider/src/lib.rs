#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! | you want | take |
//! |---|---|
//! | providers from a configuration file | [`KeychainFactory`], type `"keychain"` |
//! | a provider built in code | [`KeychainProvider::builder`] |
//! | the keys of `credential-store` in the keychain | [`KeychainKeySource`] |
//! | to know which store is used, and why | [`KeychainProvider::choice`], [`Platform::choice`], a health check |
//! | a store of your own behind the same provider | [`Keychain`] and [`OpenKeychain`] |
//!
//! # Configuration
//! Unknown settings are errors.
//!
//! | setting | what |
//! |---|---|
//! | `stores` | the names above, in the order in which they are tried |
//! | `encryptedFile` | `{"folder": …, "keyFile": …}`, for the store of that name; keep the two apart |
//! | `service` | the service of items of ours; `credential-provider.` and the provider's id unless given; no `:` or `#`. It must be ours alone: a sign-in overwrites what is under it |
//! | `timeoutSeconds` | longest a call to the keychain may take; 5 |
//! | `promptSeconds` | longest a request waits for a person to unlock it; 120, and never beyond the request's own deadline |
//! | `rereadSeconds` | longest what was read is served before it is read again; 60 |
//! | `displayName` | its name for people |
//! | `credentials` | by id, or by a pattern such as `bot/*`; the table below |
//!
//! | setting of a credential | what |
//! |---|---|
//! | `kind` | `api_key` unless given, `token`, or `user_value` |
//! | `fields` | what a user value consists of: `[{"name": …, "label": …, "plain": true}]`; hidden while typed unless `plain` |
//! | `owner` | `gateway` unless given, or `session` |
//! | `item` | another program's item that it is read from; below |
//! | `origins`, `placement`, `description` | where it may be sent; `{"header": {"name": …, "prefix": …}}` or `{"query": {"name": …}}` if not as a bearer; a line for people |
//!
//! # Items of ours
//! An item of ours is named by two texts, service and account. The account is the credential's id; for
//! a session's credential, in a service of its own (`#session` after it), `id:` and the SHA-256 of the
//! session in hex. A key or token is the text itself
//! (one line's end after it is not part of it), a user value a JSON object of texts. So they can be
//! seen, set and deleted with the platform's tools:
//! ```sh
//! secret-tool lookup service credential-provider.os account openai
//! printf %s "$KEY" | secret-tool store --label=openai service credential-provider.os account openai
//! keyctl pipe %user:credential-provider.os:openai
//! ```
//! **Setting** one is a sign-in that asks for its fields; signing out and revoking delete it here and
//! leave it valid where it is used. One that was not set yet is `needs_reauth` (`not_signed_in`).
//! **Listing** gives names of what is there, reads no secret, and needs no unlocking.
//!
//! # Items of other programs
//! `"item": {"service": "gh:github.com", "account": "me"}`, or `"item": {"attributes": {…}}`. They are
//! read and never written, replaced or deleted. One that is not there is `credential_not_found`,
//! several that match are `configuration_invalid`, unless one alone is in the default collection.
//!
//! | store | attributes |
//! |---|---|
//! | Secret Service | any; an item may have more |
//! | keyutils | `description`, or service and account as `service:account` |
//! | macOS | service and account |
//! | Windows | service and account, or `target` |
//!
//! # Changes from outside
//! A key that another program changed, made or deleted reaches consumers without a restart: within
//! **two seconds** where the store tells of changes (the Secret Service), else within
//! `rereadSeconds`.
//!
//! # Locked
//! A locked store is `interaction_required`, at once, and no call raises a prompt by itself. If the
//! request [allows asking](credential_provider_api::Interaction::Allowed), **one** prompt is raised,
//! however many requests and credentials wait for it; those that may not ask are answered meanwhile.
//! When it is answered, or the store is unlocked in another way, all are served whose item is open
//! then; the first of the others, whose items are in other collections, raises the next one. A
//! request waits for `promptSeconds` or its own deadline (an engine's fetch limit is one); the prompt
//! stands until a person answers it (taking it back makes gnome-keyring 42 abort), and as long as it
//! stands there is no second one. A prompt declined is not repeated for 10 s, whoever waited for it.
//!
//! Locking takes what was read along: at once where the store tells of it, else when it is read again.
//! A locked collection may hide what is in it, so while the default one is locked, an item that is
//! not found is `interaction_required` too, and never "not set".
//!
//! # Where there is no keychain
//! | where | answer |
//! |---|---|
//! | no D-Bus: SSH, container, service without a session | `not_configured`: the detail says what is missing, where it runs, and the ways out |
//! | a session bus of another user: `sudo`, `su` | `not_configured` |
//! | a bus without a Secret Service | `unavailable`: one may be started |
//! | the daemon is killed or restarted | `unavailable` for calls under way; then it is asked anew |
//! | no default collection | `interaction_required` for setting; a person at hand is asked to make one |
//! | keyutils denied by a sandbox | `not_configured` |
//!
//! # Threads
//! Platform stores block, wait for people, panic, poison their own locks, or never answer. So **one
//! thread owns the store**; calls stand in a queue of 64 (beyond: `overloaded`), each with its
//! deadline. A call that has not returned at its deadline is `timeout` for its caller, and the thread
//! is left to itself: the queue goes on with a new thread, which opens the store again. At most 4
//! threads are left so; then the answer is `unavailable`, at once, until one of them returns. A store
//! that panics answers `unavailable` and is opened again. The Secret Service is spoken to in a way
//! that notices that nobody waits, so it leaves no thread behind. Prompts wait on a second thread,
//! changes on a third; only the person has no deadline there, opening the store has the call's. A call
//! whose deadline passed while the store was opened is not made; **one that has reached the platform
//! cannot be recalled**, and may take effect after its caller was told `timeout`. The threads end after the provider is dropped; a thread in a call that does
//! not return ends with the process.
//!
//! Containing a panic needs `panic = "unwind"`, and the panic hook runs before it is caught: a
//! library that panics with a secret in its message prints it.
//!
//! # Secrets
//! On the bus secrets are encrypted (`dh-ietf1024-sha256-aes128-cbc-pkcs7`); a service that cannot do
//! that is refused. Errors of the libraries below are never formatted: some of `keyring-core` carry
//! the secret in their `Debug`. Buffers of ours are wiped; those of the bus and of platform libraries
//! hold ciphertext or are not ours to wipe. Any program of the same user can read an unlocked
//! keychain: it protects backups, disks, other users and a locked session.
//!
//! # The key of a store
//! ```no_run
//! # async fn example() -> Result<(), credential_provider_api::CredentialError> {
//! use std::sync::Arc;
//! use credential_store::FileStore;
//! use keychain_provider::{Environment, KeychainKeySource, OwnItem, Platform};
//! use resolution_engine::SystemClock;
//!
//! let clock = Arc::new(SystemClock::new());
//! let platform = Arc::new(Platform::new(Environment::of_this_process()));
//! let item = OwnItem::new("my-gateway", "data-key")?;
//! let keys = KeychainKeySource::new(platform, clock, item, "data-key.lock").interactive();
//! let store = FileStore::open("grants", keys).await?;
//! # drop(store); Ok(()) }
//! ```

mod access;
mod builder;
mod configuration;
mod core;
mod credential;
mod error;
mod factory;
mod item;
mod key_source;
mod keychain;
mod line;
mod platform;
mod provider;
mod secret;
mod sign_in;
mod unlock;

pub use builder::KeychainProviderBuilder;
pub use credential::KeychainCredential;
pub use factory::KeychainFactory;
pub use item::{ForeignItem, Item, OwnItem};
pub use key_source::KeychainKeySource;
pub use keychain::{Call, Condition, Keychain, Listener, Noticed, OpenKeychain};
pub use platform::{Choice, Environment, Lasting, Platform, StoreKind};
pub use provider::KeychainProvider;

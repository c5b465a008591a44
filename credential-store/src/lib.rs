//! Where grants live, and the one way in which they are renewed.
//!
//! A *grant* is what a login leaves behind: a refresh token, often one that may be spent once. When
//! two programs spend the same one, most issuers end the login of both. So whoever shares a grant
//! needs the same five things: it must be encrypted, replaced without a tear, renewed by one process
//! at a time, read again before it is renewed, and saved before anybody uses what it brought. This
//! crate is those five things, for any provider and without an engine.
//!
//! | you want | take |
//! |---|---|
//! | grants in an encrypted folder that processes and containers share | [`FileStore`] |
//! | grants for as long as the process lives | [`MemoryStore`] |
//! | a token that is good now, renewed exactly once | [`Grants::renew`] |
//! | a sign-in or sign-out that all processes follow | [`Grants::sign_in`], [`Grants::sign_out`], [`Grants::changes`] |
//! | your own place for keys | [`KeySource`] |
//! | your own store, on Redis or PostgreSQL | [`GrantStore`] and [the table below](#a-store-on-redis-or-postgresql) |
//!
//! # Five minutes
//! ```toml
//! [dependencies]
//! credential-store = { path = "…" }
//! credential-provider-api = { path = "…" } # keys, grants, errors: the words everybody shares
//! ```
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use credential_provider_api::*;
//! use credential_store::*;
//!
//! /// The one thing a provider supplies: a call to its issuer.
//! struct Issuer;
//!
//! #[async_trait]
//! impl Exchange for Issuer {
//!     async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
//!         // POST grant_type=refresh_token … with grant.expose()
//! #       assert_eq!(grant.expose(), b"refresh-1");
//!         let (access, refresh) = ("access-2", b"refresh-2".to_vec());
//!         Exchanged::Issued {
//!             credential: Credential::oauth2(access.into()),
//!             grant: Some(Grant::from(refresh)),
//!         }
//!     }
//! }
//!
//! # let place = std::env::temp_dir().join(format!("credential-store-doc-{}", std::process::id()));
//! # let (folder, key_file) = (place.join("grants"), place.join("grants.key"));
//! let store = FileStore::open(&folder, KeyFile::new(&key_file)).await?;
//! let grants = Grants::new(Arc::new(store));
//! let mail = Key::gateway(&CredentialRef::parse("idp/mail")?);
//!
//! // Once, when a person has signed in:
//! grants.sign_in(&mail, Some(Grant::from(b"refresh-1".to_vec())), None).await?;
//! // Whenever a token is needed, in as many tasks and processes as you like:
//! let token = grants.renew(Renewal::of(mail.clone()), Arc::new(Issuer)).await?;
//! # assert_eq!(token.secret().unwrap().expose_secret(), "access-2");
//! // When it was rejected with 401, say which one:
//! let rejected = Renewal::of(mail.clone()).rejected(token.revision());
//! // And when the person signs out, everywhere:
//! let grant = grants.sign_out(&mail).await?;
//! # assert_eq!(grant.unwrap().expose(), b"refresh-2");
//! grants.close().await;
//! # drop(rejected); std::fs::remove_dir_all(place)?; Ok(()) }
//! ```
//! `cargo run -p credential-store --example two_processes` shows two processes that share a grant.
//!
//! # The renewal
//! [`Grants::renew`] is the only place that spends a grant:
//! 1. It reads the record. If that will do, it is the answer.
//! 2. It waits for the **lease** of the key, among the tasks of the process first, then among
//!    processes; meanwhile it looks whether the holder has saved something that will do.
//! 3. It **reads again**: what somebody else renewed is the answer.
//! 4. It saves an **intent**, durably: an exchange is about to be sent.
//! 5. It runs the provider's **exchange** to its end. Callers that give up cancel nothing.
//! 6. It **saves** what was issued by compare-and-swap, which also takes the intent back.
//! 7. Only then is the new credential the answer, and the lease is released.
//!
//! | what happens | what follows |
//! |---|---|
//! | killed before the intent is durable | nothing was sent; the next holder renews |
//! | killed after it, before the result is saved | the next holder finds the intent and asks the issuer once more; one with a grace period answers again, another refuses: `needs_reauth`, reason `renewal_interrupted` |
//! | the issuer refuses (`invalid_grant`) | the record is read again, a newer one is used; else the refusal is kept beside the grant and everybody gets `needs_reauth` with the reason, without asking the issuer again |
//! | it failed without being sent, or was turned away ([`Unspent`](Exchanged::Unspent)) | the intent is taken back; the error is the caller's; asked again, it tries again |
//! | it gave the next grant and nothing to serve ([`Rotated`](Exchanged::Rotated)) | the grant is kept, the error is the caller's |
//! | it may have been sent ([`Unanswered`](Exchanged::Unanswered)) | as if killed: the intent stays, and whoever asks next asks the issuer; an engine spaces these |
//! | the lease is found lost before sending ([`is_held`](credential_provider_api::Lease::is_held)) | nothing is sent |
//! | the disk is full when the result is to be saved | it is saved again and again, under the lease, for [ten minutes](GrantsBuilder::save_limit) |
//! | somebody signs out meanwhile | the result is not saved, and [discarded](Exchange::discard) |
//! | somebody signs in meanwhile | theirs counts, ours is discarded |
//!
//! Nothing is deleted because of a failure: a refused grant stays until somebody signs in or out.
//!
//! # Errors, and what to do
//! | code | when | what to do |
//! |---|---|---|
//! | `needs_reauth` | nobody is signed in, the issuer refused, a renewal was interrupted | sign in; the reason says why |
//! | `store_unreadable` | a file is torn, foreign, newer, rolled back, another user's, or its key is missing | the detail names it; [mend it](#mending) |
//! | `store_copied` | the folder is a copy | use the original, or [`Copied::TakesItsPlace`] once |
//! | `store_unwritable` | the disk is full or read-only | free space; nothing was sent, or it is saved as soon as there is space |
//! | `store_locked` | a living process holds the lease, or a lock, for too long | the detail says who; try again |
//! | `conflict` | a save met another revision | load and decide anew; [`Grants`] does |
//! | `unavailable` | the disk failed or does not answer | try again |
//!
//! # The folder
//! | file | what | mode |
//! |---|---|---|
//! | `store.json` | format, salt of names, where it lies, generation of the keys; nothing secret | 0600 |
//! | `records/NAME` | one record, AES-256-GCM, nonce of its own; removed ones stay as tombstones | 0600 |
//! | `leases/NAME.lock` | the lease; while it is held, who holds it | 0600 |
//! | `journal` | 32 bytes a save: which name reached which revision | 0600 |
//! | `rotation.lock`, `gate.lock`, `rotating.lock` | keep writers and key rotations apart | 0600 |
//!
//! `NAME` is half a SHA-256 of the salt and the key: the folder's listing tells no account or
//! session. The key itself is in the ciphertext. **Associated data** binds a record to its name and so
//! to provider, id, session and variant, and to its revision: a record moved, renamed or altered is
//! not believed. The journal is a lower bound: a record put back from an earlier time, or taken away,
//! is `store_unreadable` ("was rolled back"). An older copy of the *whole* folder cannot be told from the
//! present.
//!
//! A **save** writes a temporary file, syncs it, renames it over the record and syncs the folder; a
//! reader sees the old record or the new one. It excludes other saves of the same record and no
//! others, and writes nothing but that record and its line in the journal, so with ten thousand records
//! it costs what it costs with one: `benches/README.md` has the figures, and those of a log, one file
//! for all, SQLite and redb beside it.
//!
//! What is not ours is refused and stays untouched: a folder with other files in it, a symbolic link,
//! another user's file, a torn record, a newer format. Modes that let others in are repaired.
//!
//! **A copy** of the folder, from a backup or for another machine, is `store_copied`: both would spend
//! the same grants. If the original is gone, open the copy once with [`Copied::TakesItsPlace`]. It is
//! recognised by the inode of `records` and the time it was made; a snapshot of the whole disk keeps
//! both, and is not.
//!
//! # Mending
//! A record that cannot be read costs its own login and no other; [`FileStore::unreadable`] finds them,
//! and lists leave them out. Stop the programs that use the store, remove that file from `records` and
//! the file `journal` (without it, records are accepted as they are), start them and sign in. A backup
//! of a record holds a refresh token that was probably spent since: sign in anew instead. Nothing in
//! `leases` is ever stale: the kernel frees what a process held, and removing a file there takes the
//! lease from a live one. So keep the folder away from cleaners of temporary files.
//!
//! **Network file systems** are refused ([`FileSystem`]) where the system tells them apart (Linux by
//! kind, macOS by mount), as their locks do not end with a process, or do not reach other machines;
//! elsewhere, choose a local folder. More than one machine needs a server, below.
//!
//! # The keys
//! Data keys come from a [`KeySource`]: a [`KeyFile`] of mode 0600, best kept apart from the folder;
//! the [host's own](HostKeys); a keychain. [`FileStore::rotate_key`] makes a new one and encrypts all
//! records anew while others read and write. Plaintext that an older program left is taken over and
//! scrubbed by [`FileStore::import`].
//!
//! # The lease
//! A kernel lock (`flock`) on one file a key. The kernel frees it when the holder's process ends, by
//! whatever death, at once, and never while it lives, however slow. It works between tasks, processes,
//! and containers that mount the same folder of one machine. No daemon.
//!
//! A process that waits asks every 20 to 25 ms. Its tasks stand in line, and one asks for all. Waiting
//! leaves a mark in the file, and whoever comes to a lease that is free but marked lets those who
//! wait go first: nobody starves. A task that wants a renewal looks every 100 ms whether the holder has
//! saved one. After [`lease_wait`](FileStoreBuilder::lease_wait) the answer is
//! `store_locked`, and says who holds it.
//!
//! A child forked without `exec` inherits the lock's descriptor. The holder frees it for both; and if
//! the holder dies, waiters in the same pid namespace (Linux) see that and take over. Waiters in
//! another container wait until the child ends too.
//!
//! # The watch
//! A watcher looks at the journal's size every 250 ms, and reads what was added. So a sign-in, sign-out
//! or renewal in one process is known in all others within two seconds. A process killed after
//! replacing a record and before telling is told for by whoever loads that record next.
//!
//! # A store on Redis or PostgreSQL
//! [`GrantStore`] asks for nothing that they lack. Each operation, and why it holds:
//!
//! | operation | PostgreSQL | Redis |
//! |---|---|---|
//! | `load` | `SELECT revision, body WHERE name = $1`; one row, so whole or not there | `HMGET name revision body`; one command is atomic |
//! | `list` | `SELECT body WHERE body IS NOT NULL`; names are opaque, keys are in the body | `SCAN` or a set kept by the script below; may show a key twice: collect in a set |
//! | `save`, first | `INSERT … ON CONFLICT DO NOTHING`; 0 rows: `conflict` | a script: if the field `revision` is absent, set it; scripts run alone |
//! | `save`, later | `UPDATE … SET revision = revision + 1 WHERE name = $1 AND revision = $2 RETURNING revision`; 0 rows: `conflict`; the row lock makes one of two win | the same script: compare, increment, set |
//! | `remove` | the same `UPDATE` with `body = NULL`: the row stays as the tombstone | the same script deletes `body` and keeps `revision` |
//! | durable | `synchronous_commit = on` (the default) | `appendfsync always`, and `WAITAOF 1 0` after the script; with less, an exchange that was announced may be forgotten, so such a server must be refused |
//! | revisions grow, never return | the column only ever grows; no row is deleted | the field only ever grows; `maxmemory-policy noeviction`, no expiry |
//! | `watch` | `LISTEN`, and `NOTIFY` in the transaction of the save; after a lost connection: `Missed` | `PUBLISH` in the script; after a lost connection: `Missed` |
//! | `lease` | `pg_advisory_lock(hash)` on a connection of its own: ends with the session, at once when the holder's host closes it, after `tcp_keepalives` when the host is gone; waiters are queued in order | a key with a token, `SET NX PX`, extended while the holder lives, deleted by a script that compares the token; ends one term after its holder's death |
//! | lost by a live holder | when its session breaks: a restart or failover of the server, a partition, `idle_session_timeout` (set it to 0) | when it is stopped or cut off for longer than a term |
//! | fair | the lock queue is first come, first served | a list of waiters popped by the releasing script |
//! | who holds it | `pg_stat_activity.application_name` of the session | the value of the lease's key |
//!
//! So on a server a lease can be lost by a holder that lives, which no file lock does. Two things make
//! that harmless but for the moment of sending: [`is_held`](credential_provider_api::Lease::is_held),
//! asked just before an exchange is sent; and a fence: the store remembers the number of each lease it
//! handed out and compares it in the `save` of that key, so that a late answer does not overwrite a newer
//! one. An exchange that was sent in that moment may still spend a refresh token twice; the intent says
//! so, and it ends in `renewal_interrupted` rather than in silence. An asynchronous failover can forget
//! an intent or a rotated grant that was acknowledged: such a server needs a synchronous standby
//! (`synchronous_standby_names`, `WAIT`). Bodies are [`Record::encode`]'s bytes; sealing them is not public
//! yet.
//!
//! # Limits
//! - [`FileStore`] needs a Unix system; on others it is absent rather than half there.
//! - Tombstones and the files of leases stay, one small file each for every key that ever had a grant.
//! - The locks that are held for the moment of one save end with their process, too; only if it forked
//!   without `exec` within that moment and is then killed, saves of that record are `store_locked` until
//!   its child ends. A process stopped in such a moment delays saves of that record.
//! - A record may have 1 MiB.
//! - Code of the same user can read what the store can: encryption protects backups, disks and other
//!   users, not a machine whose user is lost.
//! - Overwriting an imported file reaches its blocks only where the file system writes in place.
//!
//! [`GrantStore`]: credential_provider_api::GrantStore
//! [`Record::encode`]: credential_provider_api::Record::encode

mod clock;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults;
#[cfg(unix)]
mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grants;
mod key;
mod memory;

#[cfg(unix)]
pub use file::{Copied, FileStore, FileStoreBuilder, FileSystem, Imported, Rotated};
pub use grants::{Exchange, Exchanged, Grants, GrantsBuilder, Renewal, SignedIn};
#[cfg(unix)]
pub use key::KeyFile;
pub use key::{DataKey, HostKeys, KeyId, KeyRing, KeySource};
pub use memory::MemoryStore;

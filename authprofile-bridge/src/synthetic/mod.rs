//! Resolved credentials as profiles that OpenClaw uses: eras A and B.
//!
//! [`SyntheticProfiles`] follows an [`Authority`](crate::Authority) and keeps, for each credential that
//! the configuration names, one profile in OpenClaw's store: type `token`, without anything to renew it
//! by, with an end before the true one. **It is plaintext in a file of mode 0600, as OpenClaw's own
//! profiles are.** A running OpenClaw may not notice it until it reloads its secrets.
//!
//! | what happens | what becomes of the profile |
//! |---|---|
//! | a new revision | written |
//! | revoked, signed out, a sign-in needed, denied, no longer offered | removed |
//! | the source fails for now | stays until the end that is written in it, then removed |
//! | the credential is no longer configured | removed at the next start |
//! | the host ends | stays: OpenClaw must survive our restart; [`SyntheticProfiles::withdraw`] removes |
//!
//! A removed profile keeps its places in OpenClaw's orders, for when it returns.
//!
//! # Which profiles are ours
//! OpenClaw drops fields it does not know when it saves, and token profiles have no room for a mark.
//! So what we wrote is written down beside the store, in `auth-profiles.bridge.json`: for each profile
//! id the SHA-256 digests of the last tokens we put there. A profile is ours if its id is in that file,
//! its type is `token`, and the token in it is one of those. Everything else is somebody else's, is
//! neither overwritten nor removed, and is reported. The digest is written before the profile, so a
//! crash between the two leaves nothing that is ours and not known as ours. Digests of removed profiles
//! are kept for 30 days: an OpenClaw that has the old profile in memory may write it back.
//! Whoever starts removes what that file knows and its configuration does not name, so one host at a
//! time keeps profiles by one file: it holds a lock on `auth-profiles.bridge.json.lock` until it is shut
//! down or its process ends, and a second one with the same file does not start. Two hosts that write
//! into one store each name a [ledger](SyntheticProfilesBuilder::ledger) of their own; to each, the
//! other's profiles are somebody else's.
//! If the file is lost, profiles written before count as somebody else's until they are removed by hand.

mod hold;
mod ledger;
mod said;
mod service;
mod settle;
mod worker;

pub(crate) use ledger::{LEDGER, Ledger};
pub use said::SyntheticProfile;
pub use service::{
    SyntheticProfiles, SyntheticProfilesBuilder, SyntheticStanding, SyntheticStatus,
};

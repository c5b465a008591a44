//! From secrets in profiles to references: a plan, what carries it out, and what undoes it.
//!
//! [`Migration::plan`] changes nothing and shows no secret. [`Migration::apply`] moves each static secret
//! to a [`SecretSink`] (a keychain, a store) and leaves in the profile a reference that OpenClaw resolves
//! through the exec resolver, or nothing where the host delegates the profile. [`Migration::undo`] reads
//! the secrets back from the sink.
//!
//! | order of one move | a crash after it leaves |
//! |---|---|
//! | 1. what is about to happen is written down, without the secret | the profile as it was |
//! | 2. the secret is written to the sink | the secret in both places |
//! | 3. it is read back and compared | the same |
//! | 4. the end is written down, and the reference takes its place, under OpenClaw's lock | the profile by reference |
//!
//! Applying again goes on from any of them; so does undoing. What an attempt left in the sink before its
//! end is written over; once a profile was moved, what the sink has is the newer one and stays, whatever
//! OpenClaw wrote back. What somebody else keeps under the name stays, too: a name in the sink belongs to
//! one migration, unless it is told to [share](Migration::sharing). Without a [prefix](Migration::prefix)
//! the names begin with the agent's id. There is no backup of the profiles: a
//! second file of secrets would defeat the purpose. What is written down, in
//! `auth-profiles.migration.json` beside the store, says where each secret is and how far its move has
//! come, and nothing more. An entry of it that cannot be understood stays as it is and is reported, by
//! applying and by undoing.
//!
//! Not moved, and listed with the reason: logins (a refresh token that two places hold is one that is
//! used twice), marks and fences, what is a reference already, what is inherited from the main agent, synthetic
//! profiles of ours.
//!
//! A running OpenClaw that has the old profile in memory may write it back: stop it, or let it reload its
//! secrets, and plan again. What a disk keeps of files that were replaced is not wiped.

mod apply;
mod journal;
mod place;
mod plan;
mod sink;
mod undo;

pub use apply::{Applied, Migration, Outcome};
pub use plan::{Action, Plan, Reason, Replacement, Step};
pub use sink::SecretSink;
pub use undo::{Undoing, Undone};

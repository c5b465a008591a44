//! Renewal of stored logins, in the eras that are files.
//!
//! OpenClaw may renew the same login, in any of its processes. So this is done in its way:
//!
//! 1. **Its refresh lock** of this login is the lease: nobody else renews it meanwhile, not another
//!    agent either. A holder that lives is waited for, until the request's deadline; then the error is
//!    `store_locked` and says who.
//! 2. **Read again**, under the store's lock for that moment, which also shows that the store can be
//!    written. What somebody else renewed is used as it is. An agent's own copy that has ended gives
//!    way to the main agent's, if that is the same person's, or if its own does not say whose it is.
//! 3. **Exchange**, once, by the [`ProfileIssuer`] that the host names. The store is not locked
//!    meanwhile: that lock goes stale by age. The refresh lock does so after 180 s, so an exchange is
//!    given up after [`LIMIT`], counted from the first one if there are two, and is not begun if somebody
//!    has taken the lock from us. Once it is sent it runs to its end, whoever stopped waiting.
//! 4. **Identity gate**: an answer for another account or e-mail address is thrown away. What the
//!    answer leaves out says nothing against it; what it says besides is added.
//! 5. **Save**, under the store's lock: only `access`, `refresh`, `expires` and what the issuer said
//!    besides change, and only if the refresh token that was spent is still the one stored. What
//!    somebody stored meanwhile stays, and a login removed meanwhile stays removed. Only then is the
//!    new access token handed out.
//!
//! **Era A** (2026.4.1) knows no refresh lock. It renews under the store's lock, which we do not hold in
//! an exchange: a running OpenClaw of that version may send the same refresh token meanwhile, and one of
//! the two is refused. What it saved is then found and used here; what we saved, it finds when it reads
//! its store again. Where the issuer revokes a login whose token comes twice, name no issuer while such a
//! version runs.
//!
//! An inherited login is renewed in the main agent's store and never copied. A main agent's copy of the
//! very refresh token that was spent gets what came for it: it is worthless otherwise.
//!
//! **If it cannot be saved**, what came is kept in memory, saving is tried again every
//! [five seconds](AGAIN), and the request fails with the store's error: until it is saved, nobody gets
//! the new token. A provider that is dropped meanwhile, as by a new configuration, leaves that to go on;
//! [`settled`](crate::provider::AuthProfileProvider::settled) waits for it. If the process or its runtime
//! ends first, the login is lost and needs a sign-in. The format has no
//! place for an intent, so a crash between exchange and saving cannot be told from no exchange: the next
//! renewal sends the old refresh token, and an issuer that rotates refuses it.
//!
//! **If the issuer refuses** the refresh token, the store is read once more: another token in it is
//! used, or sent in turn, once. Else the login is `needs_reauth`, is not remembered as
//! the one that last worked, and the refused token is not sent again.

mod answer;
mod issuer;
mod life;
#[cfg(feature = "oauth")]
mod oauth;
mod protocol;
mod save;

pub use issuer::{LIMIT, NotRenewed, ProfileIssuer, RenewedLogin, StoredLogin};
pub(crate) use life::Lives;
#[cfg(feature = "oauth")]
pub use oauth::OAuthIssuer;
pub(crate) use protocol::{Inherited, Renewer, end, mark_in};
pub use save::AGAIN;
pub(crate) use save::Ours;

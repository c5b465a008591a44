//! The HTTP side of a gateway: where sign-ins come back, and a page that shows what is going on.
//!
//! [`Page::bind`] opens a port on loopback and nowhere else. [`Page::callback`] is the address to start
//! sign-ins with; [`PageLinks::mint`] makes an address for a person's browser, good for one use.
//!
//! | path | what | for whom |
//! |---|---|---|
//! | `GET /callback` | the redirect of a sign-in (RFC 6749 §4.1.2); the `state` finds it, and needs no more | whoever has the state |
//! | `GET /?token=…` | exchanges the token of a link for a session, and goes on to `/` | once, for an hour |
//! | `GET /` | states, ends counting down, sign-ins, taking back | a session |
//! | `GET /events` | what happens, as server-sent events | a session |
//! | `POST /operation` | an [`Operation`](crate::control::Operation) in JSON, answered as over the socket | a session, with its CSRF token |
//! | `GET /page.css`, `GET /page.js` | how it looks | anybody on this machine |
//!
//! # What it refuses
//! - A `Host` that is not the address it listens on: a name that somebody pointed at this machine.
//! - A state-changing request whose `Origin` is another, or that says nothing of where it is from; one
//!   without the session's CSRF token.
//! - A token used before, or replaced by a newer one. A session lasts 8 hours, and ends with the process.
//!   Its cookie is `HttpOnly` and `SameSite=Strict`, and named after the port, since browsers send cookies
//!   to every port of a host.
//! - Secrets: `get` with [`Reveal::Secret`](crate::control::Reveal::Secret) is refused whatever the rules
//!   say, and so is every operation that is not on the page's own list.
//! - More than it can carry: bodies over 64 KiB, heads over 32 KiB, more than 32 connections or 8 streams
//!   of events, a head or a body that takes longer than 10 s.
//!
//! The page has no content from elsewhere and no inline script; its content security policy allows neither.
//! What is shown on it of a sign-in under way (its address, its code) is for the person in front of it.

mod asset;
mod callback;
mod connection;
mod gate;
mod origin;
mod reply;
mod route;
mod serve;
mod stream;

pub use serve::{Page, PageError, PageLinks};

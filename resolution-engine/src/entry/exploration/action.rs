//! What can happen to an entry.

use std::time::Duration;

use crate::entry::machine::{Used, Withdrawal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A caller asks.
    Request(Wish),
    /// A caller that waits gives up.
    Cancel,
    /// The flight under way ends, be it one that still counts or not.
    End(End),
    /// The scheduler looks.
    Look(Used),
    /// Somebody saw what is served rejected.
    RejectServed,
    /// Somebody saw a revision rejected that is no longer served.
    RejectOld,
    /// Something takes back what is served.
    Withdraw(Withdrawal),
    /// What a sign-in brought is served, if nothing was taken back since.
    Adopt,
    /// Somebody else signs in, and it brings a credential.
    SignIn,
    /// Time passes until the next moment at which anything may change.
    ToNextMoment,
    /// So many milliseconds pass.
    Pass(u64),
}

/// How a caller asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Plain,
    /// For a credential that lasts.
    Lasting,
    /// In spite of a remembered failure.
    Explicit,
}

/// How a flight ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a new credential of this many seconds.
    Fresh(u64),
    /// With what the source had when the flight began.
    Again,
    Passing,
    Unchanged,
    Transient,
    /// With a pause the source asked for, in seconds.
    RetryAfter(u64),
    Permanent,
    Reauth,
    Stopped,
}

/// The life asked for by [`Wish::Lasting`].
pub(super) const LASTING: Duration = Duration::from_secs(1800);

/// The life of most credentials, in seconds.
pub(super) const HOUR: u64 = 3600;

/// Few enough to try every order of them, enough to meet every decision of the machine.
pub(super) const ALPHABET: &[Action] = &[
    Action::Request(Wish::Plain),
    Action::Request(Wish::Lasting),
    Action::Request(Wish::Explicit),
    Action::Cancel,
    Action::End(End::Fresh(HOUR)),
    Action::End(End::Again),
    Action::End(End::Unchanged),
    Action::End(End::Transient),
    Action::End(End::Reauth),
    Action::Look(Used::Yes),
    Action::RejectServed,
    Action::RejectOld,
    Action::Withdraw(Withdrawal::Revoked),
    Action::Withdraw(Withdrawal::SignedOut),
    Action::Withdraw(Withdrawal::SessionEnded),
    Action::Withdraw(Withdrawal::Invalidated),
    Action::SignIn,
    Action::ToNextMoment,
];

/// Ways into an entry's life, so that every order is also tried from its middle.
pub(super) const SITUATIONS: &[&[Action]] = &[
    &[],
    SERVED,
    // Its end is near: renewed ahead.
    &[ASK, FRESH, Action::ToNextMoment],
    // Nearer still: callers wait for the renewal.
    &[ASK, FRESH, Action::ToNextMoment, Action::ToNextMoment],
    // The renewal failed once, then for good.
    &[ASK, FRESH, Action::ToNextMoment, LOOK, Action::End(End::Transient)],
    &[ASK, FRESH, Action::ToNextMoment, LOOK, Action::End(End::Reauth)],
    // A renewal is under way.
    &[ASK, FRESH, Action::ToNextMoment, LOOK],
    // The rejected credential is being replaced.
    &[ASK, FRESH, Action::RejectServed, ASK],
    // A flight is under way that no longer counts.
    &[ASK, FRESH, Action::RejectServed, ASK, Action::Withdraw(Withdrawal::Revoked)],
    &[ASK, FRESH, Action::RejectServed, ASK, Action::SignIn],
];

pub(super) const ASK: Action = Action::Request(Wish::Plain);
pub(super) const FRESH: Action = Action::End(End::Fresh(HOUR));
pub(super) const LOOK: Action = Action::Look(Used::Yes);
pub(super) const SERVED: &[Action] = &[ASK, FRESH];

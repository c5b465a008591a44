//! Who may see the page: one token at a time, exchanged once for a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{Clock, Random, SecretString, Timestamp};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);
pub(super) const SESSION_LIFE: Duration = Duration::from_secs(8 * 60 * 60);
/// Beyond, the oldest ends.
const MOST_SESSIONS: usize = 16;

pub(super) struct Gate {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<(SecretString, Timestamp)>,
    sessions: Vec<Session>,
}

#[derive(Clone)]
pub(super) struct Session {
    cookie: SecretString,
    csrf: SecretString,
    pub(super) until: Timestamp,
    /// It made room for another one.
    pub(super) replaced: CancellationToken,
}

impl Session {
    pub(super) fn csrf(&self) -> &str {
        self.csrf.expose_secret()
    }

    pub(super) fn has_csrf(&self, given: &str) -> bool {
        same(self.csrf(), given)
    }
}

impl Gate {
    pub(super) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, state: Mutex::default() }
    }

    pub(super) const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A token, in place of the one before.
    pub(super) fn mint(&self) -> SecretString {
        let token = self.secret();
        self.state().token = Some((token.clone(), self.clock.now().plus(TOKEN_LIFE)));
        token
    }

    /// The cookie of a new session, if this is the token.
    pub(super) fn exchange(&self, token: &str) -> Option<SecretString> {
        let now = self.clock.now();
        let (cookie, csrf) = (self.secret(), self.secret());
        let mut state = self.state();
        let (expected, until) = state.token.as_ref()?;
        if !same(expected.expose_secret(), token) || *until <= now {
            return None;
        }
        state.token = None;
        state.sessions.retain(|session| now < session.until);
        if state.sessions.len() >= MOST_SESSIONS {
            state.sessions.remove(0).replaced.cancel();
        }
        let until = now.plus(SESSION_LIFE);
        let replaced = CancellationToken::new();
        state.sessions.push(Session { cookie: cookie.clone(), csrf, until, replaced });
        Some(cookie)
    }

    /// The session of this cookie, unless it has ended.
    pub(super) fn session(&self, cookie: &str) -> Option<Session> {
        let now = self.clock.now();
        let state = self.state();
        let mut found = None;
        // All of them, so that the time tells nothing.
        for session in &state.sessions {
            if same(session.cookie.expose_secret(), cookie) && now < session.until {
                found = Some(session.clone());
            }
        }
        found
    }

    /// 256 bits in hexadecimal digits.
    fn secret(&self) -> SecretString {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        self.random.fill(&mut *bytes);
        let mut text = String::with_capacity(64);
        for byte in *bytes {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        text.into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In a time that tells nothing.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use credential_provider_api::{ManualClock, SeededRandom};

    use super::*;

    fn gate() -> (Gate, ManualClock) {
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        (Gate::new(Arc::new(clock.clone()), Arc::new(SeededRandom::new(7))), clock)
    }

    #[test]
    fn a_token_is_good_once_for_an_hour_and_until_the_next_one() {
        let (gate, clock) = gate();
        assert!(gate.exchange("").is_none());
        let token = gate.mint();
        assert!(gate.exchange("x").is_none());
        assert!(gate.exchange(token.expose_secret()).is_some());
        assert!(gate.exchange(token.expose_secret()).is_none());

        let (older, newer) = (gate.mint(), gate.mint());
        assert!(gate.exchange(older.expose_secret()).is_none());
        clock.advance(TOKEN_LIFE);
        assert!(gate.exchange(newer.expose_secret()).is_none());
    }

    #[test]
    fn a_session_ends_and_the_oldest_makes_room() {
        let (gate, clock) = gate();
        let enter = || gate.exchange(gate.mint().expose_secret()).unwrap();
        let first = enter();
        assert!(gate.session(first.expose_secret()).is_some());
        let session = gate.session(first.expose_secret()).unwrap();
        assert!(session.has_csrf(session.csrf()) && !session.has_csrf(""));
        assert!(gate.session("").is_none());
        let later: Vec<_> = (0..MOST_SESSIONS).map(|_| enter()).collect();
        assert!(gate.session(first.expose_secret()).is_none());
        assert!(later.iter().all(|cookie| gate.session(cookie.expose_secret()).is_some()));
        clock.advance(SESSION_LIFE);
        assert!(gate.session(later[3].expose_secret()).is_none());
    }
}

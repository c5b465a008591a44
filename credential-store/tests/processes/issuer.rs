//! An issuer double on loopback: single-use refresh tokens, and a log of every token it saw.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use credential_provider_api::{Credential, Grant, Timestamp};
use serde::{Deserialize, Serialize};

/// Marks everything that must never stand in a file.
pub const CANARY: &str = "canary";
const AN_HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    pub token: String,
    pub pid: u32,
    /// The holder in the intent that the sender found on the disk before it sent.
    pub intent: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    Issued { access: String, refresh: String, lives_millis: u64 },
    InvalidGrant,
}

/// One use of a token.
#[derive(Clone, Debug)]
pub struct Use {
    pub at: Timestamp,
    pub token: String,
    pub pid: u32,
    pub intent: Option<String>,
    /// When the access token that was issued ends; `None` if it was refused.
    pub until: Option<Timestamp>,
}

/// What it does with a token that comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Refuses it and ends its family.
    Strict,
    /// Gives the same answer again until the successor is used.
    Grace,
}

/// A sign-in: a line of refresh tokens, each the successor of the one before.
struct Family {
    newest: u64,
    revoked: bool,
    /// How long the access tokens live that are issued before `last`; from there on an hour.
    lives: Duration,
    last: u64,
}

struct State {
    reuse: Reuse,
    delay: Duration,
    holding: bool,
    closed: bool,
    families: HashMap<u64, Family>,
    log: Vec<Use>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Ends when dropped.
pub struct Issuer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

impl Issuer {
    pub fn new(reuse: Reuse) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            reuse,
            delay: Duration::ZERO,
            holding: false,
            closed: false,
            families: HashMap::new(),
            log: Vec::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let served = shared.clone();
        let server = std::thread::spawn(move || served.serve(&listener));
        Self { address, shared, server: Some(server) }
    }

    /// How long each answer takes.
    pub fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// Keeps all answers back from now on, or lets them go.
    pub fn hold(&self, holding: bool) {
        self.shared.state().holding = holding;
        self.shared.changed.notify_all();
    }

    /// Waits until it has seen `token`.
    pub fn saw(&self, token: &str) {
        let state = self.shared.state();
        let unseen = |state: &mut State| !state.log.iter().any(|used| used.token == token);
        let limit = Duration::from_secs(60);
        let (state, waited) = self.shared.changed.wait_timeout_while(state, limit, unseen).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "{token} was not sent");
    }

    /// Somebody signs in: the number of the family, its first grant and credential.
    pub fn sign_in(&self, lives: Duration, last: u64) -> (u64, Grant, Credential) {
        let mut state = self.shared.state();
        let number = state.families.len() as u64;
        let family = Family { newest: 0, revoked: false, lives, last };
        let end = now().plus(family.lives(0));
        state.families.insert(number, family);
        let grant = Grant::from(refresh(number, 0).into_bytes());
        (number, grant, Credential::oauth2(access(number, 0).into()).with_expiry(end))
    }

    /// All uses of the tokens of a family, in order.
    pub fn uses(&self, family: u64) -> Vec<Use> {
        let mut uses = self.shared.state().log.clone();
        uses.retain(|used| numbers(&used.token).0 == family);
        uses
    }

    /// The access token that counts now.
    pub fn access(&self, family: u64) -> String {
        access(family, self.shared.state().families[&family].newest)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.hold(false);
        let _ = TcpStream::connect(self.address);
        let _ = self.server.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Judges tokens in the order in which their senders connected: one that was killed after it sent
    /// is never judged after one that took over from it.
    fn serve(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.state().closed {
                return;
            }
            let Ok(stream) = stream else { continue };
            // Who is stopped between connecting and sending does not stop the others.
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut line = String::new();
            let read = BufReader::new(&stream).read_line(&mut line);
            // A sender killed in the middle of its line has sent nothing.
            let Some(asked) = read.ok().and_then(|_| serde_json::from_str(&line).ok()) else {
                continue;
            };
            let (answer, delay) = {
                let mut state = self.state();
                (state.judge(asked), state.delay)
            };
            self.changed.notify_all();
            let shared = self.clone();
            std::thread::spawn(move || shared.answer(&stream, &answer, delay));
        }
    }

    fn answer(&self, mut stream: &TcpStream, answer: &Answer, delay: Duration) {
        // Whoever asked may be dead.
        let _ = stream.write_all(b"seen\n");
        std::thread::sleep(delay);
        drop(self.changed.wait_while(self.state(), |state| state.holding).unwrap());
        let _ =
            stream.write_all(format!("{}\n", serde_json::to_string(answer).unwrap()).as_bytes());
    }
}

impl State {
    fn judge(&mut self, asked: Asked) -> Answer {
        let (number, token) = numbers(&asked.token);
        let family = self.families.get_mut(&number).unwrap();
        let good = !family.revoked
            && (token == family.newest
                || (self.reuse == Reuse::Grace && token + 1 == family.newest));
        let at = now();
        let (answer, until) = if good {
            let next = token + 1;
            family.newest = next;
            let lives = family.lives(next);
            let lives_millis = u64::try_from(lives.as_millis()).unwrap();
            let (access, refresh) = (access(number, next), refresh(number, next));
            (Answer::Issued { access, refresh, lives_millis }, Some(at.plus(lives)))
        } else {
            family.revoked = true;
            (Answer::InvalidGrant, None)
        };
        let Asked { token, pid, intent } = asked;
        self.log.push(Use { at, token, pid, intent, until });
        answer
    }
}

impl Family {
    fn lives(&self, number: u64) -> Duration {
        if number < self.last { self.lives } else { AN_HOUR }
    }
}

pub fn now() -> Timestamp {
    SystemTime::now().into()
}

pub fn refresh(family: u64, number: u64) -> String {
    format!("{CANARY}-rt-{family}-{number}")
}

pub fn access(family: u64, number: u64) -> String {
    format!("{CANARY}-at-{family}-{number}")
}

/// The family and the number of a token.
pub fn numbers(token: &str) -> (u64, u64) {
    let mut parts = token.rsplit('-');
    let mut number = || parts.next().unwrap().parse().unwrap();
    let (token, family) = (number(), number());
    (family, token)
}

//! An issuer of our own, over HTTP on loopback: what an OpenID Provider, a calendar and a chat would
//! be.
//!
//! It knows nothing of the engine. Its refresh tokens are single-use: one that comes twice ends the
//! login, as RFC 9700 §4.14.2 asks. So whoever renews twice is found out.

mod answers;
mod id_token;
mod ledger;
mod server;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use self::id_token::Signer;
use self::ledger::Ledger;

/// The only client it knows. It is public: it proves itself by PKCE.
pub const CLIENT: &str = "gateway";

/// A running issuer. It serves until it is dropped.
pub struct Issuer {
    books: Arc<Books>,
    server: JoinHandle<()>,
}

/// What it knows and how it behaves.
struct Books {
    url: String,
    token_life: Duration,
    ledger: Mutex<Ledger>,
    signer: Signer,
    outage: AtomicBool,
    under_way: AtomicU64,
    /// The shortest and the longest a token request takes, in milliseconds.
    latency: (u64, u64),
    dice: RandomState,
    calls: AtomicU64,
}

impl Issuer {
    /// An issuer on a port that the system chooses. Its access tokens live for `token_life`, in whole
    /// seconds; its token requests take between these many milliseconds.
    ///
    /// # Errors
    /// The system's, if there is no port.
    pub async fn start(token_life: Duration, latency: (u64, u64)) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        // A crowd connects at once: what does not fit into the usual queue comes a second later.
        let listener = socket.listen(1024)?;
        let books = Arc::new(Books {
            url: format!("http://{}", listener.local_addr()?),
            token_life,
            ledger: Mutex::new(Ledger::new(token_life)),
            signer: Signer::new()?,
            outage: AtomicBool::new(false),
            under_way: AtomicU64::new(0),
            latency,
            dice: RandomState::new(),
            calls: AtomicU64::new(0),
        });
        let server = tokio::spawn(server::serve(listener, books.clone()));
        Ok(Self { books, server })
    }

    /// Its identifier: where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.books.url
    }

    /// How long an access token lives.
    #[must_use]
    pub fn token_life(&self) -> Duration {
        self.books.token_life
    }

    /// The calendar refuses the access tokens this user has now; the grant stays good.
    pub fn reject_access_of(&self, user: &str) {
        self.books.ledger().end_access(user);
    }

    /// It answers 503 to everything, or answers again. The calendar is not concerned.
    pub fn set_outage(&self, outage: bool) {
        self.books.outage.store(outage, Ordering::Relaxed);
    }

    /// How often a grant of this user was renewed.
    #[must_use]
    pub fn renewals_of(&self, user: &str) -> u64 {
        self.books.ledger().renewals_of(user)
    }

    /// How many refresh tokens came twice.
    #[must_use]
    pub fn spent_twice(&self) -> u64 {
        self.books.ledger().spent_twice()
    }

    /// How many token requests have come and are not answered yet.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.books.under_way.load(Ordering::Relaxed)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Books {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_down(&self) -> bool {
        self.outage.load(Ordering::Relaxed)
    }

    /// What a token request takes.
    async fn work(&self) {
        let _under_way = UnderWay::begin(&self.under_way);
        let (least, most) = self.latency;
        let dice = self.dice.hash_one(self.calls.fetch_add(1, Ordering::Relaxed));
        let millis = least + dice % (most - least).max(1);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// Counts a request, also one whose client goes away.
struct UnderWay<'a>(&'a AtomicU64);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

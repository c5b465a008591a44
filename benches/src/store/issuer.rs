//! An issuer on loopback that rotates refresh tokens, refuses spent ones, and keeps books.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use credential_provider_api::Timestamp;

/// How long it thinks.
const ANSWER: Duration = Duration::from_millis(20);
/// How long a credential lasts, but for the last of each grant, which lasts for all of the run.
const LIFE: Duration = Duration::from_millis(400);
const LAST_LIFE: Duration = Duration::from_secs(3600);

/// What an issuer has counted.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    /// Refresh tokens that were sent.
    pub(super) exchanges: usize,
    /// Of these, spent ones.
    pub(super) refused: usize,
    /// Of these, in place of a credential that had ended. A sign-in brings none, which counts as one.
    pub(super) expiries: usize,
}

/// A grant's latest issue.
struct Issue {
    generation: u64,
    ends: Timestamp,
}

struct Books {
    /// The generation whose credential lasts.
    last: u64,
    grants: HashMap<String, Issue>,
    counts: Counts,
}

/// Runs until it is dropped.
pub(super) struct Issuer {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    closed: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Issuer {
    /// An issuer whose `last` credential of each grant lasts; those before end soon.
    pub(super) fn start(last: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let books = Books { last, grants: HashMap::new(), counts: Counts::default() };
        let (books, closed) = (Arc::new(Mutex::new(books)), Arc::new(AtomicBool::new(false)));
        let (for_all, until) = (books.clone(), closed.clone());
        let accepting = std::thread::spawn(move || {
            for caller in listener.incoming() {
                if until.load(Ordering::Relaxed) {
                    break;
                }
                let (caller, books) = (caller.expect("a caller"), for_all.clone());
                std::thread::spawn(move || answer(&caller, &books));
            }
        });
        Self { address, books, closed, accepting: Some(accepting) }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn counts(&self) -> Counts {
        books(&self.books).counts
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // It looks whether it is closed when somebody calls.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().expect("it does not panic");
        }
    }
}

/// A caller sends the name and generation of a grant, and is told the generation that follows and
/// the end of its credential; or nothing, if the grant was spent.
fn answer(mut caller: &TcpStream, of_all: &Mutex<Books>) {
    let mut line = String::new();
    // A caller that hangs up was the one that closes.
    if BufReader::new(caller).read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let issued = books(of_all).exchange(line.trim_end());
    std::thread::sleep(ANSWER);
    if let Some((generation, ends)) = issued {
        writeln!(caller, "{generation} {}", ends.as_millis()).expect("the caller waits");
    }
}

fn books(of_all: &Mutex<Books>) -> MutexGuard<'_, Books> {
    of_all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    fn exchange(&mut self, grant: &str) -> Option<(u64, Timestamp)> {
        let (name, generation) = grant.split_once(' ').expect("a name and a generation");
        let generation: u64 = generation.parse().expect("a number");
        let signed_in = || Issue { generation: 0, ends: Timestamp::EPOCH };
        let issue = self.grants.entry(name.to_owned()).or_insert_with(signed_in);
        self.counts.exchanges += 1;
        if issue.generation != generation {
            self.counts.refused += 1;
            return None;
        }
        let now = Timestamp::from(SystemTime::now());
        self.counts.expiries += usize::from(issue.ends <= now);
        let next = generation + 1;
        let ends = now.plus(if next < self.last { LIFE } else { LAST_LIFE });
        *issue = Issue { generation: next, ends };
        Some((next, ends))
    }
}

//! One of several processes that renew the same grants.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use credential_provider_api::{
    Credential, CredentialError, ExposeSecret as _, Grant, GrantStore, Key, Lease, Loaded,
    ReauthReason, Record, Revision, StoreChanges, Timestamp, async_trait,
};
use credential_store::{Exchange, Exchanged, FileStore, Grants, Renewal};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use super::shelf::{builder, key, runtime};

/// The argument that makes the program such a process.
pub const COMMAND: &str = "renew";

/// Tasks at once: as many calls as an engine makes at once.
const AT_ONCE: usize = 64;
/// Calls to the issuer at once: more of all processes than a listener keeps waiting, it would turn
/// away.
const CALLS: usize = 8;
/// Longer than any run; a process that is stuck says so.
const LIMIT: Duration = Duration::from_secs(60);

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Task {
    /// The issuer.
    pub(super) issuer: SocketAddr,
    /// Its first key.
    pub(super) first: usize,
    /// How many keys.
    pub(super) keys: usize,
    /// How many tasks want each of them.
    pub(super) tasks: usize,
    /// Each of them until it is given a credential of this generation.
    pub(super) last: u64,
}

/// What it reports: one line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Report {
    /// Tasks that were given the last credential.
    pub(super) served: usize,
    /// The longest wait for a lease, of those who got it.
    pub(super) slowest_lease: Duration,
    /// The longest wait for a credential.
    pub(super) slowest_answer: Duration,
}

impl Task {
    pub(super) fn arguments(self) -> [String; 5] {
        let Self { issuer, first, keys, tasks, last } = self;
        [
            issuer.to_string(),
            first.to_string(),
            keys.to_string(),
            tasks.to_string(),
            last.to_string(),
        ]
    }

    fn parse(arguments: &[&str]) -> Option<Self> {
        let [issuer, first, keys, tasks, last] = arguments else {
            return None;
        };
        Some(Self {
            issuer: issuer.parse().ok()?,
            first: first.parse().ok()?,
            keys: keys.parse().ok()?,
            tasks: tasks.parse().ok()?,
            last: last.parse().ok()?,
        })
    }
}

impl Report {
    fn line(self) -> String {
        let Self { served, slowest_lease, slowest_answer } = self;
        format!("{served} {} {}", slowest_lease.as_micros(), slowest_answer.as_micros())
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(|word| word.parse::<u64>().ok());
        let mut next = || words.next().flatten();
        let served = usize::try_from(next()?).ok()?;
        let (slowest_lease, slowest_answer) = (next()?, next()?);
        Some(Self {
            served,
            slowest_lease: Duration::from_micros(slowest_lease),
            slowest_answer: Duration::from_micros(slowest_answer),
        })
    }
}

/// Is such a process: opens the store, says so, and begins when told to.
///
/// # Panics
/// If it was not started as one.
pub fn run(folder: &str, arguments: &[&str]) {
    let task = Task::parse(arguments).expect("started by `promises`");
    runtime().block_on(async {
        let store = builder(Path::new(folder)).open().await.expect("the folder is ours");
        println!("ready");
        // Nobody is waited for while somebody still starts.
        std::io::stdin().lock().read_line(&mut String::new()).expect("told to begin");
        let report = tokio::time::timeout(LIMIT, renew(store, task)).await;
        println!("{}", report.expect("nothing gets stuck").line());
    });
}

async fn renew(store: FileStore, task: Task) -> Report {
    let timed = Arc::new(Timed { store, slowest: Mutex::default() });
    let grants = Grants::new(timed.clone());
    let issuer = Arc::new(Issuer { address: task.issuer, calls: Semaphore::new(CALLS) });
    let wants = (task.first..task.first + task.keys).flat_map(|nth| vec![key(nth); task.tasks]);
    let begun =
        wants.map(|key| tokio::spawn(last_of(grants.clone(), issuer.clone(), key, task.last)));
    let mut ended = stream::iter(begun).buffer_unordered(AT_ONCE);
    let mut report = Report::default();
    while let Some(slowest) = ended.next().await {
        report.served += 1;
        report.slowest_answer = report.slowest_answer.max(slowest.expect("tasks do not panic"));
    }
    report.slowest_lease = *timed.slowest.lock().unwrap_or_else(PoisonError::into_inner);
    report
}

/// Wants a credential whenever the one it has has ended, until it gets the last; its longest wait.
async fn last_of(grants: Grants, issuer: Arc<Issuer>, key: Key, last: u64) -> Duration {
    let mut slowest = Duration::ZERO;
    loop {
        let asked = Instant::now();
        let renewed = grants.renew(Renewal::of(key.clone()), issuer.clone()).await;
        slowest = slowest.max(asked.elapsed());
        let credential = renewed.expect("nobody is refused");
        let generation = credential.secret().expect("a token").expose_secret();
        if generation.parse::<u64>().expect("a generation") >= last {
            return slowest;
        }
        let ends = credential.expires_at().expect("all of them end");
        tokio::time::sleep(Timestamp::from(SystemTime::now()).until(ends)).await;
    }
}

/// Calls the issuer.
struct Issuer {
    address: SocketAddr,
    calls: Semaphore,
}

#[async_trait]
impl Exchange for Issuer {
    async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
        let sent = String::from_utf8(grant.expose().to_vec()).expect("a grant of ours");
        let name = sent.split(' ').next().unwrap_or_default().to_owned();
        let _turn = self.calls.acquire().await.expect("it is never closed");
        let address = self.address;
        let called = tokio::task::spawn_blocking(move || call(address, &sent));
        match called.await.expect("a call does not panic") {
            Some((generation, ends)) => Exchanged::Issued {
                credential: Credential::oauth2(generation.to_string().into()).with_expiry(ends),
                grant: Some(Grant::from(format!("{name} {generation}").into_bytes())),
            },
            None => {
                let reason = ReauthReason::GrantRejected;
                Exchanged::Refused { reason, detail: "it was spent".into() }
            }
        }
    }
}

fn call(issuer: SocketAddr, grant: &str) -> Option<(u64, Timestamp)> {
    let mut issuer = TcpStream::connect(issuer).expect("it listens");
    writeln!(issuer, "{grant}").expect("it reads");
    let mut line = String::new();
    BufReader::new(issuer).read_line(&mut line).expect("it answers");
    let (generation, ends) = line.trim_end().split_once(' ')?;
    Some((generation.parse().ok()?, Timestamp::from_millis(ends.parse().ok()?)))
}

/// The store, and the longest that anybody waited for a lease.
struct Timed {
    store: FileStore,
    slowest: Mutex<Duration>,
}

#[async_trait]
impl GrantStore for Timed {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        self.store.load(key).await
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        self.store.list().await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.store.save(key, expected, record).await
    }

    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.store.remove(key, expected).await
    }

    fn watch(&self) -> StoreChanges {
        self.store.watch()
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let asked = Instant::now();
        let lease = self.store.lease(key).await;
        let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
        *slowest = slowest.max(asked.elapsed());
        lease
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_and_tells() {
        let issuer = ([127, 0, 0, 1], 8080).into();
        let task = Task { issuer, first: 1, keys: 2, tasks: 3, last: 4 };
        assert_eq!(Task::parse(&task.arguments().each_ref().map(String::as_str)), Some(task));
        let [slowest_lease, slowest_answer] = [5, 6].map(Duration::from_micros);
        let report = Report { served: 7, slowest_lease, slowest_answer };
        assert_eq!(Report::parse(&report.line()), Some(report));
    }
}

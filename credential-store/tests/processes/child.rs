//! What a child process does.

mod crowd;
mod stops;
mod turns;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Change, Credential, CredentialError, Grant, GrantStore as _, Revision,
};
use credential_store::{FileStore, Grants, KeyFile, Renewal};
use futures::StreamExt as _;
use tokio::sync::mpsc;

use crate::common::key;
use crate::exchange::{Beside, Line};
use crate::words::{Order, Outcome, Setup, Word};
use stops::Stops;

/// What its tasks share.
#[derive(Clone)]
struct Me {
    setup: Setup,
    store: FileStore,
    grants: Grants,
    stops: Arc<Stops>,
}

pub fn run(setup: Setup) {
    // What a task finds wrong ends the process, and so the test, at once.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        std::process::exit(101);
    }));
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (go, gone) = std::sync::mpsc::channel();
        let (sender, mut orders) = mpsc::unbounded_channel();
        // On a thread of its own: it also runs while the renewal is stopped.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                match serde_json::from_str(&line).unwrap() {
                    Order::Go => go.send(()).unwrap(),
                    order => sender.send(order).unwrap(),
                }
            }
            // The test is over, or dead.
            std::process::exit(0);
        });
        let me = Me::new(setup, gone).await;
        say(&Word::Ready);
        let mut held = None;
        while let Some(order) = orders.recv().await {
            match order {
                Order::Hold { key: id } => match me.store.lease(&key(&id)).await {
                    Ok(lease) => {
                        held = Some(lease);
                        say(&Word::Held);
                    }
                    Err(error) => say(&Word::NotHeld(Outcome::of(Err(error)))),
                },
                Order::Release => {
                    held = None;
                    say(&Word::Released);
                }
                other => {
                    tokio::spawn(me.clone().obey(other));
                }
            }
        }
        drop(held);
    });
}

impl Me {
    async fn new(setup: Setup, go: std::sync::mpsc::Receiver<()>) -> Self {
        let stops = Arc::new(Stops::new(setup.stop.clone(), go));
        let keys = KeyFile::new(setup.root.join("keys"));
        let store = FileStore::builder(setup.root.join("store"), keys)
            .lease_wait(Duration::from_millis(setup.lease_wait_millis))
            .faults(stops.clone())
            .open()
            .await
            .unwrap();
        let grants = Grants::builder(Arc::new(store.clone())).faults(stops.clone()).build();
        Self { setup, store, grants, stops }
    }

    async fn obey(self, order: Order) {
        match order {
            Order::Renew { id, key, newer_than } => {
                let newer_than = newer_than.and_then(Revision::new);
                let outcome = Outcome::of(self.renew(&key, newer_than).await);
                say(&Word::Renewed { id, outcome });
            }
            Order::Turns { key, millis, hold_millis, ledger } => {
                self.turns(&key, millis, hold_millis, &ledger).await;
            }
            Order::Time { key, times } => self.time(&key, times).await,
            Order::SignIn { key: id, grant } => {
                let grant = Grant::from(grant.into_bytes());
                self.grants.sign_in(&key(&id), Some(grant), None).await.unwrap();
                say(&Word::SignedIn);
            }
            Order::SignOut { key: id } => {
                self.grants.sign_out(&key(&id)).await.unwrap();
                say(&Word::SignedOut);
            }
            Order::Follow => self.follow().await,
            Order::Crowd { key, tasks, until } => self.crowd(key, tasks, until).await,
            Order::All { prefix, count, first, at_once } => {
                self.all(prefix, count, first, at_once).await;
            }
            Order::Go | Order::Hold { .. } | Order::Release => {}
        }
    }

    async fn renew(
        &self,
        id: &str,
        newer_than: Option<Revision>,
    ) -> Result<Credential, CredentialError> {
        let line = Line {
            issuer: self.setup.issuer,
            store: Arc::new(self.store.clone()),
            key: key(id),
            clock: None,
            beside: self.stops.clone(),
        };
        let ask = Renewal::of(key(id)).newer_than(newer_than);
        self.grants.renew(ask, Arc::new(line)).await
    }

    async fn follow(self) {
        let mut changes = self.grants.changes();
        say(&Word::Following);
        while let Some(change) = changes.next().await {
            let (what, key) = match change {
                Change::Key(key) => ("key", Some(key)),
                Change::Renewed(key, _) => ("renewed", Some(key)),
                Change::SignedIn(key) => ("signed_in", Some(key)),
                Change::SignedOut(key) => ("signed_out", Some(key)),
                _ => ("other", None),
            };
            let key = key.map_or_else(String::new, |key| key.reference().to_string());
            say(&Word::Changed { what: what.to_owned(), key });
        }
    }
}

impl Beside for Stops {
    fn sent(&self) {
        self.at_sent();
    }

    fn discarded(&self, grant: &str) {
        say(&Word::Discarded { grant: grant.to_owned() });
    }
}

/// On a line of its own: the test harness writes to the same output and may have begun one.
fn say(word: &Word) {
    let line = format!("\n@{}\n", serde_json::to_string(word).unwrap());
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes()).unwrap();
    output.flush().unwrap();
}

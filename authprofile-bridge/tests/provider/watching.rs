//! What others change reaches whoever follows the store, and costs the caller's thread nothing.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use authprofile_bridge::openclaw::{Database, Mark, Row};
use credential_provider_api::*;
use futures::{FutureExt as _, StreamExt as _};

use super::world::{World, ask, ended, login, until};

/// An empty database, and who looked at it.
#[derive(Debug, Default)]
struct Readers(Mutex<Vec<ThreadId>>);

impl Readers {
    fn note(&self) {
        self.0.lock().unwrap().push(std::thread::current().id());
    }

    fn seen(&self) -> Vec<ThreadId> {
        self.0.lock().unwrap().clone()
    }
}

impl Database for Readers {
    fn read(&self, _: &Path, rows: &[Row]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        self.note();
        Ok(rows.iter().map(|_| None).collect())
    }

    fn mark(&self, _: &Path) -> Result<Mark, CredentialError> {
        self.note();
        Ok(Mark::new([None]))
    }
}

/// The next change, while the time goes on.
async fn told(world: &World, changes: &mut Changes) -> Change {
    let (changes, found) = (RefCell::new(changes), RefCell::new(None));
    until("a change is told", async || {
        world.clock.advance(Duration::from_secs(1));
        let next = changes.borrow_mut().next().now_or_never().flatten();
        *found.borrow_mut() = next;
        found.borrow().is_some()
    })
    .await;
    found.into_inner().unwrap()
}

fn credential(id: &str) -> Change {
    Change::Credential(CredentialId::new(id).unwrap())
}

fn key(provider: &str, key: &str) -> String {
    format!("{{\"type\": \"api_key\", \"provider\": \"{provider}\", \"key\": \"{key}\"}}")
}

#[tokio::test]
async fn following_a_store_reads_it_on_a_thread_that_may_block() {
    let world = World::new();
    let readers = Arc::new(Readers::default());
    let provider = world.provider(world.builder().database(readers.clone()));
    let mut changes = provider.changes();
    assert!(readers.seen().is_empty(), "it is read before anybody polls");
    assert!(changes.next().now_or_never().is_none());
    until("it is read", async || !readers.seen().is_empty()).await;
    assert!(!readers.seen().contains(&std::thread::current().id()));
}

#[tokio::test]
async fn what_changed_between_the_first_request_and_the_first_poll_is_told() {
    let world = World::with(&format!("{{\"x:1\": {}, \"y:1\": {}}}", key("x", "a"), key("y", "b")));
    let provider = world.provider(world.builder());
    let mut changes = provider.changes();
    assert_eq!(ask(&provider, &world.request("x:1")).await.unwrap(), "a");
    world.write("main", &format!("{{\"x:1\": {}, \"y:1\": {}}}", key("x", "c"), key("y", "b")));
    for id in ["x:1", "x"] {
        assert_eq!(told(&world, &mut changes).await, credential(id));
    }
    // The other one did not change, and the watch goes on.
    world.write("main", &format!("{{\"x:1\": {}, \"y:1\": {}}}", key("x", "c"), key("y", "d")));
    assert_eq!(told(&world, &mut changes).await, credential("y:1"));
}

#[tokio::test]
async fn a_store_that_was_torn_when_the_watch_began_tells_of_no_sign_in() {
    for polled_before in [false, true] {
        let world = World::with("{}");
        world.write_file("main", "auth-profiles.json", "{\"profiles\": {");
        let provider = world.provider(world.builder());
        let mut changes = provider.changes();
        if polled_before {
            assert!(changes.next().now_or_never().is_none());
        }
        let error = ask(&provider, &world.request("codex:me")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        world.write("main", &format!("{{\"codex:me\": {}}}", ended(&world)));
        for id in ["codex", "codex:me"] {
            assert_eq!(told(&world, &mut changes).await, credential(id));
        }
        // One of another account is, as ever.
        let yours = login(&world, "yours", "r", 3_600_000).replace("\"me\"", "\"you\"");
        world.write("main", &format!("{{\"codex:me\": {yours}}}"));
        assert!(matches!(told(&world, &mut changes).await, Change::SignedIn(_)));
    }
}

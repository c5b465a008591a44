//! Exchanges and providers that behave badly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credential_provider_api::*;
use credential_store::{Exchange, Exchanged, FileStore, Grants, KeyFile, MemoryStore, Renewal};
use tokio::sync::Semaphore;

fn mail() -> Key {
    Key::gateway(&CredentialRef::parse("idp/mail").unwrap())
}

struct Issuer {
    calls: AtomicUsize,
    sent: Semaphore,
    answer: Semaphore,
    life: Duration,
    discard: Discard,
    size: usize,
}

#[derive(Clone, Copy)]
enum Discard {
    Hang,
    Panic,
}

impl Issuer {
    fn new(discard: Discard) -> Self {
        Self {
            calls: AtomicUsize::new(0),
            sent: Semaphore::new(0),
            answer: Semaphore::new(0),
            life: Duration::from_secs(60),
            discard,
            size: 4,
        }
    }
}

#[async_trait]
impl Exchange for Issuer {
    async fn exchange(&self, _: &Grant, _: Option<&Credential>) -> Exchanged {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        self.sent.add_permits(1);
        self.answer.acquire().await.unwrap().forget();
        let end = Timestamp::from(std::time::SystemTime::now()).plus(self.life);
        Exchanged::Issued {
            credential: Credential::oauth2(format!("at-{number}").into()).with_expiry(end),
            grant: Some(Grant::from(vec![b'r'; self.size])),
        }
    }

    async fn discard(&self, _: Grant) {
        match self.discard {
            Discard::Hang => std::future::pending().await,
            Discard::Panic => panic!("as told"),
        }
    }
}

async fn signed_out_meanwhile(discard: Discard) -> Option<Result<Credential, CredentialError>> {
    let grants = Grants::new(Arc::new(MemoryStore::new()));
    grants.sign_in(&mail(), Some(Grant::from(b"rt".to_vec())), None).await.unwrap();
    let issuer = Arc::new(Issuer::new(discard));
    let (asking, exchange) = (grants.clone(), issuer.clone());
    let renewal = tokio::spawn(async move { asking.renew(Renewal::of(mail()), exchange).await });
    issuer.sent.acquire().await.unwrap().forget();
    grants.sign_out(&mail()).await.unwrap();
    issuer.answer.add_permits(1);
    // Time is paused: an hour passes at once if nothing else is to happen.
    tokio::time::timeout(Duration::from_secs(3600), renewal).await.ok().map(Result::unwrap)
}

/// Promise 2: a provider that hangs meets a limit; nobody waits for ever.
#[tokio::test(start_paused = true)]
async fn a_discard_that_hangs_meets_a_limit() {
    let outcome = signed_out_meanwhile(Discard::Hang).await;
    assert!(outcome.is_some(), "the renewal, its turn and its lease are held for ever");
}

/// Promise 2: one that panics fails its own key with an error, here the right one.
#[tokio::test(start_paused = true)]
async fn a_discard_that_panics_does_not_hide_the_sign_out() {
    let error = signed_out_meanwhile(Discard::Panic).await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth, "{error}");
}

/// Promise 1: what somebody else renewed while I waited is the answer, also if the issuer gives no
/// longer life than that.
#[tokio::test]
async fn a_crowd_that_wants_more_than_the_issuer_gives_costs_one_exchange() {
    let grants = Grants::new(Arc::new(MemoryStore::new()));
    grants.sign_in(&mail(), Some(Grant::from(b"rt".to_vec())), None).await.unwrap();
    let issuer = Arc::new(Issuer::new(Discard::Hang));
    issuer.answer.add_permits(1000);
    let ask = || {
        let (grants, issuer) = (grants.clone(), issuer.clone());
        let ask = Renewal::of(mail()).min_validity(Duration::from_secs(120));
        tokio::spawn(async move { grants.renew(ask, issuer).await.map(drop) })
    };
    for asked in (0..64).map(|_| ask()).collect::<Vec<_>>() {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(issuer.calls.load(Ordering::SeqCst), 1, "exchanges for 64 callers at once");
}

/// "A record may have 1 MiB": what can never be saved is an error now, not after ten minutes under
/// the lease.
#[tokio::test]
async fn a_grant_that_is_too_large_is_an_error_at_once() {
    let place = std::env::temp_dir().join(format!("review3-large-{}", std::process::id()));
    let store = FileStore::open(place.join("s"), KeyFile::new(place.join("k"))).await.unwrap();
    let grants = Grants::new(Arc::new(store));
    grants.sign_in(&mail(), Some(Grant::from(b"rt".to_vec())), None).await.unwrap();
    let issuer = Arc::new(Issuer { size: 2 << 20, ..Issuer::new(Discard::Hang) });
    issuer.answer.add_permits(1);
    let asked = grants.renew(Renewal::of(mail()), issuer);
    let outcome = tokio::time::timeout(Duration::from_secs(5), asked).await;
    let _ = std::fs::remove_dir_all(&place);
    assert!(outcome.is_ok(), "it is saved again and again, and cannot be");
}

//! Two engines of one process, each with the store opened anew.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use credential_provider_api::*;
use examples::gateway::folder::Folder;
use examples::gateway::issuer::Issuer;

use crate::gateway::{Gateway, LONG, PROMISED, issuer, reason, signed_out};

struct Two {
    issuer: Issuer,
    here: Arc<Gateway>,
    there: Arc<Gateway>,
    // Goes last.
    _folder: Folder,
}

impl Two {
    async fn new(life: Duration) -> Self {
        let (folder, issuer) = (Folder::new().unwrap(), issuer(life).await);
        let here = Gateway::open(folder.path(), issuer.url()).await;
        let there = Gateway::open(folder.path(), issuer.url()).await;
        Self { issuer, here, there, _folder: folder }
    }

    /// `callers` at each ask at once.
    async fn all_ask(&self, callers: usize) -> Vec<Arc<Credential>> {
        let mut tasks = Vec::new();
        for gateway in [&self.here, &self.there] {
            for _ in 0..callers {
                let gateway = gateway.clone();
                tasks.push(tokio::spawn(async move { gateway.ask().await.unwrap() }));
            }
        }
        let answers = futures::future::join_all(tasks).await;
        answers.into_iter().map(Result::unwrap).collect()
    }

    async fn close(self) {
        self.here.close().await;
        self.there.close().await;
        assert_eq!(self.issuer.spent_twice(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_4_a_sign_out_here_ends_there_within_two_seconds() {
    let two = Two::new(LONG).await;
    two.here.sign_in().await;
    let served = two.here.ask().await.unwrap();
    let handle = two.there.bind();
    assert!(handle.get().await.unwrap().same_secrets(&served));

    let since = handle.version();
    let revoked = two.here.target().sign_out().await.unwrap();
    let begun = Instant::now();
    assert_eq!(revoked, Revocation::Remote);
    assert!(signed_out(&two.here.ask().await));
    tokio::time::timeout(PROMISED, handle.changed(since)).await.unwrap();
    assert!(signed_out(&handle.with(|_| ())), "a read");
    assert!(signed_out(&handle.get().await), "a wait");
    assert!(signed_out(&two.there.ask().await), "a request");
    assert!(begun.elapsed() < PROMISED, "{:?}", begun.elapsed());
    let retried = two.there.ask_again().await;
    assert!(signed_out(&retried), "and one that insists");
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_4_a_revocation_here_ends_there_within_two_seconds() {
    let two = Two::new(LONG).await;
    two.here.sign_in().await;
    let handle = two.there.bind();
    handle.get().await.unwrap();
    let since = handle.version();
    assert_eq!(two.here.target().revoke().await.unwrap(), Revocation::Remote);
    tokio::time::timeout(PROMISED, handle.changed(since)).await.unwrap();
    assert!(signed_out(&handle.with(|_| ())) && signed_out(&two.there.ask().await));
    assert_eq!(two.here.ask().await.unwrap_err().code(), ErrorCode::Revoked);

    // A sign-in elsewhere ends the revocation here.
    two.there.sign_in().await;
    let begun = Instant::now();
    let (back, came) = two.here.ask_until(Result::is_ok).await;
    assert!(came - begun < PROMISED, "{:?}", came - begun);
    assert!(back.unwrap().same_secrets(&handle.get().await.unwrap()));
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_4_a_sign_in_here_ends_needs_reauth_there() {
    let two = Two::new(LONG).await;
    let handle = two.there.bind();
    assert_eq!(reason(&two.there.ask().await), Some(ReauthReason::NotSignedIn));
    assert_eq!(reason(&handle.with(|_| ())), Some(ReauthReason::NotSignedIn));

    two.here.sign_in().await;
    let begun = Instant::now();
    let (served, came) = two.there.ask_until(Result::is_ok).await;
    assert!(came - begun < PROMISED, "{:?}", came - begun);
    let served = served.unwrap();
    assert!(served.same_secrets(&two.here.ask().await.unwrap()));
    assert_eq!(served.account().unwrap().as_str(), "alice");
    assert!(handle.with(|read| read.same_secrets(&served)).unwrap());
    assert_eq!(two.issuer.renewals_of("alice"), 0);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_1_two_engines_cost_one_renewal() {
    let two = Two::new(Duration::from_secs(1)).await;
    two.here.sign_in().await;
    let first = two.there.ask().await.unwrap();
    // Nothing cached and nothing scheduled: the token ends unrenewed.
    for gateway in [&two.here, &two.there] {
        gateway.target().invalidate().unwrap();
    }
    while Timestamp::from(SystemTime::now()) < first.expires_at().unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(two.issuer.renewals_of("alice"), 0);
    let answers = two.all_ask(50).await;
    assert_eq!(two.issuer.renewals_of("alice"), 1);
    assert!(answers.iter().all(|other| other.revision() == answers[0].revision()));
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_1_a_rejection_seen_by_both_costs_one_renewal() {
    let two = Two::new(LONG).await;
    two.here.sign_in().await;
    let [first, second] = [two.here.ask().await.unwrap(), two.there.ask().await.unwrap()];
    two.issuer.reject_access_of("alice");
    two.here.reject(&first);
    two.there.reject(&second);
    for answer in two.all_ask(50).await {
        assert!(!answer.same_secrets(&first));
    }
    assert_eq!(two.issuer.renewals_of("alice"), 1);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_3_a_renewal_by_the_other_engine_is_picked_up_without_a_second_exchange() {
    let two = Two::new(LONG).await;
    two.here.sign_in().await;
    let handle = two.there.bind();
    let old = handle.get().await.unwrap();
    let since = handle.version();
    two.here.reject(&two.here.ask().await.unwrap());
    let new = two.here.ask().await.unwrap();
    let begun = Instant::now();
    assert!(!new.same_secrets(&old));

    tokio::time::timeout(PROMISED, handle.changed(since)).await.unwrap();
    assert!(handle.get().await.unwrap().same_secrets(&new));
    assert!(two.there.ask().await.unwrap().same_secrets(&new));
    assert!(begun.elapsed() < PROMISED, "{:?}", begun.elapsed());
    assert_eq!(two.issuer.renewals_of("alice"), 1);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_3_tokens_that_two_engines_renew_ahead_serve_every_request() {
    let two = Two::new(Duration::from_secs(1)).await;
    two.here.sign_in().await;
    let until = Instant::now() + Duration::from_secs(3);
    let mut failed = Vec::new();
    while Instant::now() < until {
        for gateway in [&two.here, &two.there] {
            failed.extend(gateway.ask().await.err());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(failed.is_empty(), "{} failed: {:?}", failed.len(), failed[0]);
    let renewals = two.issuer.renewals_of("alice");
    assert!((2..=4).contains(&renewals), "{renewals} renewals in three lives");
    two.close().await;
}

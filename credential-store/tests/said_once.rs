//! What an issuer or a disk said once is not asked or told again and again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::fail::{ENOSPC, Fail};
use common::{Place, key};
use credential_provider_api::*;
use credential_store::faults::Point;
use credential_store::{Exchange, Exchanged, Grants, Renewal};
use futures::StreamExt as _;

struct Issuer(AtomicUsize);

#[async_trait]
impl Exchange for Issuer {
    async fn exchange(&self, _: &Grant, _: Option<&Credential>) -> Exchanged {
        self.0.fetch_add(1, Ordering::SeqCst);
        let reason = ReauthReason::GrantRejected;
        Exchanged::Refused { reason, detail: "no longer valid".into() }
    }
}

/// "else the refusal is kept beside the grant and everybody gets `needs_reauth` with the reason,
/// without asking the issuer again"
#[tokio::test]
async fn a_refusal_on_a_full_disk_keeps_its_reason() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    let grants = Grants::new(Arc::new(store));
    let mail = key("idp/mail");
    grants.sign_in(&mail, Some(Grant::from(b"rt".to_vec())), None).await.unwrap();
    let issuer = Arc::new(Issuer(AtomicUsize::new(0)));
    fail.arm(Point::HalfWritten, 1, ENOSPC); // the intent is saved, the refusal is not
    let first = grants.renew(Renewal::of(mail.clone()), issuer.clone()).await.unwrap_err();
    assert!(!fail.disarm());
    let second = grants.renew(Renewal::of(mail), issuer.clone()).await.unwrap_err();
    assert_eq!(second.reason(), first.reason(), "after {:?} calls", issuer.0);
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_told_of_once() {
    let place = Place::new();
    let grants = Grants::new(Arc::new(place.open().await));
    let mail = key("idp/mail");
    grants.sign_in(&mail, Some(Grant::from(b"rt".to_vec())), None).await.unwrap();
    let changes = grants.changes();
    fs::remove_file(place.folder().join("journal")).unwrap();
    fs::create_dir(place.folder().join("journal")).unwrap();
    let until = tokio::time::sleep(Duration::from_secs(3));
    let told = changes.take_until(until).count().await;
    assert!(told <= 2, "one key was told of {told} times in 3 s");
}

//! The provider suite: good providers pass it, and each wrong one breaks the rule that names its
//! fault, and no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod good;
mod kit;
mod said_aloud;
mod wrong;
mod wrong_described;

use std::future::Future;
use std::sync::Arc;

use credential_provider_api::conformance::{ProviderSuite, Report};
use credential_provider_api::{
    CredentialId, CredentialProvider as _, Request, Resolution, async_trait,
};

use common::{breaks, holds};
use good::{Answer, Derived, Good, Keys, Personal, Signing, Tokens, person};
use kit::{Twist, Twisted};

async fn report_of<G: Good>() -> Report {
    G::suite(G::World::default(), |good| Arc::new(good)).run().await
}

/// What every provider skips that has no session, grant, clock, source and so on.
#[tokio::test]
async fn static_keys_keep_the_promises() {
    let skipped = [
        "revision-names-one-secret",
        "authorizes-its-origins",
        "session-required",
        "sessions-never-share",
        "renewal-outlives-the-old",
        "source-error-is-passed-on",
        "outage-is-transient",
        "sign-in-as-described",
        "sign-in-counts-when-accepted",
    ];
    holds(&report_of::<Keys>().await, &skipped);
}

#[tokio::test]
async fn a_rotating_grant_keeps_the_promises() {
    let skipped = [
        "authorizes-its-origins",
        "session-required",
        "sessions-never-share",
        "two-keys-at-once",
        "source-error-is-passed-on",
        "report-as-described",
        "changes-as-described",
        "sign-in-as-described",
        "sign-in-counts-when-accepted",
    ];
    holds(&report_of::<Tokens>().await, &skipped);
}

#[tokio::test]
async fn credentials_of_sessions_keep_the_promises() {
    let skipped = [
        "revision-names-one-secret",
        "authorizes-its-origins",
        "renewal-outlives-the-old",
        "source-error-is-passed-on",
        "outage-is-transient",
        "report-as-described",
        "changes-as-described",
    ];
    holds(&report_of::<Personal>().await, &skipped);
}

#[tokio::test]
async fn a_derived_token_keeps_the_promises() {
    let report = report_of::<Derived>().await;
    report.assert();
    assert!(!report.skipped().contains(&"source-error-is-passed-on"));
}

#[tokio::test]
async fn a_signing_key_keeps_the_promises() {
    let report = report_of::<Signing>().await;
    report.assert();
    assert!(!report.skipped().contains(&"authorizes-its-origins"));
}

/// A source that chooses among its credentials.
#[tokio::test]
async fn a_selection_is_followed() {
    #[derive(Default)]
    struct Chooses;
    #[async_trait]
    impl Twist<Keys> for Chooses {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            match good.resolve(request).await? {
                Resolution::Credential(_) if request.key().credential.as_str() == "key/b" => {
                    Ok(Resolution::Selected(CredentialId::new("key/a").unwrap()))
                }
                other => Ok(other),
            }
        }
    }
    let suite = Keys::suite(Default::default(), |good| Arc::new(Twisted::<Chooses, _>::new(good)));
    suite.run().await.assert();
}

/// A declared capability is never skipped: without what its test needs, it fails and says so.
#[tokio::test]
async fn a_declared_capability_is_never_skipped() {
    let keys = || ProviderSuite::new(|| Arc::new(Keys::new(Default::default())));
    let report = keys().credential("key/a").run().await;
    breaks(&report, "changes-as-described");
    assert!(report.to_string().contains("give `.change(…)`"), "{report}");

    let report = keys().credential("key/none").run().await;
    let declared = ["check-as-described", "report-as-described"];
    for rule in declared {
        assert!(report.failed().contains(&rule), "{report}");
    }

    let personal = || Arc::new(Personal::new(Default::default()));
    let report = ProviderSuite::new(move || personal()).credential("pin").run().await;
    let given = "give `.sign_in_answers(…)`";
    assert!(report.to_string().contains(given), "{report}");
}

#[tokio::test]
async fn a_suite_without_credentials_says_what_to_give() {
    let report = ProviderSuite::new(|| Arc::new(Keys::new(Default::default())));
    breaks(&report.run().await, "descriptor-covers-credentials");
}

#[tokio::test]
async fn sessions_may_share_if_it_is_said_aloud() {
    let suite = Personal::suite(Default::default(), |good| Arc::new(good));
    let suite = suite.sessions(person("alice"), person("alice"));
    let report = suite.shared_between_sessions().run().await;
    report.assert();
    assert!(report.skipped().contains(&"sessions-never-share"), "{report}");
}

#[tokio::test]
async fn every_rule_is_documented() {
    let page = include_str!("../../src/conformance/provider/mod.rs");
    for (rule, _) in report_of::<Keys>().await.rules() {
        assert!(page.contains(&format!("/// | `{rule}` |")), "{rule}");
    }
}

#[test]
fn a_suite_runs_on_any_executor() {
    fn sendable<T: Send>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    let suite: ProviderSuite = Keys::suite(Default::default(), |good| Arc::new(good));
    drop(sendable(suite.run()));
}

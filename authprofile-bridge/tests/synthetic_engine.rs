//! Synthetic profiles and delegation over the real engine.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use authprofile_bridge::openclaw::AuthProfileStore;
use authprofile_bridge::synthetic::{SyntheticProfile, SyntheticProfiles, SyntheticStanding};
use authprofile_bridge::{Authority as _, EngineAuthority, News, Wanted};
use common::{Folder, WallClock};
use credential_provider_api::{
    Credential, CredentialDescriptor, CredentialError, CredentialKind, CredentialProvider,
    CredentialRef, EffectiveSession, ErrorCode, ExposeSecret as _, IdPattern, ProviderDescriptor,
    ProviderId, Request, Resolution, Revocation, Scope, State,
};
use futures::StreamExt as _;
use resolution_engine::{AccessRules, ResolutionEngine, Tuning};
use serde_json::Value;

struct Vault {
    descriptor: ProviderDescriptor,
    count: AtomicUsize,
}

impl Vault {
    fn new() -> Self {
        let kind = CredentialKind::Token;
        let descriptor = ProviderDescriptor::new(ProviderId::new("vault").unwrap(), "Vault")
            .with_credential(CredentialDescriptor::gateway(IdPattern::any(), kind))
            .with_credential(CredentialDescriptor::session(IdPattern::new("user").unwrap(), kind));
        Self { descriptor, count: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl CredentialProvider for Vault {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let id = &request.key().credential;
        Ok(Credential::token(format!("t-{id}-{count}").into()).into())
    }

    async fn revoke(
        &self,
        _: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        Ok(Revocation::LocalOnly)
    }
}

fn engine() -> ResolutionEngine {
    // A listener that is slow at all misses something.
    engine_with(2)
}

fn engine_with(event_buffer: usize) -> ResolutionEngine {
    let rules = AccessRules::deny_all().allow("bridge:auth-profiles", "vault/*").unwrap();
    let rules = rules.deny("bridge:auth-profiles", "vault/denied").unwrap();
    let mut tuning = Tuning::default();
    tuning.event_buffer = event_buffer;
    ResolutionEngine::builder()
        .provider(Vault::new())
        .access(rules)
        .tuning(tuning)
        .clock(Arc::new(WallClock))
        .build()
        .unwrap()
}

fn gpt() -> CredentialRef {
    CredentialRef::parse("vault/gpt").unwrap()
}

async fn until(profiles: &mut SyntheticProfiles, standing: impl Fn(SyntheticStanding) -> bool) {
    let limit = tokio::time::timeout(Duration::from_secs(20), async {
        while !standing(profiles.status()[0].standing) {
            profiles.changed().await;
        }
    });
    limit.await.unwrap_or_else(|_| panic!("{:?}", profiles.status()));
}

fn written(standing: SyntheticStanding) -> bool {
    matches!(standing, SyntheticStanding::Written { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_at_the_engine_takes_the_profile_away_and_rules_decide() {
    let folder = Folder::new();
    let engine = engine();
    let authority = Arc::new(EngineAuthority::new(&engine).unwrap());
    let clock = Arc::new(WallClock);
    let store = AuthProfileStore::new(folder.root(), clock.clone());
    let denied = CredentialRef::parse("vault/denied").unwrap();
    let mut profiles = SyntheticProfiles::builder(store, authority, clock)
        .profile(SyntheticProfile::new(gpt(), "openai"))
        .profile(SyntheticProfile::new(denied, "groq"))
        .start()
        .await
        .unwrap();
    until(&mut profiles, written).await;
    let file = || -> Value {
        let text = fs::read_to_string(folder.path("auth-profiles.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(file()["profiles"]["openai:cp-gpt"]["token"], "t-gpt-0");
    while profiles.status()[1].error.is_none() {
        profiles.changed().await;
    }
    let error = profiles.status()[1].error.clone().unwrap();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert_eq!(file()["profiles"]["groq:cp-denied"], Value::Null);
    // A new revision, because somebody saw the old one rejected.
    let consumer = engine.consumer("bridge:auth-profiles").unwrap();
    let seen = consumer.request(&gpt()).await.unwrap().revision().unwrap();
    let newer = consumer.request(&gpt()).reject(seen).await.unwrap();
    let newer = newer.secret().unwrap().expose_secret().to_owned();
    let limit = tokio::time::timeout(Duration::from_secs(20), async {
        while file()["profiles"]["openai:cp-gpt"]["token"] != newer.as_str() {
            profiles.changed().await;
        }
    });
    limit.await.unwrap();
    engine.administrator().at(&gpt()).revoke().await.unwrap();
    until(&mut profiles, |standing| standing == SyntheticStanding::Absent).await;
    assert_eq!(file()["profiles"], serde_json::json!({}));
    profiles.shutdown().await;
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_5_the_descriptor_says_whose_a_credential_is() {
    let folder = Folder::new();
    let engine = engine();
    let authority = Arc::new(EngineAuthority::new(&engine).unwrap());
    let user = CredentialRef::parse("vault/user").unwrap();
    assert_eq!(authority.scope(&gpt()), Some(Scope::Gateway));
    assert_eq!(authority.scope(&user), Some(Scope::Session));
    assert_eq!(authority.scope(&CredentialRef::parse("other/x").unwrap()), None);
    let clock = Arc::new(WallClock);
    let store = AuthProfileStore::new(folder.root(), clock.clone());
    let error = SyntheticProfiles::builder(store, authority.clone(), clock)
        .profile(SyntheticProfile::new(user.clone(), "openai"))
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    // Asked for without a session it is refused; with one it is that session's.
    let error = authority.get(Wanted::new(&user)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionRequired);
    let session = EffectiveSession::shared("s").unwrap();
    authority.get(Wanted::new(&user).for_session(Some(&session))).await.unwrap();
    assert!(folder.names().is_empty());
    engine.shutdown().await;
}

#[tokio::test]
async fn profiles_stay_when_the_engine_ends() {
    let folder = Folder::new();
    let engine = engine();
    let authority = Arc::new(EngineAuthority::new(&engine).unwrap());
    let clock = Arc::new(WallClock);
    let store = AuthProfileStore::new(folder.root(), clock.clone());
    let builder = SyntheticProfiles::builder(store, authority, clock);
    let mut profiles =
        builder.profile(SyntheticProfile::new(gpt(), "openai")).start().await.unwrap();
    until(&mut profiles, written).await;
    engine.shutdown().await;
    profiles.shutdown().await;
    let text = fs::read_to_string(folder.path("auth-profiles.json")).unwrap();
    assert!(text.contains("t-gpt-0"));
}

#[tokio::test]
async fn promise_4_a_listener_that_missed_something_is_told_and_news_are_of_the_gateways() {
    let engine = engine();
    let authority = EngineAuthority::new(&engine).unwrap();
    let mut news = authority.news();
    for count in 0..20 {
        let many = CredentialRef::parse(&format!("vault/key-{count}")).unwrap();
        authority.get(Wanted::new(&many)).await.unwrap();
    }
    assert_eq!(news.next().await, Some(News::Anything), "a revocation may be among them");
    engine.shutdown().await;
    // A session's credential is no news, whatever becomes of it.
    let engine = engine_with(100);
    let authority = EngineAuthority::new(&engine).unwrap();
    let mut news = authority.news();
    let user = CredentialRef::parse("vault/user").unwrap();
    let session = EffectiveSession::shared("s").unwrap();
    authority.get(Wanted::new(&user).for_session(Some(&session))).await.unwrap();
    engine.administrator().at(&user).session(&session).revoke().await.unwrap();
    authority.get(Wanted::new(&gpt())).await.unwrap();
    assert_eq!(news.next().await, Some(News::Credential(gpt())));
    engine.administrator().at(&gpt()).revoke().await.unwrap();
    assert_eq!(authority.state(&gpt()), Some(State::Revoked));
    engine.shutdown().await;
    while let Some(item) = news.next().await {
        assert_eq!(item, News::Credential(gpt()));
    }
}

//! The rest of a credential's life: selection, batch, handles, health, snapshot, reports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

/// Chooses among two accounts by model, and keeps books about them.
struct Profiles {
    descriptor: ProviderDescriptor,
    choices: AtomicUsize,
    fetches: AtomicUsize,
    books: Mutex<Vec<(String, Outcome)>>,
    healthy: AtomicUsize,
}

struct ProfileProvider(Arc<Profiles>);

fn profiles() -> Arc<Profiles> {
    let one = |id: &str| {
        CredentialDescriptor::gateway(IdPattern::new(id).unwrap(), CredentialKind::ApiKey)
    };
    let descriptor = ProviderDescriptor::new(ProviderId::new("profiles").unwrap(), "Profiles")
        .with_credential(one("openai"))
        .with_credential(one("openai:*"))
        .with_capability(Capability::Report)
        .with_capability(Capability::Check)
        .with_capability(Capability::List);
    Arc::new(Profiles {
        descriptor,
        choices: AtomicUsize::new(0),
        fetches: AtomicUsize::new(0),
        books: Mutex::default(),
        healthy: AtomicUsize::new(0),
    })
}

#[async_trait]
impl CredentialProvider for ProfileProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let id = request.key().credential.as_str();
        if id == "openai" {
            self.0.choices.fetch_add(1, Ordering::SeqCst);
            let model = request.hint().model.clone().unwrap_or_else(|| "any".into());
            tokio::task::yield_now().await;
            if model == "tired" {
                let error = CredentialError::new(ErrorCode::RateLimited, "all are cooling down");
                return Err(error.with_retry_after(Duration::from_secs(300)).passing());
            }
            return Ok(Resolution::Selected(CredentialId::new(format!("openai:{model}"))?));
        }
        let nth = self.0.fetches.fetch_add(1, Ordering::SeqCst);
        Ok(Credential::api_key(format!("{id}#{nth}").into()).into())
    }
    async fn report(&self, request: &Request, seen: &Observation) -> Result<(), CredentialError> {
        let model = request.hint().model.clone().unwrap_or_default();
        let id = format!("{} {model}", request.key().credential);
        self.0.books.lock().unwrap().push((id, seen.outcome.clone()));
        Ok(())
    }
    async fn check(&self, _: &Request, _: Option<&Credential>) -> Result<Health, CredentialError> {
        self.0.healthy.fetch_add(1, Ordering::SeqCst);
        Ok(Health::healthy())
    }
    async fn list(&self, _: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        Ok(self.0.descriptor.credentials.clone())
    }
}

fn world(with: impl FnOnce(EngineBuilder) -> EngineBuilder) -> (World, Arc<Profiles>) {
    let profiles = profiles();
    let rules = AccessRules::deny_all().allow("tool:test", "profiles/openai").unwrap();
    let provider = ProfileProvider(profiles.clone());
    (World::build(&[], |b| with(b.provider(provider).access(rules))), profiles)
}

#[tokio::test]
async fn a_choice_is_made_per_request_and_only_the_chosen_is_cached() {
    let (world, profiles) = world(|b| b);
    let key = at("profiles/openai");
    let ask = |model: &str| world.tool.request(&key).hint(Hint::model(model)).into_future();
    let (a, b, c) = futures::future::join3(ask("big"), ask("small"), ask("big")).await;
    assert_eq!(text(&a.unwrap()), text(&c.unwrap()));
    assert!(text(&b.unwrap()).starts_with("openai:small"));
    assert_eq!(profiles.fetches.load(Ordering::SeqCst), 2);
    let before = profiles.choices.load(Ordering::SeqCst);
    ask("big").await.unwrap();
    assert_eq!(profiles.choices.load(Ordering::SeqCst), before + 1);
    // The grant is for the name that is asked for; the chosen one cannot be named.
    let error = world.tool.request(&at("profiles/openai:big")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
}

#[tokio::test]
async fn a_choice_that_fails_for_one_hint_fails_for_no_other_and_is_not_remembered() {
    let (world, profiles) = world(|b| b);
    let key = at("profiles/openai");
    let ask = |model: &str| world.tool.request(&key).hint(Hint::model(model)).into_future();
    let (tired, fit) = futures::future::join(ask("tired"), ask("big")).await;
    let error = tired.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after().unwrap().as_secs()),
        (ErrorCode::RateLimited, 300)
    );
    assert!(text(&fit.unwrap()).starts_with("openai:big"));
    let before = profiles.choices.load(Ordering::SeqCst);
    ask("tired").await.unwrap_err();
    assert!(text(&ask("big").await.unwrap()).starts_with("openai:big"));
    assert_eq!(profiles.choices.load(Ordering::SeqCst), before + 2, "asked once each");
}

#[tokio::test]
async fn what_a_consumer_saw_reaches_the_account_that_was_chosen() {
    let (world, profiles) = world(|b| b);
    let key = at("profiles/openai");
    let ask = || world.tool.request(&key).hint(Hint::model("big"));
    let first = ask().await.unwrap();
    ask().report(&first, Outcome::Success).unwrap();
    ask().report(&first, Outcome::Rejected).unwrap();
    settle().await;
    let books = profiles.books.lock().unwrap().clone();
    assert_eq!(books[0], ("openai:big big".to_owned(), Outcome::Success));
    assert_eq!(books[1], ("openai:big big".to_owned(), Outcome::Rejected));
    assert_ne!(text(&ask().await.unwrap()), text(&first));
}

#[tokio::test]
async fn a_batch_answers_in_order_and_one_failing_fails_no_other() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let (good, missing, own) = (at("vault/shared"), at("vault/none"), at("vault/own"));
    let alice = person("alice");
    let answers = world
        .tool
        .batch([
            world.tool.request(&good),
            world.tool.request(&missing),
            world.tool.request(&own).session(&alice),
            world.tool.request(&good),
        ])
        .await;
    let codes: Vec<_> =
        answers.iter().map(|a| a.as_ref().err().map(CredentialError::code)).collect();
    assert_eq!(codes, [None, Some(ErrorCode::CredentialNotFound), None, None]);
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn a_handle_reads_waits_for_changes_and_follows_renewals() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let handle = world.tool.request(&key).bind().unwrap();
    assert_eq!(handle.try_get().unwrap_err().code(), ErrorCode::Expired, "it never waits");
    let first = handle.get().await.unwrap();
    let read = handle.with(|c| text(c).to_owned()).unwrap();
    assert_eq!(read, text(&first));
    let since = handle.version();
    handle.report(&first, Outcome::Rejected).unwrap();
    let since = handle.changed(since).await;
    assert_eq!(handle.try_get().unwrap_err().code(), ErrorCode::Expired);
    let second = handle.get().await.unwrap();
    handle.changed(since).await;
    assert_eq!(handle.with(|c| text(c).to_owned()).unwrap(), text(&second));
}

#[tokio::test]
async fn a_handle_that_is_read_keeps_its_credential_renewed() {
    let vault = Scripted::new("vault", Some(Duration::from_secs(100)));
    let world = World::new(&[&vault]);
    let handle = world.tool.request(&at("vault/shared")).bind().unwrap();
    handle.get().await.unwrap();
    for _ in 0..600 {
        handle.with(|_| ()).unwrap();
        world.pass(Duration::from_secs(1)).await;
    }
    assert!((6..=8).contains(&vault.calls()), "{}", vault.calls());
}

#[tokio::test]
async fn health_is_checked_on_demand_and_on_a_schedule() {
    let mut tuning = tuning();
    tuning.health_every = Some(Duration::from_secs(60));
    let (world, profiles) = world(|b| b.tuning(tuning));
    let admin = world.engine.administrator();
    let health = admin.at(&at("profiles/openai")).check().await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy);
    let mut events = world.engine.events();
    world.pass(Duration::from_secs(180)).await;
    assert_eq!(profiles.healthy.load(Ordering::SeqCst), 4);
    let mut checked = 0;
    while let Some(Delivery::Event(event)) = events.try_next() {
        checked += usize::from(matches!(event.kind, EventKind::HealthChecked { .. }));
    }
    assert_eq!(checked, 3);
    let listed = admin.list(&ProviderId::new("profiles").unwrap()).await.unwrap();
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn the_snapshot_and_the_events_tell_the_life() {
    let vault = Scripted::new("vault", Some(Duration::from_secs(100)));
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let mut events = world.engine.events();
    world.tool.request(&key).await.unwrap();
    let admin = world.engine.administrator();
    assert_eq!(admin.snapshot()[0].state, State::Active);
    world.pass(Duration::from_secs(97)).await;
    admin.at(&key).revoke().await.unwrap();
    assert_eq!(admin.snapshot()[0].state, State::Revoked);
    let mut states = Vec::new();
    while let Some(Delivery::Event(event)) = events.try_next() {
        if let EventKind::StateChanged { to, .. } = event.kind {
            states.push(to);
        }
    }
    let life = [
        State::Pending,
        State::Active,
        State::Expiring,
        State::Refreshing,
        State::Active,
        State::Revoked,
    ];
    assert_eq!(states, life);
}

#[tokio::test]
async fn a_signed_out_world_is_not_asked_again_by_the_scheduler() {
    let vault = Scripted::new("vault", Some(Duration::from_secs(100)));
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    world.tool.request(&key).await.unwrap();
    world.tool.request(&key).await.unwrap();
    let gone = CredentialError::needs_reauth(ReauthReason::GrantRejected, "");
    vault.then(Act::Answer(Err(gone)));
    world.pass(Duration::from_secs(90)).await;
    assert_eq!(vault.calls(), 2);
    assert!(world.tool.request(&key).await.is_ok(), "served while it lasts");
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(vault.calls(), 2);
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::NeedsReauth);
}

#[tokio::test]
async fn an_end_by_time_is_told_too() {
    let vault = Scripted::new("vault", Some(Duration::from_secs(100)));
    let world = World::new(&[&vault]);
    world.tool.request(&at("vault/shared")).await.unwrap();
    world.pass(Duration::from_secs(85)).await;
    let mut events = world.engine.events();
    world.pass(Duration::from_secs(200)).await;
    let mut told = Vec::new();
    while let Some(Delivery::Event(event)) = events.try_next() {
        if let EventKind::StateChanged { to, cause, .. } = event.kind {
            told.push((to, cause));
        }
    }
    assert_eq!(told.last(), Some(&(State::Expired, ChangeCause::Time)), "{told:?}");
}

#[tokio::test]
async fn what_may_be_cached_for_a_time_is_served_on_if_it_is_unchanged() {
    let vault = Scripted::new("vault", None);
    let short = || {
        let fresh = Freshness::For(Duration::from_secs(10));
        Act::Answer(Ok(Credential::api_key("sk-1".into()).with_freshness(fresh).into()))
    };
    vault.then(short());
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    let mut events = world.engine.events();
    for _ in 0..5 {
        vault.then(Act::Answer(Ok(Resolution::Unchanged)));
        world.clock.advance(Duration::from_secs(11));
        let again = world.tool.request(&key).await.unwrap();
        assert_eq!(again.revision(), first.revision());
    }
    while let Some(Delivery::Event(event)) = events.try_next() {
        assert!(!matches!(event.kind, EventKind::Renewed { .. }), "nothing was renewed");
    }
    assert_eq!(vault.calls(), 6);
}

#[tokio::test]
async fn events_end_with_the_engine() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let mut events = world.engine.events();
    world.engine.shutdown().await;
    while let Some(delivery) = events.next().await {
        assert!(matches!(delivery, Delivery::Event(_)));
    }
    assert!(world.engine.events().next().await.is_none());
}

//! Delegation: who is asked for a key, in which order, and what never happens.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod authority;
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use authority::{Fake, reference};
use authprofile_bridge::delegation::{
    Delegation, Delegations, KeyMode, ModelAuth, ModelAuthBuilder, ModelKey, Precedence, Question,
    StoredKeys, Tier,
};
use authprofile_bridge::openclaw::{AuthProfileStore, Config, Profile, ProfileKind};
use common::Folder;
use credential_provider_api::{
    Clock as _, Credential, CredentialError, EffectiveSession, ErrorCode, ExposeSecret as _,
    ManualClock,
};

const STORE: &str = r#"{"version":1,"profiles":{
  "openai:key":{"type":"api_key","provider":"openai","key":"sk-stored"},
  "openai:ref":{"type":"api_key","provider":"openai","keyRef":{"source":"exec","provider":"x","id":"y"}},
  "groq:mask":{"type":"api_key","provider":"groq","key":"__OPENCLAW_REDACTED__"},
  "xai:old":{"type":"token","provider":"xai","token":"t-old","expires":1}
}}"#;

struct World {
    _folder: Folder,
    authority: Arc<Fake>,
    clock: ManualClock,
    store: AuthProfileStore,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("auth-profiles.json", STORE);
        let clock = ManualClock::new(std::time::SystemTime::now().into());
        let store = AuthProfileStore::new(folder.root(), Arc::new(clock.clone()));
        Self { _folder: folder, authority: Fake::new(), clock, store }
    }

    fn auth(&self) -> ModelAuthBuilder {
        let clock = Arc::new(self.clock.clone());
        ModelAuth::builder(self.store.clone(), self.authority.clone(), clock)
    }

    fn work(&self) -> ModelAuthBuilder {
        let work = Delegation::new("OpenAI", ProfileKind::OAuth, reference("sso/openai"));
        self.auth().delegations(Delegations::none().with("openai:work", work))
    }
}

fn text(key: &ModelKey) -> String {
    key.key.as_ref().unwrap().expose_secret().to_owned()
}

fn environment(question: &Question<'_>) -> Result<Option<ModelKey>, CredentialError> {
    let key = ModelKey::new("sk-environment".into(), KeyMode::ApiKey, "env: OPENAI_API_KEY");
    Ok((question.provider == "openai").then_some(key))
}

#[tokio::test]
async fn a_delegated_profile_is_answered_by_the_engine_with_what_prepares_a_request() {
    let world = World::new();
    let end = world.clock.now().plus(Duration::from_secs(600));
    let credential = Credential::oauth2("at-sso".into()).with_expiry(end);
    let credential = credential.with_property("base_url", "https://gateway.example/v1");
    world.authority.answer("sso/openai", Ok(credential));
    let session = EffectiveSession::shared("s").unwrap();
    let question = Question::new("openai").session(&session).at_least(Duration::from_secs(60));
    // A login comes before a key.
    for question in [question, question.profile("openai:work"), question.pinned("openai:work")] {
        let key = world.work().build().key(question).await.unwrap();
        assert_eq!(text(&key), "at-sso");
        assert_eq!(key.profile.as_deref(), Some("openai:work"));
        assert_eq!((key.source.as_str(), key.mode.as_str()), ("profile:openai:work", "oauth"));
        assert!(key.credential.is_some());
        let prepared = key.prepared().unwrap();
        assert_eq!(prepared.api_key.expose_secret(), "at-sso");
        assert_eq!(prepared.base_url.as_deref(), Some("https://gateway.example/v1"));
        assert_eq!(prepared.expires_at, Some(end));
        assert!(!format!("{key:?} {prepared:?}").contains("at-sso"));
    }
    let encoded = Some(session.encoded().to_owned());
    let asked = (reference("sso/openai"), encoded, Duration::from_secs(60));
    assert_eq!(world.authority.asked(), vec![asked; 3]);
}

#[tokio::test]
async fn promise_5_a_delegated_failure_never_becomes_another_identity() {
    let world = World::new();
    let auth = world.work().tier(Tier::Environment, environment).build();
    for code in [
        ErrorCode::NeedsReauth,
        ErrorCode::Unavailable,
        ErrorCode::AccessDenied,
        ErrorCode::CredentialNotFound,
        ErrorCode::SessionRequired,
    ] {
        world.authority.fails("sso/openai", code);
        let asked = Question::new("openai");
        for question in [asked, asked.profile("openai:work"), asked.pinned("openai:work")] {
            let error = auth.key(question).await.unwrap_err();
            assert_eq!(error.code(), code);
            assert_eq!(error.credential(), Some(&reference("sso/openai")));
        }
    }
    let fields = [("user".to_owned(), "x".into())];
    world.authority.answer("sso/openai", Ok(Credential::user_value(fields.into())));
    let error = auth.key(Question::new("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    // Another profile is another matter, if it is asked for.
    let key = auth.key(Question::new("openai").profile("openai:key")).await.unwrap();
    assert_eq!(text(&key), "sk-stored");
}

#[tokio::test]
async fn a_named_profile_is_alone() {
    let world = World::new();
    let auth = world.work().tier(Tier::Environment, environment).build();
    let of = |id| Question::new("openai").profile(id);
    let error = auth.key(of("openai:nobody")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    assert!(error.detail().starts_with("No credentials found for profile \"openai:nobody\""));
    let error = auth.key(of("openai:ref")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    let error = auth.key(of("groq:mask")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "of another provider");
    let error = auth.key(Question::new("groq").profile("openai:work")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(world.authority.asked().is_empty());
}

#[tokio::test]
async fn tiers_are_asked_in_openclaws_order() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tiers =
        [Tier::AwsSdk, Tier::Environment, Tier::Configuration, Tier::Marker, Tier::ImplicitAwsSdk];
    let world = World::new();
    let note = |tier: Tier| {
        let asked = Arc::clone(&asked);
        move |_: &Question<'_>| {
            asked.lock().unwrap().push(tier);
            Ok(None)
        }
    };
    for (precedence, expected) in
        [(Precedence::ProfileFirst, tiers.to_vec()), (Precedence::EnvironmentFirst, tiers.to_vec())]
    {
        asked.lock().unwrap().clear();
        let builder = world.auth().precedence(precedence);
        let auth = tiers.iter().fold(builder, |b, tier| b.tier(*tier, note(*tier))).build();
        let error = auth.key(Question::new("nobody")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotConfigured);
        assert!(error.detail().starts_with("No API key found for provider \"nobody\""));
        assert_eq!(*asked.lock().unwrap(), expected);
    }
    // Where profiles stand among them.
    let key = |precedence| {
        let auth = world.auth().precedence(precedence).tier(Tier::Environment, environment);
        async move { text(&auth.build().key(Question::new("openai")).await.unwrap()) }
    };
    assert_eq!(key(Precedence::ProfileFirst).await, "sk-stored");
    assert_eq!(key(Precedence::EnvironmentFirst).await, "sk-environment");
    // The SDK finds its own before anything else.
    let sdk = |_: &Question<'_>| Ok(Some(ModelKey::aws_sdk("models.json")));
    let auth = world.auth().tier(Tier::AwsSdk, sdk).tier(Tier::Environment, environment).build();
    let found = auth.key(Question::new("openai")).await.unwrap();
    assert_eq!(found.mode, KeyMode::AwsSdk);
    assert!(found.key.is_none() && found.prepared().is_none());
}

#[tokio::test]
async fn a_tier_that_fails_stops_and_one_that_has_nothing_hands_on() {
    let world = World::new();
    let later = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&later);
    let marker = move |_: &Question<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Some(ModelKey::new("ollama-local".into(), KeyMode::ApiKey, "marker")))
    };
    let locked = |_: &Question<'_>| Err(CredentialError::new(ErrorCode::InteractionRequired, ""));
    let auth = world.auth().tier(Tier::Configuration, locked).tier(Tier::Marker, marker).build();
    let error = auth.key(Question::new("nobody")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    // A stored profile that holds a mask is there and cannot be used.
    let error = auth.key(Question::new("groq")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RedactedValue);
    assert_eq!(later.load(Ordering::Relaxed), 0);
    // One that has ended is none, as OpenClaw counts: the next tier is asked.
    let error = auth.key(Question::new("xai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
}

struct Refuses;

#[async_trait]
impl StoredKeys for Refuses {
    async fn key(&self, id: &str, _: &Profile) -> Result<ModelKey, CredentialError> {
        if id == "openai:ref" {
            return Ok(ModelKey::new("sk-resolved".into(), KeyMode::ApiKey, "").of_profile(id));
        }
        Err(CredentialError::new(ErrorCode::Unavailable, ""))
    }
}

#[tokio::test]
async fn of_stored_profiles_the_next_is_tried_in_the_configured_order() {
    let world = World::new();
    let config = "{auth:{order:{openai:['openai:key','openai:ref']}}}";
    let config = Config::parse(config).unwrap();
    let auth = world.auth().config(config.clone());
    assert_eq!(text(&auth.build().key(Question::new("openai")).await.unwrap()), "sk-stored");
    let auth = world.auth().config(config).stored(Arc::new(Refuses)).build();
    let key = auth.key(Question::new("openai")).await.unwrap();
    assert_eq!((text(&key).as_str(), key.source.as_str()), ("sk-resolved", "profile:openai:ref"));
}

#[tokio::test]
async fn a_delegated_profile_has_its_place_in_the_order() {
    let world = World::new();
    world.authority.answer("sso/openai", Ok(Credential::oauth2("at-sso".into())));
    let config = Config::parse("{auth:{order:{openai:['openai:key','openai:work']}}}").unwrap();
    let key = world.work().config(config).build().key(Question::new("openai")).await.unwrap();
    assert_eq!(text(&key), "sk-stored");
    assert!(world.authority.asked().is_empty(), "nobody is asked in vain");
}

#[tokio::test]
async fn a_delegation_in_a_file_of_its_own_counts_beside_openclaws_configuration() {
    let world = World::new();
    world.authority.answer("sso/openai", Ok(Credential::oauth2("at-sso".into())));
    let own = "{auth:{profiles:{'openai:work':{provider:'openai',mode:'oauth',credentialProvider:{provider:'sso',id:'openai'}}}}}";
    let own = || Delegations::parse(own).unwrap();
    let key = |config: &str, delegations| {
        let config = Config::parse(config).unwrap();
        let auth = world.auth().config(config).delegations(delegations).build();
        async move { auth.key(Question::new("openai")).await.unwrap() }
    };
    let listed = "'openai:key':{provider:'openai',mode:'api_key'}";
    for config in [
        format!("{{auth:{{profiles:{{{listed}}}}}}}"),
        "{auth:{profiles:{'groq:mask':{provider:'groq',mode:'api_key'}}}}".to_owned(),
        // What is said of it otherwise gives way: another identity would be used instead.
        format!(
            "{{auth:{{profiles:{{{listed},'openai:work':{{provider:'openai',mode:'api_key'}}}}}}}}"
        ),
        "{auth:{profiles:{'openai:work':{provider:'groq',mode:'oauth'}}}}".to_owned(),
    ] {
        let key = key(&config, own()).await;
        assert_eq!(key.source, "profile:openai:work", "{config}");
        assert_eq!(text(&key), "at-sso");
    }
    // A key that is delegated comes after those that are listed, and hides none of them.
    let credential = reference("sso/openai");
    let later = Delegation::new("openai", ProfileKind::ApiKey, credential);
    let later = || Delegations::none().with("openai:work", later.clone());
    let config = format!("{{auth:{{profiles:{{{listed}}}}}}}");
    assert_eq!(key(&config, later()).await.source, "profile:openai:key");
    // Nor does it hide stored ones where nothing is configured.
    assert_eq!(key("{}", later()).await.source, "profile:openai:key");
}

#[tokio::test]
async fn an_unreadable_store_is_an_error_and_not_an_empty_one() {
    let world = World::new();
    std::fs::write(world.store.folder().join("auth-profiles.json"), "{ torn").unwrap();
    let auth = world.auth().tier(Tier::Environment, environment).build();
    let error = auth.key(Question::new("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
}

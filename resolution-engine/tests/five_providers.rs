//! Five providers as unlike each other as those to come, through the trait, the conformance kit and
//! the engine: what the trait must carry.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::conformance::{ProviderSuite, StoreSuite};
use credential_provider_api::*;
use credential_store::MemoryStore;
use resolution_engine::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(100);

fn describe(id: &str, credential: CredentialDescriptor) -> ProviderDescriptor {
    ProviderDescriptor::new(ProviderId::new(id).unwrap(), id).with_credential(credential)
}

fn gateway(id: &str, kind: CredentialKind) -> CredentialDescriptor {
    CredentialDescriptor::gateway(IdPattern::new(id).unwrap(), kind)
}

fn world_of(providers: Vec<Arc<dyn CredentialProvider>>) -> World {
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let rules = rules.allow("provider:*", "*").unwrap();
    let world = World::build(&[], |b| b.access(rules).tuning(tuning()));
    for provider in providers {
        world.engine.register(provider);
    }
    world
}

fn missing() -> CredentialError {
    CredentialError::new(ErrorCode::CredentialNotFound, "")
}

// --- 1. A rotating grant, shared by two engines through one store. -----------------------------

/// Spends each refresh token once.
#[derive(Default)]
struct Issuer {
    spent: Mutex<HashSet<String>>,
    reused: AtomicUsize,
    rotations: AtomicUsize,
}

impl Issuer {
    fn exchange(&self, refresh: &str) -> Result<(String, String), CredentialError> {
        if !self.spent.lock().unwrap().insert(refresh.to_owned()) {
            self.reused.fetch_add(1, Ordering::SeqCst);
            return Err(CredentialError::needs_reauth(ReauthReason::GrantRejected, ""));
        }
        let n = self.rotations.fetch_add(1, Ordering::SeqCst) + 1;
        Ok((format!("access-{n}"), format!("refresh-{n}")))
    }
}

struct Rotating {
    descriptor: ProviderDescriptor,
    issuer: Arc<Issuer>,
    store: MemoryStore,
}

impl Rotating {
    fn new(issuer: &Arc<Issuer>, store: &MemoryStore) -> Arc<Self> {
        let descriptor = describe("oauth", gateway("token", CredentialKind::OAuth2));
        Arc::new(Self { descriptor, issuer: issuer.clone(), store: store.clone() })
    }

    /// Lease, read again, return what somebody else renewed, intent, exchange, save.
    async fn renew(
        &self,
        request: &Request,
        not: Option<Revision>,
    ) -> Result<Resolution, CredentialError> {
        let key = request.key();
        let _lease = self.store.lease(key).await?;
        let loaded = self.store.load(key).await?;
        let record = loaded
            .record
            .unwrap_or_else(|| Record::new(Some(Grant::from(b"refresh-0".to_vec())), None));
        let usable = |c: &Credential| {
            loaded.revision != not && c.expires_at().is_some_and(|end| request.now() < end)
        };
        if let (Some(credential), Some(revision)) = (record.credential.clone(), loaded.revision)
            && usable(&credential)
        {
            return Ok(credential.with_revision(revision).into());
        }
        let grant = record.grant.clone().unwrap();
        let refresh = String::from_utf8(grant.expose().to_vec()).unwrap();
        let commit = request.commit()?;
        let intent = record.with_intent(Intent::new(request.now(), "test"));
        let revision = self.store.save(key, loaded.revision, intent).await?;
        let wait = request.now().plus(Duration::from_millis(50));
        request.clock().sleep_until(wait).await;
        let (access, refresh) = self.issuer.exchange(&refresh)?;
        let credential = Credential::oauth2(access.into()).with_expiry(request.now().plus(LIFE));
        let renewed =
            Record::new(Some(Grant::from(refresh.into_bytes())), Some(credential.clone()));
        let revision = self.store.save(key, Some(revision), renewed).await?;
        drop(commit);
        Ok(credential.with_revision(revision).into())
    }
}

#[async_trait]
impl CredentialProvider for Rotating {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "token" {
            return Err(missing());
        }
        self.renew(request, request.rejected()).await
    }
    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        _: Reason,
    ) -> Result<Resolution, CredentialError> {
        self.renew(request, current.revision()).await
    }
}

#[tokio::test]
async fn promise_1_a_rotating_grant_is_spent_once_by_two_engines_on_one_store() {
    let (issuer, store) = (Arc::new(Issuer::default()), MemoryStore::new());
    let clock = ManualClock::default();
    let engine = || {
        let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
        let engine = ResolutionEngine::builder()
            .clock(Arc::new(clock.clone()))
            .random(Arc::new(SeededRandom::new(1)))
            .access(rules)
            .build()
            .unwrap();
        engine.register(Rotating::new(&issuer, &store));
        engine.consumer("tool:test").unwrap()
    };
    let tools = [engine(), engine()];
    for _ in 0..50 {
        let mut asked = Vec::new();
        for tool in tools.iter().cycle().take(20) {
            let tool = tool.clone();
            asked.push(tokio::spawn(async move { tool.request(&at("oauth/token")).await }));
        }
        for _ in 0..5 {
            settle().await;
            clock.advance(Duration::from_millis(50));
        }
        settle().await;
        for answer in asked {
            answer.await.unwrap().unwrap();
        }
        clock.advance(LIFE);
        settle().await;
    }
    assert_eq!(issuer.reused.load(Ordering::SeqCst), 0);
    let rotations = issuer.rotations.load(Ordering::SeqCst);
    assert!((50..=52).contains(&rotations), "{rotations} rotations in 50 lives");
}

#[tokio::test]
async fn promise_7_a_rotated_grant_is_kept_before_anybody_sees_the_new_credential() {
    let (issuer, store) = (Arc::new(Issuer::default()), MemoryStore::new());
    let world = world_of(vec![Rotating::new(&issuer, &store)]);
    let key = at("oauth/token");
    for nth in 1..=3 {
        // Given up at once: the exchange, once sent, is saved all the same.
        let (tool, key_) = (world.tool.clone(), key.clone());
        let caller = tokio::spawn(async move { tool.request(&key_).await });
        settle().await;
        caller.abort();
        world.pass(Duration::from_millis(50)).await;
        let served = world.ask(&key).await.unwrap();
        assert_eq!(text(&served), format!("access-{nth}"));
        let kept = store.load(&Key::gateway(&key)).await.unwrap();
        assert_eq!(kept.revision, served.revision());
        let record = kept.record.unwrap();
        assert_eq!(record.grant.unwrap().expose(), format!("refresh-{nth}").as_bytes());
        assert!(record.intent.is_none());
        world.pass(LIFE).await;
    }
    assert_eq!(issuer.reused.load(Ordering::SeqCst), 0);
}

// --- 2. A token derived from another credential. -----------------------------------------------

struct Derived(ProviderDescriptor);

#[async_trait]
impl CredentialProvider for Derived {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_variant(&["audience"])?;
        if request.key().credential.as_str() != "workload" {
            return Err(missing());
        }
        let parent = request.depend_on(Want::new(at("oauth/token"))).await?;
        let audience =
            request.key().variant.get("audience").unwrap_or_else(|| "any".into()).into_owned();
        let text = format!("{audience} for {}", text(&parent));
        Ok(Credential::token(text.into()).with_expiry(request.now().plus(10 * LIFE)).into())
    }
}

struct Parent;
#[async_trait]
impl Source for Parent {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        Ok(Arc::new(Credential::oauth2("parent".into())))
    }
}

fn derived() -> Arc<Derived> {
    Arc::new(Derived(describe("tip", gateway("workload", CredentialKind::Token))))
}

#[tokio::test]
async fn a_derived_token_ends_with_its_parent() {
    let (issuer, store) = (Arc::new(Issuer::default()), MemoryStore::new());
    let world = world_of(vec![Rotating::new(&issuer, &store), derived()]);
    let audience = Variant::builder().audience("api").build().unwrap();
    let key = at("tip/workload");
    let world_tool = world.tool.clone();
    let variant = audience.clone();
    let asked = tokio::spawn(async move {
        world_tool.request(&at("tip/workload")).variant(&variant).await.unwrap()
    });
    world.pass(Duration::from_secs(1)).await;
    let token = asked.await.unwrap();
    assert_eq!(text(&token), "api for access-1");
    let end = world.clock.now().plus(LIFE);
    assert!(token.window().until <= end, "no later than the parent, whatever its own expiry");
    world.engine.administrator().at(&at("oauth/token")).revoke().await.unwrap();
    let error = world.tool.request(&key).variant(&audience).await.unwrap_err();
    assert_eq!(error.parent(), Some(&at("oauth/token")));
}

// --- 3. A vault that renews by itself and gives no refresh token. ------------------------------

#[derive(Default)]
struct Vault {
    version: AtomicUsize,
}

struct VaultProvider(ProviderDescriptor, Arc<Vault>);

#[async_trait]
impl CredentialProvider for VaultProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "hosted" {
            return Err(missing());
        }
        let text = format!("hosted-{}", self.1.version.load(Ordering::SeqCst));
        Ok(Credential::oauth2(text.into()).with_freshness(Freshness::For(LIFE)).into())
    }
    // `refresh` is the default: the same secret again is `Unchanged`.
}

fn vault(vault: &Arc<Vault>) -> Arc<VaultProvider> {
    let descriptor = describe("vault", gateway("hosted", CredentialKind::OAuth2));
    Arc::new(VaultProvider(descriptor, vault.clone()))
}

#[tokio::test]
async fn a_vault_that_gives_the_same_again_is_backed_off_from() {
    let outside = Arc::new(Vault::default());
    let world = world_of(vec![vault(&outside)]);
    let key = at("vault/hosted");
    let first = world.tool.request(&key).await.unwrap();
    let rejected = world.tool.request(&key).reject(first.revision().unwrap()).await.unwrap_err();
    assert_eq!(rejected.code(), ErrorCode::Rejected);
    assert!(rejected.retry_after().is_some() || rejected.is_transient());
    outside.version.store(1, Ordering::SeqCst);
    world.pass(Duration::from_secs(11)).await;
    assert_eq!(text(&world.tool.request(&key).await.unwrap()), "hosted-1");
}

// --- 4. A key changed from outside. ------------------------------------------------------------

struct Changing {
    descriptor: ProviderDescriptor,
    key: Arc<Mutex<String>>,
    feed: Arc<tokio::sync::broadcast::Sender<Change>>,
}

#[async_trait]
impl CredentialProvider for Changing {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "openai" {
            return Err(missing());
        }
        let key = self.key.lock().unwrap().clone();
        Ok(Credential::api_key(key.into()).into())
    }
    fn changes(&self) -> Changes {
        let receiver = self.feed.subscribe();
        Box::pin(futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.ok().map(|change| (change, receiver))
        }))
    }
}

type Feed = Arc<tokio::sync::broadcast::Sender<Change>>;

fn changing(key: &Arc<Mutex<String>>, feed: &Feed) -> Arc<Changing> {
    let descriptor = describe("keychain", gateway("openai", CredentialKind::ApiKey))
        .with_capability(Capability::Changes);
    Arc::new(Changing { descriptor, key: key.clone(), feed: feed.clone() })
}

fn rotate_key(key: &Arc<Mutex<String>>, feed: &Feed) {
    let mut key = key.lock().unwrap();
    key.push('+');
    let _ = feed.send(Change::Key(Key::gateway(&at("keychain/openai"))));
}

#[tokio::test]
async fn a_key_changed_outside_is_served_without_a_restart() {
    let (key, feed) = (
        Arc::new(Mutex::new("sk-1".to_owned())),
        Feed::new(tokio::sync::broadcast::Sender::new(8)),
    );
    let world = world_of(vec![changing(&key, &feed)]);
    let name = at("keychain/openai");
    let handle = world.tool.request(&name).bind().unwrap();
    assert_eq!(text(&handle.get().await.unwrap()), "sk-1");
    rotate_key(&key, &feed);
    settle().await;
    assert_eq!(text(&handle.get().await.unwrap()), "sk-1+");
    assert_eq!(text(&world.tool.request(&name).await.unwrap()), "sk-1+");
}

// --- 5. An access key that signs requests. -----------------------------------------------------

struct Sts(ProviderDescriptor);

/// Stands for a signature algorithm: what matters here is where the secret goes.
struct Signer;

impl SignRequest for Signer {
    fn sign(
        &self,
        material: &Material,
        request: &OutgoingRequest<'_>,
        now: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        use std::hash::{Hash as _, Hasher as _};
        let Material::AccessKey(key) = material else {
            return Err(CredentialError::new(ErrorCode::Unsupported, "not an access key"));
        };
        let mut hash = std::hash::DefaultHasher::new();
        (key.secret_access_key.expose_secret(), request.method, request.path, request.query)
            .hash(&mut hash);
        let value = format!("{} {} {:x}", key.access_key_id, now.as_millis(), hash.finish());
        let mut authorization = Authorization::default();
        authorization.headers.push(("Authorization".into(), value.into()));
        Ok(authorization)
    }
}

#[async_trait]
impl CredentialProvider for Sts {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_variant(&["role"])?;
        if request.key().credential.as_str() != "platform" {
            return Err(missing());
        }
        let nth = request.now().as_millis();
        let key = AccessKey::new(format!("AK{nth}"), format!("SK{nth}").into(), Some("ST".into()));
        Ok(Credential::access_key(key)
            .with_origin(Origin::parse("https://open.example")?)
            .with_signer(Arc::new(Signer))
            .with_expiry(request.now().plus(LIFE))
            .into())
    }
}

fn sts() -> Arc<Sts> {
    Arc::new(Sts(describe("sts", gateway("platform", CredentialKind::AccessKey))))
}

#[tokio::test]
async fn an_access_key_signs_for_its_origin_and_shows_itself_nowhere() {
    let world = world_of(vec![sts()]);
    let credential = world.tool.request(&at("sts/platform")).await.unwrap();
    let origin = Origin::parse("https://open.example").unwrap();
    let request = OutgoingRequest::new("POST", &origin, "/").with_query("Action=X");
    let signed = credential.authorize(&request, world.clock.now()).unwrap();
    let header = signed.headers[0].1.expose_secret();
    assert!(header.starts_with("AK") && !header.contains("SK"));
    let elsewhere = Origin::parse("https://evil.example").unwrap();
    let refused =
        credential.authorize(&OutgoingRequest::new("POST", &elsewhere, "/"), world.clock.now());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::OriginDenied);
}

// --- All of them keep the promises of the trait. -----------------------------------------------

#[tokio::test]
async fn all_five_and_the_store_pass_the_conformance_kit() {
    let issuer = Arc::new(Issuer::default());
    let store = MemoryStore::new();
    let rotating = move || Rotating::new(&issuer, &store) as Arc<dyn CredentialProvider>;
    ProviderSuite::new(rotating).credential("token").run().await.assert();
    ProviderSuite::new(|| derived())
        .credential("workload")
        .source(Arc::new(Parent))
        .run()
        .await
        .assert();
    let outside = Arc::new(Vault::default());
    ProviderSuite::new(move || vault(&outside)).credential("hosted").run().await.assert();
    let key = Arc::new(Mutex::new("sk-1".to_owned()));
    let feed: Feed = Arc::new(tokio::sync::broadcast::Sender::new(8));
    let (k, f) = (key.clone(), feed.clone());
    ProviderSuite::new(move || changing(&k, &f))
        .credential("openai")
        .change(move |_| rotate_key(&key, &feed))
        .run()
        .await
        .assert();
    ProviderSuite::new(|| sts()).credential("platform").run().await.assert();
    let store = MemoryStore::new();
    let open = move || {
        let store = store.clone();
        async move { Arc::new(store) as Arc<dyn GrantStore> }
    };
    StoreSuite::new(open.clone()).reopen(open).run().await.assert();
}

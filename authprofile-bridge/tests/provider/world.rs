//! State folders of OpenClaw's for tests, and engines over them.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authprofile_bridge::openclaw::Home;
use authprofile_bridge::provider::{
    AuthProfileProvider, AuthProfileProviderBuilder, ModelProvider,
};
use authprofile_bridge::renewal::{NotRenewed, ProfileIssuer, RenewedLogin, StoredLogin};
use credential_provider_api::*;
use resolution_engine::{AccessRules, Consumer, ResolutionEngine};
use tokio::sync::{Notify, Semaphore};

/// Removed with what is in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("authprofile-provider-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A state folder, and the time.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) clock: ManualClock,
}

impl World {
    /// What OpenClaw 2026.5.28 wrote.
    pub(crate) fn of_openclaw() -> Self {
        let world = Self::new();
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openclaw-2026.5.28");
        copy(&fixture.join("state"), &world.folder.0);
        fs::copy(fixture.join("openclaw.json"), world.folder.0.join("openclaw.json")).unwrap();
        world
    }

    /// A state folder in which the main agent has no file yet.
    pub(crate) fn new() -> Self {
        let (folder, clock) =
            (Folder::new(), ManualClock::new(std::time::SystemTime::now().into()));
        fs::create_dir_all(folder.0.join("agents/main/agent")).unwrap();
        Self { folder, clock }
    }

    /// The main agent's profiles, in era B.
    pub(crate) fn with(profiles: &str) -> Self {
        let world = Self::new();
        world.write("main", profiles);
        world.write_file("main", "auth-state.json", "{\"version\": 1}\n");
        world
    }

    pub(crate) fn write(&self, agent: &str, profiles: &str) {
        let text = format!("{{\"version\": 1, \"profiles\": {profiles}}}\n");
        self.write_file(agent, "auth-profiles.json", &text);
    }

    /// Replaces it at once, as OpenClaw does.
    pub(crate) fn write_file(&self, agent: &str, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(agent, name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(beside, path).unwrap();
    }

    pub(crate) fn file(&self, agent: &str, name: &str) -> PathBuf {
        self.folder.0.join("agents").join(agent).join("agent").join(name)
    }

    pub(crate) fn text(&self, agent: &str, name: &str) -> String {
        fs::read_to_string(self.file(agent, name)).unwrap()
    }

    /// Until the last edit of the main agent's store has let go of its lock: what it wrote is seen a
    /// moment before, and whoever waits for the lock waits by a clock that stands still.
    pub(crate) async fn unlocked(&self) {
        let lock = self.file("main", "auth-profiles.json.lock");
        until("the lock is released", async || !lock.exists()).await;
    }

    /// One of the documents.
    pub(crate) fn json(&self, agent: &str, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(agent, name)).unwrap()
    }

    /// What is stored of a profile.
    pub(crate) fn stored(&self, agent: &str, id: &str) -> serde_json::Value {
        self.json(agent, "auth-profiles.json")["profiles"][id].clone()
    }

    pub(crate) fn home(&self) -> Home {
        Home::at(&self.folder.0)
    }

    pub(crate) fn builder(&self) -> AuthProfileProviderBuilder {
        AuthProfileProvider::builder(ProviderId::new("auth").unwrap(), self.home())
    }

    pub(crate) fn provider(&self, builder: AuthProfileProviderBuilder) -> Arc<AuthProfileProvider> {
        Arc::new(builder.build(Arc::new(self.clock.clone())).unwrap())
    }

    /// Milliseconds from now.
    pub(crate) fn millis(&self, from_now: i64) -> i64 {
        i64::try_from(self.clock.now().as_millis()).unwrap() + from_now
    }

    pub(crate) fn request(&self, id: &str) -> Request {
        Request::new(Key::gateway(&at(id)), Arc::new(self.clock.clone()))
    }

    /// An engine, and somebody who may ask for everything.
    pub(crate) fn engine(
        &self,
        builder: AuthProfileProviderBuilder,
    ) -> (ResolutionEngine, Consumer) {
        engine(self.provider(builder), Arc::new(self.clock.clone()))
    }
}

pub(crate) fn engine(
    provider: Arc<AuthProfileProvider>,
    clock: Arc<dyn Clock>,
) -> (ResolutionEngine, Consumer) {
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let engine = ResolutionEngine::builder()
        .clock(clock)
        .random(Arc::new(SeededRandom::new(7)))
        .access(rules)
        .build()
        .unwrap();
    engine.register(provider);
    let tool = engine.consumer("tool:test").unwrap();
    (engine, tool)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

pub(crate) fn at(id: &str) -> CredentialRef {
    CredentialRef::new(ProviderId::new("auth").unwrap(), CredentialId::new(id).unwrap())
}

pub(crate) fn secret(credential: &Credential) -> String {
    credential.secret().unwrap().expose_secret().to_owned()
}

/// Asks the provider itself.
pub(crate) async fn ask(
    provider: &AuthProfileProvider,
    request: &Request,
) -> Result<String, CredentialError> {
    Ok(match provider.resolve(request).await? {
        Resolution::Credential(credential) => secret(&credential),
        Resolution::Selected(id) => format!("-> {id}"),
        other => panic!("{other:?}"),
    })
}

/// Waits, in real time, for what another thread does.
pub(crate) async fn until(what: &str, so: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if so().await {
            return;
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
    }
    panic!("in vain: {what}");
}

/// Answers references from a map.
#[derive(Default)]
pub(crate) struct Refs {
    pub(crate) secrets: Mutex<BTreeMap<String, String>>,
    pub(crate) batches: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl SecretRefResolver for Refs {
    async fn resolve(&self, refs: &[SecretRef]) -> Vec<Result<SecretString, CredentialError>> {
        self.batches.lock().unwrap().push(refs.iter().map(|one| one.id.clone()).collect());
        let secrets = self.secrets.lock().unwrap();
        let missing = || CredentialError::new(ErrorCode::NotConfigured, "no such secret");
        let one =
            |one: &SecretRef| secrets.get(&one.id).map(|s| s.as_str().into()).ok_or_else(missing);
        refs.iter().map(one).collect()
    }
}

type Script = Box<dyn Fn(&StoredLogin, usize) -> Result<RenewedLogin, NotRenewed> + Send + Sync>;

/// An issuer that takes each refresh token once.
pub(crate) struct Issuer {
    pub(crate) exchanges: AtomicUsize,
    pub(crate) reused: AtomicUsize,
    pub(crate) spent: Mutex<Vec<String>>,
    pub(crate) life: Duration,
    /// Somebody arrived; and how many may go on.
    pub(crate) arrived: Notify,
    pub(crate) go: Semaphore,
    script: Mutex<Option<Script>>,
}

impl Issuer {
    pub(crate) fn new() -> Arc<Self> {
        Self::of(Duration::from_secs(3600))
    }

    pub(crate) fn of(life: Duration) -> Arc<Self> {
        Arc::new(Self {
            exchanges: AtomicUsize::new(0),
            reused: AtomicUsize::new(0),
            spent: Mutex::default(),
            life,
            arrived: Notify::new(),
            go: Semaphore::new(1000),
            script: Mutex::default(),
        })
    }

    /// Answers so in place of its own way.
    pub(crate) fn answers(
        &self,
        script: impl Fn(&StoredLogin, usize) -> Result<RenewedLogin, NotRenewed> + Send + Sync + 'static,
    ) {
        *self.script.lock().unwrap() = Some(Box::new(script));
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::SeqCst)
    }

    /// Named for a model provider.
    pub(crate) fn named(self: &Arc<Self>) -> ModelProvider {
        ModelProvider::new().issuer(self.clone())
    }
}

#[async_trait]
impl ProfileIssuer for Issuer {
    async fn renew(
        &self,
        login: &StoredLogin,
        request: &Request,
    ) -> Result<RenewedLogin, NotRenewed> {
        let nth = self.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
        self.arrived.notify_one();
        self.go.acquire().await.unwrap().forget();
        if let Some(script) = &*self.script.lock().unwrap() {
            return script(login, nth);
        }
        let token = login.refresh_token.expose_secret().to_owned();
        let mut spent = self.spent.lock().unwrap();
        if spent.contains(&token) {
            self.reused.fetch_add(1, Ordering::SeqCst);
            return Err(NotRenewed::refused("refresh_token_reused"));
        }
        spent.push(token);
        Ok(RenewedLogin::new(format!("access-{nth}").into())
            .with_refresh(format!("refresh-{nth}").into())
            .with_expiry(request.now().plus(self.life)))
    }
}

/// A login that ended a minute ago.
pub(crate) fn ended(world: &World) -> String {
    login(world, "access-0", "refresh-0", -60_000)
}

pub(crate) fn login(world: &World, access: &str, refresh: &str, from_now: i64) -> String {
    let expires = world.millis(from_now);
    format!(
        "{{\"type\": \"oauth\", \"provider\": \"codex\", \"access\": \"{access}\", \"refresh\": \"{refresh}\", \"expires\": {expires}, \"accountId\": \"me\", \"unknown\": [1,  2]}}"
    )
}

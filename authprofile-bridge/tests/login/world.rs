//! A home folder with logins in it, a clock that stands still, and a keychain in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authprofile_bridge::login::{
    Environment, KeychainReader, Login, LoginProvider, LoginProviderBuilder, LoginSource,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialProvider as _, CredentialRef, ErrorCode,
    ExposeSecret as _, Key, ManualClock, ProviderId, Request, Resolution, SecretString, Timestamp,
    async_trait,
};

/// The time in the tests.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// An hour later.
pub(crate) const LATER: u64 = 1_800_003_600;

pub(crate) struct World {
    pub(crate) home: PathBuf,
    pub(crate) clock: ManualClock,
}

impl World {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tool-logins-{}-{number}", std::process::id());
        let home = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        Self { home, clock: ManualClock::new(NOW) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Writes a file as the tools do: for its owner alone, at the time of the clock.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        allow(&path, 0o600);
        self.written(name, self.clock.now());
    }

    pub(crate) fn written(&self, name: &str, at: Timestamp) {
        fs::File::options()
            .write(true)
            .open(self.path(name))
            .unwrap()
            .set_modified(at.into())
            .unwrap();
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment::default().with("HOME", &self.home).with("USERPROFILE", &self.home)
    }

    pub(crate) fn provider(&self, ids: &[&str]) -> LoginProvider {
        self.built(ids.iter().fold(builder(), |builder, id| builder.login(login(id))))
    }

    pub(crate) fn built(&self, builder: LoginProviderBuilder) -> LoginProvider {
        builder.build(self.environment(), Arc::new(self.clock.clone())).unwrap()
    }

    pub(crate) fn request(&self, id: &str) -> Request {
        request(id, Arc::new(self.clock.clone()))
    }

    /// The login as it is now.
    pub(crate) async fn read(&self, id: &str) -> Result<Credential, CredentialError> {
        self.read_of(&self.provider(&[id]), id).await
    }

    pub(crate) async fn read_of(
        &self,
        provider: &LoginProvider,
        id: &str,
    ) -> Result<Credential, CredentialError> {
        // A file that is not whole is waited for.
        let clock = Arc::new(Hasty(self.clock.clone()));
        match provider.resolve(&request(id, clock)).await? {
            Resolution::Credential(credential) => Ok(*credential),
            other => panic!("{other:?}"),
        }
    }

    /// The code of the error, whose words are checked for a next step elsewhere.
    pub(crate) async fn refused(&self, id: &str) -> ErrorCode {
        self.read(id).await.unwrap_err().code()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// A clock on which every wait is over at once, and has taken its time.
pub(crate) struct Hasty(pub(crate) ManualClock);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn sleep_until(&self, when: Timestamp) -> credential_provider_api::Sleep {
        let time = self.0.clone();
        Box::pin(async move {
            if when > time.now() {
                time.set(when);
            }
        })
    }
}

pub(crate) fn builder() -> LoginProviderBuilder {
    LoginProvider::builder(ProviderId::new("logins").unwrap())
}

pub(crate) fn login(id: &str) -> Login {
    Login::of(LoginSource::of_id(id).unwrap())
}

pub(crate) fn named(id: &str) -> CredentialRef {
    CredentialRef::parse(&format!("logins/{id}")).unwrap()
}

pub(crate) fn request(id: &str, clock: Arc<dyn Clock>) -> Request {
    Request::new(Key::gateway(&named(id)), clock)
}

pub(crate) fn secret(credential: &Credential) -> &str {
    credential.secret().unwrap().expose_secret()
}

#[cfg(unix)]
pub(crate) fn allow(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
#[cfg(not(unix))]
pub(crate) fn allow(_: &Path, _: u32) {}

/// An unsigned token with these claims.
pub(crate) fn jwt(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"none"}"#), part(claims), part("signature"))
}

/// Codex's file, as 0.169.0 writes it.
pub(crate) fn codex(access: &str, account: &str) -> String {
    let id_token = jwt(r#"{"sub":"user-1","email":"me@example.com"}"#);
    format!(
        r#"{{
  "auth_mode": "chatgpt",
  "OPENAI_API_KEY": null,
  "tokens": {{
    "id_token": "{id_token}",
    "access_token": "{access}",
    "refresh_token": "rt-codex",
    "account_id": "{account}"
  }},
  "last_refresh": "2027-01-15T07:30:00.123456789Z"
}}"#
    )
}

/// A token of Codex that ends in an hour.
pub(crate) fn codex_token(name: &str) -> String {
    jwt(&format!(r#"{{"exp":{LATER},"iat":1799999000,"jti":"{name}"}}"#))
}

pub(crate) fn claude(access: &str) -> String {
    format!(
        r#"{{"claudeAiOauth":{{"accessToken":"{access}","refreshToken":"rt-claude","expiresAt":{LATER}000,"scopes":["user:inference","user:profile"],"subscriptionType":"max","rateLimitTier":null}},"mcpOAuth":{{"x|1":{{"accessToken":"mcp-token"}}}}}}"#
    )
}

pub(crate) fn gemini(access: &str) -> String {
    let id_token = jwt(r#"{"sub":"1234567890","email":"me@gmail.example"}"#);
    format!(
        r#"{{
  "access_token": "{access}",
  "refresh_token": "rt-gemini",
  "scope": "openid https://www.googleapis.com/auth/cloud-platform",
  "token_type": "Bearer",
  "id_token": "{id_token}",
  "expiry_date": {LATER}000
}}"#
    )
}

pub(crate) fn minimax(access: &str) -> String {
    format!(
        r#"{{"access_token":"{access}","refresh_token":"rt-minimax","expiry_date":{LATER}000}}"#
    )
}

/// Service and account.
type Name = (String, Option<String>);

/// A keychain in memory, and what is wrong with it.
#[derive(Clone, Default)]
pub(crate) struct Items {
    items: Arc<Mutex<BTreeMap<Name, String>>>,
    failing: Arc<Mutex<Option<ErrorCode>>>,
    asked: Arc<AtomicUsize>,
    silent: Arc<AtomicBool>,
}

impl Items {
    pub(crate) fn put(&self, service: &str, account: Option<&str>, secret: &str) {
        let name = (service.to_owned(), account.map(str::to_owned));
        self.items.lock().unwrap().insert(name, secret.to_owned());
    }

    pub(crate) fn fail(&self, code: Option<ErrorCode>) {
        *self.failing.lock().unwrap() = code;
    }

    /// It does not answer any more.
    pub(crate) fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeychainReader for Items {
    async fn read(
        &self,
        service: &str,
        account: Option<&str>,
    ) -> Result<Option<SecretString>, CredentialError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if let Some(code) = *self.failing.lock().unwrap() {
            return Err(CredentialError::new(code, "a test says so"));
        }
        let name = (service.to_owned(), account.map(str::to_owned));
        Ok(self.items.lock().unwrap().get(&name).map(|secret| secret.as_str().into()))
    }
}

/// Lets what runs on other threads come to its end.
pub(crate) async fn a_moment() {
    let slept = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)));
    slept.await.unwrap();
}

//! Providers built as a host builds them, with everything they touch in a test's hands.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use credential_provider_api::{
    Clock as _, ConfigError, Credential, CredentialError, CredentialProvider, CredentialRef,
    FactoryContext, Key, ManualClock, ProviderId, Request, Resolution, SecretString, SeededRandom,
    Settings, Variant, async_trait,
};
use oauth_provider::{HttpClient, ReqwestClient};
use secrecy::SecretSlice;
use serde_json::{Value, json};
use volcengine_provider::{
    Environment, FileProblem, Files, Stamp, VolcengineFactory, VolcengineProvider,
};

use super::service::{MARK, Service};

/// Files that are not on any disk.
#[derive(Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<BTreeMap<PathBuf, (String, u64)>>>);

impl MemoryFiles {
    pub fn put(&self, path: &str, content: &str) {
        let mut files = self.0.lock().unwrap();
        let number = files.values().map(|(_, number)| number + 1).max().unwrap_or(1);
        files.insert(path.into(), (content.to_owned(), number));
    }

    pub fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(Path::new(path));
    }
}

#[async_trait]
impl Files for MemoryFiles {
    async fn read(&self, path: &Path, limit: usize) -> Result<SecretSlice<u8>, FileProblem> {
        let files = self.0.lock().unwrap();
        let (content, _) = files.get(path).ok_or(FileProblem::Missing)?;
        if content == "unreadable" {
            return Err(FileProblem::Unreadable);
        }
        if content.len() > limit {
            return Err(FileProblem::TooLarge);
        }
        Ok(content.as_bytes().to_vec().into())
    }

    async fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.0.lock().unwrap().get(path).map(|(_, number)| Stamp::new(*number))
    }
}

/// Variables that a test sets.
#[derive(Clone, Default)]
pub struct Variables(Arc<Mutex<BTreeMap<String, SecretString>>>);

impl Variables {
    pub fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.into());
    }
}

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<SecretString> {
        self.0.lock().unwrap().variable(name)
    }
}

/// Runs a call to its end. Services and files answer at once, so whatever it waits for is time: time
/// moves on to that.
pub async fn run<T>(time: &ManualClock, call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    poll_fn(|cx| {
        for _ in 0..100 {
            if let Poll::Ready(done) = call.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            time.set(time.next_sleeper().expect("it waits for something else than time"));
        }
        panic!("it waits for ever")
    })
    .await
}

pub struct World {
    pub service: Arc<Service>,
    pub time: ManualClock,
    pub http: Arc<dyn HttpClient>,
    pub files: MemoryFiles,
    pub variables: Variables,
}

pub const ROLE: &str = "trn:iam::2100000000:role/agent";

impl World {
    /// Without a network.
    pub fn new() -> Self {
        let service = Service::new();
        Self::with(service.clone(), service)
    }

    /// With a service on loopback and a real HTTP client.
    pub async fn listening() -> Self {
        Self::with(Service::listening().await, Arc::new(ReqwestClient::new().unwrap()))
    }

    fn with(service: Arc<Service>, http: Arc<dyn HttpClient>) -> Self {
        Self {
            service,
            http,
            time: ManualClock::default(),
            files: MemoryFiles::default(),
            variables: Variables::default(),
        }
    }

    pub fn factory(&self) -> VolcengineFactory {
        let (files, variables) = (Arc::new(self.files.clone()), Arc::new(self.variables.clone()));
        VolcengineFactory::new(self.http.clone(), self.http.clone(), files, variables)
    }

    pub fn context(&self) -> FactoryContext {
        FactoryContext::new(Arc::new(self.time.clone()), Arc::new(SeededRandom::new(7)))
    }

    /// Settings whose services are this world's, with more of them.
    pub fn settings(&self, more: Value) -> Settings {
        let mut settings =
            json!({ "endpoint": self.service.url(), "stsEndpoint": self.service.url() });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        Settings::from_json("p.volc", &settings.to_string()).unwrap()
    }

    pub async fn provider(&self, more: Value) -> VolcengineProvider {
        self.try_provider(more).await.unwrap()
    }

    pub async fn try_provider(&self, more: Value) -> Result<VolcengineProvider, ConfigError> {
        let id = ProviderId::new("volc").unwrap();
        self.factory().provider(id, &self.settings(more), &self.context()).await
    }

    pub fn request(&self) -> Request {
        self.request_for(Variant::none())
    }

    pub fn request_for(&self, variant: Variant) -> Request {
        let reference = CredentialRef::parse("volc/platform").unwrap();
        let key = Key::new(&reference, None, variant);
        Request::new(key, Arc::new(self.time.clone()))
    }

    /// The platform keys of a provider with these settings.
    pub async fn keys(&self, more: Value) -> Result<Credential, CredentialError> {
        let provider = self.provider(more).await;
        run(&self.time, resolve(&provider, &self.request())).await
    }

    /// An RFC 3339 time so many seconds from now, as Beijing writes it.
    pub fn time_in(&self, seconds: u64) -> String {
        let moment = self.time.now().plus(Duration::from_secs(seconds));
        let moment =
            chrono::DateTime::from_timestamp_millis(moment.as_millis().try_into().unwrap());
        let beijing = chrono::FixedOffset::east_opt(8 * 3600).unwrap();
        moment.unwrap().with_timezone(&beijing).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// Settings with keys in them.
pub fn configured(more: Value) -> Value {
    let mut settings = json!({
        "accessKeyId": "AK-configured", "secretAccessKey": format!("configured-{MARK}-secret"),
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

pub async fn resolve(
    provider: &VolcengineProvider,
    request: &Request,
) -> Result<Credential, CredentialError> {
    match provider.resolve(request).await? {
        Resolution::Credential(credential) => Ok(*credential),
        other => panic!("{other:?}"),
    }
}

/// The public id of an access key.
pub fn id(credential: &Credential) -> String {
    match credential.material() {
        credential_provider_api::Material::AccessKey(key) => key.access_key_id.clone(),
        other => panic!("{other:?}"),
    }
}

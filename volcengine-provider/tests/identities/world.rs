//! A host with an engine, beside an emulator of the service.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    AccountId, Clock as _, Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode,
    ExposeSecret as _, ManualClock, Origin, OutgoingRequest, Requester, SecretString, SignInAnswer,
    SignInStep, Timestamp, Variant,
};
use credential_store::MemoryStore;
use oauth_provider::{HttpClient, HttpRequest, ReqwestClient};
use resolution_engine::{Configuration, FlowStatus, ResolutionEngine, SignInFlow, Tuning};
use serde_json::{Value, json};
use volcengine_provider::emulator::{EXAMPLE, Emulator, Person, State};
use volcengine_provider::{SystemFiles, VolcengineFactory};

pub const ACCOUNT: u64 = 2_100_000_000;
/// The address that the example's client has registered.
pub const CALLBACK: &str = "http://127.0.0.1/identity/oauth/callback";

pub struct World {
    pub emulator: Emulator,
    pub clock: ManualClock,
    pub store: Arc<MemoryStore>,
    pub engine: ResolutionEngine,
    /// The provider's, as they stand in the configuration.
    pub settings: Value,
    http: Arc<dyn HttpClient>,
}

/// A test's part of the configuration: settings beside the usual ones, in their place.
pub struct Host {
    pub state: State,
    pub settings: Value,
    pub rules: Value,
    pub tuning: Tuning,
    pub environment: BTreeMap<String, SecretString>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            state: State::from_json(EXAMPLE).unwrap(),
            settings: json!({}),
            rules: json!([]),
            tuning: Tuning::default(),
            environment: BTreeMap::new(),
        }
    }
}

impl Host {
    pub fn with(settings: Value) -> Self {
        Self { settings, ..Self::default() }
    }

    pub async fn start(self) -> World {
        let clock = ManualClock::new(Timestamp::from_secs(1_790_000_000));
        let emulator = Emulator::start(self.state, Arc::new(clock.clone())).await.unwrap();
        let http: Arc<dyn HttpClient> = Arc::new(ReqwestClient::new().unwrap());
        let store = Arc::new(MemoryStore::new());
        let engine = ResolutionEngine::builder()
            .clock(Arc::new(clock.clone()))
            .store(store.clone())
            .tuning(self.tuning)
            .factory(factory(&http, self.environment))
            .build()
            .unwrap();
        let url = emulator.url();
        let mut settings = json!({
            "type": "volcengine", "endpoint": url, "stsEndpoint": url, "retries": 0,
            "accessKeyId": "AKLT-gateway", "secretAccessKey": "gateway-example-secret",
            "userPool": { "name": "people", "clientName": "gateway", "callbackUrl": CALLBACK },
            "credentials": {
                "search": { "type": "api_key", "origins": [url] },
                "calendar": { "type": "oauth2", "origins": [url] },
                "reports": { "type": "oauth2", "flow": "m2m", "origins": [url] },
                "key/*": { "type": "api_key", "origins": [url] },
            },
        });
        for (name, value) in self.settings.as_object().unwrap() {
            let value: Value =
                serde_json::from_str(&value.to_string().replace("{url}", &url)).unwrap();
            settings[name] = value;
        }
        let mut rules = vec![
            json!({ "consumer": "tool:web", "credential": "volc/*" }),
            json!({ "consumer": "provider:volc", "credential": "volc/*" }),
        ];
        rules.extend(self.rules.as_array().unwrap().iter().cloned());
        let configuration = json!({
            "credentialProviders": { "volc": &settings }, "credentialAccess": rules,
        });
        let configuration = Configuration::from_json(&configuration.to_string()).unwrap();
        engine.configure(configuration).await.unwrap();
        settings.as_object_mut().unwrap().remove("type");
        World { emulator, clock, store, engine, settings, http }
    }
}

fn factory(
    http: &Arc<dyn HttpClient>,
    environment: BTreeMap<String, SecretString>,
) -> VolcengineFactory {
    let (files, environment) = (Arc::new(SystemFiles), Arc::new(environment));
    VolcengineFactory::new(http.clone(), http.clone(), files, environment)
}

pub fn name(id: &str) -> CredentialRef {
    CredentialRef::parse(&format!("volc/{id}")).unwrap()
}

/// Somebody in a group chat that all of them share.
pub fn member(user: &str) -> EffectiveSession {
    let parts =
        Requester { session: "agent:main:group", channel: "chat", account: "T1", requester: user };
    EffectiveSession::requester(parts).unwrap()
}

/// Where a flow sends a person.
pub fn page(flow: &SignInFlow) -> String {
    match flow.status() {
        FlowStatus::Step(SignInStep::OpenUrl { url, .. }) => url,
        other => panic!("{other:?}"),
    }
}

impl World {
    /// What another gateway's provider is built with.
    pub fn factory(&self) -> VolcengineFactory {
        factory(&self.http, BTreeMap::new())
    }

    pub async fn ask(&self, id: &str, user: &str) -> Result<Arc<Credential>, CredentialError> {
        self.ask_for(id, user, &Variant::none()).await
    }

    pub async fn ask_for(
        &self,
        id: &str,
        user: &str,
        variant: &Variant,
    ) -> Result<Arc<Credential>, CredentialError> {
        let tool = self.engine.consumer("tool:web").unwrap();
        tool.request(&name(id)).session(&member(user)).variant(variant).await
    }

    pub async fn code(&self, id: &str, user: &str) -> ErrorCode {
        match self.ask(id, user).await {
            Err(error) => error.code(),
            Ok(credential) => panic!("{credential:?}"),
        }
    }

    pub async fn begin(&self, id: &str, user: &str) -> Result<SignInFlow, CredentialError> {
        let at = self.engine.administrator().at(&name(id)).session(&member(user));
        at.sign_in().redirect_uri(CALLBACK).start().await
    }

    /// Signs `user` in by the user pool's page.
    pub async fn sign_in(&self, user: &str) {
        let done = self.try_sign_in(user).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    }

    pub async fn try_sign_in(&self, user: &str) -> Result<FlowStatus, CredentialError> {
        let flow = self.begin("identity", user).await?;
        let back = self.emulator.browse(&page(&flow), Person::Allows(user)).await.unwrap();
        flow.answer(SignInAnswer::Pasted(back.into())).await
    }

    /// What the resource says about a request that this credential authorizes.
    pub async fn whoami(&self, credential: &Credential) -> Value {
        let url = self.emulator.url();
        let origin = Origin::parse(&url).unwrap();
        let request = OutgoingRequest::new("GET", &origin, "/resource/whoami");
        let added = credential.authorize(&request, self.clock.now()).unwrap();
        let mut request = HttpRequest::get(format!("{url}/resource/whoami"), 4096);
        for (name, value) in added.headers {
            let name = name.to_ascii_lowercase().leak();
            request = request.with_header(name, value);
        }
        let answer = self.http.send(request).await.unwrap();
        serde_json::from_slice(answer.body.expose_secret()).unwrap()
    }

    pub fn called(&self, action: &str) -> u64 {
        self.emulator.counters().action(action)
    }

    /// What comes of `work` while time passes: somebody pauses in it.
    pub async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            for _ in 0..100 {
                let polled = futures::poll!(&mut work);
                if let std::task::Poll::Ready(done) = polled {
                    return done;
                }
                tokio::task::yield_now().await;
            }
            self.clock.advance(Duration::from_millis(100));
        }
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn stop(self) {
        self.engine.shutdown().await;
        self.emulator.stop().await;
    }
}

pub fn account(id: &str) -> Option<AccountId> {
    Some(AccountId::new(id).unwrap())
}

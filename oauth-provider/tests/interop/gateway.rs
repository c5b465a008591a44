//! A gateway on a folder: an engine of its own and a store opened anew, as each process has.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use credential_provider_api::*;
use credential_store::{FileStore, Grants, KeyFile};
use oauth_provider::*;
use resolution_engine::*;

use crate::badge::Badge;
use crate::browser::{self, Mind};
use crate::peer::Peer;
use crate::wire::Wire;

/// Nobody listens there: what the browser was sent to is read, not delivered.
pub const ELSEWHERE: &str = "http://127.0.0.1:1/callback";

pub type Answer = Result<Arc<Credential>, CredentialError>;

/// A client as an issuer knows it.
#[derive(Clone, Copy)]
pub struct Registered {
    pub id: &'static str,
    pub secret: Option<&'static str>,
    /// Signs with the key that the issuer's start has left for this algorithm.
    pub signs: Option<SigningAlgorithm>,
    pub authentication: ClientAuthentication,
}

pub const PUBLIC: Registered =
    Registered { id: "pub", secret: None, signs: None, authentication: ClientAuthentication::None };
pub const BASIC: Registered = Registered {
    id: "conf",
    secret: Some("conf-secret"),
    signs: None,
    authentication: ClientAuthentication::ClientSecretBasic,
};
pub const SIGNS_EC: Registered = Registered {
    id: "signs-ec",
    secret: None,
    signs: Some(SigningAlgorithm::ES256),
    authentication: ClientAuthentication::PrivateKeyJwt,
};
/// All of its tokens are bound to keys.
pub const BOUND: Registered = Registered { id: "pub-dpop", ..PUBLIC };

/// Anything else about the provider.
type SetUp = Box<dyn Fn(OAuthProviderBuilder) -> OAuthProviderBuilder + Send + Sync>;

/// One person, one client, one issuer, and the folder where logins are kept.
pub struct World {
    pub peer: Peer,
    pub person: &'static str,
    pub client: Registered,
    pub wire: Arc<Wire>,
    folder: PathBuf,
    api: OAuthCredential,
    set_up: SetUp,
}

/// The id of the credential that a gateway asks for.
pub fn api() -> CredentialId {
    CredentialId::new("api").unwrap()
}

/// The access token of whoever signs in, to be sent to the issuer's own services.
pub fn login(peer: &Peer) -> OAuthCredential {
    OAuthCredential::session(api()).scopes(["openid", "email"]).origin(peer.origin())
}

impl World {
    /// `person` is of this test alone: the issuer's log is counted by it.
    pub fn new(peer: Peer, client: Registered, person: &'static str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oauth-interop-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&folder).unwrap();
        Self {
            api: login(&peer),
            peer,
            person,
            client,
            wire: Arc::new(Wire::new()),
            folder,
            set_up: Box::new(|provider| provider),
        }
    }

    /// With another credential to ask for.
    pub fn asking_for(mut self, api: OAuthCredential) -> Self {
        self.api = api;
        self
    }

    /// With a provider set up further.
    pub fn set_up(
        mut self,
        further: impl Fn(OAuthProviderBuilder) -> OAuthProviderBuilder + Send + Sync + 'static,
    ) -> Self {
        self.set_up = Box::new(further);
        self
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub async fn gateway(&self) -> Gateway {
        let key = KeyFile::new(self.folder.join("grants.key"));
        let store = FileStore::open(self.folder.join("grants"), key).await.unwrap();
        let grants = Grants::new(Arc::new(store));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let runtime = OAuthRuntime {
            http: self.wire.clone(),
            grants: grants.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom::new()),
        };
        let who = OAuthCredential::session(CredentialId::new("who").unwrap()).scopes(["openid"]);
        let mut provider = OAuthProvider::builder(
            ProviderId::new("idp").unwrap(),
            &self.peer.issuer,
            self.client.id,
        )
        .client_authentication(self.client.authentication)
        .credential(self.api.clone())
        .credential(who.token(IssuedToken::IdToken));
        if let Some(secret) = self.client.secret {
            provider = provider.client_secret(secret.into());
        }
        if let Some(algorithm) = self.client.signs {
            let (pem, id) = self.peer.client_key(algorithm);
            let signing = provider.client_key(pem).client_key_id(id);
            provider = signing.client_key_algorithm(algorithm);
        }
        let provider = (self.set_up)(provider);
        let rules = AccessRules::deny_all();
        let rules = rules.allow("tool:*", "*").unwrap().allow("provider:badge", "idp/who").unwrap();
        let engine = ResolutionEngine::builder()
            .provider(provider.build(runtime).unwrap())
            .provider(Badge::new())
            .access(rules)
            .build()
            .unwrap();
        Gateway {
            tool: engine.consumer("tool:test").unwrap(),
            api: CredentialRef::parse("idp/api").unwrap(),
            me: EffectiveSession::shared(self.person).unwrap(),
            peer: self.peer.clone(),
            person: self.person,
            engine,
            grants,
            clock,
        }
    }

    /// A gateway where the person has signed in.
    pub async fn signed_in(&self) -> Gateway {
        let gateway = self.gateway().await;
        gateway.sign_in(&gateway.api).await;
        gateway
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub struct Gateway {
    pub engine: ResolutionEngine,
    pub tool: Consumer,
    pub api: CredentialRef,
    pub me: EffectiveSession,
    pub clock: Arc<dyn Clock>,
    peer: Peer,
    person: &'static str,
    grants: Grants,
}

impl Gateway {
    pub async fn ask(&self) -> Answer {
        self.ask_for(&self.api).await
    }

    pub async fn ask_for(&self, credential: &CredentialRef) -> Answer {
        self.tool.request(credential).session(&self.me).await
    }

    pub fn target(&self) -> Target {
        self.engine.administrator().at(&self.api).session(&self.me)
    }

    /// A flow, and the page it begins with.
    pub async fn start(&self, what: &CredentialRef, redirect_uri: &str) -> (SignInFlow, String) {
        let request = self.engine.administrator().at(what).session(&self.me).sign_in();
        let flow = request.redirect_uri(redirect_uri).start().await.unwrap();
        let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
            panic!("a page is the first step");
        };
        (flow, url)
    }

    /// A flow for another device, and what it shows.
    pub async fn start_device(&self) -> (SignInFlow, SignInStep) {
        let request = self.target().sign_in();
        let flow = request.method(SignInMethod::DeviceCode).start().await.unwrap();
        match flow.status() {
            FlowStatus::Step(step) => (flow, step),
            other => panic!("a code is the first step: {other:?}"),
        }
    }

    /// The person signs in, and the host is called back.
    pub async fn sign_in(&self, what: &CredentialRef) {
        let (_, page) = self.start(what, ELSEWHERE).await;
        let back = browser::redirect(&self.peer, &page, self.person, Mind::Agrees).await;
        let (_, query) = back.split_once('?').unwrap();
        let came = callback(query).unwrap();
        let flow = self.engine.sign_in_flow(&came.flow).unwrap();
        let done = flow.answer(came.answer).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    }

    /// Asks fifty times a second until so many tokens were seen; no request may fail.
    pub async fn ask_until_tokens(&self, wanted: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        let mut seen: Vec<Arc<Credential>> = Vec::new();
        while seen.len() < wanted {
            let token = self.ask().await.unwrap();
            if seen.last().is_none_or(|last| !last.same_secrets(&token)) {
                seen.push(token);
            }
            assert!(Instant::now() < limit, "{} tokens", seen.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks until it fails.
    pub async fn ask_until_failure(&self) -> CredentialError {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            if let Err(error) = self.ask().await {
                return error;
            }
            assert!(Instant::now() < limit, "it goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks until a person must sign in; other failures pass.
    pub async fn ask_until_reauth(&self) -> CredentialError {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let error = self.ask_until_failure().await;
            if error.code() == ErrorCode::NeedsReauth {
                return error;
            }
            assert!(Instant::now() < limit, "still {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks until so many tokens were seen, whatever fails between them.
    pub async fn ask_through_failures(&self, wanted: usize) {
        let limit = Instant::now() + Duration::from_secs(30);
        let mut seen: Vec<Arc<Credential>> = Vec::new();
        while seen.len() < wanted {
            match self.ask().await {
                Ok(token) if seen.last().is_none_or(|last| !last.same_secrets(&token)) => {
                    seen.push(token);
                }
                Ok(_) => {}
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            assert!(Instant::now() < limit, "{} tokens", seen.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn close(&self) {
        self.engine.shutdown().await;
        self.grants.close().await;
    }
}

/// Polls as often as it is told to, until there is something else to say.
pub async fn poll(flow: &SignInFlow) -> Result<FlowStatus, CredentialError> {
    loop {
        match flow.answer(SignInAnswer::Poll).await? {
            FlowStatus::Pending { poll_after } => tokio::time::sleep(poll_after).await,
            other => return Ok(other),
        }
    }
}

/// Why a person must sign in.
pub fn reason(error: &CredentialError) -> Option<ReauthReason> {
    assert_eq!(error.code(), ErrorCode::NeedsReauth, "{error}");
    error.reason()
}

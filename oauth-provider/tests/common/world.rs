//! An issuer, a store, a clock, and people.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialId, CredentialProvider, CredentialRef,
    EffectiveSession, FlowId, FlowState, GrantStore, Interaction, Key, ManualClock, Origin,
    ProviderId, Random as _, Request, Resolution, SeededRandom, SignIn, SignInAnswer,
    SignInProgress, SignInStart, SignInStep, SignedIn, Variant,
};
use credential_store::{Grants, MemoryStore};
use oauth_provider::{
    IssuedToken, OAuthCredential, OAuthProvider, OAuthProviderBuilder, OAuthRuntime, ReqwestClient,
    callback,
};

use super::issuer::{CLIENT, Issuer, SECRET};

pub const HOME: &str = "https://host.example/callback";

pub struct World {
    pub issuer: Arc<Issuer>,
    pub clock: ManualClock,
    pub store: MemoryStore,
    pub random: Arc<SeededRandom>,
}

pub fn id(text: &str) -> CredentialId {
    CredentialId::new(text).unwrap()
}

/// `mail`, an access token with an account.
pub fn mail() -> OAuthCredential {
    OAuthCredential::session(id("mail"))
        .scopes(["openid", "mail"])
        .origin(Origin::parse("https://mail.example").unwrap())
}

/// `identity`, the ID token.
pub fn identity() -> OAuthCredential {
    OAuthCredential::session(id("identity")).scopes(["openid"]).token(IssuedToken::IdToken)
}

/// `files`, an access token of nobody in particular.
pub fn files() -> OAuthCredential {
    OAuthCredential::session(id("files")).scopes(["files"])
}

impl World {
    pub async fn new() -> Self {
        let clock = ManualClock::default();
        Self {
            issuer: Issuer::start(clock.clone()).await,
            clock,
            store: MemoryStore::new(),
            random: Arc::new(SeededRandom::new(7)),
        }
    }

    pub fn runtime(&self) -> OAuthRuntime {
        self.runtime_with(ReqwestClient::new().unwrap())
    }

    /// With short limits, for issuers that do not answer.
    pub fn hasty(&self) -> OAuthProvider {
        let http = ReqwestClient::builder()
            .read_limit(Duration::from_millis(250))
            .total_limit(Duration::from_millis(500))
            .build()
            .unwrap();
        self.builder().build(self.runtime_with(http)).unwrap()
    }

    fn runtime_with(&self, http: ReqwestClient) -> OAuthRuntime {
        let store: Arc<dyn GrantStore> = Arc::new(self.store.clone());
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        OAuthRuntime {
            http: Arc::new(http),
            grants: Grants::builder(store).clock(clock.clone()).build(),
            clock,
            random: self.random.clone(),
        }
    }

    pub fn builder(&self) -> OAuthProviderBuilder {
        OAuthProvider::builder(ProviderId::new("work").unwrap(), self.issuer.url(), CLIENT)
            .client_secret(SECRET.into())
            .credential(mail())
            .credential(identity())
            .credential(files())
    }

    pub fn provider(&self) -> OAuthProvider {
        self.built(self.builder())
    }

    pub fn built(&self, builder: OAuthProviderBuilder) -> OAuthProvider {
        builder.build(self.runtime()).unwrap()
    }

    pub fn key(&self, credential: &str) -> Key {
        let reference = CredentialRef::parse(&format!("work/{credential}")).unwrap();
        Key::new(&reference, Some(EffectiveSession::shared("s").unwrap()), Variant::none())
    }

    pub fn request(&self, credential: &str) -> Request {
        self.request_for(self.key(credential))
    }

    pub fn request_for(&self, key: Key) -> Request {
        Request::new(key, Arc::new(self.clock.clone())).with_interaction(Interaction::Allowed)
    }

    /// Opens the page of a new sign-in.
    pub async fn open(
        &self,
        provider: &OAuthProvider,
        request: &Request,
    ) -> Result<(FlowState, String), CredentialError> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        let end = self.clock.now().plus(Duration::from_secs(600));
        let start = SignInStart::new(FlowId::from_random(bytes), end)
            .with_redirect_uri(Some(HOME.to_owned()));
        let (state, progress) = provider.start(request, &start).await?;
        match progress {
            SignInProgress::Step(SignInStep::OpenUrl { url, .. }) => Ok((state, url)),
            other => panic!("{other:?}"),
        }
    }

    /// `sub` signs in, up to where it could count.
    pub async fn finish(
        &self,
        provider: &OAuthProvider,
        request: &Request,
        sub: &str,
    ) -> Result<SignedIn, CredentialError> {
        let (mut state, page) = self.open(provider, request).await?;
        let query = self.issuer.consent(&page, sub);
        answer(provider, request, &mut state, callback(&query).unwrap().answer).await
    }

    /// `sub` signs in, and it counts.
    pub async fn sign_in(
        &self,
        provider: &OAuthProvider,
        request: &Request,
        sub: &str,
    ) -> Result<Credential, CredentialError> {
        let done = self.finish(provider, request, sub).await?;
        Ok(provider.accept(request, done).await?.unwrap())
    }

    /// Lets what was issued end.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub async fn answer(
    provider: &OAuthProvider,
    request: &Request,
    state: &mut FlowState,
    answer: SignInAnswer,
) -> Result<SignedIn, CredentialError> {
    match provider.answer(request, state, answer).await? {
        SignInProgress::Finished(done) => Ok(done),
        other => panic!("{other:?}"),
    }
}

pub async fn resolve(
    provider: &OAuthProvider,
    request: &Request,
) -> Result<Credential, CredentialError> {
    match provider.resolve(request).await? {
        Resolution::Credential(credential) => Ok(*credential),
        other => panic!("{other:?}"),
    }
}

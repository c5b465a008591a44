//! Providers and requests of these tests.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock as _, Credential, CredentialError, CredentialProvider, CredentialRef, ExposeSecret as _,
    Field, FlowId, IdPattern, Interaction, Key, ProviderDescriptor, ProviderId, Request,
    Resolution, SecretString, SignIn as _, SignInAnswer, SignInProgress, SignInStart, async_trait,
};
use keychain_provider::{
    ForeignItem, KeychainCredential, KeychainProvider, KeychainProviderBuilder, Platform, StoreKind,
};
use resolution_engine::{AccessRules, ResolutionEngine, SystemClock};

use crate::session::Session;

pub(crate) fn pattern(text: &str) -> IdPattern {
    IdPattern::new(text).unwrap()
}

pub(crate) fn builder() -> KeychainProviderBuilder {
    let fields = [Field::plain("user", "User"), Field::secret("password", "Password")];
    KeychainProvider::builder(ProviderId::new("os").unwrap())
        .credential(KeychainCredential::api_key(pattern("openai")))
        .credential(KeychainCredential::token(pattern("bot/*")))
        .credential(KeychainCredential::user_value(pattern("mail"), fields))
        .credential(
            KeychainCredential::token(pattern("github"))
                .from_item(ForeignItem::of("gh:github.com", "me")),
        )
}

pub(crate) fn built(builder: KeychainProviderBuilder, session: &Session) -> KeychainProvider {
    let clock = Arc::new(SystemClock::new());
    let platform = Platform::new(session.environment());
    builder.build(Arc::new(platform), clock).unwrap()
}

pub(crate) fn provider(session: &Session) -> KeychainProvider {
    built(builder(), session)
}

/// A store of this kind alone.
pub(crate) fn only(kind: StoreKind, builder: KeychainProviderBuilder) -> KeychainProvider {
    let clock = Arc::new(SystemClock::new());
    let platform = Platform::new(keychain_provider::Environment::default());
    builder.build(Arc::new(platform.stores(vec![kind]).unwrap()), clock).unwrap()
}

pub(crate) fn request(id: &str) -> Request {
    let key = Key::gateway(&CredentialRef::parse(&format!("os/{id}")).unwrap());
    Request::new(key, Arc::new(SystemClock::new()))
}

pub(crate) fn asking(id: &str) -> Request {
    request(id).with_interaction(Interaction::Allowed)
}

pub(crate) fn secret(credential: &Credential) -> String {
    credential.secret().unwrap().expose_secret().to_owned()
}

pub(crate) async fn resolved(
    provider: &KeychainProvider,
    request: &Request,
) -> Result<Credential, CredentialError> {
    match provider.resolve(request).await? {
        Resolution::Credential(credential) => Ok(*credential),
        other => panic!("{other:?}"),
    }
}

/// Sets a credential as a person would.
pub(crate) async fn set(
    provider: &KeychainProvider,
    request: &Request,
    fields: &[(&str, &str)],
) -> Result<(), CredentialError> {
    let flow = FlowId::from_random([7; 32]);
    let start = SignInStart::new(flow, request.now().plus(Duration::from_secs(60)));
    let (mut state, _) = provider.start(request, &start).await?;
    let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), SecretString::from(*v)));
    let answer = SignInAnswer::Fields(fields.collect());
    let SignInProgress::Finished(done) = provider.answer(request, &mut state, answer).await? else {
        panic!("the fields are all there is to ask for")
    };
    provider.accept(request, done).await.map(drop)
}

pub(crate) fn engine(provider: impl CredentialProvider + 'static) -> ResolutionEngine {
    let rules = AccessRules::deny_all().allow("tool:test", "os/*").unwrap();
    ResolutionEngine::builder()
        .clock(Arc::new(SystemClock::new()))
        .provider(provider)
        .access(rules)
        .build()
        .unwrap()
}

pub(crate) fn named(id: &str) -> CredentialRef {
    CredentialRef::parse(&format!("os/{id}")).unwrap()
}

/// Now, by the clock the providers have.
pub(crate) fn now() -> credential_provider_api::Timestamp {
    SystemClock::new().now()
}

/// The same provider, without its ears: what a store is like that tells of no change.
pub(crate) struct Deaf(KeychainProvider);

impl Deaf {
    pub(crate) const fn of(provider: KeychainProvider) -> Self {
        Self(provider)
    }
}

#[async_trait]
impl CredentialProvider for Deaf {
    fn descriptor(&self) -> &ProviderDescriptor {
        self.0.descriptor()
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        self.0.resolve(request).await
    }
}

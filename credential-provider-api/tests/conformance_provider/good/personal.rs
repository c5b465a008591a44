//! One credential for each person, who types it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    AccountId, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, EffectiveSession, ErrorCode, ExposeSecret as _, Field, FlowState,
    IdPattern, ProviderDescriptor, ProviderId, Reason, ReauthReason, Request, Requester,
    Resolution, Revocation, SignIn, SignInAnswer, SignInMethod, SignInProgress, SignInStart,
    SignInStep, SignedIn, async_trait,
};

use super::{Answer, Good, only};
use crate::common::Shared;

pub(crate) struct Personal {
    descriptor: ProviderDescriptor,
    pins: Pins,
    saving: Saving,
}

/// When a sign-in is saved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saving {
    WhenAccepted,
    /// Wrong.
    WhenFinished,
}

/// Pins by person.
pub(crate) type Pins = Arc<Shared<BTreeMap<EffectiveSession, String>>>;

impl Personal {
    pub(crate) fn saving(mut self, saving: Saving) -> Self {
        self.saving = saving;
        self
    }

    fn save(&self, request: &Request, pin: &str) -> Result<(), CredentialError> {
        let session = request.session()?.clone();
        self.pins.get().insert(session, pin.to_owned());
        Ok(())
    }
}

pub(crate) fn person(name: &str) -> EffectiveSession {
    EffectiveSession::requester(Requester {
        session: "main",
        channel: "chat",
        account: "bot",
        requester: name,
    })
    .unwrap()
}

impl Good for Personal {
    type World = Pins;

    fn new(pins: Pins) -> Self {
        let pin = CredentialDescriptor::session(
            IdPattern::new("pin").unwrap(),
            CredentialKind::UserValue,
        );
        let id = ProviderId::new("personal").unwrap();
        Self {
            descriptor: ProviderDescriptor::new(id, "Pins")
                .with_credential(pin)
                .with_sign_in(SignInMethod::Fields),
            pins,
            saving: Saving::WhenAccepted,
        }
    }

    fn suite(
        pins: Pins,
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite {
        let (alice, bob) = (person("alice"), person("bob"));
        pins.get().insert(alice.clone(), "pin-of-alice".into());
        pins.get().insert(bob.clone(), "pin-of-bob".into());
        ProviderSuite::new(move || alter(Self::new(pins.clone())))
            .credential("pin")
            .sessions(alice, bob)
            .sign_in_answers("pin", |_| {
                SignInAnswer::Fields([("pin".to_owned(), "pin-typed-in".into())].into())
            })
    }
}

#[async_trait]
impl CredentialProvider for Personal {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        only(request, "pin")?;
        let session = request.session()?;
        let pins = self.pins.get();
        let pin = pins
            .get(session)
            .ok_or_else(|| CredentialError::needs_reauth(ReauthReason::NotSignedIn, ""))?;
        let fields = [("pin".to_owned(), pin.as_str().into())];
        let account = AccountId::new(session.encoded()).unwrap();
        Ok(Credential::user_value(fields.into()).with_account(account).into())
    }

    async fn refresh(&self, request: &Request, current: &Credential, _: Reason) -> Answer {
        match self.resolve(request).await? {
            Resolution::Credential(next) if next.same_secrets(current) => Ok(Resolution::Unchanged),
            other => Ok(other),
        }
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

#[async_trait]
impl SignIn for Personal {
    async fn start(
        &self,
        _: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        if !matches!(start.method, None | Some(SignInMethod::Fields)) {
            return Err(CredentialError::new(ErrorCode::Unsupported, "fields only"));
        }
        let fields = vec![Field::secret("pin", "PIN")];
        Ok((Box::new(()), SignInProgress::Step(SignInStep::AskFields { fields })))
    }

    async fn answer(
        &self,
        request: &Request,
        _: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let SignInAnswer::Fields(fields) = answer else {
            return Err(CredentialError::new(ErrorCode::FlowEnded, "no fields came"));
        };
        let pin = fields["pin"].expose_secret().to_owned();
        if self.saving == Saving::WhenFinished {
            self.save(request, &pin)?;
        }
        Ok(SignInProgress::Finished(SignedIn::new(None, Box::new(pin))))
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let pin = done.state.downcast::<String>().unwrap();
        self.save(request, &pin)?;
        Ok(None)
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.pins.get().remove(request.session()?);
        Ok(Revocation::LocalOnly)
    }
}

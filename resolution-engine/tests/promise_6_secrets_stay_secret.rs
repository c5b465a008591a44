//! A canary: every public operation with a marked secret, at TRACE level, and the mark is found at
//! the named sinks only.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MARK: &str = "CANARY-8d1f";
const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

/// Everything that is ever written or shown.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Trail(Mutex<String>);
impl AuditSink for Trail {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditFailed> {
        writeln!(self.0.lock().unwrap(), "{record:?}").unwrap();
        Ok(())
    }
}

fn marked() -> Credential {
    Credential::api_key(format!("{MARK}-key").into())
        .with_origin(Origin::parse("https://api.example").unwrap())
}

#[tokio::test]
async fn the_mark_is_found_at_the_sinks_only() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let trail = Arc::new(Trail(Mutex::default()));
    let vault = Scripted::new("vault", HOUR);
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let world =
        World::build(&[&vault], |b| b.access(rules).audit(trail.clone(), AuditPolicy::Deny));
    let shown = std::cell::RefCell::new(String::new());
    let show = |what: &dyn std::fmt::Debug| {
        writeln!(shown.borrow_mut(), "{what:?} {what:#?}").unwrap();
    };
    let mut events = world.engine.events();

    let key = at("vault/shared");
    vault.then(Act::Answer(Ok(marked().into())));
    let credential = world.tool.request(&key).await.unwrap();
    show(&credential);
    let handle = world.tool.request(&key).bind().unwrap();
    show(&handle);
    handle.with(|c| show(&c)).unwrap();
    show(&handle.get().await);
    show(&world.tool.batch([world.tool.request(&key)]).await);
    show(&world.tool);

    // Errors whose makers tried to say too much.
    let pasted = Detail::cleaned(&format!("invalid key {MARK}-0123456789-0123456789"));
    vault.then(Act::Answer(Err(CredentialError::new(ErrorCode::NotConfigured, pasted))));
    vault.then(Act::Panic);
    let mask = Credential::api_key("***".into());
    vault.then(Act::Answer(Ok(mask.into())));
    for name in ["vault/shared-a", "vault/shared-b", "vault/shared-c"] {
        let error = world.tool.request(&at(name)).await.unwrap_err();
        show(&error);
        show(&error.to_string());
    }

    // A sign-in step is private: errors carry it without showing it.
    let step = SignInStep::OpenUrl {
        url: format!("https://idp.example/?state={MARK}"),
        expires_at: Timestamp::MAX,
        poll_every: None,
    };
    vault.then(Act::Answer(Ok(Resolution::SignIn(Box::new(step)))));
    let error = world.tool.request(&at("vault/shared-d")).await.unwrap_err();
    assert!(error.step().is_some());
    show(&error);

    let admin = world.engine.administrator();
    show(&admin.snapshot());
    world.tool.request(&key).report(&credential, Outcome::Rejected).unwrap();
    show(&world.tool.request(&key).await);
    admin.at(&key).invalidate().unwrap();
    vault.then(Act::Answer(Ok(marked().into())));
    show(&world.tool.request(&key).await);
    show(&admin.at(&key).check().await);
    show(&admin.at(&key).revoke().await);
    show(&admin.at(&key));
    show(&admin.providers().len());
    show(&world.engine);
    let json =
        format!(r#"{{"credentialProviders":{{"x":{{"type":"{MARK}","apiKey":"{MARK}"}}}}}}"#);
    let configuration = Configuration::from_json(&json).unwrap();
    let plain = format!("{configuration:?}").replace(&format!("\"{MARK}\", Settings"), "");
    show(&plain);
    show(&SignInAnswer::Fields(BTreeMap::from([("pin".to_owned(), MARK.into())])));
    show(&FlowId::from_text(MARK));
    // A sign-in by fields: the mark is typed in, and is in the flow's address.
    let (pins, alice) = (at("pins/pin"), person("alice"));
    world.engine.register(Arc::new(Pins::new()));
    let flow = world.tool.request(&pins).session(&alice).sign_in().start().await.unwrap();
    show(&flow);
    show(&flow.status());
    let typed = SignInAnswer::Fields(BTreeMap::from([("pin".to_owned(), MARK.into())]));
    show(&flow.answer(typed).await);
    show(&flow.ended().await);
    let mine = world.tool.request(&pins).session(&alice).bind().unwrap();
    show(&mine.get().await);
    show(&mine.version());
    show(&admin.at(&pins).session(&alice).sign_out().await);
    let again = world.tool.request(&pins).session(&alice).sign_in().start().await.unwrap();
    show(&again.answer(SignInAnswer::Pasted(MARK.into())).await);
    again.cancel();
    show(&admin.list(&ProviderId::new("pins").unwrap()).await);
    show(&world.engine.configure(Configuration::from_json(&json).unwrap()).await.map(|r| r.added));
    admin.replace_access(AccessRules::deny_all());
    show(&world.tool.request(&pins).session(&alice).await);
    while let Some(delivery) = events.try_next() {
        show(&delivery);
    }
    admin.end_session(&person("alice")).await;
    world.engine.shutdown().await;

    let shown = shown.into_inner();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("flight"), "the log is really at TRACE level");
    for (place, text) in
        [("log", &logged), ("shown", &shown), ("audit", &trail.0.lock().unwrap().clone())]
    {
        let found = text.lines().find(|line| line.contains(MARK));
        assert_eq!(found, None, "the mark is in: {place}");
        assert!(!text.contains("canary-panic"), "a panic's text is in: {place}");
    }

    // The sinks, by name.
    let origin = Origin::parse("https://api.example").unwrap();
    let request = OutgoingRequest::new("GET", &origin, "/");
    let authorization = credential.authorize(&request, world.clock.now()).unwrap();
    assert!(authorization.headers[0].1.expose_secret().contains(MARK));
    assert!(credential.field("key").unwrap().expose_secret().contains(MARK));
    let stored = credential.encode().unwrap();
    assert!(String::from_utf8_lossy(stored.expose_secret()).contains(MARK));
}

/// Keeps whatever pin is typed in.
struct Pins {
    descriptor: ProviderDescriptor,
    pin: Mutex<Option<SecretString>>,
}

impl Pins {
    fn new() -> Self {
        let pin = CredentialDescriptor::session(
            IdPattern::new("pin").unwrap(),
            CredentialKind::UserValue,
        );
        let descriptor = ProviderDescriptor::new(ProviderId::new("pins").unwrap(), "Pins")
            .with_credential(pin)
            .with_sign_in(SignInMethod::Fields);
        Self { descriptor, pin: Mutex::default() }
    }

    fn value(pin: SecretString) -> Credential {
        Credential::user_value(BTreeMap::from([("pin".to_owned(), pin)]))
    }
}

#[async_trait]
impl CredentialProvider for Pins {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }
    async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
        let pin = self.pin.lock().unwrap().clone();
        let none = || CredentialError::needs_reauth(ReauthReason::NotSignedIn, "");
        Ok(Self::value(pin.ok_or_else(none)?).into())
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

#[async_trait]
impl SignIn for Pins {
    async fn start(
        &self,
        _: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let step = SignInStep::OpenUrl {
            url: format!("https://idp.example/{MARK}?state={}", start.flow.expose()),
            expires_at: start.expires_at,
            poll_every: None,
        };
        Ok((Box::new(MARK), SignInProgress::Step(step)))
    }
    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let SignInAnswer::Fields(mut fields) = answer else {
            let detail = Detail::cleaned(&format!("cannot use {MARK}-0123456789-abcdefghij"));
            return Err(CredentialError::new(ErrorCode::InvalidResponse, detail));
        };
        let pin = fields.remove("pin").unwrap();
        Ok(SignInProgress::Finished(SignedIn::new(None, Box::new(pin))))
    }
    async fn accept(
        &self,
        _: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let pin = *done.state.downcast::<SecretString>().unwrap();
        *self.pin.lock().unwrap() = Some(pin.clone());
        Ok(Some(Self::value(pin)))
    }
    async fn sign_out(&self, _: &Request) -> Result<Revocation, CredentialError> {
        self.pin.lock().unwrap().take();
        Ok(Revocation::LocalOnly)
    }
}

#[test]
fn no_refresh_token_can_reach_a_consumer() {
    // A credential has no place for a grant: its secrets are those of its kind, by name.
    let names: Vec<String> =
        Credential::oauth2("a".into()).material().secrets().map(|(n, _)| n.to_owned()).collect();
    assert_eq!(names, ["access_token"]);
}

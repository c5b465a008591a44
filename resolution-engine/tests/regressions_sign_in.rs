//! Holes once found around sign-in, sign-out and shutdown; each stays closed.
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
use std::sync::{Arc, Mutex};
use std::time::Duration;
const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SEC: Duration = Duration::from_secs(1);
fn rules() -> AccessRules {
    AccessRules::deny_all().allow("tool:*", "*").unwrap().allow("provider:*", "*").unwrap()
}
struct Login {
    descriptor: ProviderDescriptor,
    tag: &'static str,
    grants: Mutex<BTreeMap<Key, String>>,
    accept: Mutex<Duration>,
    commit: Mutex<bool>,
    out: Mutex<Duration>,
    give: Mutex<bool>,
    told: Mutex<Vec<String>>,
    url: bool,
}
impl Login {
    fn new(tag: &'static str) -> Arc<Self> {
        Self::with(tag, false)
    }
    fn with(tag: &'static str, url: bool) -> Arc<Self> {
        let token =
            CredentialDescriptor::session(IdPattern::new("token").unwrap(), CredentialKind::OAuth2);
        let descriptor = ProviderDescriptor::new(ProviderId::new("login").unwrap(), "Login")
            .with_credential(token)
            .with_sign_in(SignInMethod::Fields);
        Arc::new(Self {
            descriptor,
            tag,
            grants: Mutex::default(),
            accept: Mutex::default(),
            commit: Mutex::new(true),
            out: Mutex::default(),
            give: Mutex::new(false),
            told: Mutex::default(),
            url,
        })
    }
}
struct L(Arc<Login>);
#[async_trait]
impl CredentialProvider for L {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0.descriptor
    }
    async fn resolve(&self, r: &Request) -> Answer {
        let who = self
            .0
            .grants
            .lock()
            .unwrap()
            .get(r.key())
            .cloned()
            .ok_or_else(|| CredentialError::needs_reauth(ReauthReason::NotSignedIn, ""))?;
        Ok(Credential::oauth2(format!("{}-token-of-{who}", self.0.tag).into())
            .with_account(AccountId::new(&who)?)
            .into())
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}
#[async_trait]
impl SignIn for L {
    async fn start(
        &self,
        _: &Request,
        s: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let step = if self.0.url {
            SignInStep::OpenUrl {
                url: format!("https://idp/authorize?state={}", s.flow.expose()),
                expires_at: s.expires_at,
                poll_every: None,
            }
        } else {
            SignInStep::AskFields { fields: vec![Field::plain("name", "?")] }
        };
        Ok((Box::new(()) as FlowState, SignInProgress::Step(step)))
    }
    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        a: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let SignInAnswer::Fields(f) = a else {
            return Err(CredentialError::new(ErrorCode::InvalidResponse, ""));
        };
        let name = f["name"].expose_secret().to_owned();
        Ok(SignInProgress::Finished(SignedIn::new(Some(AccountId::new(&name)?), Box::new(name))))
    }
    async fn accept(
        &self,
        r: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let name = *done.state.downcast::<String>().unwrap();
        let wait = *self.0.accept.lock().unwrap();
        let c = if *self.0.commit.lock().unwrap() { Some(r.commit()?) } else { None };
        if !wait.is_zero() {
            r.clock().sleep_until(r.now().plus(wait)).await;
        }
        self.0.grants.lock().unwrap().insert(r.key().clone(), name.clone());
        drop(c);
        if *self.0.give.lock().unwrap() {
            return Ok(Some(
                Credential::oauth2(format!("{}-first-of-{name}", self.0.tag).into())
                    .with_account(AccountId::new(&name)?),
            ));
        }
        Ok(None)
    }
    async fn discard(&self, _: &Request, _: SignedIn) {
        self.0.told.lock().unwrap().push("discard".into());
    }
    async fn cancel(&self, _: &Request, _: FlowState) {
        self.0.told.lock().unwrap().push("cancel".into());
    }
    async fn sign_out(&self, r: &Request) -> Result<Revocation, CredentialError> {
        let wait = *self.0.out.lock().unwrap();
        if !wait.is_zero() {
            r.clock().sleep_until(r.now().plus(wait)).await;
        }
        self.0.grants.lock().unwrap().remove(r.key());
        Ok(Revocation::LocalOnly)
    }
}
fn named(n: &str) -> SignInAnswer {
    SignInAnswer::Fields(BTreeMap::from([("name".to_owned(), n.into())]))
}
fn world(l: &Arc<Login>, more: &[&Arc<Scripted>]) -> World {
    let l = l.clone();
    World::build(more, move |b| b.tuning(tuning()).access(rules()).provider(L(l)))
}
#[tokio::test]
async fn cancelled_flow_must_not_unrevoke() {
    let l = Login::new("a");
    let w = world(&l, &[]);
    *l.accept.lock().unwrap() = 5 * SEC;
    let (key, alice) = (at("login/token"), person("alice"));
    let flow = w.tool.request(&key).session(&alice).sign_in().start().await.unwrap();
    let f2 = flow.clone();
    let answering = tokio::spawn(async move { f2.answer(named("alice")).await });
    settle().await;
    flow.cancel();
    settle().await;
    let admin = w.engine.administrator();
    let (k, a) = (key.clone(), alice.clone());
    let revoking = tokio::spawn(async move { admin.at(&k).session(&a).revoke().await });
    settle().await;
    println!("revoke finished before the accept: {}", revoking.is_finished());
    w.pass(6 * SEC).await;
    revoking.await.unwrap().unwrap();
    println!("answer: {:?}", answering.await.unwrap());
    let r = w.tool.request(&key).session(&alice).await;
    assert!(r.is_err(), "after revoke returned: {}", text(&r.unwrap()));
}
#[tokio::test]
async fn retry_during_sign_out() {
    let l = Login::new("a");
    let w = world(&l, &[]);
    let (key, alice) = (at("login/token"), person("alice"));
    let flow = w.tool.request(&key).session(&alice).sign_in().start().await.unwrap();
    flow.answer(named("alice")).await.unwrap();
    w.tool.request(&key).session(&alice).await.unwrap();
    *l.out.lock().unwrap() = 5 * SEC;
    let admin = w.engine.administrator();
    let (k, a) = (key.clone(), alice.clone());
    let out = tokio::spawn(async move { admin.at(&k).session(&a).sign_out().await });
    settle().await;
    let _ = w.tool.request(&key).session(&alice).retry().await;
    w.pass(6 * SEC).await;
    out.await.unwrap().unwrap();
    let r = w.tool.request(&key).session(&alice).await;
    assert!(r.is_err(), "after sign_out returned: {}", text(&r.unwrap()));
}
#[tokio::test]
async fn provider_replaced_during_accept() {
    let l = Login::new("old");
    let w = world(&l, &[]);
    *l.accept.lock().unwrap() = 5 * SEC;
    *l.give.lock().unwrap() = true;
    let (key, alice) = (at("login/token"), person("alice"));
    let flow = w.tool.request(&key).session(&alice).sign_in().start().await.unwrap();
    let f2 = flow.clone();
    let _t = tokio::spawn(async move { f2.answer(named("alice")).await });
    settle().await;
    let new = Login::new("new");
    w.engine.register(Arc::new(L(new.clone())));
    w.pass(6 * SEC).await;
    let r = w.tool.request(&key).session(&alice).await;
    assert!(r.is_err(), "the replaced provider's credential is served: {}", text(&r.unwrap()));
}
#[tokio::test]
async fn shutdown_ends_flows() {
    let l = Login::new("a");
    let w = world(&l, &[]);
    let (key, alice) = (at("login/token"), person("alice"));
    let flow = w.tool.request(&key).session(&alice).sign_in().start().await.unwrap();
    let f2 = flow.clone();
    let waiting = tokio::spawn(async move { f2.ended().await });
    settle().await;
    w.engine.shutdown().await;
    settle().await;
    assert!(
        waiting.is_finished(),
        "ended() waits for ever; provider told {:?}; status {:?}",
        l.told.lock().unwrap(),
        flow.status()
    );
}
#[tokio::test]
async fn child_wakes_with_its_parents_sign_in_after_two_hours() {
    let l = Login::new("a");
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("login/token")));
    let w = world(&l, &[&volc]);
    let (key, alice) = (at("volc/own"), person("alice"));
    for _ in 0..30 {
        assert!(w.tool.request(&key).session(&alice).await.is_err());
        w.pass(300 * SEC).await;
    }
    let flow = w.tool.request(&at("login/token")).session(&alice).sign_in().start().await.unwrap();
    flow.answer(named("alice")).await.unwrap();
    w.tool.request(&at("login/token")).session(&alice).await.unwrap();
    let r = w.tool.request(&key).session(&alice).await;
    assert!(r.is_ok(), "{:?}", r.err());
}
#[tokio::test]
async fn debug_of_status_hides_the_flow_name() {
    let l = Login::with("a", true);
    let w = world(&l, &[]);
    let flow = w
        .tool
        .request(&at("login/token"))
        .session(&person("alice"))
        .sign_in()
        .start()
        .await
        .unwrap();
    let shown = format!("{:?}", flow.status());
    assert!(!shown.contains(flow.id().expose()), "{shown}");
}
struct Trail(Mutex<Vec<AuditRecord>>);
impl AuditSink for Trail {
    fn record(&self, r: &AuditRecord) -> Result<(), AuditFailed> {
        self.0.lock().unwrap().push(r.clone());
        Ok(())
    }
}
#[tokio::test]
async fn admin_sign_in_is_audited() {
    let l = Login::new("a");
    let l2 = l.clone();
    let trail = Arc::new(Trail(Mutex::default()));
    let t2 = trail.clone();
    let w = World::build(&[], move |b| {
        b.tuning(tuning()).access(rules()).provider(L(l2)).audit(t2, AuditPolicy::Deny)
    });
    let f = w
        .engine
        .administrator()
        .at(&at("login/token"))
        .session(&person("alice"))
        .sign_in()
        .start()
        .await
        .unwrap();
    f.answer(named("alice")).await.unwrap();
    assert!(trail.0.lock().unwrap().iter().any(|r| r.action == AuditAction::SignedIn));
}
#[tokio::test]
async fn nothing_runs_after_shutdown() {
    let v = Scripted::new("vault", HOUR);
    let w = World::new(&[&v]);
    let admin = w.engine.administrator();
    w.ask(&at("vault/shared")).await.unwrap();
    w.engine.shutdown().await;
    let r = admin.at(&at("vault/shared")).revoke().await;
    assert!(r.is_err() && v.revoked.lock().unwrap().is_empty(), "{r:?}");
}

/// Its sign-in brings a credential that it derived from another.
struct Deriving(ProviderDescriptor);

#[async_trait]
impl CredentialProvider for Deriving {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, _: &Request) -> Answer {
        Err(CredentialError::needs_reauth(ReauthReason::NotSignedIn, ""))
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

#[async_trait]
impl SignIn for Deriving {
    async fn start(
        &self,
        _: &Request,
        _: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let fields = vec![Field::plain("name", "Name")];
        Ok((Box::new(()), SignInProgress::Step(SignInStep::AskFields { fields })))
    }
    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        _: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        Ok(SignInProgress::Finished(SignedIn::new(None, Box::new(()))))
    }
    async fn accept(
        &self,
        request: &Request,
        _: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let parent = request.depend_on(Want::new(at("idp/shared"))).await?;
        Ok(Some(Credential::token(format!("from-{}", text(&parent)).into())))
    }
    async fn sign_out(&self, _: &Request) -> Result<Revocation, CredentialError> {
        Ok(Revocation::LocalOnly)
    }
}

#[tokio::test]
async fn what_a_sign_in_brings_ends_with_what_it_was_derived_from() {
    let idp = Scripted::new("idp", Some(600 * SEC));
    let token = IdPattern::new("token").unwrap();
    let described = CredentialDescriptor::gateway(token, CredentialKind::Token);
    let id = ProviderId::new("deriving").unwrap();
    let deriving = Deriving(ProviderDescriptor::new(id, "Deriving").with_credential(described));
    let world = World::build(&[&idp], |b| b.access(rules()).tuning(tuning()).provider(deriving));
    let key = at("deriving/token");
    let flow = world.tool.request(&key).sign_in().start().await.unwrap();
    flow.answer(SignInAnswer::Poll).await.unwrap();
    let parent = world.tool.request(&at("idp/shared")).await.unwrap();
    let child = world.tool.request(&key).await.unwrap();
    assert!(child.window().until <= parent.window().until);
    world.engine.administrator().at(&at("idp/shared")).revoke().await.unwrap();
    assert!(world.tool.request(&key).await.is_err());
}

//! A session's credential is given to that session only; accounts and audiences never share.
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

#[tokio::test]
async fn two_people_in_one_chat_get_their_own() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let (alice, bob) = (person("alice"), person("bob"));
    let key = at("vault/own");
    for _ in 0..3 {
        let a = world.tool.request(&key).session(&alice).await.unwrap();
        let b = world.tool.request(&key).session(&bob).await.unwrap();
        assert!(text(&a).contains("alice") && text(&b).contains("bob"));
    }
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn no_session_where_one_is_needed_is_an_error() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let error = world.tool.request(&at("vault/own")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionRequired);
    let error = world.tool.request(&at("vault/own")).bind().unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionRequired);
    assert_eq!(vault.calls(), 0);
}

#[tokio::test]
async fn a_child_session_inherits_nothing_by_itself() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let alice = person("alice");
    let child = alice.child("subagent:1").unwrap();
    let key = at("vault/own");
    let a = world.tool.request(&key).session(&alice).await.unwrap();
    let c = world.tool.request(&key).session(&child).await.unwrap();
    assert_ne!(text(&a), text(&c));
}

#[tokio::test]
async fn a_child_inherits_what_the_host_allows_and_no_more() {
    let vault = Scripted::new("vault", HOUR);
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let rules = rules.inherit("tool:*", "vault/own-mail").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules));
    let alice = person("alice");
    let child = alice.child("subagent:1").unwrap().child("subagent:2").unwrap();
    let (mail, other) = (at("vault/own-mail"), at("vault/own-other"));
    let hers = world.tool.request(&mail).session(&alice).await.unwrap();
    let inherited = world.tool.request(&mail).session(&child).await.unwrap();
    assert!(Arc::ptr_eq(&hers, &inherited));
    let own = world.tool.request(&other).session(&alice).await.unwrap();
    let apart = world.tool.request(&other).session(&child).await.unwrap();
    assert_ne!(text(&own), text(&apart));
    // The child's end takes its handle and leaves the parent's credential.
    let handle = world.tool.request(&mail).session(&child).bind().unwrap();
    handle.get().await.unwrap();
    world.engine.administrator().end_session(&child).await;
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::SessionEnded);
    let still = world.tool.request(&mail).session(&alice).await.unwrap();
    assert!(Arc::ptr_eq(&hers, &still));
}

#[tokio::test]
async fn a_gateway_credential_is_one_for_all_sessions() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let a = world.tool.request(&key).session(&person("alice")).await.unwrap();
    let b = world.tool.request(&key).await.unwrap();
    assert!(Arc::ptr_eq(&a, &b));
    assert_eq!(vault.calls(), 1);
}

#[tokio::test]
async fn variants_never_share() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let audience = |a: &str| Variant::builder().audience(a).build().unwrap();
    let one = world.tool.request(&key).variant(&audience("one")).await.unwrap();
    let two = world.tool.request(&key).variant(&audience("two")).await.unwrap();
    let none = world.tool.request(&key).await.unwrap();
    assert_eq!(vault.calls(), 3);
    assert!(text(&one) != text(&two) && text(&two) != text(&none));
}

#[tokio::test]
async fn a_failing_source_falls_back_to_nobody_else() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/own");
    world.tool.request(&key).session(&person("alice")).await.unwrap();
    vault.then(Act::Answer(fails(ErrorCode::NotConfigured)));
    let error = world.tool.request(&key).session(&person("bob")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
}

#[tokio::test]
async fn a_provider_asks_for_others_only_in_the_session_at_hand() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    volc.then(Act::Derive(Want::new(at("idp/own")), Duration::ZERO));
    volc.then(Act::Derive(Want::new(at("idp/own")), Duration::ZERO));
    let world = World::new(&[&idp, &volc]);
    let got = world.tool.request(&at("volc/own")).session(&person("bob")).await.unwrap();
    assert!(text(&got).contains("bob"), "{}", text(&got));
    // A gateway-wide credential has no session to lend.
    let error = world.tool.request(&at("volc/shared")).session(&person("bob")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionRequired);
}

/// Signs in whoever fills in the name.
struct Login {
    descriptor: ProviderDescriptor,
    grants: Mutex<BTreeMap<Key, String>>,
    thrown_away: Mutex<Vec<String>>,
}

impl Login {
    fn new() -> Arc<Self> {
        let id = ProviderId::new("login").unwrap();
        let token =
            CredentialDescriptor::session(IdPattern::new("token").unwrap(), CredentialKind::OAuth2);
        let descriptor = ProviderDescriptor::new(id, "Login")
            .with_credential(token)
            .with_sign_in(SignInMethod::Fields);
        Arc::new(Self { descriptor, grants: Mutex::default(), thrown_away: Mutex::default() })
    }
}

struct LoginProvider(Arc<Login>);

#[async_trait]
impl CredentialProvider for LoginProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let who = self.0.grants.lock().unwrap().get(request.key()).cloned();
        let who =
            who.ok_or_else(|| CredentialError::needs_reauth(ReauthReason::NotSignedIn, ""))?;
        let account = AccountId::new(&who)?;
        Ok(Credential::oauth2(format!("token-of-{who}").into()).with_account(account).into())
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

#[async_trait]
impl SignIn for LoginProvider {
    async fn start(
        &self,
        _: &Request,
        _: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let fields = vec![Field::plain("name", "Who are you?")];
        Ok((Box::new(()), SignInProgress::Step(SignInStep::AskFields { fields })))
    }
    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let SignInAnswer::Fields(fields) = answer else {
            return Err(CredentialError::new(ErrorCode::InvalidResponse, "fields are wanted"));
        };
        let name = fields["name"].expose_secret().to_owned();
        let account = AccountId::new(&name)?;
        Ok(SignInProgress::Finished(SignedIn::new(Some(account), Box::new(name))))
    }
    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let name = *done.state.downcast::<String>().unwrap();
        self.0.grants.lock().unwrap().insert(request.key().clone(), name);
        Ok(None)
    }
    async fn discard(&self, _: &Request, done: SignedIn) {
        self.0.thrown_away.lock().unwrap().push(*done.state.downcast::<String>().unwrap());
    }
    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.0.grants.lock().unwrap().remove(request.key());
        Ok(Revocation::LocalOnly)
    }
}

fn named(name: &str) -> SignInAnswer {
    SignInAnswer::Fields(BTreeMap::from([("name".to_owned(), name.into())]))
}

fn login_world() -> (World, Arc<Login>) {
    let login = Login::new();
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let provider = LoginProvider(login.clone());
    (World::build(&[], |builder| builder.provider(provider).access(rules)), login)
}

#[tokio::test]
async fn a_sign_in_counts_once_it_is_finished() {
    let (world, _login) = login_world();
    let (key, alice) = (at("login/token"), person("alice"));
    let ask = || world.tool.request(&key).session(&alice);
    assert_eq!(ask().await.unwrap_err().reason(), Some(ReauthReason::NotSignedIn));
    let flow = ask().sign_in().start().await.unwrap();
    assert!(matches!(flow.status(), FlowStatus::Step(SignInStep::AskFields { .. })));
    // A wrong kind of answer is transient and leaves the flow where it was.
    flow.answer(SignInAnswer::Poll).await.unwrap_err();
    let found = world.engine.sign_in_flow(flow.id()).unwrap();
    let done = found.answer(named("alice")).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(Some(account)) if account.as_str() == "alice"));
    assert_eq!(text(&ask().await.unwrap()), "token-of-alice");
    assert_eq!(flow.answer(named("mallory")).await.unwrap_err().code(), ErrorCode::FlowEnded);
    assert!(world.engine.sign_in_flow(flow.id()).is_none(), "it finishes once");
    assert_eq!(world.engine.counters().flows, 0);
}

#[tokio::test]
async fn another_account_needs_a_confirmation_before_it_counts() {
    let (world, login) = login_world();
    let (key, alice) = (at("login/token"), person("alice"));
    let ask = || world.tool.request(&key).session(&alice);
    ask().sign_in().start().await.unwrap().answer(named("alice")).await.unwrap();
    let handle = ask().bind().unwrap();
    handle.get().await.unwrap();

    let flow = ask().sign_in().start().await.unwrap();
    let status = flow.answer(named("mallory")).await.unwrap();
    assert!(matches!(status, FlowStatus::Step(SignInStep::ConfirmAccount { .. })));
    assert_eq!(text(&ask().await.unwrap()), "token-of-alice", "it does not count yet");
    let declined = flow.decline_account().await.unwrap_err();
    assert_eq!(declined.code(), ErrorCode::AccountMismatch);
    assert_eq!(*login.thrown_away.lock().unwrap(), ["mallory"]);
    assert_eq!(text(&ask().await.unwrap()), "token-of-alice");

    let flow = ask().sign_in().start().await.unwrap();
    flow.answer(named("mallory")).await.unwrap();
    flow.confirm_account().await.unwrap();
    assert_eq!(text(&ask().await.unwrap()), "token-of-mallory");
    // A handle comes back only for the account it was bound for.
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::AccountMismatch);
    assert_eq!(handle.with(|_| ()).unwrap_err().code(), ErrorCode::AccountMismatch);
}

#[tokio::test]
async fn concurrent_starts_join_one_flow_of_that_person_only() {
    let (world, _login) = login_world();
    let key = at("login/token");
    let (alice, bob) = (person("alice"), person("bob"));
    let start = |who: &EffectiveSession| world.tool.request(&key).session(who).sign_in().start();
    let (a, b, c) = futures::future::join3(start(&alice), start(&alice), start(&bob)).await;
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert_eq!(a.id().expose(), b.id().expose());
    assert_ne!(a.id().expose(), c.id().expose());
    assert_eq!(world.engine.counters().flows, 2);
    // Ending one person's session ends that person's flow.
    world.engine.administrator().end_session(&alice).await;
    assert_eq!(a.answer(named("alice")).await.unwrap_err().code(), ErrorCode::FlowEnded);
    c.answer(named("bob")).await.unwrap();
}

#[tokio::test]
async fn sign_ins_under_way_are_bounded() {
    let login = Login::new();
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let mut few = tuning();
    few.flows = 3;
    let provider = LoginProvider(login);
    let world = World::build(&[], |b| b.provider(provider).access(rules).tuning(few));
    let key = at("login/token");
    let people: Vec<EffectiveSession> = (0..4).map(|n| person(&format!("p{n}"))).collect();
    let mut flows = Vec::new();
    for person in &people[..3] {
        flows.push(world.tool.request(&key).session(person).sign_in().start().await.unwrap());
    }
    let fourth = || world.tool.request(&key).session(&people[3]).sign_in().start();
    assert_eq!(fourth().await.unwrap_err().code(), ErrorCode::Overloaded);
    flows[0].cancel();
    fourth().await.unwrap();
    // What is never answered gives its place back when it expires.
    world.pass(Duration::from_secs(700)).await;
    assert_eq!(world.engine.counters().flows, 0);
}

#[tokio::test]
async fn another_expectation_does_not_join_a_flow() {
    let (world, _login) = login_world();
    let (key, alice) = (at("login/token"), person("alice"));
    let ask = || world.tool.request(&key).session(&alice).sign_in();
    let flow = ask().start().await.unwrap();
    let expecting = ask().expect_account(AccountId::new("alice").unwrap()).start().await;
    assert_eq!(expecting.unwrap_err().code(), ErrorCode::Conflict);
    flow.cancel();
    ask().expect_account(AccountId::new("alice").unwrap()).start().await.unwrap();
}

#[tokio::test]
async fn a_flow_expires_and_can_be_cancelled() {
    let (world, _login) = login_world();
    let (key, alice) = (at("login/token"), person("alice"));
    let start = || world.tool.request(&key).session(&alice).sign_in().start();
    let flow = start().await.unwrap();
    world.pass(Duration::from_secs(700)).await;
    assert_eq!(flow.answer(named("alice")).await.unwrap_err().code(), ErrorCode::FlowEnded);
    assert!(world.engine.sign_in_flow(flow.id()).is_none());
    let flow = start().await.unwrap();
    flow.cancel();
    assert!(
        matches!(flow.ended().await, FlowStatus::Failed(e) if e.code() == ErrorCode::Cancelled)
    );
    assert_eq!(world.engine.counters().flows, 0);
}

#[tokio::test]
async fn a_sign_out_ends_what_is_served_until_the_next_sign_in() {
    let (world, _login) = login_world();
    let (key, alice) = (at("login/token"), person("alice"));
    let ask = || world.tool.request(&key).session(&alice);
    ask().sign_in().start().await.unwrap().answer(named("alice")).await.unwrap();
    let handle = ask().bind().unwrap();
    handle.get().await.unwrap();
    world.engine.administrator().at(&key).session(&alice).sign_out().await.unwrap();
    assert_eq!(ask().await.unwrap_err().reason(), Some(ReauthReason::SignedOut));
    assert_eq!(handle.with(|_| ()).unwrap_err().reason(), Some(ReauthReason::SignedOut));
    ask().sign_in().start().await.unwrap().answer(named("alice")).await.unwrap();
    assert_eq!(text(&handle.get().await.unwrap()), "token-of-alice");
}

/// Made of another credential; whose it is, is what the test says.
struct Derived {
    descriptor: ProviderDescriptor,
    of: CredentialRef,
    account: Arc<Mutex<&'static str>>,
}

#[async_trait]
impl CredentialProvider for Derived {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.depend_on(Want::new(self.of.clone())).await?;
        let account = *self.account.lock().unwrap();
        let credential = Credential::token(format!("made-for-{account}").into());
        Ok(credential.with_account(AccountId::new(account)?).into())
    }
}

/// A world in which `made/own` is derived from `of`, and the account it says it has.
fn derived_world(
    vault: &Arc<Scripted>,
    login: &Arc<Login>,
    of: &str,
) -> (World, Arc<Mutex<&'static str>>) {
    let account = Arc::new(Mutex::new("alice"));
    let own = CredentialDescriptor::session(IdPattern::new("own").unwrap(), CredentialKind::Token);
    let descriptor = ProviderDescriptor::new(ProviderId::new("made").unwrap(), "made");
    let derived = Derived {
        descriptor: descriptor.with_credential(own),
        of: at(of),
        account: account.clone(),
    };
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let rules = rules.allow("provider:*", "*").unwrap();
    let login = LoginProvider(login.clone());
    let world = World::build(&[vault], |b| b.provider(login).provider(derived).access(rules));
    (world, account)
}

#[tokio::test]
async fn what_was_derived_follows_the_account_that_was_confirmed_for_its_parent() {
    let (vault, login) = (Scripted::new("vault", HOUR), Login::new());
    let (world, account) = derived_world(&vault, &login, "login/token");
    let (alice, token, own) = (person("alice"), at("login/token"), at("made/own"));
    let sign_in = || world.tool.request(&token).session(&alice).sign_in();
    let made = || world.tool.request(&own).session(&alice);
    sign_in().start().await.unwrap().answer(named("alice")).await.unwrap();
    assert_eq!(text(&made().await.unwrap()), "made-for-alice");
    let flow = sign_in().start().await.unwrap();
    flow.answer(named("mallory")).await.unwrap();
    flow.confirm_account().await.unwrap();
    *account.lock().unwrap() = "mallory";
    assert_eq!(text(&made().await.unwrap()), "made-for-mallory");
}

#[tokio::test]
async fn a_parent_of_nobody_in_particular_lets_no_other_account_in() {
    let (vault, login) = (Scripted::new("vault", HOUR), Login::new());
    let (world, account) = derived_world(&vault, &login, "vault/shared");
    let (alice, own) = (person("alice"), at("made/own"));
    let made = || world.tool.request(&own).session(&alice);
    assert_eq!(text(&made().await.unwrap()), "made-for-alice");
    *account.lock().unwrap() = "mallory";
    world.engine.administrator().at(&at("vault/shared")).invalidate().unwrap();
    let error = made().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountMismatch);
}

#[tokio::test]
async fn a_provider_derives_from_a_parent_session_only_where_the_host_says_so() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/own")).of_parent());
    let rules = AccessRules::deny_all().allow("*", "*").unwrap();
    let world = World::build(&[&idp, &volc], |b| b.access(rules.clone()));
    let alice = person("alice");
    let child = alice.child("subagent:1").unwrap();
    let key = at("volc/own");
    let ask = |session| world.tool.request(&key).session(session).retry();
    // Nobody has started this one, and nothing is said of the other.
    assert_eq!(ask(&alice).await.unwrap_err().code(), ErrorCode::SessionRequired);
    assert_eq!(ask(&child).await.unwrap_err().code(), ErrorCode::AccessDenied);
    assert_eq!(idp.calls(), 0);
    // Another provider's rule is not this one's.
    let administrator = world.engine.administrator();
    administrator.replace_access(rules.clone().derive("provider:other", "idp/own").unwrap());
    assert_eq!(ask(&child).await.unwrap_err().code(), ErrorCode::AccessDenied);
    let derives = rules.clone().derive("provider:volc", "idp/own").unwrap();
    administrator.replace_access(derives.clone());
    world.tool.request(&at("idp/own")).session(&alice).await.unwrap();
    ask(&child).await.unwrap();
    assert_eq!(idp.calls(), 1, "the parent's is what it was made of");
    // A grandchild derives from the child, not from the top.
    let grandchild = child.child("subagent:2").unwrap();
    ask(&grandchild).await.unwrap();
    assert_eq!(idp.calls(), 2);
    // It ends with the parent's, and with the rule.
    administrator.at(&at("idp/own")).session(&alice).revoke().await.unwrap();
    assert!(world.tool.request(&key).session(&child).await.is_err());
    administrator.at(&at("idp/own")).session(&alice).release().unwrap();
    ask(&child).await.unwrap();
    administrator.replace_access(rules);
    let error = world.tool.request(&key).session(&child).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
}

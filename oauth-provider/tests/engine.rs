//! Within an engine: whose login it is, who may have what, and how often the issuer is asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::World;
use common::world::id;
use credential_provider_api::{
    Clock as _, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, CredentialRef, EffectiveSession, ErrorCode, IdPattern, Origin,
    OutgoingRequest, ProviderDescriptor, ProviderId, Request, Resolution, SignInAnswer,
    SignInMethod, SignInStep, Want, async_trait,
};
use oauth_provider::{OAuthCredential, OAuthProvider, TokenBinding, callback};
use resolution_engine::{AccessRules, FlowStatus, ResolutionEngine};

/// Derives a token from somebody's ID token.
struct Workload(ProviderDescriptor);

#[async_trait]
impl CredentialProvider for Workload {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let identity = CredentialRef::parse("work/identity")?;
        let identity = request.depend_on(Want::new(identity)).await?;
        assert_eq!(identity.kind(), CredentialKind::Token);
        Ok(Credential::token("workload-token".into()).into())
    }
}

fn engine(world: &World) -> ResolutionEngine {
    let token = CredentialDescriptor::session(IdPattern::any(), CredentialKind::Token);
    let descriptor = ProviderDescriptor::new(ProviderId::new("workload").unwrap(), "Workload");
    let rules = AccessRules::deny_all()
        .allow("tool:mail", "work/*")
        .and_then(|rules| rules.allow("tool:mail", "workload/*"))
        .and_then(|rules| rules.allow("provider:workload", "work/identity"))
        .unwrap();
    let robot = OAuthCredential::gateway(id("robot"))
        .scopes(["openid"])
        .account(credential_provider_api::AccountId::new("robot-1").unwrap());
    ResolutionEngine::builder()
        .clock(Arc::new(world.clock.clone()))
        .provider(world.built(world.builder().credential(robot)))
        .provider(Workload(descriptor.with_credential(token)))
        .access(rules)
        .build()
        .unwrap()
}

fn named(text: &str) -> CredentialRef {
    CredentialRef::parse(text).unwrap()
}

fn session() -> EffectiveSession {
    EffectiveSession::shared("s").unwrap()
}

/// `sub` signs in to `credential`; where that leads.
async fn sign_in(
    world: &World,
    engine: &ResolutionEngine,
    credential: &str,
    sub: &str,
) -> (resolution_engine::SignInFlow, FlowStatus) {
    let administrator = engine.administrator();
    let mut target = administrator.at(&named(credential));
    if credential != "work/robot" {
        target = target.session(&session());
    }
    let flow = target.sign_in().redirect_uri(common::world::HOME).start().await.unwrap();
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else { panic!("a page") };
    let back = callback(&world.issuer.consent(&url, sub)).unwrap();
    let found = engine.sign_in_flow(&back.flow).expect("the state names the flow");
    let status = found.answer(back.answer).await.unwrap();
    (flow, status)
}

#[tokio::test]
async fn promise_5_a_link_finished_by_another_account_needs_a_confirmation() {
    let world = World::new().await;
    let engine = engine(&world);
    let tool = engine.consumer("tool:mail").unwrap();
    let (_, done) = sign_in(&world, &engine, "work/mail", "alice").await;
    assert!(matches!(done, FlowStatus::Done(Some(account)) if account.as_str() == "alice"));
    let (flow, status) = sign_in(&world, &engine, "work/mail", "mallory").await;
    let FlowStatus::Step(SignInStep::ConfirmAccount { expected, found }) = status else {
        panic!("{status:?}")
    };
    assert_eq!((expected.as_str(), found.as_str()), ("alice", "mallory"));
    let served = tool.request(&named("work/mail")).session(&session()).await.unwrap();
    assert_eq!(served.account().unwrap().as_str(), "alice");
    let declined = flow.decline_account().await.unwrap_err();
    assert_eq!(declined.code(), ErrorCode::AccountMismatch);
    let served = tool.request(&named("work/mail")).session(&session()).await.unwrap();
    assert_eq!(served.account().unwrap().as_str(), "alice");
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_5_an_account_named_in_the_configuration_is_expected() {
    let world = World::new().await;
    let engine = engine(&world);
    let (_, status) = sign_in(&world, &engine, "work/robot", "mallory").await;
    assert!(matches!(status, FlowStatus::Step(SignInStep::ConfirmAccount { .. })), "{status:?}");
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_8_an_id_token_is_for_providers_only() {
    let world = World::new().await;
    let engine = engine(&world);
    let tool = engine.consumer("tool:mail").unwrap();
    sign_in(&world, &engine, "work/identity", "alice").await;
    let denied = tool.request(&named("work/identity")).session(&session()).await.unwrap_err();
    assert_eq!(denied.code(), ErrorCode::AccessDenied);
    tool.request(&named("workload/agent")).session(&session()).await.unwrap();
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_1_a_crowd_costs_one_renewal() {
    let world = World::new().await;
    let engine = engine(&world);
    let tool = engine.consumer("tool:mail").unwrap();
    sign_in(&world, &engine, "work/mail", "alice").await;
    let mail = named("work/mail");
    let first = tool.request(&mail).session(&session()).await.unwrap();
    world.clock.set(first.expires_at().unwrap());
    assert!(world.clock.now() >= first.expires_at().unwrap());
    let person = session();
    let asking = (0..64).map(|_| tool.request(&mail).session(&person));
    let answers = futures::future::join_all(asking.map(std::future::IntoFuture::into_future)).await;
    for answer in answers {
        assert!(!answer.unwrap().same_secrets(&first));
    }
    assert_eq!(world.issuer.count("refresh_token"), 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_device_signs_in_and_the_page_that_ends_it_is_the_persons() {
    let world = World::new().await;
    world.issuer.state().beyond.interval = Some(1);
    let methods = [SignInMethod::DeviceCode];
    let engine = ResolutionEngine::builder()
        .clock(Arc::new(world.clock.clone()))
        .provider(world.built(world.builder().sign_in_methods(methods)))
        .access(AccessRules::deny_all().allow("tool:mail", "work/*").unwrap())
        .build()
        .unwrap();
    let (tool, mail) = (engine.consumer("tool:mail").unwrap(), named("work/mail"));
    let flow = tool.request(&mail).session(&session()).sign_in().start().await.unwrap();
    let FlowStatus::Step(SignInStep::ShowCode { code, .. }) = flow.status() else {
        panic!("{:?}", flow.status())
    };
    assert_eq!(code, "WDJB-MJHT");
    world.pass(1);
    flow.answer(SignInAnswer::Poll).await.unwrap();
    world.issuer.decide(common::beyond::Verdict::Approved("alice"));
    world.pass(1);
    let done = flow.answer(SignInAnswer::Poll).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(Some(account)) if account.as_str() == "alice"));
    tool.request(&mail).session(&session()).await.unwrap();
    let administrator = engine.administrator();
    let page = administrator.at(&mail).session(&session()).logout_page().await.unwrap().unwrap();
    assert!(page.starts_with(&format!("{}/logout?", world.issuer.url())));
    engine.shutdown().await;
}

#[tokio::test]
async fn what_an_engine_serves_still_proves_its_key() {
    let world = World::new().await;
    world.issuer.state().beyond.proofs = Some(common::beyond::Proofs::default());
    let bound = common::world::mail().binding(TokenBinding::DPoP);
    let builder = OAuthProvider::builder(
        ProviderId::new("work").unwrap(),
        world.issuer.url(),
        common::issuer::CLIENT,
    );
    let provider = world.built(builder.credential(bound));
    let request = world.request("mail");
    world.sign_in(&provider, &request, "alice").await.unwrap();
    let engine = ResolutionEngine::builder()
        .clock(Arc::new(world.clock.clone()))
        .provider(provider)
        .access(AccessRules::deny_all().allow("tool:mail", "work/*").unwrap())
        .build()
        .unwrap();
    let (tool, mail) = (engine.consumer("tool:mail").unwrap(), named("work/mail"));
    let origin = Origin::parse("https://mail.example").unwrap();
    let outgoing = OutgoingRequest::new("GET", &origin, "/");
    for _ in 0..2 {
        let credential = tool.request(&mail).session(&session()).await.unwrap();
        let added = credential.authorize(&outgoing, world.clock.now()).unwrap();
        assert!(added.headers.iter().any(|(name, _)| name == "DPoP"));
    }
    assert_eq!(world.issuer.count("refresh_token"), 0);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_sign_in_whose_code_is_used_up_is_over_and_the_next_one_begins_anew() {
    let world = World::new().await;
    let engine = engine(&world);
    let administrator = engine.administrator();
    let start = async || {
        let target = administrator.at(&named("work/mail")).session(&session());
        target.sign_in().redirect_uri(common::world::HOME).start().await.unwrap()
    };
    let flow = start().await;
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else { panic!("a page") };
    // The issuer's answer is not to be believed; another time it might be.
    world.issuer.state().claims = Some(Arc::new(|claims| {
        claims["aud"] = serde_json::json!("somebody-else");
    }));
    let back = callback(&world.issuer.consent(&url, "alice")).unwrap();
    let error = flow.answer(back.answer).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert!(error.is_transient(), "it is worth another try");
    assert!(matches!(flow.status(), FlowStatus::Failed(_)), "{:?}", flow.status());
    world.issuer.state().claims = None;
    let next = start().await;
    assert_ne!(next.id().expose(), flow.id().expose());
    engine.shutdown().await;
}

//! The provider keeps the promises of the trait, built as a host builds it.
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
use common::beyond::Verdict;
use common::issuer::{CLIENT, MARK, SECRET};
use common::world::id;
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Clock as _, Credential, CredentialError, CredentialProvider, CredentialRef, EffectiveSession,
    FactoryContext, FlowId, Origin, ProviderFactory as _, ProviderId, Settings, SignInAnswer,
    SignInProgress, SignInStart, SignInStep,
};
use credential_provider_api::{Source, Want, async_trait};
use credential_store::Grants;
use oauth_provider::{
    GrantType, OAuthCredential, OAuthFactory, OAuthProvider, TokenBinding, TokenExchange, callback,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    let world = Arc::new(World::new().await);
    let people = [("alice", "s"), ("bob", "t")];
    let session = |name: &str| EffectiveSession::shared(name).unwrap();
    for (sub, of) in people {
        for credential in ["mail", "identity"] {
            let request = world.request_for(world.key(credential).in_session(session(of)));
            world.sign_in(&world.provider(), &request, sub).await.unwrap();
        }
    }
    let [made, browser, down, up, outside] = std::array::from_fn(|_| world.clone());
    let suite = ProviderSuite::built_by(move || {
        let world = made.clone();
        async move {
            let json = serde_json::json!({
                "issuer": world.issuer.url(), "clientId": CLIENT, "clientSecret": SECRET,
                "credentials": {
                    "mail": { "scopes": ["openid", "mail"], "origins": ["https://mail.example"] },
                    "identity": { "scopes": ["openid"], "token": "id_token" },
                },
            });
            let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
                .with_store(Arc::new(world.store.clone()));
            let settings = Settings::from_json("p.work", &json.to_string()).unwrap();
            let factory = OAuthFactory::new(world.runtime().http);
            let id = ProviderId::new("work").unwrap();
            let built: Arc<dyn CredentialProvider> =
                factory.build(id, settings, &context).await.unwrap();
            built
        }
    });
    let report = suite
        .credential("mail")
        .credential("identity")
        .sessions(session("s"), session("t"))
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .outage(move || down.issuer.state().down = true, move || up.issuer.state().down = false)
        .change(move |changed| {
            let (world, id) = (outside.clone(), changed.id.clone());
            tokio::spawn(async move {
                let request = world.request(id.as_str());
                world.sign_in(&world.provider(), &request, "alice").await.unwrap();
            });
        })
        .sign_in_answers("mail", move |step| {
            let SignInStep::OpenUrl { url, .. } = step else { panic!("a page is the only step") };
            callback(&browser.issuer.consent(url, "alice")).unwrap().answer
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
}

/// With tokens that nobody signs in for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_does_where_nobody_signs_in() {
    let world = Arc::new(World::new().await);
    let [made, down, up] = std::array::from_fn(|_| world.clone());
    let suite = ProviderSuite::built_by(move || {
        let world = made.clone();
        async move {
            let jobs = OAuthCredential::gateway(id("jobs"))
                .grant_type(GrantType::ClientCredentials)
                .binding(TokenBinding::Bearer);
            let exchange = TokenExchange::of(CredentialRef::parse("corp/identity").unwrap());
            let swapped = OAuthCredential::session(id("swapped"))
                .grant_type(GrantType::TokenExchange(exchange));
            let builder = OAuthProvider::builder(
                ProviderId::new("work").unwrap(),
                world.issuer.url(),
                CLIENT,
            );
            let builder = builder.client_secret(SECRET.into()).credential(jobs).credential(swapped);
            let built: Arc<dyn CredentialProvider> =
                Arc::new(builder.build(world.runtime()).unwrap());
            built
        }
    });
    let report = suite
        .credential("jobs")
        .credential("swapped")
        .source(Arc::new(Corp))
        .sessions(EffectiveSession::shared("s").unwrap(), EffectiveSession::shared("t").unwrap())
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .outage(move || down.issuer.state().down = true, move || up.issuer.state().down = false)
        .run()
        .await;
    println!("{report}");
    report.assert();
}

/// Has somebody's identity.
struct Corp;

#[async_trait]
impl Source for Corp {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        Ok(Arc::new(Credential::token("identity".into())))
    }
}

/// With a login by another device, whose token is bound to a key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_do_its_other_ways() {
    let world = Arc::new(World::new().await);
    world.issuer.state().beyond.proofs = Some(common::beyond::Proofs::default());
    let session = |name: &str| EffectiveSession::shared(name).unwrap();
    let [made, device, down, up, outside] = std::array::from_fn(|_| world.clone());
    let build = move || {
        let world = made.clone();
        async move {
            let json = serde_json::json!({
                "issuer": world.issuer.url(), "clientId": CLIENT, "clientSecret": SECRET,
                "signIn": ["device_code"],
                "credentials": {
                    "mail": { "scopes": ["openid", "mail"], "binding": "dpop",
                              "origins": ["https://mail.example"] },
                },
            });
            let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
                .with_store(Arc::new(world.store.clone()));
            let settings = Settings::from_json("p.work", &json.to_string()).unwrap();
            let factory = OAuthFactory::new(world.runtime().http);
            let id = ProviderId::new("work").unwrap();
            factory.build(id, settings, &context).await.unwrap()
        }
    };
    let provider = build().await;
    for name in ["s", "t"] {
        let request = world.request_for(world.key("mail").in_session(session(name)));
        let sign_in = provider.sign_in().unwrap();
        let end = world.clock.now().plus(std::time::Duration::from_secs(60));
        let start = SignInStart::new(FlowId::from_random([1; 32]), end);
        let (mut state, _) = sign_in.start(&request, &start).await.unwrap();
        world.issuer.decide(Verdict::Approved(if name == "s" { "alice" } else { "bob" }));
        world.pass(5);
        let done = sign_in.answer(&request, &mut state, SignInAnswer::Poll).await.unwrap();
        let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
        sign_in.accept(&request, done).await.unwrap();
    }
    let end = world.clock.now().plus(std::time::Duration::from_secs(1000));
    let elsewhere = Credential::oauth2("from-elsewhere".into())
        .with_expiry(end)
        .with_origin(Origin::parse("https://mail.example").unwrap())
        .with_property("issuer", world.issuer.url())
        .with_property("client_id", CLIENT)
        .with_property("binding", "dpop");
    let report = ProviderSuite::built_by(build)
        .credential("mail")
        .sessions(session("s"), session("t"))
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .outage(move || down.issuer.state().down = true, move || up.issuer.state().down = false)
        .change(move |changed| {
            let (world, id, credential) = (outside.clone(), changed.id.clone(), elsewhere.clone());
            tokio::spawn(async move {
                let grants = Grants::new(Arc::new(world.store.clone()));
                let key = world.key(id.as_str());
                grants.sign_in(&key, None, Some(credential)).await.unwrap();
            });
        })
        .sign_in_answers("mail", move |step| {
            let SignInStep::ShowCode { .. } = step else { panic!("a code is the only step") };
            device.issuer.decide(Verdict::Approved("alice"));
            device.pass(5);
            SignInAnswer::Poll
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
}

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
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Clock as _, CredentialProvider, EffectiveSession, FactoryContext, FlowId, GrantStore as _,
    ProviderFactory as _, ProviderId, Settings, SignInAnswer, SignInProgress, SignInStart,
    SignInStep,
};
use credential_store::Grants;
use oauth_provider::{OAuthFactory, callback};

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

/// Tokens that nobody signs in for, and one that a device signs in for and that is bound to a key.
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
                    "jobs": { "grant": { "type": "client_credentials" }, "binding": "dpop" },
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
    let first = world.key("mail").in_session(session("s"));
    let first = world.store.load(&first).await.unwrap().record.unwrap();
    let report = ProviderSuite::built_by(build)
        .credential("mail")
        .credential("jobs")
        .sessions(session("s"), session("t"))
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .outage(move || down.issuer.state().down = true, move || up.issuer.state().down = false)
        .change(move |changed| {
            let (world, id, record) = (outside.clone(), changed.id.clone(), first.clone());
            tokio::spawn(async move {
                let grants = Grants::new(Arc::new(world.store.clone()));
                let key = world.key(id.as_str());
                grants.sign_in(&key, record.grant, record.credential).await.unwrap();
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

//! Setting, reading, listing and deleting; whose is whose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{World, answer, builder, github, own, pattern, secret};
use credential_provider_api::{
    CredentialKind, CredentialProvider as _, EffectiveSession, ErrorCode, ExposeSecret as _,
    FlowId, Freshness, Material, Origin, Placement, ProviderId, ReauthReason, Request, Revocation,
    SignIn as _, SignInMethod, SignInProgress, SignInStart, SignInStep, Timestamp,
};
use keychain_provider::{ForeignItem, Item, KeychainCredential, KeychainProvider, OwnItem};

fn of(world: &World, id: &str, session: &str) -> Request {
    let session = EffectiveSession::shared(session).unwrap();
    Request::new(world.request(id).key().clone().in_session(session), Arc::new(world.clock.clone()))
}

#[tokio::test]
async fn each_kind_is_set_read_and_deleted() {
    let world = World::new();
    let missing = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(missing.reason(), Some(ReauthReason::NotSignedIn));
    world.set(&world.request("openai"), &[("key", " sk-1\n")]).await.unwrap();
    world.set(&world.request("bot/1"), &[("token", "t-1")]).await.unwrap();
    let mail = [("user", "me"), ("password", " spaces stay ")];
    world.set(&world.request("mail"), &mail).await.unwrap();

    let key = world.read(&world.request("openai")).await.unwrap();
    assert_eq!((key.kind(), secret(&key)), (CredentialKind::ApiKey, "sk-1"));
    let token = world.read(&world.request("bot/1")).await.unwrap();
    assert_eq!((token.kind(), secret(&token)), (CredentialKind::Token, "t-1"));
    let mail = world.read(&world.request("mail")).await.unwrap();
    let Material::UserValue(fields) = mail.material() else { panic!("{mail:?}") };
    assert_eq!(fields["password"].expose_secret(), " spaces stay ");
    let stored = world.fake.state().items[&own("openai").attributes()].clone();
    assert_eq!(stored, b"sk-1", "the text itself, for other programs");

    let signed_out = world.provider.sign_out(&world.request("openai")).await.unwrap();
    assert_eq!(signed_out, Revocation::LocalOnly);
    let gone = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NeedsReauth);
    // Where nobody is signed in, too.
    world.provider.sign_out(&world.request("openai")).await.unwrap();
    // A revoked one does not come back with a restart.
    world.provider.revoke(&world.request("bot/1"), None).await.unwrap();
    assert!(!world.fake.state().items.contains_key(&own("bot/1").attributes()));
}

#[tokio::test]
async fn promise_5_each_session_has_its_own_whatever_the_names_contain() {
    let world = World::new();
    let (alice, bob) = (of(&world, "mine", "alice"), of(&world, "mine", "bob"));
    world.set(&alice, &[("key", "of alice")]).await.unwrap();
    let other = world.read(&bob).await.unwrap_err();
    assert_eq!(other.code(), ErrorCode::NeedsReauth);
    world.set(&bob, &[("key", "of bob")]).await.unwrap();
    assert_eq!(secret(&world.read(&alice).await.unwrap()), "of alice");
    let nobody = world.read(&world.request("mine")).await.unwrap_err();
    assert_eq!(nobody.code(), ErrorCode::SessionRequired);

    // Ids and sessions that would be one text if they were only joined: a session is its length and
    // its name.
    let each = |id: &str| KeychainCredential::api_key(pattern(id)).of_each_session();
    let builder = KeychainProvider::builder(ProviderId::new("os").unwrap());
    let builder = builder.credential(each("a")).credential(each("as5:b"));
    let world = World::of(builder.credential(KeychainCredential::api_key(pattern("1:as5:*"))));
    let pairs = [
        of(&world, "a", "bs1:c"),
        of(&world, "as5:b", "c"),
        of(&world, "a", "c"),
        world.request("1:as5:bs1:c"),
    ];
    for (n, request) in pairs.iter().enumerate() {
        world.set(request, &[("key", &format!("key-{n}"))]).await.unwrap();
    }
    for (n, request) in pairs.iter().enumerate() {
        assert_eq!(secret(&world.read(request).await.unwrap()), format!("key-{n}"));
    }
}

#[tokio::test]
async fn promise_10_another_programs_item_is_only_read() {
    let world = World::new();
    let request = world.asking("github");
    let missing = world.read(&request).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::CredentialNotFound);
    world.fake.put(&Item::Foreign(github()), "gho_1");
    let before = world.fake.state().items.clone();
    assert_eq!(secret(&world.read(&request).await.unwrap()), "gho_1");
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let refused = world.provider.start(&request, &start).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported);
    let refused = world.provider.sign_out(&request).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported);
    world.provider.revoke(&request, None).await.unwrap();
    assert_eq!(world.fake.state().items, before);
}

#[tokio::test]
async fn a_sign_in_asks_for_the_fields_and_takes_no_others() {
    let world = World::new();
    let request = world.request("mail");
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let (mut state, step) = world.provider.start(&request, &start).await.unwrap();
    let SignInProgress::Step(SignInStep::AskFields { fields }) = step else { panic!("{step:?}") };
    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["user", "password"]);
    for wrong in [
        &[("user", "me")][..],
        &[("user", "me"), ("password", "")],
        &[("user", "me"), ("password", "x"), ("canary", "canary")],
    ] {
        let error = world.provider.answer(&request, &mut state, answer(wrong)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidResponse);
        assert!(error.is_transient(), "the flow stays, for another try");
        assert!(!format!("{error:?}").contains("canary"));
    }
    let masked = [("user", "me"), ("password", "${PASSWORD}")];
    let error = world.provider.answer(&request, &mut state, answer(&masked)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RedactedValue);
    let browser = start.with_method(Some(SignInMethod::DeviceCode));
    let error = world.provider.start(&request, &browser).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert_eq!(world.fake.state().calls, 0, "nothing was written or read for it");
}

#[tokio::test]
async fn a_list_names_what_is_configured_and_there() {
    let world = World::new();
    for id in ["openai", "bot/1", "bot/2", "unconfigured", "github", "mine"] {
        world.fake.put(&own(id), "x");
    }
    world.fake.put(&Item::Foreign(github()), "gho");
    world.set(&of(&world, "mine", "alice"), &[("key", "k")]).await.unwrap();
    let names = async |request: &Request| {
        let listed = world.provider.list(request).await.unwrap();
        let mut names: Vec<_> = listed.iter().map(|d| d.id.as_str().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&world.request("openai")).await, ["bot/1", "bot/2", "github", "openai"]);
    let alice = of(&world, "mine", "alice");
    assert_eq!(names(&alice).await, ["bot/1", "bot/2", "github", "mine", "openai"]);
    let bob = of(&world, "mine", "bob");
    assert_eq!(names(&bob).await, ["bot/1", "bot/2", "github", "openai"]);
}

#[tokio::test]
async fn it_goes_where_it_is_configured_to_go_and_is_read_again_in_time() {
    let credential = KeychainCredential::api_key(pattern("openai"))
        .origin(Origin::parse("https://api.example").unwrap())
        .placement(Placement::header("x-api-key", ""));
    let builder = KeychainProvider::builder(ProviderId::new("os").unwrap());
    let world = World::of(builder.credential(credential).reread(Duration::from_secs(7)));
    world.fake.put(&own("openai"), "sk-1");
    let read = world.read(&world.request("openai")).await.unwrap();
    assert_eq!(read.origins(), [Origin::parse("https://api.example").unwrap()]);
    assert_eq!(read.freshness(), Freshness::For(Duration::from_secs(7)));
    let default = World::new();
    default.fake.put(&own("openai"), "sk-1");
    let read = default.read(&default.request("openai")).await.unwrap();
    assert_eq!(read.freshness(), Freshness::For(Duration::from_secs(60)));
}

#[test]
fn what_could_be_mistaken_is_not_built() {
    let id = || ProviderId::new("os").unwrap();
    let key = |id: &str| KeychainCredential::api_key(pattern(id));
    let ours = ForeignItem::of("credential-provider.os", "openai");
    let wrong = [
        KeychainProvider::builder(id()).credential(key("a")).credential(key("a")),
        KeychainProvider::builder(id()).credential(key("a").from_item(ours)),
        builder().service("s").credential(key("x").from_item(ForeignItem::of("s#session", "x"))),
        KeychainProvider::builder(id()).credential(key("a*").from_item(github())),
        KeychainProvider::builder(id()).credential(key("a").from_item(github()).of_each_session()),
        KeychainProvider::builder(id())
            .credential(KeychainCredential::user_value(pattern("a"), [])),
        builder().service("a:b"),
        builder().service("a#session"),
        builder().service(""),
        builder().limit(Duration::ZERO),
        builder().reread(Duration::ZERO),
    ];
    for builder in wrong {
        let clock = credential_provider_api::ManualClock::new(Timestamp::EPOCH);
        let shown = format!("{builder:?}");
        let built = builder.build(Arc::new(common::Fake::default()), Arc::new(clock));
        assert_eq!(built.err().map(|e| e.code()), Some(ErrorCode::ConfigurationInvalid), "{shown}");
    }
    let _ = OwnItem::new("a", "b").unwrap();
}

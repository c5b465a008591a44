//! ID tokens that another page of the same client has received, as a web chat's: verified, then kept.

use std::collections::BTreeMap;

use credential_provider_api::{
    CredentialError, ErrorCode, SecretString, SignInAnswer, SignInMethod, SignInStep,
};
use resolution_engine::FlowStatus;
use serde_json::json;

use crate::world::{Host, World, account, member, name};

/// `session.put`.
async fn put(
    world: &World,
    user: &str,
    fields: &[(&str, &str)],
) -> Result<FlowStatus, CredentialError> {
    let at = world.engine.administrator().at(&name("identity")).session(&member(user));
    let flow = at.sign_in().method(SignInMethod::Fields).start().await?;
    let FlowStatus::Step(SignInStep::AskFields { fields: asked }) = flow.status() else {
        panic!("{:?}", flow.status())
    };
    assert_eq!(asked.len(), 2);
    let fields: BTreeMap<String, SecretString> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let answered = flow.answer(SignInAnswer::Fields(fields)).await;
    if answered.is_err() {
        flow.cancel();
    }
    answered
}

fn token(world: &World, user: &str) -> String {
    world.emulator.id_token("people", "gateway-web", user).unwrap()
}

#[tokio::test]
async fn a_token_that_is_put_is_verified_and_its_person_signed_in() {
    let world = Host::default().start().await;
    let done = put(&world, "alice", &[("id_token", &token(&world, "alice"))]).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    let key = world.ask("search", "alice").await.unwrap();
    assert_eq!(key.account(), account("u-alice").as_ref());
    // `session.get`: who it is and how long, and no token.
    let all = world.engine.administrator().snapshot();
    let own = all.iter().find(|one| one.key.credential.as_str() == "identity").unwrap();
    assert_eq!(own.account, account("u-alice"));
    assert!(own.until.is_some());
    assert_eq!(world.code("search", "bob").await, ErrorCode::NeedsReauth);
    // Without a refresh token it ends.
    world.pass(3700);
    assert_eq!(world.code("search", "alice").await, ErrorCode::NeedsReauth);
    world.stop().await;
}

#[tokio::test]
async fn promise_5_a_token_that_is_not_the_issuer_s_for_this_client_is_not_kept() {
    let world = Host::default().start().await;
    let good = token(&world, "alice");
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let unsigned = format!("{head}.{claims}.c2ln");
    let none = format!("eyJhbGciOiJub25lIn0.{claims}.");
    world.ask("workload-token", "alice").await.unwrap_err();
    for bad in ["", "a.b.c", &unsigned, &none] {
        let error = put(&world, "alice", &[("id_token", bad)]).await.unwrap_err();
        assert!(
            matches!(error.code(), ErrorCode::InvalidResponse | ErrorCode::Conflict),
            "{bad}: {error}"
        );
    }
    // By seconds: no clock is so far off.
    world.pass(3610);
    let error = put(&world, "alice", &[("id_token", &good)]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "it has ended");
    assert_eq!(world.code("search", "alice").await, ErrorCode::NeedsReauth);
    use credential_provider_api::GrantStore as _;
    assert!(world.store.list().await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn one_put_for_the_whole_gateway_serves_a_personal_agent() {
    let world = Host::with(json!({ "userPool": { "name": "people", "clientName": "gateway",
        "callbackUrl": crate::world::CALLBACK, "owner": "gateway" } }));
    let world = world.start().await;
    put(&world, "alice", &[("id_token", &token(&world, "alice"))]).await.unwrap();
    let key = world.ask("search", "anybody").await.unwrap();
    assert_eq!(key.account(), account("u-alice").as_ref());
    world.stop().await;
}

#[tokio::test]
async fn sessions_that_the_plugin_kept_are_signed_in_after_they_are_verified() {
    use credential_provider_api::{Clock as _, ExposeSecret as _};
    use volcengine_provider::PluginSession;
    let world = Host::default().start().await;
    let (alice, bob) = (token(&world, "alice"), token(&world, "bob"));
    let forged = format!("{}.c2ln", bob.rsplit_once('.').unwrap().0);
    let kept = json!({ "alice": alice, "bob": { "userToken": forged } }).to_string();
    let sessions = PluginSession::read_all(kept.as_bytes(), world.clock.now()).unwrap();
    assert_eq!(sessions.len(), 2);
    for session in &sessions {
        let fields = [("id_token", session.id_token.expose_secret())];
        let done = put(&world, &session.session_key, &fields).await;
        assert_eq!(done.is_ok(), session.session_key == "alice", "{done:?}");
    }
    assert!(world.ask("search", "alice").await.is_ok());
    assert_eq!(world.code("search", "bob").await, ErrorCode::NeedsReauth);
    world.stop().await;
}

/// The refresh token of `user`'s login.
async fn refresh_token(world: &World, user: &str) -> String {
    use credential_provider_api::GrantStore as _;
    let keys = world.store.list().await.unwrap();
    let key = keys.into_iter().find(|key| key.session.as_ref() == Some(&member(user))).unwrap();
    let record = world.store.load(&key).await.unwrap().record.unwrap();
    let grant: serde_json::Value = serde_json::from_slice(record.grant.unwrap().expose()).unwrap();
    grant["refreshToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_that_is_put_with_a_refresh_token_is_renewed() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    let (id_token, refresh) = (token(&world, "alice"), refresh_token(&world, "alice").await);
    let fields = [("id_token", &*id_token), ("refresh_token", &*refresh)];
    put(&world, "carol", &fields).await.unwrap();
    for _ in 0..3 {
        world.pass(3700);
        let key = world.ask("search", "carol").await.unwrap();
        assert_eq!(key.account(), account("u-alice").as_ref());
    }
    world.stop().await;
}

#[tokio::test]
async fn a_kept_session_that_can_be_renewed_can_be_signed_in() {
    use credential_provider_api::{Clock as _, ExposeSecret as _};
    use volcengine_provider::PluginSession;
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    let (id_token, refresh) = (token(&world, "alice"), refresh_token(&world, "alice").await);
    world.pass(3700);
    let kept = json!({ "k": { "userToken": id_token, "refreshToken": refresh } }).to_string();
    let kept = PluginSession::read_all(kept.as_bytes(), world.clock.now()).unwrap();
    let refresh = kept[0].refresh_token.as_ref().unwrap();
    let fields = [
        ("id_token", kept[0].id_token.expose_secret()),
        ("refresh_token", refresh.expose_secret()),
    ];
    put(&world, "carol", &fields).await.unwrap();
    for _ in 0..2 {
        let key = world.ask("search", "carol").await.unwrap();
        assert_eq!(key.account(), account("u-alice").as_ref());
        // And it goes on with what the renewal brought.
        world.pass(3700);
    }
    world.stop().await;
}

#[tokio::test]
async fn promise_5_an_ended_token_is_renewed_only_if_it_is_the_issuer_s_and_of_the_same_person() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    let (alices, bobs) = (token(&world, "alice"), token(&world, "bob"));
    let refresh = refresh_token(&world, "alice").await;
    world.pass(3700);
    let forged = format!("{}.c2ln", alices.rsplit_once('.').unwrap().0);
    for bad in [&forged, &bobs] {
        let fields = [("id_token", &**bad), ("refresh_token", &*refresh)];
        let error = put(&world, "carol", &fields).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{error}");
        assert_eq!(world.code("search", "carol").await, ErrorCode::NeedsReauth);
    }
    let fields = [("id_token", &*alices), ("refresh_token", "no-such-token")];
    let error = put(&world, "carol", &fields).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded, "{error}");
    world.stop().await;
}

//! Renewal: a grant is spent once, for its own issuer, and never lost.
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

use common::World;
use common::http::Reply;
use common::issuer::{CLIENT, SECRET};
use common::world::{files, mail, resolve};
use credential_provider_api::{
    Credential, CredentialError, CredentialProvider as _, ErrorClass, ErrorCode, GrantStore as _,
    Reason, ReauthReason, Request, Resolution, SignIn as _, Want, async_trait,
};
use oauth_provider::{ClientAuthentication, OAuthProvider};
use serde_json::{Value, json};

const RENEWAL: &str = "refresh_token";

async fn signed_in(credential: &str) -> (World, OAuthProvider, Request) {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request(credential));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    (world, provider, request)
}

#[tokio::test]
async fn promise_7_a_rotated_grant_goes_on_from_one_renewal_to_the_next() {
    let (world, provider, request) = signed_in("mail").await;
    let mut before = resolve(&provider, &request).await.unwrap();
    for renewals in 1..=3 {
        world.pass(301);
        let next = resolve(&provider, &request).await.unwrap();
        assert!(!next.same_secrets(&before));
        assert!(next.revision() > before.revision());
        assert_eq!(next.account(), before.account());
        assert_eq!(next.origins(), before.origins());
        assert_eq!(world.issuer.count(RENEWAL), renewals);
        before = next;
    }
}

#[tokio::test]
async fn a_grant_that_is_not_rotated_is_kept() {
    let (world, provider, request) = signed_in("mail").await;
    world.issuer.state().rotates = false;
    for renewals in 1..=3 {
        world.pass(301);
        resolve(&provider, &request).await.unwrap();
        assert_eq!(world.issuer.count(RENEWAL), renewals);
    }
}

#[tokio::test]
async fn what_is_good_is_not_renewed_until_somebody_says_why() {
    let (world, provider, request) = signed_in("mail").await;
    let first = resolve(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count(RENEWAL), 0);
    let rejected = request.clone().with_rejected(first.revision());
    for _ in 0..3 {
        let next = provider.refresh(&rejected, &first, Reason::Rejected).await.unwrap();
        let Resolution::Credential(next) = next else { panic!("a credential") };
        assert!(!next.same_secrets(&first));
    }
    assert_eq!(world.issuer.count(RENEWAL), 1, "one renewal for one rejected revision");
}

#[tokio::test]
async fn promise_1_a_renewal_ahead_of_the_end_happens_once() {
    let (world, provider, request) = signed_in("mail").await;
    let first = resolve(&provider, &request).await.unwrap();
    for _ in 0..3 {
        let next = provider.refresh(&request, &first, Reason::Expiring).await.unwrap();
        let Resolution::Credential(next) = next else { panic!("a credential") };
        assert!(!next.same_secrets(&first), "the one to be replaced is still good");
    }
    assert_eq!(world.issuer.count(RENEWAL), 1);
}

#[tokio::test]
async fn the_same_token_again_is_not_a_new_one() {
    let (world, provider, request) = signed_in("files").await;
    let first = resolve(&provider, &request).await.unwrap();
    let token = credential_provider_api::ExposeSecret::expose_secret(first.secret().unwrap());
    let again = token.to_owned();
    world.issuer.state().answer = Some(Arc::new(move |a| a["access_token"] = json!(again)));
    let rejected = request.clone().with_rejected(first.revision());
    let answer = provider.refresh(&rejected, &first, Reason::Rejected).await.unwrap();
    assert!(matches!(answer, Resolution::Unchanged), "{answer:?}");
}

#[tokio::test]
async fn without_an_expiry_it_lasts_until_it_is_rejected() {
    let world = World::new().await;
    let silent = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("expires_in"));
    world.issuer.state().answer = Some(Arc::new(silent));
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.pass(365 * 24 * 3600);
    let first = resolve(&provider, &request).await.unwrap();
    assert_eq!((first.expires_at(), world.issuer.count(RENEWAL)), (None, 0));
    let rejected = request.clone().with_rejected(first.revision());
    let next = provider.refresh(&rejected, &first, Reason::Rejected).await.unwrap();
    assert!(matches!(next, Resolution::Credential(_)));
}

#[tokio::test]
async fn promise_3_a_token_that_has_ended_when_it_comes_is_an_error() {
    let (world, provider, request) = signed_in("mail").await;
    world.issuer.state().answer = Some(Arc::new(|a| a["expires_in"] = json!(0)));
    world.pass(301);
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    world.issuer.state().answer = None;
    resolve(&provider, &request).await.expect("the grant that came with it was kept");
}

#[tokio::test]
async fn a_refusal_is_the_last_word_and_not_asked_for_twice() {
    let (world, provider, request) = signed_in("mail").await;
    world.issuer.script("/token", [Reply::error(400, "invalid_grant")]);
    world.pass(301);
    for _ in 0..3 {
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
        assert!(error.detail().starts_with("invalid_grant"), "{error}");
    }
    assert_eq!(world.issuer.count(RENEWAL), 1);
    world.issuer.usual("/token");
    world.sign_in(&provider, &request, "alice").await.expect("a sign-in mends it");
    resolve(&provider, &request).await.unwrap();
}

#[tokio::test]
async fn promise_7_what_leaves_the_grant_unspent_costs_nothing() {
    let (world, provider, request) = signed_in("mail").await;
    world.pass(301);
    for (reply, code, class) in [
        (Reply::error(401, "invalid_client"), ErrorCode::ConfigurationInvalid, None),
        (Reply::error(400, "unauthorized_client"), ErrorCode::ConfigurationInvalid, None),
        (Reply::of(403, "<html>"), ErrorCode::InvalidResponse, None),
        (Reply::of(429, "").with("retry-after", "7"), ErrorCode::RateLimited, Some(7)),
        (Reply::of(503, "").with("retry-after", "9"), ErrorCode::Unavailable, Some(9)),
    ] {
        world.issuer.script("/token", [reply]);
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(error.retry_after(), class.map(Duration::from_secs));
        let record = world.store.load(request.key()).await.unwrap().record.unwrap();
        assert!(record.intent.is_none(), "{error}");
    }
    assert_eq!(ErrorCode::ConfigurationInvalid.class(), ErrorClass::FixConfiguration);
    world.issuer.usual("/token");
    resolve(&provider, &request).await.unwrap();
}

#[tokio::test]
async fn what_may_have_spent_it_is_remembered() {
    for (reply, code) in [
        (Reply::of(500, "oops"), ErrorCode::Unavailable),
        (Reply::of(200, "<html>sign in</html>"), ErrorCode::InvalidResponse),
        (Reply::of(302, "").with("location", "/elsewhere"), ErrorCode::InvalidResponse),
        (Reply::HangUp, ErrorCode::Unavailable),
        (Reply::Endless(5 << 20), ErrorCode::InvalidResponse),
    ] {
        let (world, provider, request) = signed_in("files").await;
        world.pass(301);
        world.issuer.script("/token", [reply]);
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let record = world.store.load(request.key()).await.unwrap().record.unwrap();
        assert!(record.intent.is_some(), "{error}");
        assert_eq!(world.issuer.count("/elsewhere"), 0, "a redirect is not followed");
        world.issuer.script("/token", [Reply::error(400, "invalid_grant")]);
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::RenewalInterrupted));
    }
}

#[tokio::test]
async fn promise_5_a_renewal_is_for_the_same_person() {
    let (world, provider, request) = signed_in("mail").await;
    world.pass(301);
    world.issuer.state().claims = Some(Arc::new(|c| c["sub"] = json!("mallory")));
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
    let kept = world.store.load(request.key()).await.unwrap().record.unwrap();
    let account = kept.credential.unwrap().account().cloned().unwrap();
    assert_eq!(account.as_str(), "alice");
}

#[tokio::test]
async fn a_renewal_waits_for_the_keys_before_it_spends_anything() {
    let (world, _, request) = signed_in("mail").await;
    world.pass(301);
    world.issuer.script("/jwks", [Reply::of(503, "")]);
    // Another process, which has no keys yet.
    let error = resolve(&world.provider(), &request).await.unwrap_err();
    assert_eq!((error.code(), world.issuer.count(RENEWAL)), (ErrorCode::Unavailable, 0));
    world.issuer.usual("/jwks");
    resolve(&world.provider(), &request).await.unwrap();
}

#[tokio::test]
async fn an_id_token_that_is_not_renewed_ends_and_keeps_its_grant() {
    let (world, provider, request) = signed_in("identity").await;
    let mute = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("id_token"));
    world.issuer.state().answer = Some(Arc::new(mute));
    let first = resolve(&provider, &request).await.unwrap();
    let answer = provider.refresh(&request, &first, Reason::Expiring).await.unwrap();
    assert!(matches!(answer, Resolution::Unchanged), "good until its end: {answer:?}");
    world.pass(301);
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantExpired));
    let record = world.store.load(request.key()).await.unwrap().record.unwrap();
    assert!(record.grant.is_some(), "the rotated grant was kept");
    world.issuer.state().answer = None;
    let next = world.sign_in(&provider, &request, "alice").await.unwrap();
    assert!(!next.same_secrets(&first));
    world.pass(200);
    resolve(&provider, &request).await.unwrap();
}

#[tokio::test]
async fn promise_5_a_login_is_never_sent_to_another_issuer_or_by_another_client() {
    let (world, _, request) = signed_in("mail").await;
    let other = common::issuer::Issuer::start(world.clock.clone()).await;
    let set_up = |issuer: String, client: &str| {
        let id = credential_provider_api::ProviderId::new("work").unwrap();
        world.built(OAuthProvider::builder(id, issuer, client).credential(mail()))
    };
    for end in [0, 301] {
        world.pass(end);
        for provider in [set_up(other.url(), CLIENT), set_up(world.issuer.url(), "other")] {
            let error = resolve(&provider, &request).await.unwrap_err();
            assert_eq!(error.reason(), Some(ReauthReason::NotSignedIn), "{error}");
            assert!(provider.account(&request).await.unwrap().is_none());
        }
    }
    assert_eq!((world.issuer.count(RENEWAL), other.count(RENEWAL)), (0, 0));
    resolve(&world.provider(), &request).await.expect("set right again, the login is still there");
}

#[tokio::test]
async fn a_login_of_another_issuer_is_revoked_nowhere() {
    let (world, _, request) = signed_in("mail").await;
    let other = common::issuer::Issuer::start(world.clock.clone()).await;
    let id = credential_provider_api::ProviderId::new("work").unwrap();
    let provider = world.built(OAuthProvider::builder(id, other.url(), CLIENT).credential(mail()));
    let revoked = provider.sign_out(&request).await.unwrap();
    assert_eq!(revoked, credential_provider_api::Revocation::LocalOnly);
    assert!(other.state().revoked.is_empty());
}

#[tokio::test]
async fn each_way_to_prove_who_the_client_is_works() {
    for authentication in [
        ClientAuthentication::None,
        ClientAuthentication::ClientSecretBasic,
        ClientAuthentication::ClientSecretPost,
    ] {
        let world = World::new().await;
        let id = credential_provider_api::ProviderId::new("work").unwrap();
        let mut builder = OAuthProvider::builder(id, world.issuer.url(), CLIENT)
            .credential(files())
            .client_authentication(authentication);
        if authentication != ClientAuthentication::None {
            builder = builder.client_secret(SECRET.into());
        }
        let (provider, request) = (world.built(builder), world.request("files"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        world.pass(301);
        resolve(&provider, &request).await.unwrap();
        provider.sign_out(&request).await.unwrap();
        assert_eq!(world.issuer.state().revoked.len(), 1);
    }
}

struct Vault(Result<&'static str, ErrorCode>);

#[async_trait]
impl credential_provider_api::Source for Vault {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        assert_eq!(want.credential.to_string(), "vault/work-client");
        let secret =
            self.0.map_err(|code| CredentialError::new(code, "").about(&want.credential))?;
        Ok(Arc::new(Credential::api_key(secret.into())))
    }
}

#[tokio::test]
async fn the_clients_secret_may_be_another_providers() {
    let world = World::new().await;
    let id = credential_provider_api::ProviderId::new("work").unwrap();
    let vault = credential_provider_api::CredentialRef::parse("vault/work-client").unwrap();
    let provider = world.built(
        OAuthProvider::builder(id, world.issuer.url(), CLIENT)
            .client_secret_from(vault.clone())
            .credential(files()),
    );
    let with = |source| world.request("files").with_source(Arc::new(Vault(source)));
    world.sign_in(&provider, &with(Ok(SECRET)), "alice").await.unwrap();
    let locked = with(Err(ErrorCode::InteractionRequired));
    resolve(&provider, &locked).await.expect("what is good needs no secret");
    world.pass(301);
    let error = resolve(&provider, &locked).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    assert_eq!(error.credential(), Some(&vault), "what must be unlocked is named");
    resolve(&provider, &with(Ok(SECRET))).await.unwrap();
}

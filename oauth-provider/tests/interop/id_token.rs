//! The ID token as a credential: for providers, and for nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{CredentialRef, ErrorCode, ExposeSecret as _, ReauthReason};
use serde_json::Value;

use crate::gateway::{PUBLIC, World, reason};
use crate::peer::Peer;

async fn is_for_providers(peer: Peer, person: &'static str) {
    let world = World::new(peer, PUBLIC, person);
    let gateway = world.gateway().await;
    let who = CredentialRef::parse("idp/who").unwrap();
    let card = CredentialRef::parse("badge/card").unwrap();

    let missing = gateway.ask_for(&card).await.unwrap_err();
    assert_eq!(reason(&missing), Some(ReauthReason::NotSignedIn));
    assert_eq!(missing.parent(), Some(&who), "it says what to sign in to");

    gateway.sign_in(&who).await;
    let denied = gateway.ask_for(&who).await.unwrap_err();
    assert_eq!(denied.code(), ErrorCode::AccessDenied, "though a rule allows it");

    let card = gateway.tool.request(&card).session(&gateway.me).retry().await.unwrap();
    assert_eq!(card.account().unwrap().as_str(), person);
    let token = card.secret().unwrap().expose_secret();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], world.peer.issuer);
    assert_eq!(claims["aud"], "pub");
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_8_an_id_token_is_for_providers_only() {
    is_for_providers(Peer::oidc_long(), "id-token").await;
}

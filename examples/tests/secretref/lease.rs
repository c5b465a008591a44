//! The resolver takes the gateway's leases: a refresh token is spent once.

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{
    CredentialRef, ExposeSecret as _, ManualClock, SignInAnswer, SignInStep, Timestamp,
};
use credential_store::{FileStore, KeyFile};
use oauth_provider::OAuthFactory;
use resolution_engine::{Configuration, FlowStatus, ResolutionEngine};
use serde_json::json;

use super::common::{Folder, asked_of, exec};
use super::issuer::issuer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_four_resolvers_at_once_spend_a_refresh_token_once() {
    let folder = Folder::new();
    let (address, ledger) = issuer().await;
    let configuration = signed_in(&folder, &address).await;
    assert!(ledger.spent.lock().unwrap().is_empty());

    let aliases = ["a", "b", "c", "d"];
    let secrets = asked_of(&configuration, &aliases);
    let wanted: Vec<_> = aliases.iter().map(|alias| exec(alias, "work/mail")).collect();
    for round in ["four at once", "and once more"] {
        for found in secrets.resolve_all(&wanted).await {
            assert_eq!(found.unwrap().expose_secret(), "access-1", "{round}");
        }
        assert_eq!(*ledger.spent.lock().unwrap(), ["refresh-0"], "{round}");
    }
}

/// A configuration with a static key, and a login whose access token has ended.
pub(crate) async fn signed_in(folder: &Folder, address: &str) -> PathBuf {
    let keys = folder.file("keys.json", r#"{"keys": {"openai": "sk-1"}}"#);
    let whole = json!({
        "credentialStore": {"folder": "grants", "keyFile": "grants.key"},
        "credentialProviders": {
            "keys": {"type": "file", "path": keys},
            "work": {
                "type": "oauth", "issuer": address, "clientId": "gateway",
                "endpoints": {"authorization": format!("{address}/authorize"),
                              "token": format!("{address}/token")},
                "credentials": {"mail": {"scopes": ["mail.read"], "owner": "gateway"}},
            },
        },
        "credentialAccess": [{"consumer": "*", "credential": "*"}],
    });
    sign_in(folder, &whole.to_string()).await;
    folder.file("credentials.json", &whole.to_string())
}

/// As a gateway does, long ago: its access token has ended since.
async fn sign_in(folder: &Folder, configuration: &str) {
    let keys = KeyFile::new(folder.path("grants.key"));
    let store = FileStore::open(&folder.path("grants"), keys).await.unwrap();
    let engine = ResolutionEngine::builder()
        .clock(Arc::new(ManualClock::new(Timestamp::from_secs(1_600_000_000))))
        .store(Arc::new(store))
        .factory(OAuthFactory::with_reqwest().unwrap())
        .factory(credential_host::FileFactory)
        .build()
        .unwrap();
    let report = engine.configure(Configuration::from_json(configuration).unwrap()).await.unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
    let person = engine.consumer("tool:mail").unwrap();
    let mail = CredentialRef::parse("work/mail").unwrap();
    let flow = person.request(&mail).sign_in().redirect_uri("http://127.0.0.1:1/callback");
    let flow = flow.start().await.unwrap();
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else { panic!() };
    let (_, state) = url.split_once("state=").unwrap();
    let state = state.split('&').next().unwrap();
    let back = format!("http://127.0.0.1:1/callback?code=code-1&state={state}");
    let status = flow.answer(SignInAnswer::Pasted(back.into())).await.unwrap();
    assert!(matches!(status, FlowStatus::Done(_)), "{status:?}");
    engine.shutdown().await;
}

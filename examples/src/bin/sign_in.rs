//! A person signs in to an issuer with a browser; the token is then renewed for as long as it is used.
//!
//! `sign_in` runs against an issuer of its own. `sign_in ISSUER CLIENT_ID [SCOPE...]` asks yours, where
//! the client is registered as a public one with the redirect address `http://127.0.0.1/callback`.
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialRef, SignInStep};
use credential_store::MemoryStore;
use examples::gateway::browser::consent;
use examples::gateway::issuer::{CLIENT, Issuer};
use oauth_provider::{LoopbackAddress, LoopbackListener, OAuthFactory, ReqwestClient};
use resolution_engine::{AccessRules, Configuration, FlowStatus, ResolutionEngine, SystemClock};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let own = Issuer::start(Duration::from_secs(60), (0, 1)).await?;
    let (issuer, client, scopes) = match &arguments[..] {
        [] => (own.url().to_owned(), CLIENT.to_owned(), vec!["openid".to_owned()]),
        [issuer, client, scopes @ ..] => (issuer.clone(), client.clone(), scopes.to_vec()),
        _ => return Err("give an issuer and a client id, or neither".into()),
    };

    // What a configuration file would say.
    let configuration = json!({
        "credentialProviders": { "work": {
            "type": "oauth", "issuer": issuer, "clientId": client,
            "credentials": { "me": { "owner": "gateway", "scopes": scopes } },
            // What an issuer must not choose itself.
            "idToken": { "algorithms": ["RS256", "ES256"] },
        } },
        "credentialAccess": [{ "consumer": "tool:calendar", "credential": "work/me" }],
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let engine = ResolutionEngine::builder()
        .clock(clock.clone())
        .store(Arc::new(MemoryStore::new()))
        .factory(OAuthFactory::with_reqwest()?)
        .access(AccessRules::deny_all())
        .build()?;
    engine.configure(Configuration::from_json(&configuration.to_string())?).await?;
    let calendar = engine.consumer("tool:calendar")?;
    let me = CredentialRef::parse("work/me")?;

    // The sign-in is data: an address to open, and what came back from it.
    let listener = LoopbackListener::bind(LoopbackAddress::V4).await?;
    let sign_in = calendar.request(&me).sign_in().redirect_uri(listener.redirect_uri());
    let flow = sign_in.start().await?;
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
        return Err("the issuer has no page to sign in at".into());
    };
    println!("open {url}");
    if arguments.is_empty() {
        // Nobody is there: a browser of our own consents as alice.
        let http = ReqwestClient::new()?;
        tokio::spawn(async move {
            let back = consent(&http, &url, "alice").await?;
            examples::gateway::browser::open(&http, &back).await
        });
    }
    let answer = listener.answer(flow.id(), flow.expires_at(), &clock).await?;
    flow.answer(answer).await?;

    let token = calendar.request(&me).await?;
    let account = token.account().map_or("somebody", |account| account.as_str());
    println!("signed in as {account}: {token:?}");
    engine.shutdown().await;
    Ok(())
}

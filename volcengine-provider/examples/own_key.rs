//! Signs a person in, and calls an API with that person's own key, beside the emulator.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use credential_provider_api::*;
use credential_store::MemoryStore;
use resolution_engine::*;
use volcengine_provider::VolcengineFactory;
use volcengine_provider::emulator::{EXAMPLE, Emulator, Person, State};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator =
        Emulator::start(State::from_json(EXAMPLE)?, Arc::new(SystemClock::new())).await?;
    let builder = ResolutionEngine::builder().store(Arc::new(MemoryStore::new()));
    let engine = builder.factory(VolcengineFactory::with_reqwest()?).build()?;
    let configuration = r#"{
        "credentialProviders": { "volc": {
            "type": "volcengine", "endpoint": "{url}", "stsEndpoint": "{url}",
            "accessKeyId": "AKLT-gateway", "secretAccessKey": "gateway-example-secret",
            "userPool": { "name": "people", "clientName": "gateway",
                          "callbackUrl": "http://127.0.0.1/identity/oauth/callback" },
            "credentials": { "search": { "type": "api_key", "origins": ["{url}"] } }
        } },
        "credentialAccess": [ { "consumer": "tool:search", "credential": "volc/search" },
                              { "consumer": "provider:volc", "credential": "volc/*" } ]
    }"#;
    let configuration = configuration.replace("{url}", &emulator.url());
    engine.configure(Configuration::from_json(&configuration)?).await?;

    let alice = EffectiveSession::requester(Requester {
        session: "agent:main:main",
        channel: "chat",
        account: "T1",
        requester: "alice",
    })?;
    let identity = CredentialRef::parse("volc/identity")?;
    let flow = engine.administrator().at(&identity).session(&alice).sign_in().start().await?;
    if let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() {
        let back = emulator.browse(&url, Person::Allows("alice")).await?; // what a browser does
        flow.answer(SignInAnswer::Pasted(back.into())).await?;
    }
    let tool = engine.consumer("tool:search")?;
    let key = tool.request(&CredentialRef::parse("volc/search")?).session(&alice).await?;
    let origin = Origin::parse(&emulator.url())?;
    let request = OutgoingRequest::new("GET", &origin, "/resource/whoami");
    let added = key.authorize(&request, SystemClock::new().now())?;
    println!("for {:?}, with {added:?}", key.account()); // names alone: no secret is shown
    engine.shutdown().await;
    emulator.stop().await;
    Ok(())
}

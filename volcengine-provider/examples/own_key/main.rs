//! Signs a person in, and calls an API with that person's own key.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

// What a gateway has around it: the service, the configuration file, a browser.
mod beside;

use credential_provider_api::*;
use credential_store::MemoryStore;
use oauth_provider::{HttpClient as _, HttpRequest, ReqwestClient};
use resolution_engine::*;
use volcengine_provider::VolcengineFactory;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let beside = beside::start().await?;
    let builder = ResolutionEngine::builder().store(std::sync::Arc::new(MemoryStore::new()));
    let engine = builder.factory(VolcengineFactory::with_reqwest()?).build()?;
    engine.configure(Configuration::from_json(&beside.configuration())?).await?;

    // Once. In a chat it is `EffectiveSession::requester`, so that each member has their own.
    let (identity, me) = (CredentialRef::parse("volc/identity")?, EffectiveSession::shared("me")?);
    let flow = engine.administrator().at(&identity).session(&me).sign_in().start().await?;
    if let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() {
        flow.answer(SignInAnswer::Pasted(beside.browse(&url).await?.into())).await?;
    }

    // Whenever a tool runs.
    let search = CredentialRef::parse("volc/search")?;
    let key = engine.consumer("tool:search")?.request(&search).session(&me).await?;
    let api = key.origins().first().ok_or("the key is for nowhere")?;
    let call = OutgoingRequest::new("GET", api, "/resource/whoami");
    let mut added = key.authorize(&call, SystemClock::new().now())?;
    let request = HttpRequest::get(format!("{api}/resource/whoami"), 4096);
    let request = request.with_header("authorization", added.headers.remove(0).1);
    let answer = ReqwestClient::new()?.send(request).await.map_err(CredentialError::from)?;
    println!("{}", String::from_utf8_lossy(answer.body.expose_secret()));
    engine.shutdown().await;
    Ok(())
}

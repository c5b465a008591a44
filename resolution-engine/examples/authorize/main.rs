//! `reqwest` with a credential on every request:
//! `cargo run -p resolution-engine --features http --example authorize`
#![allow(clippy::print_stdout, reason = "printing is what it is for")]
mod scene;
use credential_provider_api::CredentialRef;
use resolution_engine::{AuthorizeLayer, Payload, SentTo};
use std::{error::Error, future::Future, pin::Pin, task::Context, task::Poll};
use {reqwest::Body, tower_layer::Layer as _, tower_service::Service};
/// `reqwest` as a service for requests of the `http` crate.
#[derive(Clone)]
struct Client(reqwest::Client);
impl Service<http::Request<Body>> for Client {
    type Response = http::Response<Body>;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, reqwest::Error>> + Send>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (client, request) = (self.0.clone(), reqwest::Request::try_from(request));
        Box::pin(async move {
            let answer = client.execute(request?).await.map_err(reqwest::Error::without_url)?;
            let sent_to = SentTo::new(answer.url().as_str());
            let mut answer = http::Response::from(answer);
            answer.extensions_mut().insert(sent_to);
            Ok(answer)
        })
    }
}
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (consumer, address) = scene::set()?;
    // The layer follows redirects; the client must not.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let layer = AuthorizeLayer::new(consumer, CredentialRef::parse("vault/search")?);
    let mut client = layer.layer(Client(client));
    let answer = client.call(http::Request::get(address).body(Payload::empty())?).await?;
    println!("{}", reqwest::Response::from(answer).text().await?);
    Ok(())
}

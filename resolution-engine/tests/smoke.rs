//! The first thing a host does.
mod common;
use common::*;
use std::time::Duration;

#[tokio::test]
async fn a_credential_is_fetched_once_and_then_served() {
    let vault = Scripted::new("vault", Some(Duration::from_secs(3600)));
    let world = World::new(&[&vault]);
    let openai = at("vault/shared");
    let first = world.tool.request(&openai).await.unwrap();
    let again = world.tool.request(&openai).await.unwrap();
    assert_eq!(text(&first), text(&again));
    assert_eq!(vault.calls(), 1);
    assert_eq!(world.engine.counters().hits, 1);
    world.engine.shutdown().await;
}

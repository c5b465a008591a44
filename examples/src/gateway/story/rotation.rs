//! A key is rotated outside; nothing is restarted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Chapter;
use crate::gateway::host::Host;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("a key is rotated outside");
    let handle = host.assistant.request(&host.model).bind()?;
    let old = handle.get().await?;
    host.say("model:assistant", format!("uses {}", host.narrator.mask(&old)));
    host.pause().await;

    let version = handle.version();
    let begun = Instant::now();
    host.issuer.rotate_model_key();
    host.say("operator", "rotates the key in the model's console");
    let noticed = tokio::time::timeout(Duration::from_secs(2), handle.changed(version)).await;
    let new = handle.get().await?;
    let took = begun.elapsed();
    let mask = host.narrator.mask(&new);
    host.say("model:assistant", format!("uses {mask}, {} ms later", took.as_millis()));
    let rotated = noticed.is_ok() && !new.same_secrets(&old);
    host.checks.expect(rotated, "a rotation outside reaches the consumer by itself");
    host.pause().await;
    Ok(())
}

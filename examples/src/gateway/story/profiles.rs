//! Models use the profiles of an OpenClaw, from its files: its order, its books, its edits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{
    Credential, CredentialError, CredentialKind, CredentialRef, Outcome,
};

use super::Chapter;
use crate::gateway::host::Host;

/// Longest until a report or an edit shows.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("models, from an OpenClaw's folder");
    let first = host.model("openai").await?;
    let work = host.model("openai:work").await?;
    let text =
        format!("asks for openai: {}, of the profile openai:work", host.narrator.mask(&first));
    host.say("model:assistant", text);
    host.checks.expect(first.same_secrets(&work), "a model is served in OpenClaw's order");
    let token = host.model("anthropic").await?;
    let minutes = token.expires_at().map_or(0, |end| host.now().until(end).as_secs() / 60);
    let text = format!("asks for anthropic: {}, for {minutes} min", host.narrator.mask(&token));
    host.say("model:assistant", text);
    host.checks
        .expect(token.kind() == CredentialKind::Token && minutes > 50, "a token has its end");
    host.pause().await;
    limited(host, &first).await?;
    rotated(host).await
}

/// The model's service says 429.
async fn limited(host: &Host, first: &Arc<Credential>) -> Chapter {
    let openai = CredentialRef::parse("profiles/openai")?;
    let outcome = Outcome::RateLimited { retry_after: None };
    host.assistant.request(&openai).report(first, outcome)?;
    host.say("model:assistant", "is told 429 with it, and reports that");
    let begun = Instant::now();
    let noted = || host.world.openclaw.cooldown("openai:work");
    host.wait_for(PATIENCE, || noted().is_some()).await;
    let next = host.model("openai").await?;
    let backup = host.model("openai:backup").await?;
    let (mask, took) = (host.narrator.mask(&next), begun.elapsed().as_millis());
    host.say("model:assistant", format!("asks again: {mask}, of openai:backup, {took} ms later"));
    let noted = noted();
    if let Some(reason) = &noted {
        host.say("openclaw", format!("reads in its own books: openai:work cools down, {reason}"));
    }
    host.checks.expect(next.same_secrets(&backup), "a rate limit moves to the next profile");
    host.checks.expect(noted.as_deref() == Some("rate_limit"), "and stands in OpenClaw's books");
    host.pause().await;
    Ok(())
}

/// Somebody edits the file; nothing is restarted.
async fn rotated(host: &Host) -> Chapter {
    let backup = CredentialRef::parse("profiles/openai:backup")?;
    let handle = host.assistant.request(&backup).bind()?;
    let old = handle.get().await?;
    let version = handle.version();
    let begun = Instant::now();
    host.world.openclaw.rotate("openai:backup")?;
    host.say("operator", "puts another key of openai:backup into OpenClaw's file");
    let noticed = tokio::time::timeout(PATIENCE, handle.changed(version)).await;
    let new = handle.get().await?;
    let (mask, took) = (host.narrator.mask(&new), begun.elapsed().as_millis());
    host.say("model:assistant", format!("uses {mask}, {took} ms later"));
    let rotated = noticed.is_ok() && !new.same_secrets(&old);
    host.checks.expect(rotated, "a rotation outside reaches the consumer by itself");
    host.pause().await;
    Ok(())
}

impl Host {
    /// What the assistant's model is given for a model provider, or for a profile.
    async fn model(&self, name: &str) -> Result<Arc<Credential>, CredentialError> {
        let named = CredentialRef::parse(&format!("profiles/{name}"))?;
        let begun = Instant::now();
        let answer = self.assistant.request(&named).await;
        self.measure.request(begun.elapsed());
        answer
    }
}

//! No secret reaches a log, an error or a `Debug`, at the finest level.

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use credential_provider_api::CredentialProvider as _;

use super::world::{Hasty, Items, World, builder, jwt, login, request};

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn show(&self, value: &impl Debug) {
        writeln!(self.clone(), "{value:?}\n{value:#?}").unwrap();
    }
}

const CODEX: &str = ".codex/auth.json";

#[tokio::test]
async fn promise_6_nothing_that_is_shown_holds_a_secret() {
    let seen = Seen::default();
    let writer = seen.clone();
    let logged = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(logged).unwrap();
    tracing::trace!(target: "test", "the log is listened to");
    let (world, items) = (World::new(), Items::default());
    let ids = ["codex", "codex-api-key", "claude-code", "openclaw-auth/a", "openclaw-oauth/a"];
    let made = ids.iter().fold(builder(), |builder, id| builder.login(login(id)));
    let made = made.keychain(Arc::new(items.clone()));
    seen.show(&made);
    let provider = world.built(made);
    seen.show(&provider);
    let access = jwt(r#"{"exp":1800003600,"name":"canary"}"#);
    let bad = [
        format!(
            r#"{{"tokens":{{"access_token":"{access}","refresh_token":"canary","id_token":"canary"}},"OPENAI_API_KEY":"canary"}}"#
        ),
        r#"{"tokens":{"access_token":"canary","refresh_token":"canary"}}"#.to_owned(),
        r#"{"tokens":"canary"}"#.to_owned(),
        r#"{"tokens":{"access_token":["canary"]}}"#.to_owned(),
        r#"{"tokens":{"access_token":"canary canary"}}"#.to_owned(),
        r#"{"auth_mode":"canary"}"#.to_owned(),
        r#"{"auth_mode":7,"canary":"canary"}"#.to_owned(),
        r#"{"OPENAI_API_KEY":"canary***"}"#.to_owned(),
        r#"{"OPENAI_API_KEY":"${canary}"}"#.to_owned(),
        r#"{"OPENAI_API_KEY":"canary""#.to_owned(),
        r#"{"claudeAiOauth":{"accessToken":"canary","expiresAt":"canary"}}"#.to_owned(),
        r#"{"claudeAiOauth":{"accessToken":"canary","expiresAt":1,"scopes":["user:inference"]}}"#
            .to_owned(),
        r#"{"a":{"type":"api_key","key":"canary"}}"#.to_owned(),
        r#"{"a":{"type":"canary","key":"canary"}}"#.to_owned(),
        r#"{"a":{"access":"canary","expires":-7}}"#.to_owned(),
        "canary".to_owned(),
    ];
    let files = [
        CODEX,
        ".claude/.credentials.json",
        ".openclaw/agents/main/agent/auth.json",
        ".openclaw/credentials/oauth.json",
    ];
    for text in &bad {
        files.iter().for_each(|file| world.write(file, text));
        for id in ids {
            let request = request(id, Arc::new(Hasty(world.clock.clone())));
            seen.show(&provider.resolve(&request).await);
            seen.show(&provider.check(&request, None).await);
            seen.show(&provider.list(&request).await);
        }
    }
    items.put("Claude Code-credentials", None, "canary");
    std::fs::remove_file(world.path(files[1])).unwrap();
    let hasty = Arc::new(Hasty(world.clock.clone()));
    seen.show(&provider.resolve(&request("claude-code", hasty)).await);

    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    for said in ["store_unreadable", "unsupported", "redacted_value", "needs_reauth"] {
        assert!(text.contains(&said.replace('_', "")) || text.contains(said), "{said} was shown");
    }
    assert!(text.contains("OAuth2(…)") && text.contains("the log is listened to"));
    assert_eq!(text.lines().find(|line| line.contains("canary")), None);
    let encoded = access.split('.').nth(1).unwrap();
    assert_eq!(text.lines().find(|line| line.contains(encoded)), None);
}

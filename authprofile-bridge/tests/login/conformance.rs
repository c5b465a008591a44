//! The provider keeps the promises of the trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authprofile_bridge::login::{Login, LoginProviderBuilder, LoginSource};
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{Clock as _, CredentialKind, CredentialProvider};

use super::world::{LATER, World, builder, claude, codex, gemini, jwt, login, minimax};

const MARK: &str = "mark-conformance";

const IDS: [&str; 7] = [
    "codex",
    "claude-code",
    "gemini",
    "minimax",
    "openclaw-oauth/a",
    "openclaw-auth/openai",
    "openclaw-auth/github",
];

/// Writes a login as its tool does when it has renewed it. They end one after the other, so that one
/// has not ended when another has.
fn write(world: &World, id: &str, number: usize) {
    let hours = IDS.iter().position(|other| *other == id).unwrap_or_default() + 1;
    let end = (world.clock.now().as_millis() / 1000 + 3600 * hours as u64).to_string();
    let secret = format!("{MARK}-{number}");
    let ends = |text: String| text.replace(&LATER.to_string(), &end);
    match id {
        "codex" => {
            let access = jwt(&format!(r#"{{"exp":{end},"jti":"{secret}"}}"#));
            world.write(".codex/auth.json", codex(&access, "acc"));
        }
        "codex-api-key" => world.write(
            ".codex/auth.json",
            format!(r#"{{"auth_mode":"apikey","OPENAI_API_KEY":"sk-{secret}"}}"#),
        ),
        "claude-code" => world.write(".claude/.credentials.json", ends(claude(&secret))),
        "gemini" => world.write(".gemini/oauth_creds.json", ends(gemini(&secret))),
        "minimax" => world.write(".minimax/oauth_creds.json", ends(minimax(&secret))),
        "openclaw-oauth/a" => world.write(
            ".openclaw/credentials/oauth.json",
            format!(r#"{{"a":{{"access":"{secret}","refresh":"rt","expires":{end}000}}}}"#),
        ),
        _ => world.write(
            ".openclaw/agents/main/agent/auth.json",
            format!(
                r#"{{"openai":{{"type":"api_key","key":"sk-{secret}"}},
                    "github":{{"type":"token","token":"gh-{secret}"}}}}"#
            ),
        ),
    }
}

async fn conforms(ids: &'static [&'static str], build: fn() -> LoginProviderBuilder) {
    let world = Arc::new(World::new());
    let written = AtomicUsize::new(2);
    let (made, outside) = (world.clone(), world.clone());
    let suite = ProviderSuite::new(move || -> Arc<dyn CredentialProvider> {
        // The kit lets logins end; their tools have renewed them by then.
        ids.iter().for_each(|id| write(&made, id, 1));
        Arc::new(made.built(build()))
    });
    let report = ids
        .iter()
        .fold(suite, |suite, id| suite.credential(id))
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .secret_mark("rt-codex")
        .change(move |changed| {
            // Two of them share a file.
            let number = written.fetch_add(1, Ordering::Relaxed);
            write(&outside, changed.id.as_str(), number);
            outside.clock.advance(Duration::from_secs(1));
        })
        .run()
        .await;
    report.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    conforms(&IDS, || {
        IDS.iter().fold(builder(), |builder, id| {
            let github = LoginSource::OpenClawAuth {
                provider: "github".to_owned(),
                kind: CredentialKind::Token,
            };
            let is_github = *id == "openclaw-auth/github";
            builder.login(if is_github { Login::of(github) } else { login(id) })
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_them_for_the_api_key_of_codex() {
    conforms(&["codex-api-key"], || builder().login(login("codex-api-key"))).await;
}

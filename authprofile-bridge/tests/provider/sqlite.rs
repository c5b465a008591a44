//! Era C: read, never written.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use authprofile_bridge::openclaw::{Database, Mark, Row, Stamp};
use credential_provider_api::*;

use super::world::{Issuer, World, ask, login};

/// The agent's rows.
#[derive(Debug)]
struct Rows(Mutex<String>);

impl Database for Rows {
    fn read(
        &self,
        file: &Path,
        rows: &[Row],
    ) -> Result<Vec<Option<SecretString>>, CredentialError> {
        let agent = file.ends_with("openclaw-agent.sqlite");
        let row = |row: &Row| {
            (agent && *row == Row::AgentProfiles).then(|| self.0.lock().unwrap().as_str().into())
        };
        Ok(rows.iter().map(row).collect())
    }

    fn mark(&self, _: &Path) -> Result<Mark, CredentialError> {
        let length = self.0.lock().unwrap().len() as u64;
        Ok(Mark::new([Some(Stamp::new(length, SystemTime::UNIX_EPOCH, (1, 1)))]))
    }
}

#[tokio::test]
async fn a_login_in_sqlite_is_served_while_it_is_good_and_nothing_is_written() {
    let world = World::new();
    let login = login(&world, "in-sqlite", "r", 60_000);
    let key = r#"{"type":"api_key","provider":"codex","key":"k"}"#;
    let text = format!("{{\"profiles\": {{\"codex:me\": {login}, \"codex:key\": {key}}}}}");
    let rows = Arc::new(Rows(Mutex::new(text)));
    let issuer = Issuer::new();
    let builder = world.builder().model_provider("codex", issuer.named());
    let provider = world.provider(builder.database(rows));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "in-sqlite");
    world.clock.advance(Duration::from_secs(60));
    let error = ask(&provider, &world.request("codex:me")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Expired);
    assert!(error.detail().contains("OpenClaw renews it"), "{error}");
    assert_eq!(ask(&provider, &world.request("codex")).await.unwrap(), "-> codex:key");
    let seen = Observation::new(Revision::FIRST, Outcome::Billing);
    provider.report(&world.request("codex:key"), &seen).await.unwrap();
    let error = ask(&provider, &world.request("codex")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Expired, "the other one cools down, in memory");
    assert_eq!(issuer.exchanges(), 0);
    assert_eq!(std::fs::read_dir(world.file("main", "")).unwrap().count(), 0, "nothing is written");
    assert!(!world.folder.0.join("locks").exists());
}

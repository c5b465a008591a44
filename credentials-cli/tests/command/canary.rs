//! Marked secrets at the highest level of logging: nowhere but where they were asked for.

use std::path::Path;

use serde_json::json;

use super::common::{KEY, MARK, World, end, grant, vault};
use super::gateway::Gateway;
use super::issuer::{Issuer, consent, visit};
use super::sign_in::{browser, login, page};

/// Files of the test itself, which are plaintext on purpose.
const OURS: [&str; 2] = ["keys.json", "page"];

fn look(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look(&path);
        } else if path.is_file() && !OURS.iter().any(|name| path.ends_with(name)) {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn promise_6_secrets_stay_secret_at_trace_level() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    let mut providers = issuer.provider();
    providers.as_object_mut().unwrap().extend(vault(&world).as_object().unwrap().clone());
    let path = world.configure(providers, json!([grant("*")]));
    for gateway in [false, true] {
        let running = if gateway { Some(Gateway::on(&path).await) } else { None };
        let log = ["--log", "trace"];
        let with = |words: &[&'static str]| -> Vec<&'static str> {
            words.iter().chain(&log).copied().collect()
        };
        world.run_on(&with(&["set", "vault/openai"]), KEY).await.code(0).keeps_quiet();
        login(&world, &with(&["login", "work/mail"])).await.code(0).keeps_quiet();
        for words in [
            &["providers"][..],
            &["list"],
            &["status"],
            &["get", "work/mail"],
            &["get", "keys/openai"],
            &["get", "vault/openai"],
            &["get", "--reveal", "vault/openai"],
            &["refresh", "work/mail"],
            &["check", "work/mail"],
            &["audit"],
            &["doctor"],
            &["logout", "work/mail"],
            &["revoke", "--yes", "vault/openai"],
            &["get", "work/mail"],
        ] {
            let done = world.run(&with(words)).await.keeps_quiet();
            if !gateway && words[0] == "refresh" {
                assert!(!done.err.is_empty(), "there is a log: {done:?}");
            }
        }
        look(&world.path(""));
        if let Some(gateway) = running {
            gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn promise_6_a_command_at_work_has_no_secret_among_its_arguments() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    world.configure(issuer.provider(), json!([]));
    let (program, place) = browser(&world);
    let mut command = world.command(&["login", "work/mail"]);
    command.env("BROWSER", program);
    let person = async {
        let page = page(&place).await;
        let back = consent(&page);
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.starts_with(super::common::PROGRAM) {
                assert!(!line.contains("state=") && !line.contains(MARK), "{line}");
            }
        }
        visit(&back).await;
    };
    let (done, ()) = tokio::join!(end(command, ""), person);
    done.code(0).keeps_quiet();
}

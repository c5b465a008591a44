//! What the doctor finds, and says to do.

use serde_json::{Value, json};

use super::common::{World, end, grant, vault};
use super::issuer::Issuer;
use super::sign_in::login;

#[tokio::test]
async fn a_sound_configuration_is_fine() {
    let world = World::new();
    world.configure(vault(&world), json!([]));
    std::fs::remove_file(world.path("keys.json")).unwrap();
    let whole = json!({"credentialProviders": vault(&world),
        "credentialStore": {"folder": "grants", "keyFile": "grants.key"}});
    world.file("credentials.json5", &whole.to_string());
    world.run_on(&["set", "vault/openai"], super::common::KEY).await.code(0);
    let done = world.run(&["doctor"]).await.code(0).says("ok      vault: healthy").keeps_quiet();
    assert!(!done.out.contains("wrong"), "{done:?}");
    world.run(&["doctor", "--strict"]).await.code(1).says("no gateway runs");
}

#[tokio::test]
async fn what_others_can_reach_is_found_with_the_command_that_mends_it() {
    let world = World::new();
    let issuer = Issuer::start().await;
    world.configure(issuer.provider(), json!([grant("work/*")]));
    login(&world, &["login", "work/mail"]).await.code(0);
    world.run(&["get", "work/mail"]).await.code(0);
    world.run(&["doctor"]).await.code(0);
    let cases = [
        ("credentials.json5", 0o622, "go-w"),
        ("grants.key", 0o640, "600"),
        ("grants", 0o755, "700"),
        ("keys.json", 0o604, "600"),
        ("audit.jsonl", 0o644, "600"),
    ];
    for (name, mode, mend) in cases {
        let path = world.path(name);
        let before = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
        world.mode(name, mode);
        let done = world.run(&["doctor"]).await.code(1);
        done.says(&format!("→ chmod {mend} {}", path.display())).keeps_quiet();
        world.mode(name, before);
    }
    world.run(&["doctor"]).await.code(0);
}

#[tokio::test]
async fn what_does_not_work_is_found() {
    let world = World::new();
    let issuer = Issuer::start().await;
    let mut providers = issuer.provider();
    providers["bad"] = json!({"type": "file", "path": "relative"});
    world.configure(providers, json!([grant("work/*")]));
    let done = world.run(&["doctor", "--json"]).await.code(1);
    let findings: Vec<Value> = serde_json::from_str(&done.out).unwrap();
    let wrong: Vec<&Value> = findings.iter().filter(|it| it["level"] == "wrong").collect();
    assert!(wrong.iter().any(|it| it["found"].as_str().unwrap().starts_with("bad: ")), "{wrong:?}");
    assert!(wrong.iter().all(|it| !it["toDo"].as_str().unwrap().is_empty()), "{wrong:?}");

    world.configure(issuer.provider(), json!([grant("work/*")]));
    login(&world, &["login", "work/mail"]).await.code(0);
    world.run(&["doctor"]).await.code(0);
    issuer.forget();
    world.run(&["refresh", "work/mail"]).await;
    let done = world.run(&["doctor"]).await;
    let done = done.code(1).says("work/mail: needs_reauth");
    done.says("→ credentials login work/mail");
    world.file("credentials.json5", "{ credentialProvidrs: {} }");
    world.run(&["doctor"]).await.code(78);
}

#[tokio::test]
async fn plaintext_is_found_and_is_no_failure() {
    let world = World::keys();
    let profiles = r#"{"version":1,"profiles":{
        "openai:default":{"type":"api_key","provider":"openai","key":"sk-canary-one"}}}"#;
    world.file("claw/agents/main/agent/auth-profiles.json", profiles);
    let mut command = world.command(&["doctor"]);
    command.env("OPENCLAW_STATE_DIR", world.path("claw"));
    let done = end(command, "").await.code(0).keeps_quiet();
    let done = done.says("keys.json: secrets in plaintext");
    done.says("agent main: 1 profiles").says("credentials migrate --agent main");
}

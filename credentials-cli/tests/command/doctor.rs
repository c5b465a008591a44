//! What the doctor finds, and says to do.

use serde_json::{Value, json};

use super::common::{World, end, grant, vault};
use super::gateway::Gateway;
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
    providers["bad"] = json!({"type": "file"});
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

#[tokio::test]
async fn the_doctor_finds_profiles_that_others_may_read() {
    let world = World::keys();
    let profiles = r#"{"version":1,"profiles":{
        "openai:default":{"type":"api_key","provider":"openai","key":"sk-canary-one"}}}"#;
    let file = "claw/agents/main/agent/auth-profiles.json";
    world.file(file, profiles);
    world.mode(file, 0o644);
    let mut command = world.command(&["doctor"]);
    command.env("OPENCLAW_STATE_DIR", world.path("claw"));
    end(command, "").await.code(1).says("chmod 600").keeps_quiet();
}

#[tokio::test]
async fn the_doctor_finds_a_folder_in_which_others_replace_the_key_or_the_socket() {
    for setting in ["key", "socket"] {
        let world = World::keys();
        let mut whole = json!({"credentialStore": {"folder": "grants", "keyFile": "grants.key"}});
        match setting {
            "key" => whole["credentialStore"]["keyFile"] = json!("open/grants.key"),
            _ => whole["credentialGateway"] = json!({"socket": "open/credentials.sock"}),
        }
        world.file("credentials.json5", &whole.to_string());
        world.file("open/other", "");
        world.mode("open", 0o777);
        let done = world.run(&["doctor"]).await;
        assert!(done.code == 1 && done.out.contains("open"), "{setting}: {done:?}");
    }
}

#[tokio::test]
async fn the_doctor_finds_rules_and_bindings_for_what_is_not_configured() {
    let world = World::new();
    world.configure(json!({}), json!([grant("kyes/openai")]));
    let done = world.run(&["doctor"]).await;
    assert!(done.out.contains("kyes"), "{done:?}");
}

#[tokio::test]
async fn the_doctor_says_how_to_set_what_nobody_has_set_yet() {
    let world = World::new();
    let mut providers = vault(&world);
    providers["vault"]["credentials"] = json!({"openai": {"kind": "api_key"}});
    world.configure(providers, json!([]));
    let gateway = Gateway::on(&world.configuration()).await;
    // As a gateway does at its start.
    world.run(&["refresh", "vault/openai"]).await.code(2);
    let done = world.run(&["doctor"]).await;
    gateway.stop().await;
    let said = done.out.contains("credentials set vault/openai")
        || done.out.contains("credentials login vault/openai");
    assert!(said && done.code == 0, "it is new, and not wrong: {done:?}");
}

#[tokio::test]
async fn the_doctor_finds_a_secret_that_stands_in_the_configuration() {
    let (world, issuer) = (World::new(), Issuer::start().await);
    let mut providers = issuer.provider();
    providers["work"]["clientSecret"] = json!("cs-canary-0123456789");
    let path = world.configure(providers, json!([]));
    std::fs::remove_file(world.path("keys.json")).unwrap();
    let mut whole: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    whole["credentialProviders"].as_object_mut().unwrap().remove("keys");
    world.file("credentials.json5", &whole.to_string());
    // Everybody may read it, "it holds no secret".
    world.mode("credentials.json5", 0o644);
    let done = world.run(&["doctor"]).await.code(1).keeps_quiet();
    let done = done.says("credentialProviders.work.clientSecret: a secret in plaintext");
    let done = done.says("→ chmod 600");
    // The address of an endpoint is none.
    assert!(!done.out.contains("endpoints"), "{done:?}");
    world.mode("credentials.json5", 0o600);
    world.run(&["doctor"]).await.code(0).keeps_quiet();
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_of_and_hides_nothing_else() {
    let world = World::keys();
    world.file("grants.key", "no key at all");
    std::fs::create_dir(world.path("grants")).unwrap();
    world.run(&["status"]).await.code(78).complains("store_unreadable").keeps_quiet();
    let gateway = Gateway::on(&world.configuration()).await;
    world.run(&["status"]).await.code(0).complains("the store cannot be read").keeps_quiet();
    gateway.stop().await;
    world.run(&["doctor"]).await.code(1).says("the store cannot be read").keeps_quiet();
    world.run(&["get", "keys/openai"]).await.code(0);
}

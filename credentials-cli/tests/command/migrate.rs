//! Keys out of OpenClaw's profiles, and back.

use serde_json::{Value, json};

use super::common::{Done, World, end, grant, vault};

const PROFILES: &str = r#"{"version":1,"profiles":{
  "openai:default":{"type":"api_key","provider":"openai","key":"sk-canary-one-0123456789"},
  "codex:default":{"type":"oauth","provider":"codex","access":"at-canary","refresh":"rt-canary","expires":1}
}}"#;
const FILE: &str = "claw/agents/main/agent/auth-profiles.json";

async fn run(world: &World, arguments: &[&str]) -> Done {
    let mut words = vec!["migrate"];
    words.extend(arguments);
    let mut command = world.command(&words);
    command.env("OPENCLAW_STATE_DIR", world.path("claw"));
    end(command, "").await
}

fn profiles(world: &World) -> Value {
    serde_json::from_str(&std::fs::read_to_string(world.path(FILE)).unwrap()).unwrap()
}

#[tokio::test]
async fn the_plan_is_shown_then_applied_then_undone() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    world.file(FILE, PROFILES);
    let before = profiles(&world);
    let to = ["--to", "vault"];
    let done = run(&world, &to).await.code(0).keeps_quiet();
    done.says("key goes to vault/main.openai:default")
        .says("codex:default (codex, oauth): stays")
        .complains("--apply moves 1");
    assert_eq!(std::fs::read_to_string(world.path(FILE)).unwrap(), PROFILES);

    let done = run(&world, &["--to", "vault", "--apply", "--exec-provider", "ours"]).await.code(0);
    done.says("openai:default: its key is at vault/main.openai:default")
        .complains("secrets.providers.ours")
        .keeps_quiet();
    let moved = &profiles(&world)["profiles"]["openai:default"];
    assert_eq!(
        moved["keyRef"],
        json!({"source": "exec", "provider": "ours", "id": "vault/main.openai:default"})
    );
    assert!(moved.get("key").is_none());
    world.run(&["get", "vault/main.openai:default"]).await.code(0).says("…6789");
    // Again is nothing to do.
    run(&world, &["--to", "vault", "--apply"]).await.code(0);

    run(&world, &["--to", "vault", "--undo"]).await.code(0).says("has its key again").keeps_quiet();
    assert_eq!(profiles(&world), before);
    world.run(&["get", "vault/main.openai:default"]).await.code(2);
}

#[tokio::test]
async fn what_may_not_be_read_back_is_not_moved() {
    let world = World::new();
    world.configure(vault(&world), json!([]));
    world.file(FILE, PROFILES);
    let done = run(&world, &["--to", "vault", "--apply"]).await.code(3);
    done.complains("{ consumer: \"cli:credentials\", credential: \"vault/*\" }").keeps_quiet();
    let kept = &profiles(&world)["profiles"]["openai:default"]["key"];
    assert_eq!(kept, "sk-canary-one-0123456789");
}

#[tokio::test]
async fn a_provider_that_keeps_nothing_that_is_typed_is_no_place() {
    let world = World::new();
    world.configure(json!({}), json!([grant("keys/*")]));
    world.file(FILE, PROFILES);
    run(&world, &["--to", "keys", "--apply"]).await.code(1).complains("unsupported").keeps_quiet();
    assert_eq!(profiles(&world)["profiles"]["openai:default"]["key"], "sk-canary-one-0123456789");
    run(&world, &["--to", "keys", "--apply", "--undo"]).await.code(64);
}

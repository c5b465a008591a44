//! Each subcommand on static keys, and what it says when it fails.

use serde_json::{Value, json};

use super::common::{KEY, World, end, grant, vault};

#[tokio::test]
async fn providers_are_listed_with_what_is_wrong_with_them() {
    let world = World::new();
    world.configure(json!({"bad": {"type": "file"}}), json!([]));
    world
        .run(&["providers"])
        .await
        .code(0)
        .says("keys      file  in_service")
        .says("bad       file  failed")
        .says("has a path, which is absolute");
    let done = world.run(&["providers", "--json"]).await.code(0);
    let lines: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(lines[1]["id"], "keys");
    // Asked for, it is not "not found".
    world.run(&["get", "bad/x"]).await.code(78).complains("which is absolute");
}

#[tokio::test]
async fn credentials_are_listed() {
    let world = World::keys();
    world.run(&["list"]).await.code(0).says("keys/openai").says("keys/login").keeps_quiet();
    world.run(&["list", "none"]).await.code(4).complains("provider_not_found");
    world.run(&["list", "not a name!"]).await.code(64);
}

#[tokio::test]
async fn get_masks_and_needs_a_rule_that_its_error_is() {
    let world = World::keys();
    world.run(&["get", "keys/openai"]).await.code(0).says("…WXYZ").says("api_key").keeps_quiet();
    let path = world.configuration();
    world
        .run(&["get", "keys/other"])
        .await
        .code(3)
        .complains(&format!("credentialAccess in {}", path.display()))
        .complains("{ consumer: \"cli:credentials\", credential: \"keys/other\" }")
        .keeps_quiet();
    // The rule as it was said grants it.
    world.configure(json!({}), json!([grant("keys/other")]));
    world.run(&["get", "keys/other"]).await.code(0).says("…0000");
    world.run(&["get", "none/x"]).await.code(4).complains("credentials providers");
    world.run(&["get", "keys/openai-not-there"]).await.code(3);
}

#[tokio::test]
async fn a_secret_is_revealed_to_nothing_but_a_terminal() {
    let world = World::keys();
    let done = world.run(&["get", "--reveal", "keys/openai"]).await.code(64);
    let done = done.complains("credentials exec --env").keeps_quiet();
    assert_eq!(done.out, "");
    // There is no way around it.
    world.run(&["get", "--reveal", "--force-pipe", "keys/openai"]).await.code(64).keeps_quiet();
}

#[tokio::test]
async fn status_says_that_it_shows_the_store_only() {
    let world = World::keys();
    let done = world.run(&["status"]).await.code(0).complains("no gateway is asked");
    assert!(done.out.starts_with("CREDENTIAL"), "{done:?}");
    let done = world.run(&["status", "--json"]).await.code(0);
    let whole: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(whole, json!({"source": "store", "entries": []}));
}

#[tokio::test]
async fn refresh_and_check_hand_nothing_out() {
    let world = World::keys();
    world.run(&["refresh", "keys/other"]).await.code(0).says("what it gave before").keeps_quiet();
    world.configure(vault(&world), json!([]));
    world.run(&["check", "vault/openai"]).await.code(0).says("vault/openai: healthy");
    world.run(&["check", "none/x"]).await.code(4);
    world
        .run(&["refresh", "vault/openai"])
        .await
        .code(2)
        .complains("credentials login vault/openai");
}

#[tokio::test]
async fn a_secret_is_set_from_standard_input_and_never_from_an_argument() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    world
        .run_on(&["set", "vault/openai"], &format!("{KEY}\n"))
        .await
        .code(0)
        .says("kept")
        .keeps_quiet();
    world.run(&["get", "vault/openai"]).await.code(0).says("…WXYZ").keeps_quiet();
    for words in [
        &["set", "vault/openai", KEY][..],
        &["set", "vault/openai", "--", KEY],
        &["set", "vault/openai", "--canary-0123"],
        &["set", &format!("vault/openai={KEY}")],
        &["set", KEY],
        &["set", "vault/openai", "--value", KEY],
        &[KEY],
        &["--canary-0123"],
        &["get", "vault/openai", KEY],
        &["exec", "--env", KEY, "--", "true"],
        &["exec", "--env", "X=vault/openai", KEY],
    ] {
        world.run(words).await.code(64).keeps_quiet();
    }
    let done = world.run(&["set", "vault/openai", KEY]).await;
    done.complains("never taken from the command line");
    world.run_on(&["set", "vault/openai"], "\n").await.code(64).complains("is empty");
    // A mark is no secret.
    let masked = "__OPENCLAW_REDACTED__";
    world.run_on(&["set", "vault/openai"], masked).await.code(78).complains("redacted_value");
    let two = json!({"user": "alice", "password": KEY}).to_string();
    world.run_on(&["set", "vault/login"], &two).await.code(0);
    world
        .run_on(&["set", "vault/login"], KEY)
        .await
        .code(64)
        .complains("\"user\", \"password\"")
        .keeps_quiet();
    world.run(&["logout", "vault/openai"]).await.code(0).says("signed out here");
    world.run(&["get", "vault/openai"]).await.code(2);
    world
        .run_on(&["set", "keys/openai"], KEY)
        .await
        .code(64)
        .complains("unsupported")
        .keeps_quiet();
}

#[tokio::test]
async fn a_revoke_without_a_terminal_has_to_be_meant() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    world.run_on(&["set", "vault/openai"], KEY).await.code(0);
    world.run(&["revoke", "vault/openai"]).await.code(64).complains("--yes");
    world.run(&["get", "vault/openai"]).await.code(0);
    world.run(&["revoke", "vault/openai", "--yes"]).await.code(0).says("taken back here");
    world.run(&["get", "vault/openai"]).await.code(2);
}

#[tokio::test]
async fn the_audit_trail_is_shown() {
    let world = World::keys();
    world.run(&["get", "keys/openai"]).await.code(0);
    world.run(&["get", "keys/other"]).await.code(3);
    world
        .run(&["audit"])
        .await
        .code(0)
        .says("cli:credentials  first_use")
        .says("denied")
        .keeps_quiet();
    let done = world.run(&["audit", "--json", "-n", "1"]).await.code(0);
    let lines: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(lines.as_array().unwrap().len(), 1);
    assert_eq!(lines[0]["action"], "denied");
    world.file("credentials.json5", "{}");
    world.run(&["audit"]).await.code(4).complains("credentialGateway.audit");
}

#[tokio::test]
async fn the_resolver_is_in_it() {
    let world = World::keys();
    let rule = json!({"consumer": "secretref:exec", "credential": "keys/openai"});
    let path = world.configure(json!({}), json!([rule]));
    let request = r#"{"protocolVersion":1,"provider":"ours","ids":["keys/openai","keys/other"]}"#;
    let path = path.to_str().unwrap();
    let done = world.run_on(&["secretref", "--config", path], request).await.code(0);
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(answer["values"]["keys/openai"], KEY);
    assert!(answer["errors"]["keys/other"].is_object(), "{answer}");
    world.run(&["secretref", "--what"]).await.code(64);
}

#[tokio::test]
async fn shells_are_given_a_script() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        world.run(&["completions", shell]).await.code(0).says("secretref").says("no-gateway");
    }
    world.run(&["completions", "dos"]).await.code(64);
}

#[tokio::test]
async fn the_configuration_is_found_by_flag_then_variable_then_place() {
    let world = World::new();
    let place = world.file(".config/credentials/credentials.json5", "{}");
    let plain = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env_remove("CREDENTIALS_CONFIG");
        command
    };
    end(plain(&["providers"]), "").await.code(0);
    std::fs::remove_file(place).unwrap();
    let done = end(plain(&["providers"]), "").await.code(78);
    done.complains("give --config").complains(".config/credentials/credentials.json5");
    world.run(&["providers"]).await.code(78).complains("credentials.json5 does not exist");
    let other = world.file("other.json5", "{ canary");
    let other = other.to_str().unwrap();
    world
        .run(&["providers", "--config", other])
        .await
        .code(78)
        .complains("is not JSON5 at line 1")
        .keeps_quiet();
}

#[tokio::test]
async fn a_person_is_named_whole_or_not_at_all() {
    let world = World::new();
    let session = ["--session", "main", "--channel", "slack", "--account", "T1", "--requester"];
    world.configure(json!({}), json!([grant("keys/*")]));
    world.run(&["get", "keys/login"]).await.code(64).complains("--shared");
    let mut whole = vec!["get", "keys/login"];
    whole.extend(session);
    whole.push("alice");
    let asked = world.run(&whole).await.code(4);
    assert!(asked.err.contains("credential_not_found"), "{asked:?}");
    world.run(&["get", "keys/login", "--session", "main"]).await.code(64);
    world.run(&["get", "keys/login", "--shared", "a", "--encoded", "b"]).await.code(64);
    world.run(&["get", "keys/login", "--encoded", "canary"]).await.code(64).keeps_quiet();
    let encoded = credential_provider_api::EffectiveSession::shared("team").unwrap();
    let section = json!({encoded.encoded(): {"user": "alice", "password": "pw-canary"}});
    world.file("keys.json", &section.to_string());
    world
        .run(&["get", "keys/login", "--shared", "team"])
        .await
        .code(0)
        .says("password")
        .keeps_quiet();
    world.run(&["get", "keys/login", "--encoded", encoded.encoded()]).await.code(0);
    world.run(&["get", "keys/login", "--shared", "others"]).await.code(4);
}

#[tokio::test]
async fn nothing_asked_for_is_answered_with_help_and_a_slip_with_what_was_meant() {
    let world = World::keys();
    let done = world.run(&[]).await.code(64).complains("Commands:");
    assert_eq!(done.out, "");
    world.run(&["--help"]).await.code(0).says("EXIT CODES");
    world.run(&["--version"]).await.code(0).says(env!("CARGO_PKG_VERSION"));
    world.run(&["statsu"]).await.code(64).complains("status is one");
    world.run(&["status", "--jsn"]).await.code(64).complains("--json is one");
}

#[tokio::test]
async fn without_a_gateway_the_command_says_that_it_works_on_the_store() {
    let world = World::new();
    world.configure(vault(&world), json!([grant("vault/*")]));
    let done = world.run_on(&["set", "vault/openai"], KEY).await.code(0);
    assert!(done.err.contains("gateway"), "the README: \"and says so\": {done:?}");
}

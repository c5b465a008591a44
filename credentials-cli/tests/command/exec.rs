//! `exec`: the program, its environment, its end.

use serde_json::{Value, json};

use super::common::{KEY, World, end, grant};

#[tokio::test]
async fn the_program_has_the_credential_and_its_exit_code_is_passed_on() {
    let world = World::keys();
    let script = "printf %s \"$API_KEY\"; cat; exit 7";
    let words = ["exec", "--env", "API_KEY=keys/openai", "--", "sh", "-c", script];
    let done = world.run_on(&words, " and input").await.code(7);
    assert_eq!(done.out, format!("{KEY} and input"));
    assert_eq!(done.err, "");
}

#[tokio::test]
async fn it_becomes_the_program_so_signals_reach_it_and_no_copy_stays_behind() {
    let world = World::keys();
    let script = "echo $$; kill -TERM $$; sleep 60";
    let words = ["exec", "-e", "API_KEY=keys/openai", "--", "sh", "-c", script];
    let mut command = world.command(&words);
    let child = command.spawn().unwrap();
    let own = child.id().unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), own.to_string());
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(15));
}

#[tokio::test]
async fn no_secret_is_among_the_programs_arguments() {
    let world = World::keys();
    let script = "tr '\\0' ' ' < /proc/self/cmdline; tr '\\0' ' ' < /proc/$$/cmdline";
    let words = ["exec", "--env", "API_KEY=keys/openai", "--", "sh", "-c", script];
    world.run(&words).await.code(0).says("cmdline").keeps_quiet();
}

#[tokio::test]
async fn what_is_not_granted_is_not_given_and_the_program_does_not_run() {
    let world = World::keys();
    let both = ["exec", "-e", "A=keys/openai", "-e", "B=keys/other", "--", "touch"];
    let ran = world.path("ran");
    let words: Vec<&str> = both.into_iter().chain([ran.to_str().unwrap()]).collect();
    world.run(&words).await.code(3).complains("credential: \"keys/other\"").keeps_quiet();
    assert!(!ran.exists());
}

#[tokio::test]
async fn names_that_redirect_the_program_are_refused() {
    let world = World::keys();
    for name in ["PATH", "LD_PRELOAD", "https_proxy", "NODE_OPTIONS", "HOME"] {
        let bound = format!("{name}=keys/openai");
        world.run(&["exec", "--env", &bound, "--", "true"]).await.code(64).complains(name);
    }
    let twice = ["exec", "-e", "A=keys/openai", "-e", "A=keys/openai", "--", "true"];
    world.run(&twice).await.code(64).complains("twice");
    for bad in ["A", "1=keys/openai", "A=keys", "=keys/openai"] {
        world.run(&["exec", "--env", bad, "--", "true"]).await.code(64);
    }
    world.run(&["exec", "--env", "A=keys/openai"]).await.code(64);
}

#[tokio::test]
async fn what_the_configuration_binds_is_given_without_being_named() {
    let world = World::keys();
    let words = ["exec", "--", "sh", "-c", "printf %s \"$BOUND\""];
    world.run(&words).await.code(64).complains("credentialBindings");
    let path = world.path("credentials.json5");
    let text = std::fs::read_to_string(&path).unwrap();
    let bound = "{ credentialBindings: [ \
        { consumer: 'cli:*', env: 'BOUND', credential: 'keys/openai' }, \
        { consumer: 'tool:*', env: 'BOUND', credential: 'keys/other' } ],";
    std::fs::write(&path, text.replacen('{', bound, 1)).unwrap();
    let done = world.run(&words).await.code(0);
    assert_eq!(done.out, KEY);
}

#[tokio::test]
async fn a_field_is_named_where_there_are_several() {
    let world = World::new();
    world.configure(json!({}), json!([grant("keys/*")]));
    let team = credential_provider_api::EffectiveSession::shared("team").unwrap();
    let section = json!({team.encoded(): {"user": "alice", "password": "pw-canary-0123"}});
    world.file("keys.json", &section.to_string());
    let run = async |bound: &str| {
        let words = ["exec", "--shared", "team", "--env", bound, "--", "sh", "-c", "echo $PASS"];
        world.run(&words).await
    };
    run("PASS=keys/login#password").await.code(0).says("pw-canary-0123");
    run("PASS=keys/login").await.code(64).complains("#password, #user").keeps_quiet();
    run("PASS=keys/login#none").await.code(64).keeps_quiet();
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_said_as_a_shell_does() {
    let world = World::keys();
    let file = world.file("plain.txt", "no program");
    let run =
        async |program: &str| world.run(&["exec", "--env", "A=keys/openai", "--", program]).await;
    run("no-such-program").await.code(127).complains("was not found");
    run(file.to_str().unwrap()).await.code(126);
}

#[tokio::test]
async fn nothing_of_it_is_in_the_environment_of_what_is_not_its_child() {
    let world = World::keys();
    let words = ["exec", "--env", "API_KEY=keys/openai", "--", "sh", "-c", "env"];
    let mut command = world.command(&words);
    command.env("KEPT", "yes");
    let done = end(command, "").await.code(0).says("KEPT=yes");
    let marked: Vec<&str> = done.out.lines().filter(|line| line.contains("canary")).collect();
    assert_eq!(marked, [format!("API_KEY={KEY}")]);
    assert!(std::env::var_os("API_KEY").is_none());
}

#[tokio::test]
async fn a_value_too_short_to_be_masked_is_not_given_without_a_word() {
    let world = World::keys();
    world.file("keys.json", &json!({"keys": {"openai": "abc1234"}}).to_string());
    let done = world.run(&["exec", "--env", "K=keys/openai", "--", "true"]).await;
    done.code(0).complains("K: its value is too short").keeps_quiet();
}

#[tokio::test]
async fn names_that_the_engine_blocks_are_blocked_here() {
    let world = World::keys();
    let mut passed = Vec::new();
    for name in [
        "GIT_EXTERNAL_DIFF",
        "GIT_SEQUENCE_EDITOR",
        "CC",
        "RUSTC_WRAPPER",
        "MAKEFLAGS",
        "PS4",
        "PROMPT_COMMAND",
        "LESSOPEN",
        "GIT_PROXY_COMMAND",
        "PYTHONBREAKPOINT",
        "DOTNET_STARTUP_HOOKS",
        "PIP_INDEX_URL",
        "CARGO_HOME",
        "RUSTFLAGS",
        "PERL5DB",
        "GIT_SSL_NO_VERIFY",
        "WGETRC",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "OPENSSL_ENGINES",
        "GIT_DIR",
    ] {
        let bound = format!("{name}=keys/openai");
        if world.run(&["exec", "--env", &bound, "--", "true"]).await.code != 64 {
            passed.push(name);
        }
    }
    assert!(passed.is_empty(), "{passed:?}");
}

#[tokio::test]
async fn exec_gives_what_the_configuration_binds_to_the_command() {
    let world = World::keys();
    let path = world.configuration();
    let mut whole: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let bound = json!({"consumer": "cli:*", "env": "OPENAI_API_KEY", "credential": "keys/openai"});
    whole["credentialBindings"] = json!([bound]);
    world.file("credentials.json5", &whole.to_string());
    let words = ["exec", "--", "sh", "-c", "printf %s \"$OPENAI_API_KEY\""];
    assert_eq!(world.run(&words).await.code(0).out, KEY);
}

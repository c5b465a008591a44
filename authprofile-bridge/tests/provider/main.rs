//! The store as a provider: what OpenClaw would choose is chosen, and nothing else is served.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod configuration;
mod conformance;
mod reports;
mod sqlite;
mod watching;
mod world;

use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::openclaw::{AgentId, Eligibility};
use authprofile_bridge::provider::{ModelProvider, Seen};
use authprofile_bridge::renewal::NotRenewed;
use credential_provider_api::*;
use world::{Issuer, Refs, World, ask, at, ended, login, secret, until};

#[tokio::test]
async fn what_openclaw_wrote_is_chosen_in_its_order_and_served() {
    let world = World::of_openclaw();
    let (_engine, tool) = world.engine(world.builder());
    for (name, expected, kind) in [
        ("openai", "sk-test-main-openai-work", CredentialKind::ApiKey),
        ("openai:manual", "sk-test-main-openai", CredentialKind::ApiKey),
        ("openai-codex", "test-access-main", CredentialKind::OAuth2),
        ("groq", "sk-test-main-groq", CredentialKind::ApiKey),
    ] {
        let served = tool.request(&at(name)).await.unwrap();
        assert_eq!((secret(&served).as_str(), served.kind()), (expected, kind), "{name}");
    }
    let token = tool.request(&at("anthropic")).await.unwrap();
    assert_eq!(token.expires_at(), Some(Timestamp::from_millis(2_110_706_403_518)));
    let login = tool.request(&at("openai-codex:default")).await.unwrap();
    assert_eq!(login.account().unwrap().as_str(), "acct-test");
    assert_eq!(login.freshness(), Freshness::UntilChanged);
    for unknown in ["mistral", "openai:gone"] {
        let error = tool.request(&at(unknown)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::CredentialNotFound, "{unknown}");
    }
}

#[tokio::test]
async fn an_agent_sees_the_main_agents_profiles_through_and_its_own_first() {
    let world = World::of_openclaw();
    let provider = world.provider(world.builder().agent(AgentId::new("research")));
    let served = |id| {
        let (provider, request) = (provider.clone(), world.request(id));
        async move { ask(&provider, &request).await.unwrap() }
    };
    assert_eq!(served("openai:manual").await, "sk-test-research-openai");
    assert_eq!(served("openai:work").await, "sk-test-main-openai-work");
    let listed = provider.profiles().await.unwrap();
    let of = |id: &str| listed.iter().find(|one| one.id == id).unwrap().inherited;
    assert_eq!((of("openai:manual"), of("openai:work")), (Seen::Own, Seen::Inherited));
}

#[tokio::test]
async fn a_change_on_disk_reaches_consumers_and_leaves_other_profiles_alone() {
    let world = World::with(
        r#"{"x:1": {"type": "api_key", "provider": "x", "key": "one"}, "y:1": {"type": "api_key", "provider": "y", "key": "why"}}"#,
    );
    let (engine, tool) = world.engine(world.builder());
    let (x, y) = (at("x:1"), at("y:1"));
    assert_eq!(secret(&tool.request(&x).await.unwrap()), "one");
    let before = tool.request(&y).await.unwrap().revision();
    world.write("main", r#"{"x:1": {"type": "api_key", "provider": "x", "key": "two"}, "y:1": {"type": "api_key", "provider": "y", "key": "why"}}"#);
    until("the new key is served", async || secret(&tool.request(&x).await.unwrap()) == "two")
        .await;
    assert_eq!(tool.request(&y).await.unwrap().revision(), before, "the other one stays");
    // Gone, and back: nothing of either is remembered.
    world.write("main", "{}");
    until("it is gone", async || tool.request(&x).await.is_err()).await;
    world.write("main", r#"{"x:1": {"type": "api_key", "provider": "x", "key": "three"}}"#);
    until("it is back", async || tool.request(&x).await.is_ok()).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn somebody_elses_login_in_the_same_place_is_a_sign_in() {
    let world = World::new();
    let mine = login(&world, "mine", "r", 3_600_000);
    world.write("main", &format!("{{\"codex:me\": {mine}}}"));
    let (_engine, tool) = world.engine(world.builder());
    let name = at("codex:me");
    assert_eq!(tool.request(&name).await.unwrap().account().unwrap().as_str(), "me");
    let yours = login(&world, "yours", "r2", 3_600_000).replace("\"me\"", "\"you\"");
    world.write("main", &format!("{{\"codex:me\": {yours}}}"));
    until("the other account is served", async || {
        tool.request(&name).await.is_ok_and(|served| secret(&served) == "yours")
    })
    .await;
}

#[tokio::test]
async fn promise_10_marks_fences_and_references_are_never_served() {
    let fence = "openclaw-oauth-refresh-fence:v1:0123:access:abcd";
    let failed = "openclaw-oauth-refresh-fence:v1:0123:failed:access:abcd";
    let far = 4_000_000_000_000_u64;
    let oauth = |access: &str, refresh: &str| {
        format!(
            r#"{{"type":"oauth","provider":"x","access":"{access}","refresh":"{refresh}","expires":{far}}}"#
        )
    };
    for (profile, code) in [
        (
            r#"{"type":"api_key","provider":"x","key":"__OPENCLAW_REDACTED__"}"#.to_owned(),
            ErrorCode::RedactedValue,
        ),
        (r#"{"type":"api_key","provider":"x","key":"***"}"#.to_owned(), ErrorCode::RedactedValue),
        (
            r#"{"type":"token","provider":"x","token":"${x-y}"}"#.to_owned(),
            ErrorCode::NotConfigured,
        ),
        (
            r#"{"type":"api_key","provider":"x","key":"${NAME}"}"#.to_owned(),
            ErrorCode::NotConfigured,
        ),
        (oauth(fence, "r"), ErrorCode::Unavailable),
        (oauth("a", fence), ErrorCode::Unavailable),
        (oauth(failed, failed), ErrorCode::NeedsReauth),
        (oauth("${NAME}", "r"), ErrorCode::ConfigurationInvalid),
        (
            r#"{"type":"token","provider":"x","token":"t","expires":1}"#.to_owned(),
            ErrorCode::NeedsReauth,
        ),
        (
            r#"{"type":"token","provider":"x","token":"t","expires":"soon"}"#.to_owned(),
            ErrorCode::ConfigurationInvalid,
        ),
        (r#"{"type":"api_key","provider":"x"}"#.to_owned(), ErrorCode::NotConfigured),
    ] {
        let alone = format!("{{\"x:bad\": {profile}}}");
        let world = World::with(&alone);
        let provider = world.provider(world.builder());
        for id in ["x:bad", "x"] {
            let answer = ask(&provider, &world.request(id)).await;
            // A choice of one is made without asking for its secret.
            if answer.as_deref().is_ok_and(|said| said == "-> x:bad" && profile.contains("${NAME}"))
            {
                continue;
            }
            assert_eq!(answer.unwrap_err().code(), code, "{id} {profile}");
        }
        // Where there is another, that one is used; a profile by its name never falls to it.
        let good = r#"{"type":"api_key","provider":"x","key":"good"}"#;
        world.write("main", &format!("{{\"x:bad\": {profile}, \"x:good\": {good}}}"));
        world.write_file(
            "main",
            "auth-state.json",
            r#"{"version":1,"order":{"x":["x:bad","x:good"]}}"#,
        );
        assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:good", "{profile}");
        assert_eq!(ask(&provider, &world.request("x:bad")).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_reference_where_a_login_is_configured_is_refused() {
    let refs = Arc::new(Refs::default());
    refs.secrets.lock().unwrap().insert("A".to_owned(), "t".to_owned());
    let reference = r#"{"source":"env","provider":"default","id":"A"}"#;
    for (fields, mode, served) in [
        (format!("\"tokenRef\":{reference}"), "token", Some("t")),
        (format!("\"tokenRef\":{reference}"), "oauth", None),
        (format!("\"token\":{reference}"), "oauth", None),
        (format!("\"token\":\"inline\",\"tokenRef\":{reference}"), "oauth", None),
        ("\"token\":\"${A}\"".to_owned(), "oauth", None),
        ("\"token\":\"inline\"".to_owned(), "oauth", Some("inline")),
    ] {
        let world = World::new();
        let entry = format!("{{\"type\":\"token\",\"provider\":\"x\",{fields}}}");
        world.write("main", &format!("{{\"x:1\": {entry}}}"));
        let config = format!(r#"{{auth:{{profiles:{{"x:1":{{provider:"x",mode:"{mode}"}}}}}}}}"#);
        std::fs::write(world.folder.0.join("openclaw.json"), config).unwrap();
        let provider = world.provider(world.builder().secret_refs(refs.clone()));
        let answer = ask(&provider, &world.request("x:1")).await;
        assert_eq!(answer.as_deref().ok(), served, "{entry} {mode}");
        let chosen = ask(&provider, &world.request("x")).await;
        assert_eq!(chosen.is_ok(), served.is_some(), "{chosen:?}");
        if let Err(error) = answer {
            assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
        }
    }
}

#[tokio::test]
async fn references_are_asked_about_together_and_no_more_than_needed() {
    let key = |id: &str| {
        format!(
            r#"{{"type":"api_key","provider":"x","keyRef":{{"source":"exec","provider":"p","id":"{id}"}}}}"#
        )
    };
    let world = World::with(&format!(
        r#"{{"x:a": {}, "x:b": {}, "x:c": {{"type":"api_key","provider":"x","key":"inline"}}, "x:d": {}}}"#,
        key("a"),
        key("b"),
        key("d")
    ));
    world.write_file("main", "auth-state.json", r#"{"order":{"x":["x:a","x:b","x:c","x:d"]}}"#);
    let refs = Arc::new(Refs::default());
    refs.secrets.lock().unwrap().insert("b".into(), "secret-b".into());
    let provider = world.provider(world.builder().secret_refs(refs.clone()));
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:b");
    assert_eq!(*refs.batches.lock().unwrap(), [vec!["a".to_owned(), "b".to_owned()]]);
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:b");
    assert_eq!(refs.batches.lock().unwrap().len(), 1, "what is known is not asked again");
    let answer = provider.resolve(&world.request("x:b")).await.unwrap();
    let Resolution::Credential(served) = answer else { panic!("{answer:?}") };
    assert_eq!(served.freshness(), Freshness::For(Duration::from_secs(60)));
    // What failed is asked about again after a while.
    refs.secrets.lock().unwrap().insert("a".into(), "secret-a".into());
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:a");
}

#[tokio::test]
async fn a_torn_or_corrupt_store_is_an_error_and_stays_as_it_is() {
    for text in ["{\"profiles\": {\"x:1\": {\"key\": \"canary", "", "[]", "{\"profiles\": 7}"] {
        let world = World::new();
        world.write_file("main", "auth-profiles.json", text);
        let provider = world.provider(world.builder());
        for id in ["x", "x:1"] {
            let error = ask(&provider, &world.request(id)).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{text}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let health = provider.check(&world.request("x"), None).await.unwrap();
        assert_eq!(health.status, HealthStatus::Failing);
        assert_eq!(world.text("main", "auth-profiles.json"), text);
    }
}

#[tokio::test]
async fn a_pin_comes_first_while_it_is_fit_and_a_wish_before_the_settings() {
    let world = World::of_openclaw();
    let pinned = ModelProvider::new().pin("openai:manual");
    let provider = world.provider(world.builder().model_provider("openai", pinned));
    assert_eq!(ask(&provider, &world.request("openai")).await.unwrap(), "-> openai:manual");
    let wish = |id: &str| world.request("openai").with_hint(Hint::default().preferring(id));
    assert_eq!(ask(&provider, &wish("openai:work")).await.unwrap(), "-> openai:work");
    assert_eq!(
        ask(&provider, &wish("groq:manual")).await.unwrap(),
        "-> openai:work",
        "another provider's"
    );
    // Cooling down, it is no longer fit.
    let until = world.millis(60_000);
    world.write_file("main", "auth-state.json", &format!(
        r#"{{"order":{{"openai":["openai:work","openai:manual"]}},"usageStats":{{"openai:manual":{{"cooldownUntil":{until},"cooldownReason":"auth"}}}}}}"#
    ));
    assert_eq!(ask(&provider, &wish("openai:manual")).await.unwrap(), "-> openai:work");
    assert_eq!(
        ask(&provider, &world.request("openai:manual")).await.unwrap(),
        "sk-test-main-openai"
    );
}

#[tokio::test]
async fn a_login_nobody_renews_here_is_served_while_it_is_good() {
    let world = World::with("{}");
    world.write("main", &format!("{{\"codex:me\": {}}}", login(&world, "a", "r", 60_000)));
    let provider = world.provider(world.builder());
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "a");
    assert_eq!(ask(&provider, &world.request("codex")).await.unwrap(), "-> codex:me");
    world.clock.advance(Duration::from_secs(60));
    for id in ["codex:me", "codex"] {
        let error = ask(&provider, &world.request(id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Expired);
        assert!(error.detail().contains("OpenClaw renews it"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_login_is_chosen_again_once_the_main_agents_is_good() {
    let world = World::with("{}");
    world.write("main", &format!("{{\"codex:me\": {}}}", ended(&world)));
    world.write("research", &format!("{{\"codex:me\": {}}}", ended(&world)));
    let issuer = Issuer::new();
    issuer.answers(|_, _| Err(NotRenewed::refused("gone")));
    let builder = world.builder().agent(AgentId::new("research"));
    let provider = world.provider(builder.model_provider("codex", issuer.named()));
    for _ in 0..3 {
        let error = ask(&provider, &world.request("codex")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth);
        world.clock.advance(Duration::from_secs(31));
    }
    assert_eq!(issuer.exchanges(), 1, "what was refused is not sent again");
    ask(&provider, &world.request("codex")).await.unwrap_err();
    // Somebody signs in there; nothing changes in the agent's own store.
    let fresh = login(&world, "access-main", "refresh-main", 3 * 3_600_000);
    world.write("main", &format!("{{\"codex:me\": {fresh}}}"));
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(ask(&provider, &world.request("codex")).await.unwrap(), "-> codex:me");
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-main");
    assert_eq!(issuer.exchanges(), 1);
}

#[tokio::test]
async fn a_credential_goes_where_the_settings_say_and_nowhere_else() {
    let world = World::of_openclaw();
    let origin = Origin::parse("https://api.openai.com").unwrap();
    let set =
        ModelProvider::new().origin(origin.clone()).placement(Placement::header("x-api-key", ""));
    let provider = world.provider(world.builder().model_provider("OpenAI", set));
    let answer = provider.resolve(&world.request("openai:work")).await.unwrap();
    let Resolution::Credential(key) = answer else { panic!("{answer:?}") };
    let added = key.authorize(&OutgoingRequest::new("GET", &origin, "/"), world.clock.now());
    assert_eq!(added.unwrap().headers[0].1.expose_secret(), "sk-test-main-openai-work");
    let answer = provider.resolve(&world.request("groq:manual")).await.unwrap();
    let Resolution::Credential(key) = answer else { panic!("{answer:?}") };
    let refused = key.authorize(&OutgoingRequest::new("GET", &origin, "/"), world.clock.now());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::OriginDenied);
}

#[tokio::test]
async fn every_profile_is_listed_with_its_standing() {
    let until = 4_000_000_000_000_u64;
    let world = World::with(
        r#"{"x:ok": {"type":"api_key","provider":"x","key":"k"},
            "x:old": {"type":"token","provider":"x","token":"t","expires":1},
            "x:fenced": {"type":"oauth","provider":"x","access":"openclaw-oauth-refresh-fence:v1:1:access:2","refresh":"r","expires":1},
            "broken": {"type":"magic"}}"#,
    );
    world.write_file("main", "auth-state.json", &format!(
        r#"{{"usageStats":{{"x:ok":{{"cooldownUntil":{until},"cooldownReason":"rate_limit","cooldownModel":"m"}}}}}}"#
    ));
    let provider = world.provider(world.builder());
    let listed = provider.profiles().await.unwrap();
    let of = |id: &str| listed.iter().find(|one| one.id == id).unwrap();
    let ok = of("x:ok");
    assert_eq!(ok.eligibility, Eligibility::Ok);
    assert_eq!(ok.cooling_until, Some(Timestamp::from_millis(until)));
    assert_eq!((ok.reason, ok.cooling_model.as_deref()), (Some("rate_limit"), Some("m")));
    assert_eq!(of("x:old").eligibility, Eligibility::Expired);
    assert!(of("x:fenced").is_fenced() && !ok.is_fenced());
    assert_eq!(of("broken").skipped.unwrap().as_str(), "invalid_type");
    let described = provider.list(&world.request("x")).await.unwrap();
    let line = |id: &str| {
        let found = described.iter().find(|one| one.id.as_str() == id);
        found.unwrap_or_else(|| panic!("{id} is listed")).description.clone()
    };
    assert!(line("x:ok").contains("cools down"), "{}", line("x:ok"));
    assert!(line("x:fenced").contains("fenced"));
    assert_eq!(line("x"), "in this order: x:fenced, x:ok");
    assert!(!described.iter().any(|one| one.id.as_str() == "broken"));
}

#[tokio::test]
async fn a_check_tells_what_is_wrong_with_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::of_openclaw();
    let provider = world.provider(world.builder());
    let check = || async { provider.check(&world.request("openai"), None).await.unwrap() };
    assert_eq!(check().await, Health::healthy());
    let file = world.file("main", "auth-profiles.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let lock = format!(r#"{{"pid": {}, "createdAt": "2026-01-01T00:00:00.000Z"}}"#, u32::MAX - 1);
    std::fs::write(world.file("main", "auth-profiles.json.lock"), lock).unwrap();
    let health = check().await;
    assert_eq!(health.status, HealthStatus::Degraded);
    for said in ["mode 644", "auth-profiles.json.lock was left behind"] {
        assert!(health.detail.as_str().contains(said), "{said}: {}", health.detail.as_str());
    }
    std::fs::write(world.file("main", "openclaw-agent.sqlite"), "").unwrap();
    let health = check().await;
    assert_eq!(health.status, HealthStatus::Failing);
    assert!(health.detail.as_str().contains("add authprofile-sqlite"), "{health:?}");
    std::fs::remove_file(world.file("main", "openclaw-agent.sqlite")).unwrap();
    world.write("main", r#"{"x:1": {"type":"oauth","provider":"x","access":"openclaw-oauth-refresh-fence:v1:1:access:2"}, "y": 7}"#);
    let health = check().await;
    assert!(health.detail.as_str().contains("fenced by OpenClaw: \"x:1\""), "{health:?}");
    assert!(health.detail.as_str().contains("skips: 1"), "{health:?}");
}

#[tokio::test]
async fn promise_6_nothing_that_is_shown_holds_a_secret() {
    let world = World::with(
        r#"{"x:1": {"type":"api_key","provider":"x","key":"canary-key","email":"me@x"}, "x:2": {"type":"magic","key":"canary-two"}}"#,
    );
    let builder = world.builder();
    let mut shown = format!("{builder:?}");
    let provider = world.provider(builder);
    let answer = provider.resolve(&world.request("x:1")).await.unwrap();
    shown.push_str(&format!("{provider:?} {answer:?}"));
    for id in ["x:2", "x:3", "y"] {
        shown.push_str(&format!("{:?}", provider.resolve(&world.request(id)).await.unwrap_err()));
    }
    shown.push_str(&format!("{:?}", provider.profiles().await.unwrap()));
    shown.push_str(&format!("{:?}", provider.list(&world.request("x")).await.unwrap()));
    assert!(shown.contains("x:1") && !shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_profile_named_like_a_model_provider_is_itself() {
    let world = World::with(
        r#"{"x": {"type":"api_key","provider":"x","key":"named"}, "x:1": {"type":"api_key","provider":"x","key":"one"}}"#,
    );
    let provider = world.provider(world.builder());
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "named");
}

//! The chain: which source wins, what ends it, and the role on top of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::service::MARK;
use common::world::{ROLE, configured, id, resolve};
use common::{Reply, Then, World, run};
use credential_provider_api::{
    Clock as _, CredentialProvider as _, ErrorCode, Freshness, HealthStatus, Reason, Resolution,
    Variant,
};
use serde_json::{Value, json};

const FILE: &str = "/var/run/secrets/iam/credential";
const METADATA: &str = "/metadata/keys";

fn file(id: &str, more: Value) -> String {
    let mut content =
        json!({ "access_key_id": id, "secret_access_key": format!("{id}-{MARK}-secret") });
    for (name, value) in more.as_object().unwrap() {
        content[name] = value.clone();
    }
    content.to_string()
}

fn metadata(id: &str) -> Reply {
    let keys = json!({
        "AccessKeyId": id, "SecretAccessKey": format!("{id}-{MARK}-secret"),
        "SessionToken": format!("{id}-{MARK}-token"),
    });
    Reply::of(200, &keys.to_string())
}

fn set(world: &World, id: &str) {
    world.variables.set("VOLCENGINE_ACCESS_KEY", id);
    world.variables.set("VOLCENGINE_SECRET_KEY", &format!("{id}-{MARK}-secret"));
}

/// STS gives keys named after those that asked.
fn sts(world: &World) {
    let end = world.time_in(3600);
    world.service.answer("AssumeRole", move |call| {
        Reply::assumed(&format!("role-of-{}", call.key().unwrap()), &end)
    });
}

#[tokio::test]
async fn the_first_source_that_has_keys_wins() {
    let world = World::new();
    sts(&world);
    let url = json!({
        "credentialsMetadataUrl": format!("{}{METADATA}", world.service.url()), "roleTrn": ROLE,
    });
    world.files.put(FILE, &file("AK-file", json!({})));
    let found = world.keys(url.clone()).await.unwrap();
    assert_eq!(id(&found), "role-of-AK-file");
    assert_eq!(found.property("source"), Some("credential file"));
    let reasons = found.property("passed_over").unwrap();
    for reason in [
        "configuration: it has no accessKeyId",
        "environment: VOLCENGINE_ACCESS_KEY is not set",
        "metadata url: the metadata has none (404)",
    ] {
        assert!(reasons.contains(reason), "{reasons}");
    }
    world.service.script(METADATA, [metadata("AK-metadata")]);
    let found = world.keys(url.clone()).await.unwrap();
    assert_eq!(id(&found), "role-of-AK-metadata");
    let asked = world.service.calls("AssumeRole").pop().unwrap();
    assert_eq!(asked.headers["x-security-token"], format!("AK-metadata-{MARK}-token"));
    set(&world, "AK-environment");
    assert_eq!(id(&world.keys(url.clone()).await.unwrap()), "role-of-AK-environment");
    let found = world.keys(configured(url)).await.unwrap();
    assert_eq!(id(&found), "role-of-AK-configured");
    assert_eq!(found.property("source"), Some("configuration"));
    assert_eq!(found.property("passed_over"), None);
}

#[tokio::test]
async fn promise_5_a_source_that_fails_ends_the_search() {
    let world = World::new();
    set(&world, "AK-environment");
    let failing = world.provider(json!({
        "accessKeyId": { "provider": "vault", "id": "ak" },
        "secretAccessKey": { "provider": "vault", "id": "sk" },
    }));
    let error = resolve(&failing.await, &world.request()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProviderNotFound, "what the configuration points at");
    let world = World::new();
    world.variables.set("VOLCENGINE_ACCESS_KEY", "AK-half");
    world.files.put(FILE, &file("AK-file", json!({})));
    assert_eq!(world.keys(json!({})).await.unwrap_err().code(), ErrorCode::NotConfigured);
    let world = World::new();
    world.files.put(FILE, &file("AK-file", json!({})));
    let url = json!({
        "credentialsMetadataUrl": format!("{}{METADATA}", world.service.url()), "roleTrn": ROLE,
    });
    for (reply, code) in [
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(403, ""), ErrorCode::InvalidResponse),
        (Reply::of(429, ""), ErrorCode::RateLimited),
        (Reply::of(302, ""), ErrorCode::InvalidResponse),
        (Reply::of(200, "<html>"), ErrorCode::InvalidResponse),
        (Reply::of(200, "{}"), ErrorCode::InvalidResponse),
        (Reply::then(Then::Unreachable), ErrorCode::Unavailable),
        (Reply::then(Then::Silence), ErrorCode::Timeout),
    ] {
        world.service.script(METADATA, [reply.clone()]);
        let error = world.keys(url.clone()).await.unwrap_err();
        assert_eq!(error.code(), code, "{reply:?}");
    }
}

#[tokio::test]
async fn a_file_is_read_as_it_is_or_not_at_all() {
    let world = World::new();
    for (content, code) in [
        ("not json".to_owned(), ErrorCode::InvalidResponse),
        ("{}".to_owned(), ErrorCode::InvalidResponse),
        ("unreadable".to_owned(), ErrorCode::NotConfigured),
        (" ".repeat(70_000), ErrorCode::NotConfigured),
        (file("AK", json!({ "expired_time": world.time_in(0) })), ErrorCode::Expired),
        (file("AK", json!({ "expired_time": "soon" })), ErrorCode::InvalidResponse),
    ] {
        world.files.put(FILE, &content);
        assert_eq!(world.keys(json!({})).await.unwrap_err().code(), code, "{content}");
    }
    let end = world.time.now().plus(Duration::from_secs(600));
    let more =
        json!({ "session_token": "t-canary", "expired_time": world.time_in(600), "more": 1 });
    world.files.put(FILE, &file("AK", more));
    let found = world.keys(json!({})).await.unwrap();
    assert_eq!((id(&found).as_str(), found.expires_at()), ("AK", Some(end)));
    // Derived credentials end with these: a guess at how long they stay would end them early.
    assert_eq!(found.freshness(), Freshness::UntilChanged);
}

#[tokio::test]
async fn the_file_is_where_it_is_said_to_be() {
    let world = World::new();
    world.files.put(FILE, &file("AK-usual", json!({})));
    world.files.put("/named", &file("AK-named", json!({})));
    world.files.put("/configured", &file("AK-configured", json!({})));
    assert_eq!(id(&world.keys(json!({})).await.unwrap()), "AK-usual");
    world.variables.set("VOLCENGINE_CREDENTIALS_FILE", "/named");
    assert_eq!(id(&world.keys(json!({})).await.unwrap()), "AK-named");
    let settings = json!({ "credentialsFile": "/configured" });
    assert_eq!(id(&world.keys(settings).await.unwrap()), "AK-configured");
}

#[tokio::test]
async fn a_file_s_role_is_assumed_unless_its_keys_are_temporary() {
    let world = World::new();
    sts(&world);
    let other = "trn:iam::1:role/other";
    world.files.put(FILE, &file("AK", json!({ "role_trn": ROLE })));
    let found = world.keys(json!({})).await.unwrap();
    assert_eq!((id(&found).as_str(), found.property("role")), ("role-of-AK", Some(ROLE)));
    world.files.put(FILE, &file("AK", json!({ "role_trn": ROLE, "session_token": "t-canary" })));
    assert_eq!(id(&world.keys(json!({})).await.unwrap()), "AK");
    world.variables.set("RUNTIME_IAM_ROLE_TRN", other);
    world.files.put(FILE, &file("AK", json!({})));
    assert_eq!(world.keys(json!({})).await.unwrap().property("role"), Some(other));
    let found = world.keys(json!({ "roleTrn": ROLE })).await.unwrap();
    assert_eq!(found.property("role"), Some(ROLE), "the configured role goes first");
    // The variable is for the file only.
    set(&world, "AK-environment");
    assert_eq!(id(&world.keys(json!({})).await.unwrap()), "AK-environment");
}

#[tokio::test]
async fn promise_3_a_role_s_keys_end_when_sts_says() {
    let world = World::new();
    let end = world.time.now().plus(Duration::from_secs(3600));
    let credentials = |name: &str| {
        Reply::result(&json!({ "Credentials": {
            "AccessKeyId": "a", "SecretAccessKey": "s-canary", "SessionToken": "t-canary",
            name: world.time_in(3600),
        } }))
    };
    for name in ["ExpiredTime", "Expiration"] {
        world.service.script("AssumeRole", [credentials(name)]);
        let found = world.keys(configured(json!({ "roleTrn": ROLE }))).await.unwrap();
        assert_eq!(found.expires_at(), Some(end), "{name}");
    }
    let settings = json!({
        "roleTrn": ROLE, "roleSessionName": "me", "roleDurationSeconds": 900,
    });
    world.keys(configured(settings)).await.unwrap();
    let asked = world.service.calls("AssumeRole").pop().unwrap();
    assert_eq!(asked.target, "/?Action=AssumeRole&Version=2018-01-01");
    let role = "trn%3Aiam%3A%3A2100000000%3Arole%2Fagent";
    assert_eq!(asked.body, format!("DurationSeconds=900&RoleSessionName=me&RoleTrn={role}"));
}

#[tokio::test]
async fn a_file_changed_while_its_role_was_asked_for_is_read_once_more() {
    let world = World::new();
    world.files.put(FILE, &file("AK-old", json!({ "role_trn": ROLE })));
    let (files, end) = (world.files.clone(), world.time_in(3600));
    world.service.answer("AssumeRole", move |call| {
        if call.key() == Some("AK-new") {
            return Reply::assumed("role-of-AK-new", &end);
        }
        files.put(FILE, &file("AK-new", json!({ "role_trn": ROLE })));
        Reply::error(401, "InvalidAccessKey")
    });
    assert_eq!(id(&world.keys(json!({})).await.unwrap()), "role-of-AK-new");
    assert_eq!(world.service.calls("AssumeRole").len(), 2);
    // Keys that are as they were are not tried again.
    world.service.script("AssumeRole", [Reply::error(401, "InvalidAccessKey")]);
    let before = world.service.calls("AssumeRole").len();
    assert_eq!(world.keys(json!({})).await.unwrap_err().code(), ErrorCode::Rejected);
    assert_eq!(world.service.calls("AssumeRole").len(), before + 1);
}

#[tokio::test]
async fn no_source_at_all_is_told_with_every_reason() {
    let world = World::new();
    let error = world.keys(json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    for source in [
        "configuration: ",
        "environment: ",
        "metadata url: ",
        "credential file: ",
        "oidc token: ",
        "cli profile: ",
        "instance metadata: ",
    ] {
        assert!(error.detail().contains(source), "{}", error.detail());
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_is_exchanged_unsigned() {
    let world = World::new();
    world.files.put("/token", " idt-canary-1\n");
    world.service.script("AssumeRoleWithOIDC", [Reply::assumed("AK-oidc", &world.time_in(3600))]);
    let settings = json!({ "oidcToken": { "roleTrn": ROLE, "tokenFile": "/token" } });
    let found = world.keys(settings).await.unwrap();
    assert_eq!((id(&found).as_str(), found.property("source")), ("AK-oidc", Some("oidc token")));
    let asked = world.service.calls("AssumeRoleWithOIDC").pop().unwrap();
    assert!(asked.body.contains("OIDCToken=idt-canary-1&"), "{}", asked.body);
    assert_eq!(asked.key(), None);
    // From the environment, at the host it names.
    world.variables.set("VOLCENGINE_OIDC_ROLE_TRN", ROLE);
    world.variables.set("VOLCENGINE_OIDC_TOKEN_FILE", "/token");
    world.variables.set("VOLCENGINE_OIDC_STS_ENDPOINT", "sts.example");
    world.keys(json!({ "oidcToken": {} })).await.unwrap();
    let asked = world.service.calls("AssumeRoleWithOIDC").pop().unwrap();
    assert!(asked.target.starts_with("https://sts.example/?Action="), "{}", asked.target);
    // Without being configured it is not there, whatever the environment says.
    assert_eq!(world.keys(json!({})).await.unwrap_err().code(), ErrorCode::NotConfigured);
    world.files.remove("/token");
    let error = world.keys(json!({ "oidcToken": {} })).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    assert!(error.detail().contains("file of the OIDC token"), "{}", error.detail());
}

#[tokio::test]
async fn profiles_of_the_command_line_client_are_read_by_their_mode() {
    let world = World::new();
    sts(&world);
    world.variables.set("HOME", "/home/me");
    let profiles = json!({ "current": "keys", "profiles": {
        "keys": { "mode": "ak", "access-key": "AK", "secret-key": "s-canary", "region": "x" },
        "sts": { "mode": "StsToken", "access-key": "AK-sts", "secret-key": "s-canary",
                 "session-token": "t-canary",
                 "sts-expiration": world.time.now().plus(Duration::from_secs(9)).as_millis() / 1000 },
        "role": { "mode": "RamRoleArn", "access-key": "AK", "secret-key": "s-canary",
                  "role-name": "agent", "account-id": "2100000000" },
        "ended": { "access-key": "AK", "secret-key": "s", "sts-expiration": 1 },
        "sso": { "mode": "sso", "sso-session-name": "x" },
        "odd": { "mode": "odd" },
    } });
    world.files.put("/home/me/.volcengine/config.json", &profiles.to_string());
    let of = |profile: &str| json!({ "cliProfile": { "profile": profile } });
    let found = world.keys(json!({ "cliProfile": {} })).await.unwrap();
    assert_eq!((id(&found).as_str(), found.property("source")), ("AK", Some("cli profile")));
    let found = world.keys(of("sts")).await.unwrap();
    assert_eq!(found.expires_at(), Some(world.time.now().plus(Duration::from_secs(9))));
    let found = world.keys(of("role")).await.unwrap();
    assert_eq!((id(&found).as_str(), found.property("role")), ("role-of-AK", Some(ROLE)));
    for (profile, code) in [
        ("ended", ErrorCode::Expired),
        ("sso", ErrorCode::Unsupported),
        ("odd", ErrorCode::NotConfigured),
        ("none", ErrorCode::NotConfigured),
    ] {
        assert_eq!(world.keys(of(profile)).await.unwrap_err().code(), code, "{profile}");
    }
    world.variables.set("VOLCENGINE_PROFILE", "sts");
    assert_eq!(id(&world.keys(json!({ "cliProfile": {} })).await.unwrap()), "AK-sts");
    assert_eq!(world.keys(json!({})).await.unwrap_err().code(), ErrorCode::NotConfigured);
}

#[tokio::test]
async fn a_machine_s_metadata_is_asked_with_a_token() {
    const ROLES: &str = "/volcstack/latest/iam/security_credentials";
    let world = World::new();
    let settings = json!({ "instanceMetadata": { "endpoint": world.service.url() } });
    world.service.script("/latest/api/token", [Reply::of(503, ""), Reply::of(200, "tk-canary-1")]);
    world.service.script(ROLES, [Reply::of(200, r#"["first","second"]"#)]);
    world.service.script(&format!("{ROLES}/first"), [metadata("AK-first")]);
    let found = world.keys(settings.clone()).await.unwrap();
    assert_eq!(id(&found), "AK-first");
    assert_eq!(found.property("source"), Some("instance metadata"));
    let asked = world.service.calls("/latest/api/token");
    assert_eq!((asked.len(), asked[0].method.as_str()), (2, "PUT"));
    assert_eq!(asked[0].headers["x-volc-ecs-metadata-token-ttl-seconds"], "21600");
    for what in [ROLES.to_owned(), format!("{ROLES}/first")] {
        let asked = world.service.calls(&what).pop().unwrap();
        assert_eq!(asked.headers["x-volc-ecs-metadata-token"], "tk-canary-1", "{what}");
    }
    world.service.script(ROLES, [Reply::of(200, "lined\nsecond")]);
    world.service.script(&format!("{ROLES}/lined"), [metadata("AK-lined")]);
    assert_eq!(id(&world.keys(settings.clone()).await.unwrap()), "AK-lined");
    world.variables.set("VOLCENGINE_ECS_METADATA", "first");
    assert_eq!(id(&world.keys(settings.clone()).await.unwrap()), "AK-first");
    // Three times, a second apart, each for two seconds at most.
    world.service.script("/latest/api/token", [Reply::then(Then::Silence)]);
    let (before, began) = (world.service.calls("/latest/api/token").len(), world.time.now());
    assert_eq!(world.keys(settings.clone()).await.unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(world.service.calls("/latest/api/token").len(), before + 3);
    assert_eq!(began.until(world.time.now()), Duration::from_secs(8));
    world.variables.set("VOLCENGINE_ECS_METADATA_DISABLED", "true");
    let error = world.keys(settings).await.unwrap_err();
    assert!(error.detail().contains("VOLCENGINE_ECS_METADATA_DISABLED"), "{}", error.detail());
}

#[tokio::test]
async fn rejected_keys_that_have_no_others_are_unchanged() {
    let world = World::new();
    let provider = world.provider(configured(json!({}))).await;
    let current = resolve(&provider, &world.request()).await.unwrap();
    let answer = provider.refresh(&world.request(), &current, Reason::Rejected).await.unwrap();
    assert!(matches!(answer, Resolution::Unchanged), "{answer:?}");
}

#[tokio::test]
async fn a_check_asks_whose_keys_they_are() {
    let world = World::new();
    let provider = world.provider(configured(json!({}))).await;
    let caller = json!({ "AccountId": 2_100_000_000, "Trn": "trn:iam::2100000000:root" });
    world.service.script("GetCallerIdentity", [Reply::result(&caller)]);
    let health = provider.check(&world.request(), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(health.detail.as_str(), "keys from the configuration");
    world.service.script("GetCallerIdentity", [Reply::error(401, "SignatureDoesNotMatch")]);
    let health = provider.check(&world.request(), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Failing);
    world.service.down(true);
    let error = run(&world.time, provider.check(&world.request(), None)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_variant_is_a_role_and_nothing_else() {
    let world = World::new();
    let provider = world.provider(configured(json!({}))).await;
    for (variant, code) in [
        (Variant::builder().audience("x"), ErrorCode::Unsupported),
        (Variant::builder().role("role/x"), ErrorCode::ConfigurationInvalid),
        // Its keys come from the engine, and there is none here.
        (Variant::builder().role(ROLE), ErrorCode::ProviderNotFound),
    ] {
        let request = world.request_for(variant.build().unwrap());
        assert_eq!(resolve(&provider, &request).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn empty_parts_of_keys_are_no_parts() {
    for (id, secret) in [("AK", ""), ("AK", " "), ("", "secret")] {
        let world = World::new();
        let content = json!({ "access_key_id": id, "secret_access_key": secret });
        world.files.put(FILE, &content.to_string());
        let found = world.keys(json!({})).await;
        assert_eq!(found.unwrap_err().code(), ErrorCode::InvalidResponse, "the file's {id}");
        let world = World::new();
        world.variables.set("VOLCENGINE_ACCESS_KEY", id);
        world.variables.set("VOLCENGINE_SECRET_KEY", secret);
        let found = world.keys(json!({})).await;
        assert_eq!(found.unwrap_err().code(), ErrorCode::NotConfigured, "the variables' {id}");
        let world = World::new();
        let keys = json!({ "AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": "t" });
        world.service.script(METADATA, [Reply::of(200, &keys.to_string())]);
        let url = format!("{}{METADATA}", world.service.url());
        let found = world.keys(json!({ "credentialsMetadataUrl": url, "roleTrn": ROLE })).await;
        assert_eq!(found.unwrap_err().code(), ErrorCode::InvalidResponse, "the metadata's {id}");
    }
}

#[tokio::test]
async fn an_empty_session_token_of_the_metadata_is_none() {
    let world = World::new();
    let keys = json!({ "AccessKeyId": "AK-metadata", "SecretAccessKey": format!("{MARK}-secret"),
        "SessionToken": "" });
    world.service.script(METADATA, [Reply::of(200, &keys.to_string())]);
    world.service.script("AssumeRole", [Reply::assumed("AK-role", &world.time_in(3600))]);
    let url = format!("{}{METADATA}", world.service.url());
    world.keys(json!({ "credentialsMetadataUrl": url, "roleTrn": ROLE })).await.unwrap();
    let asked = world.service.calls("AssumeRole").pop().unwrap();
    assert_eq!(asked.headers.get("x-security-token"), None);
}

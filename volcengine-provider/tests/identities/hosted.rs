//! API keys, tokens for machines, roles, users' own values.

use credential_provider_api::{
    ErrorCode, ExposeSecret as _, Material, ProviderId, Revocation, SignInAnswer, Variant,
};
use serde_json::json;
use volcengine_provider::emulator::state::{IdentityPool, OAuthFlow, PoolClient};
use volcengine_provider::emulator::{Failure, Secret};

use crate::world::{ACCOUNT, Host, World, account, member, name};

async fn signed_in(host: Host) -> World {
    let world = host.start().await;
    world.sign_in("alice").await;
    world
}

#[tokio::test]
async fn a_key_goes_where_the_vault_says() {
    let mut host = Host::default();
    let providers = &mut host.state.account_mut(ACCOUNT).unwrap().api_key_providers;
    let place = &mut providers[0].api_key_metadata[0];
    (place.parameter_name, place.prefix) = ("X-Api-Key".into(), String::new());
    let world = signed_in(host).await;
    let key = world.ask("search", "alice").await.unwrap();
    assert_eq!(
        world.whoami(&key).await,
        json!({ "kind": "api_key", "provider": "search", "pool": "default" })
    );
    assert_eq!(key.property("provider"), Some("search"));
    world.stop().await;
}

#[tokio::test]
async fn a_pattern_s_star_is_the_vault_s_name() {
    let world = signed_in(Host::default()).await;
    let key = world.ask("key/search", "alice").await.unwrap();
    assert_eq!(key.secret().unwrap().expose_secret(), "search-example-key");
    for missing in ["key/nothing", "key/", "nothing"] {
        assert_eq!(world.code(missing, "alice").await, ErrorCode::CredentialNotFound, "{missing}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_key_that_was_rejected_comes_back_only_as_another() {
    let world = signed_in(Host::default()).await;
    let tool = world.engine.consumer("tool:web").unwrap();
    let (search, alice) = (name("search"), member("alice"));
    let key = tool.request(&search).session(&alice).await.unwrap();
    let rejecting = || tool.request(&search).session(&alice).reject(key.revision().unwrap());
    assert_eq!(rejecting().await.unwrap_err().code(), ErrorCode::Rejected);
    world.emulator.change(|state| {
        let providers = &mut state.account_mut(ACCOUNT).unwrap().api_key_providers;
        providers[0].api_key = Secret::new("another-example-key".to_owned());
    });
    world.pass(600);
    let other = rejecting().await.unwrap();
    assert_eq!(other.secret().unwrap().expose_secret(), "another-example-key");
    world.stop().await;
}

#[tokio::test]
async fn a_workload_token_that_the_vault_refuses_is_had_anew_once() {
    let world = signed_in(Host::default()).await;
    world.ask("search", "alice").await.unwrap();
    let ask = "GetResourceApiKey";
    world.emulator.fail(Failure::new(ask, 400, "InvalidParameter.IdentityToken", 1));
    world.ask("key/search", "alice").await.unwrap();
    assert_eq!((world.called(ask), world.called("GetWorkloadAccessTokenForJWT")), (3, 2));
    world.stop().await;
}

#[tokio::test]
async fn a_machine_s_token_needs_no_consent() {
    let world = signed_in(Host::default()).await;
    let token = world.ask("reports", "alice").await.unwrap();
    assert_eq!(world.whoami(&token).await["login"], "reports-client");
    assert!(token.expires_at().is_some());
    assert_eq!(world.called("ListCredentialProviders"), 0, "the flow is said");
    let error = world.begin("reports", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    world.stop().await;
}

#[tokio::test]
async fn a_flow_that_is_not_said_is_the_credential_provider_s() {
    let settings =
        json!({ "credentials": { "any/*": { "type": "oauth2", "origins": ["{url}"] } } });
    let world = signed_in(Host::with(settings)).await;
    assert!(world.ask("any/reports", "alice").await.is_ok());
    assert_eq!(world.code("any/calendar", "alice").await, ErrorCode::NeedsReauth);
    assert_eq!(world.code("any/search", "alice").await, ErrorCode::CredentialNotFound);
    let error = world.begin("any/reports", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    world.stop().await;
}

fn role_settings() -> serde_json::Value {
    json!({ "credentials": {
        "storage": { "type": "role", "useTip": true,
            "sites": [{ "origin": "https://tos.example", "service": "tos" }] },
        "by-email": { "type": "role", "provider": "storage-by-email" },
    } })
}

#[tokio::test]
async fn a_role_s_keys_are_had_with_the_workload_s_token_or_the_user_s() {
    let world = signed_in(Host::with(role_settings())).await;
    world.sign_in("bob").await;
    let keys = world.ask("storage", "alice").await.unwrap();
    assert!(keys.property("role").unwrap().contains("storage-reader"), "{keys:?}");
    assert_eq!(keys.origins()[0].to_string(), "https://tos.example");
    let Material::AccessKey(key) = keys.material() else { panic!("{keys:?}") };
    assert!(key.session_token.is_some() && keys.expires_at().is_some());
    assert_eq!(world.called("GetWorkloadAccessTokenForJWT"), 1);
    for (user, role) in [("alice", "storage-writer"), ("bob", "storage-reader")] {
        let keys = world.ask("by-email", user).await.unwrap();
        assert!(keys.property("role").unwrap().contains(role), "{user}: {keys:?}");
    }
    assert_eq!(world.called("GetWorkloadAccessTokenForJWT"), 1, "the user's own token served");
    world.stop().await;
}

#[tokio::test]
async fn the_workload_s_pool_is_the_pool_of_what_it_asks_for() {
    let mut host = Host::with(json!({ "workload": { "poolName": "eager" }, "credentials": {
        "key/*": { "type": "api_key" }, "usual": {
            "type": "api_key", "provider": "search", "poolName": "default" } } }));
    let providers = &mut host.state.account_mut(ACCOUNT).unwrap().api_key_providers;
    let mut other = providers.iter().find(|one| one.name == "search").unwrap().clone();
    other.pool_name = "eager".into();
    other.api_key = Secret::new("eager-example-key".to_owned());
    providers.push(other.clone());
    other.name = "only-here".into();
    providers.push(other);
    let world = signed_in(host).await;
    let of = |pool| Variant::builder().parameter("pool", pool).build().unwrap();
    for (id, variant, key) in [
        ("key/search", Variant::none(), "eager-example-key"),
        ("key/search", of("default"), "search-example-key"),
        ("usual", Variant::none(), "search-example-key"),
        ("usual", of("eager"), "search-example-key"),
    ] {
        let found = world.ask_for(id, "alice", &variant).await.unwrap();
        assert_eq!(found.secret().unwrap().expose_secret(), key, "{id}");
    }
    let provider = ProviderId::new("volc").unwrap();
    let listed = world.engine.administrator().list(&provider).await.unwrap();
    assert!(listed.iter().any(|one| one.id.as_str() == "key/only-here"), "{listed:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_flow_is_looked_up_once() {
    let settings =
        json!({ "credentials": { "any/*": { "type": "oauth2", "origins": ["{url}"] } } });
    let world = Host::with(settings).start().await;
    for user in ["alice", "bob"] {
        world.sign_in(user).await;
        world.ask("any/reports", user).await.unwrap();
    }
    let looked_up = || world.called("ListCredentialProviders");
    assert_eq!(looked_up(), 1);
    world.emulator.change(|state| {
        let providers = &mut state.account_mut(ACCOUNT).unwrap().oauth_providers;
        let calendar = providers.iter_mut().find(|one| one.name == "calendar").unwrap();
        calendar.config.flow = OAuthFlow::MachineToMachine;
    });
    world.ask("any/calendar", "alice").await.unwrap();
    assert_eq!(looked_up(), 2, "each has its own");
    world.emulator.change(|state| {
        let providers = &mut state.account_mut(ACCOUNT).unwrap().oauth_providers;
        let calendar = providers.iter_mut().find(|one| one.name == "calendar").unwrap();
        calendar.config.flow = OAuthFlow::UserFederation;
    });
    assert_eq!(world.code("any/calendar", "bob").await, ErrorCode::ConfigurationInvalid);
    world.pass(60);
    assert_eq!(world.code("any/calendar", "bob").await, ErrorCode::NeedsReauth);
    assert_eq!(looked_up(), 3, "one that was refused is looked up again");
    world.stop().await;
}

#[tokio::test]
async fn users_values_are_their_own() {
    let settings = json!({ "credentials": { "notes": { "type": "user_credential" } } });
    let world = signed_in(Host::with(settings)).await;
    world.sign_in("bob").await;
    let notes = world.ask("notes", "alice").await.unwrap();
    assert_eq!(notes.field("value").unwrap().expose_secret(), "alice-example-notes");
    assert_eq!(notes.account(), account("u-alice").as_ref());
    assert_eq!(world.code("notes", "bob").await, ErrorCode::CredentialNotFound);
    world.stop().await;
}

#[tokio::test]
async fn a_list_has_what_the_patterns_stand_for() {
    let settings = json!({ "credentials": {
        "search": { "type": "api_key" }, "key/*": { "type": "api_key" },
        "oauth/*": { "type": "oauth2" }, "m2m/*": { "type": "oauth2", "flow": "m2m" },
        "role/*": { "type": "role" }, "notes/*": { "type": "user_credential" },
    } });
    let world = Host::with(settings).start().await;
    let provider = ProviderId::new("volc").unwrap();
    let listed = world.engine.administrator().list(&provider).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "platform",
            "identity",
            "workload-token",
            "user-pool",
            "key/search",
            "m2m/reports",
            "oauth/calendar",
            "oauth/reports",
            "role/storage",
            "role/storage-by-email",
            "search",
        ]
    );
    world.stop().await;
}

#[tokio::test]
async fn a_variant_with_what_a_credential_does_not_know_is_refused() {
    let world = signed_in(Host::default()).await;
    let scopes = Variant::builder().scopes(["a"]).build().unwrap();
    let error = world.ask_for("search", "alice", &scopes).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    world.stop().await;
}

#[tokio::test]
async fn a_user_writes_a_value_of_their_own_and_has_it_forgotten() {
    let settings = json!({ "credentials": { "pin": { "type": "user_credential" } } });
    let world = Host::with(settings).start().await;
    for user in ["alice", "bob"] {
        world.sign_in(user).await;
    }
    let write = async |user: &str, value: &str| {
        let flow = world.begin("pin", user).await.unwrap();
        let fields = [("value".to_owned(), value.into())].into();
        flow.answer(SignInAnswer::Fields(fields)).await.map(|_| ())
    };
    assert_eq!(world.code("pin", "alice").await, ErrorCode::CredentialNotFound);
    write("alice", "alice-1").await.unwrap();
    write("bob", "bob-1").await.unwrap();
    let value = async |user: &str| {
        let credential = world.ask("pin", user).await.unwrap();
        credential.field("value").unwrap().expose_secret().to_owned()
    };
    assert_eq!((value("alice").await, value("bob").await), ("alice-1".into(), "bob-1".into()));
    write("alice", "alice-2").await.unwrap();
    assert_eq!((value("alice").await, value("bob").await), ("alice-2".into(), "bob-1".into()));
    assert_eq!(world.called("CreateUserCredential"), 2);
    let at = world.engine.administrator().at(&name("pin")).session(&member("alice"));
    assert_eq!(at.sign_out().await.unwrap(), Revocation::Remote);
    assert!(world.ask("pin", "alice").await.is_err());
    assert_eq!(value("bob").await, "bob-1");
    let kept = &world.emulator.state().accounts[0].user_credentials;
    assert!(!kept.iter().any(|one| one.credential_id == "pin" && one.user_id == "u-alice"));
    world.stop().await;
}

#[tokio::test]
async fn roles_for_another_user_pool_are_not_listed() {
    let mut host = Host::with(json!({ "credentials": { "role/*": { "type": "role" } } }));
    let roles = &mut host.state.account_mut(ACCOUNT).unwrap().role_providers;
    let mut other = roles.iter().find(|one| one.name == "storage-by-email").unwrap().clone();
    other.name = "for-others".into();
    let mut client = PoolClient::default();
    client.pool_name = "others".into();
    let mut pool = IdentityPool::default();
    pool.user_pool = Some(client);
    other.config.identity_pool = Some(pool);
    roles.push(other);
    let world = host.start().await;
    let provider = ProviderId::new("volc").unwrap();
    let listed = world.engine.administrator().list(&provider).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert!(ids.contains(&"role/storage-by-email"), "{ids:?}");
    assert!(ids.contains(&"role/storage"), "one for agents: {ids:?}");
    assert!(!ids.contains(&"role/for-others"), "{ids:?}");
    world.stop().await;
}

async fn with_notes() -> World {
    let settings = json!({ "credentials": { "notes": { "type": "user_credential" } } });
    let world = signed_in(Host::with(settings)).await;
    world.ask("notes", "alice").await.unwrap();
    world
}

fn has_notes(world: &World) -> bool {
    let kept = &world.emulator.state().accounts[0].user_credentials;
    kept.iter().any(|one| one.credential_id == "notes" && one.user_id == "u-alice")
}

#[tokio::test]
async fn a_value_that_was_not_deleted_is_not_said_to_be_revoked() {
    let world = with_notes().await;
    let missing = Failure::new("DeleteUserCredential", 404, "NotFound.CredentialPool", 1);
    world.emulator.fail(missing);
    let at = world.engine.administrator().at(&name("notes")).session(&member("alice"));
    let error = at.sign_out().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CredentialNotFound);
    assert!(has_notes(&world));
    world.stop().await;
}

#[tokio::test]
async fn a_user_s_value_is_revoked_where_it_is_kept() {
    let world = with_notes().await;
    let at = world.engine.administrator().at(&name("notes")).session(&member("alice"));
    let said = at.revoke().await.unwrap();
    assert_eq!((said, has_notes(&world)), (Revocation::Remote, false));
    world.stop().await;
}

#[tokio::test]
async fn two_first_writes_of_one_value_at_once_both_succeed() {
    let settings = json!({ "credentials": { "pin": { "type": "user_credential" } } });
    let world = signed_in(Host::with(settings)).await;
    // Somebody else has written it between the update and the creation.
    let exists = Failure::new("CreateUserCredential", 409, "AlreadyExists.UserCredential", 1);
    world.emulator.fail(exists);
    let flow = world.begin("pin", "alice").await.unwrap();
    let fields = [("value".to_owned(), "1234".into())].into();
    let done = flow.answer(SignInAnswer::Fields(fields)).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(world.called("UpdateUserCredential"), 2);
    let value = world.ask("pin", "alice").await.unwrap();
    assert_eq!(value.field("value").unwrap().expose_secret(), "1234");
    world.stop().await;
}

#[tokio::test]
async fn a_hosted_role_s_duration_is_checked() {
    let world = Host::default().start().await;
    for (seconds, fits) in
        [(0_u64, false), (899, false), (900, true), (43_200, true), (43_201, false)]
    {
        let mut settings = world.settings.clone();
        settings["type"] = json!("volcengine");
        settings["credentials"] =
            json!({ "storage": { "type": "role", "durationSeconds": seconds } });
        let configuration = json!({ "credentialProviders": { "volc": settings } }).to_string();
        let configuration = resolution_engine::Configuration::from_json(&configuration).unwrap();
        let report = world.engine.configure(configuration).await.unwrap();
        assert_eq!(report.failed.is_empty(), fits, "{seconds}: {report:?}");
        let path = "credentialProviders.volc.credentials.storage.durationSeconds";
        assert!(report.failed.iter().all(|(_, error)| error.path() == path), "{report:?}");
    }
    world.stop().await;
}

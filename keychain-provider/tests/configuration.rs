//! Built from a configuration, and what it says where there is no keychain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialKind, CredentialProvider, CredentialRef, ErrorCode, FactoryContext, Key,
    ManualClock, ProviderFactory as _, ProviderId, Request, SeededRandom, Settings, SignInMethod,
    Timestamp,
};
use keychain_provider::{Environment, KeychainFactory};
use serde_json::{Value, json};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)))
}

async fn built_in(
    environment: Environment,
    json: &Value,
) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let settings = Settings::from_json("credentialProviders.os", &json.to_string()).unwrap();
    let context = FactoryContext::new(clock(), Arc::new(SeededRandom::new(1)));
    let factory = KeychainFactory::new(environment);
    assert_eq!(factory.type_name(), "keychain");
    factory.build(ProviderId::new("os").unwrap(), settings, &context).await
}

async fn built(json: &Value) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    built_in(Environment::default(), json).await
}

fn request(id: &str) -> Request {
    Request::new(Key::gateway(&CredentialRef::parse(&format!("os/{id}")).unwrap()), clock())
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keychain-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// These credentials, in an encrypted file.
#[cfg(unix)]
fn in_a_file(folder: &Folder, credentials: &Value) -> Value {
    json!({ "stores": ["encrypted_file"], "credentials": credentials,
        "encryptedFile": { "folder": folder.0.join("items"), "keyFile": folder.0.join("key/key") } })
}

#[cfg(unix)]
async fn set(
    provider: &dyn CredentialProvider,
    request: &Request,
    key: &str,
) -> Result<(), credential_provider_api::CredentialError> {
    use credential_provider_api::{FlowId, SignInAnswer, SignInProgress, SignInStart};
    let sign_in = provider.sign_in().unwrap();
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let (mut state, _) = sign_in.start(request, &start).await?;
    let fields = SignInAnswer::Fields([("key".into(), key.into())].into());
    let done = sign_in.answer(request, &mut state, fields).await?;
    let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
    sign_in.accept(request, done).await.map(drop)
}

#[tokio::test]
async fn the_settings_of_the_table_are_read() {
    let provider = built(&json!({
        "displayName": "Desktop", "service": "my-gateway", "stores": ["secret_service", "keyutils"],
        "timeoutSeconds": 2, "promptSeconds": 30, "rereadSeconds": 10,
        "credentials": {
            "openai": { "origins": ["https://api.example"], "description": "the key",
                        "placement": { "header": { "name": "x-api-key", "prefix": "" } } },
            "bot/*": { "kind": "token" },
            "mine": { "owner": "session" },
            "mail": { "kind": "user_value", "fields": [
                { "name": "user", "label": "User", "plain": true }, { "name": "password" } ] },
            "github": { "kind": "token", "item": { "service": "gh:github.com", "account": "me" } },
            "git": { "item": { "attributes": { "server": "git.example" } } },
        },
    }))
    .await
    .unwrap();
    let descriptor = provider.descriptor();
    assert_eq!(descriptor.display_name, "Desktop");
    assert_eq!(descriptor.sign_in, [SignInMethod::Fields]);
    let mut described: Vec<_> =
        descriptor.credentials.iter().map(|d| (d.id.as_str(), d.kind)).collect();
    described.sort_unstable();
    use CredentialKind::{ApiKey, Token, UserValue};
    assert_eq!(
        described,
        [
            ("bot/*", Token),
            ("git", ApiKey),
            ("github", Token),
            ("mail", UserValue),
            ("mine", ApiKey),
            ("openai", ApiKey)
        ]
    );
    let foreign =
        json!({ "credentials": { "github": { "item": { "service": "s", "account": "a" } } } });
    let only_foreign = built(&foreign).await.unwrap();
    assert!(only_foreign.sign_in().is_none(), "nothing of ours, nothing to set");
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_path() {
    for (json, path) in [
        (json!({}), "credentialProviders.os"),
        (json!({ "credentials": {}, "sevrice": "x" }), "credentialProviders.os.sevrice"),
        (json!({ "credentials": {}, "stores": [] }), "credentialProviders.os.stores"),
        (
            json!({ "credentials": {}, "stores": ["keyutils", "keyutils"] }),
            "credentialProviders.os.stores",
        ),
        (json!({ "credentials": {}, "stores": ["plaintext"] }), "credentialProviders.os.stores[0]"),
        (
            json!({ "credentials": {}, "stores": ["encrypted_file"] }),
            "credentialProviders.os.encryptedFile",
        ),
        (
            json!({ "credentials": {}, "encryptedFile": { "folder": "a", "keyFile": "b" } }),
            "credentialProviders.os.encryptedFile",
        ),
        (json!({ "credentials": {}, "service": "a:b" }), "credentialProviders.os"),
        (json!({ "credentials": {}, "timeoutSeconds": 0 }), "credentialProviders.os"),
        (
            json!({ "credentials": { "a": { "kind": "oauth2" } } }),
            "credentialProviders.os.credentials.a.kind",
        ),
        (
            json!({ "credentials": { "a": { "kind": "user_value" } } }),
            "credentialProviders.os.credentials.a",
        ),
        (
            json!({ "credentials": { "a": { "fields": [{ "name": "x" }] } } }),
            "credentialProviders.os.credentials.a.fields",
        ),
        (
            json!({ "credentials": { "a": { "item": {} } } }),
            "credentialProviders.os.credentials.a.item",
        ),
        (
            json!({ "credentials": { "a*": { "item": { "service": "x" } } } }),
            "credentialProviders.os.credentials.a*",
        ),
        (
            json!({ "credentials": { "a": { "item": { "service": "x", "attributes": { "service": "y" } } } } }),
            "credentialProviders.os.credentials.a.item",
        ),
        (
            json!({ "credentials": { "a": { "owner": "session", "item": { "service": "x" } } } }),
            "credentialProviders.os.credentials.a",
        ),
    ] {
        let error = built(&json).await.err().unwrap_or_else(|| panic!("{json} is accepted"));
        assert_eq!(error.path(), path, "{error}");
    }
}

#[cfg(all(target_os = "linux", feature = "secret-service"))]
#[tokio::test]
async fn without_a_session_bus_the_answer_says_what_to_do_and_nothing_takes_over() {
    let config = json!({ "credentials": { "openai": {} } });
    for (environment, said) in [
        (Environment::default(), "DBUS_SESSION_BUS_ADDRESS"),
        (
            Environment::default().with("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22"),
            "in an SSH session",
        ),
        (Environment::default().with("container", "podman"), "in a container"),
        (Environment::default().with("XDG_RUNTIME_DIR", "/nonexistent"), "XDG_RUNTIME_DIR"),
        (Environment::default().with("DBUS_SESSION_BUS_ADDRESS", "nonsense"), "not an address"),
    ] {
        let provider = built_in(environment, &config).await.unwrap();
        let error = provider.resolve(&request("openai")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotConfigured, "{error}");
        assert_eq!(error.class(), credential_provider_api::ErrorClass::FixConfiguration);
        assert!(error.detail().contains(said), "{error}");
        assert!(!format!("{error}").contains("192.0.2"), "{error}");
        let checked = provider.check(&request("openai"), None).await.unwrap_err();
        assert_eq!(checked.code(), ErrorCode::NotConfigured);
    }
    let dead =
        Environment::default().with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let provider = built_in(dead, &config).await.unwrap();
    let error = provider.resolve(&request("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_encrypted_file_is_used_where_it_is_named_and_holds_no_plaintext() {
    use credential_provider_api::{ExposeSecret as _, Resolution};
    let folder = Folder::new("named");
    let config = json!({
        "stores": ["secret_service", "encrypted_file"],
        "encryptedFile": { "folder": folder.0.join("items"), "keyFile": folder.0.join("key") },
        "credentials": { "openai": {}, "bot/*": {} },
    });
    let provider = built(&config).await.unwrap();
    set(&*provider, &request("openai"), "sk-canary-1").await.unwrap();
    set(&*provider, &request("openai"), "sk-canary-2").await.unwrap();
    set(&*provider, &request("bot/1"), "sk-canary-3").await.unwrap();
    let health = provider.check(&request("openai"), None).await.unwrap();
    let said = health.detail.as_str();
    assert!(said.starts_with("encrypted_file") && said.contains("not secret_service"), "{said}");

    let again = built(&config).await.unwrap();
    let Resolution::Credential(read) = again.resolve(&request("openai")).await.unwrap() else {
        panic!("a credential")
    };
    assert_eq!(read.secret().unwrap().expose_secret(), "sk-canary-2");
    let listed = again.list(&request("openai")).await.unwrap();
    assert_eq!(listed.len(), 2);
    again.sign_in().unwrap().sign_out(&request("openai")).await.unwrap();
    let gone = again.resolve(&request("openai")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NeedsReauth);
    let mut folders = vec![folder.0.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(6).any(|w| w == b"canary"), "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn several_stores_that_are_not_there_are_all_named() {
    let stores = json!({ "stores": ["macos_keychain", "windows_credential_manager"], "credentials": { "a": {} } });
    let provider = built(&stores).await.unwrap();
    if cfg!(any(target_os = "macos", windows)) {
        return;
    }
    let error = provider.resolve(&request("a")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    let said = error.detail();
    assert!(
        said.contains("macos_keychain") && said.contains("windows_credential_manager"),
        "{said}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_list_is_not_lost_for_an_item_that_the_store_cannot_have() {
    let folder = Folder::new("list");
    let foreign = json!({ "item": { "service": "gh", "account": "me" } });
    let provider =
        built(&in_a_file(&folder, &json!({ "openai": {}, "github": foreign }))).await.unwrap();
    set(&*provider, &request("openai"), "sk").await.unwrap();
    let listed = provider.list(&request("openai")).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_encrypted_file_keeps_what_belongs_to_any_session() {
    use credential_provider_api::{EffectiveSession, Requester};
    let folder = Folder::new("session");
    let mine = json!({ "mine": { "owner": "session" } });
    let provider = built(&in_a_file(&folder, &mine)).await.unwrap();
    for requester in ["alice".to_owned(), "a".repeat(200), "a\u{1}b".to_owned()] {
        let session = EffectiveSession::requester(Requester {
            session: "main",
            channel: "matrix",
            account: "T1",
            requester: &requester,
        });
        let key = request("mine").key().clone().in_session(session.unwrap());
        let request = Request::new(key, clock());
        set(&*provider, &request, "sk").await.unwrap();
        assert_eq!(provider.list(&request).await.unwrap().len(), 1);
    }
}

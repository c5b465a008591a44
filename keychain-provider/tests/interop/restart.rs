//! The keyring daemon is killed and restarted; its collection is deleted; it is not there at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{CredentialProvider as _, ErrorClass, ErrorCode};
use keychain_provider::{Environment, Platform, StoreKind};
use resolution_engine::SystemClock;

use crate::session::Session;
use crate::world::{asking, builder, provider, request, resolved, secret, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn a_daemon_killed_in_mid_call_costs_a_typed_error_and_comes_back() {
    let mut session = Session::unlocked("killed");
    let provider = Arc::new(provider(&session));
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let reading = |provider: Arc<keychain_provider::KeychainProvider>| async move {
        let mut errors = Vec::new();
        let until = Instant::now() + Duration::from_millis(600);
        while Instant::now() < until {
            let began = Instant::now();
            if let Err(error) = resolved(&provider, &request("openai")).await {
                errors.push(error);
            }
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        }
        errors
    };
    let readers: Vec<_> = (0..4).map(|_| tokio::spawn(reading(provider.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    session.kill_keyring();
    tokio::time::sleep(Duration::from_millis(150)).await;
    session.start_keyring();
    let mut errors = Vec::new();
    for reader in readers {
        errors.extend(reader.await.unwrap());
    }
    assert!(!errors.is_empty(), "somebody met the gap");
    for error in &errors {
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    }
    let served = resolved(&provider, &request("openai")).await.unwrap();
    assert_eq!(secret(&served), "sk-1", "the new daemon knows no session of ours, and gets one");
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn a_deleted_collection_is_an_answer() {
    let session = Session::unlocked("deleted");
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let login = "/org/freedesktop/secrets/collection/login";
    session.secrets(login, "org.freedesktop.Secret.Collection.Delete", &[]);
    let gone = resolved(&provider, &request("openai")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NeedsReauth, "{gone}");
    let homeless = set(&provider, &request("openai"), &[("key", "sk-2")]).await.unwrap_err();
    assert_eq!(homeless.code(), ErrorCode::InteractionRequired, "{homeless}");
    assert!(homeless.detail().contains("collection"), "{homeless}");
    let prompter = crate::prompter::Prompter::start(&session).await;
    let task =
        tokio::spawn(async move { set(&provider, &asking("openai"), &[("key", "sk-2")]).await });
    let until = Instant::now() + Duration::from_secs(5);
    while prompter.shown() == 0 {
        assert!(Instant::now() < until, "a person is asked for a new one's password");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    task.abort();
}

#[tokio::test]
#[ignore = "needs dbus-daemon"]
async fn a_bus_without_a_secret_service_says_so_and_gets_one_later() {
    let mut session = Session::bare("absent");
    let provider = provider(&session);
    let missing = resolved(&provider, &request("openai")).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::Unavailable);
    assert!(missing.detail().contains("gnome-keyring"), "{missing}");
    provider.check(&request("openai"), None).await.unwrap_err();
    assert_eq!(provider.choice(), None);
    session.start_keyring();
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    assert_eq!(provider.choice().unwrap().store(), StoreKind::SecretService);
}

#[tokio::test]
#[ignore = "needs dbus-daemon"]
async fn the_encrypted_file_takes_over_only_where_it_is_named_and_then_stays() {
    let mut session = Session::bare("fallback");
    let clock = Arc::new(SystemClock::new());
    let (folder, keys) = (session.home.join("items"), session.home.join("items.key"));
    let platform = |environment: Environment| {
        let stores = vec![StoreKind::SecretService, StoreKind::EncryptedFile];
        let platform = Platform::new(environment).stores(stores).unwrap();
        Arc::new(platform.encrypted_file(&folder, &keys))
    };
    let provider = builder().build(platform(session.environment()), clock.clone()).unwrap();
    set(&provider, &request("openai"), &[("key", "sk-canary-1")]).await.unwrap();
    let choice = provider.choice().unwrap();
    assert_eq!(choice.store(), StoreKind::EncryptedFile);
    assert!(choice.reason().contains("not secret_service"), "{choice}");
    // A keyring that comes later does not make the item seem gone.
    session.start_keyring();
    assert_eq!(secret(&resolved(&provider, &request("openai")).await.unwrap()), "sk-canary-1");
    for file in walk(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"canary"), "{file:?} holds plaintext");
    }
    let error = resolved(&provider, &request("github")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert_eq!(error.class(), ErrorClass::FixConfiguration);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

/// As under `sudo` or `su`: the address is there, and the bus is another user's.
#[test]
#[ignore = "needs root and setpriv"]
fn another_users_bus_is_no_keychain_and_no_outage() {
    use std::os::unix::fs::PermissionsExt as _;
    let session = Session::unlocked("another-user");
    let program = session.home.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for path in [&session.home, &program] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = session
        .command("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--ignored", "--exact", "--nocapture", "restart::as_another_user"])
        .env("KEYCHAIN_TEST_WITHIN", "1")
        .output()
        .expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("refused as another's"), "{said}");
}

#[tokio::test]
#[ignore = "needs root and setpriv"]
async fn as_another_user() {
    if std::env::var_os("KEYCHAIN_TEST_WITHIN").is_none() {
        return; // `another_users_bus_is_no_keychain_and_no_outage` runs it.
    }
    let clock = Arc::new(SystemClock::new());
    let platform = Arc::new(Platform::new(Environment::of_this_process()));
    let provider = builder().build(platform, clock).unwrap();
    let error = resolved(&provider, &request("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured, "{error}");
    assert!(error.detail().contains("another's"), "{error}");
    eprintln!("refused as another's");
}

//! What we store `secret-tool` reads, and the other way round.

use credential_provider_api::{
    CredentialProvider as _, ErrorCode, ExposeSecret as _, HealthStatus, Material, ReauthReason,
    SignIn as _,
};
use keychain_provider::StoreKind;

use crate::session::Session;
use crate::world::{asking, builder, built, provider, request, resolved, secret, set};

const OURS: [&str; 4] = ["service", "credential-provider.os", "account", "openai"];

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn what_we_store_secret_tool_reads_and_the_other_way_round() {
    let session = Session::unlocked("tools");
    let provider = provider(&session);
    let missing = resolved(&provider, &request("openai")).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NeedsReauth);
    assert_eq!(missing.reason(), Some(ReauthReason::NotSignedIn));

    set(&provider, &asking("openai"), &[("key", "sk-ours-ä")]).await.unwrap();
    assert_eq!(session.lookup(&OURS).as_deref(), Some("sk-ours-ä"));

    session.store(&OURS, "sk-theirs\n");
    let read = resolved(&provider, &request("openai")).await.unwrap();
    assert_eq!(secret(&read), "sk-theirs", "the end of the line is not part of the key");

    // It was replaced, not added to: ours replaces it in turn.
    set(&provider, &asking("openai"), &[("key", "sk-again")]).await.unwrap();
    assert_eq!(session.lookup(&OURS).as_deref(), Some("sk-again"));
    provider.sign_out(&request("openai")).await.unwrap();
    assert_eq!(session.lookup(&OURS), None, "one item was there, and it is gone");

    set(&provider, &asking("mail"), &[("user", "me"), ("password", "p\"w")]).await.unwrap();
    let json = session.lookup(&["service", "credential-provider.os", "account", "mail"]).unwrap();
    assert_eq!(json, r#"{"password":"p\"w","user":"me"}"#);
    let mail = resolved(&provider, &request("mail")).await.unwrap();
    let Material::UserValue(fields) = mail.material() else { panic!("{mail:?}") };
    assert_eq!(fields["password"].expose_secret(), "p\"w");

    let health = provider.check(&request("openai"), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
    assert!(health.detail.as_str().starts_with("secret_service: "), "{health:?}");
    assert_eq!(provider.choice().unwrap().store(), StoreKind::SecretService);
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn promise_10_another_programs_item_is_read_and_never_rewritten() {
    let session = Session::unlocked("foreign");
    let provider = provider(&session);
    let gh = ["service", "gh:github.com", "account", "me"];
    let missing = resolved(&provider, &request("github")).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::CredentialNotFound);

    // With an attribute more, as programs have them.
    session.store(&[&gh[..], &["host", "github.com"]].concat(), "gho_1");
    let read = resolved(&provider, &request("github")).await.unwrap();
    assert_eq!(secret(&read), "gho_1");

    let set = set(&provider, &asking("github"), &[("token", "x")]).await.unwrap_err();
    assert_eq!(set.code(), ErrorCode::Unsupported);
    let gone = provider.sign_out(&asking("github")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::Unsupported);
    provider.revoke(&request("github"), Some(&read)).await.unwrap();
    assert_eq!(session.lookup(&gh).as_deref(), Some("gho_1"));

    // Two that match are none: nobody knows which is meant.
    session.store(&[&gh[..], &["host", "ghe.example"]].concat(), "gho_2");
    let unclear = resolved(&provider, &request("github")).await.unwrap_err();
    assert_eq!(unclear.code(), ErrorCode::ConfigurationInvalid, "{unclear}");
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn of_several_that_match_the_one_in_the_default_collection_counts() {
    let session = Session::unlocked("collections");
    let provider = provider(&session);
    let gh = ["service", "gh:github.com", "account", "me"];
    session.store(&[&["--collection=session"], &gh[..]].concat(), "gho_session");
    let read = resolved(&provider, &request("github")).await.unwrap();
    assert_eq!(secret(&read), "gho_session");
    session.store(&gh, "gho_login");
    let read = resolved(&provider, &request("github")).await.unwrap();
    assert_eq!(secret(&read), "gho_login");
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn a_list_names_what_is_there_and_reads_no_secret() {
    let session = Session::unlocked("list");
    let provider = provider(&session);
    for (id, field) in [("openai", "key"), ("bot/a", "token"), ("bot/b:c", "token")] {
        set(&provider, &asking(id), &[(field, "v")]).await.unwrap();
    }
    session.store(&["service", "gh:github.com", "account", "me"], "gho");
    session.store(&["service", "credential-provider.os", "account", "unconfigured"], "x");
    let names = async || {
        let listed = provider.list(&request("openai")).await.unwrap();
        let mut names: Vec<_> = listed.iter().map(|d| d.id.as_str().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names().await, ["bot/a", "bot/b:c", "github", "openai"]);
    session.lock();
    assert_eq!(names().await, ["bot/a", "bot/b:c", "github", "openai"], "names need no unlocking");
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn promise_6_no_monitor_of_the_bus_sees_a_secret() {
    let session = Session::unlocked("monitor");
    let log = session.home.join("monitor.log");
    let mut monitor = session
        .command("dbus-monitor")
        .arg("--session")
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .expect("dbus-monitor");
    let seen = || String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    crate::session::eventually(std::time::Duration::from_secs(5), || {
        seen().contains("NameAcquired")
    });
    let provider = built(builder(), &session);
    set(&provider, &asking("openai"), &[("key", "canary-secret")]).await.unwrap();
    resolved(&provider, &request("openai")).await.unwrap();
    crate::session::eventually(std::time::Duration::from_secs(5), || seen().contains("GetSecret"));
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    // As text, and as the bytes that the monitor prints for an array.
    let bytes: Vec<String> = "canary".bytes().map(|b| format!("{b:02x}")).collect();
    let text = seen();
    assert!(!text.contains("canary") && !text.contains(&bytes.join(" ")));
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn while_the_item_in_the_default_collection_is_locked_no_other_stands_in_for_it() {
    let session = Session::unlocked("standin");
    let provider = provider(&session);
    let ours = ["service", "credential-provider.os", "account", "openai"];
    session.store(&[&["--collection=session"], &ours[..]].concat(), "sk-stale");
    set(&provider, &request("openai"), &[("key", "sk-current")]).await.unwrap();
    let read = resolved(&provider, &request("openai")).await.unwrap();
    assert_eq!(secret(&read), "sk-current");
    session.lock();
    let read = resolved(&provider, &request("openai")).await.map(|read| secret(&read));
    assert_eq!(read.unwrap_err().code(), ErrorCode::InteractionRequired);
    // Nor is the other deleted while that one cannot be.
    let kept = provider.sign_out(&request("openai")).await.unwrap_err();
    assert_eq!(kept.code(), ErrorCode::InteractionRequired);
}

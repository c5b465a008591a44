//! `gateway --config FILE`, as a process: start, edits, signals, and the end.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "gateway_config/issuer.rs"]
mod issuer;
#[path = "gateway_config/process.rs"]
mod process;

use rustix::process::Signal;

use self::issuer::Issuer;
use self::process::{Folder, Gateway};

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_told_with_its_place() {
    let folder = Folder::new();
    let missing = folder.path("gateway.json5");
    let (code, said) = process::run(&missing).await;
    assert_eq!(code, Some(78));
    assert!(said.contains("does not exist") && said.contains("credentialProviders:"), "{said}");
    for (text, expected) in [
        ("{\n credentialProviders: ", "is not JSON5 at line"),
        ("{ credentialAcess: [] }", "credentialAcess is no section"),
        ("{ credentialGateway: { listen: '0.0.0.0:1' } }", "credentialGateway.listen"),
        ("{ credentialAccess: [ { consumer: 'x' } ] }", "credentialAccess"),
    ] {
        let path = folder.file("gateway.json5", text);
        let (code, said) = process::run(&path).await;
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn edits_are_put_in_force_and_wrong_ones_are_not() {
    let folder = Folder::new();
    folder.configuration("");
    let mut gateway = Gateway::start(&folder).await;
    gateway.prints("active    keys/openai").await;

    folder.file("gateway.json5", "{\n  credentialProviders: {");
    let said = gateway.prints("is not JSON5 at line").await;
    assert!(said.contains("gateway.json5"), "{said}");
    gateway.prints("the configuration before it stays in force").await;
    assert_eq!(gateway.providers().await, ["keys"]);

    folder.configuration("more: { type: 'file', path: '/nowhere' },");
    gateway.prints("provider  more is new").await;
    assert_eq!(gateway.providers().await, ["keys", "more"]);

    folder.configuration("more: { type: 'unheard-of' },");
    gateway.prints("provider  more stays as it was: ").await;
    assert_eq!(gateway.providers().await, ["keys", "more"]);

    folder.configuration("");
    gateway.signal(Signal::HUP);
    gateway.prints("provider  more is gone").await;
    assert_eq!(gateway.end(Signal::TERM).await, Some(0));
}

#[tokio::test]
async fn a_link_opens_the_page_once_and_a_signal_makes_another() {
    let folder = Folder::new();
    folder.configuration("");
    let mut gateway = Gateway::start(&folder).await;
    let link = gateway.link.clone();
    assert_eq!(process::status(&link).await, 303);
    assert_eq!(process::status(&link).await, 401);
    gateway.signal(Signal::USR1);
    let another = gateway.prints("page      http").await;
    assert_eq!(process::status(another.split_whitespace().last().unwrap()).await, 303);
    assert_eq!(gateway.end(Signal::INT).await, Some(0));
    assert!(!folder.path("state/gateway.sock").exists());
}

#[tokio::test]
async fn a_second_gateway_on_one_socket_says_so() {
    let folder = Folder::new();
    folder.configuration("");
    let gateway = Gateway::start(&folder).await;
    let (code, said) = process::run(&folder.path("gateway.json5")).await;
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("a gateway is running on this socket already"), "{said}");
    assert_eq!(gateway.end(Signal::TERM).await, Some(0));
}

/// The code was sent: its answer is the only one there will be.
#[tokio::test]
async fn an_exchange_under_way_is_finished_before_the_end() {
    let folder = Folder::new();
    let issuer = Issuer::holding().await;
    folder.configuration(&issuer.provider());
    let mut gateway = Gateway::start(&folder).await;
    let flow = gateway.login("work/mail").await;
    let callback = format!("{}?code=c&state={flow}", gateway.callback);
    let coming_back = tokio::spawn(async move { process::status(&callback).await });
    issuer.asked().await;
    gateway.signal(Signal::TERM);
    gateway.prints("ending: ").await;
    issuer.let_go();
    assert_eq!(coming_back.await.unwrap(), 200);
    assert_eq!(gateway.ended().await, Some(0));

    // What it brought is kept.
    let mut again = Gateway::start(&folder).await;
    again.prints("active    work/mail").await;
    assert_eq!(again.end(Signal::TERM).await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let issuer = Issuer::holding().await;
    folder.configuration(&issuer.provider());
    let mut gateway = Gateway::start(&folder).await;
    let flow = gateway.login("work/mail").await;
    let callback = format!("{}?code=c&state={flow}", gateway.callback);
    let coming_back = tokio::spawn(async move { process::try_status(&callback).await });
    issuer.asked().await;
    gateway.signal(Signal::TERM);
    gateway.prints("ending: ").await;
    assert_eq!(gateway.end(Signal::TERM).await, Some(130));
    assert_eq!(coming_back.await.unwrap(), None);
}

/// The file to copy from is one that can be used as it is.
#[tokio::test]
async fn the_sample_is_read() {
    let text = include_str!("../gateway.json5");
    let document = credential_host::Document::parse("/nowhere/gateway.json5", text).unwrap();
    assert!(document.store().unwrap().is_some());
    let host = credential_host::CredentialHost::builder(document).open().await.unwrap();
    assert!(host.failed().is_empty(), "{:?}", host.failed());
    host.shutdown().await;
    // And so is what it leaves to be filled in.
    let whole = text.replace("    // work: {", "    work: {").replace("    //   ", "      ");
    let whole =
        whole.replace("    // },", "    },").replace("    // openclaw: {", "    openclaw: {");
    let document = credential_host::Document::parse("/nowhere/gateway.json5", &whole).unwrap();
    let host = credential_host::CredentialHost::builder(document).open().await.unwrap();
    let ids: Vec<String> =
        host.engine().administrator().providers().iter().map(|(p, _)| p.id.to_string()).collect();
    assert_eq!(ids, ["openclaw", "os", "work"], "{:?}", host.failed());
    host.shutdown().await;
}

#[tokio::test]
async fn what_to_do_is_told_once() {
    use credential_host::control::{Connection, Named, Operation};
    let folder = Folder::new();
    folder.configuration("");
    let mut gateway = Gateway::start(&folder).await;
    gateway.prints("active    keys/openai").await;
    let mut connection = Connection::open(&folder.path("state/gateway.sock")).await.unwrap();
    let of = Named::new(credential_provider_api::CredentialRef::parse("keys/openai").unwrap());
    let _ = connection.perform(&Operation::Revoke { of }).await.unwrap();
    let line = gateway.prints("revoked   keys/openai").await;
    assert_eq!(line.matches("Sign in again").count(), 1, "{line}");
}

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

/// A chat names its people as it likes.
#[tokio::test]
async fn a_name_from_a_chat_writes_no_line_and_moves_no_cursor() {
    use credential_host::control::{Named, Operation};
    use credential_provider_api::{CredentialRef, EffectiveSession, Requester};
    let folder = Folder::new();
    let requester = "mallory\npage      http://evil.example/?token=0\u{1b}[2J";
    let mallory = EffectiveSession::requester(Requester {
        session: "s",
        channel: "slack",
        account: "T1",
        requester,
    })
    .unwrap();
    folder.configuration("");
    let mut gateway = Gateway::start(&folder).await;
    let login = Named::new(CredentialRef::parse("keys/login").unwrap());
    let socket = folder.path("state/gateway.sock");
    let sections = serde_json::json!({mallory.encoded(): {"user": "mallory"}});
    folder.file("keys.json", &sections.to_string());
    let mut connection = credential_host::control::Connection::open(&socket).await.unwrap();
    let refresh = Operation::Refresh { of: login.in_session(Some(&mallory)) };
    connection.perform(&refresh).await.unwrap().unwrap();
    let line = gateway.prints("active    keys/login").await;
    assert!(line.contains("evil.example"), "one event is one line: {line:?}");
    assert!(!line.contains('\u{1b}'), "{line:?}");
    assert_eq!(gateway.end(Signal::TERM).await, Some(0));
}

/// A gateway that has just been told of a source which takes calls and does not answer.
async fn while_a_new_source_is_asked(folder: &Folder) -> Gateway {
    let secrets = "{ secrets: { providers: { default: { source: 'env', allowlist: ['PATH'] } } },";
    let write = |more: &str| {
        let text = std::fs::read_to_string(folder.configuration(more)).unwrap();
        folder.file("gateway.json5", &text.replacen('{', secrets, 1));
    };
    write("");
    let mut gateway = Gateway::start(folder).await;
    gateway.prints("active    keys/openai").await;
    let issuer = Issuer::holding().await;
    let secret =
        "clientId: 'gateway', clientSecret: { source: 'env', provider: 'default', id: 'PATH' },";
    let machine = issuer.provider().replace("clientId: 'gateway',", secret);
    let grant = "grant: { type: 'client_credentials' }, scopes: ['mail.read']";
    write(&machine.replace("scopes: ['mail.read']", grant));
    gateway.prints("provider  work is new").await;
    issuer.asked().await;
    gateway
}

const SOON: std::time::Duration = std::time::Duration::from_secs(8);

#[tokio::test]
async fn a_new_link_is_made_while_an_edit_is_put_in_force() {
    let folder = Folder::new();
    let mut gateway = while_a_new_source_is_asked(&folder).await;
    gateway.signal(Signal::USR1);
    let shown = tokio::time::timeout(SOON, gateway.prints("page      http")).await;
    assert!(shown.is_ok(), "SIGUSR1 is not heeded while the new provider is asked");
}

#[tokio::test]
async fn the_end_begins_while_an_edit_is_put_in_force() {
    let folder = Folder::new();
    let mut gateway = while_a_new_source_is_asked(&folder).await;
    gateway.signal(Signal::TERM);
    let ending = tokio::time::timeout(SOON, gateway.prints("ending: ")).await;
    assert!(ending.is_ok(), "SIGTERM is not heeded while the new provider is asked");
    // The call is one that can be given up.
    assert_eq!(gateway.ended().await, Some(0));
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

/// `FileProvider` gives up after 2 s where a drive does not answer; the end has to, too.
#[tokio::test]
async fn a_drive_that_does_not_answer_keeps_no_gateway_from_ending() {
    let folder = Folder::new();
    folder.configuration("");
    let keys = folder.path("keys.json");
    std::fs::remove_file(&keys).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &keys, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let mut gateway = Gateway::start(&folder).await;
    gateway.signal(Signal::TERM);
    gateway.prints("ended").await;
    let ended = tokio::time::timeout(std::time::Duration::from_secs(15), gateway.ended()).await;
    assert!(ended.is_ok(), "it said that it has ended, and is there yet");
}

#[tokio::test]
async fn a_section_that_is_misspelt_before_its_first_syllable_ends_is_told() {
    let folder = Folder::new();
    for name in ["credentailProviders", "CredentialProviders", "crdentialProviders"] {
        let text = format!("{{ {name}: {{ keys: {{ type: 'file', path: '/k' }} }} }}");
        let parsed = credential_host::Document::parse(folder.path("gateway.json5"), &text);
        assert!(parsed.is_err(), "{name} is taken for somebody else's section");
    }
}

#[test]
fn the_help_says_how_a_gateway_on_a_configuration_ends() {
    let program = env!("CARGO_BIN_EXE_gateway");
    let help = std::process::Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    // With `--config`, SIGTERM is 0 and not 143, and there are 69 and 78.
    assert!(help.contains("78") && help.contains("69"), "{help}");
}

/// A pager, a terminal after Ctrl-S, a log collector that hangs.
#[tokio::test]
async fn a_reader_that_has_stopped_to_read_keeps_no_gateway_from_ending() {
    use credential_host::control::{Connection, Named, Operation};
    use credential_provider_api::{CredentialRef, EffectiveSession};
    let folder = Folder::new();
    folder.configuration("");
    let gateway = Gateway::start(&folder).await;
    let session = |number| EffectiveSession::shared(&format!("{number}-{}", "x".repeat(3000)));
    let sections: serde_json::Map<String, serde_json::Value> = (0..60)
        .map(|number| {
            let name = session(number).unwrap().encoded().to_owned();
            (name, serde_json::json!({"user": "alice"}))
        })
        .collect();
    folder.file("keys.json", &serde_json::Value::from(sections).to_string());
    let mut connection = Connection::open(&folder.path("state/gateway.sock")).await.unwrap();
    for number in 0..60 {
        let login = Named::new(CredentialRef::parse("keys/login").unwrap());
        let of = login.in_session(Some(&session(number).unwrap()));
        connection.perform(&Operation::Refresh { of }).await.unwrap().unwrap();
    }
    gateway.signal(Signal::TERM);
    assert!(gateway.ended_unread().await, "SIGTERM is not heeded");
}

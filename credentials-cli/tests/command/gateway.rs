//! The command beside a gateway that runs.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use credential_host::control::{Connection, Operations, SocketError, serve};
use credential_host::{CredentialHost, Document};
use credential_provider_api::CredentialRef;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_util::sync::CancellationToken;

use super::common::{World, grant};

/// A gateway in this process; the command is always another one.
pub(crate) struct Gateway {
    pub(crate) host: Arc<CredentialHost>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), SocketError>>,
}

impl Gateway {
    pub(crate) async fn on(configuration: &Path) -> Self {
        let document = Document::read(configuration).unwrap();
        let socket = document.gateway().unwrap().socket;
        let host = Arc::new(CredentialHost::builder(document).open().await.unwrap());
        assert!(host.failed().is_empty(), "{:?}", host.failed());
        let stop = CancellationToken::new();
        let operations = Operations::of_gateway(host.clone());
        let (path, until) = (socket.clone(), stop.clone());
        let served = tokio::spawn(async move { serve(operations, &path, until).await });
        while Connection::open(&socket).await.is_err() {
            assert!(!served.is_finished(), "it is served");
            tokio::task::yield_now().await;
        }
        Self { host, stop, served }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
        self.host.shutdown().await;
    }
}

#[tokio::test]
async fn it_is_asked_where_it_runs() {
    let world = World::keys();
    let gateway = Gateway::on(&world.configuration()).await;
    world.run(&["get", "keys/openai"]).await.code(0).says("…WXYZ").keeps_quiet();
    // What is in its memory, and in no store.
    let done = world.run(&["status"]).await.code(0).says("keys/openai  active");
    assert_eq!(done.err, "");
    let done = world.run(&["status", "--json"]).await.code(0);
    let whole: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&whole["source"], &whole["entries"][0]["state"]),
        (&json!("gateway"), &json!("active"))
    );
    let alone = world.run(&["status", "--no-gateway"]).await.code(0);
    assert!(!alone.complains("no gateway is asked").out.contains("keys/openai"));
    world.run(&["get", "keys/other"]).await.code(3).complains("credentialAccess in /");
    world.run(&["doctor"]).await.code(0).says("ok      gateway: version");
    gateway.stop().await;
    world.run(&["status"]).await.code(0).complains("no gateway is asked");
}

#[tokio::test]
async fn what_is_revoked_at_the_command_is_served_no_more() {
    let world = World::keys();
    let gateway = Gateway::on(&world.configuration()).await;
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let name = CredentialRef::parse("keys/openai").unwrap();
    assert!(cli.request(&name).await.is_ok());
    // Past the gateway there is nothing to take back, and that is said.
    let past = ["revoke", "keys/openai", "--yes", "--no-gateway"];
    world.run(&past).await.code(64).complains("ask a gateway");
    assert!(cli.request(&name).await.is_ok());
    world.run(&["revoke", "keys/openai", "--yes"]).await.code(0).says("taken back here");
    assert!(cli.request(&name).await.is_err());
    gateway.stop().await;
}

#[tokio::test]
async fn a_socket_that_was_named_has_to_answer() {
    let world = World::keys();
    let (missing, socket) = (world.path("none.sock"), world.path("credentials.sock"));
    let missing = missing.to_str().unwrap();
    world.run(&["status", "--socket", missing]).await.code(5).complains("no gateway is running");
    world.run(&["status", "--socket", missing, "--no-gateway"]).await.code(64);
    let gateway = Gateway::on(&world.configuration()).await;
    // No configuration is needed then.
    let mut command = world.command(&["status"]);
    command.env("CREDENTIALS_SOCKET", &socket).env("CREDENTIALS_CONFIG", "/nowhere");
    let done = super::common::end(command, "").await.code(0);
    assert_eq!(done.err, "");
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_on_another_configuration_is_not_taken_for_ours() {
    let world = World::keys();
    let gateway = Gateway::on(&world.configuration()).await;
    let other = world.file("other.json5", "{}");
    let other = other.to_str().unwrap();
    let done = world.run(&["status", "--config", other]).await.code(78);
    done.complains("credentials.json5").complains("--no-gateway");
    world.run(&["status", "--config", other, "--no-gateway"]).await.code(0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_watch_tells_events_as_they_come_and_ends_with_the_gateway() {
    let world = World::keys();
    let gateway = Gateway::on(&world.configuration()).await;
    let mut command = world.command(&["status", "--watch", "--json"]);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let name = CredentialRef::parse("keys/openai").unwrap();
    let target = || gateway.host.engine().administrator().at(&name);
    let told = async {
        let mut told = Vec::new();
        while !told.contains(&json!("active")) {
            let line = lines.next_line().await.unwrap().unwrap();
            let event: Value = serde_json::from_str(&line).unwrap();
            told.push(event["to"].clone());
        }
    };
    // Until it watches, nothing is told: what happens is repeated.
    let happening = async {
        loop {
            let _ = cli.request(&name).await;
            let _ = target().release();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = told => {}
        () = happening => {}
    }
    gateway.stop().await;
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the gateway has ended"));
}

#[tokio::test]
async fn a_secret_is_set_through_the_gateway() {
    let world = World::new();
    world.configure(super::common::vault(&world), json!([grant("vault/*")]));
    let gateway = Gateway::on(&world.configuration()).await;
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let name = CredentialRef::parse("vault/openai").unwrap();
    assert!(cli.request(&name).await.is_err());
    world.run_on(&["set", "vault/openai"], super::common::KEY).await.code(0).keeps_quiet();
    assert!(cli.request(&name).await.is_ok());
    gateway.stop().await;
}

#[tokio::test]
async fn a_store_that_is_watched_is_shown_again_when_it_changed() {
    let (world, issuer) = (World::new(), super::issuer::Issuer::start().await);
    world.configure(issuer.provider(), json!([]));
    let mut command = world.command(&["status", "--watch"]);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("CREDENTIAL"));
    super::sign_in::login(&world, &["login", "work/mail"]).await.code(0);
    while !lines.next_line().await.unwrap().unwrap().starts_with("work/mail   active") {}
    let own = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
}

#[tokio::test]
async fn a_named_socket_of_another_configuration_is_told_as_one_that_was_found_is() {
    let world = World::keys();
    let gateway = Gateway::on(&world.configuration()).await;
    let other = world.file("other.json5", "{}");
    let socket = world.path("credentials.sock");
    let words =
        ["status", "--config", other.to_str().unwrap(), "--socket", socket.to_str().unwrap()];
    let done = world.run(&words).await;
    gateway.stop().await;
    assert_eq!(done.code, 78, "--config was given and has no effect: {done:?}");
}

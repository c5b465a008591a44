//! A host and its socket: who may open it, what comes back, what never does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use credential_host::control::{
    Answer, Connection, Named, Operation, Operations, Reveal, Served, SocketError, serve,
};
use credential_host::{CredentialHost, Document};
use credential_provider_api::{CredentialRef, ExposeSecret as _, State};
use tokio_util::sync::CancellationToken;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("credential-host-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn configuration(&self, access: &str) -> PathBuf {
        let keys = self.file("keys.json", r#"{"keys": {"openai": "sk-canary-0123456789-WXYZ"}}"#);
        let text = format!(
            "{{ credentialProviders: {{ keys: {{ type: 'file', path: {keys:?} }} }},
                credentialGateway: {{ audit: 'audit.jsonl' }},
                credentialAccess: [ {access} ] }}"
        );
        self.file("credentials.json5", &text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const GRANTED: &str = "{ consumer: 'cli:credentials', credential: 'keys/openai' }";

struct Gateway {
    host: Arc<CredentialHost>,
    socket: PathBuf,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), SocketError>>,
}

impl Gateway {
    async fn on(configuration: &Path) -> Self {
        let document = Document::read(configuration).unwrap();
        let socket = document.gateway().unwrap().socket;
        let host = Arc::new(CredentialHost::builder(document).open().await.unwrap());
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let (operations, socket) = (Operations::of_gateway(host.clone()), socket.clone());
            let stop = stop.clone();
            async move { serve(operations, &socket, stop).await }
        });
        while Connection::open(&socket).await.is_err() {
            assert!(!served.is_finished(), "it is served");
            tokio::task::yield_now().await;
        }
        Self { host, socket, stop, served }
    }

    async fn ask(&self, operation: Operation) -> Result<Answer, String> {
        let mut connection = Connection::open(&self.socket).await.unwrap();
        connection.perform(&operation).await.unwrap().map_err(|refusal| refusal.code)
    }

    async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
        self.host.shutdown().await;
        assert!(!self.socket.exists());
    }
}

fn openai() -> Named {
    Named::new(CredentialRef::parse("keys/openai").unwrap())
}

#[tokio::test]
async fn the_socket_is_its_owners_and_goes_with_the_gateway() {
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration("")).await;
    let mode = std::fs::metadata(&gateway.socket).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let Ok(Answer::Hello(hello)) = gateway.ask(Operation::Hello).await else { panic!() };
    assert_eq!(hello.process, std::process::id());
    gateway.stop().await;
}

#[tokio::test]
async fn get_is_the_commands_own_and_needs_a_rule() {
    let folder = Folder::new();
    let path = folder.configuration("");
    let gateway = Gateway::on(&path).await;
    let get = |reveal| Operation::Get { of: openai(), reveal };
    assert_eq!(gateway.ask(get(Reveal::Secret)).await.unwrap_err(), "access_denied");
    folder.configuration(GRANTED);
    let Ok(Answer::Reloaded { failed, .. }) = gateway.ask(Operation::Reload).await else {
        panic!()
    };
    assert!(failed.is_empty());
    let Ok(Answer::Credential(shown)) = gateway.ask(get(Reveal::Masked)).await else { panic!() };
    let Some(Served::Masked(mask)) = shown.fields.get("key") else { panic!("{shown:?}") };
    assert_eq!(mask, "…WXYZ");
    let Ok(Answer::Credential(shown)) = gateway.ask(get(Reveal::Secret)).await else { panic!() };
    assert!(!format!("{shown:?}").contains("canary"));
    let Some(Served::Secret(secret)) = shown.fields.get("key") else { panic!() };
    let secret = secret.clone().into_inner();
    assert_eq!(secret.expose_secret(), "sk-canary-0123456789-WXYZ");
    gateway.stop().await;
}

#[tokio::test]
async fn the_commands_bindings_are_resolved_under_its_rules() {
    let folder = Folder::new();
    let path = folder.configuration("");
    let text = std::fs::read_to_string(&path).unwrap();
    let bound = "{ credentialBindings: [
        { consumer: 'cli:*', env: 'OPENAI_API_KEY', credential: 'keys/openai' },
        { consumer: 'tool:*', env: 'OTHER', credential: 'keys/openai' } ],";
    std::fs::write(&path, text.replacen('{', bound, 1)).unwrap();
    let gateway = Gateway::on(&path).await;
    let inject = || Operation::Inject { session: None };
    assert_eq!(gateway.ask(inject()).await.unwrap_err(), "access_denied");
    let granted = std::fs::read_to_string(&path).unwrap();
    let granted =
        granted.replace("credentialAccess: [", &format!("credentialAccess: [ {GRANTED} "));
    std::fs::write(&path, granted).unwrap();
    gateway.ask(Operation::Reload).await.unwrap();
    let Ok(Answer::Environment { set, removed }) = gateway.ask(inject()).await else { panic!() };
    assert!(!format!("{set:?}").contains("canary"));
    assert_eq!(set.keys().collect::<Vec<_>>(), ["OPENAI_API_KEY"]);
    assert!(removed.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_renewal_hands_no_secret_out_and_needs_no_rule() {
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration("")).await;
    let refresh = Operation::Refresh { of: openai() };
    let Ok(Answer::Credential(shown)) = gateway.ask(refresh).await else { panic!() };
    assert!(shown.fields.is_empty(), "{shown:?}");
    assert_eq!(shown.renewed, Some(credential_host::control::Renewed::Same));
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_revoked_at_the_command_is_served_no_more() {
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration(GRANTED)).await;
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let name = CredentialRef::parse("keys/openai").unwrap();
    assert!(cli.request(&name).await.is_ok());
    let revoke = Operation::Revoke { of: openai() };
    // A file cannot revoke; it is withdrawn here all the same.
    let _ = gateway.ask(revoke).await;
    assert!(cli.request(&name).await.is_err());
    let Ok(Answer::Status { entries, .. }) = gateway.ask(Operation::Status).await else { panic!() };
    let states: Vec<State> = entries.iter().map(|entry| entry.state).collect();
    assert_eq!(states, [State::Revoked]);
    let Ok(Answer::Audit { lines }) = gateway.ask(Operation::Audit { last: 10 }).await else {
        panic!()
    };
    let actions: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["first_use", "revoked"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_second_gateway_is_told_of_the_first_and_a_stale_socket_is_taken_over() {
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration("")).await;
    let again = Operations::of_gateway(gateway.host.clone());
    let second = serve(again, &gateway.socket, CancellationToken::new()).await;
    assert_eq!(second, Err(SocketError::InUse(gateway.socket.clone())));
    gateway.stop().await;

    let path = folder.0.join("credentials.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let nobody = Connection::open(&path).await.unwrap_err();
    assert_eq!(nobody, SocketError::Nobody(path));
    let gateway = Gateway::on(&folder.configuration("")).await;
    gateway.stop().await;

    let foreign = folder.file("file.sock", "not ours");
    let host = CredentialHost::builder(Document::read(folder.configuration("")).unwrap());
    let operations = Operations::of_gateway(Arc::new(host.open().await.unwrap()));
    let refused = serve(operations.clone(), &foreign, CancellationToken::new()).await;
    assert_eq!(refused, Err(SocketError::Foreign(foreign.clone())));
    assert_eq!(std::fs::read_to_string(foreign).unwrap(), "not ours");

    let open = folder.0.join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let exposed = open.join("a.sock");
    let refused = serve(operations, &exposed, CancellationToken::new()).await;
    assert_eq!(refused, Err(SocketError::Exposed(exposed)));
}

#[tokio::test]
async fn noise_is_answered_and_ends_nothing() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration("")).await;
    let mut stream = tokio::net::UnixStream::connect(&gateway.socket).await.unwrap();
    stream.write_all(b"{\"op\":\"canary\"}\n").await.unwrap();
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    assert!(line.contains("unsupported") && !line.contains("canary"), "{line}");
    // A message without end is not read to its end.
    let endless = vec![b' '; (1 << 20) + 10];
    let _ = stream.write_all(&endless).await;
    assert!(gateway.ask(Operation::Hello).await.is_ok());
    gateway.stop().await;
}

#[tokio::test]
async fn events_follow_a_watch() {
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration(GRANTED)).await;
    let mut connection = Connection::open(&gateway.socket).await.unwrap();
    let watching = connection.perform(&Operation::Watch).await.unwrap();
    assert!(matches!(watching, Ok(Answer::Watching)));
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    cli.request(&CredentialRef::parse("keys/openai").unwrap()).await.unwrap();
    let mut told = Vec::new();
    while !told.contains(&Some("active".to_owned())) {
        let Some(credential_host::control::Reply::Event(event)) = connection.next().await.unwrap()
        else {
            panic!("{told:?}")
        };
        told.push(event.to);
    }
    gateway.stop().await;
    while connection.next().await.unwrap().is_some() {}
}

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

#[tokio::test]
async fn a_store_that_cannot_be_read_hides_nothing_that_is_served_from_memory() {
    let folder = Folder::new();
    let path = folder.configuration(GRANTED);
    let text = std::fs::read_to_string(&path).unwrap();
    // Its key is a folder: the store does not open.
    std::fs::create_dir(folder.0.join("no-key")).unwrap();
    let store = "{ credentialStore: { folder: 'grants', keyFile: 'no-key' },";
    std::fs::write(&path, text.replacen('{', store, 1)).unwrap();
    let gateway = Gateway::on(&path).await;
    let get = Operation::Get { of: openai(), reveal: Reveal::Masked };
    assert!(gateway.ask(get).await.is_ok(), "it is served");
    let status = gateway.ask(Operation::Status).await;
    let Ok(Answer::Status { entries, problem, .. }) = status else { panic!("{status:?}") };
    assert!(entries.iter().any(|entry| entry.state == State::Active), "{entries:?}");
    assert!(problem.is_some(), "and it is said that there may be more");
    gateway.stop().await;
}

#[tokio::test]
async fn a_status_of_the_store_has_every_variant_that_somebody_signed_in_to() {
    use credential_provider_api::{Credential, Key, Record, SecretString, Timestamp, Variant};
    let folder = Folder::new();
    let path = folder.configuration(GRANTED);
    let text = std::fs::read_to_string(&path).unwrap();
    let store = "{ credentialStore: { folder: 'grants', keyFile: 'grants.key' },";
    std::fs::write(&path, text.replacen('{', store, 1)).unwrap();
    let host = CredentialHost::builder(Document::read(&path).unwrap()).open().await.unwrap();
    for audience in ["one", "two"] {
        let mut key = Key::gateway(&CredentialRef::parse("keys/openai").unwrap());
        key.variant = Variant::builder().audience(audience).build().unwrap();
        let mut record = Record::default();
        let secret = SecretString::from("sk-canary-0123456789");
        record.credential =
            Some(Credential::api_key(secret).with_expiry(Timestamp::from_millis(u64::MAX / 2)));
        host.store().unwrap().save(&key, None, record).await.unwrap();
    }
    let operations = Operations::of_store(Arc::new(host));
    let Ok(Answer::Status { entries, .. }) = operations.perform(Operation::Status).await else {
        panic!()
    };
    let variants: Vec<_> = entries.iter().filter_map(|entry| entry.variant.clone()).collect();
    assert_eq!(variants.len(), 2, "{variants:?}");
}

#[test]
fn an_audit_trail_that_was_moved_away_at_its_full_size_goes_on_in_a_new_file() {
    use credential_host::FileAudit;
    let folder = Folder::new();
    let path = folder.file("audit.jsonl", &format!("{}\n", "x".repeat(17 << 20)));
    let audit = FileAudit::new(&path);
    record(&audit, "tool:one").unwrap();
    // As logrotate does.
    std::fs::rename(&path, folder.0.join("audit.jsonl.moved")).unwrap();
    let _ = record(&audit, "tool:two");
    assert_eq!(record(&audit, "tool:three"), Ok(()), "or every request is denied from now on");
    assert!(path.exists());
}

#[test]
fn the_audit_trail_of_two_processes_stays_whole_when_one_of_them_begins_a_new_file() {
    use credential_host::FileAudit;
    let folder = Folder::new();
    let path = folder.file("audit.jsonl", "");
    let (gateway, command) = (FileAudit::new(&path), FileAudit::new(&path));
    record(&gateway, "tool:one").unwrap();
    // It was filled by the others; the second to write turns it over, twice.
    for _ in 0..2 {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, format!("{}\n", "x".repeat(17 << 20)).as_bytes())
            .unwrap();
        let fresh = FileAudit::new(&path);
        record(&fresh, "tool:fills").unwrap();
        record(&fresh, "tool:turns").unwrap();
    }
    record(&command, "tool:two").unwrap();
    record(&gateway, "tool:last").unwrap();
    let lines = FileAudit::last(&path, 1).unwrap();
    let who: Vec<_> = lines.iter().map(|line| line.consumer.as_str()).collect();
    assert_eq!(who, ["tool:last"], "what a gateway that runs records is in the trail");
}

fn record(
    audit: &credential_host::FileAudit,
    who: &str,
) -> Result<(), credential_provider_api::AuditFailed> {
    use credential_provider_api::{
        AuditAction, AuditRecord, AuditSink as _, ConsumerName, Key, Timestamp,
    };
    let key = Key::gateway(&CredentialRef::parse("keys/openai").unwrap());
    let who = ConsumerName::new(who).unwrap();
    audit.record(&AuditRecord::new(Timestamp::from_millis(7), who, key, AuditAction::Denied))
}

#[test]
fn a_path_of_the_gateway_that_is_empty_is_told_with_its_place() {
    for name in ["socket", "audit"] {
        let text = format!("{{ credentialGateway: {{ {name}: '' }} }}");
        let parsed = Document::parse("/etc/gateway/credentials.json5", &text);
        let said = parsed.map(drop).map_err(|error| error.to_string());
        assert!(said.is_err_and(|said| said.contains(&format!("credentialGateway.{name}"))));
    }
}

#[tokio::test]
async fn a_folder_of_another_user_is_no_place_for_a_socket() {
    let folder = Folder::new();
    let theirs = folder.0.join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    if std::os::unix::fs::chown(&theirs, Some(65_534), Some(65_534)).is_err() {
        return; // Only root gives a folder away.
    }
    let host = CredentialHost::builder(Document::read(folder.configuration("")).unwrap());
    let operations = Operations::of_gateway(Arc::new(host.open().await.unwrap()));
    let socket = theirs.join("a.sock");
    let stop = CancellationToken::new();
    stop.cancel();
    // Its owner replaces what is in it at will.
    let refused = serve(operations, &socket, stop).await;
    assert_eq!(refused, Err(SocketError::Exposed(socket)));
}

#[tokio::test]
async fn a_status_of_many_credentials_reaches_the_command() {
    use credential_provider_api::EffectiveSession;
    let folder = Folder::new();
    let gateway = Gateway::on(&folder.configuration("")).await;
    // Long names of sessions, as groups have them.
    for number in 0..400 {
        let session = EffectiveSession::shared(&format!("{number}-{}", "x".repeat(3000))).unwrap();
        let login = Named::new(CredentialRef::parse("keys/login").unwrap());
        let refresh = Operation::Refresh { of: login.in_session(Some(&session)) };
        let _ = gateway.ask(refresh).await;
    }
    let mut connection = Connection::open(&gateway.socket).await.unwrap();
    let status = connection.perform(&Operation::Status).await;
    assert!(matches!(status, Ok(Ok(Answer::Status { .. }))), "{:?}", status.map(drop));
    gateway.stop().await;
}

#[test]
fn a_name_that_is_there_twice_is_told() {
    let twice = [
        "{ credentialProviders: { k: { type: 'file', path: '/a' }, k: { type: 'file', path: '/b' } } }",
        "{ credentialAccess: [ { consumer: 'tool:a', credential: 'k/a' } ], credentialAccess: [] }",
    ];
    for text in twice {
        let parsed = Document::parse("/etc/gateway/credentials.json5", text);
        assert!(parsed.is_err(), "the first one is dropped without a word: {text}");
    }
}

/// Builds a provider when it is let: the first one waits.
struct Slow(Arc<tokio::sync::Semaphore>, Arc<AtomicU32>);

#[credential_provider_api::async_trait]
impl credential_provider_api::ProviderFactory for Slow {
    fn type_name(&self) -> &str {
        "slow"
    }

    async fn build(
        &self,
        id: credential_provider_api::ProviderId,
        settings: credential_provider_api::Settings,
        context: &credential_provider_api::FactoryContext,
    ) -> Result<
        Arc<dyn credential_provider_api::CredentialProvider>,
        credential_provider_api::ConfigError,
    > {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            self.0.acquire().await.unwrap().forget();
        }
        credential_host::FileFactory.build(id, settings, context).await
    }
}

#[tokio::test]
async fn reloads_at_once_are_put_in_force_one_after_the_other_and_whole() {
    let folder = Folder::new();
    let path = folder.configuration("");
    let (lets, asked) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let builder = CredentialHost::builder(Document::read(&path).unwrap());
    let slow = Slow(lets.clone(), asked.clone());
    let host = Arc::new(builder.factory(slow).open().await.unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    let with = |id: &str| {
        let new = format!("credentialProviders: {{ {id}: {{ type: 'slow', path: '/nowhere' }},");
        folder.file("credentials.json5", &text.replacen("credentialProviders: {", &new, 1));
    };
    with("first");
    let reload = || {
        let host = host.clone();
        tokio::spawn(async move { host.reload().await.map(drop) })
    };
    let first = reload();
    while asked.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    // Whoever asked for it goes; it is put in force all the same.
    first.abort();
    with("second");
    let second = reload();
    lets.add_permits(1);
    second.await.unwrap().unwrap();
    let providers = host.engine().administrator().providers();
    let ids: Vec<_> = providers.iter().map(|(known, _)| known.id.to_string()).collect();
    let document = host.document();
    let configured = document.value().get("credentialProviders").unwrap().as_object().unwrap();
    assert!(ids.iter().all(|id| configured.contains_key(id)), "{ids:?}");
    assert!(configured.contains_key("second") && ids.len() == 2, "{ids:?}");
    host.shutdown().await;
}

#[tokio::test]
async fn a_reload_that_nobody_waits_for_has_ended_when_the_host_has() {
    let folder = Folder::new();
    let path = folder.configuration("");
    let host = CredentialHost::builder(Document::read(&path).unwrap()).open().await.unwrap();
    let host = Arc::new(host);
    let text = std::fs::read_to_string(&path).unwrap();
    // A file that is read for as long as nobody writes it.
    std::fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let reload = tokio::spawn({
        let host = host.clone();
        async move { host.reload().await.map(drop) }
    });
    // The one that asks, and the one that reads.
    while tasks() < before + 2 {
        tokio::task::yield_now().await;
    }
    reload.abort();
    let _ = reload.await;
    let ending = tokio::spawn(async move { host.shutdown().await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!ending.is_finished(), "the reload is under way");
    tokio::task::spawn_blocking(move || std::fs::write(path, text)).await.unwrap().unwrap();
    ending.await.unwrap();
}

/// A type of the host's own under the name of a bundled one.
struct Own;

#[credential_provider_api::async_trait]
impl credential_provider_api::ProviderFactory for Own {
    fn type_name(&self) -> &str {
        "file"
    }

    async fn build(
        &self,
        _: credential_provider_api::ProviderId,
        settings: credential_provider_api::Settings,
        _: &credential_provider_api::FactoryContext,
    ) -> Result<
        Arc<dyn credential_provider_api::CredentialProvider>,
        credential_provider_api::ConfigError,
    > {
        Err(credential_provider_api::ConfigError::new(settings.path(), "is the host's own"))
    }
}

#[tokio::test]
async fn a_type_of_the_hosts_own_wins_over_a_bundled_one() {
    let folder = Folder::new();
    let builder = CredentialHost::builder(Document::read(folder.configuration("")).unwrap());
    let host = builder.factory(Own).open().await.unwrap();
    let failed: Vec<String> = host.failed().values().map(ToString::to_string).collect();
    assert!(failed.len() == 1 && failed.iter().all(|why| why.contains("the host's own")));
    host.shutdown().await;
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_another_versions() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let folder = Folder::new();
    let socket = folder.0.join("played.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let gateway = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut String::new()).await.unwrap();
        stream.get_mut().write_all(b"{\"done\":{\"is\":\"greeting\"}}\n").await.unwrap();
    };
    let ask = async {
        let mut connection = Connection::open(&socket).await.unwrap();
        connection.perform(&Operation::Hello).await.map(drop)
    };
    let (answer, ()) = tokio::join!(ask, gateway);
    assert_eq!(answer, Err(SocketError::OtherVersion(socket)));
    assert!(answer.unwrap_err().to_string().contains("another version"));
}

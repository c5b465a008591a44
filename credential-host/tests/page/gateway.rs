//! A gateway with a page, a key in a file and a provider to sign in to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use credential_host::control::{Answer, Operation, Operations};
use credential_host::page::{Page, PageLinks};
use credential_host::{CredentialHost, Document};
use credential_provider_api::{ExposeSecret as _, ManualClock, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::browser::Browser;
use super::sign_in::Work;

pub(crate) const CANARY: &str = "canary-5e1f0c";

pub(crate) struct Gateway {
    folder: PathBuf,
    pub(crate) host: Arc<CredentialHost>,
    pub(crate) operations: Operations,
    pub(crate) links: PageLinks,
    pub(crate) address: SocketAddr,
    pub(crate) clock: ManualClock,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Gateway {
    pub(crate) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("page-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let keys = folder.join("keys.json");
        let text = format!(r#"{{"keys": {{"openai": "sk-{CANARY}-0123456789-WXYZ"}}}}"#);
        std::fs::write(&keys, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let path = folder.join("gateway.json5");
        let text = format!(
            "{{ credentialProviders: {{ keys: {{ type: 'file', path: {keys:?} }} }},
                credentialGateway: {{ audit: 'audit.jsonl' }},
                credentialAccess: [ {{ consumer: 'cli:credentials', credential: '*' }} ] }}"
        );
        std::fs::write(&path, text).unwrap();
        let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
        let host = CredentialHost::builder(Document::read(path).unwrap());
        let host = Arc::new(host.clock(Arc::new(clock.clone())).open().await.unwrap());
        host.engine().register(Arc::new(Work::new()));
        let operations = Operations::of_gateway(host.clone());
        let page = Page::bind(operations.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let links = page.links();
        let operations = operations.with_page(links.clone());
        let address = links.address();
        assert_eq!(page.callback(), format!("http://{address}/callback"));
        let stop = CancellationToken::new();
        let served = tokio::spawn(page.serve(stop.clone()));
        Self { folder, host, operations, links, address, clock, stop, served }
    }

    /// The path of a new link.
    pub(crate) fn link(&self) -> String {
        let url = self.links.mint();
        let start = format!("http://{}", self.address);
        url.expose_secret().strip_prefix(&start).unwrap().to_owned()
    }

    /// A browser with a session, which sends what the page's script sends.
    pub(crate) async fn enter(&self) -> Browser {
        let browser = Browser::new(self.address);
        let entered = browser.get(&self.link()).await;
        let browser = browser.with_cookie(&entered);
        let page = browser.get("/").await.body;
        let csrf = page.split_once(r#"name="csrf" content=""#).unwrap().1;
        let csrf = csrf.split('"').next().unwrap();
        browser
            .with("x-csrf-token", csrf)
            .with("origin", &format!("http://{}", self.address))
            .with("content-type", "application/json")
    }

    /// Where a credential is in its life, if anybody asked for it.
    pub(crate) async fn state(&self, credential: &str) -> Option<String> {
        let status = self.operations.perform(Operation::Status).await;
        let Ok(Answer::Status { entries, .. }) = status else { panic!("{status:?}") };
        let entry = entries.into_iter().find(|entry| entry.credential == credential)?;
        Some(entry.state.to_string())
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap();
        self.host.shutdown().await;
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

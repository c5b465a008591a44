//! [`Context`]: what every command is given.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use credential_host::{CredentialHost, Document, Places};

use tokio::sync::Notify;

use crate::arguments::Global;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The configuration as it was said, the terminal, and the host that was opened, if one was.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) terminal: Terminal,
    host: OnceLock<Arc<CredentialHost>>,
    pub(crate) leaving: Leaving,
}

/// A person who leaves, told to what is to be ended in good order.
#[derive(Default)]
pub(crate) struct Leaving {
    left: Notify,
    waits: AtomicBool,
}

impl Leaving {
    /// Waits until the person leaves. Cancel-safe.
    pub(crate) async fn heard(&self) {
        self.waits.store(true, Ordering::Relaxed);
        self.left.notified().await;
    }

    /// Says that the person leaves; whether anything has ever waited for it.
    pub(crate) fn tell(&self) -> bool {
        self.left.notify_one();
        self.waits.load(Ordering::Relaxed)
    }
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        if let Some(level) = global.log {
            let lines = tracing_subscriber::fmt().with_max_level(level.into_level());
            let lines = lines.with_writer(std::io::stderr).with_ansi(false).without_time();
            lines.init();
        }
        Self {
            global,
            terminal: Terminal::of_this_process(),
            host: OnceLock::new(),
            leaving: Leaving::default(),
        }
    }

    /// The configuration file: the flag before the variable before the usual place.
    pub(crate) fn document(&self) -> Result<Document, Failure> {
        let places = Places::of_this_process(self.global.config.clone());
        let path = places.find()?;
        // It is shown to people, and compared with a gateway's.
        let path = std::path::absolute(&path).unwrap_or(path);
        Ok(Document::read(path)?)
    }

    /// The socket that was named: the flag before the variable.
    pub(crate) fn named_socket(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os("CREDENTIALS_SOCKET").filter(|path| !path.is_empty());
        self.global.socket.clone().or_else(|| variable().map(PathBuf::from))
    }

    /// The engine of this process, opened on first use.
    pub(crate) async fn open(&self, document: Document) -> Result<Arc<CredentialHost>, Failure> {
        if let Some(host) = self.host.get() {
            return Ok(host.clone());
        }
        let host = Arc::new(CredentialHost::builder(document).open().await?);
        Ok(self.host.get_or_init(|| host).clone())
    }

    /// The engine of this process, if one was opened.
    pub(crate) fn opened(&self) -> Option<&Arc<CredentialHost>> {
        self.host.get()
    }
}

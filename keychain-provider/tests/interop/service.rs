//! Secret Services of the tests' own, for what gnome-keyring does not do.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use zbus::connection::Builder;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use crate::session::Session;

pub(crate) const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
pub(crate) const PROMPT: &str = "/org/freedesktop/secrets/prompt/p1";

pub(crate) fn path(text: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).unwrap()
}

pub(crate) struct Service {
    pub(crate) locked: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    async fn open_session(
        &self,
        _algorithm: String,
        _input: OwnedVariant,
    ) -> (OwnedVariant, OwnedObjectPath) {
        let key = zbus::Variant::from(vec![7_u8; 128]);
        (OwnedVariant::try_from(key).unwrap(), path("/org/freedesktop/secrets/session/s1"))
    }
    async fn search_items(
        &self,
        _attributes: HashMap<String, String>,
    ) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        (Vec::new(), Vec::new())
    }
    async fn read_alias(&self, _name: String) -> OwnedObjectPath {
        path(LOGIN)
    }
    async fn unlock(
        &self,
        _objects: Vec<OwnedObjectPath>,
    ) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        if self.locked.load(Ordering::SeqCst) {
            (Vec::new(), path(PROMPT))
        } else {
            (Vec::new(), path("/"))
        }
    }
}

pub(crate) struct Collection {
    pub(crate) locked: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    #[zbus(property)]
    fn locked(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }
}

pub(crate) struct Prompt {
    pub(crate) shown: Arc<AtomicUsize>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(&self, _window: String) {
        self.shown.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct Bus {
    pub(crate) bus: Connection,
    pub(crate) locked: Arc<AtomicBool>,
    pub(crate) shown: Arc<AtomicUsize>,
}

impl Bus {
    pub(crate) async fn start(session: &Session, locked: bool) -> Self {
        let (locked, shown) = (Arc::new(AtomicBool::new(locked)), Arc::new(AtomicUsize::new(0)));
        let bus = Builder::address(session.address.as_str())
            .serve_at("/org/freedesktop/secrets", Service { locked: locked.clone() })
            .serve_at(LOGIN, Collection { locked: locked.clone() })
            .serve_at(PROMPT, Prompt { shown: shown.clone() })
            .name("org.freedesktop.secrets")
            .build()
            .await
            .unwrap();
        Self { bus, locked, shown }
    }
    /// Many items change at once, as in an import.
    pub(crate) async fn burst(&self, count: usize) {
        let interface = "org.freedesktop.Secret.Collection";
        for n in 0..count {
            let item = path(&format!("{LOGIN}/{n}"));
            self.bus
                .emit_signal(None::<&str>, LOGIN, interface, "ItemChanged", &(item,))
                .await
                .unwrap();
        }
    }
}

/// A service that asks before it makes an item, as the API lets it.
pub(crate) struct Asks {
    pub(crate) stored: Arc<AtomicUsize>,
    pub(crate) dismissed: Arc<AtomicUsize>,
}

pub(crate) struct Confirmation {
    pub(crate) asks: Asks,
}

pub(crate) struct Making;

#[zbus::interface(name = "org.freedesktop.Secret.Collection")]
impl Making {
    async fn create_item(
        &self,
        _properties: HashMap<String, OwnedVariant>,
        _secret: (OwnedObjectPath, Vec<u8>, Vec<u8>, String),
        _replace: bool,
    ) -> (OwnedObjectPath, OwnedObjectPath) {
        (path("/"), path(PROMPT))
    }
    #[zbus(property)]
    fn locked(&self) -> bool {
        false
    }
}

#[zbus::interface(name = "org.freedesktop.Secret.Prompt")]
impl Confirmation {
    async fn prompt(&self, _window: String, #[zbus(connection)] bus: &Connection) {
        self.asks.stored.fetch_add(1, Ordering::SeqCst);
        let bus = bus.clone();
        tokio::spawn(async move {
            let body =
                (false, zbus::Variant::from(path("/org/freedesktop/secrets/collection/login/1")));
            let interface = "org.freedesktop.Secret.Prompt";
            bus.emit_signal(None::<&str>, PROMPT, interface, "Completed", &body).await.unwrap();
        });
    }
    async fn dismiss(&self) {
        self.asks.dismissed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Its collection is open, and each item is locked until it is unlocked itself (KeePassXC).
pub(crate) struct PerItem {
    pub(crate) open: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl PerItem {
    async fn open_session(
        &self,
        _algorithm: String,
        _input: OwnedVariant,
    ) -> (OwnedVariant, OwnedObjectPath) {
        let key = zbus::Variant::from(vec![7_u8; 128]);
        (OwnedVariant::try_from(key).unwrap(), path("/org/freedesktop/secrets/session/s1"))
    }
    async fn search_items(
        &self,
        _attributes: HashMap<String, String>,
    ) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let item = vec![path(&format!("{LOGIN}/1"))];
        if self.open.load(Ordering::SeqCst) { (item, Vec::new()) } else { (Vec::new(), item) }
    }
    async fn read_alias(&self, _name: String) -> OwnedObjectPath {
        path(LOGIN)
    }
    async fn unlock(
        &self,
        objects: Vec<OwnedObjectPath>,
    ) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        if objects.iter().any(|object| object.as_str() == format!("{LOGIN}/1")) {
            self.open.store(true, Ordering::SeqCst);
        }
        (objects, path("/"))
    }
}

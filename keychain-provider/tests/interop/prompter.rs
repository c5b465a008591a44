//! Stands where the desktop's password dialog would: it counts who asks, and answers nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zbus::connection::Builder;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use crate::session::Session;

/// A dialog that waits for a person for ever.
pub(crate) struct Prompter {
    shown: Arc<AtomicUsize>,
    _bus: Connection,
}

struct Dialog {
    shown: Arc<AtomicUsize>,
}

#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Dialog {
    async fn begin_prompting(&self, _callback: OwnedObjectPath) {
        self.shown.fetch_add(1, Ordering::SeqCst);
    }

    async fn perform_prompt(
        &self,
        _callback: OwnedObjectPath,
        _kind: String,
        _properties: std::collections::HashMap<String, OwnedVariant>,
        _exchange: String,
    ) {
    }

    async fn stop_prompting(&self, _callback: OwnedObjectPath) {}
}

impl Prompter {
    pub(crate) async fn start(session: &Session) -> Self {
        let shown = Arc::new(AtomicUsize::new(0));
        let dialog = Dialog { shown: shown.clone() };
        let bus = Builder::address(session.address.as_str())
            .serve_at("/org/gnome/keyring/Prompter", dialog)
            .name("org.gnome.keyring.SystemPrompter")
            .build()
            .await
            .unwrap();
        Self { shown, _bus: bus }
    }

    pub(crate) fn shown(&self) -> usize {
        self.shown.load(Ordering::SeqCst)
    }
}

/// Unlocks the login collection as the desktop's login does: with the password, without a dialog.
pub(crate) async fn unlock_otherwise(session: &Session) {
    const NAME: &str = "org.freedesktop.secrets";
    const ROOT: &str = "/org/freedesktop/secrets";
    const INTERNAL: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    let bus = Builder::address(session.address.as_str()).build().await.unwrap();
    let plain = ("plain", zbus::Variant::from(""));
    let opened = bus
        .call_method(
            Some(NAME),
            ROOT,
            Some("org.freedesktop.Secret.Service"),
            "OpenSession",
            &plain,
        )
        .await
        .unwrap();
    let (_, plain): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize().unwrap();
    let collection =
        OwnedObjectPath::try_from("/org/freedesktop/secrets/collection/login").unwrap();
    let password = (plain, Vec::<u8>::new(), crate::session::PASSWORD.as_bytes(), "text/plain");
    let body = (collection, password);
    bus.call_method(Some(NAME), ROOT, Some(INTERNAL), "UnlockWithMasterPassword", &body)
        .await
        .unwrap();
}

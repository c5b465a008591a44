//! What a review found: each fails while the fault is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use credential_provider_api::{Change, CredentialProvider as _, ErrorCode};
use futures::StreamExt as _;
use zbus::connection::Builder;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use crate::session::Session;
use crate::world::{asking, builder, built, provider, request, resolved, secret, set};

const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/p1";

fn path(text: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).unwrap()
}

struct Service {
    locked: Arc<AtomicBool>,
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

struct Collection {
    locked: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    #[zbus(property)]
    fn locked(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }
}

struct Prompt {
    shown: Arc<AtomicUsize>,
}

#[zbus::interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(&self, _window: String) {
        self.shown.fetch_add(1, Ordering::SeqCst);
    }
}

struct Bus {
    bus: Connection,
    locked: Arc<AtomicBool>,
    shown: Arc<AtomicUsize>,
}

impl Bus {
    async fn start(session: &Session, locked: bool) -> Self {
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
    async fn burst(&self, count: usize) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn many_changes_at_once_do_not_end_the_listening() {
    for count in [40, 1000] {
        let session = Session::bare("review-burst");
        let service = Bus::start(&session, false).await;
        let provider = provider(&session);
        let mut changes = provider.changes();
        let first = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
        assert_eq!(first.unwrap(), Some(Change::All), "it listens");
        service.burst(count).await;
        let mut heard = 0;
        while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
            heard += 1;
        }
        service
            .bus
            .emit_signal(
                None::<&str>,
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service",
                "CollectionChanged",
                &(path(LOGIN),),
            )
            .await
            .unwrap();
        let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
        assert!(later.is_ok(), "after {count} at once ({heard} heard) nothing is heard any more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn many_changes_at_once_do_not_lose_the_answer_to_a_prompt() {
    let session = Session::bare("review-prompt");
    let service = Bus::start(&session, true).await;
    let provider = Arc::new(built(builder().prompt_limit(Duration::from_secs(8)), &session));
    let waiting = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("openai")).await })
    };
    while service.shown.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.burst(std::env::var("BURST").map_or(1000, |n| n.parse().unwrap())).await;
    service.locked.store(false, Ordering::SeqCst);
    let body = (false, zbus::Variant::from(""));
    service
        .bus
        .emit_signal(None::<&str>, PROMPT, "org.freedesktop.Secret.Prompt", "Completed", &body)
        .await
        .unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::NeedsReauth,
        "it was unlocked, and no item is there: {error}"
    );
}

#[tokio::test]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn while_the_item_in_the_default_collection_is_locked_no_other_stands_in_for_it() {
    let session = Session::unlocked("review-standin");
    let provider = provider(&session);
    let ours = ["service", "credential-provider.os", "account", "openai"];
    session.store(&[&["--collection=session"], &ours[..]].concat(), "sk-stale");
    set(&provider, &request("openai"), &[("key", "sk-current")]).await.unwrap();
    let read = resolved(&provider, &request("openai")).await.unwrap();
    assert_eq!(secret(&read), "sk-current");
    session.lock();
    let read = resolved(&provider, &request("openai")).await.map(|read| secret(&read));
    assert_eq!(read.unwrap_err().code(), ErrorCode::InteractionRequired);
}

/// A service that asks before it makes an item, as the API lets it.
struct Asks {
    stored: Arc<AtomicUsize>,
    dismissed: Arc<AtomicUsize>,
}

struct Confirmation {
    asks: Asks,
}

struct Making;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn a_service_that_confirms_each_item_is_an_answer_with_a_next_step() {
    let session = Session::bare("review-confirm");
    let (stored, dismissed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let asks = Asks { stored: stored.clone(), dismissed: dismissed.clone() };
    let _bus = Builder::address(session.address.as_str())
        .serve_at("/org/freedesktop/secrets", Service { locked: Arc::new(AtomicBool::new(false)) })
        .serve_at(LOGIN, Making)
        .serve_at(PROMPT, Confirmation { asks })
        .name("org.freedesktop.secrets")
        .build()
        .await
        .unwrap();
    let provider = provider(&session);
    let forbidden = set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap_err();
    assert_eq!(forbidden.code(), ErrorCode::Unsupported);
    assert_eq!((stored.load(Ordering::SeqCst), dismissed.load(Ordering::SeqCst)), (0, 1));
    let asked = set(&provider, &asking("openai"), &[("key", "sk-1")]).await.unwrap_err();
    assert_eq!(asked.code(), ErrorCode::Unsupported);
    assert!(asked.detail().contains("turn that question off"), "{asked}");
    assert_eq!((stored.load(Ordering::SeqCst), dismissed.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn a_full_keyring_is_unlocked_and_served_like_an_empty_one() {
    let session = Session::unlocked("review-full");
    let prompter = crate::prompter::Prompter::start(&session).await;
    let provider = Arc::new(built(builder().prompt_limit(Duration::from_secs(8)), &session));
    for n in 0..std::env::var("ITEMS").map_or(300, |n| n.parse().unwrap()) {
        set(&provider, &request(&format!("bot/{n}")), &[("token", "t")]).await.unwrap();
    }
    let mut changes = provider.changes();
    tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
    session.lock();
    let waiting = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("bot/1")).await })
    };
    while prompter.shown() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    crate::prompter::unlock_otherwise(&session).await;
    let read = waiting.await.unwrap();
    assert_eq!(secret(&read.unwrap()), "t");
    let mut heard = 0;
    while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
        heard += 1;
    }
    set(&provider, &request("bot/1"), &[("token", "t2")]).await.unwrap();
    let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
    assert!(later.is_ok(), "nothing is heard after {heard}");
}

fn keyctl(arguments: &[&str]) -> std::process::Output {
    std::process::Command::new("keyctl").args(arguments).output().expect("keyctl")
}

#[test]
#[ignore = "needs keyctl"]
fn in_a_session_keyring_of_its_own() {
    let output = std::process::Command::new("keyctl")
        .args(["session", "-"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "review::a_key_in_a_linked_keyring"])
        .env("KEYCHAIN_REVIEW_WITHIN", "1")
        .output()
        .expect("keyctl");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// A login's session keyring has the user's keyring in it (pam_keyinit).
#[tokio::test]
#[ignore = "needs keyctl"]
async fn a_key_in_a_linked_keyring() {
    use crate::world::only;
    use credential_provider_api::SignIn as _;
    if std::env::var_os("KEYCHAIN_REVIEW_WITHIN").is_none() {
        return;
    }
    let made = keyctl(&["newring", "linked", "@s"]);
    if !made.status.success() {
        eprintln!("denied here");
        return;
    }
    let ring = String::from_utf8(made.stdout).unwrap();
    keyctl(&["add", "user", "credential-provider.os:openai", "sk-old", ring.trim()]);
    let provider = only(keychain_provider::StoreKind::Keyutils, builder());
    assert_eq!(secret(&resolved(&provider, &request("openai")).await.unwrap()), "sk-old");
    let listed = provider.list(&request("openai")).await.unwrap().len();
    set(&provider, &request("openai"), &[("key", "sk-new")]).await.unwrap();
    provider.sign_out(&request("openai")).await.unwrap();
    let after = resolved(&provider, &request("openai")).await.map(|read| secret(&read));
    assert_eq!(listed, 1, "read and not listed; after signing out: {after:?}");
    assert_eq!(after.unwrap_err().code(), ErrorCode::NeedsReauth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn a_full_keyring_that_is_locked_and_unlocked_is_still_listened_to() {
    let session = Session::unlocked("review-listen");
    let provider = Arc::new(provider(&session));
    for n in 0..std::env::var("ITEMS").map_or(300, |n| n.parse().unwrap()) {
        set(&provider, &request(&format!("bot/{n}")), &[("token", "t")]).await.unwrap();
    }
    let mut changes = provider.changes();
    tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
    session.lock();
    crate::prompter::unlock_otherwise(&session).await;
    let mut heard = 0;
    while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
        heard += 1;
    }
    session.store(&["service", "credential-provider.os", "account", "bot/1"], "t2");
    let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
    assert!(later.is_ok(), "nothing is heard after {heard}");
}

/// Its collection is open, and each item is locked until it is unlocked itself (KeePassXC).
struct PerItem {
    open: Arc<AtomicBool>,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn an_item_that_is_locked_by_itself_is_unlocked() {
    let session = Session::bare("review-item");
    let open = Arc::new(AtomicBool::new(false));
    let _bus = Builder::address(session.address.as_str())
        .serve_at("/org/freedesktop/secrets", PerItem { open: open.clone() })
        .serve_at(LOGIN, Collection { locked: Arc::new(AtomicBool::new(false)) })
        .name("org.freedesktop.secrets")
        .build()
        .await
        .unwrap();
    let _ = resolved(&provider(&session), &asking("openai")).await;
    assert!(open.load(Ordering::SeqCst), "only its collection was unlocked, which is open");
}

//! Against the kernel and programs from elsewhere: run by `.ci/interop store`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Place, grant, key, record};
use credential_provider_api::{
    Credential, ErrorCode, Grant, GrantStore as _, Timestamp, async_trait,
};
use credential_store::{Exchange, Exchanged, FileStore, Grants, KeyFile, Renewal};
use tokio::sync::Semaphore;

/// A folder on the small disk, alone on it for one test.
fn small_disk() -> PathBuf {
    let disk = std::env::var_os("CREDENTIAL_STORE_SMALL_DISK").expect("run `.ci/interop store`");
    PathBuf::from(disk)
}

async fn on(disk: &Path, place: &Place) -> FileStore {
    FileStore::open(disk.join("store"), KeyFile::new(place.path().join("keys"))).await.unwrap()
}

/// Takes all the space there is, and gives it back when dropped.
struct Filler(PathBuf);

impl Filler {
    fn new(disk: &Path) -> Self {
        let path = disk.join("filler");
        let mut size = 256 << 10;
        while size > 0 {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
            if std::io::Write::write_all(&mut &file, &vec![1; size]).is_err() {
                size /= 2;
            }
        }
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// Answers when it is let.
struct Slow(Arc<Semaphore>);

#[async_trait]
impl Exchange for Slow {
    async fn exchange(&self, _: &Grant, _: Option<&Credential>) -> Exchanged {
        self.0.add_permits(1);
        self.0.acquire_many(2).await.unwrap().forget();
        let credential = Credential::oauth2("x".repeat(8000).into()).with_expiry(Timestamp::MAX);
        Exchanged::Issued { credential, grant: Some(Grant::from(b"rt-2".to_vec())) }
    }
}

/// One test, as both parts need the disk for themselves.
#[tokio::test]
#[ignore = "needs a small file system: .ci/interop store"]
async fn promise_7_a_full_and_a_read_only_disk_lose_nothing() {
    let (disk, place) = (small_disk(), Place::new());
    let store = on(&disk, &place).await;
    let (mail, new) = (key("idp/mail"), key("idp/new"));
    let first = store.save(&mail, None, record("one")).await.unwrap();

    let filler = Filler::new(&disk);
    let large = || common::record(&"y".repeat(8000));
    let error = store.save(&mail, Some(first), large()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    assert_eq!(store.save(&new, None, large()).await.unwrap_err().code(), error.code());
    let kept = store.load(&mail).await.unwrap();
    assert_eq!((kept.revision, grant(kept.record.as_ref())), (Some(first), "grant-one".into()));
    drop(filler);
    store.save(&mail, Some(first), large()).await.unwrap();
    store.save(&new, None, record("two")).await.unwrap();

    // The disk fills up while the issuer answers: the new grant waits for space.
    let grants = Grants::new(Arc::new(store.clone()));
    let rotating = key("idp/rotating");
    grants.sign_in(&rotating, Some(Grant::from(b"rt-1".to_vec())), None).await.unwrap();
    let steps = Arc::new(Semaphore::new(0));
    let (ask, slow) = (Renewal::of(rotating.clone()), Arc::new(Slow(steps.clone())));
    let renewal = tokio::spawn({
        let grants = grants.clone();
        async move { grants.renew(ask, slow).await }
    });
    drop(steps.acquire().await.unwrap());
    let filler = Filler::new(&disk);
    steps.add_permits(1);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!renewal.is_finished(), "nobody sees it before it is durable");
    drop(filler);
    renewal.await.unwrap().unwrap();
    let kept = store.load(&rotating).await.unwrap();
    assert_eq!(grant(kept.record.as_ref()), "rt-2");

    // Read-only: what is there can be read, also by a process that starts now.
    remount(&disk, "ro");
    let loaded = on(&disk, &place).await.load(&new).await.unwrap();
    assert_eq!(grant(loaded.record.as_ref()), "grant-two");
    let error = store.save(&new, loaded.revision, record("three")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    assert!(store.lease(&new).await.is_err(), "nothing is renewed that cannot be saved");
    remount(&disk, "rw");
    store.save(&new, loaded.revision, record("three")).await.unwrap();
}

fn remount(disk: &Path, how: &str) {
    let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk).status();
    assert!(done.unwrap().success());
}

/// Stopped when dropped.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for a line that contains `text`.
    fn says(&mut self, text: &str) {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        let found = output.lines().map_while(Result::ok).any(|line| line.contains(text));
        assert!(found, "it ended without saying {text}");
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "needs flock(1): .ci/interop store"]
async fn promise_1_the_lease_is_a_lock_that_other_programs_know() {
    let place = Place::new();
    let store = place.builder().lease_wait(Duration::from_millis(300)).open().await.unwrap();
    drop(store.lease(&key("idp/mail")).await.unwrap());
    let leases = std::fs::read_dir(place.folder().join("leases")).unwrap();
    let file = leases.map(|entry| entry.unwrap().path()).find(|path| {
        path.file_name().unwrap() != "replace.lock" && path.extension().is_some_and(|e| e == "lock")
    });
    let mut flock = Program::start(Command::new("flock").arg(file.unwrap()).args([
        "sh",
        "-c",
        "echo held; exec sleep 1000",
    ]));
    flock.says("held");
    assert_eq!(store.lease(&key("idp/mail")).await.err().unwrap().code(), ErrorCode::StoreLocked);
    store.lease(&key("idp/other")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs unshare(1): .ci/interop store"]
async fn promise_1_the_lease_holds_across_containers_and_ends_with_its_holder() {
    let place = Place::new();
    let store = place.builder().lease_wait(Duration::from_millis(300)).open().await.unwrap();
    let mut holder = Program::start(
        Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "in_another_namespace", "--ignored", "--nocapture"])
            .env("CREDENTIAL_STORE_PLACE", place.path()),
    );
    holder.says("held");
    let error = store.lease(&key("idp/mail")).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::StoreLocked);
    assert!(error.detail().contains("process "), "it says who: {error}");
    holder.kill();
    let since = Instant::now();
    let patient = place.builder().lease_wait(Duration::from_secs(10)).open().await.unwrap();
    patient.lease(&key("idp/mail")).await.unwrap();
    println!("taken over after {:?}", since.elapsed());
}

/// The other side of the test above; nothing by itself.
#[tokio::test]
#[ignore = "started by another test"]
async fn in_another_namespace() {
    let Some(place) = std::env::var_os("CREDENTIAL_STORE_PLACE").map(PathBuf::from) else {
        return;
    };
    let store = FileStore::open(place.join("store"), KeyFile::new(place.join("keys"))).await;
    let _lease = store.unwrap().lease(&key("idp/mail")).await.unwrap();
    println!("held");
    std::future::pending::<()>().await;
}

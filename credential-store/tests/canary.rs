//! Promise 6: no secret in the folder, at any moment and in no form, nor in anything that is shown.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{Place, key, record};
use credential_provider_api::{CredentialError, ErrorCode, GrantStore as _};
use credential_store::faults::{Faults, Point};
use credential_store::{DataKey, FileStore, HostKeys, KeySource};

/// A secret in every form in which it might be written.
#[derive(Clone)]
struct Forms(Vec<Vec<u8>>);

impl Forms {
    fn of(secret: &[u8]) -> Self {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
        for skipped in 0..3 {
            // Three bytes give four letters: whatever came before, one of these three is in there.
            let whole = &secret[skipped..skipped + (secret.len() - skipped) / 3 * 3];
            let [standard, url] = [b"+/", b"-_"].map(|last| base64(whole, last));
            forms.extend([standard, url]);
        }
        // As a list of numbers.
        forms.push(format!("{secret:?}").trim_matches(['[', ']']).as_bytes().to_vec());
        Self(forms)
    }

    fn in_bytes(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
    }
}

fn base64(bytes: &[u8], last: &[u8; 2]) -> Vec<u8> {
    let letters: Vec<u8> =
        (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last.iter().copied()).collect();
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| letters[bits >> shift & 63])
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// Looks through the folder whenever a file is being written, and all the time besides.
struct Canary {
    folder: PathBuf,
    secrets: Vec<Forms>,
    found: Mutex<Vec<PathBuf>>,
    temporary: AtomicUsize,
    looked: AtomicUsize,
}

impl Canary {
    fn look(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.look(&path);
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with(".tmp-") {
                self.temporary.fetch_add(1, Ordering::Relaxed);
            }
            // It may be gone already.
            let bytes = fs::read(&path).unwrap_or_default();
            if self.secrets.iter().any(|secret| secret.in_bytes(&bytes)) {
                self.found.lock().unwrap().push(path);
            }
        }
        self.looked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Faults for Canary {
    fn at(&self, _: Point) -> io::Result<()> {
        self.look(&self.folder);
        Ok(())
    }
}

fn marks() -> (String, Forms) {
    let bytes = *DataKey::generate().unwrap().expose();
    let letter =
        |byte: u8| char::from(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJ"[usize::from(byte) % 33]);
    let mark: String = bytes[..24].iter().map(|byte| letter(*byte)).collect();
    let forms = Forms::of(mark.as_bytes());
    (mark, forms)
}

#[test]
fn a_canary_sings_for_every_form() {
    let (mark, forms) = marks();
    for before in ["", "x", "xy"] {
        let text = format!("{before}{mark}!");
        assert!(forms.in_bytes(text.as_bytes()));
        assert!(forms.in_bytes(&base64(text.as_bytes(), b"-_")));
        assert!(forms.in_bytes(&base64(text.as_bytes(), b"+/")));
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(forms.in_bytes(hex.as_bytes()));
        assert!(forms.in_bytes(format!("{:?}", text.as_bytes()).as_bytes()));
    }
    assert!(!forms.in_bytes(&[7; 4096]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_6_no_secret_lies_in_the_folder_at_any_moment() {
    let place = Place::new();
    place.open().await;
    let first = place.keys().load().await.unwrap().unwrap().active().clone();
    let (mark, forms) = marks();
    let canary = Arc::new(Canary {
        folder: place.folder(),
        secrets: vec![forms, Forms::of(first.expose())],
        found: Mutex::default(),
        temporary: AtomicUsize::default(),
        looked: AtomicUsize::default(),
    });
    let done = Arc::new(AtomicBool::new(false));
    let (watching, ended) = (canary.clone(), done.clone());
    let thread = std::thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            watching.look(&watching.folder);
        }
    });

    let store = place.builder().faults(canary.clone()).open().await.unwrap();
    let mut tasks = Vec::new();
    for worker in 0..4 {
        let (store, mark) = (store.clone(), mark.clone());
        tasks.push(tokio::spawn(async move {
            let key = key(&format!("mail/{worker}"));
            for turn in 0..10 {
                let lease = store.lease(&key).await.unwrap();
                let at = store.load(&key).await.unwrap().revision;
                if turn % 4 == 3 {
                    store.remove(&key, at).await.unwrap();
                } else {
                    store.save(&key, at, record(&mark)).await.unwrap();
                }
                drop(lease);
            }
        }));
    }
    for number in 0..2 {
        store.rotate_key().await.unwrap();
        let old = place.path().join("old.txt");
        fs::write(&old, &mark).unwrap();
        let imported = key(&format!("old/{number}"));
        let read = |bytes: &[u8]| {
            let mark = String::from_utf8_lossy(bytes).into_owned();
            Ok::<_, CredentialError>(vec![(imported.clone(), record(&mark))])
        };
        assert_eq!(store.import(&old, read).await.unwrap().records, 1);
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.list().await.unwrap().len(), 6);
    done.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    assert_eq!(*canary.found.lock().unwrap(), <Vec<PathBuf>>::new());
    let looked = canary.looked.load(Ordering::Relaxed);
    assert!(looked > 100, "it looked {looked} times");
    assert!(canary.temporary.load(Ordering::Relaxed) > 50, "it saw files being written");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn promise_6_nothing_that_is_shown_or_logged_holds_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The only test of this file that logs; threads of the store have to be heard too.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let place = Place::new();
    let (mark, forms) = marks();
    let store = place.open().await;
    let ring = place.keys().load().await.unwrap().unwrap();
    let host = HostKeys::new(ring.active().clone());
    let secrets = [forms, Forms::of(ring.active().expose())];
    let mut shown = Vec::new();
    let mut show = |thing: &dyn Debug| shown.push(format!("{thing:?} {thing:#?}"));
    show(&(&store, place.keys(), ring.active(), &ring, &host));

    let marked = key("mail/a");
    let at = store.save(&marked, None, record(&mark)).await.unwrap();
    show(&store.load(&marked).await.unwrap());
    show(&store.rotate_key().await.unwrap());
    show(&place.keys().load().await.unwrap());
    let file = place.records().into_iter().next().unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    show(&store.load(&marked).await.unwrap());
    let mut errors = vec![store.save(&marked, None, record(&mark)).await.unwrap_err()];
    let old = place.path().join("old.txt");
    fs::write(&old, &mark).unwrap();
    let refuses = |_: &[u8]| Err(CredentialError::new(ErrorCode::StoreUnreadable, "no"));
    errors.push(store.import(&old, refuses).await.unwrap_err());
    // What is not ours may hold a secret too.
    for foreign in [&mark.clone().into_bytes()[..], &[b"CREDREC\x01", mark.as_bytes()].concat()] {
        fs::write(&file, foreign).unwrap();
        errors.push(store.load(&marked).await.unwrap_err());
        errors.push(store.save(&marked, Some(at), record(&mark)).await.unwrap_err());
    }
    for name in ["store/store.json", "keys"] {
        fs::write(place.path().join(name), format!("{{\"{mark}\": \"{mark}\"}}")).unwrap();
        errors.push(FileStore::open(place.folder(), place.keys()).await.unwrap_err());
        errors.push(store.rotate_key().await.unwrap_err());
    }
    for error in &errors {
        shown.push(format!("{error} {error:?} {}", error.next_step()));
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&logged).contains("its mode is repaired"), "it was listening");
    shown.push(String::from_utf8(logged).unwrap());
    for text in &shown {
        assert!(!secrets.iter().any(|secret| secret.in_bytes(text.as_bytes())), "{text}");
    }
}

//! A file that its tool is writing just now.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::{
    Clock, CredentialProvider as _, ErrorCode, ManualClock, Resolution, Sleep, Timestamp,
};

use super::world::{NOW, World, gemini, request, secret};

const GEMINI: &str = ".gemini/oauth_creds.json";

type Act = Box<dyn FnMut(usize) + Send>;

/// A clock during whose waits something happens.
struct Acting {
    time: ManualClock,
    waits: AtomicUsize,
    act: Mutex<Act>,
}

impl Acting {
    fn new(act: impl FnMut(usize) + Send + 'static) -> Arc<Self> {
        let time = ManualClock::new(NOW);
        Arc::new(Self { time, waits: AtomicUsize::new(0), act: Mutex::new(Box::new(act)) })
    }
}

impl Clock for Acting {
    fn now(&self) -> Timestamp {
        self.time.now()
    }
    fn sleep_until(&self, when: Timestamp) -> Sleep {
        let wait = self.waits.fetch_add(1, Ordering::SeqCst) + 1;
        (self.act.lock().unwrap())(wait);
        self.time.set(when);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn promise_10_a_torn_file_is_read_again() {
    let whole = gemini("ya29.whole");
    for torn in ["", "{", &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        let world = World::new();
        world.write(GEMINI, torn);
        let (path, content) = (world.path(GEMINI), whole.clone());
        let clock = Acting::new(move |wait| {
            if wait == 4 {
                fs::write(&path, &content).unwrap();
            }
        });
        let answer = world.provider(&["gemini"]).resolve(&request("gemini", clock.clone())).await;
        let Resolution::Credential(served) = answer.unwrap() else { panic!("a credential") };
        assert_eq!(secret(&served), "ya29.whole");
        assert_eq!(clock.waits.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn promise_10_one_that_stays_torn_is_an_error_soon_and_untouched() {
    let whole = gemini("ya29.whole");
    let torn = &whole[..whole.len() - 1];
    let world = World::new();
    world.write(GEMINI, torn);
    let before = fs::metadata(world.path(GEMINI)).unwrap().modified().unwrap();
    let clock = Acting::new(|_| {});
    let answer = world.provider(&["gemini"]).resolve(&request("gemini", clock.clone())).await;
    let error = answer.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
    assert!(error.detail().contains("oauth_creds.json"), "{error}");
    assert_eq!(clock.waits.load(Ordering::SeqCst), 5);
    assert!(NOW.until(clock.now()) < Duration::from_millis(334));
    assert_eq!(fs::read(world.path(GEMINI)).unwrap(), torn.as_bytes());
    assert_eq!(fs::metadata(world.path(GEMINI)).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn what_is_whole_and_wrong_is_an_error_at_once() {
    let world = World::new();
    world.write(GEMINI, r#"{"access_token":"at","expiry_date":"soon"}"#);
    let clock = Acting::new(|_| {});
    let answer = world.provider(&["gemini"]).resolve(&request("gemini", clock.clone())).await;
    assert_eq!(answer.unwrap_err().code(), ErrorCode::StoreUnreadable);
    assert_eq!(clock.waits.load(Ordering::SeqCst), 0);
}

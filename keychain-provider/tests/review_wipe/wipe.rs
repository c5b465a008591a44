//! No buffer of ours is given back with a secret in it, whatever the allocator does when one shrinks.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking, and an allocator is unsafe"
)]

#[path = "../common/mod.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{World, secret};

/// `realloc` is the default one: it copies and gives the old block back.
struct Watching;

static ON: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
thread_local! { static WITHIN: Cell<bool> = const { Cell::new(false) }; }

const CANARY: &[u8] = b"c4nary-of-the-wipe-test";

unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ON.load(Ordering::SeqCst) && layout.size() >= CANARY.len() && !WITHIN.with(Cell::get) {
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            if bytes.windows(CANARY.len()).any(|w| w == CANARY) {
                WITHIN.with(|w| w.set(true));
                let trace = std::backtrace::Backtrace::force_capture().to_string();
                let ours: Vec<_> = trace.lines().filter(|l| l.contains("keychain") || l.contains("secrecy") || l.contains("serde_json") || l.contains("credential_")).take(8).collect();
                SEEN.lock().unwrap().push(format!("{} bytes\n{}", layout.size(), ours.join("\n")));
                WITHIN.with(|w| w.set(false));
            }
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

#[tokio::test]
async fn promise_6_no_buffer_is_given_back_with_a_secret_in_it() {
    let world = World::new();
    let text = std::str::from_utf8(CANARY).unwrap();
    let fields = [("user", "me"), ("password", text)];
    let (mail, openai) = (world.request("mail"), world.request("openai"));
    ON.store(true, Ordering::SeqCst);
    world.set(&mail, &fields).await.unwrap();
    let seen = std::mem::take(&mut *SEEN.lock().unwrap());
    assert!(seen.is_empty(), "user value: {seen:#?}");
    world.set(&openai, &[("key", text)]).await.unwrap();
    let read = world.read(&openai).await.unwrap();
    assert_eq!(secret(&read), text);
    drop(read);
    ON.store(false, Ordering::SeqCst);
    let seen = std::mem::take(&mut *SEEN.lock().unwrap());
    assert!(seen.is_empty(), "{seen:#?}");
}

//! A panic says where, and nothing of its message.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

const CHILD: &str = "CREDENTIAL_HOST_TEST_PANICS";

#[test]
fn promise_6_a_panic_with_a_secret_in_its_message_does_not_print_it() {
    if std::env::var_os(CHILD).is_some() {
        credential_host::quiet_panics("gateway");
        panic!("a provider failed with canary-0123456789");
    }
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "promise_6_a_panic_with_a_secret_in_its_message_does_not_print_it"]);
    let output = this.arg("--nocapture").env(CHILD, "1").env("RUST_BACKTRACE", "1").output();
    let output = output.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("gateway: a bug at credential-host/tests/panics.rs:"), "{said}");
    let all = said + &String::from_utf8_lossy(&output.stdout);
    assert!(!all.contains("canary"), "{all}");
}

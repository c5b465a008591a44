//! An issuer that takes longer than OpenClaw waits.

use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::secret_ref::SecretRefProblem;
use credential_provider_api::ExposeSecret as _;

use super::common::{Folder, asked_of, asked_within, exec};
use super::issuer::{Ledger, slow_issuer};
use super::lease::signed_in;

/// OpenClaw's usual limit.
const OPENCLAW: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_2_a_slow_renewal_takes_neither_the_other_ids_nor_the_login_with_it() {
    let folder = Folder::new();
    let (address, ledger) = slow_issuer().await;
    let configuration = signed_in(&folder, &address).await;
    let both = [exec("ours", "keys/openai"), exec("ours", "work/mail")];
    let first = asked_within(OPENCLAW, &configuration, &["ours"]).resolve_all(&both).await;
    assert_eq!(first[0].as_ref().unwrap().expose_secret(), "sk-1");
    let error = first[1].as_ref().unwrap_err();
    assert!(
        matches!(error.problem(), SecretRefProblem::Refused(Some(code)) if code == "DEADLINE_EXCEEDED"),
        "{error:?}"
    );
    assert_eq!(*ledger.spent.lock().unwrap(), ["refresh-0"]);
    // Nobody that OpenClaw started is left. The exchange is.
    ledger.go.add_permits(1);
    let second = asked_of(&configuration, &["ours"]).resolve_all(&both).await;
    assert_eq!(second[0].as_ref().unwrap().expose_secret(), "sk-1");
    assert_eq!(second[1].as_ref().unwrap().expose_secret(), "access-1");
    assert_eq!(*ledger.spent.lock().unwrap(), ["refresh-0"], "a spent token was sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_2_an_exchange_outlives_the_process_that_was_killed_and_its_group() {
    let folder = Folder::new();
    let (address, ledger) = slow_issuer().await;
    let configuration = signed_in(&folder, &address).await;
    let mail = [exec("ours", "work/mail")];
    let asking = asked_of(&configuration, &["ours"]);
    tokio::select! {
        _ = asking.resolve_all(&mail) => panic!("it was answered without its issuer"),
        () = sent(&ledger) => {}
    }
    // Whoever asked has killed the program, with its process group.
    ledger.go.add_permits(1);
    let found = asked_of(&configuration, &["ours"]).resolve_all(&mail).await.remove(0);
    assert_eq!(found.unwrap().expose_secret(), "access-1");
    assert_eq!(*ledger.spent.lock().unwrap(), ["refresh-0"], "a spent token was sent again");
}

/// Until a refresh token has been sent.
async fn sent(ledger: &Arc<Ledger>) {
    while ledger.spent.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

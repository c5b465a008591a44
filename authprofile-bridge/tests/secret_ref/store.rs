//! The source `store`, lent by the host.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authprofile_bridge::secret_ref::{SecretRefProblem as P, SecretStore};
use credential_provider_api::{
    CredentialError, ErrorCode, ExposeSecret as _, ManualClock, SecretRef, SecretRefResolver as _,
    SecretSource, SecretString,
};
use serde_json::json;

use super::common::{problem, secrets, timed, value};

#[derive(Default)]
struct Table(Mutex<Vec<Vec<String>>>);

impl SecretStore for Table {
    fn read(&self, names: &[String]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        self.0.lock().unwrap().push(names.to_vec());
        if names.iter().any(|name| name == "BROKEN") {
            return Err(CredentialError::new(ErrorCode::StoreUnreadable, "torn"));
        }
        let value = |name: &String| match name.as_str() {
            "NONE" => None,
            "MARK" => Some("__OPENCLAW_REDACTED__".into()),
            name => Some(SecretString::from(name.to_lowercase())),
        };
        Ok(names.iter().map(value).collect())
    }
}

fn store(id: &str) -> SecretRef {
    SecretRef::new(SecretSource::Store, "default", id)
}

#[tokio::test]
async fn names_are_read_in_one_go() {
    let table = Arc::new(Table::default());
    let secrets = secrets(&json!({})).with_store(table.clone());
    let found = secrets.resolve_all(&[store("B"), store("A"), store("NONE"), store("MARK")]).await;
    assert_eq!(found[0].as_ref().unwrap().expose_secret(), "b");
    assert_eq!(found[1].as_ref().unwrap().expose_secret(), "a");
    assert!(matches!(found[2].as_ref().unwrap_err().problem(), P::EntryMissing));
    assert!(matches!(found[3].as_ref().unwrap_err().problem(), P::Mark));
    assert_eq!(table.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn its_own_error_reaches_the_asker() {
    let secrets = secrets(&json!({})).with_store(Arc::new(Table::default()));
    let found = secrets.resolve(&[store("BROKEN")]).await.remove(0);
    assert_eq!(found.unwrap_err().code(), ErrorCode::StoreUnreadable);
}

/// Does not answer while the other end lives.
struct Stuck(Mutex<std::sync::mpsc::Receiver<()>>);

impl SecretStore for Stuck {
    fn read(&self, _: &[String]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        let _ = self.0.lock().unwrap().recv();
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up() {
    let (alive, receiver) = std::sync::mpsc::channel();
    let clock = ManualClock::default();
    let secrets = timed(&json!({}), &[], &clock).with_store(Arc::new(Stuck(Mutex::new(receiver))));
    let task = tokio::spawn(async move { secrets.resolve(&[store("A")]).await.remove(0) });
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(4_999));
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    clock.advance(Duration::from_millis(1));
    assert_eq!(task.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    drop(alive);
}

#[tokio::test]
async fn without_a_store_there_is_none() {
    assert!(matches!(problem(&secrets(&json!({})), store("A")).await, P::NoStore));
    let named = secrets(&json!({"providers": {"team": {"source": "store"}}}))
        .with_store(Arc::new(Table::default()));
    assert_eq!(value(&named, SecretRef::new(SecretSource::Store, "team", "A")).await, "a");
}

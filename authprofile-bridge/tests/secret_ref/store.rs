//! The source `store`, lent by the host.

use std::sync::{Arc, Mutex};

use authprofile_bridge::secret_ref::{SecretRefProblem as P, SecretStore};
use credential_provider_api::{
    CredentialError, ErrorCode, ExposeSecret as _, SecretRef, SecretRefResolver as _, SecretSource,
    SecretString,
};
use serde_json::json;

use super::common::{problem, secrets, value};

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

#[tokio::test]
async fn without_a_store_there_is_none() {
    assert!(matches!(problem(&secrets(&json!({})), store("A")).await, P::NoStore));
    let named = secrets(&json!({"providers": {"team": {"source": "store"}}}))
        .with_store(Arc::new(Table::default()));
    assert_eq!(value(&named, SecretRef::new(SecretSource::Store, "team", "A")).await, "a");
}

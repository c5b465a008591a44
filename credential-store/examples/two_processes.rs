//! Two processes share one grant; each refresh token is spent once.
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]
use credential_provider_api::{Credential, CredentialRef, Grant, Key, Timestamp, async_trait};
use credential_store::{Exchange, Exchanged, FileStore, Grants, KeyFile, Renewal};
use std::{env, path::PathBuf, process, sync::Arc, time::Duration};

/// Stands in for a call to the issuer: refresh token n is exchanged for n + 1.
struct Issuer;
#[async_trait]
impl Exchange for Issuer {
    async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
        let [number] = *grant.expose() else { process::exit(1) };
        println!("process {} spends refresh token {number}", process::id());
        let end = Timestamp::from(std::time::SystemTime::now()).plus(Duration::from_secs(1));
        let credential = Credential::oauth2(format!("access-{number}").into()).with_expiry(end);
        Exchanged::Issued { credential, grant: Some(Grant::from(vec![number + 1])) }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shared = env::args().nth(1);
    let folder = PathBuf::from(shared.clone().unwrap_or_else(|| "target/two-processes".into()));
    let store = FileStore::open(folder.join("store"), KeyFile::new(folder.join("key"))).await?;
    let grants = Grants::new(Arc::new(store));
    let key = Key::gateway(&CredentialRef::parse("idp/mail")?);
    if shared.is_none() {
        grants.sign_in(&key, Some(Grant::from(vec![1])), None).await?;
        let again = || process::Command::new(env::current_exe()?).arg(&folder).spawn();
        let mut both = [again()?, again()?];
        both.iter_mut().try_for_each(|child| child.wait().map(drop))?;
        return Ok(std::fs::remove_dir_all(&folder)?);
    }
    for _ in 0..8 {
        let token = grants.renew(Renewal::of(key.clone()), Arc::new(Issuer)).await?;
        println!("process {} uses revision {:?}", process::id(), token.revision());
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Ok(())
}

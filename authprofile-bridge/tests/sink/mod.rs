//! A sink in memory that can fail at any call.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses a part; a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use authprofile_bridge::migration::SecretSink;
use credential_provider_api::{
    CredentialError, CredentialRef, ErrorCode, ExposeSecret as _, SecretString,
};

#[derive(Default)]
pub struct Memory {
    kept: Mutex<BTreeMap<String, String>>,
    /// Calls until one fails for good; none does without it.
    left: Mutex<Option<usize>>,
    forgetful: Mutex<bool>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn kept(&self) -> BTreeMap<String, String> {
        self.kept.lock().unwrap().clone()
    }

    pub fn put(&self, name: &str, secret: &str) {
        self.kept.lock().unwrap().insert(name.to_owned(), secret.to_owned());
    }

    /// From the call after this many on, every call fails.
    pub fn fail_after(&self, calls: Option<usize>) {
        *self.left.lock().unwrap() = calls;
    }

    /// Says that it keeps what it does not.
    pub fn forget_what_is_written(&self) {
        *self.forgetful.lock().unwrap() = true;
    }

    fn call(&self) -> Result<(), CredentialError> {
        let mut left = self.left.lock().unwrap();
        match left.as_mut() {
            Some(0) => Err(CredentialError::new(ErrorCode::Unavailable, "as the test wants")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl SecretSink for Memory {
    async fn read(&self, name: &CredentialRef) -> Result<Option<SecretString>, CredentialError> {
        self.call()?;
        Ok(self.kept.lock().unwrap().get(&name.to_string()).map(|text| text.as_str().into()))
    }

    async fn write(
        &self,
        name: &CredentialRef,
        secret: &SecretString,
    ) -> Result<(), CredentialError> {
        self.call()?;
        if !*self.forgetful.lock().unwrap() {
            self.put(&name.to_string(), secret.expose_secret());
        }
        Ok(())
    }

    async fn remove(&self, name: &CredentialRef) -> Result<(), CredentialError> {
        self.call()?;
        self.kept.lock().unwrap().remove(&name.to_string());
        Ok(())
    }
}

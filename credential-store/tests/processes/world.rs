//! [`World`]: a store, an issuer and a runtime for the test's own part.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{Credential, Grant};
use credential_store::{FileStore, Grants};
use tokio::runtime::Runtime;

use crate::agent::Agent;
use crate::common::{Place, key};
use crate::issuer::{CANARY, Issuer, Reuse};
use crate::words::{Setup, Stop};

pub struct World {
    pub place: Place,
    pub issuer: Issuer,
    pub store: FileStore,
    pub grants: Grants,
    runtime: Runtime,
}

impl World {
    pub fn new(reuse: Reuse) -> Self {
        let runtime = Runtime::new().unwrap();
        let place = Place::new();
        let store = runtime.block_on(place.open());
        let grants = Grants::new(Arc::new(store.clone()));
        Self { place, issuer: Issuer::new(reuse), store, grants, runtime }
    }

    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn setup(&self) -> Setup {
        Setup {
            root: self.place.path().to_owned(),
            issuer: self.issuer.address,
            lease_wait_millis: 60_000,
            stop: Stop::Never,
        }
    }

    pub fn agent(&self) -> Agent {
        Agent::new(&self.setup()).ready()
    }

    pub fn agents(&self, count: usize) -> Vec<Agent> {
        // All start at once.
        let started: Vec<_> = (0..count).map(|_| Agent::new(&self.setup())).collect();
        started.into_iter().map(Agent::ready).collect()
    }

    /// Signs in at the issuer and in the store: the family, and the revision of its credential.
    pub fn sign_in(&self, id: &str) -> (u64, u64) {
        let (family, grant, credential) = self.issuer.sign_in(Duration::from_secs(3600), 0);
        (family, self.keep(id, grant, credential))
    }

    pub fn keep(&self, id: &str, grant: Grant, credential: Credential) -> u64 {
        let key = key(id);
        let signed_in = self.grants.sign_in(&key, Some(grant), Some(credential));
        self.wait(signed_in).unwrap().credential.unwrap().revision().unwrap().get()
    }

    /// Waits until the lease, the only one in the store, has a holder and somebody who waits: those
    /// who wait leave a mark behind the holder's line.
    pub fn somebody_waits(&self) {
        let waits = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.contains('{') && !text.ends_with('\n')
        };
        let since = Instant::now();
        while !files(&self.place.folder().join("leases")).iter().any(waits) {
            assert!(since.elapsed() < Duration::from_secs(30), "nobody waits");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// No file of the store holds a secret in the clear, whatever was left half written.
    pub fn assert_ciphertext(&self) {
        for path in files(&self.place.folder()) {
            // Others may remove what they have finished.
            let bytes = fs::read(&path).unwrap_or_default();
            let found = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

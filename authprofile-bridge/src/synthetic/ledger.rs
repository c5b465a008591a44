//! What we wrote: the record that tells our profiles from others'.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use credential_provider_api::{CredentialError, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::file::{malformed, read, replace};
use crate::json::{Object, Raw};
use crate::openclaw::{Profile, ProfileKind};

/// The tokens we put under each profile id, as digests. It holds no secret.
///
/// Read and written only under the store's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    document: Object,
}

/// Its usual name, beside the profiles.
pub(crate) const LEDGER: &str = "auth-profiles.bridge.json";
/// A ledger holds some hundred bytes for each profile.
const MOST: u64 = 4 << 20;
/// How many tokens are remembered of one profile: an OpenClaw may write back an older one.
const TOKENS: usize = 8;
/// How long a profile that is gone is remembered.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

const PROFILES: &str = "profiles";
const DIGESTS: &str = "digests";
const AT: &str = "at";

impl Ledger {
    /// What is written down; nothing if there is no file. It blocks.
    pub(crate) fn read(path: &Path) -> Result<Self, CredentialError> {
        let Some(found) = read(path, MOST)? else { return Ok(Self::empty()) };
        let document = Object::parse(&found.text);
        let document = document.map_err(|why| malformed(path, &why.to_string()))?;
        Ok(Self { document })
    }

    fn empty() -> Self {
        let mut document = Object::new();
        document.set("version", Raw::from_number(1.0));
        Self { document }
    }

    /// Makes it durable, if it is another than `before`. It blocks.
    pub(super) fn write(&self, path: &Path, before: &Self) -> Result<(), CredentialError> {
        if self == before {
            return Ok(());
        }
        let mut text = self.document.to_text(0);
        text.push('\n');
        replace(path, &text, None)
    }

    /// Whether we wrote this profile.
    pub(crate) fn knows(&self, id: &str, profile: &Profile) -> bool {
        let Some(token) = profile.text("token") else { return false };
        profile.kind() == ProfileKind::Token && self.digests(id).contains(&digest(id, &token))
    }

    /// Writes down that this token is about to stand under this id.
    pub(super) fn add(&mut self, id: &str, token: &str, now: Timestamp) {
        let digest = digest(id, token);
        let mut digests = self.digests(id);
        digests.retain(|other| *other != digest);
        digests.push(digest);
        let first = digests.len().saturating_sub(TOKENS);
        let last = digests.iter().skip(first).map(String::as_str);
        let mut entry = Object::new();
        entry.set(DIGESTS, Raw::from_texts(last));
        entry.set(AT, Raw::from_number(millis(now)));
        let mut all = self.document.object(PROFILES).unwrap_or_default();
        all.set(id, Raw::from_object(&entry, 2));
        self.document.set(PROFILES, Raw::from_object(&all, 1));
    }

    /// The ids written down.
    pub(super) fn ids(&self) -> Vec<String> {
        let all = self.document.object(PROFILES).unwrap_or_default();
        all.entries().map(|(id, _)| id.to_owned()).collect()
    }

    /// Forgets a profile that is gone, once nobody can have it in memory any more.
    pub(super) fn forget_old(&mut self, id: &str, now: Timestamp) {
        let mut all = self.document.object(PROFILES).unwrap_or_default();
        let at = all.object(id).and_then(|entry| entry.number(AT)).unwrap_or(0.0);
        if at < millis(now.minus(REMEMBERED)) {
            all.remove(id);
            self.document.set(PROFILES, Raw::from_object(&all, 1));
        }
    }

    fn digests(&self, id: &str) -> Vec<String> {
        let entry = self.document.object(PROFILES).and_then(|all| all.object(id));
        let list = entry.and_then(|entry| entry.get(DIGESTS)?.list()).unwrap_or_default();
        list.iter().filter_map(|raw| Some(raw.text()?.to_string())).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
const fn millis(time: Timestamp) -> f64 {
    time.as_millis() as f64
}

/// Of the id too: the same token under another id is another profile.
fn digest(id: &str, token: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["authprofile-bridge/synthetic", id, token.trim()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to text never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::testing::Folder;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn token(text: &str) -> Profile {
        let mut profile = Profile::new(ProfileKind::Token, "x");
        profile.edit(|entry| entry.set("token", Raw::from_text(text)));
        profile
    }

    #[test]
    fn what_was_written_is_known_by_id_type_and_token_and_survives_the_disk() {
        let folder = Folder::new();
        let path = folder.path("ledger");
        let before = Ledger::read(&path).unwrap();
        let mut ledger = before.clone();
        ledger.add("x:1", "sk-one", NOW);
        ledger.write(&path, &before).unwrap();
        let ledger = Ledger::read(&path).unwrap();
        assert!(ledger.knows("x:1", &token(" sk-one ")));
        assert!(!ledger.knows("x:1", &token("sk-two")));
        assert!(!ledger.knows("x:2", &token("sk-one")));
        let mut key = Profile::new(ProfileKind::ApiKey, "x");
        key.edit(|entry| entry.set("token", Raw::from_text("sk-one")));
        assert!(!ledger.knows("x:1", &key));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(!text.contains("sk-one"), "{text}");
    }

    #[test]
    fn the_last_tokens_are_remembered_and_no_more() {
        let mut ledger = Ledger::empty();
        for count in 0..20 {
            ledger.add("x", &format!("sk-{count}"), NOW);
        }
        assert!(ledger.knows("x", &token("sk-19")) && ledger.knows("x", &token("sk-12")));
        assert!(!ledger.knows("x", &token("sk-11")));
    }

    #[test]
    fn a_profile_that_is_gone_is_forgotten_after_30_days() {
        let mut ledger = Ledger::empty();
        ledger.add("x", "sk", NOW);
        ledger.forget_old("x", NOW.plus(REMEMBERED));
        assert_eq!(ledger.ids(), ["x"]);
        ledger.forget_old("x", NOW.plus(REMEMBERED).plus(Duration::from_secs(1)));
        assert!(ledger.ids().is_empty());
    }

    #[test]
    fn a_ledger_that_cannot_be_read_is_an_error_and_stays() {
        let folder = Folder::new();
        let path = folder.write("ledger", "{ torn");
        Ledger::read(&path).unwrap_err();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{ torn");
    }
}

//! The lock under which OpenClaw renews one login, across all its agents.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The file that is locked, eras A and B: `<state>/locks/oauth-refresh/sha256-…`; the lock is
/// this name and `.lock`.
#[must_use]
pub(crate) fn target(state: &Path, provider: &str, profile: &str) -> PathBuf {
    folder(state).join(name_2026_4(provider, profile))
}

/// The same in 2026.6 and later, which another name was given to.
#[must_use]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "era C is only read; the name is known for diagnosis")
)]
pub(crate) fn target_2026_6(state: &Path, provider: &str, profile: &str) -> PathBuf {
    folder(state).join(name_2026_6(provider, profile))
}

fn folder(state: &Path) -> PathBuf {
    state.join("locks").join("oauth-refresh")
}

fn name_2026_4(provider: &str, profile: &str) -> String {
    let digest = Sha256::digest(format!("{provider}\0{profile}"));
    let mut name = "sha256-".to_owned();
    for byte in digest {
        // Writing to text never fails.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Two 64-bit lanes in the manner of FNV-1a over the names as a JSON list.
fn name_2026_6(provider: &str, profile: &str) -> String {
    const PRIME: u64 = 1_099_511_628_211;
    let list = serde_json::to_string(&[provider, profile]).unwrap_or_default();
    let (mut left, mut right) = (14_695_981_039_346_656_037_u64, 11_160_318_154_034_397_263_u64);
    for byte in list.bytes().map(u64::from) {
        left = (left ^ byte).wrapping_mul(PRIME);
        right = (right ^ byte.wrapping_add(11_400_714_819_323_198_485)).wrapping_mul(PRIME);
    }
    format!("lock-{left:016x}{right:016x}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    /// Names computed by OpenClaw's own code.
    const VECTORS: &str = include_str!("../../tests/fixtures/lock_names.json");

    #[test]
    fn names_are_openclaws() {
        let vectors: Vec<serde_json::Value> = serde_json::from_str(VECTORS).unwrap();
        assert!(vectors.len() >= 5);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap().to_owned();
            let (provider, profile) = (text("provider"), text("profileId"));
            assert_eq!(name_2026_4(&provider, &profile), text("v2026_4_26"), "{provider}");
            assert_eq!(name_2026_6(&provider, &profile), text("v2026_6_plus"), "{provider}");
        }
    }

    #[test]
    fn the_lock_is_in_the_state_folder() {
        let target = target(Path::new("/s"), "openai", "openai:default");
        assert!(target.starts_with("/s/locks/oauth-refresh"));
        let later = target_2026_6(Path::new("/s"), "openai", "openai:default");
        assert!(later.ends_with("lock-5440fa0b86d2697ef1152f7cb32a8157"), "{}", later.display());
    }
}

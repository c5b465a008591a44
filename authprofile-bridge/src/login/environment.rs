//! [`Environment`]: what of the process's surroundings a login is looked for by.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use credential_provider_api::{CredentialError, Detail, ErrorCode};

/// The variables that say where a tool keeps its login.
const VARIABLES: [&str; 10] = [
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GEMINI_CLI_HOME",
    "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE",
    "HOME",
    "OPENCLAW_AGENT_DIR",
    "OPENCLAW_OAUTH_DIR",
    "OPENCLAW_STATE_DIR",
    "PI_CODING_AGENT_DIR",
    "USERPROFILE",
];

/// Where logins are looked for: a few environment variables, `HOME` among them. None holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The process's own, as it is now.
    #[must_use]
    pub fn of_this_process() -> Self {
        let found =
            VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
        Self { variables: found.collect() }
    }

    /// One of these variables, for a host with an environment of its own and for tests.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// A folder named by the first of `names` that is set; an empty one counts as not set.
    ///
    /// A relative one means another place in the tool's working directory than in ours, so it is
    /// `configuration_invalid`.
    pub(super) fn folder(&self, names: &[&str]) -> Result<Option<PathBuf>, CredentialError> {
        let set = |name: &&&str| self.variables.get(**name).is_some_and(|value| !value.is_empty());
        let Some(name) = names.iter().find(set) else { return Ok(None) };
        let folder = self.variables.get(*name).map(PathBuf::from).unwrap_or_default();
        if folder.is_absolute() {
            return Ok(Some(folder));
        }
        let detail = format!("{name} is not an absolute path");
        Err(CredentialError::new(ErrorCode::ConfigurationInvalid, Detail::composed(detail)))
    }

    /// The home folder.
    pub(super) fn home(&self) -> Result<PathBuf, CredentialError> {
        let names: &[&str] = if cfg!(windows) { &["USERPROFILE", "HOME"] } else { &["HOME"] };
        self.folder(names)?.ok_or_else(|| {
            let detail = "the environment names no home folder, where tools keep their logins";
            CredentialError::new(ErrorCode::NotConfigured, detail)
        })
    }

    /// Whether a variable says `true`.
    pub(super) fn says_true(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|value| value == "true")
    }

    /// The text of a variable as it was set; `None` if it is not set or empty.
    pub(super) fn text(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set_and_a_relative_one_is_an_error() {
        let home = if cfg!(windows) { "C:\\home" } else { "/home" };
        let environment =
            Environment::default().with("HOME", home).with("EMPTY", "").with("CODEX_HOME", "here");
        assert_eq!(environment.home().unwrap(), PathBuf::from(home));
        assert_eq!(environment.folder(&["EMPTY", "HOME"]).unwrap(), Some(home.into()));
        assert_eq!(environment.folder(&["NONE"]).unwrap(), None);
        let error = environment.folder(&["CODEX_HOME", "HOME"]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
        assert!(error.detail().starts_with("CODEX_HOME"), "{error}");
        let error = Environment::default().home().unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotConfigured);
    }
}

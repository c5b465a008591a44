//! [`Environment`]: what of the process's surroundings a keychain is looked for in.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The variables a keychain is found by, and those that explain why there is none.
const VARIABLES: [&str; 5] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "SSH_CONNECTION",
    "container",
    "KUBERNETES_SERVICE_HOST",
];

/// Where a keychain is looked for: a few environment variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's own, as it is now.
    #[must_use]
    pub fn of_this_process() -> Self {
        let found = VARIABLES.iter().filter_map(|name| {
            Some(((*name).to_owned(), std::env::var(name).ok().filter(|value| !value.is_empty())?))
        });
        Self { variables: found.collect() }
    }

    /// One of these variables, for a host with an environment of its own and for tests.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Where the session bus listens, as D-Bus clients look for it.
    #[must_use]
    pub fn session_bus(&self) -> Option<String> {
        if let Some(address) = self.get("DBUS_SESSION_BUS_ADDRESS") {
            return Some(address.to_owned());
        }
        let socket = PathBuf::from(self.get("XDG_RUNTIME_DIR")?).join("bus");
        socket.exists().then(|| format!("unix:path={}", socket.display()))
    }

    /// Where the process seems to run, in words, if that explains a missing keychain.
    #[must_use]
    pub fn place(&self) -> Option<&'static str> {
        let container = self.get("container").or_else(|| self.get("KUBERNETES_SERVICE_HOST"));
        match (container, self.get("SSH_CONNECTION")) {
            (Some(_), _) => Some("in a container"),
            (None, Some(_)) => Some("in an SSH session"),
            (None, None) => None,
        }
    }
}

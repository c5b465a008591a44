//! Where OpenClaw keeps what.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The places of one OpenClaw, as its environment says.
///
/// | variable | what it moves |
/// |---|---|
/// | `OPENCLAW_STATE_DIR` | everything; `~/.openclaw` unless set |
/// | `OPENCLAW_CONFIG_PATH` | the configuration; `openclaw.json` in the state folder unless set |
/// | `OPENCLAW_AGENT_DIR`, `PI_CODING_AGENT_DIR` | the main agent's folder |
/// | `OPENCLAW_OAUTH_DIR` | the old file of logins |
/// | `OPENCLAW_AUTH_STORE_READONLY=1` | nothing: it makes the stores read only |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Home {
    /// The state folder.
    pub state: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// The main agent's folder.
    pub main_agent: PathBuf,
    /// The folder of the old file of logins.
    pub oauth: PathBuf,
    /// Whether stores may only be read.
    pub read_only: bool,
}

/// An agent, as OpenClaw names its folder: 1–64 of `a–z 0–9 _ -`, first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

impl AgentId {
    /// The main agent, whose profiles the others inherit.
    #[must_use]
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// An agent's id, made valid as OpenClaw does: lower case, other characters become `-`, at most 64;
    /// nothing left is `main`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut id = String::new();
        for c in text.trim().to_lowercase().chars() {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-') {
                id.push(c);
            } else if !id.ends_with('-') {
                id.push('-');
            }
        }
        let id: String = id.trim_matches('-').chars().take(64).collect();
        if id.is_empty() { Self::main() } else { Self(id) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the main agent.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.0 == "main"
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Home {
    /// The places that a user's home folder and the environment say. Empty variables say nothing; a
    /// leading `~` is the home folder.
    #[must_use]
    pub fn from_environment(user: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let place = |name: &str| {
            let value = variable(name)?;
            let text = value.to_str().map(str::trim);
            match text {
                Some("") => None,
                Some("~") => Some(user.to_owned()),
                Some(text) => Some(
                    text.strip_prefix("~/")
                        .map_or_else(|| PathBuf::from(text), |rest| user.join(rest)),
                ),
                None => Some(PathBuf::from(value)),
            }
        };
        let state = place("OPENCLAW_STATE_DIR").unwrap_or_else(|| user.join(".openclaw"));
        let mut home = Self::at(&state);
        home.config = place("OPENCLAW_CONFIG_PATH").unwrap_or(home.config);
        home.oauth = place("OPENCLAW_OAUTH_DIR").unwrap_or(home.oauth);
        let agent = place("OPENCLAW_AGENT_DIR").or_else(|| place("PI_CODING_AGENT_DIR"));
        home.main_agent = agent.unwrap_or(home.main_agent);
        home.read_only = variable("OPENCLAW_AUTH_STORE_READONLY").is_some_and(|value| value == "1");
        home
    }

    /// The usual places within a state folder.
    #[must_use]
    pub fn at(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            config: state.join("openclaw.json"),
            main_agent: state.join("agents").join("main").join("agent"),
            oauth: state.join("credentials"),
            read_only: false,
        }
    }

    /// The folder of an agent.
    #[must_use]
    pub fn agent(&self, agent: &AgentId) -> PathBuf {
        if agent.is_main() {
            return self.main_agent.clone();
        }
        self.state.join("agents").join(agent.as_str()).join("agent")
    }

    /// The agents that have a folder, the main agent first, and always. It blocks.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentId> {
        let entries = std::fs::read_dir(self.state.join("agents"));
        let mut agents: Vec<AgentId> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let agent = AgentId::new(&name);
                let is_folder = entry.path().join("agent").is_dir();
                (agent.as_str() == name && is_folder && !agent.is_main()).then_some(agent)
            })
            .collect();
        agents.sort();
        agents.insert(0, AgentId::main());
        agents
    }

    /// The database that all agents share, era C.
    #[must_use]
    pub fn shared_database(&self) -> PathBuf {
        self.state.join("state").join("openclaw.sqlite")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::Folder;

    fn home(variables: &[(&str, &str)]) -> Home {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Home::from_environment(Path::new("/home/u"), |name| variables.get(name).map(Into::into))
    }

    #[test]
    fn without_an_environment_everything_is_at_its_usual_place() {
        let usual = home(&[("OPENCLAW_STATE_DIR", " ")]);
        assert_eq!(usual, Home::at(Path::new("/home/u/.openclaw")));
        assert_eq!(
            usual.agent(&AgentId::new("Work Bench!")),
            Path::new("/home/u/.openclaw/agents/work-bench/agent")
        );
    }

    #[test]
    fn variables_move_what_they_say() {
        let moved = home(&[
            ("OPENCLAW_STATE_DIR", "~/claw"),
            ("OPENCLAW_CONFIG_PATH", "/etc/claw.json"),
            ("PI_CODING_AGENT_DIR", "/agent"),
            ("OPENCLAW_OAUTH_DIR", "/oauth"),
            ("OPENCLAW_AUTH_STORE_READONLY", "1"),
        ]);
        assert_eq!(moved.state, Path::new("/home/u/claw"));
        assert_eq!(moved.config, Path::new("/etc/claw.json"));
        assert_eq!(moved.agent(&AgentId::main()), Path::new("/agent"));
        assert_eq!(moved.oauth, Path::new("/oauth"));
        assert!(moved.read_only);
        let both = home(&[("OPENCLAW_AGENT_DIR", "/a"), ("PI_CODING_AGENT_DIR", "/b")]);
        assert_eq!(both.main_agent, Path::new("/a"));
    }

    #[test]
    fn agents_are_the_folders_that_are_named_like_one() {
        let folder = Folder::new();
        for agent in ["research", "main", "Not One", "empty"] {
            folder.write(&format!("agents/{agent}/agent/x"), "");
        }
        std::fs::remove_dir_all(folder.path("agents/empty/agent")).unwrap();
        let agents = Home::at(folder.root()).agents();
        assert_eq!(agents, [AgentId::main(), AgentId::new("research")]);
    }

    #[test]
    fn agent_ids_are_made_valid_as_openclaw_does() {
        for (text, id) in
            [("", "main"), ("--", "main"), ("A b", "a-b"), ("é!", "main"), ("_x", "_x")]
        {
            assert_eq!(AgentId::new(text).as_str(), id, "{text}");
        }
        assert_eq!(AgentId::new(&"x".repeat(100)).as_str().len(), 64);
    }
}

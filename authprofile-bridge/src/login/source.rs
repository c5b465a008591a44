//! [`LoginSource`]: whose login, and what is known about each.

use std::path::PathBuf;

use credential_provider_api::{
    CredentialError, CredentialId, CredentialKind, Detail, ErrorCode, InvalidId, Origin,
};

use super::environment::Environment;
use super::keychain::{ItemName, hex_start};

/// Whose login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginSource {
    /// Codex's ChatGPT login, credential `codex`.
    Codex,
    /// The API key Codex is signed in with, credential `codex-api-key`.
    CodexApiKey,
    /// Claude Code's claude.ai login, credential `claude-code`.
    ClaudeCode,
    /// Gemini CLI's Google login, credential `gemini`.
    Gemini,
    /// The login of MiniMax's CLI, credential `minimax`.
    MiniMax,
    /// An entry of OpenClaw's old `auth.json`, credential `openclaw-auth/<provider>`.
    OpenClawAuth {
        /// The provider, as OpenClaw names it.
        provider: String,
        /// What is kept: an API key, a token or an OAuth 2.0 login.
        kind: CredentialKind,
    },
    /// An entry of OpenClaw's old `credentials/oauth.json`, credential `openclaw-oauth/<provider>`.
    OpenClawOAuth {
        /// The provider, as OpenClaw names it.
        provider: String,
    },
}

/// Where a tool may keep its login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    File,
    Keychain,
}

const AUTH: &str = "openclaw-auth/";
const OAUTH: &str = "openclaw-oauth/";

impl LoginSource {
    /// The login whose credential has this id. Of OpenClaw's `auth.json` it is an API key, unless
    /// another [`kind`](Self::OpenClawAuth::kind) is set; `None` if there is no such login.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        let provider = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(match id {
            "codex" => Self::Codex,
            "codex-api-key" => Self::CodexApiKey,
            "claude-code" => Self::ClaudeCode,
            "gemini" => Self::Gemini,
            "minimax" => Self::MiniMax,
            _ => match (id.strip_prefix(AUTH), id.strip_prefix(OAUTH)) {
                (Some(name), _) => {
                    Self::OpenClawAuth { provider: provider(name)?, kind: CredentialKind::ApiKey }
                }
                (_, Some(name)) => Self::OpenClawOAuth { provider: provider(name)? },
                _ => return None,
            },
        })
    }

    /// The id of its credential.
    ///
    /// # Errors
    /// [`InvalidId`] if the name of an OpenClaw provider cannot stand in one.
    pub fn id(&self) -> Result<CredentialId, InvalidId> {
        match self {
            Self::Codex => CredentialId::new("codex"),
            Self::CodexApiKey => CredentialId::new("codex-api-key"),
            Self::ClaudeCode => CredentialId::new("claude-code"),
            Self::Gemini => CredentialId::new("gemini"),
            Self::MiniMax => CredentialId::new("minimax"),
            Self::OpenClawAuth { provider, .. } => CredentialId::new(format!("{AUTH}{provider}")),
            Self::OpenClawOAuth { provider } => CredentialId::new(format!("{OAUTH}{provider}")),
        }
    }

    /// The kind of its credential.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::CodexApiKey => CredentialKind::ApiKey,
            Self::OpenClawAuth { kind, .. } => *kind,
            _ => CredentialKind::OAuth2,
        }
    }

    /// Where the tool itself sends it. MiniMax has a host for each region and OpenClaw's old files do
    /// not say: for those it is none.
    pub(super) fn origins(&self) -> Result<Vec<Origin>, InvalidId> {
        let own = match self {
            Self::Codex => "https://chatgpt.com",
            Self::CodexApiKey => "https://api.openai.com",
            Self::ClaudeCode => "https://api.anthropic.com",
            Self::Gemini => "https://cloudcode-pa.googleapis.com",
            _ => return Ok(Vec::new()),
        };
        Ok(vec![Origin::parse(own)?])
    }

    /// What a person does about a login that is not there or has ended.
    pub(super) const fn sign_in_again(&self) -> &'static str {
        match self {
            Self::Codex | Self::CodexApiKey => "run `codex` to sign in again",
            Self::ClaudeCode => "run `claude` to sign in again",
            Self::Gemini => "run `gemini` to sign in again",
            Self::MiniMax => "sign in again with MiniMax's CLI",
            _ => "sign in again with OpenClaw",
        }
    }

    /// In words, that there is no login.
    pub(super) const fn not_there(&self) -> &'static str {
        match self {
            // Its encrypted file holds other things, too: that it is there means nothing.
            Self::Gemini => {
                "it is not signed in, or keeps its login in its encrypted file, which is not read here"
            }
            _ => "it is not signed in",
        }
    }

    /// For people.
    pub(super) const fn tool(&self) -> &'static str {
        match self {
            Self::Codex | Self::CodexApiKey => "Codex",
            Self::ClaudeCode => "Claude Code",
            Self::Gemini => "Gemini CLI",
            Self::MiniMax => "MiniMax's CLI",
            _ => "OpenClaw",
        }
    }

    /// Where the tool looks, in its order.
    pub(super) fn stores(&self, environment: &Environment) -> &'static [Store] {
        match self {
            // It deletes the file once the item is saved.
            Self::Codex | Self::CodexApiKey => &[Store::Keychain, Store::File],
            // A file that is there wins.
            Self::ClaudeCode => &[Store::File, Store::Keychain],
            Self::Gemini if encrypted(environment) => &[Store::Keychain],
            _ => &[Store::File],
        }
    }

    /// Whether the file's age may decide when the login ends.
    pub(super) const fn ends_by_age(&self) -> bool {
        matches!(self, Self::Codex)
    }

    /// The file the tool keeps it in.
    pub(super) fn file(&self, environment: &Environment) -> Result<PathBuf, CredentialError> {
        let home = |folder: &str| environment.home().map(|home| home.join(folder));
        match self {
            Self::Codex | Self::CodexApiKey => Ok(codex_home(environment)?.join("auth.json")),
            Self::ClaudeCode => Ok(match environment.folder(&["CLAUDE_CONFIG_DIR"])? {
                Some(folder) => folder,
                None => home(".claude")?,
            }
            .join(".credentials.json")),
            Self::Gemini => Ok(match environment.folder(&["GEMINI_CLI_HOME"])? {
                Some(folder) => folder,
                None => environment.home()?,
            }
            .join(".gemini")
            .join("oauth_creds.json")),
            Self::MiniMax => Ok(home(".minimax")?.join("oauth_creds.json")),
            Self::OpenClawAuth { .. } => {
                let named = environment.folder(&["OPENCLAW_AGENT_DIR", "PI_CODING_AGENT_DIR"])?;
                Ok(match named {
                    Some(folder) => folder,
                    None => openclaw_state(environment)?.join("agents").join("main").join("agent"),
                }
                .join("auth.json"))
            }
            Self::OpenClawOAuth { .. } => Ok(match environment.folder(&["OPENCLAW_OAUTH_DIR"])? {
                Some(folder) => folder,
                None => openclaw_state(environment)?.join("credentials"),
            }
            .join("oauth.json")),
        }
    }

    /// The item the tool keeps it in, where it has one. Looks at the file system, which may block.
    pub(super) fn item(
        &self,
        environment: &Environment,
    ) -> Result<Option<ItemName>, CredentialError> {
        let named = |service: String, account: Option<String>| Some(ItemName { service, account });
        Ok(match self {
            Self::Codex | Self::CodexApiKey => {
                let folder = codex_home(environment)?;
                // Its name is of the folder behind all links; a folder that is not there has no item.
                let Ok(real) = std::fs::canonicalize(folder) else { return Ok(None) };
                let digest = hex_start(real.as_os_str().as_encoded_bytes(), 16);
                named("Codex Auth".to_owned(), Some(format!("cli|{digest}")))
            }
            Self::ClaudeCode => {
                let mut service = "Claude Code-credentials".to_owned();
                // Of the folder as it was written, and only where it was.
                if let Some(folder) = environment.text("CLAUDE_CONFIG_DIR") {
                    service.push('-');
                    service.push_str(&hex_start(folder.as_encoded_bytes(), 8));
                }
                named(service, None)
            }
            Self::Gemini => named("gemini-cli-oauth".to_owned(), Some("main-account".to_owned())),
            _ => None,
        })
    }

    /// An error about a login that cannot be had in the way the tool keeps it.
    pub(super) fn unreachable(&self) -> CredentialError {
        let detail = format!(
            "{} keeps its login in the keychain, and this host gives no reader of it",
            self.tool()
        );
        CredentialError::new(ErrorCode::NotConfigured, Detail::composed(detail))
    }
}

fn codex_home(environment: &Environment) -> Result<PathBuf, CredentialError> {
    match environment.folder(&["CODEX_HOME"])? {
        Some(folder) => Ok(folder),
        None => Ok(environment.home()?.join(".codex")),
    }
}

fn openclaw_state(environment: &Environment) -> Result<PathBuf, CredentialError> {
    match environment.folder(&["OPENCLAW_STATE_DIR"])? {
        Some(folder) => Ok(folder),
        None => Ok(environment.home()?.join(".openclaw")),
    }
}

fn encrypted(environment: &Environment) -> bool {
    environment.says_true("GEMINI_FORCE_ENCRYPTED_FILE_STORAGE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn file(id: &str, environment: &Environment) -> String {
        let source = LoginSource::of_id(id).unwrap();
        assert_eq!(source.id().unwrap().as_str(), id);
        source.file(environment).unwrap().into_os_string().into_string().unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn files_are_where_the_tools_keep_them() {
        let home = Environment::default().with("HOME", "/h");
        for (id, variable, usual, other) in [
            ("codex", "CODEX_HOME", "/h/.codex/auth.json", "/o/auth.json"),
            ("codex-api-key", "CODEX_HOME", "/h/.codex/auth.json", "/o/auth.json"),
            (
                "claude-code",
                "CLAUDE_CONFIG_DIR",
                "/h/.claude/.credentials.json",
                "/o/.credentials.json",
            ),
            (
                "gemini",
                "GEMINI_CLI_HOME",
                "/h/.gemini/oauth_creds.json",
                "/o/.gemini/oauth_creds.json",
            ),
            ("minimax", "HOME", "/h/.minimax/oauth_creds.json", "/o/.minimax/oauth_creds.json"),
            (
                "openclaw-auth/openai",
                "OPENCLAW_STATE_DIR",
                "/h/.openclaw/agents/main/agent/auth.json",
                "/o/agents/main/agent/auth.json",
            ),
            (
                "openclaw-auth/openai",
                "OPENCLAW_AGENT_DIR",
                "/h/.openclaw/agents/main/agent/auth.json",
                "/o/auth.json",
            ),
            (
                "openclaw-auth/openai",
                "PI_CODING_AGENT_DIR",
                "/h/.openclaw/agents/main/agent/auth.json",
                "/o/auth.json",
            ),
            (
                "openclaw-oauth/a/b",
                "OPENCLAW_STATE_DIR",
                "/h/.openclaw/credentials/oauth.json",
                "/o/credentials/oauth.json",
            ),
            (
                "openclaw-oauth/a/b",
                "OPENCLAW_OAUTH_DIR",
                "/h/.openclaw/credentials/oauth.json",
                "/o/oauth.json",
            ),
        ] {
            assert_eq!(file(id, &home), usual);
            assert_eq!(file(id, &home.clone().with(variable, "/o")), other, "{variable}");
        }
    }

    #[test]
    fn what_names_no_login_is_none() {
        for none in ["", "cursor", "openclaw-auth/", "openclaw-oauth/", "codex/x"] {
            assert_eq!(LoginSource::of_id(none), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn items_have_the_names_the_tools_give_them() {
        let item = |id: &str, environment: &Environment| {
            LoginSource::of_id(id).unwrap().item(environment).unwrap()
        };
        let named = |service: &str, account: Option<&str>| {
            Some(ItemName { service: service.to_owned(), account: account.map(str::to_owned) })
        };
        let home = Environment::default().with("HOME", "/h");
        assert_eq!(item("claude-code", &home), named("Claude Code-credentials", None));
        // The first 8 digits of the SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        let other = home.clone().with("CLAUDE_CONFIG_DIR", "abc");
        assert_eq!(item("claude-code", &other), named("Claude Code-credentials-ba7816bf", None));
        assert_eq!(item("gemini", &home), named("gemini-cli-oauth", Some("main-account")));
        assert_eq!(item("minimax", &home), None);
        assert_eq!(item("codex", &home.clone().with("CODEX_HOME", "/nowhere/at/all")), None);
        let account = format!("cli|{}", hex_start(b"/", 16));
        let codex = home.with("CODEX_HOME", "/usr/..");
        assert_eq!(item("codex", &codex), named("Codex Auth", Some(&account)));
    }
}

//! Logins of other tools on the same machine, and OpenClaw's old files: read, never written.
//!
//! A person who signed in to Codex, Claude Code, Gemini CLI or MiniMax's CLI need not sign in again for
//! the gateway. [`LoginProvider`] reads the tool's own login **each time it is asked**, so there is no
//! copy that could drift. It is **off unless configured**, and serves the logins that the configuration
//! names, none by default.
//!
//! It renews nothing: only the tool does, under its own rules. It takes no lock, writes no file, and
//! never reads a refresh token out: that stays in the bytes of the file, which are wiped. A login that
//! has ended is `needs_reauth`, and the words say which tool to run.
//!
//! # Configuration
//! ```json
//! { "credentialProviders": { "logins": { "type": "tool-logins",
//!     "credentials": { "codex": {}, "claude-code": { "account": "me@example.com" } } } } }
//! ```
//! Build it with [`LoginFactory`], or in code with [`LoginProvider::builder`]. Unknown settings are
//! errors. It reads files on threads of tokio's that may block; its futures are cancel-safe.
//!
//! | setting | what |
//! |---|---|
//! | `displayName` | its name for people |
//! | `credentials` | by id, from the table below; none unless named |
//!
//! | setting of a login | what |
//! |---|---|
//! | `account` | serve it only while it is of this account id or e-mail address, else `account_mismatch` |
//! | `origins` | where it may be sent, in place of the tool's own service |
//! | `storage` | `usual`, the tool's order, unless given; `file` or `keychain` for one alone |
//! | `kind` | of `openclaw-auth/…`: `api_key` unless given, `token` or `oauth2` |
//!
//! # Logins
//! | id | kind | where, in this order | ends | account | may be sent to |
//! |---|---|---|---|---|---|
//! | `codex` | `oauth2` | item `Codex Auth`; `$CODEX_HOME` or `~/.codex`, `auth.json` | the access token's `exp`, else an hour after `last_refresh`, else an hour after the file was written | `account_id`, else of the ID token | `chatgpt.com` |
//! | `codex-api-key` | `api_key` | as above | – | – | `api.openai.com` |
//! | `claude-code` | `oauth2` | `$CLAUDE_CONFIG_DIR` or `~/.claude`, `.credentials.json`; item `Claude Code-credentials` | `expiresAt` | – | `api.anthropic.com` |
//! | `gemini` | `oauth2` | `$GEMINI_CLI_HOME` or `~`, `.gemini/oauth_creds.json`; only item `gemini-cli-oauth` if `GEMINI_FORCE_ENCRYPTED_FILE_STORAGE` is `true` | `expiry_date` | `sub` of the ID token | `cloudcode-pa.googleapis.com` |
//! | `minimax` | `oauth2` | `~/.minimax/oauth_creds.json` | `expiry_date` | – | – |
//! | `openclaw-auth/<provider>` | as set | `auth.json` in `$OPENCLAW_AGENT_DIR`, `$PI_CODING_AGENT_DIR`, or `agents/main/agent` of `$OPENCLAW_STATE_DIR` or `~/.openclaw` | `expires` | `accountId` | – |
//! | `openclaw-oauth/<provider>` | `oauth2` | `oauth.json` in `$OPENCLAW_OAUTH_DIR`, or `credentials` of the same | `expires` | `accountId` | – |
//!
//! Codex has two ids because a credential is of one kind: the one that Codex is not signed in with is
//! `not_configured`, and never the other. The two of OpenClaw's files are apart because both may know
//! one provider. Where no origin is known, [`origins`](Login::origins) must be set before the
//! credential authorizes a request.
//!
//! Ends are in milliseconds; a number that would be before March 1973 is taken for seconds, and one
//! beyond what JavaScript's dates know is an error. An e-mail address, where one is known, is the
//! property `email`. The property `account_source` is `file`, or `unverified_id_token`: then the
//! account is a claim of an ID token **whose signature was not checked**. Whoever can write the file
//! can name any account.
//!
//! # Changes
//! Tools renew their logins and people sign in again. Files are looked at **every second**, by their
//! stamp; what is in them is compared when that changed and at least once a minute. Keychains are
//! asked once a minute. Only logins that were resolved are looked at. The engine then asks again, so a
//! consumer has the new login without a restart. It is served until its end or a change, and a login
//! of **another account is `account_mismatch`** until the engine
//! releases the key, so that a switch in the tool does not make the gateway another person unnoticed.
//!
//! # Files
//! Links are followed, as the tools follow them: nothing is written, and what they point to is used
//! only if it is such a login. What is no regular file, is larger than 1 MiB, or is no such login is
//! `store_unreadable`. One that is not whole, because its tool is writing it, is read again five times
//! within a third of a second, then it is the same error. It is left as it is.
//!
//! References to secrets, redaction marks, and the fences that OpenClaw writes while it renews are
//! never served. [`check`](credential_provider_api::CredentialProvider::check) finds a file that others
//! can read `degraded`.
//!
//! # Keychains
//! Items are read through a [`KeychainReader`] that the host gives. Without one, files alone are read.
//! A keychain that is locked or fails is an error, not a reason to look in the file, where another
//! login may be; one that is not there at all is.
//!
//! Claude Code normalizes the name of its folder to Unicode's NFC before it derives its item's name
//! from it, and this does not: such a folder's name must be in NFC already.

mod builder;
mod claims;
mod configuration;
mod environment;
mod factory;
mod file;
mod format;
mod keychain;
mod live;
mod provider;
mod source;
mod value;
mod watch;

pub use builder::{Login, LoginProviderBuilder, Storage};
pub use environment::Environment;
pub use factory::LoginFactory;
pub use keychain::KeychainReader;
pub use provider::LoginProvider;
pub use source::LoginSource;

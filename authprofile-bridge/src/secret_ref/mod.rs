//! OpenClaw's references to secrets: read, checked and resolved as OpenClaw does.
//!
//! [`SecretRefs`] is a [`SecretRefResolver`](credential_provider_api::SecretRefResolver) for the
//! `secrets` section of OpenClaw's configuration. A host gives it to its engine, so that settings of
//! providers may say `"${OPENAI_API_KEY}"` or `{"source": "file", "provider": "vault", "id": "/key"}`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{collections::BTreeMap, sync::Arc};
//! use authprofile_bridge::secret_ref::{SecretRefs, SecretsConfiguration};
//! use credential_provider_api::*;
//!
//! let section = serde_json::json!({ "providers": { "ci": { "source": "env", "allowlist": ["CI_KEY"] } } });
//! let configuration = SecretsConfiguration::read("secrets", &section)?;
//! let environment = BTreeMap::from([("CI_KEY".to_owned(), SecretString::from("k-1"))]);
//! let secrets = SecretRefs::new(configuration, Arc::new(environment), Arc::new(ManualClock::default()));
//! let reference = SecretRef::new(SecretSource::Env, "ci", "CI_KEY");
//! assert_eq!(secrets.resolve(&[reference]).await.remove(0)?.expose_secret(), "k-1");
//! # Ok(()) }
//! ```
//!
//! # Forms
//! | form | read as |
//! |---|---|
//! | `{"source", "provider", "id"}`, exactly these | that reference |
//! | `{"source", "id"}`, exactly these (older) | the alias of `secrets.defaults.<source>`, else `default` |
//! | `"${NAME}"`, `"$NAME"`, the whole text but for space around it | a variable of the default `env` source |
//! | `"secretref-env:NAME"`, `"__env__:NAME"` (older) | the same |
//!
//! [`read_reference`] reads them. The grammar is the wider one where versions differ: `#` may stand in
//! ids of programs.
//!
//! | part | grammar |
//! |---|---|
//! | alias | `[a-z][a-z0-9_-]{0,63}` |
//! | id of `env` and `store` | `[A-Z][A-Z0-9_]{0,127}` |
//! | id of `file` | `value`, or a JSON pointer (RFC 6901) that starts with `/` |
//! | id of `exec` | `[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}`, without segments `.` and `..` |
//!
//! # Sources
//! | source | what is checked |
//! |---|---|
//! | `env` | the `allowlist`, if there is one. The alias `default` needs no entry |
//! | `file` | the path, below; `maxBytes`, `timeoutMs`. `json`: an object, by pointer; `singleValue`: one line end at the end is cut |
//! | `exec` | the path, below; `timeoutMs`, `noOutputTimeoutMs`, `maxOutputBytes` |
//! | `store` | read through a [`SecretStore`] that the host lends, never written |
//!
//! A path is absolute and no symbolic link, and names a regular file with one hard link, owned by the
//! user of this process, that nobody else can write (and, for `file`, read). With `trustedDirs` its
//! real path is inside one of them. `allowSymlinkCommand` follows a link and judges its target;
//! `allowInsecurePath` leaves out owner, mode and hard links. Where owner and mode cannot be told
//! (not Unix), a path is refused unless `allowInsecurePath` is set. A file is judged by the handle it is
//! read from. A program is judged by path and then started by path: whoever can replace it in between
//! could have replaced it before.
//!
//! A program gets no shell and no environment but `passEnv` and `env`; its working folder is the one it
//! lies in. At a limit its whole process group is killed (on Unix). A process that left the group is
//! not found.
//!
//! # Batches
//! The same reference twice is resolved once. References of one source and alias are one group: a
//! program is started once for all of its ids, a file is read once. At most
//! `secrets.resolution.maxProviderConcurrency` groups (4) are under way at a time. A group with more than
//! `maxRefsPerProvider` ids (512), or a request of more than `maxBatchBytes` (256 KiB), fails as a whole.
//! Nothing is kept between calls.
//!
//! # What is never a value
//! An empty text, a redaction mark (`__OPENCLAW_REDACTED__`, a row of stars), a fence of a renewal
//! (`openclaw-oauth-refresh-fence:…`), a sentinel (`oc-sent-v2.…`), an unresolved `${NAME}`, or anything
//! but text.
//!
//! # Errors
//! [`SecretRefError`] has a [kind](SecretRefProblem) for each way to fail, [OpenClaw's
//! code](SecretRefError::code), and becomes a
//! [`CredentialError`](credential_provider_api::CredentialError) with class and next step. What a program
//! or file said is in none of them, but for a code of letters and underscores.

mod answer;
mod bytes;
mod configuration;
mod environment;
mod error;
mod exec;
mod file;
mod grammar;
mod path;
mod program;
mod resolver;
mod store;
mod walk;
mod wiped;

pub use configuration::{
    Answers, Defaults, EnvSource, ExecSource, FileMode, FileSource, Judged, Links,
    ResolutionLimits, SecretsConfiguration, SourceConfiguration,
};
pub use environment::{Environment, SystemEnvironment};
pub use error::{PathProblem, SecretRefError, SecretRefProblem};
pub use grammar::{check_alias, check_id, read_reference};
pub use program::{Invocation, ProgramEnd, ProgramOutput, Programs, SystemPrograms};
pub use resolver::SecretRefs;
pub use store::SecretStore;

pub(crate) use bytes::SecretBytes;

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing {
    //! What a fuzzer reads.
    pub(crate) use super::answer::read_answer;
}

//! The other side of OpenClaw's exec sources: a program that answers with our credentials.
//!
//! OpenClaw starts a program, writes one request to its standard input, and reads one answer (exec
//! protocol v1). [`serve`] is that program's inside: it reads the request, asks the host's
//! [`GatewayCredentials`] for all of it at once, and writes the answer. All versions of OpenClaw since
//! 2026.3.2 understand it, so this is the bridge for those that read no profile file of ours.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use authprofile_bridge::exec::{ExecLimits, serve};
//! use credential_provider_api::*;
//!
//! let clock = ManualClock::default();
//! let vault = |wanted: CredentialRef, _deadline: Timestamp| async move {
//!     match wanted.id.as_str() {
//!         "openai" => Ok(Arc::new(Credential::api_key("k-1".into()))),
//!         _ => Err(CredentialError::new(ErrorCode::CredentialNotFound, "")),
//!     }
//! };
//! let request = br#"{"protocolVersion": 1, "provider": "ours", "ids": ["vault/openai"]}"#;
//! let mut answer = Vec::new();
//! serve(&request[..], &mut answer, &vault, &clock, ExecLimits::default()).await?;
//! assert_eq!(answer, br#"{"protocolVersion":1,"values":{"vault/openai":"k-1"}}"#);
//! # Ok(()) }
//! ```
//!
//! # Ids
//! An id is `<provider>/<credential>`: a [`CredentialRef`](credential_provider_api::CredentialRef) in its
//! text form. OpenClaw allows `A-Z a-z 0-9 . _ : / -` in ids (since 2026.9 `#`) and at most 256
//! characters, so a credential whose name has others cannot be asked for. The alias in the request is
//! OpenClaw's own name for this program and is not read.
//!
//! **Credentials of the gateway only.** A credential is asked for without a session, and what belongs to
//! a session is refused: whoever can start a program chose its input, and proves nobody's identity.
//!
//! # Values
//! | credential | value |
//! |---|---|
//! | `api_key`, `oauth2`, `token` | the secret, as text |
//! | `user_value` of one field | that field, as text |
//! | `user_value` of several fields | an object, by field |
//! | `access_key` | an object: `accessKeyId`, `secretAccessKey`, `sessionToken` if there is one |
//!
//! OpenClaw takes text wherever it wants a key; an object fails there, with its own words.
//!
//! # Errors
//! | what | answer | [exit code](ExecFailure::exit_code) |
//! |---|---|---|
//! | an id fails | `errors[id] = {message, code}`, the others are answered | 0 |
//! | an id is none | the same, code `INVALID_ID` | 0 |
//! | an id twice | answered once | 0 |
//! | another protocol version | every id fails, code `WRONG_VERSION` | 0 |
//! | no ids | an answer without values | 0 |
//! | not JSON, no object, `ids` not a list of texts | nothing | 2 |
//! | longer than [`ExecLimits::request_bytes`] | nothing | 2 |
//! | not read within [`ExecLimits::read`] | nothing | 3 |
//! | standard input or output fails | what was written | 4 |
//! | nobody reads the answer within [`ExecLimits::write`] | what was written | 4 |
//!
//! The code is `NOT_FOUND` where the provider or the credential does not exist, so that OpenClaw shows
//! it, and else ours in capitals (`NEEDS_REAUTH`). The message is the code and the next step, words of
//! ours: no detail of an error, which may come from outside, leaves here.
//!
//! # A renewal that takes longer than the asker waits
//! OpenClaw kills a program after 5 s, and an exchange that dies with it has spent a refresh token and
//! saved none. A host whose credentials are renewed by exchanges makes them in another process, which
//! outlives this one: it [resolves](ExecAnswer::resolve) and [writes](ExecAnswer::write) there,
//! [reads](ExecAnswer::read) here, and [joins](ExecAnswer::join) what it has.
//!
//! Secrets leave only through the writer. The buffer they are written from is wiped.

mod answer;
mod credentials;
mod failure;
mod given;
mod request;
mod serve;

pub use answer::ExecAnswer;
pub use credentials::GatewayCredentials;
pub use failure::ExecFailure;
pub use request::{ExecRequest, MalformedRequest};
pub use serve::{ExecLimits, Served, receive, respond, serve};

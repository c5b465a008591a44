//! What comes back.

use std::collections::BTreeMap;

use credential_provider_api::{CredentialError, ErrorClass, State};
use serde::{Deserialize, Serialize};

use super::event::EventLine;
use super::secret::Secret;
use crate::audit::AuditLine;

/// One line from a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Reply {
    /// It was done.
    Done(Box<Answer>),
    /// It was not.
    Refused(Refusal),
    /// Something happened, after [`Operation::Watch`](super::Operation::Watch).
    Event(EventLine),
    /// So many events were not told: ask for the status.
    Missed(u64),
}

/// What was done, or found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Answer {
    /// Who is there.
    Hello(Hello),
    /// The providers.
    Providers {
        /// Each configured one.
        providers: Vec<ProviderLine>,
    },
    /// The credentials providers have.
    List {
        /// Each of them.
        credentials: Vec<CredentialLine>,
        /// Providers that could not say, and why.
        failed: BTreeMap<String, Refusal>,
    },
    /// Where every credential is in its life.
    Status {
        /// Where this was looked up.
        source: Source,
        /// Each known key.
        entries: Vec<EntryLine>,
        /// Why the store could not be read: what nobody has asked for yet is then not among them.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        problem: Option<Refusal>,
    },
    /// One credential.
    Credential(Shown),
    /// The environment of one child process.
    Environment {
        /// What to set.
        set: BTreeMap<String, Secret>,
        /// What to take out: optional credentials that could not be had.
        removed: Vec<String>,
    },
    /// How its source is.
    Health(HealthLine),
    /// It was taken back: `remote`, or `local_only` where the source cannot.
    TakenBack {
        /// How far.
        reach: String,
    },
    /// A sign-in.
    Flow(FlowLine),
    /// The audit trail, the oldest line first.
    Audit {
        /// The lines; none if none is configured.
        lines: Vec<AuditLine>,
    },
    /// The configuration was read again.
    Reloaded {
        /// New providers.
        added: Vec<String>,
        /// Providers built anew.
        replaced: Vec<String>,
        /// Providers gone.
        removed: Vec<String>,
        /// Providers that could not be built, and why; those stay as they were.
        failed: BTreeMap<String, String>,
    },
    /// Events follow.
    Watching,
    /// Where the status page is.
    PageLink {
        /// An address that lets one browser in, once.
        url: Secret,
    },
    /// It is done, and there is no more to say.
    Done,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Hello {
    /// The version of this crate there.
    pub version: String,
    /// The process.
    pub process: u32,
    /// Its configuration.
    pub configuration: String,
}

/// A configured provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProviderLine {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The type in the configuration; none if it is the host's own code.
    pub kind: Option<String>,
    /// `in_service` or `failed`.
    pub state: String,
    /// Why it failed, and what to do.
    pub problem: Option<String>,
    /// The ways to sign in to it.
    pub sign_in: Vec<String>,
}

/// A credential of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialLine {
    /// `provider/id`; the id may be a pattern.
    pub credential: String,
    /// The kind.
    pub kind: String,
    /// `gateway` or `session`.
    pub scope: String,
    /// A line for people.
    pub description: String,
}

/// Where a status was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Source {
    /// In a gateway that runs.
    Gateway,
    /// In the store only: nobody knows what a gateway holds in memory.
    Store,
}

/// Where a credential is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EntryLine {
    /// `provider/id`.
    pub credential: String,
    /// The effective session, encoded.
    pub session: Option<String>,
    /// The variant, encoded.
    pub variant: Option<String>,
    /// The state.
    pub state: State,
    /// When what is served ends, in milliseconds since 1970.
    pub until: Option<u64>,
    /// The account.
    pub account: Option<String>,
    /// The revision.
    pub revision: Option<u64>,
    /// Why it is in that state, and what to do.
    pub error: Option<Refusal>,
}

/// A credential, shown to a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Shown {
    /// `provider/id`.
    pub credential: String,
    /// The kind.
    pub kind: String,
    /// The account it acts as.
    pub account: Option<String>,
    /// What it covers.
    pub scopes: Vec<String>,
    /// Where it may be sent; anywhere its user wants if empty.
    pub origins: Vec<String>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
    /// Its revision.
    pub revision: Option<u64>,
    /// What it consists of, by field.
    pub fields: BTreeMap<String, Served>,
    /// Whether this is another revision than before, for a renewal.
    pub renewed: Option<Renewed>,
}

/// What came of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Renewed {
    /// A new revision is served.
    New,
    /// The source gave what it gave before.
    Same,
}

/// A field of a credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Served {
    /// Its last characters, if there are enough.
    Masked(String),
    /// All of it.
    Secret(Secret),
}

/// How a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HealthLine {
    /// `healthy`, `degraded` or `failing`.
    pub status: String,
    /// More of it.
    pub detail: String,
}

/// A sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FlowLine {
    /// Its name: whoever has it can answer it.
    pub flow: Secret,
    /// When it ends at the latest, in milliseconds since 1970.
    pub expires_at: u64,
    /// Where it stands.
    pub standing: FlowStanding,
}

/// Where a sign-in stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FlowStanding {
    /// A person must act.
    Step(Step),
    /// An answer is being worked on, or it is not finished elsewhere yet.
    Working {
        /// Poll again after so many milliseconds; none if it moves by itself.
        poll_after: Option<u64>,
    },
    /// Signed in.
    Done {
        /// As whom, where the source tells.
        account: Option<String>,
    },
    /// Over.
    Failed(Refusal),
}

/// What a person must do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Step {
    /// Open an address.
    OpenUrl {
        /// The address.
        url: Secret,
        /// Ask again after so many milliseconds, if it is finished elsewhere.
        poll_every: Option<u64>,
    },
    /// Enter a code elsewhere.
    ShowCode {
        /// The code.
        code: Secret,
        /// Where.
        url: String,
        /// The same with the code in it.
        complete_url: Option<Secret>,
        /// Ask again after so many milliseconds.
        poll_every: u64,
    },
    /// Fill in.
    AskFields {
        /// The fields.
        fields: Vec<StepField>,
    },
    /// Another account than expected signed in.
    ConfirmAccount {
        /// Expected.
        expected: String,
        /// Found.
        found: String,
    },
}

/// A field to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StepField {
    /// Its name in the answer.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// `plain` or `secret`.
    pub display: String,
}

/// Why something was not done, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
#[non_exhaustive]
pub struct Refusal {
    /// The stable code.
    pub code: String,
    /// `retry`, `sign_in`, `fix_configuration` or `bug`.
    pub class: String,
    /// What happened, in a line.
    pub message: String,
    /// What to do now.
    pub next_step: String,
    /// When trying again makes sense, in milliseconds from now.
    pub retry_after: Option<u64>,
    /// The credential to mend, if it is another than the one asked for.
    pub parent: Option<String>,
}

impl From<&CredentialError> for Refusal {
    fn from(error: &CredentialError) -> Self {
        let class = match error.class() {
            ErrorClass::Retry => "retry",
            ErrorClass::SignIn => "sign_in",
            ErrorClass::FixConfiguration => "fix_configuration",
            _ => "bug",
        };
        let millis =
            |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            code: error.code().to_string(),
            class: class.to_owned(),
            message: error.to_string(),
            next_step: error.next_step(),
            retry_after: error.retry_after().map(millis),
            parent: error.parent().map(ToString::to_string),
        }
    }
}

impl From<CredentialError> for Refusal {
    fn from(error: CredentialError) -> Self {
        Self::from(&error)
    }
}

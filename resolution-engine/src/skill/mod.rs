//! What a skill asks for, read from its `SKILL.md`, and whether it can have it.
//!
//! A skill is text that somebody else wrote. What it asks for is a request: the host's access rules
//! decide, and nothing in the skill changes them. Before its tool runs, a [preflight](Skill::preflight)
//! says of each request whether it is met, and if not, how a person can meet it.
//!
//! ```
//! # use credential_provider_api::*;
//! # use resolution_engine::*;
//! use resolution_engine::skill::{Readiness, Skill};
//!
//! # struct Vault(ProviderDescriptor);
//! # #[async_trait]
//! # impl CredentialProvider for Vault {
//! #     fn descriptor(&self) -> &ProviderDescriptor { &self.0 }
//! #     async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
//! #         Ok(Credential::api_key("ghp-0123456789".into()).into())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let any = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey);
//! # let vault = Vault(ProviderDescriptor::new(ProviderId::new("vault")?, "Vault").with_credential(any));
//! # let rules = AccessRules::deny_all();
//! # let engine = ResolutionEngine::builder().provider(vault).access(rules).build()?;
//! let skill = Skill::parse("\
//! ---
//! name: issues
//! description: Reads issues.
//! metadata:
//!   openclaw:
//!     requires: { env: [GITHUB_TOKEN] }
//!     credentials:
//!       - credential: { provider: vault, id: github }
//!         env: GITHUB_TOKEN
//!         reason: reads the issues of your repositories
//! ---
//! # How to read issues
//! ")?;
//!
//! let consumer = engine.consumer("skill:issues")?; // the host's name for it, not the skill's
//! let report = skill.preflight(&consumer).check().await;
//! assert!(!report.is_ready());
//! assert!(matches!(report.needs()[0].readiness(), Readiness::Denied { .. }));
//! println!("{report}"); // says which rule to add, if it should have it
//! # engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # The front matter
//! `metadata` is nested YAML or JSON5 in one line; what is read stands under `openclaw`, or under its
//! older names `clawdbot` and `clawdis`:
//!
//! | field | meaning |
//! |---|---|
//! | `skillKey` | the skill's key in the host's configuration |
//! | `primaryEnv` | the variable its one API key goes into |
//! | `requires.env` | variables it cannot run without |
//! | `envVars` | the same with a description, each required unless it says otherwise (ClawHub) |
//! | `credentials` | a list of [`CredentialRequirement`](credential_provider_api::CredentialRequirement)s |
//!
//! Everything else is left to others. A file without front matter asks for nothing. A byte order mark
//! and line ends of Windows make no difference.
//!
//! # What is refused
//! A file over 256 KiB, a front matter over 32 KiB or nested deeper than 32, YAML aliases (a few of
//! them expand to gigabytes), a key given twice, over 64 requests of a sort, two credentials for one
//! variable (compared without case), a field of the table of another shape. Errors say where, and what
//! to do. A text of the skill that is shown to people has no control characters, and none that are not
//! seen or reorder the others.

mod declared;
mod front_matter;
mod json;
mod node;
mod preflight;
mod report;
mod yaml;

pub use declared::{DeclaredEnv, Skill};
pub use preflight::Preflight;
pub use report::{Need, Needed, PreflightReport, Readiness};

use credential_provider_api::{CredentialError, Detail, ErrorCode};

use crate::unseen::is_unseen;

/// An error of the file, at a place in it.
fn wrong(place: &str, problem: &str) -> CredentialError {
    let detail = Detail::composed(format!("{place}: {problem}"));
    CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
}

/// A skill's own words, fit for a terminal and not too many.
fn for_people(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|c| !c.is_control() && !is_unseen(*c)).collect();
        if shown.chars().count() + word.chars().count() >= most {
            shown.push('…');
            break;
        }
        if !shown.is_empty() && !word.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&word);
    }
    shown
}

//! [`Failure`]: why a command did not do what it was asked to, and its [`Exit`] code.

use std::process::ExitCode;

use credential_host::DocumentError;
use credential_host::control::{Refusal, SocketError};
use credential_provider_api::CredentialError;

use crate::terminal::plain;

/// The exit codes. `exec` passes its child's on, and has 126 and 127 as a shell does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Done,
    /// `doctor` or `check` found something, or a part of `migrate` failed.
    Found,
    /// A person must sign in.
    SignIn,
    /// The access rules do not grant it.
    Denied,
    /// There is no such credential or provider, or it is not configured.
    NotFound,
    /// It may work later.
    Later,
    /// The command line cannot be understood, or needs a terminal.
    Usage,
    /// A bug.
    Bug,
    /// The configuration cannot be used.
    Configuration,
    /// The program of `exec` may not be run.
    NotRunnable,
    /// The program of `exec` is not there.
    NoProgram,
    /// Ended by Ctrl-C or a signal.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::SignIn => 2,
            Self::Denied => 3,
            Self::NotFound => 4,
            Self::Later => 5,
            Self::Usage => 64,
            Self::Bug => 70,
            Self::Configuration => 78,
            Self::NotRunnable => 126,
            Self::NoProgram => 127,
            Self::Interrupted => 130,
        }
    }

    fn of(code: &str, class: &str) -> Self {
        match (code, class) {
            ("access_denied" | "origin_denied", _) => Self::Denied,
            ("credential_not_found" | "provider_not_found" | "not_configured", _) => Self::NotFound,
            // What is missing is an option of ours.
            ("session_required" | "unsupported", _) => Self::Usage,
            (_, "sign_in") => Self::SignIn,
            (_, "retry") => Self::Later,
            (_, "fix_configuration") => Self::Configuration,
            _ => Self::Bug,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why it was not done. Nothing in it is secret.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened, and what to do.
    pub(crate) message: String,
    /// The stable code of the engine, if it came from there.
    pub(crate) code: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), code: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A gateway that speaks another version of the protocol.
    pub(crate) fn unexpected() -> Self {
        let message = "the gateway answered something else than was asked: it is of another version \
                       than this command; restart it, or use the command beside it";
        Self::new(Exit::Configuration, message)
    }

    pub(crate) fn advise(mut self, advice: impl AsRef<str>) -> Self {
        self.message.push('\n');
        self.message.push_str(advice.as_ref());
        self
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let mut message = plain(&refusal.message);
        if let Some(parent) = refusal.parent {
            message = format!("{message}\nwhat has to be mended is {}", plain(&parent));
        }
        let exit = Exit::of(&refusal.code, &refusal.class);
        Self { exit, message, code: Some(refusal.code) }
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::new(Exit::Configuration, error.to_string())
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        let exit = match &error {
            SocketError::Nobody(_) | SocketError::Closed => Exit::Later,
            SocketError::NotOurs(_) => Exit::Denied,
            _ => Exit::Configuration,
        };
        Self::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use credential_provider_api::ErrorCode;

    use super::*;

    #[test]
    fn every_code_of_the_engine_has_an_exit_code_that_says_what_to_do() {
        for code in ErrorCode::ALL {
            let failure = Failure::from(CredentialError::new(*code, ""));
            assert!(failure.is(code.as_str()), "{code}");
            assert_ne!(failure.exit, Exit::Done, "{code}");
            assert!(failure.message.contains(code.next_step()), "{code}: {}", failure.message);
        }
        let exit = |code| Failure::from(CredentialError::new(code, "")).exit.code();
        assert_eq!(exit(ErrorCode::NeedsReauth), 2);
        assert_eq!(exit(ErrorCode::AccessDenied), 3);
        assert_eq!(exit(ErrorCode::ProviderNotFound), 4);
        assert_eq!(exit(ErrorCode::RateLimited), 5);
        assert_eq!(exit(ErrorCode::SessionRequired), 64);
        assert_eq!(exit(ErrorCode::Internal), 70);
        assert_eq!(exit(ErrorCode::StoreCopied), 78);
    }
}

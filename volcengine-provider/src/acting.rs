//! [`Acting`]: calls that carry somebody's token, besides being signed.

use credential_provider_api::{Credential, CredentialError, Request, Want};

use crate::action::Action;
use crate::wire::{CallError, Client, Fault, RequestKeys};

/// Calls on behalf of whoever a token speaks for.
pub(crate) struct Acting<'a> {
    pub(crate) client: &'a Client,
    pub(crate) request: &'a Request,
    pub(crate) keys: &'a RequestKeys<'a>,
    pub(crate) bearer: Bearer,
}

/// Whose token a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// A user's.
    User,
    /// A workload's that acts for a user.
    Workload,
}

impl Acting<'_> {
    /// Asks the engine for the token `wanted`, and makes the call that `make` makes of it. If the
    /// service refuses the token, it is asked for once more without that revision, and the call is
    /// made once more: before other keys, if the code may mean either. Cancel-safe as far as the call is.
    pub(crate) async fn call<A: Action, T>(
        &self,
        wanted: Want,
        make: impl Fn(&Credential) -> Result<(A, T), CredentialError>,
    ) -> Result<(A::Answer, T), CallError> {
        let token = self.request.depend_on(wanted.clone()).await?;
        let (action, made) = make(&token)?;
        let error = match self.client.call_bearing(&action, self.keys).await {
            Ok(answer) => return Ok((answer, made)),
            Err(error) => error,
        };
        if !self.bearer.is_refused(&error) {
            return Err(error);
        }
        let other = self.request.depend_on(wanted.rejecting(token.revision())).await?;
        if other.same_secrets(&token) {
            return Err(error);
        }
        let (action, made) = make(&other)?;
        Ok((self.client.call(&action, self.keys).await?, made))
    }
}

impl Bearer {
    /// Whether another token could help: the service names its parameter, says that a token is none or
    /// has ended, or misses the workload that the token is of.
    fn is_refused(self, call: &CallError) -> bool {
        let CallError::Service(error) = call else { return false };
        let code = error.code().to_ascii_lowercase();
        match error.fault {
            Fault::KeysRejected => call.may_mean_a_bearer(),
            Fault::Invalid => code.contains("identitytoken") || code.contains("usertoken"),
            Fault::NotFound => self == Self::Workload && code.contains("workload"),
            _ => false,
        }
    }
}

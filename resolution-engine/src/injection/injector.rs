//! [`Injector`]: resolves bindings, once for each tool call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, Detail, EffectiveSession, EnvName, ErrorClass, ErrorCode,
    Necessity,
};
use futures::future::join_all;

use super::bindings::{Binding, Bindings};
use super::environment::{Injection, Live};
use super::values::{Judged, ShortValues, judge};
use crate::consumer::Consumer;

/// Resolves the bindings of a consumer for one tool call. Cheap to clone; clones share the count.
#[derive(Clone, Debug)]
pub struct Injector {
    bindings: Arc<Bindings>,
    short: ShortValues,
    min_validity: Duration,
    live: Arc<AtomicUsize>,
}

impl Injector {
    /// Of these bindings. Short values are refused.
    #[must_use]
    pub fn new(bindings: Bindings) -> Self {
        Self {
            bindings: Arc::new(bindings),
            short: ShortValues::default(),
            min_validity: Duration::ZERO,
            live: Arc::default(),
        }
    }

    /// What becomes of values under 8 characters.
    #[must_use]
    pub const fn short_values(mut self, short: ShortValues) -> Self {
        self.short = short;
        self
    }

    /// Values that last at least this long, where the source can give them: as long as a tool runs.
    #[must_use]
    pub const fn min_validity(mut self, min_validity: Duration) -> Self {
        self.min_validity = min_validity;
        self
    }

    /// With these bindings in place of its own, as after a reload. The count goes on.
    #[must_use]
    pub fn with_bindings(mut self, bindings: Bindings) -> Self {
        self.bindings = Arc::new(bindings);
        self
    }

    /// The bindings.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    #[cfg(feature = "skills")]
    pub(crate) const fn short(&self) -> ShortValues {
        self.short
    }

    /// How many injections are alive: resolved or being resolved, and not yet dropped.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    /// Resolves all bindings of `consumer` at once, for the session this tool call is for, without
    /// asking anybody to sign in. Cancel-safe: dropping it leaves nothing behind.
    ///
    /// # Errors
    /// The first required binding's error: `session_required` for a session's credential without a
    /// session, `access_denied`, `injection_refused` for a value that may not leave, and whatever
    /// else a request fails with.
    pub async fn resolve(
        &self,
        consumer: &Consumer,
        session: Option<&EffectiveSession>,
    ) -> Result<Injection, CredentialError> {
        let live = Live::new(&self.live);
        let bound = self.bindings.of(consumer.name());
        let values = bound.iter().map(|binding| self.value(consumer, session, binding));
        let mut injection = Injection {
            values: Vec::new(),
            left_out: Vec::new(),
            short: Vec::new(),
            held: Vec::new(),
            _live: live,
        };
        for (binding, value) in bound.iter().zip(join_all(values).await) {
            let name = binding.env.clone();
            let value = value.map(|(value, credential)| {
                injection.held.push(credential);
                value
            });
            match value {
                Ok(Judged::Fine(value)) => injection.values.push((name, value)),
                Ok(Judged::Short(value)) => {
                    tracing::warn!(
                        env = name.as_str(), credential = %binding.credential,
                        "a value too short to be masked is injected"
                    );
                    injection.short.push(name.clone());
                    injection.values.push((name, value));
                }
                // A host that forgets the session is told, whatever the tool can do without.
                Err(error)
                    if binding.necessity == Necessity::Optional
                        && error.class() != ErrorClass::Bug =>
                {
                    injection.left_out.push((name, error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(injection)
    }

    async fn value(
        &self,
        consumer: &Consumer,
        session: Option<&EffectiveSession>,
        binding: &Binding,
    ) -> Result<(Judged, Arc<Credential>), CredentialError> {
        let request = consumer.request(&binding.credential).variant(&binding.variant);
        let request = match session {
            Some(session) => request.session(session),
            None => request,
        };
        let credential = request.min_validity(self.min_validity).await?;
        match judge(&credential, binding.field.as_deref(), self.short) {
            Ok(value) => Ok((value, credential)),
            Err(problem) => Err(refused(&binding.env, problem).about(&binding.credential)),
        }
    }
}

/// A binding or a value that must not be injected.
pub(super) fn refused(env: &EnvName, problem: &str) -> CredentialError {
    let detail = Detail::composed(format!("{}: {problem}", env.as_str()));
    CredentialError::new(ErrorCode::InjectionRefused, detail)
}

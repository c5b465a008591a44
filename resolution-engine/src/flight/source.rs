//! What a provider asks through: the engine itself, as consumer `provider:<id>`.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use credential_provider_api::{
    Credential, CredentialError, EffectiveSession, ErrorClass, ErrorCode, Hint, Interaction, Key,
    Source, Timestamp, Want, WantedSession,
};

use super::permit::PermitSlot;
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::Edge;
use crate::resolve::{Asker, Options, Wanted, resolve};
use crate::sync::lock;

/// Deepest chain of credentials that depend on each other.
pub(crate) const DEEPEST: u8 = 8;

/// The source of one flight.
pub(crate) struct FlightSource {
    pub(super) core: Arc<Core>,
    pub(super) identity: Arc<Identity>,
    pub(super) session: Option<EffectiveSession>,
    pub(super) node: u64,
    pub(super) depth: u8,
    pub(super) deadline: Timestamp,
    pub(super) interaction: Interaction,
    pub(super) hint: Hint,
    pub(super) permit: Option<Arc<PermitSlot>>,
    pub(super) edges: Arc<Mutex<Vec<Edge>>>,
}

#[async_trait]
impl Source for FlightSource {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        let asker = Asker {
            identity: &self.identity,
            node: Some(self.node),
            depth: self.depth,
            permit: self.permit.as_deref(),
        };
        let session = self.session_of(&want)?;
        let wanted = Wanted { reference: want.credential, session, variant: want.variant };
        let options = Options {
            min_validity: want.min_validity,
            deadline: Some(self.deadline),
            interaction: self.interaction,
            reject: want.rejected,
            hint: want.hint.unwrap_or_else(|| self.hint.clone()),
            ..Options::default()
        };
        let resolved = resolve(&self.core, &asker, &wanted, &options).await;
        match resolved {
            Ok(resolved) => {
                lock(&self.edges).push(Edge {
                    until: resolved.credential.window().until,
                    depth: resolved.entry.depth(),
                    parent: resolved.entry,
                    epoch: resolved.epoch,
                });
                Ok(resolved.credential)
            }
            Err(failed) => {
                // A child that fails for want of a sign-in is woken by the parent's sign-in.
                if failed.error.class() == ErrorClass::SignIn
                    && let Some((parent, epoch)) = failed.entry
                {
                    let edge = Edge { parent, epoch, until: Timestamp::MAX, depth: 0 };
                    lock(&self.edges).push(edge);
                }
                Err(failed.error.passed_on())
            }
        }
    }
}

impl FlightSource {
    /// In which session `want` is had. Nobody gets into another one without the host's word.
    fn session_of(&self, want: &Want) -> Result<Option<EffectiveSession>, CredentialError> {
        if want.session == WantedSession::Own {
            return Ok(self.session.clone());
        }
        let parent = self.session.as_ref().and_then(EffectiveSession::parent);
        let Some(parent) = parent else {
            let detail = "the session was not started by another";
            let error = CredentialError::new(ErrorCode::SessionRequired, detail);
            return Err(error.about(&want.credential));
        };
        if !self.core.access.derives(&self.identity.name, &want.credential) {
            let key = Key::new(&want.credential, Some(parent), want.variant.clone());
            return Err(self.core.denied(&self.identity, &key));
        }
        Ok(Some(parent))
    }
}

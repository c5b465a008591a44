//! The audit trail: decisions and first uses, missing nothing.

use std::sync::Arc;

use credential_provider_api::{
    AuditAction, AuditRecord, AuditSink, CredentialError, ErrorCode, Key,
};

use crate::consumer::Identity;
use crate::core::Core;

/// What happens when the sink fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditPolicy {
    /// The request is denied with `audit_failed`.
    #[default]
    Deny,
    /// The failure is counted and the request goes on.
    Count,
}

pub(crate) struct Audit {
    pub(crate) sink: Option<Arc<dyn AuditSink>>,
    pub(crate) policy: AuditPolicy,
}

impl Core {
    /// Keeps one audit line.
    pub(crate) fn audited(
        &self,
        who: &Identity,
        key: &Key,
        action: AuditAction,
    ) -> Result<(), CredentialError> {
        let Some(sink) = &self.audit.sink else {
            return Ok(());
        };
        let record = AuditRecord::new(self.clock.now(), who.name.clone(), key.clone(), action);
        if sink.record(&record).is_ok() {
            return Ok(());
        }
        self.counters.audit_failures.add(1);
        match self.audit.policy {
            AuditPolicy::Count => Ok(()),
            AuditPolicy::Deny => {
                Err(CredentialError::new(ErrorCode::AuditFailed, "").about(&key.reference()))
            }
        }
    }
}

//! [`Host`]: an engine for the length of one request.

use std::collections::BTreeSet;
use std::sync::Arc;

use authprofile_bridge::exec::{ExecRequest, GatewayCredentials};
use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialRef, ErrorClass, ErrorCode, ProviderId,
    Timestamp, async_trait,
};
use resolution_engine::Consumer;

use super::{Failure, say, wanted};
use crate::document::Document;
use crate::host::CredentialHost;

/// Who asks, in the access rules. One name for all who start the program: an alias in a request
/// proves nothing.
pub const CONSUMER: &str = "secretref:exec";

/// The engine, and what it could not be set up with.
pub(crate) struct Host {
    host: CredentialHost,
    consumer: Consumer,
    failed: BTreeSet<ProviderId>,
}

impl Host {
    /// Builds what `request` needs of a configuration.
    pub(crate) async fn open(
        mut document: Document,
        request: &ExecRequest,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        wanted::keep(document.value_mut(), &request.ids);
        let host = CredentialHost::builder(document).clock(clock).open().await?;
        let failed = host.failed();
        for problem in failed.values() {
            say(problem);
        }
        let consumer = host.engine().consumer(CONSUMER).map_err(Failure::configuration)?;
        Ok(Self { host, consumer, failed: failed.into_keys().collect() })
    }

    /// Waits for exchanges under way, and ends.
    pub(crate) async fn close(&self) {
        self.host.shutdown().await;
    }
}

#[async_trait]
impl GatewayCredentials for Host {
    async fn credential(
        &self,
        wanted: CredentialRef,
        deadline: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError> {
        if self.failed.contains(&wanted.provider) {
            let detail = "the provider could not be built; standard error says why";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let found = self.consumer.request(&wanted).deadline(deadline).await;
        if let Err(error) = &found
            && error.class() == ErrorClass::FixConfiguration
        {
            // The protocol's answer has no room for what to correct.
            say(error);
        }
        found
    }
}

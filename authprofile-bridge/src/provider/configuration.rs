//! What stands in a configuration file; the [module's page](super#configuration) has the tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{ConfigError, Origin, Placement, ProviderId};
use serde::Deserialize;

use super::builder::{AuthProfileProviderBuilder, ModelProvider};
use super::surface::AuthProfileProvider;
use crate::openclaw::{AgentId, Home};
use crate::renewal::ProfileIssuer;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthProfileConfiguration {
    state_folder: Option<PathBuf>,
    agent: Option<String>,
    #[serde(default)]
    access: Access,
    reread_seconds: Option<u32>,
    display_name: Option<String>,
    #[serde(default)]
    model_providers: BTreeMap<String, ModelProviderSettings>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Access {
    #[default]
    ReadWrite,
    ReadOnly,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelProviderSettings {
    #[serde(default)]
    origins: Vec<Origin>,
    placement: Option<Placement>,
    pin: Option<String>,
    issuer: Option<String>,
}

impl AuthProfileConfiguration {
    /// A builder with all of it.
    pub(crate) fn into_builder(
        self,
        id: ProviderId,
        path: &str,
        home: &Home,
        issuers: &BTreeMap<String, Arc<dyn ProfileIssuer>>,
    ) -> Result<AuthProfileProviderBuilder, ConfigError> {
        let at = |name: &str| format!("{path}.{name}");
        let mut home = home.clone();
        if let Some(state) = self.state_folder {
            if !state.is_absolute() {
                return Err(ConfigError::new(&at("stateFolder"), "is an absolute path"));
            }
            home = Home { read_only: home.read_only, ..Home::at(&state) };
        }
        let mut builder = AuthProfileProvider::builder(id, home);
        if let Some(agent) = self.agent {
            let named = AgentId::new(&agent);
            if named.as_str() != agent {
                let problem = "is an agent's id: 1 to 64 of a-z 0-9 _ -";
                return Err(ConfigError::new(&at("agent"), problem));
            }
            builder = builder.agent(named);
        }
        if self.access == Access::ReadOnly {
            builder = builder.read_only();
        }
        if let Some(seconds) = self.reread_seconds {
            builder = builder.reread(Duration::from_secs(seconds.into()));
        }
        if let Some(name) = self.display_name {
            builder = builder.display_name(name);
        }
        for (name, set) in self.model_providers {
            let path = at(&format!("modelProviders.{name}.issuer"));
            let issuer = set.issuer.map(|name| named(issuers, &name, &path)).transpose()?;
            let set = ModelProvider {
                origins: set.origins,
                placement: set.placement,
                pin: set.pin,
                issuer,
            };
            builder = builder.model_provider(&name, set);
        }
        Ok(builder)
    }
}

fn named(
    issuers: &BTreeMap<String, Arc<dyn ProfileIssuer>>,
    name: &str,
    path: &str,
) -> Result<Arc<dyn ProfileIssuer>, ConfigError> {
    issuers.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = issuers.keys().map(String::as_str).collect();
        let problem = format!("is none of the host's issuers: {}", known.join(", "));
        ConfigError::new(path, problem)
    })
}

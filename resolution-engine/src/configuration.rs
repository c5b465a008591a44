//! The configuration section `credentialProviders`, and its reload.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, FactoryContext, OwnRecords, ProviderFactory, ProviderId, Settings,
};
use futures::FutureExt as _;
use serde::Deserializer;

use crate::access::AccessRules;
use crate::core::Core;

/// The parts of a host's configuration that concern credentials.
///
/// ```
/// let configuration = resolution_engine::Configuration::from_json(r#"{
///     "credentialProviders": { "vault": { "type": "keychain", "service": "gateway" } },
///     "credentialAccess": [ { "consumer": "tool:*", "credential": "vault/search-key" } ]
/// }"#)?;
/// # Ok::<(), credential_provider_api::ConfigError>(())
/// ```
///
/// `credentialProviders` maps ids to settings; `"type"` selects the factory. `credentialAccess` adds
/// rules to those from code. Everything else in the object is the host's own. Secrets are given by
/// reference, see [`SecretInput`](credential_provider_api::SecretInput).
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    providers: BTreeMap<ProviderId, (String, Settings)>,
    access: AccessRules,
}

impl Configuration {
    /// Reads JSON text.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of what is wrong.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        Self::from_settings(&Settings::from_json("", json)?)
    }

    /// Reads any format with a serde reader, for example JSON5.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of what is wrong.
    pub fn from_deserializer<'de, D: Deserializer<'de>>(reader: D) -> Result<Self, ConfigError> {
        let whole = Settings::from_deserializer("", reader);
        Self::from_settings(&whole.map_err(|_| ConfigError::new("", "cannot be read"))?)
    }

    fn from_settings(whole: &Settings) -> Result<Self, ConfigError> {
        let not_object = |path: &str| ConfigError::new(path, "is an object");
        let sections = whole.entries().ok_or_else(|| not_object("the configuration"))?;
        let mut configuration = Self::default();
        for (name, section) in sections {
            match name.as_str() {
                "credentialProviders" => {
                    let providers = section.entries().ok_or_else(|| not_object(section.path()))?;
                    for (id, mut settings) in providers {
                        let path = settings.path().to_owned();
                        let id = ProviderId::new(id)
                            .map_err(|problem| ConfigError::new(&path, problem.to_string()))?;
                        let kind = settings.take_text("type").ok_or_else(|| {
                            ConfigError::new(&path, "has a \"type\": the name of a factory")
                        })?;
                        configuration.providers.insert(id, (kind, settings));
                    }
                }
                "credentialAccess" => configuration.access = section.read()?,
                _ => {}
            }
        }
        Ok(configuration)
    }
}

/// What a reload changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadReport {
    /// Providers that are new.
    pub added: Vec<ProviderId>,
    /// Providers built anew because their settings changed.
    pub replaced: Vec<ProviderId>,
    /// Providers that are gone.
    pub removed: Vec<ProviderId>,
    /// Providers whose settings are the same: their credentials stay.
    pub unchanged: Vec<ProviderId>,
    /// Providers that could not be built, and why; the ones in service before stay.
    pub failed: Vec<(ProviderId, ConfigError)>,
}

/// How an engine builds providers.
pub(crate) struct Factories {
    pub(crate) factories: Vec<Arc<dyn ProviderFactory>>,
    pub(crate) context: FactoryContext,
    /// The rules from code, which a reload keeps.
    pub(crate) rules: AccessRules,
}

impl Factories {
    pub(crate) async fn apply(&self, core: &Arc<Core>, new: Configuration) -> ReloadReport {
        let mut report = ReloadReport::default();
        for registered in core.registry.all() {
            let id = &registered.provider.descriptor().id;
            if registered.settings.is_some() && !new.providers.contains_key(id) {
                core.take_out_of_service(id);
                report.removed.push(id.clone());
            }
        }
        for (id, (kind, settings)) in new.providers {
            let before = core.registry.get(&id);
            if before.as_ref().is_some_and(|before| before.settings.is_none()) {
                let path = format!("credentialProviders.{id}");
                let problem = "is the id of a provider from the host's code";
                report.failed.push((id, ConfigError::new(&path, problem)));
                continue;
            }
            let marked = settings_of(&kind, &settings);
            if before.as_ref().is_some_and(|b| b.settings.as_ref() == Some(&marked)) {
                report.unchanged.push(id);
                continue;
            }
            match self.build(&id, &kind, settings).await {
                Ok(provider) if provider.descriptor().id == id => {
                    core.put_in_service(provider, Some(marked));
                    let list =
                        if before.is_some() { &mut report.replaced } else { &mut report.added };
                    list.push(id);
                }
                Ok(_) => {
                    let problem = "was built under another id: a fault of its factory";
                    let path = format!("credentialProviders.{id}");
                    report.failed.push((id, ConfigError::new(&path, problem)));
                }
                Err(error) => report.failed.push((id, error)),
            }
        }
        core.replace_access(self.rules.clone().and(new.access));
        report
    }

    async fn build(
        &self,
        id: &ProviderId,
        kind: &str,
        settings: Settings,
    ) -> Result<Arc<dyn credential_provider_api::CredentialProvider>, ConfigError> {
        let factory = self.factories.iter().find(|f| f.type_name() == kind).ok_or_else(|| {
            let known: Vec<&str> = self.factories.iter().map(|f| f.type_name()).collect();
            let path = format!("{}.type", settings.path());
            ConfigError::new(&path, format!("is not one of: {}", known.join(", ")))
        })?;
        let mut context = self.context.clone();
        context.store =
            context.store.map(|store| Arc::new(OwnRecords::new(id.clone(), store)) as Arc<_>);
        let path = settings.path().to_owned();
        let building = AssertUnwindSafe(factory.build(id.clone(), settings, &context));
        building
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(ConfigError::new(&path, "made its factory panic")))
    }
}

/// Settings with their type, to be compared at the next reload.
fn settings_of(kind: &str, settings: &Settings) -> Settings {
    settings.clone().with_path(format!("{kind}:{}", settings.path()))
}

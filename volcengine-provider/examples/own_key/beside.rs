//! What a gateway has around it, here on loopback: the service, the configuration file, a browser.

use std::sync::Arc;

use resolution_engine::SystemClock;
use volcengine_provider::emulator::{EXAMPLE, Emulator, EmulatorError, Person, State};

const CONFIGURATION: &str = r#"{
    "credentialProviders": { "volc": {
        "type": "volcengine", "endpoint": "{url}", "stsEndpoint": "{url}",
        "accessKeyId": "AKLT-gateway", "secretAccessKey": "gateway-example-secret",
        "userPool": { "name": "people", "clientName": "gateway",
                      "callbackUrl": "http://127.0.0.1/identity/oauth/callback" },
        "credentials": { "search": { "type": "api_key", "origins": ["{url}"] } }
    } },
    "credentialAccess": [ { "consumer": "tool:search", "credential": "volc/search" },
                          { "consumer": "provider:volc", "credential": "volc/*" } ]
}"#;

pub(crate) struct Beside(Emulator);

pub(crate) async fn start() -> Result<Beside, EmulatorError> {
    let clock = Arc::new(SystemClock::new());
    Emulator::start(State::from_json(EXAMPLE)?, clock).await.map(Beside)
}

impl Beside {
    /// A gateway reads it from its file; at the real service it says no endpoints.
    pub(crate) fn configuration(&self) -> String {
        CONFIGURATION.replace("{url}", &self.0.url())
    }

    /// Opens a page as alice's browser does, and says where it is sent back to.
    pub(crate) async fn browse(&self, url: &str) -> Result<String, EmulatorError> {
        self.0.browse(url, Person::Allows("alice")).await
    }
}

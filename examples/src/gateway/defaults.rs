//! The configuration that the gateway runs on when it is given none: what a person would write.

use credential_provider_api::ConfigError;
use resolution_engine::Configuration;
use serde_json::json;

use super::issuer::CLIENT;
use super::world::World;

/// Where sign-ins of the user pool come back to. Nothing listens there: the address is pasted.
pub(super) const POOL_CALLBACK: &str = "http://127.0.0.1/identity/oauth/callback";

/// The providers and who may have what: denied unless granted. A provider is a consumer too.
pub(super) fn configuration(world: &World) -> Result<Configuration, ConfigError> {
    let (issuer, volcengine) = (world.issuer.url(), world.emulator.url());
    let whole = json!({
        "credentialProviders": {
            "workspace": {
                "type": "oauth", "displayName": "Workspace", "issuer": issuer, "clientId": CLIENT,
                "idToken": { "algorithms": ["ES256"] },
                "credentials": { "calendar": {
                    "scopes": ["openid", "calendar"], "origins": [issuer],
                    "description": "a user's calendar",
                } },
            },
            "chat": {
                "type": "oauth", "displayName": "Chat", "issuer": issuer, "clientId": CLIENT,
                "credentials": { "post": {
                    "grant": {
                        "type": "token_exchange",
                        "subject": { "provider": "workspace", "id": "calendar" },
                    },
                    "origins": [issuer],
                    "description": "posts as a user, derived from the calendar",
                } },
            },
            "profiles": {
                "type": "auth-profiles", "displayName": "OpenClaw",
                "stateFolder": world.openclaw.path(),
                "modelProviders": { "openai": { "origins": ["https://model.example"] } },
            },
            "volc": {
                "type": "volcengine", "endpoint": volcengine, "stsEndpoint": volcengine,
                "accessKeyId": "AKLT-gateway", "secretAccessKey": "gateway-example-secret",
                "userPool": { "name": "people", "clientName": "gateway",
                              "callbackUrl": POOL_CALLBACK },
                "workload": { "grantedTo": "consumers", "origins": [volcengine] },
                "credentials": { "search": {
                    "type": "api_key", "origins": [volcengine],
                    "description": "a hosted key, for a workload that acts for a user",
                } },
            },
        },
        "credentialAccess": [
            { "consumer": "model:*", "credential": "profiles/*" },
            { "consumer": "tool:calendar", "credential": "workspace/calendar" },
            { "consumer": "tool:search", "credential": "volc/search" },
            { "consumer": "tool:search", "credential": "volc/workload-token" },
            { "consumer": "channel:slack", "credential": "chat/post" },
            { "consumer": "provider:chat", "credential": "workspace/calendar" },
            { "consumer": "provider:volc", "credential": "volc/*" },
        ],
    });
    Configuration::from_json(&whole.to_string())
}

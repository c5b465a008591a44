//! An emulator with the example's state, a clock that stands still, and somebody who calls.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{Clock as _, ManualClock, Timestamp};
use serde_json::{Value, json};
use volcengine_provider::emulator::{EXAMPLE, Emulator, State};

use crate::wire::{Answer, Key, send, signed};

pub const ACCOUNT: u64 = 2_100_000_000;

pub struct World {
    pub emulator: Emulator,
    pub clock: ManualClock,
}

/// An error's status and code; 0 if there was no answer.
pub type Refused = (u16, String);

pub fn refused(status: u16, code: &str) -> Refused {
    (status, code.to_owned())
}

impl World {
    pub async fn new() -> Self {
        Self::with(State::from_json(EXAMPLE).unwrap()).await
    }

    pub async fn with(state: State) -> Self {
        let clock = ManualClock::new(Timestamp::from_secs(1_790_000_000));
        let emulator = Emulator::start(state, Arc::new(clock.clone())).await.unwrap();
        Self { emulator, clock }
    }

    pub fn now(&self) -> i64 {
        (self.clock.now().as_millis() / 1000).try_into().unwrap()
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn gateway() -> Key {
        let (id, secret) = ("AKLT-gateway".into(), "gateway-example-secret".into());
        Key { id, secret, token: None }
    }

    /// The answer as it came; `None` if the connection was closed.
    pub async fn raw(&self, key: &Key, action: &str, body: &Value) -> Option<Answer> {
        let sts = matches!(action, "AssumeRole" | "GetCallerIdentity");
        let (service, version) = if sts { ("sts", "2018-01-01") } else { ("id", "2025-10-30") };
        let query = format!("Action={action}&Version={version}");
        let body = match body {
            Value::Object(fields) if sts => {
                let text =
                    |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let pairs = fields.iter().map(|(name, value)| (name, text(value)));
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
            }
            body => body.to_string(),
        };
        let to = self.emulator.address();
        let headers = signed(key, to, service, &query, &body, self.now());
        send(to, "POST", &format!("/?{query}"), &headers, &body).await
    }

    pub async fn call_as(&self, key: &Key, action: &str, body: Value) -> Result<Value, Refused> {
        let Some(answer) = self.raw(key, action, &body).await else { return Err(refused(0, "")) };
        let said = answer.json();
        assert_eq!(said["ResponseMetadata"]["Action"], action);
        assert!(said["ResponseMetadata"]["RequestId"].as_str().unwrap().len() > 20);
        match said["ResponseMetadata"]["Error"]["Code"].as_str() {
            Some(code) => Err(refused(answer.status, code)),
            None => Ok(said["Result"].clone()),
        }
    }

    pub async fn call(&self, action: &str, body: Value) -> Result<Value, Refused> {
        self.call_as(&Self::gateway(), action, body).await
    }

    pub fn id_token(&self, user: &str) -> String {
        self.emulator.id_token("people", "gateway-web", user).unwrap()
    }

    /// A workload token for this user.
    pub async fn tip(&self, user: &str) -> String {
        let asked = json!({ "Name": "openclaw-agent", "UserToken": self.id_token(user) });
        let answer = self.call("GetWorkloadAccessTokenForJWT", asked).await.unwrap();
        text(&answer, "WorkloadAccessToken")
    }

    /// A temporary key of the role `agent`.
    pub async fn agent(&self) -> Key {
        let role = format!("trn:iam::{ACCOUNT}:role/agent");
        let asked =
            json!({ "RoleTrn": role, "RoleSessionName": "session", "DurationSeconds": 900 });
        let answer = self.call("AssumeRole", asked).await.unwrap();
        let field = |name: &str| text(&answer["Credentials"], name);
        let (id, secret) = (field("AccessKeyId"), field("SecretAccessKey"));
        Key { id, secret, token: Some(field("SessionToken")) }
    }
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

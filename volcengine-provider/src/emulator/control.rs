//! What another process may do to a running emulator: the same as a test in its own.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::faults::{Failure, Faults};
use super::http::{Call, Reply};
use super::server::Shared;

/// Answers `/_emulator/REST`.
pub(crate) fn reply(shared: &Shared, rest: &str, call: &Call) -> Reply {
    match (&*call.method, rest) {
        ("GET", "counters") => {
            let counters = serde_json::to_value(&shared.world().counters).unwrap_or_default();
            Reply::json(200, &counters)
        }
        ("POST", "faults") => with(call, |faults: Faults| shared.world().state.faults = faults),
        ("POST", "failures") => {
            with(call, |failure: Failure| shared.world().state.faults.failures.push(failure))
        }
        ("POST", "expire-sts") => {
            shared.world().expire_sts();
            done()
        }
        _ => Reply::not_found(),
    }
}

fn with<T: DeserializeOwned>(call: &Call, then: impl FnOnce(T)) -> Reply {
    match serde_json::from_slice(&call.body) {
        Ok(value) => {
            then(value);
            done()
        }
        Err(_) => Reply::json(400, &json!({ "error": "the body is not what this wants" })),
    }
}

fn done() -> Reply {
    Reply::json(200, &Value::Object(serde_json::Map::new()))
}

impl super::world::World {
    /// Ends every temporary key now.
    pub(crate) fn expire_sts(&mut self) {
        let now = self.now();
        self.sts.values_mut().for_each(|session| session.end = session.end.min(now));
    }
}

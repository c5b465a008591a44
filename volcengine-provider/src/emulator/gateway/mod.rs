//! The OpenAPI gateway: authenticates a call, lets faults happen, answers in the envelope.

mod authenticate;
mod error;
mod params;
mod shape;
mod signature;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::authenticate::authenticate;
pub(crate) use self::error::ApiError;
pub(crate) use self::params::Params;
pub(crate) use self::shape::{Shapes, shapes};
use self::signature::Claim;
pub(crate) use self::signature::hex;
use super::elsewhere;
use super::faults::Failure;
use super::fields::with;
use super::http::{Call, Reply};
use super::server::Shared;
use super::sts::{Caller, Who};
use super::world::World;

/// The versions there are, and the services they are of.
const VERSIONS: [(&str, &str); 2] = [("id", "2025-10-30"), ("sts", "2018-01-01")];

/// What a call is about, as far as it says.
struct About {
    action: String,
    version: String,
    service: String,
}

/// Answers one call, or closes its connection.
pub(crate) async fn answer(shared: &Shared, call: &Call) -> Reply {
    let query = call.query();
    let text = |name: &str| query.get(name).cloned().unwrap_or_default();
    let claim = Claim::read(call);
    let version = text("Version");
    let service = match &claim {
        Ok(claim) => claim.service.clone(),
        Err(_) => VERSIONS
            .iter()
            .find(|(_, known)| *known == version)
            .map_or("id", |(service, _)| service)
            .to_owned(),
    };
    let about = About { action: text("Action"), version, service };
    let key = claim.as_ref().map(|claim| claim.access_key_id.clone()).unwrap_or_default();
    let _under_way = UnderWay::new(shared, &about.action, &key);
    let (dropped, wait) = {
        let world = shared.world();
        let wait = Some(world.state.faults.latency()).filter(|latency| !latency.is_zero());
        (world.happens(world.state.faults.dropped_percent), wait.map(|wait| world.after(wait)))
    };
    if let Some(end) = wait {
        shared.clock.sleep_until(end).await;
    }
    if dropped {
        shared.world().counters.dropped += 1;
        return Reply::HangUp;
    }
    let result = match early(shared, &about) {
        Some(failure) if failure.code.is_empty() => {
            shared.world().counters.ended(&about.action, &format!("HTTP {}", failure.status));
            let reply = Reply::page(failure.status, failure.body);
            return with_wait(reply, failure.retry_after_seconds);
        }
        Some(failure) => Err(refused(failure)),
        None => carry_out(shared, call, &about, claim).await,
    };
    let mut world = shared.world();
    let outcome = result.as_ref().map_or_else(|error| error.code.to_string(), |_| "ok".into());
    world.counters.ended(&about.action, &outcome);
    if world.happens(world.state.faults.lost_percent) {
        world.counters.dropped += 1;
        return Reply::HangUp;
    }
    envelope(&world, &about, result)
}

/// Throttling and failures that the test has set.
fn early(shared: &Shared, about: &About) -> Option<Failure> {
    let mut world = shared.world();
    if world.happens(world.state.faults.throttled_percent) {
        world.counters.throttled += 1;
        let mut failure = Failure::new(&*about.action, 429, "FlowLimitExceeded", 1);
        failure.body = "too many calls".into();
        failure.retry_after_seconds = world.state.faults.retry_after_seconds;
        return Some(failure);
    }
    world.state.faults.take(&about.action)
}

fn refused(failure: Failure) -> ApiError {
    let mut error = ApiError::new(failure.status, failure.code, failure.body);
    error.retry_after = failure.retry_after_seconds;
    error
}

async fn carry_out(
    shared: &Shared,
    call: &Call,
    about: &About,
    claim: Result<Claim, ApiError>,
) -> Result<Value, ApiError> {
    let About { action, version, service } = about;
    if !VERSIONS.iter().any(|(known, _)| known == service) {
        return Err(ApiError::gateway("ServiceNotFound", format!("no service {service}")));
    }
    let known = VERSIONS.contains(&(service, version));
    let shape = shared.shapes.get(service).and_then(|all| all.get(action)).filter(|_| known);
    let shape = shape.ok_or_else(|| {
        ApiError::gateway("InvalidActionOrVersion", format!("no {action} in version {version}"))
    })?;
    let unsigned = action == "AssumeRoleWithOIDC" && call.header("authorization").is_none();
    let caller = if unsigned {
        Caller { account: 0, who: Who::Nobody }
    } else {
        let world = shared.world();
        let caller = authenticate(&world, call, &claim?)?;
        caller.may(&world, service, action)?;
        caller
    };
    let params = match &**service {
        "sts" => {
            let mut form: BTreeMap<String, String> = call.query();
            form.extend(call.form());
            form.retain(|name, _| name != "Action" && name != "Version");
            shape.typed(form)
        }
        _ => body(call)?,
    };
    shape.check(&params)?;
    elsewhere::fetch(shared, action, &params).await;
    let mut world = shared.world();
    let answer = super::actions::run(&mut world, action, &caller, &Params(params))?;
    Ok(shape.result(answer))
}

fn body(call: &Call) -> Result<Map<String, Value>, ApiError> {
    if call.method != "POST" {
        return Err(ApiError::new(400, "InvalidRequest", "the action wants POST"));
    }
    if call.body.is_empty() {
        return Ok(Map::new());
    }
    let json = call.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let value =
        Some(&call.body).filter(|_| json).and_then(|body| serde_json::from_slice(body).ok());
    value.ok_or_else(|| ApiError::new(400, "InvalidRequest", "the body is no JSON object"))
}

fn envelope(world: &World, about: &About, result: Result<Value, ApiError>) -> Reply {
    let request_id = world.mint(&world.stamp().replace(['-', ':', 'T', 'Z'], ""));
    let metadata = json!({
        "RequestId": request_id, "Action": about.action, "Version": about.version,
        "Service": about.service, "Region": world.state.region,
    });
    let (status, wait, body) = match result {
        Ok(result) => (200, None, json!({ "ResponseMetadata": metadata, "Result": result })),
        Err(error) => {
            let said = json!({ "Code": error.code, "Message": error.message });
            let metadata =
                with(metadata, [("Error", with(said, [("CodeN", json!(error.number))]))]);
            (error.status, error.retry_after, json!({ "ResponseMetadata": metadata }))
        }
    };
    with_wait(Reply::json(status, &body).with("x-tt-logid", request_id), wait)
}

fn with_wait(reply: Reply, seconds: Option<u64>) -> Reply {
    match seconds {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

/// A call under way: counted until it is answered or given up.
struct UnderWay<'a>(&'a Shared);

impl<'a> UnderWay<'a> {
    fn new(shared: &'a Shared, action: &str, key: &str) -> Self {
        let mut world = shared.world();
        let second = world.now();
        world.counters.arrived(action, key, second);
        drop(world);
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.world().counters.in_flight -= 1;
    }
}

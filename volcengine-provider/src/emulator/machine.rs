//! The machine's metadata server: region, role credentials by one GET, and IMDSv2.

use serde_json::json;

use super::http::{Call, Reply};
use super::sts::StsSession;
use super::world::{World, beijing};

const SESSION: &str = "metadata";
const USUAL: u64 = 3600;
const TOKEN_HEADER: &str = "x-volc-ecs-metadata-token";

/// Answers a path of the metadata server.
///
/// * `GET /latest/region_id`: the region, as text.
/// * `GET /metadata/credentials/ROLE`: a role's credentials, as the plugins' metadata URL gives them.
/// * `PUT /latest/api/token`, then with its header
///   `GET /volcstack/latest/iam/security_credentials[/ROLE]`: IMDSv2.
pub(crate) fn reply(world: &mut World, call: &Call) -> Reply {
    let path = call.path.as_str();
    let listing = "/volcstack/latest/iam/security_credentials";
    match (&*call.method, path) {
        ("GET", "/latest/region_id") => {
            let region = world.state.metadata.region_id.as_ref().unwrap_or(&world.state.region);
            Reply::text(200, region.clone())
        }
        ("PUT", "/latest/api/token") => token(world, call),
        ("GET", path) => {
            if let Some(role) = path.strip_prefix("/metadata/credentials/") {
                return credentials(world, role);
            }
            let known =
                call.header(TOKEN_HEADER).and_then(|token| world.metadata_tokens.get(token));
            if known.is_none_or(|end| *end <= world.now()) {
                return Reply::text(401, "no token");
            }
            match path.strip_prefix(listing) {
                Some("") => Reply::json(200, &json!(world.state.metadata.roles)),
                Some(rest) => credentials(world, rest.trim_start_matches('/')),
                None => Reply::not_found(),
            }
        }
        _ => Reply::not_found(),
    }
}

fn token(world: &mut World, call: &Call) -> Reply {
    let asked = call.header("x-volc-ecs-metadata-token-ttl-seconds");
    let Some(seconds) = asked.and_then(|text| text.parse::<u32>().ok()) else {
        return Reply::text(400, "how long?");
    };
    let token = world.mint("imds-");
    let end = world.now() + i64::from(seconds);
    world.metadata_tokens.insert(token.clone(), end);
    Reply::text(200, token)
}

/// The same key until half of its life is over, as a machine's is.
fn credentials(world: &mut World, role: &str) -> Reply {
    let server = world.state.metadata.clone();
    if !server.roles.iter().any(|known| known == role) {
        return Reply::text(404, "no such role");
    }
    let lifetime = i64::try_from(server.lifetime_seconds.unwrap_or(USUAL)).unwrap_or(i64::MAX);
    let fresh = world.now().saturating_add(lifetime / 2);
    let mine = |session: &StsSession| {
        session.role == role && session.account == server.account_id && session.name == SESSION
    };
    let found = world.sts.iter().find(|(_, session)| mine(session) && session.end > fresh);
    let (id, session) = match found.map(|(id, session)| (id.clone(), session.clone())) {
        Some(found) => found,
        None => world.assume(server.account_id, role, SESSION, lifetime),
    };
    let answer = json!({
        "AccessKeyId": id,
        "SecretAccessKey": session.secret.expose(),
        "SessionToken": session.token.expose(),
        "CurrentTime": beijing(world.now()),
        "ExpiredTime": beijing(session.end),
    });
    Reply::json(200, &answer)
}

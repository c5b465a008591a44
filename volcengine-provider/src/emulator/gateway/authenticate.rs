//! Whose key signed a call, and whether it still counts.

use super::error::ApiError;
use super::signature::Claim;
use crate::emulator::http::Call;
use crate::emulator::sts::{Caller, Who};
use crate::emulator::world::World;

const TOLERANCE: u64 = 300;

/// Finds the key, checks the signature with it, then what came with it.
pub(super) fn authenticate(world: &World, call: &Call, claim: &Claim) -> Result<Caller, ApiError> {
    let id = &claim.access_key_id;
    let tolerance = world.state.signature_tolerance_seconds.unwrap_or(TOLERANCE);
    let check = |secret: &str| claim.check(call, secret, world.now(), tolerance);
    if claim.region != world.state.region {
        return Err(ApiError::gateway(
            "InvalidCredential",
            "the call is signed for another region",
        ));
    }
    let given = call.header("x-security-token");
    if let Some(session) = world.sts.get(id) {
        check(session.secret.expose())?;
        let message = match given {
            None => "a temporary key needs its token",
            Some(token) if !session.token.is(token) => "the token is not the key's",
            Some(_) if session.end <= world.now() => "the token has expired",
            Some(_) => {
                let who = Who::Role(session.role.clone(), session.name.clone());
                return Ok(Caller { account: session.account, who });
            }
        };
        return Err(ApiError::gateway("InvalidSecretToken", message));
    }
    for account in &world.state.accounts {
        let found = account.access_keys.iter().find(|key| key.access_key_id == *id);
        if let Some(key) = found.filter(|key| !key.disabled) {
            check(key.secret_access_key.expose())?;
            if given.is_some() {
                let message = "a long-term key has no token";
                return Err(ApiError::gateway("InvalidSecretToken", message));
            }
            let who = match &*key.user_name {
                "" => Who::Account,
                name => Who::User(name.to_owned()),
            };
            return Ok(Caller { account: account.account_id, who });
        }
    }
    Err(ApiError::gateway("InvalidAccessKey", "no such access key"))
}

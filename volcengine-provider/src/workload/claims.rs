//! [`Claims`]: what a token says. Its signature is not looked at: it came over TLS from the service
//! that issued it, or was verified before.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{
    CredentialError, ErrorCode, ExposeSecret as _, SecretString, Timestamp,
};
use serde_json::Value;

/// How far two clocks may be apart.
const SKEW: Duration = Duration::from_secs(30);
/// The longest chain of workloads that is read.
const LONGEST_CHAIN: usize = 32;
/// Later than any token ends: seconds up to here fit every calendar.
const LATEST: f64 = 253_402_300_799.0;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The user it speaks for.
    pub(crate) subject: String,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The workloads that act, the one that acts now first (RFC 8693 §4.1).
    pub(crate) actors: Vec<String>,
}

/// What a workload token has to say.
pub(crate) struct Expected<'a> {
    /// What the token says that it was made of: the user's, or another workload's for them.
    pub(crate) user: &'a Claims,
    /// The workload asked for; any if the service chooses.
    pub(crate) workload: Option<&'a str>,
    /// The audience asked for; any if none was.
    pub(crate) audience: &'a [String],
    /// The life asked for.
    pub(crate) duration: Duration,
    pub(crate) now: Timestamp,
}

impl Claims {
    /// Reads a token's claims.
    ///
    /// # Errors
    /// `invalid_response` if it is no token with `sub`, `iat` and `exp`.
    pub(crate) fn read(token: &SecretString) -> Result<Self, CredentialError> {
        let value = payload(token.expose_secret()).ok_or_else(|| wrong("it is no JWT"))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        // Whole seconds, which some issuers write as 1.7e9.
        let time = |name: &str| {
            let seconds = value.get(name).and_then(Value::as_f64)?;
            (0.0..=LATEST)
                .contains(&seconds)
                .then(|| Timestamp::from_secs(Duration::from_secs_f64(seconds).as_secs()))
        };
        let subject = text("sub").filter(|sub| !sub.is_empty());
        let audience = match value.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => {
                all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Ok(Self {
            subject: subject.ok_or_else(|| wrong("it speaks for nobody"))?,
            issuer: text("iss"),
            audience,
            issued_at: time("iat").ok_or_else(|| wrong("it does not say when it was issued"))?,
            expires_at: time("exp").ok_or_else(|| wrong("it does not say when it ends"))?,
            actors: actors(&value)?,
        })
    }

    /// Whether a workload token is the one that was asked for.
    ///
    /// # Errors
    /// `invalid_response` with the first thing that is another.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(), CredentialError> {
        let Expected { user, workload, audience, duration, now } = *expected;
        if self.subject != user.subject {
            return Err(wrong("it speaks for another user"));
        }
        let actor = self.actors.first().map(String::as_str);
        if actor.is_none() || workload.is_some_and(|workload| actor != Some(workload)) {
            return Err(wrong("another workload acts in it"));
        }
        if self.actors.get(1..).unwrap_or_default() != user.actors.as_slice() {
            return Err(wrong("others have acted before than those it was made of"));
        }
        let same = |one: &[String], other: &[String]| one.iter().all(|name| other.contains(name));
        let right = same(&self.audience, audience) && same(audience, &self.audience);
        if !audience.is_empty() && !right {
            return Err(wrong("it is for another audience"));
        }
        if self.issued_at > now.plus(SKEW) || self.expires_at <= now {
            return Err(wrong("it has ended or is not yet issued; compare the clocks"));
        }
        if self.issued_at.until(self.expires_at) > duration.saturating_add(SKEW) {
            return Err(wrong("it lasts longer than was asked for"));
        }
        if self.expires_at > user.expires_at.plus(SKEW) {
            return Err(wrong("it outlives the user's token"));
        }
        Ok(())
    }
}

fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

fn actors(claims: &Value) -> Result<Vec<String>, CredentialError> {
    let mut actors = Vec::new();
    let mut act = claims.get("act");
    while let Some(one) = act {
        let sub = one.get("sub").and_then(Value::as_str).filter(|sub| !sub.is_empty());
        actors.push(sub.ok_or_else(|| wrong("somebody unnamed acts in it"))?.to_owned());
        if actors.len() > LONGEST_CHAIN {
            return Err(wrong("its chain of workloads is too long"));
        }
        act = one.get("act");
    }
    Ok(actors)
}

fn wrong(detail: &'static str) -> CredentialError {
    let detail = credential_provider_api::Detail::composed(format!("a token: {detail}"));
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn read(claims: &Value) -> Result<Claims, CredentialError> {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        Claims::read(&format!("e30.{payload}.c2ln").into())
    }

    fn whole() -> Value {
        json!({
            "iss": "https://auth.example", "sub": "u-alice", "aud": ["a", "b"],
            "iat": 1.79e9, "exp": 1_790_003_600,
            "act": { "sub": "writer", "act": { "sub": "planner" } },
        })
    }

    fn check(change: impl Fn(&mut Value)) -> Result<(), String> {
        let user = read(&json!({
            "sub": "u-alice", "iat": 1_790_000_000, "exp": 1_790_003_600,
            "act": { "sub": "planner" },
        }));
        let mut claims = whole();
        change(&mut claims);
        let audience = ["b".to_owned(), "a".to_owned()];
        let expected = Expected {
            user: &user.unwrap(),
            workload: Some("writer"),
            audience: &audience,
            duration: Duration::from_secs(3600),
            now: NOW,
        };
        read(&claims)
            .and_then(|claims| claims.check(&expected))
            .map_err(|error| error.detail().to_owned())
    }

    #[test]
    fn the_chain_is_read_from_the_outermost_actor_inwards() {
        let claims = read(&whole()).unwrap();
        assert_eq!(claims.actors, ["writer", "planner"]);
        assert_eq!((claims.issued_at, claims.audience.len()), (NOW, 2));
        assert_eq!(check(|_| ()), Ok(()));
    }

    #[test]
    fn promise_5_a_token_of_another_user_workload_or_audience_is_refused() {
        assert!(check(|c| c["sub"] = json!("u-bob")).unwrap_err().contains("another user"));
        for act in [json!({ "sub": "planner" }), json!(null)] {
            let error = check(|c| c["act"] = act.clone()).unwrap_err();
            assert!(error.contains("acts in it"), "{error}");
        }
        assert!(check(|c| c["act"] = json!({ "sub": 1 })).is_err());
        for before in [json!(null), json!({ "sub": "other" })] {
            let error = check(|c| c["act"]["act"] = before.clone()).unwrap_err();
            assert!(!error.is_empty(), "{before}");
        }
        let alone = check(|c| c["act"] = json!({ "sub": "writer" })).unwrap_err();
        assert!(alone.contains("acted before"), "{alone}");
        for aud in [json!("a"), json!(["a", "b", "c"]), json!(null)] {
            let error = check(|c| c["aud"] = aud.clone()).unwrap_err();
            assert!(error.contains("audience"), "{error}");
        }
    }

    #[test]
    fn promise_3_a_token_with_another_life_is_refused() {
        assert!(check(|c| c["iat"] = json!(1_790_000_031)).unwrap_err().contains("clocks"));
        assert!(check(|c| c["iat"] = json!(1_790_000_030)).is_ok());
        assert!(check(|c| c["exp"] = json!(1_790_000_000)).unwrap_err().contains("clocks"));
        assert!(check(|c| c["iat"] = json!(1_789_999_000)).unwrap_err().contains("longer"));
        let late = |c: &mut Value| {
            c["iat"] = json!(1_790_000_025);
            c["exp"] = json!(1_790_003_640);
        };
        assert!(check(late).unwrap_err().contains("outlives"));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "a.b", "a.b.c", "e30.e30.e30", "a.b.c.d"] {
            assert!(Claims::read(&text.into()).is_err(), "{text}");
        }
        for (name, value) in [("exp", json!("soon")), ("iat", json!(-1)), ("exp", json!(1e300))] {
            let mut claims = whole();
            claims[name] = value;
            assert!(read(&claims).is_err(), "{claims}");
        }
        let mut deep = json!({ "sub": "w" });
        for _ in 0..40 {
            deep = json!({ "sub": "w", "act": deep });
        }
        assert!(check(|c| c["act"] = deep.clone()).unwrap_err().contains("too long"));
    }
}

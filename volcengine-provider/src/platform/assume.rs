//! Roles: temporary keys in place of the source's own.

use std::time::Duration;

use credential_provider_api::{AccessKey, CredentialError, ErrorCode, Timestamp};

use super::source::{SourceKeys, filled, filled_secret};
use crate::action::sts::{AssumeRole, AssumedRole, TemporaryKeys};
use crate::wire::{CallError, Client, Keys, parse_time};

/// How roles are assumed.
#[derive(Clone)]
pub(crate) struct RoleSettings {
    pub(crate) session_name: String,
    /// 900 s to 43,200 s.
    pub(crate) duration: Duration,
}

/// A role, as asked for.
pub(crate) struct Assumption<'a> {
    pub(crate) client: &'a Client,
    pub(crate) settings: &'a RoleSettings,
    pub(crate) role: &'a str,
}

impl Assumption<'_> {
    /// Asks STS, with `keys`.
    pub(crate) async fn take(&self, keys: &dyn Keys) -> Result<SourceKeys, CallError> {
        let mut request = AssumeRole::new(self.role, &self.settings.session_name);
        request.duration_seconds = Some(self.settings.duration.as_secs());
        let sent_at = self.client.clock.now();
        let assumed = self.client.call(&request, keys).await?;
        Ok(received(assumed, sent_at, self.settings.duration)?)
    }
}

/// The keys of an answer. Their life is measured by the service's own clock where it tells the time,
/// so that a clock of ours that is off does not change it.
pub(crate) fn received(
    assumed: AssumedRole,
    sent_at: Timestamp,
    asked: Duration,
) -> Result<SourceKeys, CredentialError> {
    let invalid = |detail| CredentialError::new(ErrorCode::InvalidResponse, detail);
    let keys = assumed.credentials.ok_or_else(|| invalid("STS gave no keys"))?;
    let expires_at = match keys.end() {
        None => sent_at.plus(asked),
        Some(end) => {
            let end = parse_time(end).ok_or_else(|| invalid("the end that STS gave is no time"))?;
            match keys.current_time.as_deref().and_then(parse_time) {
                Some(theirs) => sent_at.plus(theirs.until(end)),
                None => end,
            }
        }
    };
    if expires_at <= sent_at {
        return Err(invalid("STS gave keys that have ended"));
    }
    let TemporaryKeys { access_key_id, secret_access_key, session_token, .. } = keys;
    let (secret, token) = (filled_secret(secret_access_key), filled_secret(session_token));
    let (Some(id), Some(secret), Some(token)) = (filled(access_key_id), secret, token) else {
        return Err(invalid("STS gave no whole keys"));
    };
    let mut received = SourceKeys::new(AccessKey::new(id, secret, Some(token)));
    received.expires_at = Some(expires_at);
    Ok(received)
}

/// `trn:iam::ACCOUNT:role/NAME`, as far as it keeps other text out.
pub(crate) fn is_role_trn(text: &str) -> bool {
    text.len() <= 512
        && text.starts_with("trn:iam::")
        && text.contains(":role/")
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_618_199_829); // 2021-04-12T11:57:09+08:00

    fn end(json: &str) -> Result<Timestamp, ErrorCode> {
        let whole = format!(
            r#"{{"Credentials":{{"AccessKeyId":"a","SecretAccessKey":"s","SessionToken":"t"{json}}}}}"#
        );
        let assumed = serde_json::from_str(&whole).unwrap();
        let hour = Duration::from_secs(3600);
        let keys = received(assumed, NOW, hour).map_err(|error| error.code())?;
        Ok(keys.expires_at.unwrap())
    }

    #[test]
    fn promise_3_the_life_of_keys_is_the_service_s() {
        let hour = Ok(NOW.plus(Duration::from_secs(3600)));
        assert_eq!(end(r#","ExpiredTime":"2021-04-12T12:57:09+08:00""#), hour);
        assert_eq!(end(r#","Expiration":"2021-04-12T04:57:09Z""#), hour);
        assert_eq!(end(""), hour);
        // Their clock is ten minutes behind ours.
        let skewed = r#","CurrentTime":"2021-04-12T11:47:09+08:00",
            "ExpiredTime":"2021-04-12T12:47:09+08:00""#;
        assert_eq!(end(skewed), hour);
    }

    #[test]
    fn promise_3_keys_that_have_ended_are_no_keys() {
        let past = r#","ExpiredTime":"2021-04-12T11:57:09+08:00""#;
        assert_eq!(end(past), Err(ErrorCode::InvalidResponse));
        assert_eq!(end(r#","ExpiredTime":"soon""#), Err(ErrorCode::InvalidResponse));
    }
}

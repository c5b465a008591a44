//! What an answer makes of a stored entry.

use std::time::Duration;

use credential_provider_api::{ErrorCode, ExposeSecret as _, SecretString, Timestamp};
use sha2::{Digest as _, Sha256};

use super::issuer::RenewedLogin;
use crate::json::Raw;
use crate::openclaw::{Identity, Match, Profile};

/// What OpenClaw takes for the life of an access token whose end nobody says.
const UNSAID: Duration = Duration::from_secs(3600);

/// What a secret is recognised by, without keeping it.
pub(crate) fn digest(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret()).into()
}

/// Whether an answer may take the place of a login: it says nothing of whose it is, or nothing else
/// than the login does.
///
/// The one judgement for the gate and for saving: what the first lets through and the second does not
/// is a refresh token lost.
pub(super) fn same_person(stored: &Profile, renewed: &RenewedLogin) -> Result<(), ErrorCode> {
    let known = Identity::of(stored);
    let mut said = renewed.identity.clone();
    // What the answer leaves out stays as it is.
    said.account = said.account.or_else(|| known.account.clone());
    said.email = said.email.or_else(|| known.email.clone());
    match known.compare(&said) {
        Match::Different => Err(ErrorCode::AccountMismatch),
        Match::Same | Match::Unsaid => Ok(()),
    }
}

/// The entry with the new tokens in place; everything else stays.
pub(super) fn put_in_place(stored: &mut Profile, renewed: &RenewedLogin, now: Timestamp) {
    let end = renewed.expires_at.unwrap_or_else(|| now.plus(UNSAID));
    stored.edit(|entry| {
        entry.set("access", Raw::from_secret(&renewed.access));
        if let Some(refresh) = &renewed.refresh {
            entry.set("refresh", Raw::from_secret(refresh));
        }
        entry.set("expires", millis(end));
        if let Some(id_token) = &renewed.id_token {
            entry.set("idToken", Raw::from_secret(id_token));
        }
        let said = [("accountId", &renewed.identity.account), ("email", &renewed.identity.email)];
        for (name, value) in said {
            if let (None, Some(value)) = (entry.get(name), value) {
                entry.set(name, Raw::from_text(value));
            }
        }
    });
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
fn millis(time: Timestamp) -> Raw {
    Raw::from_number(time.as_millis() as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn stored(json: &str) -> Profile {
        Profile::read(&Raw::checked(json).unwrap()).unwrap()
    }

    #[test]
    fn promise_5_an_answer_may_say_nothing_but_not_another() {
        let login = stored(
            r#"{"type":"oauth","provider":"x","access":"a","accountId":"me","email":"me@x"}"#,
        );
        let nobody = stored(r#"{"type":"oauth","provider":"x","access":"a"}"#);
        let said = |identity| RenewedLogin::new("b".into()).with_identity(identity);
        let other = Identity::account("somebody");
        assert!(same_person(&login, &said(Identity::default())).is_ok());
        assert!(same_person(&login, &said(Identity::account("me").with_email("new@x"))).is_ok());
        assert!(same_person(&login, &said(other.clone())).is_err());
        assert!(same_person(&nobody, &said(other)).is_ok());
        let mail = stored(r#"{"type":"oauth","provider":"x","access":"a","email":"me@x"}"#);
        let address = Identity::default().with_email("you@x");
        assert!(same_person(&mail, &said(address.clone())).is_err());
        // An account and an address cannot contradict each other.
        let account = stored(r#"{"type":"oauth","provider":"x","access":"a","accountId":"me"}"#);
        assert!(same_person(&account, &said(address)).is_ok());
        assert!(same_person(&mail, &said(Identity::account("me"))).is_ok());
    }

    #[test]
    fn promise_10_only_what_came_is_changed() {
        let mut login = stored(
            r#"{"type":"oauth","provider":"x","new":[1, 2],"access":"a","refresh":"r","expires":1}"#,
        );
        let renewed = RenewedLogin::new("b".into()).with_expiry(Timestamp::from_millis(7));
        put_in_place(&mut login, &renewed, Timestamp::EPOCH);
        assert_eq!(
            login.entry().to_text(0).as_str(),
            "{\n  \"type\": \"oauth\",\n  \"provider\": \"x\",\n  \"new\": [1, 2],\n  \"access\": \"b\",\n  \"refresh\": \"r\",\n  \"expires\": 7\n}"
        );
        put_in_place(&mut login, &RenewedLogin::new("c".into()), Timestamp::EPOCH);
        assert_eq!(login.entry().number("expires"), Some(3_600_000.0));
    }
}

//! What is kept comes back, under its own key.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::subject::{Subject, is_record, record};
use crate::conformance::report::{Checked, Stop, fail};
use crate::credential::{AccessKey, Credential, Freshness, Placement};
use crate::error::ReauthReason;
use crate::id::{AccountId, CredentialId, ProviderId};
use crate::key::Key;
use crate::origin::Origin;
use crate::revision::Revision;
use crate::session::EffectiveSession;
use crate::store::{Grant, Intent, Record, Refusal};
use crate::time::Timestamp;
use crate::variant::Variant;

pub(super) async fn never_saved(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let key = subject.key()?;
    let loaded = store.load(&key).await?;
    if loaded.revision.is_some() || loaded.record.is_some() {
        return fail("a key never saved has a revision or a record");
    }
    if store.list().await?.contains(&key) {
        return fail("a key never saved is listed");
    }
    Ok(())
}

pub(super) async fn comes_back_whole(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let other = subject.open().await?;
    for saved in samples()? {
        let key = subject.key()?;
        let revision = store.save(&key, None, saved.clone()).await?;
        for handle in [&store, &other] {
            let loaded = handle.load(&key).await?;
            if loaded.revision != Some(revision) {
                return fail(format!("saved as {revision}, loaded as {:?}", loaded.revision));
            }
            let Some(found) = loaded.record else {
                return fail("a saved record is not there");
            };
            same(&saved, &found)?;
        }
    }
    Ok(())
}

pub(super) async fn list(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let (kept, removed) = (subject.key()?, subject.key()?);
    store.save(&kept, None, record("kept")).await?;
    let revision = store.save(&removed, None, record("removed")).await?;
    store.remove(&removed, Some(revision)).await?;
    let keys = subject.open().await?.list().await?;
    if keys.contains(&removed) {
        return fail("a removed key is listed");
    }
    if keys.iter().filter(|key| **key == kept).count() != 1 {
        return fail("a key with a record is not listed once");
    }
    Ok(())
}

pub(super) async fn keys_do_not_mix(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let keys = neighbours(&subject.key()?)?;
    for (number, key) in keys.iter().enumerate() {
        let name = number.to_string();
        store.save(key, None, record(&name)).await?;
    }
    let listed: BTreeSet<Key> = store.list().await?.into_iter().collect();
    for (number, key) in keys.iter().enumerate() {
        let loaded = store.load(key).await?;
        if !is_record(loaded.record.as_ref(), &number.to_string()) {
            return fail(format!("{} has the record of another key", key.encoded()));
        }
        if !listed.contains(key) {
            return fail(format!("{} is not listed as itself", key.encoded()));
        }
    }
    let Some((first, rest)) = keys.split_first() else {
        return Ok(());
    };
    let revision = store.load(first).await?.revision;
    store.remove(first, revision).await?;
    for key in rest {
        if store.load(key).await?.record.is_none() {
            return fail(format!("{} went with the removal of another key", key.encoded()));
        }
    }
    Ok(())
}

pub(super) async fn secrets_stay_secret(subject: &Subject) -> Checked {
    subject.witness.no_secret_shown()
}

/// Keys that differ in one part only, some in ways that naive encodings lose.
fn neighbours(base: &Key) -> Checked<Vec<Key>> {
    let id = base.credential.as_str();
    let session = EffectiveSession::shared("conformance")?;
    let variant = |name: &str, value: &str| Variant::builder().parameter(name, value).build();
    let renamed = |id: String| -> Checked<Key> {
        let credential = CredentialId::new(id)?;
        Ok(Key { credential, ..base.clone() })
    };
    let with = |variant| Key { variant, ..base.clone() };
    Ok(vec![
        base.clone(),
        Key { provider: ProviderId::new("conformance.2")?, ..base.clone() },
        renamed(format!("{id}.x"))?,
        renamed(format!("{id}.X"))?,
        renamed(format!("{id}/x"))?,
        renamed(format!("{id}%2Fx"))?,
        base.clone().in_session(session.clone()),
        base.clone().in_session(session.child("1")?),
        base.clone().in_session(EffectiveSession::shared("other")?),
        with(variant("account", "a")?),
        with(variant("account", "b")?),
        with(variant("role", "a")?),
        Key { session: Some(session), ..with(variant("account", "a")?) },
    ])
}

/// A record for each kind, each field set in one of them at least.
fn samples() -> Checked<Vec<Record>> {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    let at = Timestamp::from_millis(1_767_225_600_123);
    let origin = Origin::parse("https://api.example:8443")?;
    let rich =
        Credential::access_key(AccessKey::new("AKID".into(), "s1".into(), Some("s2".into())))
            .with_expiry(at)
            .with_issue_time(at.minus(Duration::from_secs(3600)))
            .with_freshness(Freshness::For(Duration::from_secs(60)))
            .with_account(AccountId::new("account")?)
            .with_scopes(["a", "b"])
            .with_origin(origin)
            .with_property("region", "eu");
    let fields = [("user".to_owned(), "u".into()), ("pin".to_owned(), "é\"\n".into())];
    let placed = Credential::api_key("k".into()).with_placement(Placement::header("X-Key", ""));
    let live = Credential::token("t".into()).with_freshness(Freshness::Never);
    let issued = Credential::oauth2("o".into()).with_revision(Revision::FIRST.next());
    Ok(vec![
        Record::default(),
        Record::new(Some(Grant::from(bytes)), Some(rich)).with_intent(Intent::new(at, "host:1")),
        Record::new(Some(Grant::from(Vec::new())), None),
        Record::new(None, Some(placed)),
        Record::new(None, Some(Credential::user_value(fields.into()))),
        Record::new(None, Some(live)),
        Record::new(Some(Grant::from(vec![1])), Some(issued))
            .with_refusal(Refusal::new(at, ReauthReason::GrantExpired, "it has ended"))
            .with_sign_in(at),
        record("plain"),
    ])
}

fn same(saved: &Record, found: &Record) -> Checked {
    let grant = |record: &Record| record.grant.as_ref().map(|g| g.expose().to_vec());
    if grant(saved) != grant(found) {
        return fail("the grant came back as another");
    }
    if saved.intent != found.intent {
        return fail("the intent came back as another");
    }
    if saved.refusal != found.refusal {
        return fail("the refusal came back as another");
    }
    if saved.signed_in != found.signed_in {
        return fail("the time of the sign-in came back as another");
    }
    if encoded(saved)? != encoded(found)? {
        return fail("the credential came back with other fields");
    }
    let issued = |record: &Record| record.credential.as_ref().and_then(Credential::revision);
    if issued(saved) != issued(found) {
        return fail("the revision a credential was issued at came back as another");
    }
    Ok(())
}

fn encoded(record: &Record) -> Checked<Option<Vec<u8>>> {
    let Some(credential) = &record.credential else {
        return Ok(None);
    };
    let bytes = credential.encode().map_err(|error| Stop::Failed(error.to_string()))?;
    Ok(Some(bytes.expose_secret().to_vec()))
}

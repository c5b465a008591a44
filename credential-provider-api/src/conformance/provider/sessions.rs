//! Whose credential it is.

use super::Sharing;
use super::subject::Subject;
use crate::conformance::report::{Checked, fail, skip};
use crate::conformance::together::both;
use crate::credential::Credential;
use crate::id::CredentialId;
use crate::provider::Scope;

pub(super) async fn never_share(subject: &Subject) -> Checked {
    if subject.suite.sharing == Sharing::Intended {
        return skip("the suite was told that sessions share");
    }
    let provider = subject.fresh().await?;
    let pairs = subject
        .keys()
        .into_iter()
        .zip(subject.keys_in(&subject.other))
        .filter(|(key, _)| subject.scope(&key.credential) == Scope::Session);
    let mut tried = 0;
    for (one, other) in pairs {
        tried += 1;
        // One after the other, back again, then both at once.
        let mine = subject.credential(&provider, &one).await?;
        let theirs = subject.credential(&provider, &other).await?;
        differ(subject, &one.credential, &mine, &theirs)?;
        let again = subject.credential(&provider, &one).await?;
        differ(subject, &one.credential, &again, &theirs)?;
        let (a, b) =
            both(subject.credential(&provider, &one), subject.credential(&provider, &other)).await;
        if let (Some(a), Some(b)) = (a, b) {
            differ(subject, &one.credential, &a?, &b?)?;
        }
    }
    if tried == 0 {
        return skip("no credential named belongs to a session");
    }
    Ok(())
}

pub(super) async fn two_keys_at_once(subject: &Subject) -> Checked {
    let mut keys = subject.keys();
    keys.extend(subject.keys_in(&subject.other));
    keys.sort();
    keys.dedup();
    let mut keys = keys.into_iter();
    let (Some(one), Some(other)) = (keys.next(), keys.next()) else {
        return skip("one key only: name two credentials, or one of a session");
    };
    let provider = subject.fresh().await?;
    let (a, b) =
        both(subject.credential(&provider, &one), subject.credential(&provider, &other)).await;
    a.transpose()?;
    b.transpose()?;
    Ok(())
}

fn differ(subject: &Subject, id: &CredentialId, mine: &Credential, theirs: &Credential) -> Checked {
    if subject.suite.sharing == Sharing::Never && mine.same_secrets(theirs) {
        return fail(format!("two sessions got the same secret of {id}"));
    }
    if mine.account().is_some() && mine.account() == theirs.account() {
        return fail(format!("two sessions got the same account of {id}"));
    }
    Ok(())
}

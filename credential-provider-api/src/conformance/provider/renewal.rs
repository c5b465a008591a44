//! One credential in place of another.

use super::subject::Subject;
use crate::conformance::report::{Checked, fail, skip};
use crate::credential::Credential;
use crate::provider::{Reason, Resolution};
use crate::revision::Revision;

pub(super) async fn rejected(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let current = subject.served(&provider, &key).await?;
        let answer = subject.refresh(&provider, &key, &current, Reason::Rejected).await?;
        if let Ok(Resolution::Credential(next)) = answer
            && next.same_secrets(&current)
        {
            return fail(format!(
                "{} came back with the secret that was rejected; answer `Unchanged`",
                key.credential
            ));
        }
    }
    Ok(())
}

pub(super) async fn revision_names_one_secret(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let mut given = 0;
    for key in subject.keys() {
        let mut issued: Vec<(Revision, Credential)> = Vec::new();
        for reason in [None, None, Some(Reason::Expiring), Some(Reason::Rejected)] {
            let next = match (reason, issued.last()) {
                (Some(reason), Some((_, current))) => {
                    match subject.refresh(&provider, &key, current, reason).await? {
                        Ok(Resolution::Credential(next)) => *next,
                        _ => continue,
                    }
                }
                _ => subject.credential(&provider, &key).await?,
            };
            let Some(revision) = next.revision() else {
                continue;
            };
            given += 1;
            if issued.iter().any(|(seen, old)| *seen == revision && !old.same_secrets(&next)) {
                return fail(format!(
                    "{revision} of {} names two different secrets",
                    key.credential
                ));
            }
            issued.push((revision, next));
        }
    }
    if given == 0 {
        return skip("the provider leaves revisions to the engine");
    }
    Ok(())
}

pub(super) async fn outlives(subject: &Subject) -> Checked {
    let Some(clock) = &subject.suite.clock else {
        return skip("no clock to advance: give `.clock(…)`");
    };
    let provider = subject.fresh().await?;
    let mut tried = 0;
    for key in subject.keys() {
        let current = subject.served(&provider, &key).await?;
        let Some(end) = current.expires_at() else {
            continue;
        };
        tried += 1;
        clock.set(end);
        let answer = subject.refresh(&provider, &key, &current, Reason::Expiring).await?;
        if let Ok(Resolution::Credential(next)) = answer
            && next.expires_at().is_some_and(|next| next <= end)
        {
            return fail(format!(
                "{} was renewed at its end with one that has ended too",
                key.credential
            ));
        }
    }
    if tried == 0 {
        return skip("no credential named expires");
    }
    Ok(())
}

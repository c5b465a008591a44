//! The credentials a provider returns.

use super::subject::Subject;
use crate::conformance::report::{Checked, fail, skip};
use crate::credential::OutgoingRequest;
use crate::error::ErrorCode;

pub(super) async fn resolves(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        subject.credential(&provider, &key).await?;
    }
    Ok(())
}

pub(super) async fn resolves_again(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        subject.credential(&provider, &key).await?;
        subject.credential(&provider, &key).await?;
    }
    Ok(())
}

pub(super) async fn never_expired(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let credential = subject.credential(&provider, &key).await?;
        let now = subject.request(&key).now();
        if let Some(end) = credential.expires_at().filter(|end| *end <= now) {
            return fail(format!("{} ended at {end}, it is {now}", key.credential));
        }
    }
    Ok(())
}

pub(super) async fn never_empty_or_masked(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        subject.credential(&provider, &key).await?.validate()?;
    }
    Ok(())
}

pub(super) async fn authorizes_its_origins(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let mut tried = 0;
    for key in subject.keys() {
        let credential = subject.credential(&provider, &key).await?;
        for origin in credential.origins() {
            let outgoing = OutgoingRequest::new("GET", origin, "/");
            let added = credential.authorize(&outgoing, subject.request(&key).now());
            subject.saw("authorize", &added);
            match added {
                Ok(added) if added.headers.is_empty() && added.query.is_empty() => {
                    return fail(format!("{} adds nothing for {origin}", key.credential));
                }
                Ok(_) => tried += 1,
                // Some kinds have nothing to authorize with unless a signer is attached.
                Err(error) if error.code() == ErrorCode::Unsupported => {}
                Err(error) => {
                    return fail(format!("{} for {origin}: {error}", key.credential));
                }
            }
        }
    }
    if tried == 0 {
        return skip("no credential names an origin and authorizes by itself");
    }
    Ok(())
}

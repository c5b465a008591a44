//! What a provider says about itself.

use std::collections::BTreeSet;

use super::subject::Subject;
use crate::conformance::report::{Checked, fail};

pub(super) async fn covers_credentials(subject: &Subject) -> Checked {
    for reference in subject.references() {
        if subject.descriptor.credential(&reference.id).is_none() {
            return fail(format!("the descriptor says nothing about {}", reference.id));
        }
    }
    Ok(())
}

pub(super) async fn is_valid(subject: &Subject) -> Checked {
    let descriptor = &subject.descriptor;
    if descriptor.display_name.trim().is_empty() {
        return fail("the display name is empty");
    }
    let mut ids = BTreeSet::new();
    for described in &descriptor.credentials {
        if !ids.insert(&described.id) {
            return fail(format!("{} is described twice", described.id.as_str()));
        }
    }
    let methods: BTreeSet<_> = descriptor.sign_in.iter().collect();
    if methods.len() != descriptor.sign_in.len() {
        return fail("a way to sign in is listed twice");
    }
    Ok(())
}

pub(super) async fn is_constant(subject: &Subject) -> Checked {
    let first = format!("{:?}", subject.descriptor);
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        if format!("{:?}", provider.descriptor()) != first {
            return fail("two calls gave two descriptors");
        }
        subject.credential(&provider, &key).await?;
    }
    if format!("{:?}", provider.descriptor()) != first {
        return fail("the descriptor is another after a resolve");
    }
    Ok(())
}

pub(super) async fn kind(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let Some(described) = subject.descriptor.credential(&key.credential) else {
            continue;
        };
        let found = subject.credential(&provider, &key).await?.kind();
        if !described.allows(found) {
            return fail(format!(
                "{} is described as {} and came as {found}",
                key.credential, described.kind
            ));
        }
    }
    Ok(())
}

pub(super) async fn secrets_stay_secret(subject: &Subject) -> Checked {
    subject.witness.shown("the descriptor", &subject.descriptor);
    subject.witness.no_secret_shown()
}

//! What happens outside the provider: outages and changes.

use std::future::poll_fn;

use super::subject::{Subject, named};
use crate::conformance::report::{Checked, fail, skip};
use crate::key::Key;
use crate::provider::{Capability, Change, Changes, Resolution};

pub(super) async fn outage(subject: &Subject) -> Checked {
    let Some(outage) = &subject.suite.outage else {
        return skip("no way to make the source unreachable: give `.outage(…)`");
    };
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        (outage.begin)();
        let answer = subject.resolve(&provider, &key).await;
        (outage.end)();
        match answer? {
            Err(error) if error.is_transient() => {}
            Err(error) => {
                return fail(format!(
                    "{} in an outage was answered with {}, which no waiting mends",
                    key.credential,
                    error.code()
                ));
            }
            // What needs no source is answered in an outage too.
            Ok(Resolution::Credential(_) | Resolution::Selected(_)) => {}
            Ok(answer) => {
                return fail(format!(
                    "{} in an outage was answered with {}",
                    key.credential,
                    named(&answer)
                ));
            }
        }
        subject.credential(&provider, &key).await?;
    }
    Ok(())
}

pub(super) async fn changes(subject: &Subject) -> Checked {
    if !subject.declares(Capability::Changes) {
        return skip("not declared");
    }
    let Some(change) = &subject.suite.change else {
        return fail("Changes is declared: give `.change(…)`, which makes one");
    };
    let provider = subject.fresh().await?;
    // Called once for a provider; the stream is the same for every key.
    let opened = async { provider.changes() };
    let mut stream = subject.witness.call("changes", opened).await?;
    let own =
        |key: &Key| !subject.suite.with_parents.iter().any(|id| *id == *key.credential.as_str());
    let keys: Vec<Key> = subject.keys().into_iter().filter(own).collect();
    if keys.is_empty() {
        return fail(
            "Changes is declared: name a credential that does not only change with others",
        );
    }
    for key in keys {
        subject.credential(&provider, &key).await?;
        let quiet = until_quiet(&mut stream);
        subject.witness.call("changes", quiet).await?;
        change(&key.reference());
        let seen = subject.witness.call("changes", until_named(&mut stream, &key)).await?;
        if !seen {
            return fail(format!("the stream ended before {} changed", key.credential));
        }
        subject.credential(&provider, &key).await?;
    }
    Ok(())
}

/// Takes what is there already, and has the stream listen.
async fn until_quiet(stream: &mut Changes) {
    poll_fn(|cx| {
        while let std::task::Poll::Ready(Some(_)) = stream.as_mut().poll_next(cx) {}
        std::task::Poll::Ready(())
    })
    .await;
}

/// Waits for a change that covers `key`.
async fn until_named(stream: &mut Changes, key: &Key) -> bool {
    loop {
        match poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            Some(Change::All) => return true,
            Some(
                Change::Key(changed)
                | Change::SignedIn(changed)
                | Change::SignedOut(changed)
                | Change::Revoked(changed),
            ) if changed == *key => return true,
            Some(Change::Credential(id)) if id == key.credential => return true,
            Some(_) => {}
            None => return false,
        }
    }
}

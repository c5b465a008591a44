//! What a provider declares it can do beyond resolving.

use super::subject::{Subject, named};
use crate::conformance::report::{Checked, fail, skip};
use crate::error::{CredentialError, ErrorCode};
use crate::provider::{
    Capability, CommitGate, HealthStatus, Observation, Outcome, Reason, Resolution, Revocation,
};
use crate::revision::Revision;

pub(super) async fn check(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let declared = subject.declares(Capability::Check);
    for key in subject.keys() {
        let request = subject.request(&key);
        let current = if declared { Some(subject.served(&provider, &key).await?) } else { None };
        for current in [None, current.as_ref()] {
            let call = provider.check(&request, current);
            let health = subject.witness.call("check", call).await?;
            subject.saw("check", &health);
            match health {
                health if !declared => unsupported("Check", health)?,
                Ok(health) if health.status == HealthStatus::Failing => {
                    return fail(format!(
                        "{} works and is reported as failing: {}",
                        key.credential,
                        health.detail.as_str()
                    ));
                }
                Ok(_) => {}
                Err(error) => refused("Check", &error)?,
            }
        }
    }
    Ok(())
}

pub(super) async fn list(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let declared = subject.declares(Capability::List);
    for key in subject.keys() {
        let request = subject.request(&key);
        let listed = subject.witness.call("list", provider.list(&request)).await?;
        subject.saw("list", &listed);
        let listed = match listed {
            listed if !declared => {
                unsupported("List", listed)?;
                continue;
            }
            Ok(listed) => listed,
            Err(error) => return refused("List", &error),
        };
        let id = &key.credential;
        if !listed.iter().any(|entry| entry.id.matches(id.as_str())) {
            return fail(format!("{id} resolves and is not listed"));
        }
        for entry in &listed {
            let name = entry.id.as_str();
            let described = subject
                .descriptor
                .credentials
                .iter()
                .filter(|described| described.id.matches(name))
                .max_by_key(|described| (described.id.is_exact(), described.id.as_str().len()));
            match described {
                None => return fail(format!("{name} is listed and not described")),
                Some(of) if !of.allows(entry.kind) || of.scope != entry.scope => {
                    return fail(format!("{name} is listed as other than it is described"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

pub(super) async fn report(subject: &Subject) -> Checked {
    if !subject.declares(Capability::Report) {
        return skip("not declared");
    }
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let served = subject.served(&provider, &key).await?;
        let revision = served.revision().unwrap_or(Revision::FIRST);
        let retry_after = Some(std::time::Duration::from_secs(1));
        let outcomes = [
            Outcome::Success,
            Outcome::RateLimited { retry_after },
            Outcome::RateLimited { retry_after: None },
            Outcome::Billing,
            Outcome::Rejected,
        ];
        for outcome in outcomes {
            let observation = Observation::new(revision, outcome);
            let request = subject.request(&key);
            let call = provider.report(&request, &observation);
            let answer = subject.witness.call("report", call).await?;
            subject.saw("report", &answer);
            if let Err(error) = answer {
                return fail(format!(
                    "{:?} of {} was answered with {error}",
                    observation.outcome, key.credential
                ));
            }
        }
    }
    Ok(())
}

pub(super) async fn revoke(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let declared = subject.declares(Capability::Revoke);
    let mut remote = 0;
    for key in subject.keys() {
        let id = &key.credential;
        let old = match subject.served(&provider, &key).await {
            Ok(old) => old,
            Err(stop) if declared => return Err(stop),
            Err(_) => return skip("not declared, and no credential resolves"),
        };
        let gate = CommitGate::new();
        let request = subject.request(&key).with_gate(gate.clone());
        let call = provider.revoke(&request, Some(&old));
        let answer = subject.witness.call("revoke", call).await?;
        if gate.is_committed() {
            subject.witness.guard_left("revoke");
        }
        subject.saw("revoke", &answer);
        match (declared, answer) {
            (true, Ok(Revocation::Remote)) => remote += 1,
            // A provider may have static credentials beside those it can revoke.
            (true, Ok(Revocation::LocalOnly)) => continue,
            (true, Err(error)) => return refused("Revoke", &error),
            (false, Ok(Revocation::Remote)) => {
                return fail(format!("{id} was revoked at its source, Revoke is not declared"));
            }
            (false, _) => continue,
        }
        let again = [
            subject.resolve(&provider, &key).await?,
            subject.refresh(&provider, &key, &old, Reason::Stale).await?,
        ];
        for answer in again {
            match answer {
                Ok(Resolution::Credential(next)) if next.same_secrets(&old) => {
                    return fail(format!("{id} came back with the secret that was revoked"));
                }
                Ok(answer @ Resolution::Unchanged) => {
                    return fail(format!("{id} was revoked and is {}", named(&answer)));
                }
                _ => {}
            }
        }
    }
    if declared && remote == 0 {
        return fail("Revoke is declared, every credential named was revoked here only");
    }
    Ok(())
}

/// Breaks the rule, because a declared capability was refused.
fn refused(name: &str, error: &CredentialError) -> Checked {
    fail(format!("{name} is declared and was answered with {error}"))
}

/// Breaks the rule unless a capability not declared was refused as unsupported.
fn unsupported<T>(name: &str, answer: Result<T, CredentialError>) -> Checked {
    match answer {
        Err(error) if error.code() == ErrorCode::Unsupported => Ok(()),
        Err(error) => fail(format!(
            "{name} is not declared and was answered with {} in place of unsupported",
            error.code()
        )),
        Ok(_) => fail(format!("{name} is not declared and was answered all the same")),
    }
}

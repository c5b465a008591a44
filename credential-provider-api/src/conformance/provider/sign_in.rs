//! Signing in.

use std::time::Duration;

use super::subject::{Provider, Subject, named};
use crate::conformance::report::{Checked, Stop, fail, skip};
use crate::conformance::timer::Timer;
use crate::error::{CredentialError, ErrorCode};
use crate::key::Key;
use crate::provider::{Interaction, Request, Resolution};
use crate::sign_in::{
    FlowId, SignIn, SignInAnswer, SignInMethod, SignInProgress, SignInStart, SignInStep, SignedIn,
};

const METHODS: [SignInMethod; 3] =
    [SignInMethod::AuthorizationCode, SignInMethod::DeviceCode, SignInMethod::Fields];
const MOST_STEPS: usize = 32;

pub(super) async fn as_described(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let listed = &subject.descriptor.sign_in;
    let offered = async { provider.sign_in() };
    let offered = subject.witness.call("sign_in", offered).await?;
    let sign_in = match (offered, listed.is_empty()) {
        (None, true) => return skip("no way to sign in is listed"),
        (None, false) => return fail("ways to sign in are listed, `sign_in()` is `None`"),
        (Some(_), true) => return fail("`sign_in()` is there, no way to sign in is listed"),
        (Some(sign_in), false) => sign_in,
    };
    let key = subject.key_of(&subject.sign_in_script()?.credential)?;
    let request = asking(subject, &key);
    for method in METHODS {
        let start = start(&request, Some(method));
        let progress = subject.witness.call("start", sign_in.start(&request, &start)).await?;
        {
            let shown = progress.as_ref().map(|(_, progress)| progress).map_err(Clone::clone);
            subject.saw("start", &shown);
        }
        match progress {
            Err(error) if !listed.contains(&method) => {
                if error.code() != ErrorCode::Unsupported {
                    return fail(format!(
                        "{method:?} is not listed and was answered with {} in place of unsupported",
                        error.code()
                    ));
                }
            }
            Ok(_) if !listed.contains(&method) => {
                return fail(format!("{method:?} is not listed and was started all the same"));
            }
            Err(error) => return fail(format!("{method:?} was answered with {error}")),
            Ok((state, SignInProgress::Step(step))) => {
                usable(&request, &step)?;
                let call = sign_in.cancel(&request, state);
                subject.witness.call("cancel", call).await?;
            }
            Ok(_) => return fail(format!("{method:?} did not start with a step")),
        }
    }
    Ok(())
}

/// The whole story: signed out, finished, thrown away, finished again, accepted, signed out.
pub(super) async fn counts_when_accepted(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let offered = async { provider.sign_in() };
    let Some(sign_in) = subject.witness.call("sign_in", offered).await? else {
        return skip("no way to sign in is listed");
    };
    let key = subject.key_of(&subject.sign_in_script()?.credential)?;
    let request = asking(subject, &key);
    sign_out(subject, sign_in, &request).await?;
    none_yet(subject, &provider, &key, "after the sign-out").await?;

    let done = finish(subject, sign_in, &request).await?;
    none_yet(subject, &provider, &key, "before the sign-in was accepted").await?;
    let call = sign_in.discard(&request, done);
    subject.witness.call("discard", call).await?;
    none_yet(subject, &provider, &key, "after the sign-in was thrown away").await?;

    let done = finish(subject, sign_in, &request).await?;
    let accepted = subject.witness.call("accept", sign_in.accept(&request, done)).await?;
    subject.saw("accept", &accepted);
    match accepted {
        Ok(Some(credential)) => {
            subject.witness.issued(&credential);
            credential.validate()?;
        }
        Ok(None) => {}
        Err(error) => return fail(format!("`accept` was answered with {error}")),
    }
    subject.credential(&provider, &key).await.map_err(|stop| match stop {
        Stop::Failed(message) => Stop::Failed(format!("after `accept`: {message}")),
        skipped @ Stop::Skipped(_) => skipped,
    })?;
    Ok(())
}

fn asking(subject: &Subject, key: &Key) -> Request {
    subject.request(key).with_interaction(Interaction::Allowed)
}

fn start(request: &Request, method: Option<SignInMethod>) -> SignInStart {
    const FLOW: Duration = Duration::from_secs(600);
    SignInStart::new(FlowId::from_random([7; 32]), request.now().plus(FLOW))
        .with_method(method)
        .with_redirect_uri(Some("https://host.example/callback".to_owned()))
}

/// A step that a host can show.
fn usable(request: &Request, step: &SignInStep) -> Checked {
    let (text, end) = match step {
        SignInStep::OpenUrl { url, expires_at, .. } => (url, expires_at),
        SignInStep::ShowCode { code, expires_at, .. } => (code, expires_at),
        SignInStep::AskFields { fields } if fields.is_empty() => {
            return fail("the step asks for no field");
        }
        SignInStep::AskFields { .. } | SignInStep::ConfirmAccount { .. } => return Ok(()),
    };
    if text.is_empty() {
        return fail("the step has nothing to show");
    }
    if *end <= request.now() {
        return fail("the step has ended before it is shown");
    }
    Ok(())
}

async fn finish(subject: &Subject, sign_in: &dyn SignIn, request: &Request) -> Checked<SignedIn> {
    let script = subject.sign_in_script()?;
    let start = start(request, None);
    let started = subject.witness.call("start", sign_in.start(request, &start)).await?;
    let (mut state, mut progress) = match started {
        Ok((state, progress)) => (state, Ok(progress)),
        Err(error) => return fail(format!("the sign-in was answered with {error}")),
    };
    for _ in 0..MOST_STEPS {
        subject.saw("a sign-in", &progress);
        let answer = match progress {
            Ok(SignInProgress::Finished(done)) => return Ok(done),
            Ok(SignInProgress::Step(step)) => (script.answer)(&step),
            Ok(SignInProgress::Pending { poll_after }) => {
                match &subject.suite.clock {
                    Some(clock) => clock.advance(poll_after),
                    None => Timer::after(poll_after.min(subject.witness.limit())).await,
                }
                SignInAnswer::Poll
            }
            Err(error) => return fail(format!("the sign-in was answered with {error}")),
        };
        let call = sign_in.answer(request, &mut state, answer);
        progress = subject.witness.call("answer", call).await?;
    }
    fail(format!("the sign-in did not finish in {MOST_STEPS} steps"))
}

async fn sign_out(subject: &Subject, sign_in: &dyn SignIn, request: &Request) -> Checked {
    let answer = subject.witness.call("sign_out", sign_in.sign_out(request)).await?;
    subject.saw("sign_out", &answer);
    match answer {
        // Signing out where nobody is signed in may be an error that says so.
        Ok(_) => Ok(()),
        Err(error) if error.code() == ErrorCode::NeedsReauth => Ok(()),
        Err(error) => fail(format!("`sign_out` was answered with {error}")),
    }
}

/// Nobody is signed in: no credential, and a person is asked for.
async fn none_yet(subject: &Subject, provider: &Provider, key: &Key, when: &str) -> Checked {
    match subject.resolve(provider, key).await? {
        Ok(Resolution::SignIn(_)) => Ok(()),
        Err(error) if asks(&error) => Ok(()),
        Ok(answer) => {
            fail(format!("{} {when} was answered with {}", key.credential, named(&answer)))
        }
        Err(error) => fail(format!(
            "{} {when} was answered with {}, which asks nobody to sign in",
            key.credential,
            error.code()
        )),
    }
}

fn asks(error: &CredentialError) -> bool {
    error.class() == crate::error::ErrorClass::SignIn
}

//! Sign-ins, carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use credential_provider_api::{
    AccountId, CredentialError, ErrorCode, FieldDisplay, FlowId, SecretString, SignInAnswer,
    SignInStep,
};
use resolution_engine::{FlowStatus, SignInFlow};
use secrecy::ExposeSecret as _;

use super::answer::{Answer, FlowLine, FlowStanding, Refusal, Step, StepField};
use super::operation::{Operation, Typed, method};
use super::perform::Operations;
use super::secret::Secret;

/// How long [`Operation::Flow`] waits for the end of a sign-in.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn perform(on: &Operations, operation: Operation) -> Result<Answer, Refusal> {
    let flow = match operation {
        Operation::Login { of, method: by, redirect_uri, account } => {
            let mut request = on.target(&of)?.sign_in();
            if let Some(by) = by {
                request = request.method(method(&by)?);
            }
            if let Some(uri) = redirect_uri {
                request = request.redirect_uri(uri);
            }
            if let Some(account) = account {
                let invalid =
                    |problem| CredentialError::new(ErrorCode::ConfigurationInvalid, problem);
                request = request.expect_account(AccountId::new(account).map_err(invalid)?);
            }
            request.start().await?
        }
        Operation::Answer { flow, typed } => {
            let flow = find(on, &flow)?;
            answer(&flow, typed).await?;
            flow
        }
        Operation::Flow { flow } => {
            let flow = find(on, &flow)?;
            let clock = on.host.clock();
            tokio::select! {
                _ = flow.ended() => {}
                () = clock.sleep_until(clock.now().plus(PATIENCE)) => {}
            }
            flow
        }
        Operation::Cancel { flow } => {
            find(on, &flow)?.cancel();
            return Ok(Answer::Done);
        }
        _ => {
            let detail = "this gateway does not know the operation: it is older than the command";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail).into());
        }
    };
    Ok(Answer::Flow(FlowLine {
        flow: Secret::from(SecretString::from(flow.id().expose())),
        expires_at: flow.expires_at().as_millis(),
        standing: standing(flow.status()),
    }))
}

fn find(on: &Operations, name: &Secret) -> Result<SignInFlow, CredentialError> {
    let name = FlowId::from_text(name.0.expose_secret());
    let ended = || CredentialError::new(ErrorCode::FlowEnded, "it is over, or there was none");
    on.host.engine().sign_in_flow(&name).ok_or_else(ended)
}

async fn answer(flow: &SignInFlow, typed: Typed) -> Result<(), CredentialError> {
    let map = |typed: BTreeMap<String, Secret>| {
        typed.into_iter().map(|(name, value)| (name, value.into_inner())).collect()
    };
    let answer = match typed {
        Typed::Callback(query) => SignInAnswer::Callback(map(query)),
        Typed::Fields(fields) => SignInAnswer::Fields(map(fields)),
        Typed::Pasted(address) => SignInAnswer::Pasted(address.into_inner()),
        Typed::Poll => SignInAnswer::Poll,
        Typed::Confirm => return flow.confirm_account().await.map(drop),
        // Its error says that the flow has ended, which was wanted.
        Typed::Decline => {
            let _ = flow.decline_account().await;
            return Ok(());
        }
    };
    flow.answer(answer).await.map(drop)
}

fn standing(status: FlowStatus) -> FlowStanding {
    match status {
        FlowStatus::Step(step) => FlowStanding::Step(shown(step)),
        FlowStatus::Pending { poll_after } => {
            FlowStanding::Working { poll_after: Some(millis(poll_after)) }
        }
        FlowStatus::Done(account) => {
            FlowStanding::Done { account: account.map(|account| account.to_string()) }
        }
        FlowStatus::Failed(error) => FlowStanding::Failed(Refusal::from(error)),
        _ => FlowStanding::Working { poll_after: None },
    }
}

fn shown(step: SignInStep) -> Step {
    let secret = |text: String| Secret::from(SecretString::from(text));
    match step {
        SignInStep::OpenUrl { url, poll_every, .. } => {
            Step::OpenUrl { url: secret(url), poll_every: poll_every.map(millis) }
        }
        SignInStep::ShowCode { code, url, complete_url, poll_every, .. } => Step::ShowCode {
            code: secret(code),
            url,
            complete_url: complete_url.map(secret),
            poll_every: millis(poll_every),
        },
        SignInStep::AskFields { fields } => Step::AskFields {
            fields: fields
                .into_iter()
                .map(|field| StepField {
                    display: match field.display {
                        FieldDisplay::Plain => "plain".to_owned(),
                        _ => "secret".to_owned(),
                    },
                    name: field.name,
                    label: field.label,
                })
                .collect(),
        },
        SignInStep::ConfirmAccount { expected, found } => {
            Step::ConfirmAccount { expected: expected.to_string(), found: found.to_string() }
        }
        // A step of a newer engine: nobody here knows how to show it.
        _ => Step::AskFields { fields: Vec::new() },
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

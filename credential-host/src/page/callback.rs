//! `GET /callback`: a sign-in comes back.

use resolution_engine::{FlowStatus, ResolutionEngine};

use super::asset::result;
use super::reply::Reply;
use credential_provider_api::SignInStep;

/// Hands the answer to the sign-in that its `state` names. One that nobody knows ends nothing.
pub(super) async fn receive(engine: &ResolutionEngine, query: &str) -> Reply {
    let unknown = || {
        let text = "It was finished already, took too long, or was not started here. Start it again \
                    where you began.";
        result(404, "This sign-in is not awaited", text)
    };
    let Ok(callback) = oauth_provider::callback(query) else { return unknown() };
    let Some(flow) = engine.sign_in_flow(&callback.flow) else { return unknown() };
    match flow.answer(callback.answer).await {
        Ok(FlowStatus::Step(SignInStep::ConfirmAccount { .. })) => result(
            200,
            "Another account has signed in",
            "It is not the one that was expected. Confirm it where you started, or start again.",
        ),
        Ok(FlowStatus::Done(_)) => {
            result(200, "You are signed in", "You can close this tab and go back.")
        }
        Ok(FlowStatus::Failed(error)) => failed(&error),
        Ok(_) => result(200, "The answer has arrived", "You can close this tab and go back."),
        Err(error) => failed(&error),
    }
}

/// The code and the step alone: its detail may repeat what the redirect said.
fn failed(error: &credential_provider_api::CredentialError) -> Reply {
    let text = format!("{} ({})", error.code().next_step(), error.code());
    result(400, "The sign-in did not work", &text)
}

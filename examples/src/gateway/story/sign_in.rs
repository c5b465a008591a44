//! Alice and bob sign in, each for themselves, in one group chat.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::{ErrorCode, FlowId, SignInAnswer, SignInStep};
use resolution_engine::FlowStatus;

use super::Chapter;
use crate::gateway::host::{Host, Person};
use crate::gateway::tool::CallFailed;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("alice and bob, in one group chat, sign in");
    let asked = needs_sign_in(host, &host.alice).await;
    host.checks.expect(asked, "before a sign-in a request says needs_reauth, with the step");
    sign_in(host, &host.alice).await?;
    host.pause().await;

    let asked = needs_sign_in(host, &host.bob).await;
    host.checks.expect(asked, "bob is asked to sign in himself: he is not served with alice's");
    sign_in(host, &host.bob).await?;
    host.pause().await;

    for person in [&host.alice, &host.bob] {
        let credential = host.request(&host.tool, &host.calendar, person).await?;
        let owner = host.call_calendar(person).await;
        let owner = owner.unwrap_or_else(|_| "nobody".to_owned());
        let mask = host.narrator.mask(&credential);
        host.say(
            "tool:calendar",
            format!("for {}: {mask}, opens the calendar of {owner}", person.name),
        );
        host.checks.expect(
            owner == person.name,
            format!("a call for {0} opens the calendar of {0}", person.name),
        );
    }
    let token = host.request(&host.slack, &host.post, &host.alice).await?;
    let mask = host.narrator.mask(&token);
    host.say("channel:slack", format!("for alice: {mask}, derived from her calendar token"));
    let same = token.account().is_some_and(|account| account.as_str() == "alice");
    host.checks.expect(same, "a derived token is for the account it is derived from");
    host.pause().await;
    Ok(())
}

/// A request before the sign-in: whether it says what a person has to do.
async fn needs_sign_in(host: &Host, person: &Person) -> bool {
    let Err(CallFailed::Credential(error)) = host.call_calendar(person).await else {
        return false;
    };
    let reason = error.reason().map_or("", |reason| reason.as_str());
    host.say("tool:calendar", format!("for {}: {} ({reason})", person.name, error.code()));
    let page = error.step().and_then(page);
    if let Some((page, _)) = page {
        host.say(host.name, format!("the step it names: open {page}"));
    }
    error.code() == ErrorCode::NeedsReauth && page.is_some()
}

/// Starts a flow, shows its step to the person alone, and takes the callback.
pub(super) async fn sign_in(host: &Host, person: &Person) -> Chapter {
    let request = host.tool.request(&host.calendar).session(&person.session);
    let request = request.sign_in().redirect_uri("https://gateway.example/callback");
    let flow = request.start().await?;
    let FlowStatus::Step(step) = flow.status() else {
        return Err("the sign-in did not begin with a step".into());
    };
    let (page, state) = page(&step).ok_or("the sign-in did not begin with a page")?;
    // The address answers the flow: only this person may see all of it.
    host.say(host.name, format!("to {} alone: open {page}?state=…", person.name));

    // The browser: the person consents and is sent back to the gateway's callback.
    let code = host.issuer.consent(person.name);
    let callback = BTreeMap::from([("state".to_owned(), state.into()), ("code".to_owned(), code)]);
    host.say(person.name, "consents in the browser");

    // The callback knows the flow by its state.
    let flow = host.engine.sign_in_flow(&FlowId::from_text(state));
    let flow = flow.ok_or("the callback belongs to no sign-in")?;
    let done = flow.answer(SignInAnswer::Callback(callback)).await?;
    match done {
        FlowStatus::Done(Some(account)) => host.say(host.name, format!("{account} is signed in")),
        other => return Err(format!("the sign-in did not finish: {other:?}").into()),
    }
    Ok(())
}

/// The page of a step and the state in its address.
fn page(step: &SignInStep) -> Option<(&str, &str)> {
    match step {
        SignInStep::OpenUrl { url, .. } => url.split_once("?state="),
        _ => None,
    }
}

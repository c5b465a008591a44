//! Alice and bob sign in, each for themselves, in one group chat.

use std::sync::Arc;

use credential_provider_api::{ErrorCode, SignInStep};
use oauth_provider::{LoopbackAddress, LoopbackListener};
use resolution_engine::FlowStatus;

use super::Chapter;
use crate::gateway::browser;
use crate::gateway::host::{Host, Person};
use crate::gateway::tool::CallFailed;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("alice and bob, in one group chat, sign in");
    let asked = needs_sign_in(host, &host.alice).await;
    host.checks.expect(asked, "before a sign-in a request says needs_reauth, and what to do");
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
    let same = host.whose(&token).await?.is_some_and(|owner| owner == "alice");
    host.checks.expect(same, "a derived token is for the account it is derived from");
    host.pause().await;
    Ok(())
}

/// A request before the sign-in: whether it says that a person has to act.
async fn needs_sign_in(host: &Host, person: &Person) -> bool {
    let Err(CallFailed::Credential(error)) = host.call_calendar(person).await else {
        return false;
    };
    let reason = error.reason().map_or("", |reason| reason.as_str());
    host.say("tool:calendar", format!("for {}: {} ({reason})", person.name, error.code()));
    host.say("tool:calendar", format!("is told: {}", error.next_step()));
    error.code() == ErrorCode::NeedsReauth
}

/// Starts a flow, shows its step to the person alone, and takes what the browser brings back.
pub(super) async fn sign_in(host: &Host, person: &Person) -> Chapter {
    let listener = LoopbackListener::bind(LoopbackAddress::V4).await?;
    let request = host.tool.request(&host.calendar).session(&person.session);
    let flow = request.sign_in().redirect_uri(listener.redirect_uri()).start().await?;
    let FlowStatus::Step(step) = flow.status() else {
        return Err("the sign-in did not begin with a step".into());
    };
    let (page, url) = page(&step).ok_or("the sign-in did not begin with a page")?;
    // The address answers the flow: only this person may see all of it.
    host.say(host.name, format!("to {} alone: open {page}?state=…", person.name));
    let world = &host.world;
    let browsing = async {
        let back = browser::consent(&*world.http, url, person.name).await?;
        host.say(person.name, "consents in the browser");
        browser::open(&*world.http, &back).await
    };
    let listening = listener.answer(flow.id(), flow.expires_at(), &world.clock);
    let (_, answer) = futures::try_join!(browsing, listening)?;
    match flow.answer(answer).await? {
        FlowStatus::Done(Some(account)) => host.say(host.name, format!("{account} is signed in")),
        other => return Err(format!("the sign-in did not finish: {other:?}").into()),
    }
    Ok(())
}

/// The page of a step: its address as everybody may see it, and whole.
fn page(step: &SignInStep) -> Option<(&str, &str)> {
    match step {
        SignInStep::OpenUrl { url, .. } => Some((url.split_once('?')?.0, url)),
        _ => None,
    }
}

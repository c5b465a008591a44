//! Volcengine: people sign in to a user pool, and a workload acts for each of them.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, ErrorCode, SignInAnswer, SignInStep,
};
use resolution_engine::FlowStatus;
use tokio::task::JoinSet;
use volcengine_provider::emulator::Person as Visitor;

use super::Chapter;
use crate::gateway::defaults::POOL_CALLBACK;
use crate::gateway::host::{Host, Person};

const CALLERS: usize = 50;
/// The action that gives a hosted key.
const ACTION: &str = "GetResourceApiKey";

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("a key hosted at Volcengine, for each of them");
    let search = CredentialRef::parse("volc/search")?;
    let refused = host.request(&host.search, &search, &host.alice).await.err();
    if let Some(error) = &refused {
        host.say("tool:search", format!("for alice: {}; {}", error.code(), error.next_step()));
    }
    let code = refused.map(|error| error.code());
    let needed = code == Some(ErrorCode::NeedsReauth);
    host.checks.expect(needed, "what is derived from a sign-in says that it needs one");
    sign_in(host, &host.alice).await?;
    sign_in(host, &host.bob).await?;
    host.pause().await;

    let before = host.world.emulator.counters().action(ACTION);
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        let (host, search) = (host.clone(), search.clone());
        calls.spawn(async move { host.request(&host.search, &search, &host.alice).await.ok() });
    }
    let keys = calls.join_all().await;
    let served = keys.iter().flatten().count();
    let asked = host.world.emulator.counters().action(ACTION) - before;
    host.say("tool:search", format!("{served} of {CALLERS} calls at once have the hosted key"));
    host.say("volcengine", format!("was asked for it {asked} time"));
    let once = served == CALLERS && asked == 1;
    host.checks.expect(once, "50 requests for a hosted key make 1 call, signed with platform keys");

    let bobs = host.request(&host.search, &search, &host.bob).await?;
    let answer = host.send(&host.world.emulator.url(), "/resource/whoami", &bobs).await?;
    let status = answer.status;
    host.say("tool:search", format!("for bob: {}, taken: {status}", host.narrator.mask(&bobs)));
    host.checks.expect(status == 200, "the service takes the hosted key");
    let alices = acts_for(host, &host.alice).await?;
    let bobs = acts_for(host, &host.bob).await?;
    let accounts = [&alices, &bobs].map(|token| token.account().map(|one| one.as_str().to_owned()));
    let own = !alices.same_secrets(&bobs)
        && accounts == [Some("u-alice".to_owned()), Some("u-bob".to_owned())];
    host.checks.expect(own, "a workload acts for each of two people with a token of their own");
    host.pause().await;
    Ok(())
}

/// The token by which the agent acts for `person`.
async fn acts_for(host: &Host, person: &Person) -> Result<Arc<Credential>, CredentialError> {
    let name = CredentialRef::parse("volc/workload-token")?;
    let token = host.request(&host.search, &name, person).await?;
    let workload = token.property("workload").unwrap_or("nobody").to_owned();
    let account = token.account().map_or("nobody", |account| account.as_str()).to_owned();
    let mask = host.narrator.mask(&token);
    host.say("tool:search", format!("for {}: {mask}, {workload} for {account}", person.name));
    Ok(token)
}

/// Signs `person` in to the user pool. Its token is for providers only: the host starts it.
async fn sign_in(host: &Host, person: &Person) -> Chapter {
    let identity = CredentialRef::parse("volc/identity")?;
    let target = host.administrator.at(&identity).session(&person.session);
    let flow = target.sign_in().redirect_uri(POOL_CALLBACK).start().await?;
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
        return Err("the sign-in did not begin with a page".into());
    };
    let page = url.split('?').next().unwrap_or_default();
    host.say(host.name, format!("to {} alone: open {page}?state=…", person.name));
    let back = host.world.emulator.browse(&url, Visitor::Allows(person.name)).await?;
    host.say(person.name, "signs in, and pastes the address that the browser ends at");
    match flow.answer(SignInAnswer::Pasted(back.into())).await? {
        FlowStatus::Done(Some(account)) => {
            host.say(host.name, format!("{account} is signed in at volcengine"));
            Ok(())
        }
        other => Err(format!("the sign-in did not finish: {other:?}").into()),
    }
}

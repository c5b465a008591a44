//! The gateway's providers keep the promises of the trait.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Credential, CredentialError, EffectiveSession, ErrorCode, InvalidId, SignInAnswer, SignInStep,
    Source, Want, async_trait,
};
use examples::gateway::chat::Chat;
use examples::gateway::console::Console;
use examples::gateway::grants::Grants;
use examples::gateway::issuer::{Issuer, MARK, Tokens};
use examples::gateway::provider::Workspace;

fn two_people() -> Result<(EffectiveSession, EffectiveSession), InvalidId> {
    Ok((EffectiveSession::shared("alice")?, EffectiveSession::shared("bob")?))
}

async fn signed_in(issuer: &Issuer, user: &str) -> Result<Tokens, CredentialError> {
    let redeemed = issuer.redeem(&issuer.consent(user)).await;
    redeemed.map_err(|_| CredentialError::new(ErrorCode::Unavailable, "no answer"))
}

#[tokio::test]
async fn a_users_calendar() -> Result<(), CredentialError> {
    let (alice, bob) = two_people()?;
    let (issuer, grants) = (Arc::new(Issuer::new((1, 2))), Arc::new(Grants::default()));
    for (session, user) in [(&alice, "alice"), (&bob, "bob")] {
        let tokens = signed_in(&issuer, user).await?;
        grants.sign_in(session, tokens.user, tokens.refresh);
    }
    let [made, browser, down, up] = std::array::from_fn(|_| issuer.clone());
    ProviderSuite::new(move || Arc::new(Workspace::new(made.clone(), grants.clone()).unwrap()))
        .credential("calendar")
        .sessions(alice, bob)
        .secret_mark(MARK)
        .outage(move || down.set_outage(true), move || up.set_outage(false))
        .sign_in_answers("calendar", move |step| {
            let SignInStep::OpenUrl { url, .. } = step else { panic!("a page is the only step") };
            let (_, state) = url.split_once("?state=").unwrap();
            let code = ("code".to_owned(), browser.consent("alice"));
            SignInAnswer::Callback([("state".to_owned(), state.into()), code].into())
        })
        .run()
        .await
        .assert();
    Ok(())
}

/// Gives the calendar token that a token for the chat is derived from.
struct Calendar(Arc<Issuer>);

#[async_trait]
impl Source for Calendar {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        let tokens = signed_in(&self.0, "alice").await?;
        Ok(Arc::new(Credential::oauth2(tokens.access).with_expiry(tokens.expires_at)))
    }
}

#[tokio::test]
async fn a_derived_token() -> Result<(), CredentialError> {
    let (alice, bob) = two_people()?;
    let issuer = Arc::new(Issuer::new((1, 2)));
    let made = issuer.clone();
    ProviderSuite::new(move || Arc::new(Chat::new(made.clone()).unwrap()))
        .credential("post")
        .sessions(alice, bob)
        .source(Arc::new(Calendar(issuer)))
        .secret_mark(MARK)
        .run()
        .await
        .assert();
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_rotated() {
    let issuer = Arc::new(Issuer::new((1, 2)));
    let operator = issuer.clone();
    ProviderSuite::new(move || Arc::new(Console::new(issuer.clone()).unwrap()))
        .credential("model")
        .secret_mark(MARK)
        .change(move |_| operator.rotate_model_key())
        .run()
        .await
        .assert();
}

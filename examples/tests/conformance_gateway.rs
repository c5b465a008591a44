//! The gateway's providers keep the promises of the trait.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Credential, CredentialError, CredentialProvider, CredentialRef, EffectiveSession, ErrorCode,
    ExposeSecret as _, Grant, InvalidId, Key, SignInAnswer, SignInStep, Source, Variant, Want,
    async_trait,
};
use credential_store::Grants;
use examples::gateway::chat::Chat;
use examples::gateway::console::Console;
use examples::gateway::folder::{Folder, grants_in};
use examples::gateway::issuer::{Issuer, MARK, Tokens};
use examples::gateway::provider::Workspace;

fn two_people() -> Result<(EffectiveSession, EffectiveSession), InvalidId> {
    Ok((EffectiveSession::shared("alice")?, EffectiveSession::shared("bob")?))
}

async fn signed_in(issuer: &Issuer, user: &str) -> Result<Tokens, CredentialError> {
    let redeemed = issuer.redeem(&issuer.consent(user)).await;
    redeemed.map_err(|_| CredentialError::new(ErrorCode::Unavailable, "no answer"))
}

/// Signs `user` in, as another gateway on the same folder does.
async fn sign_in_outside(
    issuer: &Issuer,
    grants: &Grants,
    of: &EffectiveSession,
    user: &str,
) -> Result<(), CredentialError> {
    let tokens = signed_in(issuer, user).await?;
    let grant = Grant::from(tokens.refresh.expose_secret().as_bytes().to_vec());
    let calendar = CredentialRef::parse("workspace/calendar")?;
    let key = Key::new(&calendar, Some(of.clone()), Variant::none());
    grants.sign_in(&key, Some(grant), None).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_calendar() -> Result<(), Box<dyn std::error::Error>> {
    let (alice, bob) = two_people()?;
    let (issuer, folder) = (Arc::new(Issuer::new((1, 2))), Folder::new()?);
    let outside = grants_in(folder.path()).await?;
    for (session, user) in [(&alice, "alice"), (&bob, "bob")] {
        sign_in_outside(&issuer, &outside, session, user).await?;
    }
    let [made, browser, down, up, idp] = std::array::from_fn(|_| issuer.clone());
    let (path, session) = (folder.path().to_owned(), alice.clone());
    // Each provider opens the store anew, as each process does.
    let suite = ProviderSuite::built_by(move || {
        let (issuer, path) = (made.clone(), path.clone());
        async move {
            let grants = grants_in(&path).await.unwrap();
            Arc::new(Workspace::new(issuer, grants).unwrap()) as Arc<dyn CredentialProvider>
        }
    });
    let suite = suite
        .credential("calendar")
        .sessions(alice, bob)
        .secret_mark(MARK)
        .outage(move || down.set_outage(true), move || up.set_outage(false))
        .change(move |_| {
            let (issuer, grants, session) = (idp.clone(), outside.clone(), session.clone());
            tokio::spawn(async move {
                sign_in_outside(&issuer, &grants, &session, "alice").await.unwrap();
            });
        })
        .sign_in_answers("calendar", move |step| {
            let SignInStep::OpenUrl { url, .. } = step else { panic!("a page is the only step") };
            let (_, state) = url.split_once("?state=").unwrap();
            let code = ("code".to_owned(), browser.consent("alice"));
            SignInAnswer::Callback([("state".to_owned(), state.into()), code].into())
        });
    suite.run().await.assert();
    assert!(!folder.shows(MARK)?, "a file shows a secret");
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

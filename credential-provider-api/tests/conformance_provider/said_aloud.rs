//! What a suite has to be told of some providers, and what it finds all the same.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    AccountId, Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, CredentialRef, EffectiveSession, ErrorCode, ExposeSecret as _, IdPattern,
    ProviderDescriptor, ProviderId, Request, Resolution, Source, Want, async_trait,
};
use futures_util::StreamExt as _;

use crate::common::{breaks, turn};
use crate::good::{Answer, Good, Keys, Personal, person};
use crate::kit::{Twist, Twisted};

/// A token derived from whatever its session's source gives.
struct Child(ProviderDescriptor);

/// The parent of one session.
struct Parent(Option<EffectiveSession>);

#[async_trait]
impl Source for Parent {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        turn().await;
        let who = self.0.as_ref().map_or("nobody", EffectiveSession::encoded);
        Ok(Arc::new(Credential::token(format!("parent-of-{who}").into())))
    }
}

#[async_trait]
impl CredentialProvider for Child {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }

    async fn resolve(&self, request: &Request) -> Answer {
        request.require_no_variant()?;
        request.session()?;
        if request.key().credential.as_str() != "child" {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        let parent = CredentialRef::parse("idp/parent").unwrap();
        let parent = request.depend_on(Want::new(parent)).await?;
        let parent = parent.secret().unwrap().expose_secret();
        Ok(Credential::token(format!("derived-from-{parent}").into()).into())
    }

    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        _: credential_provider_api::Reason,
    ) -> Answer {
        match self.resolve(request).await? {
            Resolution::Credential(next) if next.same_secrets(current) => Ok(Resolution::Unchanged),
            other => Ok(other),
        }
    }
}

fn child() -> ProviderSuite {
    let described =
        CredentialDescriptor::session(IdPattern::new("child").unwrap(), CredentialKind::Token);
    let descriptor = ProviderDescriptor::new(ProviderId::new("children").unwrap(), "Children");
    let descriptor = descriptor.with_credential(described);
    ProviderSuite::new(move || Arc::new(Child(descriptor.clone()))).credential("child")
}

#[tokio::test]
async fn what_a_source_gives_may_depend_on_the_session() {
    let own = child().source_for(|session| Arc::new(Parent(session.cloned())));
    let report = own.run().await;
    report.assert();
    for rule in ["sessions-never-share", "source-error-is-passed-on"] {
        assert!(!report.skipped().contains(&rule), "{report}");
    }
    let of_one = child().source(Arc::new(Parent(Some(person("alice")))));
    breaks(&of_one.run().await, "sessions-never-share");
}

#[derive(Default)]
struct OneSecret;

#[async_trait]
impl Twist<Personal> for OneSecret {
    async fn resolve(&self, good: &Personal, request: &Request, _: usize) -> Answer {
        let Resolution::Credential(own) = good.resolve(request).await? else { panic!("no pin") };
        let fields = [("pin".to_owned(), "pin-of-the-team".into())];
        let account = own.account().unwrap().clone();
        Ok(Credential::user_value(fields.into()).with_account(account).into())
    }
}

#[derive(Default)]
struct OneAccount;

#[async_trait]
impl Twist<Personal> for OneAccount {
    async fn resolve(&self, good: &Personal, request: &Request, call: usize) -> Answer {
        match OneSecret.resolve(good, request, call).await? {
            Resolution::Credential(own) => {
                Ok(own.with_account(AccountId::new("team").unwrap()).into())
            }
            other => Ok(other),
        }
    }
}

#[tokio::test]
async fn a_secret_may_be_shared_if_it_is_said_aloud_and_an_account_never() {
    let one_secret = || {
        Personal::suite(Default::default(), |good| {
            Arc::new(Twisted::<OneSecret, _>::new(good)) as Arc<dyn CredentialProvider>
        })
    };
    breaks(&one_secret().run().await, "sessions-never-share");
    let report = one_secret().secrets_shared_between_sessions().run().await;
    report.assert();
    assert!(!report.skipped().contains(&"sessions-never-share"), "{report}");
    let one_account = Personal::suite(Default::default(), |good| {
        Arc::new(Twisted::<OneAccount, _>::new(good)) as Arc<dyn CredentialProvider>
    });
    breaks(&one_account.secrets_shared_between_sessions().run().await, "sessions-never-share");
}

/// Says nothing of one of its keys.
#[derive(Default)]
struct Quiet;

#[async_trait]
impl Twist<Keys> for Quiet {
    fn changes(&self, good: &Keys) -> Changes {
        let told = |change: &Change| !matches!(change, Change::Key(key) if key.credential.as_str() == "key/b");
        Box::pin(good.changes().filter(move |change| std::future::ready(told(change))))
    }
}

#[tokio::test]
async fn what_changes_with_its_parents_is_not_waited_for_and_all_else_is() {
    let suite = || {
        Keys::suite(Default::default(), |good| {
            Arc::new(Twisted::<Quiet, _>::new(good)) as Arc<dyn CredentialProvider>
        })
        .limit(std::time::Duration::from_secs(1))
    };
    breaks(&suite().run().await, "changes-as-described");
    breaks(&suite().changes_with_parents("key/a").run().await, "changes-as-described");
    suite().changes_with_parents("key/b").run().await.assert();
    let none = suite().changes_with_parents("key/a").changes_with_parents("key/b").run().await;
    breaks(&none, "changes-as-described");
}

//! Providers that do not do what their descriptor says.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use credential_provider_api::{
    Changes, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider as _, ErrorCode, Field, FlowState, Health, HealthStatus, Observation,
    Outcome, ProviderDescriptor, Request, Revocation, SignIn, SignInAnswer, SignInProgress,
    SignInStart, SignInStep, SignedIn, async_trait,
};

use crate::common::breaks;
use crate::good::{Good, Keys, Personal, Saving, Tokens};
use crate::kit::wrong;

wrong! {
    describes_itself_anew: Keys, breaks "descriptor-is-constant" {
        fn descriptor<'a>(&'a self, good: &'a Keys, calls: &AtomicUsize) -> &'a ProviderDescriptor {
            static OTHER: OnceLock<ProviderDescriptor> = OnceLock::new();
            match calls.load(Ordering::SeqCst) {
                0 => good.descriptor(),
                _ => OTHER.get_or_init(|| {
                    let mut other = good.descriptor().clone();
                    other.display_name.push('!');
                    other
                }),
            }
        }
    }
    has_no_name: Keys, breaks "descriptor-is-valid" {
        fn descriptor<'a>(&'a self, good: &'a Keys, _: &AtomicUsize) -> &'a ProviderDescriptor {
            static OTHER: OnceLock<ProviderDescriptor> = OnceLock::new();
            OTHER.get_or_init(|| {
                let mut other = good.descriptor().clone();
                other.display_name.clear();
                other
            })
        }
    }
    declares_check_without_it: Keys, breaks "check-as-described" {
        async fn check(&self, _: &Keys, _: &Request) -> Result<Health, CredentialError> {
            Err(CredentialError::new(ErrorCode::Unsupported, ""))
        }
    }
    calls_a_working_one_failing: Keys, breaks "check-as-described" {
        async fn check(&self, _: &Keys, _: &Request) -> Result<Health, CredentialError> {
            Ok(Health::new(HealthStatus::Failing, "it does not work"))
        }
    }
    checks_without_declaring_it: Tokens, breaks "check-as-described" {
        async fn check(&self, _: &Tokens, _: &Request) -> Result<Health, CredentialError> {
            Ok(Health::healthy())
        }
    }
    forgets_one_in_its_list: Keys, breaks "list-as-described" {
        async fn list(&self, good: &Keys, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
            let mut listed = good.list(request).await?;
            listed.truncate(1);
            Ok(listed)
        }
    }
    lists_another_kind: Keys, breaks "list-as-described" {
        async fn list(&self, good: &Keys, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
            let mut listed = good.list(request).await?;
            listed[0].kind = CredentialKind::Token;
            Ok(listed)
        }
    }
    cannot_take_a_report: Keys, breaks "report-as-described" {
        async fn report(&self, _: &Keys, _: &Request, seen: &Observation) -> Result<(), CredentialError> {
            match seen.outcome {
                Outcome::Billing => Err(CredentialError::new(ErrorCode::Internal, "")),
                _ => Ok(()),
            }
        }
    }
    notices_no_change: Keys, breaks "changes-as-described" {
        fn changes(&self, _: &Keys) -> Changes {
            Box::pin(futures_util::stream::empty())
        }
    }
    is_silent_about_changes: Keys, breaks "changes-as-described" {
        fn changes(&self, _: &Keys) -> Changes {
            Box::pin(futures_util::stream::pending())
        }
    }
    revokes_here_only: Tokens, breaks "revoke-as-described" {
        async fn revoke(&self, _: &Tokens, _: &Request) -> Result<Revocation, CredentialError> {
            Ok(Revocation::LocalOnly)
        }
    }
    lists_a_sign_in_without_it: Personal, breaks "sign-in-as-described" {
        fn sign_in<'a>(&self, _: &'a Personal) -> Option<&'a dyn SignIn> {
            None
        }
    }
    signs_in_without_listing_it: Keys, breaks "sign-in-as-described" {
        fn sign_in<'a>(&self, _: &'a Keys) -> Option<&'a dyn SignIn> {
            Some(&AnyWay)
        }
    }
    starts_a_way_not_listed: Personal, breaks "sign-in-as-described" {
        fn sign_in<'a>(&self, _: &'a Personal) -> Option<&'a dyn SignIn> {
            Some(&AnyWay)
        }
    }
}

/// Starts whatever it is asked to.
struct AnyWay;

#[async_trait]
impl SignIn for AnyWay {
    async fn start(
        &self,
        _: &Request,
        _: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let fields = vec![Field::plain("name", "Name")];
        let step = SignInStep::AskFields { fields };
        Ok((Box::new(()), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        _: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        Err(CredentialError::new(ErrorCode::FlowEnded, ""))
    }

    async fn accept(
        &self,
        _: &Request,
        _: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }

    async fn sign_out(&self, _: &Request) -> Result<Revocation, CredentialError> {
        Ok(Revocation::LocalOnly)
    }
}

#[tokio::test]
async fn saves_a_sign_in_before_it_is_accepted() {
    let suite = Personal::suite(Default::default(), |good| {
        std::sync::Arc::new(good.saving(Saving::WhenFinished))
    });
    breaks(&suite.run().await, "sign-in-counts-when-accepted");
}

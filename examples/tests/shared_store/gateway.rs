//! A gateway on a folder: an engine of its own and a store opened anew, as each process has.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::*;
use credential_store::Grants;
use examples::gateway::browser::consent;
use examples::gateway::folder::grants_in;
use examples::gateway::issuer::{CLIENT, Issuer};
use oauth_provider::{
    HttpClient, IdTokenAlgorithm, OAuthCredential, OAuthProvider, OAuthRuntime, ReqwestClient,
};
use resolution_engine::*;

/// Within this, what one process does is known in all others.
pub const PROMISED: Duration = Duration::from_secs(2);
/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(600);

pub type Answer = Result<Arc<Credential>, CredentialError>;

pub struct Gateway {
    pub engine: ResolutionEngine,
    pub tool: Consumer,
    grants: Grants,
    http: Arc<dyn HttpClient>,
    calendar: CredentialRef,
    alice: EffectiveSession,
}

/// An issuer that answers at once, whose access tokens live this long.
pub async fn issuer(life: Duration) -> Issuer {
    Issuer::start(life, (1, 2)).await.unwrap()
}

impl Gateway {
    /// On these grants, at the issuer with this identifier.
    pub async fn open(folder: &Path, issuer: &str) -> Arc<Self> {
        let grants = grants_in(folder).await.unwrap();
        let http: Arc<dyn HttpClient> = Arc::new(ReqwestClient::new().unwrap());
        let runtime = OAuthRuntime {
            http: http.clone(),
            grants: grants.clone(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom::new()),
        };
        let calendar = CredentialId::new("calendar").unwrap();
        let calendar = OAuthCredential::session(calendar).scopes(["openid", "calendar"]);
        let id = ProviderId::new("workspace").unwrap();
        let workspace = OAuthProvider::builder(id, issuer, CLIENT)
            .id_token_algorithms([IdTokenAlgorithm::ES256])
            .credential(calendar)
            .build(runtime)
            .unwrap();
        let rules = AccessRules::deny_all().allow("tool:calendar", "workspace/*").unwrap();
        let engine = ResolutionEngine::builder().provider(workspace).access(rules);
        let engine = engine.build().unwrap();
        let calendar = CredentialRef::parse("workspace/calendar").unwrap();
        let tool = engine.consumer("tool:calendar").unwrap();
        let alice = EffectiveSession::shared("alice").unwrap();
        Arc::new(Self { engine, tool, grants, http, calendar, alice })
    }

    pub async fn ask(&self) -> Answer {
        self.tool.request(&self.calendar).session(&self.alice).await
    }

    /// Although a failure is remembered.
    pub async fn ask_again(&self) -> Answer {
        self.tool.request(&self.calendar).session(&self.alice).retry().await
    }

    pub fn bind(&self) -> Handle {
        self.tool.request(&self.calendar).session(&self.alice).bind().unwrap()
    }

    /// Somebody saw it rejected.
    pub fn reject(&self, credential: &Arc<Credential>) {
        let request = self.tool.request(&self.calendar).session(&self.alice);
        request.report(credential, Outcome::Rejected).unwrap();
    }

    pub fn target(&self) -> Target {
        self.engine.administrator().at(&self.calendar).session(&self.alice)
    }

    /// Alice signs in here.
    pub async fn sign_in(&self) {
        let request = self.target().sign_in().redirect_uri("http://127.0.0.1/callback");
        let flow = request.start().await.unwrap();
        let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
            panic!("a page is the first step");
        };
        let back = consent(&*self.http, &url, "alice").await.unwrap();
        let done = flow.answer(SignInAnswer::Pasted(back.into())).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    }

    /// Asks again and again until an answer is as wanted; that one, and when it came.
    pub async fn ask_until(&self, wanted: impl Fn(&Answer) -> bool) -> (Answer, Instant) {
        let limit = Instant::now() + 5 * PROMISED;
        loop {
            let answer = self.ask().await;
            if wanted(&answer) {
                return (answer, Instant::now());
            }
            assert!(Instant::now() < limit, "still {answer:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn close(&self) {
        self.engine.shutdown().await;
        self.grants.close().await;
    }
}

/// Why a person must sign in, if that is the answer.
pub fn reason<T>(answer: &Result<T, CredentialError>) -> Option<ReauthReason> {
    answer.as_ref().err().and_then(CredentialError::reason)
}

pub fn signed_out<T>(answer: &Result<T, CredentialError>) -> bool {
    reason(answer) == Some(ReauthReason::SignedOut)
}

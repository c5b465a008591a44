//! An engine on a folder of grants, as each of the processes has one.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialId, CredentialRef, ProviderId, SignInStep,
};
use credential_store::Grants;
use oauth_provider::{
    LoopbackAddress, LoopbackListener, OAuthCredential, OAuthProvider, OAuthRuntime, ReqwestClient,
};
use resolution_engine::{
    AccessRules, Consumer, FlowStatus, ResolutionEngine, SystemClock, SystemRandom,
};

use super::options::Options;
use crate::gateway::folder::grants_in;

pub(super) struct Gateway {
    engine: ResolutionEngine,
    grants: Grants,
    clock: Arc<dyn Clock>,
    tool: Consumer,
    api: CredentialRef,
}

impl Gateway {
    pub(super) async fn open(options: &Options, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let grants = grants_in(folder).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let runtime = OAuthRuntime {
            http: Arc::new(ReqwestClient::new()?),
            grants: grants.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom::new()),
        };
        let api = OAuthCredential::gateway(CredentialId::new("api")?).scopes(["openid"]);
        let provider =
            OAuthProvider::builder(ProviderId::new("idp")?, &options.issuer, &options.client)
                .credential(api)
                .build(runtime)?;
        let rules = AccessRules::deny_all().allow("tool:storm", "idp/api")?;
        let engine = ResolutionEngine::builder().provider(provider).access(rules).build()?;
        let (tool, api) = (engine.consumer("tool:storm")?, CredentialRef::parse("idp/api")?);
        Ok(Self { engine, grants, clock, tool, api })
    }

    pub(super) async fn ask(&self) -> Result<Arc<Credential>, CredentialError> {
        self.tool.request(&self.api).await
    }

    /// Runs the browser, which comes back to a listener of ours; who signed in.
    pub(super) async fn sign_in(&self, browser: &[String]) -> Result<String, Box<dyn Error>> {
        let listener = LoopbackListener::bind(LoopbackAddress::V4).await?;
        let request = self.tool.request(&self.api).sign_in();
        let flow = request.redirect_uri(listener.redirect_uri()).start().await?;
        let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
            return Err("the sign-in did not begin with a page".into());
        };
        let (program, arguments) = browser.split_first().ok_or("a browser is needed")?;
        // What it prints may be the address with the code in it.
        let mut browser =
            Command::new(program).args(arguments).arg(url).stdout(Stdio::null()).spawn()?;
        let answer = listener.answer(flow.id(), flow.expires_at(), &self.clock).await;
        browser.wait()?;
        match flow.answer(answer?).await? {
            FlowStatus::Done(Some(account)) => Ok(account.to_string()),
            other => Err(format!("the sign-in did not finish: {other:?}").into()),
        }
    }

    pub(super) async fn close(&self) {
        self.engine.shutdown().await;
        self.grants.close().await;
    }
}

//! The issuers that `.ci/interop oauth` has started, and what they wrote down.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use credential_provider_api::{ExposeSecret as _, Origin, SecretString};
use oauth_provider::{HttpClient as _, HttpRequest, ReqwestClient, SigningAlgorithm};
use serde_json::Value;

/// An issuer of somebody else's make.
#[derive(Clone)]
pub struct Peer {
    pub issuer: String,
    /// What its people type.
    pub password: &'static str,
    log: PathBuf,
    keys: PathBuf,
}

/// A request to its token endpoint.
#[derive(Clone, Debug)]
pub struct TokenCall {
    pub grant_type: String,
    pub client: String,
    pub error: Option<String>,
    /// Fingerprints of the refresh token that came, and of the one that was given.
    pub sent: Option<String>,
    pub issued: Option<String>,
    /// A fingerprint of the device's code.
    pub device: Option<String>,
    pub rotated: bool,
    account: Option<String>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by .ci/interop oauth"))
}

impl Peer {
    fn named(name: &str, password: &'static str) -> Self {
        let issuer = variable(&format!("OAUTH_{name}_ISSUER"));
        let of = |what: &str| variable(&format!("OAUTH_{name}_{what}")).into();
        Self { issuer, password, log: of("LOG"), keys: of("KEYS") }
    }

    /// oidc-provider; access tokens live 3 s, refresh tokens are spent by use, each proof needs a
    /// nonce.
    pub fn oidc() -> Self {
        Self::named("OIDC", "any")
    }

    /// The same; refresh tokens stay as they are, authorization requests are pushed, and a device
    /// must wait 3 s between two questions, though it is told 1.
    pub fn oidc_kept() -> Self {
        Self::named("OIDC_KEPT", "any")
    }

    /// As the first; access tokens outlive a test, devices' codes live 4 s, proofs need no nonce.
    pub fn oidc_long() -> Self {
        Self::named("OIDC_LONG", "any")
    }

    /// django-oauth-toolkit: a refresh token that comes twice ends its login.
    pub fn toolkit() -> Self {
        Self::named("DOT_GRACE_0", "pw")
    }

    /// The same; access tokens outlive a test.
    pub fn toolkit_long() -> Self {
        Self::named("DOT_LONG", "pw")
    }

    /// As the first of these; within half a minute it gives the same tokens again.
    pub fn toolkit_with_grace() -> Self {
        Self::named("DOT_GRACE_30", "pw")
    }

    /// oidc-provider; clients register themselves, and tokens are bound to resources.
    pub fn oidc_mcp() -> Self {
        Self::named("OIDC_MCP", "any")
    }

    /// The address of an MCP server made with the SDK whose tokens that one issues.
    pub fn mcp_server() -> String {
        variable("OAUTH_MCP_SERVER_ISSUER")
    }

    /// An MCP server made with the SDK that issues its tokens itself: anybody agrees at once.
    pub fn mcp_own() -> Self {
        Self::named("MCP_OWN", "any")
    }

    /// Where it and its services are.
    pub fn origin(&self) -> Origin {
        let issuer = url::Url::parse(&self.issuer).unwrap();
        Origin::parse(&issuer.origin().ascii_serialization()).unwrap()
    }

    /// A private key whose public part the issuer has, and its name there.
    pub fn client_key(&self, algorithm: SigningAlgorithm) -> (SecretString, &'static str) {
        let (file, id) = match algorithm {
            SigningAlgorithm::ES256 => ("ec.pem", "ec-1"),
            _ => ("rsa.pem", "rsa-1"),
        };
        (fs::read_to_string(self.keys.join(file)).unwrap().into(), id)
    }

    /// All that it was asked for.
    fn calls(&self) -> Vec<TokenCall> {
        let text = fs::read_to_string(&self.log).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| {
                let text = |name: &str| line[name].as_str().map(str::to_owned);
                TokenCall {
                    grant_type: text("grant_type").unwrap(),
                    client: text("client").unwrap_or_default(),
                    error: text("error"),
                    sent: text("sent"),
                    issued: text("issued"),
                    device: text("device"),
                    rotated: line["rotated"].as_bool().unwrap(),
                    account: text("account"),
                }
            })
            .collect()
    }

    /// What it was asked on behalf of `person`.
    pub fn calls_of(&self, person: &str) -> Vec<TokenCall> {
        let own = |call: &TokenCall| call.account.as_deref() == Some(person);
        self.calls().into_iter().filter(own).collect()
    }

    /// What `client` asked, in whosever name.
    pub fn calls_by(&self, client: &str) -> Vec<TokenCall> {
        self.calls().into_iter().filter(|call| call.client == client).collect()
    }

    /// What it answered to the device with which `person` signed in, question by question; `None` for
    /// tokens.
    pub fn device_answers_for(&self, person: &str) -> Vec<Option<String>> {
        let device = self.calls_of(person).into_iter().find_map(|call| call.device);
        let of_device = |call: &TokenCall| device.is_some() && call.device == device;
        self.calls().into_iter().filter(of_device).map(|call| call.error).collect()
    }

    /// Those with a refresh token. A proof that lacked a nonce spent nothing, and is left out.
    pub fn renewals_of(&self, person: &str) -> Vec<TokenCall> {
        let calls = self.calls_of(person).into_iter();
        let calls = calls.filter(|call| call.error.as_deref() != Some("use_dpop_nonce"));
        calls.filter(|call| call.grant_type == "refresh_token").collect()
    }

    /// Waits until there were so many.
    pub async fn until_renewals(&self, person: &str, wanted: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        while self.renewals_of(person).len() < wanted {
            assert!(Instant::now() < limit, "{:?}", self.renewals_of(person));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the grants of `person` there, without our knowledge; how many there were.
    pub async fn withdraw(&self, person: &str) -> String {
        let page = format!("/peer/withdraw?account={person}");
        let page = url::Url::parse(&self.issuer).unwrap().join(&page).unwrap();
        let request = HttpRequest::post(page.as_str(), Vec::new().into(), 64);
        let answer = ReqwestClient::new().unwrap().send(request).await.unwrap();
        assert_eq!(answer.status, 200);
        String::from_utf8_lossy(answer.body.expose_secret()).trim().to_owned()
    }
}

/// Each was a rotation, and sent what the one before had brought.
pub fn assert_one_chain(renewals: &[TokenCall]) {
    for call in renewals {
        assert!(call.error.is_none() && call.rotated, "{call:?}");
    }
    for pair in renewals.windows(2) {
        assert_eq!(pair[0].issued, pair[1].sent, "{renewals:?}");
    }
}

//! What the issuer says at each of its addresses.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::json;
use url::Url;

use super::ledger::{Code, Tokens};
use super::server::{Call, Reply};
use super::{Books, CLIENT};

impl Books {
    pub(super) async fn answer(&self, call: &Call) -> Reply {
        if call.path == "/whose" {
            return self.whose(call);
        }
        if self.is_down() {
            return Reply::Text(503, String::new());
        }
        match &*call.path {
            "/.well-known/openid-configuration" => self.metadata(),
            "/jwks" => Reply::Json(200, self.signer.jwks()),
            "/authorize" => self.authorize(call),
            "/token" => {
                self.work().await;
                self.token(call).unwrap_or_else(|error| Reply::Json(400, json!({ "error": error })))
            }
            "/revoke" => {
                self.work().await;
                self.ledger().end_grant(call.get("token"));
                Reply::Text(200, String::new())
            }
            _ => Reply::Text(404, String::new()),
        }
    }

    /// The calendar, and the chat: whose it is that a request opens, or 401.
    fn whose(&self, call: &Call) -> Reply {
        match self.ledger().owner(&call.bearer) {
            Some(owner) => Reply::Text(200, owner.to_owned()),
            None => Reply::Text(401, String::new()),
        }
    }

    /// RFC 8414, OpenID Connect Discovery §3.
    fn metadata(&self) -> Reply {
        let at = |path: &str| format!("{}/{path}", self.url);
        Reply::Json(
            200,
            json!({
                "issuer": self.url,
                "authorization_endpoint": at("authorize"),
                "token_endpoint": at("token"),
                "revocation_endpoint": at("revoke"),
                "jwks_uri": at("jwks"),
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
            }),
        )
    }

    /// The page to sign in at: whoever the parameter `login` names consents, and is sent back.
    fn authorize(&self, call: &Call) -> Reply {
        let is_ours =
            call.get("client_id") == CLIENT && call.get("code_challenge_method") == "S256";
        let back = Url::parse(call.get("redirect_uri"));
        let Ok(mut back) = back.map_err(drop).and_then(|back| is_ours.then_some(back).ok_or(()))
        else {
            return Reply::Text(400, String::new());
        };
        let consent = Code {
            user: call.get("login").to_owned(),
            redirect_uri: call.get("redirect_uri").to_owned(),
            challenge: call.get("code_challenge").to_owned(),
            nonce: Some(call.get("nonce").to_owned()).filter(|nonce| !nonce.is_empty()),
        };
        let code = self.ledger().code(consent);
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", call.get("state"))
            .append_pair("iss", &self.url);
        Reply::Redirect(back.into())
    }

    /// RFC 6749 §5. What goes wrong is one of its codes.
    fn token(&self, call: &Call) -> Result<Reply, &'static str> {
        let mut ledger = self.ledger();
        let mut answer = json!({ "token_type": "Bearer", "expires_in": self.token_life.as_secs() });
        let tokens = match call.get("grant_type") {
            _ if call.get("client_id") != CLIENT => return Err("invalid_client"),
            "authorization_code" => {
                let redeemed = ledger.redeem(call.get("code")).ok_or("invalid_grant")?;
                let verifier = digest(&SHA256, call.get("code_verifier").as_bytes());
                let is_same = redeemed.redirect_uri == call.get("redirect_uri")
                    && redeemed.challenge == BASE64_URL_SAFE_NO_PAD.encode(verifier);
                if !is_same {
                    return Err("invalid_grant");
                }
                let (user, nonce) = (&redeemed.user, redeemed.nonce.as_deref());
                let id_token = self.signer.id_token(&self.url, CLIENT, user, nonce);
                put(&mut answer, "id_token", id_token.ok_or("server_error")?);
                ledger.sign_in(user)
            }
            "refresh_token" => ledger.renew(call.get("refresh_token")).ok_or("invalid_grant")?,
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                let kind = "urn:ietf:params:oauth:token-type:access_token";
                let access = ledger.exchange(call.get("subject_token")).ok_or("invalid_grant")?;
                put(&mut answer, "issued_token_type", kind.to_owned());
                put(&mut answer, "access_token", access);
                return Ok(Reply::Json(200, answer));
            }
            _ => return Err("unsupported_grant_type"),
        };
        let Tokens { access, refresh } = tokens;
        put(&mut answer, "access_token", access);
        put(&mut answer, "refresh_token", refresh);
        Ok(Reply::Json(200, answer))
    }
}

fn put(answer: &mut serde_json::Value, name: &str, value: String) {
    if let Some(members) = answer.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

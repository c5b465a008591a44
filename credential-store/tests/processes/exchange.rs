//! The exchange of the children: it talks to the issuer double as a provider would to a real one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock as _, Credential, CredentialError, Detail, ErrorCode, Grant, GrantStore, Key,
    ManualClock, ReauthReason, async_trait,
};
use credential_store::{Exchange, Exchanged};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;

use crate::issuer::{Answer, Asked, now};

/// What happens beside the exchange itself.
pub trait Beside: Send + Sync {
    /// The issuer has the token and has not answered.
    fn sent(&self) {}
    fn discarded(&self, _: &str) {}
}

pub struct Line {
    pub issuer: SocketAddr,
    /// Looked at before sending: is there an intent, as everybody else would see it?
    pub store: Arc<dyn GrantStore>,
    pub key: Key,
    /// The system's if `None`.
    pub clock: Option<ManualClock>,
    pub beside: Arc<dyn Beside>,
}

#[async_trait]
impl Exchange for Line {
    async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
        let loaded = match self.store.load(&self.key).await {
            Ok(loaded) => loaded,
            Err(error) => return Exchanged::Unspent(error),
        };
        let intent = loaded.record.and_then(|record| record.intent);
        let asked = Asked {
            token: text(grant),
            pid: std::process::id(),
            intent: intent.map(|intent| intent.holder),
        };
        let mut stream = match TcpStream::connect(self.issuer).await {
            Ok(stream) => stream,
            Err(error) => return Exchanged::Unspent(unavailable(&error)),
        };
        let mut line = serde_json::to_vec(&asked).unwrap();
        line.push(b'\n');
        // From the first byte on it may have arrived, whatever the system says.
        if let Err(error) = stream.write_all(&line).await {
            return Exchanged::Unanswered(unavailable(&error));
        }
        let mut lines = BufReader::new(stream).lines();
        let seen = next(&mut lines).await;
        if seen.is_some() {
            self.beside.sent();
        }
        let answer = next(&mut lines).await.and_then(|line| serde_json::from_str(&line).ok());
        match answer {
            Some(Answer::Issued { access, refresh, lives_millis }) => {
                let now = self.clock.as_ref().map_or_else(now, ManualClock::now);
                let end = now.plus(Duration::from_millis(lives_millis));
                Exchanged::Issued {
                    credential: Credential::oauth2(access.into()).with_expiry(end),
                    grant: Some(Grant::from(refresh.into_bytes())),
                }
            }
            Some(Answer::InvalidGrant) => Exchanged::Refused {
                reason: ReauthReason::GrantRejected,
                detail: "invalid_grant".into(),
            },
            None => Exchanged::Unanswered(unavailable(&io::ErrorKind::UnexpectedEof.into())),
        }
    }

    async fn discard(&self, grant: Grant) {
        self.beside.discarded(&text(&grant));
    }
}

async fn next(lines: &mut Lines<BufReader<TcpStream>>) -> Option<String> {
    lines.next_line().await.ok().flatten()
}

fn text(grant: &Grant) -> String {
    String::from_utf8(grant.expose().to_vec()).unwrap()
}

fn unavailable(error: &io::Error) -> CredentialError {
    CredentialError::new(ErrorCode::Unavailable, Detail::cleaned(&error.to_string()))
}

//! google-cloud-auth's token cache: a task for each credential. It insists on HTTP, so its source is
//! behind a token endpoint on the loopback.

use std::hint::black_box;
use std::sync::Arc;

use benches::world::TOKEN;
use google_cloud_auth::credentials::{AccessTokenCredentials, user_account};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

use crate::backend::{Backend, Plan};
use crate::cache::Cache;

/// One object is one credential. It starts to fetch when it is built.
pub struct Google {
    credentials: AccessTokenCredentials,
    backend: Arc<Backend>,
}

impl Cache for Google {
    const NAME: &'static str = "google_cloud_auth";
    const KEYED: bool = false;
    const CROWD: usize = 2_000;

    async fn build(plan: Plan, _: usize) -> Self {
        // A second provider of cryptography is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The objects that do nothing special share one endpoint: their memory is measured.
        static PLAIN: OnceCell<(String, Arc<Backend>)> = OnceCell::const_new();
        let (url, backend) = if plan.delay.is_zero() {
            PLAIN.get_or_init(|| endpoint(plan)).await.clone()
        } else {
            endpoint(plan).await
        };
        let user = serde_json::json!({
            "type": "authorized_user",
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "r",
        });
        let credentials =
            user_account::Builder::new(user).with_token_uri(url).build_access_token_credentials();
        Self { credentials: credentials.expect("credentials"), backend }
    }

    async fn get(&self, _: usize) -> bool {
        black_box(self.credentials.access_token().await).is_ok()
    }

    fn calls(&self) -> usize {
        self.backend.calls()
    }
}

async fn endpoint(plan: Plan) -> (String, Arc<Backend>) {
    let backend = Backend::new(plan);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let source = backend.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket, source.clone()));
        }
    });
    (format!("http://{address}"), backend)
}

/// Reads one request, whatever it asks, and answers it.
async fn answer(mut socket: TcpStream, backend: Arc<Backend>) {
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    while !complete(&text) {
        match socket.read(&mut chunk).await {
            Ok(read) if read > 0 => text.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let (status, body) = match backend.call().await {
        Ok(()) => {
            let token = "t".repeat(TOKEN);
            let issued = serde_json::json!({
                "access_token": token, "token_type": "Bearer", "expires_in": 3600,
            });
            ("200 OK", issued.to_string())
        }
        Err(_) => ("503 Service Unavailable", "{}".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone needs no answer.
    let _ = socket.write_all((head + &body).as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn complete(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}

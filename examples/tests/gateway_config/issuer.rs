//! An issuer on loopback whose token endpoint answers when it may.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

pub(crate) struct Issuer {
    address: String,
    asked: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Issuer {
    /// It answers nothing until it may. It ends with the test's runtime.
    pub(crate) async fn holding() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (asked, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let shared = (asked.clone(), go.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, shared.0.clone(), shared.1.clone()));
            }
        });
        Self { address, asked, go }
    }

    /// Its section of `credentialProviders`.
    pub(crate) fn provider(&self) -> String {
        let at = &self.address;
        format!(
            "work: {{ type: 'oauth', issuer: '{at}', clientId: 'gateway',
               endpoints: {{ authorization: '{at}/authorize', token: '{at}/token' }},
               credentials: {{ mail: {{ owner: 'gateway', scopes: ['mail.read'] }} }} }},"
        )
    }

    pub(crate) async fn asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }

    pub(crate) fn let_go(&self) {
        self.go.add_permits(100);
    }
}

async fn answer(mut stream: TcpStream, asked: Arc<Semaphore>, go: Arc<Semaphore>) {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains("grant_type=") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    asked.add_permits(1);
    go.acquire().await.unwrap().forget();
    let text = r#"{"access_token":"access-1","refresh_token":"refresh-1","token_type":"Bearer","expires_in":3600}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let whole = format!("{head}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    let _ = stream.write_all(whole.as_bytes()).await;
    let _ = stream.shutdown().await;
}

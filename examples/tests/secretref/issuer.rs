//! An issuer on loopback that rotates refresh tokens and counts.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What was asked of it.
pub(crate) struct Ledger {
    /// The refresh tokens it was shown, in order.
    pub(crate) spent: Mutex<Vec<String>>,
    /// How many renewals it may still answer.
    pub(crate) go: Semaphore,
}

/// Its address; it ends with the test's runtime.
pub(crate) async fn issuer() -> (String, Arc<Ledger>) {
    of(Semaphore::MAX_PERMITS).await
}

/// One that answers no renewal until it may.
pub(crate) async fn slow_issuer() -> (String, Arc<Ledger>) {
    of(0).await
}

async fn of(renewals: usize) -> (String, Arc<Ledger>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let ledger = Arc::new(Ledger { spent: Mutex::default(), go: Semaphore::new(renewals) });
    let kept = ledger.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, kept.clone()));
        }
    });
    (address, ledger)
}

async fn answer(mut stream: TcpStream, ledger: Arc<Ledger>) {
    let body = body(&mut stream).await;
    let field = |name: &str| {
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let number = {
        let mut spent = ledger.spent.lock().unwrap();
        spent.extend(field("refresh_token"));
        spent.len()
    };
    if field("refresh_token").is_some() {
        ledger.go.acquire().await.unwrap().forget();
    }
    let text = format!(
        r#"{{"access_token":"access-{number}","refresh_token":"refresh-{number}","token_type":"Bearer","expires_in":3600}}"#
    );
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\nconnection: close";
    let whole = format!("{head}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    let _ = stream.write_all(whole.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn body(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let length = lines
                .clone()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return body.to_owned();
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
}

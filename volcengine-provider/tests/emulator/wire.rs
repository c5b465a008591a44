//! Plain HTTP/1.1, one request a connection, and the signature.

use std::fmt::Write as _;
use std::net::SocketAddr;

use chrono::DateTime;
use ring::{digest, hmac};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// `None` if the connection is closed without an answer.
pub async fn send(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// A key to sign with.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// The headers of a signed request; `query` has its names in order.
pub fn signed(
    key: &Key,
    host: SocketAddr,
    service: &str,
    query: &str,
    body: &str,
    now: i64,
) -> Vec<(&'static str, String)> {
    let stamp = DateTime::from_timestamp(now, 0).unwrap().format("%Y%m%dT%H%M%SZ").to_string();
    let hash = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-content-sha256", hash.clone()),
        ("x-date", stamp.clone()),
    ];
    headers.extend(key.token.iter().map(|token| ("x-security-token", token.clone())));
    let mut all: Vec<(&str, String)> = headers.clone();
    all.push(("host", host.to_string()));
    all.sort();
    let block =
        all.iter().fold(String::new(), |out, (name, value)| format!("{out}{name}:{value}\n"));
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let request = format!("POST\n/\n{query}\n{block}\n{names}\n{hash}");
    let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let scope = format!("{}/cn-beijing/{service}/request", &stamp[..8]);
    let text = format!("HMAC-SHA256\n{stamp}\n{scope}\n{request}");
    let signing =
        scope.split('/').fold(key.secret.as_bytes().to_vec(), |secret, part| mac(&secret, part));
    let (id, signature) = (&key.id, hex(&mac(&signing, &text)));
    let value = format!(
        "HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    headers.push(("authorization", value));
    headers
}

fn mac(secret: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |out, byte| format!("{out}{byte:02x}"))
}

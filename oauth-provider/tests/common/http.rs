//! Just enough of an HTTP server: one request a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that came in.
pub struct Call {
    pub path: String,
    pub authorization: Option<String>,
    pub dpop: Option<String>,
    pub form: BTreeMap<String, String>,
}

/// What to answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, headers, body.
    Full(u16, Vec<(String, String)>, String),
    /// A body of so many bytes whose length is not announced.
    Endless(usize),
    /// Headers, then a byte now and then.
    Drip,
    /// Nothing, with the connection kept open.
    Silence,
    /// The connection is closed.
    HangUp,
}

impl Reply {
    pub fn json(body: &serde_json::Value) -> Self {
        Self::of(200, &body.to_string())
    }

    pub fn of(status: u16, body: &str) -> Self {
        Self::Full(status, Vec::new(), body.to_owned())
    }

    pub fn error(status: u16, code: &str) -> Self {
        let words = "token rt-canary-secret-1234567890 is wrong";
        Self::of(
            status,
            &serde_json::json!({ "error": code, "error_description": words }).to_string(),
        )
    }

    pub fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Full(status, mut headers, body) => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Full(status, headers, body)
            }
            other => other,
        }
    }
}

pub async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").map_or(0, |text| text.parse().unwrap());
            break (head.to_owned(), head.len() + 4 + length);
        }
    };
    while bytes.len() < length {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let form = url::form_urlencoded::parse(&bytes[head.len() + 4..]).into_owned().collect();
    let (authorization, dpop) = (header(&head, "authorization"), header(&head, "dpop"));
    Some(Call { path, authorization, dpop, form })
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

pub async fn write(mut stream: TcpStream, reply: Reply) {
    let head = |status: u16| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    let sent = match reply {
        Reply::HangUp => return,
        Reply::Silence => stream.read_u8().await.map(drop),
        Reply::Full(status, headers, body) => {
            let mut text = head(status);
            for (name, value) in headers {
                text += &format!("{name}: {value}\r\n");
            }
            text += &format!("content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await
        }
        Reply::Endless(bytes) => {
            let body = format!("{}\r\n{}", head(200), " ".repeat(bytes));
            stream.write_all(body.as_bytes()).await
        }
        Reply::Drip => {
            let mut sent = stream.write_all(format!("{}\r\n", head(200)).as_bytes()).await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                sent = stream.write_all(b" ").await;
            }
            sent
        }
    };
    // A client that has gone away is what some tests are about.
    drop(sent);
    let _ = stream.shutdown().await;
}

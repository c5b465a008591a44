//! What a browser sends, to the letter, and what it shouldn't.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    headers: BTreeMap<String, String>,
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let host = ("host".to_owned(), address.to_string());
        Self { address, headers: BTreeMap::from([host]) }
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.insert(name.to_owned(), value.to_owned());
        other
    }

    pub(crate) fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.headers.remove(name);
        other
    }

    pub(crate) fn with_cookie(&self, entered: &Answered) -> Self {
        self.with("cookie", entered.header("set-cookie").unwrap().split(';').next().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask("GET", path, "").await
    }

    /// As the page's script sends it.
    pub(crate) async fn operation(&self, operation: &Value) -> Answered {
        self.ask("POST", "/operation", &operation.to_string()).await
    }

    /// Starts a sign-in to `work/…`: the flow and its address.
    pub(crate) async fn login(&self, id: &str, more: &Value) -> (String, String) {
        let of = serde_json::json!({"credential": {"provider": "work", "id": id}});
        let mut operation = serde_json::json!({"op": "login", "of": of});
        for (name, value) in more.as_object().unwrap() {
            operation[name] = value.clone();
        }
        let answer = self.operation(&operation).await;
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        let flow = json["done"]["flow"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
        let url = json["done"]["standing"]["step"]["url"].as_str().unwrap();
        (flow.to_owned(), url.to_owned())
    }

    pub(crate) async fn open(&self, path: &str) -> Opened {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(self.message("GET", path, "").as_bytes()).await.unwrap();
        Opened { stream, text: String::new() }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answered {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let message = self.message(method, path, body);
        // One that is refused early may not be read to its end.
        let (mut reader, mut writer) = stream.split();
        let mut bytes = Vec::new();
        let (_, read) = tokio::join!(writer.write_all(message.as_bytes()), async {
            reader.read_to_end(&mut bytes).await
        });
        assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answered { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn message(&self, method: &str, path: &str, body: &str) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            text += &format!("content-length: {}\r\n", body.len());
        }
        text + "\r\n" + body
    }
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The code of a refusal.
    pub(crate) fn refused(&self) -> Option<&str> {
        let (_, rest) = self.body.split_once(r#""refused":{"code":""#)?;
        rest.split('"').next()
    }

    pub(crate) fn all(&self) -> String {
        format!("{}\n{}\n", self.head, self.body)
    }
}

/// An answer that goes on.
pub(crate) struct Opened {
    stream: TcpStream,
    text: String,
}

impl Opened {
    pub(crate) async fn until(&mut self, word: &str) {
        while !self.text.contains(word) {
            assert!(self.more().await, "it ended without {word}: {}", self.text);
        }
    }

    pub(crate) async fn read_out(&mut self) {
        while self.more().await {}
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    async fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let count = self.stream.read(&mut bytes).await.unwrap_or(0);
        self.text += &String::from_utf8_lossy(&bytes[..count]);
        count > 0
    }
}

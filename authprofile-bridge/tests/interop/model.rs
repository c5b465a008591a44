//! A model that says "pong" and remembers who asked: chat completions on loopback, streamed if wanted.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

pub struct Model {
    address: SocketAddr,
    bearers: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Model {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (bearers, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (kept, over) = (Arc::clone(&bearers), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // Who breaks off asks again, or the test fails for want of an answer.
                let _ = answer(stream.unwrap(), &kept);
            }
        });
        Self { address, bearers, ended, thread: Some(thread) }
    }

    /// OpenClaw's configuration of this model, with this as its key.
    pub fn configuration(&self, key: &Value) -> Value {
        let cost = json!({"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0});
        json!({"providers": {"local": {
            "baseUrl": format!("http://{}/v1", self.address), "api": "openai-completions", "apiKey": key,
            "models": [{"id": "pong", "name": "Pong", "reasoning": false, "input": ["text"], "cost": cost,
                "contextWindow": 32000, "maxTokens": 1000}],
        }}})
    }

    /// The bearers of the requests for a completion, in their order.
    pub fn bearers(&self) -> Vec<String> {
        self.bearers.lock().unwrap().clone()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

fn answer(mut stream: TcpStream, bearers: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut length, mut bearer) = (String::new(), 0, String::new());
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => value.trim().trim_start_matches("Bearer ").clone_into(&mut bearer),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, kind, text) = if first.starts_with("POST /v1/chat/completions ") {
        bearers.lock().unwrap().push(bearer);
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let (kind, text) = said(asked["stream"] == true);
        ("200 OK", kind, text)
    } else {
        ("404 Not Found", "application/json", "{}".to_owned())
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

fn said(streamed: bool) -> (&'static str, String) {
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let whole = |object: &str, choice: Value| json!({"id": "x", "object": object, "created": 1, "model": "pong", "choices": [choice], "usage": usage});
    let message = json!({"role": "assistant", "content": "pong"});
    if !streamed {
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        return ("application/json", whole("chat.completion", choice).to_string());
    }
    let said = json!({"index": 0, "delta": message, "finish_reason": null});
    let end = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    let chunks =
        [said, end].map(|choice| format!("data: {}\n\n", whole("chat.completion.chunk", choice)));
    ("text/event-stream", format!("{}data: [DONE]\n\n", chunks.concat()))
}

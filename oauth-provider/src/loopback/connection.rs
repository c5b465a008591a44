//! One connection: one request, one answer.

use credential_provider_api::{FlowId, SignInAnswer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::PATH;
use crate::sign_in::{callback, same};

/// More than any browser sends ahead of a body.
const LONGEST_HEAD: usize = 32 * 1024;
const PAGE: &str = include_str!("page.html");

/// Reads one request and answers it. `Some` if it was the one awaited.
pub(super) async fn serve(mut stream: TcpStream, flow: &FlowId) -> Option<SignInAnswer> {
    let head = head(&mut stream).await?;
    let found = awaited(&head, flow);
    let (status, body) = match &found {
        Some(_) => ("200 OK", PAGE),
        None => ("404 Not Found", ""),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\n\
         content-type: text/html; charset=utf-8\r\n\
         content-length: {}\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         referrer-policy: no-referrer\r\n\
         cache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    // A browser that is gone has still brought the answer.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    found
}

/// The request up to the empty line; `None` if none comes.
async fn head(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_HEAD));
    let mut some = Zeroizing::new([0; 1024]);
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut *some).await.ok().filter(|count| *count > 0)?;
        if bytes.len() + count > LONGEST_HEAD {
            return None;
        }
        bytes.extend_from_slice(some.get(..count)?);
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn awaited(head: &str, flow: &FlowId) -> Option<SignInAnswer> {
    let mut words = head.lines().next()?.split(' ');
    if words.next()? != "GET" {
        return None;
    }
    let (path, query) = words.next()?.split_once('?')?;
    let found = callback(query).ok().filter(|_| path == PATH)?;
    same(found.flow.expose(), flow.expose()).then_some(found.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> bool {
        awaited(&format!("{line}\r\nhost: x\r\n\r\n"), &FlowId::from_text("s1")).is_some()
    }

    #[test]
    fn only_the_right_path_and_state_are_awaited() {
        assert!(found("GET /callback?code=c&state=s1 HTTP/1.1"));
        assert!(found("GET /callback?error=access_denied&state=s1 HTTP/1.1"));
        for line in [
            "GET /favicon.ico HTTP/1.1",
            "GET /callback HTTP/1.1",
            "GET /callback?code=c HTTP/1.1",
            "GET /callback?code=c&state=s2 HTTP/1.1",
            "GET /callback?code=c&state=s1&state=s1 HTTP/1.1",
            "GET /other?code=c&state=s1 HTTP/1.1",
            "POST /callback?code=c&state=s1 HTTP/1.1",
            "HEAD /callback?code=c&state=s1 HTTP/1.1",
            "",
        ] {
            assert!(!found(line), "{line}");
        }
    }

    #[test]
    fn the_page_has_no_script_and_nothing_from_elsewhere() {
        let page = PAGE.to_ascii_lowercase();
        assert!(
            !["<script", "http:", "https:", "src=", "href="].iter().any(|bad| page.contains(bad))
        );
    }
}

//! [`Doorway`]: what a browser is started with in place of a sign-in's own address.
//!
//! A program's arguments are there for every user of the machine to read, and who opens the address of a
//! sign-in can finish it as himself. So the browser is given an address of ours on loopback, which leads
//! there once. Where the system tells whose a connection is (Linux), it leads nobody there but this user
//! and root.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use credential_host::control::Secret;
use credential_provider_api::Random;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Browsers open some connections ahead.
const MOST_CONNECTIONS: usize = 16;
/// The longest request that is read, in bytes.
const LONGEST: u64 = 16 << 10;
/// The longest that one is waited for.
const SLOWEST: Duration = Duration::from_secs(10);

/// An address on loopback that redirects once.
pub(super) struct Doorway {
    listener: TcpListener,
    address: SocketAddr,
    way: Arc<Way>,
}

struct Way {
    path: String,
    target: Secret,
    used: AtomicBool,
}

impl Doorway {
    /// Opens one to `target`, at a path that nobody guesses.
    pub(super) async fn open(target: Secret, random: &dyn Random) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let mut path = String::from("/");
        for byte in bytes {
            let _ = write!(path, "{byte:02x}");
        }
        let way = Arc::new(Way { path, target, used: AtomicBool::new(false) });
        Ok(Self { listener, address, way })
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}{}", self.address, self.way.path)
    }

    /// Leads whoever comes. Does not end; cancel-safe.
    pub(super) async fn lead(self) -> std::convert::Infallible {
        let mut visits = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if visits.len() < MOST_CONNECTIONS => {
                    let Ok((stream, peer)) = accepted else {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    };
                    let (way, own) = (self.way.clone(), self.address);
                    visits.spawn(tokio::time::timeout(SLOWEST, async move {
                        let _ = way.answer(stream, own, peer).await;
                    }));
                }
                Some(_) = visits.join_next() => {}
            }
        }
    }
}

impl Way {
    async fn answer(
        &self,
        mut stream: TcpStream,
        own: SocketAddr,
        peer: SocketAddr,
    ) -> io::Result<()> {
        let is_right = self.is_asked_for(&mut stream).await?;
        let reply = if !is_right || is_anothers(own, peer).await {
            reply("404 Not Found", "", "There is nothing here.")
        } else if self.used.swap(true, Ordering::SeqCst) {
            let text = "This address has been opened already. If it was not you, end the sign-in \
                        with Ctrl-C where you began it.";
            reply("410 Gone", "", text)
        } else {
            let target = self.target.clone().into_inner();
            let target: String =
                target.expose_secret().chars().filter(char::is_ascii_graphic).collect();
            reply("302 Found", &format!("location: {target}\r\n"), "")
        };
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await
    }

    async fn is_asked_for(&self, stream: &mut TcpStream) -> io::Result<bool> {
        let mut head = Vec::new();
        let mut limited = stream.take(LONGEST);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if limited.read_buf(&mut head).await? == 0 {
                return Ok(false);
            }
        }
        let text = String::from_utf8_lossy(&head);
        let mut words = text.split(' ');
        Ok(words.next() == Some("GET") && words.next() == Some(&self.path))
    }
}

fn reply(status: &str, header: &str, text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}content-type: text/plain\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{text}"
    )
}

/// Whether the other end of a connection is known to be of another user. Root's is not: a relay into a
/// virtual machine may be root's, and root needs no address to read what is ours.
async fn is_anothers(own: SocketAddr, peer: SocketAddr) -> bool {
    let Ok(table) = tokio::fs::read_to_string("/proc/net/tcp").await else { return false };
    let uid = owner(&table, peer, own);
    uid.is_some_and(|uid| uid != 0 && uid != rustix::process::geteuid().as_raw())
}

/// Whose the connection from `local` to `remote` is, by the table of the system (proc(5)).
fn owner(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let ends = (encoded(local)?, encoded(remote)?);
    table.lines().find_map(|line| {
        let mut cells = line.split_whitespace().skip(1);
        let found = (cells.next()? == ends.0) & (cells.next()? == ends.1);
        // Its state, queues, timer and retransmissions lie between.
        if found { cells.nth(4)?.parse().ok() } else { None }
    })
}

fn encoded(end: SocketAddr) -> Option<String> {
    let SocketAddr::V4(end) = end else { return None };
    let number = u32::from_ne_bytes(end.ip().octets());
    Some(format!("{number:08X}:{:04X}", end.port()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use credential_provider_api::{SecretString, SeededRandom};

    use super::*;

    async fn visit(address: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn it_leads_there_once_and_only_by_its_path() {
        let target = SecretString::from("https://id.example/authorize?state=s");
        let doorway = Doorway::open(target.into(), &SeededRandom::new(1)).await.unwrap();
        let address = doorway.address();
        assert!(!address.contains("state"), "{address}");
        let (place, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let path = format!("/{path}");
        let visits = async {
            // Opened ahead by a browser, and never used.
            let _idle = TcpStream::connect(place).await.unwrap();
            assert!(visit(place, "/").await.starts_with("HTTP/1.1 404"));
            assert!(visit(place, &path[..20]).await.starts_with("HTTP/1.1 404"));
            let first = visit(place, &path).await;
            assert!(first.starts_with("HTTP/1.1 302"), "{first}");
            assert!(first.contains("\r\nlocation: https://id.example/authorize?state=s\r\n"));
            let second = visit(place, &path).await;
            assert!(second.starts_with("HTTP/1.1 410") && !second.contains("state"), "{second}");
        };
        tokio::select! {
            never = doorway.lead() => match never {},
            () = visits => {}
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_system_tells_whose_a_connection_is() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own = listener.local_addr().unwrap();
        let stream = TcpStream::connect(own).await.unwrap();
        let peer = stream.local_addr().unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(owner(&table, peer, own), Some(uid));
        assert!(!is_anothers(own, peer).await);
        // The end that is not the peer's is the listener's.
        assert_eq!(owner(&table, SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), own), None);
    }

    #[test]
    fn of_the_systems_table_the_user_is_read() {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x1234));
        let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x0050));
        let (from, to) = (encoded(local).unwrap(), encoded(remote).unwrap());
        let table = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: {to} {from} 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n   \
             1: {from} {to} 01 00000000:00000000 00:00000000 00000000  1001        0 2 1\n"
        );
        assert_eq!(owner(&table, local, remote), Some(1001));
    }
}

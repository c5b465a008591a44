//! The socket: served by a gateway, opened by the command.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use resolution_engine::Delivery;
use serde::de::IgnoredAny;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::answer::{Answer, Refusal, Reply};
use super::event::EventLine;
use super::operation::Operation;
use super::perform::Operations;

/// The longest operation.
const LONGEST: u64 = 1 << 20;
/// The longest answer: a status has a line for each credential of each session.
const LONGEST_ANSWER: u64 = 64 << 20;
const MOST_CONNECTIONS: usize = 64;
/// How long a peer may take to take an answer, before it is let go.
const SLOWEST: Duration = Duration::from_secs(10);
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Why a socket cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// A gateway answers there already.
    #[error("{0}: a gateway is running on this socket already; stop it, or name another socket")]
    InUse(PathBuf),
    /// Something that is no socket is there.
    #[error("{0}: is there and is no socket; move it away, or name another socket")]
    Foreign(PathBuf),
    /// Other users own its folder or may write to it, and could put theirs in its place.
    #[error("{0}: other users may write to its folder; choose a folder of your own (chmod 700)")]
    Exposed(PathBuf),
    /// The path is too long for a socket.
    #[error("{0}: is too long for a socket (107 bytes at most); name a shorter one")]
    TooLong(PathBuf),
    /// Nobody answers there.
    #[error("{0}: no gateway is running on this socket")]
    Nobody(PathBuf),
    /// The connection ended before the answer.
    #[error("the gateway closed the connection before it answered")]
    Closed,
    /// The peer is of another user.
    #[error("what answers on {0} is not this user's gateway")]
    NotOurs(PathBuf),
    /// This user's gateway says what is no message here.
    #[error(
        "the gateway on {0} gives an answer that is not known here: it is of another version; \
         restart it with the version of the command"
    )]
    OtherVersion(PathBuf),
    /// An answer of more than 64 MiB.
    #[error("the gateway's answer on {0} is longer than 64 MiB: ask for less")]
    LongAnswer(PathBuf),
    /// Anything else of the system's.
    #[error("{path}: {problem}")]
    Failed {
        /// The socket.
        path: PathBuf,
        /// What the system calls it.
        problem: String,
    },
}

impl SocketError {
    fn failed(path: &Path, error: &io::Error) -> Self {
        Self::Failed { path: path.to_owned(), problem: error.kind().to_string() }
    }
}

/// Answers the `credentials` command at `path` until `stop`. It then lets the answers under way go out,
/// removes the socket, and returns. A socket that a gateway left behind is taken over; one in use is not.
///
/// # Errors
/// Why it cannot be opened.
pub async fn serve(
    operations: Operations,
    path: &Path,
    stop: CancellationToken,
) -> Result<(), SocketError> {
    let listener = bind(path).await?;
    let own = std::fs::symlink_metadata(path).map(|found| found.ino()).ok();
    let tasks = TaskTracker::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept(), if tasks.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) if is_ours(&stream) => {
                    tasks.spawn(converse(stream, operations.clone(), stop.clone()));
                }
                Ok(_) => tracing::warn!("a peer of another user was turned away"),
                // Out of descriptors, perhaps: the next one may come through.
                Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
            },
            () = tokio::time::sleep(AFTER_FAILURE), if tasks.len() >= MOST_CONNECTIONS => {}
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
    // Not one that another gateway has put there since.
    if std::fs::symlink_metadata(path).map(|found| found.ino()).ok() == own {
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Opens it under another name first, so that nobody ever finds it open to others.
async fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let failed = |error: io::Error| SocketError::failed(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let found = std::fs::metadata(folder).map_err(failed)?;
    let (mode, owner) = (found.mode(), found.uid());
    // A folder such as /tmp, whose files nobody else but the system can replace, will do.
    let theirs = owner != 0 && owner != rustix::process::geteuid().as_raw();
    if theirs || (mode & 0o022 != 0 && mode & 0o1000 == 0) {
        return Err(SocketError::Exposed(path.to_owned()));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
            return Err(SocketError::Foreign(path.to_owned()));
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(SocketError::InUse(path.to_owned()));
        }
        _ => {}
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let hidden = PathBuf::from(name);
    let _ = std::fs::remove_file(&hidden);
    let listener = UnixListener::bind(&hidden).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => SocketError::TooLong(path.to_owned()),
        _ => failed(error),
    })?;
    let private = std::fs::Permissions::from_mode(0o600);
    let placed = std::fs::set_permissions(&hidden, private)
        .and_then(|()| std::fs::rename(&hidden, path))
        .map_err(failed);
    if placed.is_err() {
        let _ = std::fs::remove_file(&hidden);
    }
    placed.map(|()| listener)
}

fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own)
}

async fn converse(stream: UnixStream, operations: Operations, stop: CancellationToken) {
    let (mut reader, mut writer) = {
        let (reader, writer) = stream.into_split();
        (BufReader::new(reader), writer)
    };
    loop {
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            line = read_line(&mut reader, LONGEST) => line,
        };
        let Ok(Some(line)) = line else { return };
        let performed = match serde_json::from_slice::<Operation>(&line) {
            Ok(Operation::Watch) => {
                return watch(&operations, &mut reader, &mut writer, &stop).await;
            }
            Ok(operation) => operations.perform(operation).await,
            Err(_) => Err(misunderstood()),
        };
        let reply = match performed {
            Ok(answer) => Reply::Done(Box::new(answer)),
            Err(refusal) => Reply::Refused(refusal),
        };
        if write_line(&mut writer, &reply).await.is_err() {
            return;
        }
    }
}

async fn watch(
    operations: &Operations,
    reader: &mut BufReader<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
    stop: &CancellationToken,
) {
    let mut events = operations.host().engine().events();
    if write_line(writer, &Reply::Done(Box::new(Answer::Watching))).await.is_err() {
        return;
    }
    loop {
        let reply = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            // Nothing more is expected of the peer: it has gone, or does not know the protocol.
            _ = reader.read_u8() => return,
            delivery = events.next() => match delivery {
                Some(Delivery::Event(event)) => Reply::Event(EventLine::from(&event)),
                Some(Delivery::Missed(count)) => Reply::Missed(count),
                Some(_) => continue,
                None => return,
            },
        };
        if write_line(writer, &reply).await.is_err() {
            return;
        }
    }
}

fn misunderstood() -> Refusal {
    use credential_provider_api::{CredentialError, ErrorCode};
    let detail = "this gateway does not know the operation: it is older or newer than the command";
    CredentialError::new(ErrorCode::Unsupported, detail).into()
}

/// A gateway that runs, as the command sees it.
#[derive(Debug)]
pub struct Connection {
    path: PathBuf,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Connection {
    /// Connects to the gateway at `path`.
    ///
    /// # Errors
    /// [`SocketError::Nobody`] if none runs; the socket of another user is not asked.
    pub async fn open(path: &Path) -> Result<Self, SocketError> {
        let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                SocketError::Nobody(path.to_owned())
            }
            _ => SocketError::failed(path, &error),
        })?;
        if !is_ours(&stream) {
            return Err(SocketError::NotOurs(path.to_owned()));
        }
        let (reader, writer) = stream.into_split();
        Ok(Self { path: path.to_owned(), reader: BufReader::new(reader), writer })
    }

    /// Has the gateway carry `operation` out. Not cancel-safe: dropped, the connection is of no more
    /// use; the gateway finishes what it began.
    ///
    /// # Errors
    /// The gateway has gone; inside, what it refused.
    pub async fn perform(
        &mut self,
        operation: &Operation,
    ) -> Result<Result<Answer, Refusal>, SocketError> {
        write_line(&mut self.writer, operation).await.map_err(|_| SocketError::Closed)?;
        match self.next().await? {
            Some(Reply::Done(answer)) => Ok(Ok(*answer)),
            Some(Reply::Refused(refusal)) => Ok(Err(refusal)),
            Some(_) => Err(SocketError::OtherVersion(self.path.clone())),
            None => Err(SocketError::Closed),
        }
    }

    /// The next event after [`Operation::Watch`]; `None` once the gateway ends. Cancel-safe where
    /// nothing was read yet.
    ///
    /// # Errors
    /// [`SocketError::OtherVersion`] for a line that is no message, [`SocketError::LongAnswer`] for one
    /// without an end.
    pub async fn next(&mut self) -> Result<Option<Reply>, SocketError> {
        let read = read_line(&mut self.reader, LONGEST_ANSWER).await;
        let line = read.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => SocketError::LongAnswer(self.path.clone()),
            _ => SocketError::Closed,
        })?;
        let Some(line) = line else { return Ok(None) };
        let reply = serde_json::from_slice(&line);
        reply.map(Some).map_err(|_| match serde_json::from_slice::<IgnoredAny>(&line) {
            Ok(_) => SocketError::OtherVersion(self.path.clone()),
            Err(_) => SocketError::NotOurs(self.path.clone()),
        })
    }
}

async fn read_line(
    reader: &mut BufReader<OwnedReadHalf>,
    longest: u64,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::new());
    reader.take(longest + 1).read_until(b'\n', &mut line).await?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if u64::try_from(line.len()).unwrap_or(u64::MAX) > longest => {
            Err(io::ErrorKind::FileTooLarge.into())
        }
        // Cut short.
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn write_line<T: serde::Serialize>(
    writer: &mut OwnedWriteHalf,
    message: &T,
) -> io::Result<()> {
    let mut line = Zeroizing::new(serde_json::to_vec(message)?);
    line.push(b'\n');
    let written = async {
        writer.write_all(&line).await?;
        writer.flush().await
    };
    tokio::time::timeout(SLOWEST, written).await.map_err(|_| io::ErrorKind::TimedOut)?
}

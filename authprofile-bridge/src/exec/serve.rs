//! One request, one answer.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialRef, ErrorCode, Timestamp,
};
use futures::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::answer::{ExecAnswer, Refusal};
use super::credentials::GatewayCredentials;
use super::failure::ExecFailure;
use super::request::{ExecRequest, VERSION};

/// How much, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecLimits {
    /// The longest request, in bytes; 1 MiB unless set.
    pub request_bytes: usize,
    /// How long reading it may take; 4 s unless set.
    pub read: Duration,
    /// How long an id may take; 4 s unless set. OpenClaw kills a program 5 s after its start unless its
    /// configuration says otherwise, and then no id is answered: [`serve`] counts reading in, and a host
    /// that calls [`receive`] itself does so with [`after`](Self::after).
    pub resolve: Duration,
    /// How long writing the answer may take; 500 ms unless set.
    pub write: Duration,
}

impl ExecLimits {
    /// The limits of a program that has been running for so long: ids get what is left.
    #[must_use]
    pub const fn after(mut self, gone: Duration) -> Self {
        self.resolve = self.resolve.saturating_sub(gone);
        self
    }
}

impl Default for ExecLimits {
    fn default() -> Self {
        Self {
            request_bytes: 1 << 20,
            read: Duration::from_secs(4),
            resolve: Duration::from_secs(4),
            write: Duration::from_millis(500),
        }
    }
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Ids with a value.
    pub values: usize,
    /// Ids with an error.
    pub errors: usize,
}

/// [`receive`]s one request and [`respond`]s to it.
///
/// # Errors
/// Theirs.
pub async fn serve<R, W, C>(
    reader: R,
    writer: W,
    credentials: &C,
    clock: &dyn Clock,
    limits: ExecLimits,
) -> Result<Served, ExecFailure>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
    C: GatewayCredentials + ?Sized,
{
    let began = clock.now();
    let request = receive(reader, clock, limits).await?;
    let limits = limits.after(began.until(clock.now()));
    respond(request, writer, credentials, clock, limits).await
}

/// Reads one request, for a host that looks at it before it sets itself up. Dropping it loses what was
/// read.
///
/// # Errors
/// [`ExecFailure`] if there is no request.
pub async fn receive<R: AsyncRead + Unpin + Send>(
    mut reader: R,
    clock: &dyn Clock,
    limits: ExecLimits,
) -> Result<ExecRequest, ExecFailure> {
    let deadline = clock.now().plus(limits.read);
    let bytes = tokio::select! {
        biased;
        bytes = read(&mut reader, limits.request_bytes) => bytes?,
        () = clock.sleep_until(deadline) => return Err(ExecFailure::TimedOut),
    };
    ExecRequest::parse(&bytes).map_err(ExecFailure::Malformed)
}

/// Answers all ids of `request` and writes the answer. Dropping it before the answer is written writes
/// nothing or a part of it; what the host began goes on or not, as its promises say.
///
/// # Errors
/// [`ExecFailure::Unwritable`] if there is no one to answer, or nobody reads within
/// [`ExecLimits::write`]. The ids' own errors are in the answer.
pub async fn respond<W, C>(
    request: ExecRequest,
    writer: W,
    credentials: &C,
    clock: &dyn Clock,
    limits: ExecLimits,
) -> Result<Served, ExecFailure>
where
    W: AsyncWrite + Unpin + Send,
    C: GatewayCredentials + ?Sized,
{
    let answer = ExecAnswer::resolve(request, credentials, clock, limits).await;
    answer.write(writer, clock, limits).await
}

impl ExecAnswer {
    /// Answers all ids of `request` at once, each within [`ExecLimits::resolve`]. Dropping it answers
    /// nothing.
    pub async fn resolve<C: GatewayCredentials + ?Sized>(
        request: ExecRequest,
        credentials: &C,
        clock: &dyn Clock,
        limits: ExecLimits,
    ) -> Self {
        answer(request, credentials, clock, limits).await
    }

    /// Writes it. Dropping it writes nothing or a part of it.
    ///
    /// # Errors
    /// [`ExecFailure::Unwritable`] if there is no one to answer, or nobody reads within
    /// [`ExecLimits::write`].
    pub async fn write<W: AsyncWrite + Unpin + Send>(
        &self,
        mut writer: W,
        clock: &dyn Clock,
        limits: ExecLimits,
    ) -> Result<Served, ExecFailure> {
        let text = self.to_json();
        let write = async {
            writer.write_all(text.as_slice()).await?;
            writer.flush().await
        };
        let written = tokio::select! {
            biased;
            written = write => written,
            () = clock.sleep_until(clock.now().plus(limits.write)) => {
                return Err(ExecFailure::Unwritable);
            }
        };
        written.map_err(|_| ExecFailure::Unwritable)?;
        Ok(Served { values: self.values.len(), errors: self.errors.len() })
    }
}

async fn read<R: AsyncRead + Unpin>(reader: &mut R, most: usize) -> Result<Vec<u8>, ExecFailure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut bytes).await.map_err(|_| ExecFailure::Unreadable)?;
    if bytes.len() > most { Err(ExecFailure::TooBig) } else { Ok(bytes) }
}

async fn answer<C: GatewayCredentials + ?Sized>(
    request: ExecRequest,
    credentials: &C,
    clock: &dyn Clock,
    limits: ExecLimits,
) -> ExecAnswer {
    let mut answer = ExecAnswer::default();
    let wrong_version = request.protocol_version != Some(VERSION);
    let mut wanted = Vec::new();
    let ids: std::collections::BTreeSet<String> = request.ids.into_iter().collect();
    for id in ids {
        if wrong_version {
            let message = "This speaks exec protocol v1 only.";
            drop(answer.errors.insert(id, Refusal::new("WRONG_VERSION", message)));
            continue;
        }
        match CredentialRef::parse(&id) {
            Ok(reference) => wanted.push((id, reference)),
            Err(_) => {
                let message = "An id here is <provider>/<credential>.";
                drop(answer.errors.insert(id, Refusal::new("INVALID_ID", message)));
            }
        }
    }
    let deadline = clock.now().plus(limits.resolve);
    let ask =
        |(id, reference)| async move { (id, one(credentials, reference, clock, deadline).await) };
    for (id, found) in join_all(wanted.into_iter().map(ask)).await {
        answer.put(id, found);
    }
    answer
}

async fn one<C: GatewayCredentials + ?Sized>(
    credentials: &C,
    reference: CredentialRef,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Result<Arc<Credential>, CredentialError> {
    tokio::select! {
        biased;
        found = credentials.credential(reference, deadline) => found,
        () = clock.sleep_until(deadline) => {
            Err(CredentialError::new(ErrorCode::DeadlineExceeded, "the answer must be given now"))
        }
    }
}

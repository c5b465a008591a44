//! [`Files`]: the file system, as a parameter.

use std::fs::Metadata;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use credential_provider_api::async_trait;
use secrecy::SecretSlice;
use zeroize::Zeroizing;

/// Reads files. What is in them may be secret.
#[async_trait]
pub trait Files: Send + Sync {
    /// The whole of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileProblem`].
    async fn read(&self, path: &Path, limit: usize) -> Result<SecretSlice<u8>, FileProblem>;

    /// What differs from before when the file has changed; `None` if it is not there.
    async fn stamp(&self, path: &Path) -> Option<Stamp>;
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is not there.
    Missing,
    /// It is there and cannot be read, or is no file: a pipe would hold up whoever reads it.
    Unreadable,
    /// It is larger than it may be.
    TooLarge,
}

/// A state of a file. Two states of the same stamp are the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u128, u64, u64);

impl Stamp {
    /// A stamp of a number, for file systems that are not the machine's.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(0, number, 0)
    }

    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok());
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Self(modified.unwrap_or_default().as_nanos(), metadata.len(), file)
    }
}

/// The machine's files, read on a thread of tokio's that may block.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

#[async_trait]
impl Files for SystemFiles {
    async fn read(&self, path: &Path, limit: usize) -> Result<SecretSlice<u8>, FileProblem> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || read(path, limit)).await;
        read.unwrap_or(Err(FileProblem::Unreadable))
    }

    async fn stamp(&self, path: &Path) -> Option<Stamp> {
        let path = path.to_owned();
        let found = tokio::task::spawn_blocking(move || std::fs::metadata(path).ok()).await;
        found.ok().flatten().as_ref().map(Stamp::of)
    }
}

fn read(path: PathBuf, limit: usize) -> Result<SecretSlice<u8>, FileProblem> {
    let problem = |error: std::io::Error| match error.kind() {
        // A part of the path that is no folder leaves no room for the file either.
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileProblem::Missing,
        _ => FileProblem::Unreadable,
    };
    // Before it is opened: to open a pipe waits for whoever writes to it.
    if !std::fs::metadata(&path).map_err(problem)?.is_file() {
        return Err(FileProblem::Unreadable);
    }
    let file = std::fs::File::open(path).map_err(problem)?;
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
    file.take(most).read_to_end(&mut content).map_err(|_| FileProblem::Unreadable)?;
    if content.len() > limit {
        return Err(FileProblem::TooLarge);
    }
    Ok(std::mem::take(&mut *content).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[tokio::test]
    async fn files_are_read_up_to_a_limit() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let whole = SystemFiles.read(&path, 1 << 16).await.unwrap();
        assert!(whole.expose_secret().starts_with(b"[package]"));
        let read = |path: PathBuf, limit| async move { SystemFiles.read(&path, limit).await.err() };
        assert_eq!(read(path.clone(), 8).await, Some(FileProblem::TooLarge));
        assert_eq!(read(path.join("x"), 8).await, Some(FileProblem::Missing));
        assert_eq!(read(path.with_extension("none"), 8).await, Some(FileProblem::Missing));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        assert_eq!(read(folder, 8).await, Some(FileProblem::Unreadable));
        let (one, again) = (SystemFiles.stamp(&path).await, SystemFiles.stamp(&path).await);
        assert!(one.is_some() && one == again);
        assert_eq!(SystemFiles.stamp(&path.join("x")).await, None);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_the_place_of_a_credential_file_holds_nobody_up() {
        let name = format!("volcengine-provider-pipe-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let (say, told) = std::sync::mpsc::channel();
        let pipe = path.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = say.send(runtime.block_on(SystemFiles.read(&pipe, 64)).err());
        });
        let answered = told.recv_timeout(std::time::Duration::from_secs(10));
        let _ = std::fs::remove_file(&path);
        assert_eq!(answered, Ok(Some(FileProblem::Unreadable)));
    }
}

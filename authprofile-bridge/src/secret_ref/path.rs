//! Paths of files and programs, judged before they are used.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::configuration::{ExecSource, Judged, Links};
use super::error::PathProblem;

/// Opens the file at `path`, if it is its owner's alone. Blocking.
pub(crate) fn open(path: &Path) -> Result<File, PathProblem> {
    if !path.is_absolute() {
        return Err(PathProblem::NotAbsolute);
    }
    let found = path.symlink_metadata().map_err(|_| PathProblem::NotReadable)?;
    if found.file_type().is_symlink() {
        return Err(PathProblem::SymbolicLink);
    }
    if !found.is_file() {
        return Err(PathProblem::NotAFile);
    }
    platform::open(path)
}

/// The path to start `source`'s program by. Blocking.
pub(crate) fn command(source: &ExecSource) -> Result<PathBuf, PathProblem> {
    if !source.command.is_absolute() {
        return Err(PathProblem::NotAbsolute);
    }
    let mut path = source.command.clone();
    let mut found = path.symlink_metadata().map_err(|_| PathProblem::NotReadable)?;
    if found.file_type().is_symlink() {
        if source.links == Links::Refused {
            return Err(PathProblem::SymbolicLink);
        }
        path = path.canonicalize().map_err(|_| PathProblem::NotReadable)?;
        found = path.symlink_metadata().map_err(|_| PathProblem::NotReadable)?;
    }
    if !found.is_file() {
        return Err(PathProblem::NotAFile);
    }
    if !source.trusted_dirs.is_empty() {
        let real = path.canonicalize().map_err(|_| PathProblem::NotReadable)?;
        let inside = |folder: &PathBuf| {
            folder.is_absolute()
                && folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))
        };
        if !source.trusted_dirs.iter().any(inside) {
            return Err(PathProblem::Untrusted);
        }
    }
    match source.judged {
        Judged::All => platform::judge(&found, platform::OTHERS_WRITE)?,
        Judged::PathOnly => {}
    }
    Ok(path)
}

#[cfg(unix)]
mod platform {
    use std::fs::{File, Metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    use super::PathProblem;

    pub(super) const OTHERS_WRITE: u32 = 0o022;
    const OTHERS_READ_OR_WRITE: u32 = 0o066;

    /// By the handle, so that what is judged is what is read. Not waiting: a pipe put there since
    /// would keep us.
    pub(super) fn open(path: &Path) -> Result<File, PathProblem> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::LOOP) => return Err(PathProblem::SymbolicLink),
            Err(_) => return Err(PathProblem::NotReadable),
        };
        let found = file.metadata().map_err(|_| PathProblem::NotReadable)?;
        judge(&found, OTHERS_READ_OR_WRITE)?;
        Ok(file)
    }

    pub(super) fn judge(found: &Metadata, refused: u32) -> Result<(), PathProblem> {
        if !found.is_file() {
            return Err(PathProblem::NotAFile);
        }
        if found.uid() != rustix::process::getuid().as_raw() {
            return Err(PathProblem::Owner);
        }
        if found.mode() & refused != 0 {
            return Err(PathProblem::TooOpen);
        }
        if found.nlink() != 1 {
            return Err(PathProblem::HardLinks);
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod platform {
    use std::fs::{File, Metadata};
    use std::path::Path;

    use super::PathProblem;

    pub(super) const OTHERS_WRITE: u32 = 0;

    pub(super) fn open(_: &Path) -> Result<File, PathProblem> {
        Err(PathProblem::Unverifiable)
    }

    pub(super) fn judge(_: &Metadata, _: u32) -> Result<(), PathProblem> {
        Err(PathProblem::Unverifiable)
    }
}

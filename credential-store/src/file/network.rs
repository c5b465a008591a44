//! Which file systems keep a lock for everybody who shares a folder.

use std::path::Path;

use super::problem::Outcome;
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
use super::problem::{At as _, Problem};

/// What the folder lies on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileSystem {
    /// A file system of this machine; one over a network, or of a kind whose locks may be local to
    /// each of its mounts, is refused.
    #[default]
    Local,
    /// Whatever it is: the host knows that its locks are seen by all who share the folder and end
    /// with their process.
    Trusted,
}

/// File systems over a network, or in user space with locks of their own, by their magic number
/// (statfs(2), linux/magic.h).
#[cfg(target_os = "linux")]
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0xaad7_aaea, "PanFS"),
    (0xbeef_dead, "StorNext"),
    (0x786f_4256, "a VirtualBox share"),
    (0xbacb_acbc, "a VMware share"),
    (0x7c7c_6673, "a Parallels share"),
];

#[cfg(target_os = "linux")]
pub(crate) fn check(folder: &Path, trust: FileSystem) -> Outcome<()> {
    if trust == FileSystem::Trusted {
        return Ok(());
    }
    let found = rustix::fs::statfs(folder).map_err(std::io::Error::from).reading(folder)?;
    match name(u64::from_ne_bytes(found.f_type.to_ne_bytes())) {
        None => Ok(()),
        Some(kind) => Err(Problem::unreadable(
            folder,
            format!(
                "lies on {kind}, whose locks may not reach everybody; use a local folder, or open \
                 it as FileSystem::Trusted"
            ),
        )),
    }
}

/// macOS says of each mount whether it is local (statfs(2), `MNT_LOCAL`).
#[cfg(target_vendor = "apple")]
pub(crate) fn check(folder: &Path, trust: FileSystem) -> Outcome<()> {
    const LOCAL: u32 = 0x1000;
    let found = rustix::fs::statfs(folder).map_err(std::io::Error::from).reading(folder)?;
    if trust == FileSystem::Trusted || found.f_flags & LOCAL != 0 {
        return Ok(());
    }
    let why = "is not local; use a local folder, or open it as FileSystem::Trusted";
    Err(Problem::unreadable(folder, why))
}

/// Other systems don't say it in one way; the crate's page asks for a local folder.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(crate) fn check(_: &Path, _: FileSystem) -> Outcome<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn name(magic: u64) -> Option<&'static str> {
    SHARED.iter().find(|(known, _)| u64::from(*known) == magic & 0xffff_ffff).map(|(_, name)| *name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_local_ones_pass() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xff53_4d42), Some("CIFS"));
        assert_eq!(name(0x0102_1994), None, "tmpfs");
        assert_eq!(name(0xef53), None, "ext4");
        assert_eq!(name(0x9123_683e), None, "btrfs");
    }
}

//! Points at which a test can stop a store or a renewal.

use std::io;
#[cfg(feature = "faults")]
use std::sync::Arc;

/// A point in the life of a record or a renewal, in the order in which they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(not(feature = "faults"), allow(unreachable_pub, reason = "public with the feature"))]
pub enum Point {
    /// A temporary file is there, empty.
    TemporaryCreated,
    /// Half of the record is written to it.
    HalfWritten,
    /// All of it is written.
    Written,
    /// It is on the disk.
    Synced,
    /// It has taken the record's place.
    Replaced,
    /// The folder is on the disk.
    FolderSynced,
    /// The journal tells of it.
    Journaled,
    /// A renewal has its lease.
    Leased,
    /// It has read the record again.
    Read,
    /// Its intent is durable.
    IntentSaved,
    /// The issuer has answered.
    Answered,
    /// The answer is durable.
    Saved,
    /// The lease is free again.
    Released,
}

#[cfg(feature = "faults")]
impl Point {
    /// All points.
    pub const ALL: &'static [Self] = &[
        Self::TemporaryCreated,
        Self::HalfWritten,
        Self::Written,
        Self::Synced,
        Self::Replaced,
        Self::FolderSynced,
        Self::Journaled,
        Self::Leased,
        Self::Read,
        Self::IntentSaved,
        Self::Answered,
        Self::Saved,
        Self::Released,
    ];
}

/// Decides what happens at a point.
#[cfg(feature = "faults")]
pub trait Faults: Send + Sync {
    /// Called at each point, on the thread that reached it. An error is answered as if the system
    /// had given it; it may also never return.
    ///
    /// # Errors
    /// What the system shall seem to have said.
    fn at(&self, point: Point) -> io::Result<()>;
}

/// Calls the test's [`Faults`], if there are any. Nothing at all without the feature.
#[derive(Clone, Default)]
pub(crate) struct Probe {
    #[cfg(feature = "faults")]
    faults: Option<Arc<dyn Faults>>,
}

impl Probe {
    #[cfg(feature = "faults")]
    pub(crate) fn new(faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults) }
    }

    #[cfg(feature = "faults")]
    pub(crate) fn at(&self, point: Point) -> io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.at(point))
    }

    #[cfg(not(feature = "faults"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the other form needs both")]
    #[inline]
    pub(crate) const fn at(&self, _: Point) -> io::Result<()> {
        Ok(())
    }
}

//! A disk that fails where a test wants it to.

use std::io;
use std::sync::{Arc, Mutex};

use credential_store::faults::{Faults, Point};

pub const EIO: i32 = 5;
pub const EACCES: i32 = 13;
pub const ENOSPC: i32 = 28;
pub const EROFS: i32 = 30;

/// Fails once where it was told to, as the system would.
#[derive(Default)]
pub struct Fail(Mutex<Option<Next>>);

struct Next {
    point: Point,
    skipped: usize,
    errno: i32,
}

impl Fail {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The next time but `skipped` that `point` is reached, the system says `errno`.
    pub fn arm(&self, point: Point, skipped: usize, errno: i32) {
        *self.0.lock().unwrap() = Some(Next { point, skipped, errno });
    }

    /// Whether it has not failed since it was armed; it will not any more.
    pub fn disarm(&self) -> bool {
        self.0.lock().unwrap().take().is_some()
    }
}

impl Faults for Fail {
    fn at(&self, point: Point) -> io::Result<()> {
        let mut armed = self.0.lock().unwrap();
        let Some(next) = armed.as_mut().filter(|next| next.point == point) else {
            return Ok(());
        };
        if next.skipped > 0 {
            next.skipped -= 1;
            return Ok(());
        }
        let errno = next.errno;
        *armed = None;
        Err(io::Error::from_raw_os_error(errno))
    }
}

//! The file store: what an operation costs beside the bare one on the same disk, what many records
//! cost, and who renews when many processes share a grant.

mod among;
mod bare;
mod calls;
mod crowd;
mod folder;
mod issuer;
mod operations;
mod process;
mod shelf;
mod watch;

use std::path::Path;

use crate::report::{Limit, Line};
use folder::Fresh;

pub use process::{COMMAND, run};

/// The lines of this theme, measured in a fresh folder under `parent`.
#[must_use]
pub fn lines(parent: &Path) -> Vec<Line> {
    let folder = Fresh::under(parent);
    let themes = [operations::lines, watch::lines, among::lines, crowd::lines];
    themes.into_iter().flat_map(|theme| theme(folder.path())).collect()
}

fn line(name: &str, value: f64, unit: &'static str, limit: Limit) -> Line {
    Line::new(format!("store/{name}"), value, unit, limit)
}

/// A count that must be this one.
fn exactly(name: &str, value: usize, unit: &'static str, limit: usize) -> Line {
    line(name, value as f64, unit, Limit::Exactly(limit as f64))
}

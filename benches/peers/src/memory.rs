//! Live heap per cached credential, the credential and its key included: 800 bytes of token each.

use benches::alloc::live;
use benches::report::{Limit, Line};

use crate::backend::Plan;
use crate::cache::Cache;

/// The line of a subject.
pub async fn line<C: Cache>() -> Vec<Line> {
    let before = live();
    let mut caches = Vec::new();
    // One object is one credential where keys are not told apart.
    let (objects, keys) = if C::KEYED { (1, C::CROWD) } else { (C::CROWD, 1) };
    for _ in 0..objects {
        let cache = C::build(Plan::default(), keys).await;
        for nth in 0..keys {
            assert!(cache.get(nth).await, "the source answers");
        }
        caches.push(cache);
    }
    // Connections close and deferred work is done.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let bytes = (live() - before) / C::CROWD as f64;
    let name = format!("{}/bytes_among_{}", C::NAME, C::CROWD);
    vec![Line::new(name, bytes, "bytes", Limit::None)]
}

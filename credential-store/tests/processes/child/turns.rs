//! Taking and releasing a lease again and again.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use credential_provider_api::GrantStore as _;

use super::{Me, say};
use crate::common::key;
use crate::words::Word;

impl Me {
    /// Whoever has the lease is alone with the ledger: it is empty when they come, and what they
    /// write stands in it until they go. Who had it, in order, is in the file beside it.
    pub(super) async fn turns(self, id: &str, millis: u64, hold_millis: u64, ledger: &Path) {
        let (since, span) = (Instant::now(), Duration::from_millis(millis));
        let mine = format!("{} ", std::process::id());
        let order = ledger.with_extension("order");
        let mut order = OpenOptions::new().append(true).create(true).open(order).unwrap();
        let mut times = 0;
        while since.elapsed() < span {
            let lease = self.store.lease(&key(id)).await.unwrap();
            assert_eq!(fs::read_to_string(ledger).unwrap(), "", "two have the lease");
            fs::write(ledger, &mine).unwrap();
            tokio::time::sleep(Duration::from_millis(hold_millis)).await;
            assert_eq!(fs::read_to_string(ledger).unwrap(), mine, "two have the lease");
            fs::write(ledger, "").unwrap();
            order.write_all(mine.as_bytes()).unwrap();
            drop(lease);
            times += 1;
        }
        say(&Word::Turned { times });
    }

    pub(super) async fn time(self, id: &str, times: usize) {
        let mut micros = Vec::with_capacity(times);
        for _ in 0..times {
            let since = Instant::now();
            let lease = self.store.lease(&key(id)).await.unwrap();
            micros.push(u64::try_from(since.elapsed().as_micros()).unwrap());
            drop(lease);
        }
        say(&Word::Timed { micros });
    }
}

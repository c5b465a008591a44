//! Many tasks that renew at once.

use std::time::Duration;

use credential_provider_api::{Credential, Revision};
use futures::{StreamExt as _, stream};

use super::{Me, say};
use crate::issuer::{now, numbers};
use crate::words::{Outcome, Word};

impl Me {
    /// Each task uses its credential until it ends and asks for a newer one then.
    pub(super) async fn crowd(self, key: String, tasks: usize, until: u64) {
        let task = |_| {
            let (me, key) = (self.clone(), key.clone());
            tokio::spawn(async move { me.consume(&key, until).await })
        };
        let mut outcomes = Vec::new();
        for task in (0..tasks).map(task).collect::<Vec<_>>() {
            outcomes.extend(task.await.unwrap());
        }
        tell(outcomes);
    }

    async fn consume(&self, key: &str, until: u64) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut last: Option<Revision> = None;
        loop {
            let renewed = self.renew(key, last).await;
            let outcome = Outcome::of(renewed.clone());
            outcomes.push(outcome.clone());
            let Ok(credential) = renewed else {
                return outcomes;
            };
            let newer = credential.revision() > last;
            assert!(newer, "{last:?} was not good enough");
            last = credential.revision();
            if outcome.given().is_some_and(|(_, access)| numbers(access).1 >= until) {
                return outcomes;
            }
            ended(&credential).await;
        }
    }

    pub(super) async fn all(self, prefix: String, count: usize, first: usize, at_once: usize) {
        let renew = |number: usize| {
            let (me, key) = (self.clone(), format!("{prefix}{}", (first + number) % count));
            async move { Outcome::of(me.renew(&key, Some(Revision::FIRST)).await) }
        };
        tell(stream::iter(0..count).map(renew).buffer_unordered(at_once).collect().await);
    }
}

async fn ended(credential: &Credential) {
    let end = credential.expires_at().unwrap();
    while now() < end {
        tokio::time::sleep(now().until(end).max(Duration::from_millis(1))).await;
    }
}

fn tell(outcomes: Vec<Outcome>) {
    let (given, failed): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| outcome.given().is_some());
    say(&Word::Crowded { given: given.len(), failed });
}

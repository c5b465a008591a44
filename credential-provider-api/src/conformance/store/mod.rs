//! [`StoreSuite`]: the promises of a store, as rules.

mod lasting;
mod lease;
mod records;
mod revisions;
mod subject;
mod watch;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use self::subject::Subject;
use super::report::Report;
use super::together::Boxed;
use crate::store::GrantStore;

/// Runs the promises of [`GrantStore`] against one.
///
/// The closure opens another handle on the same data each time: clones of one store, two connections
/// to one server, one folder opened twice. Keys are of provider `conformance` and new in each run, so
/// data may stay from one run to the next.
///
/// # Rules
/// | rule | what it says |
/// |---|---|
/// | `never-saved-is-empty` | a key never saved has no revision, no record and is not listed |
/// | `record-comes-back-whole` | grant, credential and intent are loaded as they were saved |
/// | `list-names-what-is-kept` | keys with a record are listed once, removed ones are not |
/// | `keys-do-not-mix` | keys that differ in one part have records of their own |
/// | `save-compares-the-revision` | another revision than expected is a `conflict` and changes nothing |
/// | `one-of-two-at-once-wins` | of two saves, or a save and a removal, exactly one succeeds |
/// | `revisions-grow` | with every save and removal, across removal too |
/// | `removal-leaves-a-tombstone` | a save that did not know of the removal fails, one that did works |
/// | `intent-stays-until-saved-away` | an intent is there until a save without one |
/// | `dropped-save-is-whole` | a save dropped half-way has happened or has not |
/// | `data-outlives-its-handles` | records, intents and tombstones are there when opened again |
/// | `lease-excludes` | a second handle waits for the lease, and has it when it is set free |
/// | `lease-outlasts-a-slow-holder` | a live holder keeps it, however slow |
/// | `lease-is-free-once-dropped` | dropping it releases it |
/// | `dropped-waiter-takes-no-lease` | who stops waiting does not get it |
/// | `everybody-gets-the-lease` | eight holders all get their turns, one at a time |
/// | `other-keys-do-not-wait` | each key has a lease of its own |
/// | `watch-sees-saves-and-removals` | each within two seconds |
/// | `secrets-stay-secret` | no error, holder or `Debug` shows a grant or a secret |
#[must_use = "a suite does nothing until it runs"]
pub struct StoreSuite {
    open: Open,
    reopen: Option<Open>,
    limit: Duration,
    slow_holder: Duration,
}

type Open = Box<dyn Fn() -> Boxed<'static, Arc<dyn GrantStore>> + Send + Sync>;

impl StoreSuite {
    /// A suite for what `open` opens.
    pub fn new<F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn GrantStore>> + Send + 'static,
    {
        Self {
            open: Box::new(move || Box::pin(open())),
            reopen: None,
            limit: Duration::from_secs(10),
            slow_holder: Duration::from_secs(3),
        }
    }

    /// How the data is opened again after all handles were dropped, as after a restart. Without
    /// this, nothing is said about what lasts.
    pub fn reopen<F>(mut self, reopen: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn GrantStore>> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(reopen())));
        self
    }

    /// The real time any call may take; 10 s without this.
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long a slow holder keeps a lease; 3 s without this. A store whose leases are renewed
    /// while held is told longer than one term.
    pub const fn slow_holder(mut self, span: Duration) -> Self {
        self.slow_holder = span;
        self
    }

    /// Runs every rule, on whatever executor polls it.
    ///
    /// A call that hangs fails its rule at the [limit](Self::limit). A poll that never returns
    /// cannot be ended from outside: it stops the suite.
    pub async fn run(self) -> Report {
        let mut report = Report::of("store");
        match Subject::new(self) {
            Ok(subject) => rules(&subject, &mut report).await,
            Err(stop) => {
                let failed = async { Err(stop) };
                report.check("record-comes-back-whole", &[], failed).await;
            }
        }
        report
    }
}

async fn rules(subject: &Subject, report: &mut Report) {
    const KEPT: &[&str] = &["never-saved-is-empty", "record-comes-back-whole"];
    const COMPARED: &[&str] = &["save-compares-the-revision"];
    const EXCLUDED: &[&str] = &["lease-excludes"];
    macro_rules! check {
        ($($rule:literal $needs:expr => $test:expr;)*) => {
            $(report.check($rule, $needs, $test(subject)).await;)*
        };
    }
    check! {
        "never-saved-is-empty" &[] => records::never_saved;
        "record-comes-back-whole" &[] => records::comes_back_whole;
        "list-names-what-is-kept" KEPT => records::list;
        "keys-do-not-mix" KEPT => records::keys_do_not_mix;
        "save-compares-the-revision" KEPT => revisions::compares;
        "one-of-two-at-once-wins" COMPARED => revisions::one_wins;
        "revisions-grow" KEPT => revisions::grow;
        "removal-leaves-a-tombstone" COMPARED => revisions::tombstone;
        "intent-stays-until-saved-away" KEPT => lasting::intent;
        "dropped-save-is-whole" COMPARED => lasting::dropped_save;
        "data-outlives-its-handles" KEPT => lasting::outlives;
        "lease-excludes" &[] => lease::excludes;
        "lease-outlasts-a-slow-holder" EXCLUDED => lease::slow_holder;
        "lease-is-free-once-dropped" EXCLUDED => lease::freed;
        "dropped-waiter-takes-no-lease" EXCLUDED => lease::dropped_waiter;
        "everybody-gets-the-lease" EXCLUDED => lease::everybody;
        "other-keys-do-not-wait" EXCLUDED => lease::other_keys;
        "watch-sees-saves-and-removals" KEPT => watch::sees;
        "secrets-stay-secret" &[] => records::secrets_stay_secret;
    }
}

impl fmt::Debug for StoreSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSuite").finish_non_exhaustive()
    }
}

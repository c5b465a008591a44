//! [`ProviderSuite`]: the promises of a provider, as rules.

mod answers;
mod cancellation;
mod capabilities;
mod dependencies;
mod description;
mod outside;
mod refusals;
mod renewal;
mod sessions;
mod sign_in;
mod subject;

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use self::subject::Subject;
use super::report::Report;
use super::together::Boxed;
use crate::clock::ManualClock;
use crate::provider::{CredentialProvider, Source};
use crate::reference::CredentialRef;
use crate::session::EffectiveSession;
use crate::sign_in::{SignInAnswer, SignInStep};
use crate::variant::Variant;

/// Runs the promises of [`CredentialProvider`] against one.
///
/// Name at least one credential that resolves; the rest has defaults. What a rule needs and was not
/// given, the report says. A capability that the descriptor declares is tested or fails, never
/// skipped.
///
/// The closure makes a provider that knows nothing of the ones made before it; what stands behind
/// them (a fake issuer, a store) may be the same.
///
/// # Rules
/// | rule | what it says |
/// |---|---|
/// | `descriptor-covers-credentials` | the credentials named are described |
/// | `descriptor-is-valid` | it has a name and says nothing twice |
/// | `resolves` | the credentials named resolve |
/// | `descriptor-is-constant` | it is the same before and after a resolve |
/// | `kind-as-described` | a credential is of the kind described, or one of them |
/// | `never-expired` | a credential has not ended when it is returned |
/// | `never-empty-or-masked` | no empty value, redaction mark or unresolved reference is a secret |
/// | `resolves-again` | a second resolve is answered like the first |
/// | `revision-names-one-secret` | two secrets never have the same revision |
/// | `authorizes-its-origins` | a credential authorizes a request to the origins it names |
/// | `session-required` | without a session, a credential of a session is `session_required` |
/// | `sessions-never-share` | two sessions never get the same secret or account |
/// | `unknown-id-is-refused` | an unknown id is `credential_not_found` |
/// | `unknown-variant-is-refused` | an unknown parameter is `unsupported`, not ignored |
/// | `rejected-secret-is-not-given-again` | a rejected secret is never a new credential; `Unchanged` says it |
/// | `renewal-outlives-the-old` | what replaces an ended credential has not ended too |
/// | `two-keys-at-once` | two keys do not wait for each other |
/// | `dropped-call-leaves-it-usable` | after a call dropped at any await outside a commit, the next works |
/// | `closed-gate-is-obeyed` | behind a closed gate a call works without a commit or is `cancelled` |
/// | `source-error-is-passed-on` | the sign-in that a parent needs is seen by whoever asks for the child |
/// | `outage-is-transient` | an unreachable source is an error that waiting mends |
/// | `check-as-described` | `check` finds nothing failing, or is `unsupported` if not declared |
/// | `list-as-described` | `list` names what resolves, or is `unsupported` if not declared |
/// | `report-as-described` | `report` takes every outcome |
/// | `changes-as-described` | `changes` names what changed |
/// | `sign-in-as-described` | ways listed start with a step and can be cancelled, others are `unsupported` |
/// | `sign-in-counts-when-accepted` | not before, not when thrown away, not after signing out |
/// | `revoke-as-described` | `revoke` ends it at the source, and the secret is not given again |
/// | `commit-guard-is-released` | no commit guard outlives its call |
/// | `does-not-block-the-thread` | no single poll takes long |
/// | `secrets-stay-secret` | no error, panic or `Debug` shows a secret |
#[must_use = "a suite does nothing until it runs"]
pub struct ProviderSuite {
    make: Make,
    credentials: Vec<(String, Variant)>,
    source: Option<Sources>,
    with_parents: Vec<String>,
    sessions: Option<(EffectiveSession, EffectiveSession)>,
    sharing: Sharing,
    clock: Option<ManualClock>,
    secret_marks: Vec<SecretString>,
    unknown: String,
    limit: Duration,
    longest_poll: Duration,
    outage: Option<Outage>,
    change: Option<ChangeHook>,
    sign_in: Option<SignInScript>,
}

type Make = Box<dyn Fn() -> Boxed<'static, Arc<dyn CredentialProvider>> + Send + Sync>;
type Sources = Box<dyn Fn(Option<&EffectiveSession>) -> Arc<dyn Source> + Send + Sync>;
type Hook = Box<dyn Fn() + Send + Sync>;
type ChangeHook = Box<dyn Fn(&CredentialRef) + Send + Sync>;

/// Whether two sessions may get the same credential.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Never,
    /// The secret, but not the account.
    Secrets,
    Intended,
}

struct Outage {
    begin: Hook,
    end: Hook,
}

struct SignInScript {
    credential: String,
    answer: Box<dyn Fn(&SignInStep) -> SignInAnswer + Send + Sync>,
}

impl ProviderSuite {
    /// A suite for what `make` makes.
    pub fn new(make: impl Fn() -> Arc<dyn CredentialProvider> + Send + Sync + 'static) -> Self {
        Self::built_by(move || ready(make()))
    }

    /// A suite for what `make` makes when awaited, for example through a
    /// [`ProviderFactory`](crate::ProviderFactory).
    pub fn built_by<F>(make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn CredentialProvider>> + Send + 'static,
    {
        Self {
            make: Box::new(move || Box::pin(make())),
            credentials: Vec::new(),
            source: None,
            with_parents: Vec::new(),
            sessions: None,
            sharing: Sharing::Never,
            clock: None,
            secret_marks: Vec::new(),
            unknown: "conformance/no-such-credential".to_owned(),
            limit: Duration::from_secs(10),
            longest_poll: Duration::from_secs(1),
            outage: None,
            change: None,
            sign_in: None,
        }
    }

    /// A credential of the provider that resolves, by its id.
    pub fn credential(self, id: &str) -> Self {
        self.credential_with_variant(id, Variant::none())
    }

    /// A credential that resolves only with this variant.
    pub fn credential_with_variant(mut self, id: &str, variant: Variant) -> Self {
        self.credentials.push((id.to_owned(), variant));
        self
    }

    /// Where the provider finds the credentials it depends on.
    pub fn source(self, source: Arc<dyn Source>) -> Self {
        self.source_for(move |_| Arc::clone(&source))
    }

    /// As [`source`](Self::source), but another for each session: what a person's credential is
    /// derived from is that person's. `None` is a request without session.
    pub fn source_for(
        mut self,
        source: impl Fn(Option<&EffectiveSession>) -> Arc<dyn Source> + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A credential that changes with those it is derived from and in no other way: its name is not
    /// waited for in [`changes`](CredentialProvider::changes).
    pub fn changes_with_parents(mut self, id: &str) -> Self {
        self.with_parents.push(id.to_owned());
        self
    }

    /// Two sessions of different people, both signed in. Without this, two made-up ones.
    pub fn sessions(mut self, one: EffectiveSession, other: EffectiveSession) -> Self {
        self.sessions = Some((one, other));
        self
    }

    /// Different sessions get the same credential, and that is meant.
    pub const fn shared_between_sessions(mut self) -> Self {
        self.sharing = Sharing::Intended;
        self
    }

    /// Different sessions may get the same secret, and that is meant: a key that a team shares. They
    /// never get the same account.
    pub const fn secrets_shared_between_sessions(mut self) -> Self {
        self.sharing = Sharing::Secrets;
        self
    }

    /// The clock the provider was built with, if it is not the machine's. The suite advances it.
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Text that must never be shown: a refresh token, a client secret. The secrets of credentials
    /// are known without it. Fewer than six characters are not looked for.
    pub fn secret_mark(mut self, text: &str) -> Self {
        self.secret_marks.push(text.into());
        self
    }

    /// An id the provider does not have, if the one made up will not do.
    pub fn unknown(mut self, id: &str) -> Self {
        id.clone_into(&mut self.unknown);
        self
    }

    /// The real time any call may take; 10 s without this.
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The real time a single poll may keep the thread; 1 s without this.
    pub const fn longest_poll(mut self, span: Duration) -> Self {
        self.longest_poll = span;
        self
    }

    /// Makes the source unreachable, and reachable again.
    pub fn outage(
        mut self,
        begin: impl Fn() + Send + Sync + 'static,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        self.outage = Some(Outage { begin: Box::new(begin), end: Box::new(end) });
        self
    }

    /// Changes a credential outside, for [`Capability::Changes`](crate::Capability::Changes).
    pub fn change(mut self, change: impl Fn(&CredentialRef) + Send + Sync + 'static) -> Self {
        self.change = Some(Box::new(change));
        self
    }

    /// Answers the steps of a sign-in to the credential `id`, as a person would. Give it if the
    /// descriptor lists a way to sign in.
    pub fn sign_in_answers(
        mut self,
        id: &str,
        answer: impl Fn(&SignInStep) -> SignInAnswer + Send + Sync + 'static,
    ) -> Self {
        self.sign_in = Some(SignInScript { credential: id.to_owned(), answer: Box::new(answer) });
        self
    }

    /// Runs every rule, on whatever executor polls it.
    ///
    /// A call that hangs fails its rule at the [limit](Self::limit). A poll that never returns
    /// cannot be ended from outside: it stops the suite.
    pub async fn run(self) -> Report {
        let subject = match Subject::new(self).await {
            Ok(subject) => subject,
            Err(stop) => {
                let mut report = Report::of("provider");
                let failed = async { Err(stop) };
                report.check("descriptor-covers-credentials", &[], failed).await;
                return report;
            }
        };
        let mut report = Report::of(subject.descriptor.id.as_str());
        rules(&subject, &mut report).await;
        report
    }
}

/// What ends a credential at its source comes last: the fresh providers may share that source.
async fn rules(subject: &Subject, report: &mut Report) {
    const RESOLVES: &[&str] = &["resolves"];
    const REPEATS: &[&str] = &["resolves-again"];
    macro_rules! check {
        ($($rule:literal $needs:expr => $test:expr;)*) => {
            $(report.check($rule, $needs, $test(subject)).await;)*
        };
    }
    check! {
        "descriptor-covers-credentials" &[] => description::covers_credentials;
        "descriptor-is-valid" &[] => description::is_valid;
        "resolves" &["descriptor-covers-credentials"] => answers::resolves;
        "descriptor-is-constant" RESOLVES => description::is_constant;
        "kind-as-described" RESOLVES => description::kind;
        "never-expired" RESOLVES => answers::never_expired;
        "never-empty-or-masked" RESOLVES => answers::never_empty_or_masked;
        "resolves-again" RESOLVES => answers::resolves_again;
        "revision-names-one-secret" REPEATS => renewal::revision_names_one_secret;
        "authorizes-its-origins" REPEATS => answers::authorizes_its_origins;
        "session-required" REPEATS => refusals::session_required;
        "sessions-never-share" REPEATS => sessions::never_share;
        "unknown-id-is-refused" &[] => refusals::unknown_id;
        "unknown-variant-is-refused" REPEATS => refusals::unknown_variant;
        "rejected-secret-is-not-given-again" REPEATS => renewal::rejected;
        "renewal-outlives-the-old" REPEATS => renewal::outlives;
        "two-keys-at-once" REPEATS => sessions::two_keys_at_once;
        "dropped-call-leaves-it-usable" REPEATS => cancellation::dropped_call;
        "closed-gate-is-obeyed" REPEATS => cancellation::closed_gate;
        "source-error-is-passed-on" REPEATS => dependencies::error_is_passed_on;
        "outage-is-transient" REPEATS => outside::outage;
        "check-as-described" &[] => capabilities::check;
        "list-as-described" &[] => capabilities::list;
        "report-as-described" &[] => capabilities::report;
        "changes-as-described" &[] => outside::changes;
        "sign-in-as-described" &[] => sign_in::as_described;
        "sign-in-counts-when-accepted" &["sign-in-as-described"] => sign_in::counts_when_accepted;
        "revoke-as-described" &[] => capabilities::revoke;
        "commit-guard-is-released" &[] => cancellation::guard_is_released;
        "does-not-block-the-thread" &[] => cancellation::does_not_block;
        "secrets-stay-secret" &[] => description::secrets_stay_secret;
    }
}

impl fmt::Debug for ProviderSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSuite")
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

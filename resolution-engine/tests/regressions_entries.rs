//! Holes once found in the shell around the entry; each stays closed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SEC: Duration = Duration::from_secs(1);

fn rules() -> AccessRules {
    AccessRules::deny_all().allow("tool:*", "*").unwrap().allow("provider:*", "*").unwrap()
}

/// provider from closures
struct P<F>(ProviderDescriptor, F);
#[async_trait]
impl<F> CredentialProvider for P<F>
where
    F: for<'a> Fn(&'a Request) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'a>>
        + Send
        + Sync,
{
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, r: &Request) -> Answer {
        (self.1)(r).await
    }
}
fn desc(id: &str) -> ProviderDescriptor {
    ProviderDescriptor::new(ProviderId::new(id).unwrap(), id)
        .with_credential(CredentialDescriptor::gateway(
            IdPattern::new("shared*").unwrap(),
            CredentialKind::ApiKey,
        ))
        .with_credential(CredentialDescriptor::session(
            IdPattern::new("own*").unwrap(),
            CredentialKind::ApiKey,
        ))
}
fn p<F>(id: &str, f: F) -> P<F>
where
    F: for<'a> Fn(&'a Request) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'a>>
        + Send
        + Sync,
{
    P(desc(id), f)
}

#[tokio::test]
async fn static_key_derived_from_expiring_parent_stays_up() {
    let idp = Scripted::new("idp", HOUR);
    let volc = p("volc", |r| {
        Box::pin(async move {
            r.depend_on(Want::new(at("idp/shared"))).await?;
            Ok(Credential::api_key("hosted-key-static".into()).into())
        })
    });
    let w = World::build(&[&idp], |b| b.tuning(tuning()).access(rules()).provider(volc));
    let key = at("volc/shared");
    for i in 0..36 {
        let r = w.ask(&key).await;
        assert!(r.is_ok(), "round {i} (x 5 min): {:?}", r.err());
        w.pass(300 * SEC).await;
    }
}
#[tokio::test]
async fn static_key_with_freshness_for_stays_up() {
    let file = p("file", |_| {
        Box::pin(async move {
            Ok(Credential::api_key("static".into()).with_freshness(Freshness::For(60 * SEC)).into())
        })
    });
    let w = World::build(&[], |b| b.tuning(tuning()).access(rules()).provider(file));
    for i in 0..30 {
        let r = w.ask(&at("file/shared")).await;
        assert!(r.is_ok(), "round {i} (x 10 s): {:?}", r.err());
        w.pass(10 * SEC).await;
    }
}
#[tokio::test]
async fn idle_parent_swept_child_still_ends_with_it() {
    let idp = Scripted::new("idp", None);
    let volc = Scripted::new("volc", None);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/shared")));
    let w = World::new(&[&idp, &volc]);
    let key = at("volc/shared");
    let first = w.ask(&key).await.unwrap();
    for _ in 0..30 {
        w.pass(300 * SEC).await;
        w.ask(&key).await.unwrap();
    }
    w.engine.administrator().at(&at("idp/shared")).revoke().await.unwrap();
    let after = w.ask(&key).await;
    assert!(
        after.is_err(),
        "parent revoked, child still served: same={:?}",
        text(&after.unwrap()) == text(&first)
    );
}
#[tokio::test]
async fn rejected_then_invalidated_is_not_served_again() {
    let v = p("vault", |_| {
        Box::pin(async move {
            Ok(Credential::api_key("dead".into()).with_revision(Revision::new(7).unwrap()).into())
        })
    });
    let w = World::build(&[], |b| b.tuning(tuning()).access(rules()).provider(v));
    let key = at("vault/shared");
    let c = w.ask(&key).await.unwrap();
    let rev = c.revision().unwrap();
    assert!(w.tool.request(&key).reject(rev).await.is_err());
    w.engine.administrator().at(&key).invalidate().unwrap();
    let again = w.ask(&key).await;
    assert!(
        again.is_err(),
        "rejected revision {rev:?} served again as {:?}",
        again.unwrap().revision()
    );
}
#[tokio::test]
async fn revoked_stays_revoked_after_session_end() {
    let v =
        p("vault", |_| Box::pin(async move { Ok(Credential::api_key("alices".into()).into()) }));
    let w = World::build(&[], |b| b.tuning(tuning()).access(rules()).provider(v));
    let (key, alice) = (at("vault/own"), person("alice"));
    w.tool.request(&key).session(&alice).await.unwrap();
    let admin = w.engine.administrator();
    let r = admin.at(&key).session(&alice).revoke().await.unwrap();
    assert_eq!(r, Revocation::LocalOnly);
    assert_eq!(w.tool.request(&key).session(&alice).await.unwrap_err().code(), ErrorCode::Revoked);
    admin.end_session(&alice).await;
    let again = w.tool.request(&key).session(&alice).await;
    assert!(
        again.is_err(),
        "the revoked credential is served to the returning session: {}",
        text(&again.unwrap())
    );
}
#[tokio::test]
async fn revoke_of_parent_gets_parents_credential() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", Some(600 * SEC));
    let w = World::new(&[&idp, &volc]);
    volc.then(Act::Derive(Want::new(at("idp/shared")), Duration::ZERO));
    let key = at("volc/shared");
    let c = w.ask(&key).await.unwrap();
    volc.then(Act::Committed(5 * SEC, issues("childs-newest")));
    let tool = w.tool.clone();
    let rev = c.revision().unwrap();
    let k = key.clone();
    let _t = tokio::spawn(async move { tool.request(&k).reject(rev).await });
    settle().await;
    let admin = w.engine.administrator();
    let revoking = tokio::spawn(async move { admin.at(&at("idp/shared")).revoke().await });
    w.pass(6 * SEC).await;
    revoking.await.unwrap().unwrap();
    let got = idp.revoked.lock().unwrap().clone();
    assert!(got.iter().all(|t| t.starts_with("idp-")), "idp was asked to revoke {got:?}");
}
#[tokio::test]
async fn two_dependencies_at_once_at_limit_one() {
    let a = Scripted::new("a", HOUR);
    let b = Scripted::new("b", HOUR);
    let c = Scripted::new("c", HOUR);
    *b.derives.lock().unwrap() = Some(Want::new(at("c/shared")));
    let top = p("top", |r| {
        Box::pin(async move {
            let (x, y) = futures::join!(
                r.depend_on(Want::new(at("a/shared"))),
                r.depend_on(Want::new(at("b/shared")))
            );
            x?;
            y?;
            Ok(Credential::api_key("top".into()).into())
        })
    });
    let mut t = tuning();
    t.calls = 1;
    t.calls_per_provider = 1;
    let w = World::build(&[&a, &b, &c], |bl| bl.tuning(t).access(rules()).provider(top));
    let (tool, k) = (w.tool.clone(), at("top/shared"));
    let asked = tokio::spawn(async move { tool.request(&k).await });
    w.pass(5 * SEC).await;
    println!(
        "after 5 s of the clock: finished {}, calls a {} b {} c {}",
        asked.is_finished(),
        a.calls(),
        b.calls(),
        c.calls()
    );
    w.pass(40 * SEC).await;
    let r = asked.await.unwrap();
    assert!(r.is_ok(), "after 45 s: {:?}", r.err());
}
#[tokio::test]
async fn reload_of_rules_clears_remembered_denial() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/shared")));
    let r0 = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let w = World::build(&[&idp, &volc], |b| b.tuning(tuning()).access(r0));
    let e = w.ask(&at("volc/shared")).await.unwrap_err();
    assert_eq!(e.code(), ErrorCode::AccessDenied);
    w.engine.administrator().replace_access(rules());
    let r = w.ask(&at("volc/shared")).await;
    assert!(r.is_ok(), "{:?}", r.err());
}
#[tokio::test]
async fn inherit_taken_back() {
    let v = Scripted::new("vault", HOUR);
    let r0 = AccessRules::deny_all()
        .allow("tool:*", "*")
        .unwrap()
        .inherit("tool:*", "vault/own")
        .unwrap();
    let w = World::build(&[&v], |b| b.tuning(tuning()).access(r0));
    let alice = person("alice");
    let child = alice.child("sub").unwrap();
    let key = at("vault/own");
    let parents = w.tool.request(&key).session(&alice).await.unwrap();
    let h = w.tool.request(&key).session(&child).bind().unwrap();
    h.get().await.unwrap();
    w.engine.administrator().replace_access(AccessRules::deny_all().allow("tool:*", "*").unwrap());
    let by_name = w.tool.request(&key).session(&child).await.unwrap();
    assert_ne!(text(&by_name), text(&parents));
    let read = h.with(|c| text(c).to_owned());
    assert!(
        read.is_err() || read.as_ref().unwrap() != text(&parents),
        "handle of the child still reads {read:?}"
    );
}
#[tokio::test]
async fn clock_forward_and_back() {
    let v = Scripted::new("vault", Some(100 * SEC));
    let w = World::new(&[&v]);
    let start = w.clock.now();
    w.pass(10 * SEC).await;
    w.clock.set(start.plus(86400 * SEC));
    settle().await;
    w.clock.set(start.plus(20 * SEC));
    settle().await;
    let key = at("vault/shared");
    let h = w.tool.request(&key).bind().unwrap();
    h.get().await.unwrap();
    for i in 0..50 {
        w.pass(5 * SEC).await;
        let r = h.with(|_| ());
        assert!(r.is_ok(), "after {} s: {:?}, calls {}", i * 5 + 5, r.err(), v.calls());
    }
}
#[test]
fn numbers_in_config_errors() {
    #[derive(serde::Deserialize, Debug)]
    #[allow(dead_code, reason = "read to fail")]
    struct S {
        pin: String,
    }
    let s = Settings::from_json("credentialProviders.x", r#"{"pin": 987654321}"#).unwrap();
    let e = s.read::<S>().unwrap_err();
    assert!(!e.to_string().contains("987654321"), "{e}");
}
#[tokio::test]
async fn code_provider_comes_back() {
    struct F;
    #[async_trait]
    impl ProviderFactory for F {
        fn type_name(&self) -> &str {
            "f"
        }
        async fn build(
            &self,
            id: ProviderId,
            _: Settings,
            _: &FactoryContext,
        ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
            Ok(Arc::new(p(id.as_str(), |_| {
                Box::pin(async move { Ok(Credential::api_key("conf".into()).into()) })
            })))
        }
    }
    let v = Scripted::new("vault", HOUR);
    let w = World::build(&[&v], |b| b.tuning(tuning()).access(rules()).factory(F));
    w.ask(&at("vault/shared")).await.unwrap();
    let taken = Configuration::from_json(r#"{"credentialProviders":{"vault":{"type":"f"}}}"#);
    let report = w.engine.configure(taken.unwrap()).await.unwrap();
    assert_eq!(report.failed.len(), 1, "the id of a provider from code is refused");
    let rep = w
        .engine
        .configure(Configuration::from_json(r#"{"credentialProviders":{}}"#).unwrap())
        .await;
    let r = w.ask(&at("vault/shared")).await;
    assert!(r.is_ok(), "{rep:?} {:?}", r.err());
}
#[tokio::test]
async fn renewed_event_for_unchanged() {
    let v = Scripted::new("vault", Some(100 * SEC));
    let w = World::new(&[&v]);
    let key = at("vault/shared");
    w.ask(&key).await.unwrap();
    let mut ev = w.engine.events();
    v.then(Act::Answer(Ok(Resolution::Unchanged)));
    w.pass(85 * SEC).await;
    w.ask(&key).await.unwrap();
    w.pass(2 * SEC).await;
    let mut renewed = 0;
    while let Some(Delivery::Event(e)) = ev.try_next() {
        if let EventKind::Renewed { .. } = e.kind {
            renewed += 1;
        }
    }
    assert_eq!((renewed, v.calls()), (0, 2));
}
struct Books(ProviderDescriptor, Arc<Mutex<Vec<Observation>>>);
#[async_trait]
impl CredentialProvider for Books {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, _: &Request) -> Answer {
        Ok(Credential::api_key("k".into()).with_freshness(Freshness::Never).into())
    }
    async fn report(&self, _: &Request, o: &Observation) -> Result<(), CredentialError> {
        self.1.lock().unwrap().push(o.clone());
        Ok(())
    }
}
#[tokio::test]
async fn report_of_never_cached() {
    let seen = Arc::new(Mutex::new(vec![]));
    let b = Books(desc("books").with_capability(Capability::Report), seen.clone());
    let w = World::build(&[], |bl| bl.tuning(tuning()).access(rules()).provider(b));
    let key = at("books/shared");
    let c = w.ask(&key).await.unwrap();
    w.tool.request(&key).report(&c, Outcome::RateLimited { retry_after: None }).unwrap();
    settle().await;
    assert_eq!(seen.lock().unwrap().len(), 1);
}
#[tokio::test]
async fn a_provider_cannot_invalidate_anothers_keys() {
    let v = Scripted::new("vault", HOUR);
    let evil = Scripted::new("evil", HOUR);
    let (tx, rx) = futures::channel::mpsc::unbounded();
    *evil.changes.lock().unwrap() = Some(rx);
    let w = World::new(&[&v, &evil]);
    w.ask(&at("vault/shared")).await.unwrap();
    tx.unbounded_send(Change::Key(Key::gateway(&at("vault/shared")))).unwrap();
    settle().await;
    w.ask(&at("vault/shared")).await.unwrap();
    assert_eq!(v.calls(), 1);
}

//! Each kind of credential keeps the promises of a provider, derived from what really is one's own.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Credential, CredentialError, CredentialProvider, EffectiveSession, ErrorCode, FactoryContext,
    Key, ManualClock, ProviderFactory as _, ProviderId, Request, Resolution, Revision, Scope,
    SeededRandom, Settings, SignInAnswer, SignInStep, Source, Want, async_trait,
};
use serde_json::json;
use volcengine_provider::emulator::{Emulator, Faults, Person, Secret};

use crate::world::{ACCOUNT, Host, World, member, page};

/// Where the suite's own sign-ins come back to.
const BACK: &str = "https://host.example/callback";

/// What an engine would give: the provider's own credentials, for one session.
struct Own {
    provider: Arc<dyn CredentialProvider>,
    session: Option<EffectiveSession>,
    clock: ManualClock,
}

#[async_trait]
impl Source for Own {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        let described = self.provider.descriptor().credential(&want.credential.id).unwrap();
        let session = match described.scope {
            Scope::Session => self.session.clone(),
            _ => None,
        };
        if described.scope == Scope::Session && session.is_none() {
            return Err(CredentialError::new(ErrorCode::SessionRequired, ""));
        }
        let own = Self {
            provider: self.provider.clone(),
            session: self.session.clone(),
            clock: self.clock.clone(),
        };
        let key = Key::new(&want.credential, session, want.variant.clone());
        let request = Request::new(key, Arc::new(self.clock.clone()))
            .with_min_validity(want.min_validity)
            .with_rejected(want.rejected)
            .with_source(Arc::new(own));
        let passed_on = |error: CredentialError| error.about(&want.credential).passed_on();
        match self.provider.resolve(&request).await.map_err(passed_on)? {
            Resolution::Credential(credential) => {
                let revision = credential.revision().unwrap_or(Revision::FIRST);
                Ok(Arc::new(credential.with_revision(revision)))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A provider as a host builds it, on the world's store.
async fn provider(world: &World, settings: &str) -> Arc<dyn CredentialProvider> {
    let random = Arc::new(SeededRandom::new(3));
    let context =
        FactoryContext::new(Arc::new(world.clock.clone()), random).with_store(world.store.clone());
    let settings = Settings::from_json("p.volc", settings).unwrap();
    world.factory().build(ProviderId::new("volc").unwrap(), settings, &context).await.unwrap()
}

/// Signs in by hand, as an answer that cannot wait.
fn browse(emulator: &Emulator, url: &str, login: &str) -> String {
    tokio::task::block_in_place(|| {
        let person = Person::Allows(login);
        tokio::runtime::Handle::current().block_on(emulator.browse(url, person)).unwrap()
    })
}

/// Whether two people may have the same secret.
#[derive(PartialEq)]
enum Whose {
    OnesOwn,
    Shared,
}

async fn keeps(id: &str, whose: Whose) {
    let mut host = Host::with(json!({
        "workload": { "grantedTo": "consumers", "origins": ["{url}"] },
        "credentials": {
            "search": { "type": "api_key", "origins": ["{url}"] },
            "calendar": { "type": "oauth2", "flow": "user_federation", "origins": ["{url}"] },
            "reports": { "type": "oauth2", "flow": "m2m", "origins": ["{url}"] },
            "storage": { "type": "role", "useTip": true,
                         "sites": [{ "origin": "https://tos.example", "service": "tos" }] },
            "by-email": { "type": "role", "provider": "storage-by-email" },
            "notes": { "type": "user_credential" },
        },
    }));
    let account = host.state.account_mut(ACCOUNT).unwrap();
    account.user_pools[0].clients[0].allowed_callback_urls.push(BACK.into());
    let mut bobs = account.user_credentials[0].clone();
    (bobs.user_id, bobs.credential_data) =
        ("u-bob".into(), Secret::new("bob-example-notes".to_owned()));
    account.user_credentials.push(bobs);
    let world = Arc::new(host.start().await);
    for user in ["alice", "bob"] {
        world.sign_in(user).await;
        let flow = world.begin("calendar", user).await.unwrap();
        world.emulator.browse(&page(&flow), Person::Allows(user)).await.unwrap();
    }
    world.pass(5);
    let settings = world.settings.to_string();
    let own = provider(&world, &settings).await;
    let [made, browser, down, up, outside] = std::array::from_fn(|_| world.clone());
    let clock = world.clock.clone();
    let mut suite = ProviderSuite::built_by(move || {
        let (world, settings) = (made.clone(), settings.clone());
        async move { provider(&world, &settings).await }
    });
    // Before the identity: what is named last is revoked last.
    if id != "identity" {
        suite = suite.credential(id).changes_with_parents(id);
    }
    suite = suite.credential("identity");
    if whose == Whose::Shared {
        suite = suite.secrets_shared_between_sessions();
    }
    let report = suite
        .source_for(move |session| {
            let (provider, clock) = (own.clone(), clock.clone());
            Arc::new(Own { provider, session: session.cloned(), clock })
        })
        .sessions(member("alice"), member("bob"))
        .clock(world.clock.clone())
        .secret_mark("gateway-example-secret")
        .secret_mark("gateway-client-example-secret")
        .outage(
            move || {
                let mut faults = Faults::default();
                faults.dropped_percent = 100;
                down.emulator.set_faults(faults);
            },
            move || up.emulator.set_faults(Faults::default()),
        )
        .change(move |changed| {
            // Somebody signs in at another gateway.
            let (world, id) = (outside.clone(), changed.id.clone());
            assert_eq!(id.as_str(), "identity");
            tokio::spawn(async move { world.sign_in("alice").await });
        })
        .sign_in_answers("identity", move |step| {
            let SignInStep::OpenUrl { url, .. } = step else { panic!("a page is the only step") };
            SignInAnswer::Pasted(browse(&browser.emulator, url, "alice").into())
        })
        .run()
        .await;
    report.assert();
    let skipped = report.skipped();
    let wanted = ["source-error-is-passed-on", "renewal-outlives-the-old", "sessions-never-share"];
    assert!(wanted.iter().all(|rule| !skipped.contains(rule)), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_keeps_the_promises() {
    keeps("identity", Whose::OnesOwn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workload_token_keeps_the_promises() {
    keeps("workload-token", Whose::OnesOwn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hosted_api_key_keeps_the_promises() {
    keeps("search", Whose::Shared).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_s_oauth_token_keeps_the_promises() {
    keeps("calendar", Whose::OnesOwn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_s_oauth_token_keeps_the_promises() {
    keeps("reports", Whose::Shared).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_s_keys_keep_the_promises() {
    keeps("storage", Whose::OnesOwn).await;
    keeps("by-email", Whose::OnesOwn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_s_own_value_keeps_the_promises() {
    keeps("notes", Whose::OnesOwn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_pool_found_by_its_name_keeps_the_promises() {
    keeps("user-pool", Whose::Shared).await;
}

//! Whatever is done to a store, in whatever order: every field and entry that we do not know stays,
//! as the text it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authority;
mod common;
mod sink;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use authority::{Fake, reference};
use authprofile_bridge::json::{Object, Raw};
use authprofile_bridge::migration::{Migration, Replacement, SecretSink};
use authprofile_bridge::openclaw::{
    AuthProfileStore, Cooldowns, FailureReason, Profile, ProfileKind, Profiles,
};
use authprofile_bridge::synthetic::{SyntheticProfile, SyntheticProfiles, SyntheticStanding};
use common::Folder;
use credential_provider_api::{
    Clock as _, Credential, CredentialError, ErrorCode, ManualClock, ProviderId,
};
use proptest::prelude::*;
use sink::Memory;

/// Begins every name that nobody knows.
const UNKNOWN: &str = "u_";
/// What stands under them: text that a parser might change.
const VALUES: [&str; 8] = [
    "1.50",
    "1e400",
    r#"{"a" : [1 ,2]}"#,
    r#""\u00e9\/""#,
    "null",
    "-0",
    "[{ }]",
    r#"{"u_x":{"u_x":1,"u_x":2}}"#,
];
/// Entries of a store that a profile may be.
const PROFILES: [&str; 7] = [
    r#""type":"api_key","provider":"openai","key":"sk-a""#,
    r#""mode":"api_key","provider":"OpenAI","apiKey":"sk-b""#,
    r#""type":"token","provider":"groq","token":"t-c","expires":1900000000000"#,
    r#""type":"oauth","provider":"openai","access":"a","refresh":"r","expires":1"#,
    r#""type":"api_key","provider":"groq","keyRef":{"source":"env","provider":"default","id":"X"}"#,
    r#""type":"api_key","provider":"groq","key":"__OPENCLAW_REDACTED__""#,
    r#""type":"magic","provider":"groq""#,
];

/// Ids p0 to p4 are the store's, p5 and the synthetic ones are not there at first.
fn id(at: usize) -> String {
    format!("p{}", at % 6)
}

#[derive(Clone, Debug)]
enum Op {
    Put(usize, usize),
    Edit(usize),
    Remove(usize),
    TakeOut(usize),
    Succeeded(usize),
    Failed(usize, usize),
    Order(usize, Vec<usize>),
    LastGood(usize),
    SyntheticWrite(usize),
    SyntheticRemove,
    Apply(bool),
    Undo(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..6_usize, 0..3_usize).prop_map(|(at, kind)| Op::Put(at, kind)),
        (0..6_usize).prop_map(Op::Edit),
        (0..6_usize).prop_map(Op::Remove),
        (0..6_usize).prop_map(Op::TakeOut),
        (0..6_usize).prop_map(Op::Succeeded),
        (0..6_usize, 0..4_usize).prop_map(|(at, why)| Op::Failed(at, why)),
        (0..3_usize, prop::collection::vec(0..6_usize, 0..4))
            .prop_map(|(p, ids)| Op::Order(p, ids)),
        (0..6_usize).prop_map(Op::LastGood),
        (0..3_usize).prop_map(Op::SyntheticWrite),
        Just(Op::SyntheticRemove),
        any::<bool>().prop_map(Op::Apply),
        any::<bool>().prop_map(Op::Undo),
    ]
}

/// Some fields nobody knows.
fn unknown() -> impl Strategy<Value = String> {
    prop::collection::vec((0..4_usize, 0..VALUES.len()), 0..3).prop_map(|fields| {
        let fields: BTreeMap<usize, usize> = fields.into_iter().collect();
        let mut text = String::new();
        for (name, value) in fields {
            write!(text, ",\"{UNKNOWN}{name}\":{}", VALUES[value]).unwrap();
        }
        text
    })
}

/// An object of known entries and unknown ones.
fn object(known: &[String], unknown: &str) -> String {
    let unknown = unknown.strip_prefix(',').map(ToOwned::to_owned);
    let all: Vec<String> = known.iter().cloned().chain(unknown).collect();
    format!("{{{}}}", all.join(","))
}

/// A store of one file, or of two.
fn store() -> impl Strategy<Value = (String, Option<String>)> {
    let profile = (0..PROFILES.len(), unknown());
    let usage = unknown();
    (
        prop::collection::vec(profile, 5),
        prop::collection::vec(usage, 3),
        prop::collection::vec(unknown(), 6),
        any::<bool>(),
    )
        .prop_map(|(profiles, usages, extra, two)| {
            let entries: Vec<String> = profiles
                .iter()
                .enumerate()
                .map(|(at, (kind, more))| format!("\"p{at}\":{{{}{more}}}", PROFILES[*kind]))
                .collect();
            let profiles = format!("\"profiles\":{}", object(&entries, &extra[0]));
            let usages: Vec<String> = usages
                .iter()
                .enumerate()
                .map(|(at, more)| format!("\"p{at}\":{{\"lastUsed\":5{more}}}"))
                .collect();
            let order = ["\"openai\":[\"p0\", \"p1\",\"gone\"]".to_owned()];
            let good = ["\"OpenAI\":\"p1\"".to_owned()];
            let state = [
                format!("\"usageStats\":{}", object(&usages, &extra[1])),
                format!("\"order\":{}", object(&order, &extra[2])),
                format!("\"lastGood\":{}", object(&good, &extra[3])),
            ];
            let version = "\"version\":1".to_owned();
            if two {
                let first = object(&[version.clone(), profiles], &extra[4]);
                let second: Vec<String> = std::iter::once(version).chain(state).collect();
                return (first, Some(object(&second, &extra[5])));
            }
            let all: Vec<String> = [version, profiles].into_iter().chain(state).collect();
            (object(&all, &extra[4]), None)
        })
}

/// Every unknown name with its path, and the text under it.
fn unknowns(text: &str) -> BTreeMap<String, String> {
    fn walk(object: &Object, path: &str, found: &mut BTreeMap<String, String>) {
        for (name, raw) in object.entries() {
            let path = format!("{path}/{name}");
            if name.starts_with(UNKNOWN) {
                found.insert(path, raw.as_str().to_owned());
            } else if let Some(inner) = raw.object() {
                walk(&inner, &path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Object::parse(text).unwrap(), "", &mut found);
    found
}

/// The entries of `profiles`, as text.
fn entries(text: &str) -> BTreeMap<String, String> {
    let profiles = Object::parse(text).unwrap().object("profiles").unwrap();
    profiles.entries().map(|(id, raw)| (id.to_owned(), raw.as_str().to_owned())).collect()
}

struct World {
    folder: Folder,
    clock: ManualClock,
    authority: Arc<Fake>,
    sink: Arc<Memory>,
    tokens: usize,
}

const FILES: [&str; 2] = ["auth-profiles.json", "auth-state.json"];

impl World {
    fn texts(&self) -> [String; 2] {
        FILES.map(|name| fs::read_to_string(self.folder.path(name)).unwrap_or_else(|_| "{}".into()))
    }

    fn store(&self) -> AuthProfileStore {
        AuthProfileStore::new(self.folder.root(), Arc::new(self.clock.clone()))
    }

    fn migration(&self, delegated: bool) -> Migration {
        let exec = Replacement::ExecReference { provider: "gateway".to_owned() };
        let replacement = if delegated { Replacement::Delegation } else { exec };
        let sink: Arc<dyn SecretSink> = self.sink.clone();
        Migration::new(self.store(), sink, ProviderId::new("keychain").unwrap(), replacement)
    }

    async fn edit(&self, change: impl Fn(&mut Profiles) + Send + 'static) {
        let change = move |profiles: &mut Profiles| {
            change(profiles);
            Ok(())
        };
        self.store().edit(change).await.unwrap();
    }

    async fn synthetic(&self, at: usize) {
        let clock = Arc::new(self.clock.clone());
        let said = SyntheticProfile::new(reference("vault/x"), "openai");
        // The third would take a place of theirs.
        let said = said.with_profile_id(["openai:cp-x", "p5", "p0"][at]);
        let builder = SyntheticProfiles::builder(self.store(), self.authority.clone(), clock);
        let mut profiles = builder.profile(said).start().await.unwrap();
        let done = |profiles: &SyntheticProfiles| {
            let status = profiles.status().swap_remove(0);
            status.standing != SyntheticStanding::Unknown || status.error.is_some()
        };
        while !done(&profiles) {
            profiles.changed().await;
        }
        profiles.shutdown().await;
    }

    /// Does it; whose entries may go, and whose may change.
    async fn run(&mut self, op: &Op) -> (Vec<String>, Vec<String>) {
        let now = self.clock.now();
        let ours = |(id, text): (String, String)| text.contains("\"at-").then_some(id);
        let ours: Vec<String> = entries(&self.texts()[0]).into_iter().filter_map(ours).collect();
        match op.clone() {
            Op::Put(at, kind) => {
                let kind = [ProfileKind::ApiKey, ProfileKind::Token, ProfileKind::OAuth][kind];
                let field = ["key", "token", "access"][kind as usize];
                self.edit(move |profiles| {
                    let mut profile = Profile::new(kind, "openai");
                    profile.edit(|entry| entry.set(field, Raw::from_text("sk-put")));
                    profiles.put(&id(at), &profile);
                })
                .await;
                (vec![id(at)], vec![])
            }
            Op::Edit(at) => {
                self.edit(move |profiles| {
                    if let Some(mut profile) = profiles.profile(&id(at)) {
                        profile.edit(|entry| entry.set("displayName", Raw::from_text("name")));
                        profiles.put(&id(at), &profile);
                    }
                })
                .await;
                (vec![], vec![id(at)])
            }
            Op::Remove(at) => {
                self.edit(move |profiles| profiles.remove(&id(at))).await;
                (vec![id(at)], vec![])
            }
            Op::TakeOut(at) => {
                self.edit(move |profiles| profiles.take_out(&id(at))).await;
                (vec![id(at)], vec![])
            }
            Op::Succeeded(at) => {
                self.edit(move |profiles| {
                    let mut usage = profiles.usage(&id(at));
                    usage.succeeded(now);
                    profiles.set_usage(&id(at), &usage);
                })
                .await;
                (vec![], vec![])
            }
            Op::Failed(at, why) => {
                use FailureReason::{Auth, Billing, RateLimit, Timeout};
                let why = [Auth, Billing, RateLimit, Timeout][why];
                self.edit(move |profiles| {
                    let mut usage = profiles.usage(&id(at));
                    usage.failed(why, Some("model"), &Cooldowns::default(), now);
                    profiles.set_usage(&id(at), &usage);
                })
                .await;
                (vec![], vec![])
            }
            Op::Order(provider, ids) => {
                self.edit(move |profiles| {
                    let ids: Vec<String> = ids.iter().map(|at| id(*at)).collect();
                    let provider = ["openai", "OPENAI", "groq"][provider];
                    profiles.set_order(provider, ids.iter().map(String::as_str));
                })
                .await;
                (vec![], vec![])
            }
            Op::LastGood(at) => {
                self.edit(move |profiles| profiles.set_last_good("openai", &id(at))).await;
                (vec![], vec![])
            }
            Op::SyntheticWrite(at) => {
                self.tokens += 1;
                let token = format!("at-{}", self.tokens);
                self.authority.answer("vault/x", Ok(Credential::token(token.into())));
                self.synthetic(at).await;
                // Another id of ours than before is removed, an id of theirs is not touched.
                (ours, vec![])
            }
            Op::SyntheticRemove => {
                let gone = CredentialError::new(ErrorCode::Revoked, "");
                self.authority.answer("vault/x", Err(gone));
                self.synthetic(0).await;
                (ours, vec![])
            }
            Op::Apply(delegated) => {
                self.migration(delegated).apply().await.unwrap();
                (vec![], (0..6).map(id).collect())
            }
            Op::Undo(delegated) => {
                self.migration(delegated).undo().await.unwrap();
                (vec![], (0..6).map(id).collect())
            }
        }
    }
}

async fn check(store: (String, Option<String>), ops: Vec<Op>) {
    let folder = Folder::new();
    folder.write(FILES[0], &store.0);
    if let Some(state) = &store.1 {
        folder.write(FILES[1], state);
    }
    let clock = ManualClock::new(std::time::SystemTime::now().into());
    let (authority, sink) = (Fake::new(), Memory::new());
    let mut world = World { folder, clock, authority, sink, tokens: 0 };
    for op in &ops {
        let before = world.texts();
        let (gone, changed) = world.run(op).await;
        world.clock.advance(Duration::from_secs(20));
        let after = world.texts();
        for (before, after) in before.iter().zip(&after) {
            let after = unknowns(after);
            for (path, text) in unknowns(before) {
                let is_gone = gone.iter().any(|id| {
                    path.starts_with(&format!("/profiles/{id}/"))
                        || path.starts_with(&format!("/usageStats/{id}/"))
                });
                // In two files what is known of use, order and last good moves to the second.
                assert!(
                    after.get(&path) == Some(&text) || is_gone,
                    "{op:?} lost {path} = {text}\n{before}"
                );
            }
        }
        let now = entries(&after[0]);
        for (id, text) in entries(&before[0]) {
            if !gone.contains(&id) && !changed.contains(&id) {
                assert_eq!(now.get(&id), Some(&text), "{op:?} changed {id}");
            }
        }
    }
    // What a host locks that keeps profiles stays, and is empty.
    let held = "auth-profiles.bridge.json.lock";
    let left = |name: &String| (name.ends_with(".lock") && name != held) || name.ends_with("tmp");
    assert!(!world.folder.names().iter().any(left), "{:?}", world.folder.names());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn promise_10_any_sequence_of_operations_keeps_what_we_do_not_know(
        store in store(),
        ops in prop::collection::vec(op(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(store, ops));
    }
}

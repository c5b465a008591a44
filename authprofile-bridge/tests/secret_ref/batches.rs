//! Groups: what is asked once, and how many at a time.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use authprofile_bridge::secret_ref::{
    Invocation, ProgramEnd, ProgramOutput, Programs, SecretRefProblem as P,
};
use credential_provider_api::{ExposeSecret as _, SecretRef, SecretSource};
use serde_json::{Value, json};

use super::common::{Folder, secrets};

/// Answers each id with itself, and keeps count.
#[derive(Default)]
struct Counting {
    now: AtomicUsize,
    most: AtomicUsize,
    asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl Programs for Counting {
    async fn run(&self, invocation: Invocation) -> ProgramOutput {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let request: Value = serde_json::from_slice(&invocation.input).unwrap();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let ids = request["ids"].as_array().unwrap();
        let pair = |id: &Value| (id.as_str().unwrap().to_owned(), id.clone());
        let values: serde_json::Map<_, _> = ids.iter().map(pair).collect();
        let answer = json!({"protocolVersion": 1, "values": values}).to_string().into_bytes();
        self.asked.lock().unwrap().push(request);
        self.now.fetch_sub(1, Ordering::SeqCst);
        ProgramOutput::new(ProgramEnd::Exited(Some(0)), answer.into())
    }
}

fn section(folder: &Folder, aliases: usize, resolution: Value) -> Value {
    let path = folder.program("p", "exit 1");
    let source = json!({"source": "exec", "command": path});
    let sources: serde_json::Map<_, _> =
        (0..aliases).map(|n| (format!("x{n}"), source.clone())).collect();
    json!({"providers": sources, "resolution": resolution})
}

fn exec(alias: usize, id: &str) -> SecretRef {
    SecretRef::new(SecretSource::Exec, format!("x{alias}"), id)
}

#[tokio::test]
async fn one_run_answers_all_ids_of_a_source_each_once() {
    let folder = Folder::new();
    let counting = Arc::new(Counting::default());
    let secrets = secrets(&section(&folder, 2, json!({}))).with_programs(counting.clone());
    let wanted = [exec(0, "b"), exec(1, "a"), exec(0, "a"), exec(0, "b"), exec(0, "B C")];
    let found = secrets.resolve_all(&wanted).await;
    let texts: Vec<_> = found.iter().take(4).map(|v| v.as_ref().unwrap().expose_secret()).collect();
    assert_eq!(texts, ["b", "a", "a", "b"], "in the order of the references");
    assert!(matches!(found[4].as_ref().unwrap_err().problem(), P::InvalidReference));
    let mut asked = counting.asked.lock().unwrap().clone();
    asked.sort_by_key(|request| request["provider"].as_str().map(str::to_owned));
    let expected = [
        json!({"protocolVersion": 1, "provider": "x0", "ids": ["a", "b"]}),
        json!({"protocolVersion": 1, "provider": "x1", "ids": ["a"]}),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn at_most_four_groups_are_under_way_unless_configured() {
    for (resolution, most) in [(json!({}), 4), (json!({"maxProviderConcurrency": 2}), 2)] {
        let folder = Folder::new();
        let counting = Arc::new(Counting::default());
        let secrets = secrets(&section(&folder, 9, resolution)).with_programs(counting.clone());
        let wanted: Vec<_> = (0..9).map(|n| exec(n, "a")).collect();
        assert!(secrets.resolve_all(&wanted).await.iter().all(Result::is_ok));
        assert_eq!(counting.most.load(Ordering::SeqCst), most);
    }
}

#[tokio::test]
async fn too_many_ids_of_one_source_fail_it_and_no_other() {
    let folder = Folder::new();
    let counting = Arc::new(Counting::default());
    let limits = json!({"maxRefsPerProvider": 2, "maxBatchBytes": 100});
    let secrets = secrets(&section(&folder, 3, limits)).with_programs(counting.clone());
    let long = "a".repeat(100);
    let wanted =
        [exec(0, "a"), exec(0, "b"), exec(0, "a"), exec(1, "a"), exec(1, "b"), exec(1, "c")];
    let found = secrets.resolve_all(&wanted).await;
    assert!(found[..3].iter().all(Result::is_ok), "the same one twice counts once");
    for refused in &found[3..] {
        assert!(matches!(refused.as_ref().unwrap_err().problem(), P::TooManyIds));
    }
    let found = secrets.resolve_all(&[exec(2, &long), exec(0, "a")]).await;
    assert!(matches!(found[0].as_ref().unwrap_err().problem(), P::BatchTooBig));
    assert!(found[1].is_ok());
}

#[tokio::test]
async fn nothing_is_asked_for_nothing() {
    let folder = Folder::new();
    let counting = Arc::new(Counting::default());
    let secrets = secrets(&section(&folder, 1, json!({}))).with_programs(counting.clone());
    assert!(secrets.resolve_all(&[]).await.is_empty());
    assert!(counting.asked.lock().unwrap().is_empty());
}

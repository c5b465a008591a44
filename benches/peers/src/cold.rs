//! A key that is not cached, and many who want it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::report::{Limit, Line};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::backend::Plan;
use crate::cache::Cache;

/// The lines of a subject.
pub async fn lines<C: Cache>() -> Vec<Line> {
    let mut lines = stampede::<C>().await;
    lines.extend(failing::<C>(usize::MAX, "failing").await);
    lines.extend(failing::<C>(1, "failing_once").await);
    lines.extend(leader_dropped::<C>().await);
    lines.extend(impatient::<C>().await);
    if C::KEYED {
        lines.push(cross_key::<C>().await);
    }
    lines
}

const MS: Duration = Duration::from_millis(1);

/// 10,000 tasks want one cold key.
async fn stampede<C: Cache>() -> Vec<Line> {
    let cache = built::<C>(50 * MS, 0).await;
    let served = served(callers(&cache, 10_000)).await;
    counts::<C>("stampede_10k", &[("calls", cache.calls()), ("served", served)])
}

/// 100 wait for a source whose first calls fail.
async fn failing<C: Cache>(calls: usize, name: &str) -> Vec<Line> {
    let cache = built::<C>(20 * MS, calls).await;
    let start = Instant::now();
    let served = served(callers(&cache, 100)).await;
    let millis = start.elapsed().as_secs_f64() * 1e3;
    let mut lines = counts::<C>(name, &[("calls", cache.calls()), ("served", served)]);
    lines.push(Line::new(format!("{}/{name}_until_all_know", C::NAME), millis, "ms", Limit::None));
    lines
}

/// The caller that started the call is dropped half-way; 50 others wait.
async fn leader_dropped<C: Cache>() -> Vec<Line> {
    let cache = built::<C>(100 * MS, 0).await;
    let leader = callers(&cache, 1);
    sleep(20 * MS).await;
    let others = callers(&cache, 50);
    sleep(30 * MS).await;
    leader.iter().for_each(JoinHandle::abort);
    let served = served(others).await;
    counts::<C>("leader_dropped", &[("calls", cache.calls()), ("served", served)])
}

/// For 2 s a caller comes every 10 ms and waits for 60 ms; the answer takes 100 ms.
async fn impatient<C: Cache>() -> Vec<Line> {
    let cache = built::<C>(100 * MS, 0).await;
    let mut waiting = Vec::new();
    for _ in 0..200 {
        let cache = cache.clone();
        let patient = async move { timeout(60 * MS, cache.get(0)).await.unwrap_or(false) };
        waiting.push(tokio::spawn(patient));
        sleep(10 * MS).await;
    }
    let served = served(waiting).await;
    counts::<C>("impatient_200", &[("calls", cache.calls()), ("served", served)])
}

/// A warm key is read while another loads.
async fn cross_key<C: Cache>() -> Line {
    let cache = built::<C>(500 * MS, 0).await;
    assert!(cache.get(0).await, "the source answers");
    let other = cache.clone();
    let loading = tokio::spawn(async move { other.get(1).await });
    sleep(50 * MS).await;
    let start = Instant::now();
    assert!(cache.get(0).await, "it is cached");
    let millis = start.elapsed().as_secs_f64() * 1e3;
    loading.abort();
    Line::new(format!("{}/warm_read_beside_cold", C::NAME), millis, "ms", Limit::None)
}

async fn built<C: Cache>(delay: Duration, failing: usize) -> Arc<C> {
    Arc::new(C::build(Plan { delay, failing }, 2).await)
}

fn callers<C: Cache>(cache: &Arc<C>, count: usize) -> Vec<JoinHandle<bool>> {
    let call = |cache: Arc<C>| async move { cache.get(0).await };
    (0..count).map(|_| tokio::spawn(call(cache.clone()))).collect()
}

async fn served(callers: Vec<JoinHandle<bool>>) -> usize {
    let mut served = 0;
    for caller in callers {
        served += usize::from(caller.await.expect("callers do not panic"));
    }
    served
}

fn counts<C: Cache>(scenario: &str, counts: &[(&str, usize)]) -> Vec<Line> {
    let line = |(what, count): &(&str, usize)| {
        let unit = if *what == "calls" { "calls" } else { "callers" };
        let name = format!("{}/{scenario}_{what}", C::NAME);
        Line::new(name, *count as f64, unit, Limit::None)
    };
    counts.iter().map(line).collect()
}

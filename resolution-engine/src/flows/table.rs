//! The flows under way: by name for callbacks, by key so that concurrent starts join one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use credential_provider_api::{
    AccountId, CredentialError, ErrorCode, FlowId, Interaction, Key, ProviderId, Random, Request,
    Timestamp,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::flow::FlowStatus;
use super::progress::{Flow, Stage};
use crate::consumer::Identity;
use crate::core::{Bounded, Core};
use crate::flight::guarded;
use crate::registry::Registered;
use crate::sync::lock;

/// The flows of an engine.
pub(crate) struct Flows {
    inner: Mutex<Inner>,
    pub(crate) pending: Bounded,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<String, Arc<Flow>>,
    by_key: HashMap<Key, Arc<Flow>>,
}

/// Whether a start made a flow or joined one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    New,
    Existing,
}

impl Flows {
    pub(crate) fn new(limit: usize) -> Self {
        Self { inner: Mutex::default(), pending: Bounded::new("sign-ins", limit) }
    }

    /// The flow of `key`: the one under way, or a new one.
    pub(super) fn join(
        &self,
        core: &Core,
        key: &Key,
        registered: Arc<Registered>,
        who: Option<Arc<Identity>>,
        expected: Option<AccountId>,
    ) -> Result<(Arc<Flow>, Joined), CredentialError> {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        if let Some(flow) = inner.by_key.get(key)
            && now < flow.expires_at
            && !flow.stop.is_cancelled()
        {
            if expected.is_some() && expected != flow.expected {
                let detail = "a sign-in that expects another account is under way";
                let error = CredentialError::new(ErrorCode::Conflict, detail);
                return Err(error.about(&key.reference()));
            }
            return Ok((flow.clone(), Joined::Existing));
        }
        std::mem::forget(self.pending.enter()?);
        let flow = Arc::new(Flow {
            id: fresh_id(&*core.random),
            key: key.clone(),
            registered,
            who,
            expected,
            expires_at: now.plus(core.tuning.flow_life),
            stop: core.stop.child_token(),
            stage: Mutex::new(Stage::Stepping),
            status: watch::Sender::new(FlowStatus::Starting),
        });
        inner.by_id.insert(flow.id.expose().to_owned(), flow.clone());
        inner.by_key.insert(key.clone(), flow.clone());
        Ok((flow, Joined::New))
    }

    /// The flow of this name, unless it has ended.
    pub(crate) fn find(&self, id: &FlowId, now: Timestamp) -> Option<Arc<Flow>> {
        let flow = lock(&self.inner).by_id.get(id.expose()).cloned();
        flow.filter(|flow| now < flow.expires_at && !flow.stop.is_cancelled())
    }

    /// Lets the next start for the key begin a new flow.
    fn make_way(&self, flow: &Arc<Flow>) {
        let mut inner = lock(&self.inner);
        if inner.by_key.get(&flow.key).is_some_and(|known| Arc::ptr_eq(known, flow)) {
            inner.by_key.remove(&flow.key);
        }
    }

    /// Takes a flow out: it can be answered no more.
    pub(super) fn remove(&self, flow: &Arc<Flow>) {
        let mut inner = lock(&self.inner);
        if inner.by_id.remove(flow.id.expose()).is_some() {
            self.pending.leave();
        }
        if inner.by_key.get(&flow.key).is_some_and(|known| Arc::ptr_eq(known, flow)) {
            inner.by_key.remove(&flow.key);
        }
    }

    fn select(&self, test: impl Fn(&Flow) -> bool) -> Vec<Arc<Flow>> {
        lock(&self.inner).by_id.values().filter(|flow| test(flow)).cloned().collect()
    }
}

fn fresh_id(random: &dyn Random) -> FlowId {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    FlowId::from_random(bytes)
}

/// Ends the flows that `test` picks, and waits until none of them can save anything any more.
pub(crate) async fn end(core: &Arc<Core>, code: ErrorCode, test: impl Fn(&Key) -> bool) {
    let flows = core.flows.select(|flow| test(&flow.key));
    for flow in &flows {
        cancel(core, flow, code);
    }
    for flow in flows {
        flow.ended().await;
    }
}

/// Ends flows that took too long.
pub(crate) fn sweep(core: &Arc<Core>, now: Timestamp) {
    for flow in core.flows.select(|flow| now >= flow.expires_at) {
        cancel(core, &flow, ErrorCode::FlowEnded);
    }
}

/// Ends the flows of a provider that is replaced or removed.
pub(crate) fn retire(core: &Arc<Core>, provider: &ProviderId) {
    for flow in core.flows.select(|flow| flow.key.provider == *provider) {
        cancel(core, &flow, ErrorCode::FlowEnded);
    }
}

/// Ends one flow. A step under way notices it and ends the flow itself; of one that waits for an
/// answer the provider is told.
pub(super) fn cancel(core: &Arc<Core>, flow: &Arc<Flow>, code: ErrorCode) {
    flow.stop.cancel();
    let idle = {
        let mut stage = lock(&flow.stage);
        match std::mem::replace(&mut *stage, Stage::Ended) {
            Stage::Stepping => {
                *stage = Stage::Stepping;
                // Still to be found by whoever must wait until it cannot save anything any more.
                core.flows.make_way(flow);
                return;
            }
            Stage::Ended => return,
            idle => idle,
        }
    };
    core.flows.remove(flow);
    flow.fail(CredentialError::new(code, ""));
    abandon(core, flow, idle);
}

/// Tells the provider that a flow is over. Also during a shutdown, which waits for it.
pub(super) fn abandon(core: &Arc<Core>, flow: &Arc<Flow>, idle: Stage) {
    let (owner, flow) = (core.clone(), flow.clone());
    let tell = async move {
        let Some(sign_in) = flow.registered.provider.sign_in() else { return };
        // A token of its own: the flow's is cancelled already.
        let stop = CancellationToken::new();
        let call = async |request: &Request| {
            match idle {
                Stage::Waiting(state) => sign_in.cancel(request, state).await,
                Stage::Confirming(done) => sign_in.discard(request, done).await,
                Stage::Stepping | Stage::Ended => {}
            }
            Ok(())
        };
        let told = guarded(&owner, &flow.key, Interaction::Forbidden, &stop, call).await;
        if let Err(error) = told {
            tracing::debug!(%error, "a provider did not take the end of a sign-in");
        }
    };
    core.tasks.spawn_on(tell, &core.runtime);
}

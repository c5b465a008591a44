//! [`Parents`]: as which workload a session acts, for the sessions that it starts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use credential_provider_api::{EffectiveSession, Timestamp};

/// The most sessions that are remembered.
const MOST: usize = 65_536;

/// As which workload each session had a token last. In memory alone, no token in it.
#[derive(Debug, Default)]
pub(super) struct Parents(Mutex<HashMap<EffectiveSession, Acting>>);

#[derive(Debug)]
struct Acting {
    workload: String,
    until: Timestamp,
}

impl Parents {
    /// Remembers that `session` has a token of `workload` until then. When there are too many, the
    /// half whose tokens end first is forgotten.
    pub(super) fn acted(&self, session: &EffectiveSession, workload: &str, until: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(session) {
            let mut ends: Vec<Timestamp> = all.values().map(|one| one.until).collect();
            ends.sort_unstable();
            let middle = ends.get(MOST / 2).copied().unwrap_or(until);
            all.retain(|_, one| one.until > middle);
        }
        all.insert(session.clone(), Acting { workload: workload.to_owned(), until });
    }

    /// As which workload `session` acted last; `None` if it has not in this process.
    pub(super) fn workload_of(&self, session: &EffectiveSession) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(session).map(|one| one.workload.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_remembered_and_there_is_an_end_to_how_many() {
        let session = |number: usize| EffectiveSession::shared(&format!("s{number}")).unwrap();
        let parents = Parents::default();
        assert_eq!(parents.workload_of(&session(0)), None);
        for number in 0..=MOST {
            let until = Timestamp::from_secs(u64::try_from(number).unwrap());
            parents.acted(&session(number), "writer", until);
        }
        parents.acted(&session(MOST), "reviewer", Timestamp::from_secs(1));
        assert_eq!(parents.workload_of(&session(MOST)).as_deref(), Some("reviewer"));
        assert_eq!(parents.workload_of(&session(MOST - 1)).as_deref(), Some("writer"));
        assert_eq!(parents.workload_of(&session(0)), None);
        assert!(parents.0.lock().unwrap().len() <= MOST);
    }
}

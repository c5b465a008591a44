//! Many tasks of many processes: as many renewals as credentials end, and not one more.

use std::time::{Duration, Instant};

use credential_provider_api::{Revision, Timestamp};
use futures::{StreamExt as _, stream};

use crate::agent::Agent;
use crate::common::key;
use crate::issuer::{Reuse, numbers};
use crate::words::{Order, Outcome, Word};
use crate::world::World;

const PROCESSES: usize = 8;
const TASKS: usize = 64;

fn crowded(agent: &mut Agent) -> usize {
    let (given, failed) = agent.hear(|word| match word {
        Word::Crowded { given, failed } => Some((*given, failed.clone())),
        _ => None,
    });
    assert_eq!(failed, Vec::<Outcome>::new(), "somebody was refused");
    given
}

#[test]
fn promise_1_there_are_as_many_renewals_as_expiries() {
    const EXPIRIES: u64 = 5;
    const LIVES: Duration = Duration::from_millis(400);
    let world = World::new(Reuse::Strict);
    let mut crowd = world.agents(PROCESSES);
    let (family, grant, credential) = world.issuer.sign_in(LIVES, EXPIRIES);
    let mut ended = credential.expires_at().unwrap();
    world.keep("issuer/one", grant, credential);
    let since = Instant::now();
    for agent in &mut crowd {
        let key = "issuer/one".to_owned();
        agent.say(&Order::Crowd { key, tasks: TASKS, until: EXPIRIES });
    }
    let given: usize = crowd.iter_mut().map(crowded).sum();
    let uses = world.issuer.uses(family);
    println!(
        "{PROCESSES} processes × {TASKS} tasks: {EXPIRIES} expiries, {} renewals, {given} \
         credentials given in {:?}",
        uses.len(),
        since.elapsed()
    );
    for (number, used) in (0..).zip(&uses) {
        assert_eq!(numbers(&used.token), (family, number), "{uses:#?}");
        assert!(used.at >= ended, "renewed before the end: {uses:#?}");
        ended = used.until.unwrap_or_else(|| panic!("refused: {uses:#?}"));
    }
    assert_eq!(uses.len() as u64, EXPIRIES, "{uses:#?}");
    assert!(given >= PROCESSES * TASKS);
}

#[test]
fn promise_1_a_thousand_keys_are_renewed_once_each_and_do_not_wait_for_each_other() {
    const KEYS: usize = 1000;
    const DELAY: Duration = Duration::from_millis(20);
    let world = World::new(Reuse::Strict);
    world.issuer.delay(DELAY);
    let since = Instant::now();
    let families: Vec<_> = (0..KEYS)
        .map(|number| {
            let (family, grant, credential) = world.issuer.sign_in(Duration::from_secs(3600), 0);
            (number, family, grant, credential)
        })
        .collect();
    let sign_in = |(number, family, grant, credential)| {
        let grants = world.grants.clone();
        async move {
            let key = key(&format!("issuer/k{number}"));
            let signed_in = grants.sign_in(&key, Some(grant), Some(credential)).await.unwrap();
            // The children ask for newer ones than this.
            assert_eq!(signed_in.credential.unwrap().revision(), Some(Revision::FIRST));
            family
        }
    };
    let families: Vec<u64> =
        world.wait(stream::iter(families).map(sign_in).buffer_unordered(32).collect());
    println!("{KEYS} sign-ins in {:?}", since.elapsed());

    let mut crowd = world.agents(PROCESSES);
    let since = Instant::now();
    for (number, agent) in crowd.iter_mut().enumerate() {
        // From different places: they meet here and there.
        let first = number * KEYS / PROCESSES;
        let prefix = "issuer/k".to_owned();
        agent.say(&Order::All { prefix, count: KEYS, first, at_once: TASKS });
    }
    let given: usize = crowd.iter_mut().map(crowded).sum();
    let took = since.elapsed();
    assert_eq!(given, PROCESSES * KEYS);
    let mut sent: Vec<Timestamp> = Vec::new();
    for family in families {
        let uses = world.issuer.uses(family);
        assert_eq!(uses.len(), 1, "{uses:#?}");
        assert!(uses[0].until.is_some(), "{uses:#?}");
        sent.push(uses[0].at);
    }
    sent.sort();
    println!(
        "{PROCESSES} processes renew {KEYS} keys in {took:?}; one after the other the issuer alone \
         takes {:?}; the most at once {}",
        DELAY * u32::try_from(KEYS).unwrap(),
        at_once(&sent, DELAY)
    );
    // Leases that wait for each other never have two exchanges under way.
    assert!(at_once(&sent, DELAY) >= 4, "one key waits for another's lease");
}

/// How many exchanges were under way at once.
fn at_once(sent: &[Timestamp], delay: Duration) -> usize {
    let under_way = |at: &Timestamp| {
        let end = at.plus(delay);
        sent.iter().filter(|other| (*at..end).contains(other)).count()
    };
    sent.iter().map(under_way).max().unwrap_or_default()
}

//! Nobody starves, and no lease waits for another key's.

use std::fs;
use std::time::Duration;

use crate::agent::Agent;
use crate::issuer::Reuse;
use crate::words::{Order, Word};
use crate::world::World;

const BUSY: &str = "issuer/busy";
const CROWD: usize = 8;

/// A crowd that takes and releases one lease for a while, and keeps it so long each time.
struct Crowd {
    world: World,
    agents: Vec<Agent>,
}

impl Crowd {
    fn new(count: usize) -> Self {
        let world = World::new(Reuse::Strict);
        Self { agents: world.agents(count), world }
    }

    fn start(&mut self, span: Duration, hold: Duration) {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap();
        let ledger = self.world.place.path().join("ledger");
        fs::write(&ledger, "").unwrap();
        for agent in &mut self.agents {
            agent.say(&Order::Turns {
                key: BUSY.to_owned(),
                millis: millis(span),
                hold_millis: millis(hold),
                ledger: ledger.clone(),
            });
        }
        self.world.somebody_waits();
    }

    /// How many turns each of them had, fewest first.
    fn turns(&mut self) -> Vec<usize> {
        let mut turns: Vec<_> = self.agents.iter_mut().map(turned).collect();
        turns.sort_unstable();
        turns
    }

    /// How often at most one of them had it again and again.
    fn longest_run(&self) -> usize {
        let order = fs::read_to_string(self.world.place.path().join("ledger.order")).unwrap();
        let order: Vec<_> = order.split_ascii_whitespace().collect();
        order.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap()
    }
}

fn turned(agent: &mut Agent) -> usize {
    agent.hear(|word| match word {
        Word::Turned { times } => Some(*times),
        _ => None,
    })
}

fn timed(agent: &mut Agent) -> Vec<u64> {
    let mut micros = agent.hear(|word| match word {
        Word::Timed { micros } => Some(micros.clone()),
        _ => None,
    });
    micros.sort_unstable();
    micros
}

#[test]
fn promise_1_a_contended_lease_has_one_holder_at_a_time() {
    let mut crowd = Crowd::new(CROWD);
    // The children fail if they find another's mark.
    crowd.start(Duration::from_secs(2), Duration::ZERO);
    println!("turns of {CROWD} processes that keep the lease for a moment: {:?}", crowd.turns());
}

#[test]
fn promise_1_who_releases_a_lease_leaves_it_to_who_waits() {
    let mut crowd = Crowd::new(2);
    // Longer than a waiter's pause: the other one has always asked.
    crowd.start(Duration::from_secs(2), Duration::from_millis(30));
    let turns = crowd.turns();
    let run = crowd.longest_run();
    println!(
        "turns of two processes that keep the lease for 30 ms: {turns:?}, at most {run} in a row"
    );
    assert!(run <= 8, "{run} in a row of {turns:?}");
}

#[test]
fn promise_1_a_contended_lease_is_shared_fairly_and_delays_no_other_key() {
    let mut crowd = Crowd::new(CROWD);
    let mut alone = crowd.world.agent();
    let mut late = crowd.world.agent();
    // Nearly always held: who releases it could take it again before anybody else asks.
    crowd.start(Duration::from_secs(4), Duration::from_millis(20));
    let time = |key: &str, times| Order::Time { key: key.to_owned(), times };
    alone.say(&time("issuer/calm", 100));
    let calm = timed(&mut alone);
    // One that comes while the others are at it gets its turns too.
    late.say(&time(BUSY, 3));
    let waits = timed(&mut late);

    let turns = crowd.turns();
    let mean = turns.iter().sum::<usize>() / CROWD;
    println!("turns of {CROWD} processes that keep the lease for 20 ms: {turns:?}");
    println!("a process that comes late waits {waits:?} µs");
    println!("on another key: median {} µs, slowest {} µs", calm[50], calm[99]);
    assert!(mean >= 6, "{turns:?}");
    assert!(turns[0] * 6 >= mean, "somebody starves: {turns:?}");
    assert!(waits[0] < 4_000_000, "a newcomer starves: {waits:?}");
    assert!(calm[50] < 100_000, "another key waits: {calm:?}");
}

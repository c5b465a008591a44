//! The lease ends with its holder, at once, and never before.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::agent::Agent;
use crate::issuer::Reuse;
use crate::words::{Order, Outcome, Word};
use crate::world::World;

const KEY: &str = "issuer/leased";

fn hold(agent: &mut Agent) {
    agent.say(&Order::Hold { key: KEY.to_owned() });
}

fn held(word: &Word) -> Option<()> {
    matches!(word, Word::Held).then_some(())
}

#[test]
fn promise_1_a_lease_is_free_at_once_when_its_holder_is_killed() {
    let world = World::new(Reuse::Strict);
    let mut holder = world.agent();
    hold(&mut holder);
    holder.hear(held);
    let mut spans = Vec::new();
    for _ in 0..20 {
        let mut next = world.agent();
        hold(&mut next);
        world.somebody_waits();
        let since = Instant::now();
        holder.kill();
        next.hear(held);
        spans.push(since.elapsed());
        holder = next;
    }
    spans.sort();
    println!("takeover after SIGKILL: median {:?}, slowest {:?}", spans[10], spans[19]);
    // 25 ms are promised; what is more is the scheduler's.
    assert!(spans[19] < Duration::from_secs(2), "{spans:?}");
}

#[test]
fn promise_1_a_holder_that_is_stopped_keeps_its_lease() {
    let world = World::new(Reuse::Strict);
    let mut holder = world.agent();
    let mut patient = world.agent();
    let mut setup = world.setup();
    setup.lease_wait_millis = 1500;
    let mut hurried = Agent::new(&setup).ready();

    hold(&mut holder);
    holder.hear(held);
    holder.signal(Signal::STOP);
    hold(&mut patient);
    hold(&mut hurried);
    let since = Instant::now();
    let outcome = hurried.hear(|word| match word {
        Word::NotHeld(outcome) => Some(outcome.clone()),
        Word::Held => panic!("the lease of a stopped holder was taken"),
        _ => None,
    });
    assert!(since.elapsed() >= Duration::from_millis(1500), "{:?}", since.elapsed());
    let Outcome::Failed { code, detail, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(code, "store_locked");
    assert!(detail.starts_with(&format!("process {} on ", holder.pid())), "{detail}");
    assert_eq!(patient.hear_within(Duration::ZERO, held), None, "a stopped holder lost its lease");

    holder.signal(Signal::CONT);
    holder.say(&Order::Release);
    holder.hear(|word| matches!(word, Word::Released).then_some(()));
    patient.hear(held);
}

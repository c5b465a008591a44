//! What one process does takes effect in the others.

use std::time::{Duration, Instant};

use credential_provider_api::GrantStore as _;

use crate::agent::Agent;
use crate::common::key;
use crate::issuer::{Reuse, refresh};
use crate::words::{Order, Word};
use crate::world::World;

const KEY: &str = "issuer/shared";
/// What the design allows.
const SOON: Duration = Duration::from_secs(2);

fn changed(agent: &mut Agent, within: Duration) -> Option<String> {
    agent.hear_within(within, |word| match word {
        Word::Changed { what, key } if key == KEY => Some(what.clone()),
        _ => None,
    })
}

fn sign_in(agent: &mut Agent, grant: String) {
    agent.say(&Order::SignIn { key: KEY.to_owned(), grant });
    agent.hear(|word| matches!(word, Word::SignedIn).then_some(()));
}

fn sign_out(agent: &mut Agent) {
    agent.say(&Order::SignOut { key: KEY.to_owned() });
    agent.hear(|word| matches!(word, Word::SignedOut).then_some(()));
}

/// Waits for what the follower tells next.
fn told(follower: &mut Agent, since: Instant) -> (String, Duration) {
    let what = changed(follower, 5 * SOON).unwrap();
    (what, since.elapsed())
}

#[test]
fn promise_4_sign_in_sign_out_and_renewal_reach_other_processes_in_time() {
    let world = World::new(Reuse::Strict);
    let (mut actor, mut follower) = (world.agent(), world.agent());
    let (_, revision) = world.sign_in(KEY);
    // What it has asked for is what it must hear about.
    follower.renew(0, KEY, None);
    assert!(follower.hear_renewed(0).given().is_some());
    follower.say(&Order::Follow);
    follower.hear(|word| matches!(word, Word::Following).then_some(()));

    let mut heard = Vec::new();
    let since = Instant::now();
    actor.renew(1, KEY, Some(revision));
    assert!(actor.hear_renewed(1).given().is_some());
    heard.push(told(&mut follower, since));

    let since = Instant::now();
    sign_out(&mut actor);
    heard.push(told(&mut follower, since));
    follower.renew(2, KEY, None);
    assert_eq!(follower.hear_renewed(2).reason(), Some("signed_out"));

    let (family, ..) = world.issuer.sign_in(SOON, 0);
    let since = Instant::now();
    sign_in(&mut actor, refresh(family, 0));
    heard.push(told(&mut follower, since));

    println!("told to another process: {heard:?}");
    let whats: Vec<_> = heard.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(whats, ["renewed", "signed_out", "signed_in"]);
    assert!(heard.iter().all(|(_, span)| *span < SOON), "{heard:?}");
    follower.renew(3, KEY, None);
    assert!(follower.hear_renewed(3).given().is_some());
}

/// A process that renews, and an issuer that has its token and keeps the answer back.
fn renewing(world: &World) -> (Agent, u64) {
    let mut renewer = world.agent();
    let (family, revision) = world.sign_in(KEY);
    world.issuer.hold(true);
    renewer.renew(0, KEY, Some(revision));
    world.issuer.saw(&refresh(family, 0));
    (renewer, family)
}

fn discarded(agent: &mut Agent) -> String {
    agent.hear(|word| match word {
        Word::Discarded { grant } => Some(grant.clone()),
        _ => None,
    })
}

#[test]
fn promise_4_an_answer_that_comes_after_a_sign_out_elsewhere_is_discarded() {
    let world = World::new(Reuse::Strict);
    let (mut renewer, family) = renewing(&world);
    let mut other = world.agent();
    sign_out(&mut other);
    other.say(&Order::Follow);
    other.hear(|word| matches!(word, Word::Following).then_some(()));
    world.issuer.hold(false);

    let outcome = renewer.hear_renewed(0);
    assert_eq!(outcome.reason(), Some("signed_out"), "{outcome:?}");
    assert_eq!(discarded(&mut renewer), refresh(family, 1), "the orphan is not revoked");
    assert!(world.wait(world.store.load(&key(KEY))).unwrap().record.is_none(), "it came back");
    other.renew(1, KEY, None);
    assert_eq!(other.hear_renewed(1).reason(), Some("signed_out"));
    assert_eq!(changed(&mut other, Duration::from_millis(600)), None, "it came back for a moment");
}

#[test]
fn promise_4_an_answer_that_comes_after_a_new_sign_in_elsewhere_is_discarded() {
    let world = World::new(Reuse::Strict);
    let (mut renewer, family) = renewing(&world);
    let mut other = world.agent();
    sign_out(&mut other);
    let (new, ..) = world.issuer.sign_in(SOON, 0);
    sign_in(&mut other, refresh(new, 0));
    world.issuer.hold(false);

    // The renewer goes on with the new grant.
    let outcome = renewer.hear_renewed(0);
    let (_, access) = outcome.given().unwrap_or_else(|| panic!("{outcome:?}"));
    assert_eq!(access, world.issuer.access(new));
    assert_eq!(discarded(&mut renewer), refresh(family, 1), "the orphan is not revoked");
    assert_eq!(world.issuer.uses(new).len(), 1);
}

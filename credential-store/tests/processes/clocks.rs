//! A clock that is set decides what has ended, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock as _, GrantStore as _, ManualClock, Revision};
use credential_store::{Grants, Renewal};

use crate::common::{grant, key};
use crate::exchange::{Beside, Line};
use crate::issuer::{Reuse, access, now, refresh};
use crate::words::{Order, Outcome, Word};
use crate::world::World;

const KEY: &str = "issuer/clock";
const DAY: Duration = Duration::from_secs(86_400);

/// Sets the clock while the issuer has the token.
struct Jump(ManualClock, fn(&ManualClock));

impl Beside for Jump {
    fn sent(&self) {
        self.1(&self.0);
    }
}

#[test]
fn promise_7_a_clock_that_is_set_around_a_renewal_loses_nothing() {
    let jumps: [fn(&ManualClock); 4] = [
        |clock| clock.advance(3 * DAY),
        |clock| clock.set(clock.now().minus(5 * DAY)),
        |clock| clock.advance(10 * DAY),
        |clock| clock.set(clock.now().minus(20 * DAY)),
    ];
    let world = World::new(Reuse::Strict);
    let clock = ManualClock::new(now());
    let store = Arc::new(world.store.clone());
    let grants = Grants::builder(store.clone()).clock(Arc::new(clock.clone())).build();
    let (family, first, credential) = world.issuer.sign_in(Duration::from_secs(3600), 0);
    let signed_in =
        world.wait(async { grants.sign_in(&key(KEY), Some(first), Some(credential)).await });
    let mut last = signed_in.unwrap().credential.unwrap().revision();
    let mut number = 0;
    for before in jumps {
        for during in jumps {
            before(&clock);
            let line = Line {
                issuer: world.issuer.address,
                store: store.clone(),
                key: key(KEY),
                clock: Some(clock.clone()),
                beside: Arc::new(Jump(clock.clone(), during)),
            };
            let ask = Renewal::of(key(KEY)).newer_than(last);
            let renewed = world.wait(grants.renew(ask, Arc::new(line))).unwrap();
            number += 1;
            assert!(renewed.revision() > last);
            last = renewed.revision();
            // Durable, and the newest: the issuer takes it in the next round.
            let kept = world.wait(store.load(&key(KEY))).unwrap().record.unwrap();
            assert_eq!(grant(Some(&kept)), refresh(family, number));
            assert!(kept.intent.is_none() && kept.refusal.is_none());
            // By the clock that was set it is good, whatever the clock was.
            assert!(renewed.expires_at().unwrap() > clock.now());
        }
    }
    assert_eq!(world.issuer.access(family), access(family, number));
    assert!(world.issuer.uses(family).iter().all(|used| used.until.is_some()));
    assert!(last > Revision::new(number));
}

#[test]
fn promise_4_an_answer_after_a_sign_in_of_the_same_moment_is_discarded() {
    let world = World::new(Reuse::Strict);
    // It stands still: the second sign-in has the time of the first.
    let clock = ManualClock::new(now());
    let store = Arc::new(world.store.clone());
    let grants = Grants::builder(store.clone()).clock(Arc::new(clock.clone())).build();
    let (old, first, credential) = world.issuer.sign_in(DAY, 0);
    let (new, second, _) = world.issuer.sign_in(DAY, 0);
    let line = Line {
        issuer: world.issuer.address,
        store: store.clone(),
        key: key(KEY),
        clock: Some(clock.clone()),
        beside: Arc::new(Jump(clock, |_| {})),
    };
    let renewed = world.wait(async {
        let key = key(KEY);
        let signed_in = grants.sign_in(&key, Some(first), Some(credential)).await.unwrap();
        let revision = signed_in.credential.unwrap().revision();
        world.issuer.hold(true);
        let ask = Renewal::of(key.clone()).newer_than(revision);
        let renewal = grants.renew(ask, Arc::new(line));
        let meanwhile = async {
            let issuer = &world.issuer;
            tokio::task::block_in_place(|| issuer.saw(&refresh(old, 0)));
            grants.sign_out(&key).await.unwrap();
            grants.sign_in(&key, Some(second), None).await.unwrap();
            issuer.hold(false);
        };
        tokio::join!(renewal, meanwhile).0
    });
    let renewed = Outcome::of(renewed);
    assert_eq!(renewed.given().unwrap().1, access(new, 1), "an old login is back");
    let kept = world.wait(store.load(&key(KEY))).unwrap().record;
    assert_eq!(grant(kept.as_ref()), refresh(new, 1));
}

#[test]
fn promise_1_a_clock_that_is_set_moves_no_lease() {
    let world = World::new(Reuse::Strict);
    let clock = ManualClock::new(now());
    let (_, revision) = world.sign_in(KEY);
    let mut holder = world.agent();
    holder.say(&Order::Hold { key: KEY.to_owned() });
    holder.hear(|word| matches!(word, Word::Held).then_some(()));
    let store = Arc::new(world.store.clone());
    let grants = Grants::builder(store.clone()).clock(Arc::new(clock.clone())).build();
    let line = Line {
        issuer: world.issuer.address,
        store,
        key: key(KEY),
        clock: Some(clock.clone()),
        beside: Arc::new(Jump(clock.clone(), |_| {})),
    };
    let ask = Renewal::of(key(KEY)).newer_than(Revision::new(revision));
    world.wait(async {
        let renewal = grants.renew(ask, Arc::new(line));
        tokio::pin!(renewal);
        for jump in [30 * DAY, Duration::ZERO, 300 * DAY] {
            clock.set(now().minus(100 * DAY).plus(jump));
            // Several times the pace at which a waiter asks.
            let waited = tokio::time::timeout(Duration::from_millis(150), &mut renewal).await;
            assert!(waited.is_err(), "the lease was taken from its holder: {waited:?}");
        }
        holder.kill();
        renewal.await.unwrap();
    });
}

//! SIGKILL at every step of a renewal, with others who wait for the same key.

mod twice;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use credential_provider_api::{GrantStore as _, Timestamp};
use credential_store::faults::Point;

use crate::agent::Agent;
use crate::common::{key, record};
use crate::issuer::{Reuse, Use, access, now, refresh};
use crate::words::{Order, Outcome, SENT, Step, Stop, Word};
use crate::world::World;

const KEY: &str = "issuer/killed";
/// How often all tests here kill together, unless the environment says otherwise.
const KILLS: usize = 300;

#[test]
fn promise_7_a_kill_anywhere_in_a_renewal_at_a_strict_issuer() {
    Killing::new(Reuse::Strict).run();
}

#[test]
fn promise_7_a_kill_anywhere_in_a_renewal_at_an_issuer_with_a_grace_period() {
    Killing::new(Reuse::Grace).run();
}

#[derive(Clone, Debug)]
enum Plan {
    At(Step),
    After(Duration),
}

struct Killing {
    reuse: Reuse,
    /// Dropped before the world they live in.
    waiters: Vec<Agent>,
    world: World,
    killed: HashMap<u32, Timestamp>,
    asked: u32,
    slowest: Duration,
    outcomes: BTreeMap<(String, &'static str), usize>,
}

impl Killing {
    fn new(reuse: Reuse) -> Self {
        let world = World::new(reuse);
        let waiters = world.agents(3);
        // It stands by, and must be there in the end.
        world.wait(world.store.save(&key("issuer/other"), None, record("canary"))).unwrap();
        Self {
            reuse,
            waiters,
            world,
            killed: HashMap::new(),
            asked: 0,
            slowest: Duration::ZERO,
            outcomes: BTreeMap::new(),
        }
    }

    fn run(mut self) {
        let (steps, span) = self.steps();
        let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap()) / 2;
        let plan = |number: usize| match steps.get(number % (2 * steps.len())) {
            Some(step) => Plan::At(step.clone()),
            None => Plan::After(span.mul_f64(random() * 1.2)),
        };
        let plans: Vec<_> = (0..kills).map(plan).collect();
        // The next one starts while this one is killed.
        let mut next = plans.first().map(|plan| self.victim(plan));
        for (number, plan) in plans.iter().enumerate() {
            let victim = next.take().unwrap();
            next = plans.get(number + 1).map(|plan| self.victim(plan));
            self.round(plan, victim.ready());
        }
        println!("{:?}: {kills} kills, slowest takeover {:?}", self.reuse, self.slowest);
        for ((plan, outcome), times) in &self.outcomes {
            println!("  {plan:22} {outcome:12} {times}");
        }
    }

    /// The steps of a renewal nobody kills, in order, and how long they take after the lease.
    fn steps(&self) -> (Vec<Step>, Duration) {
        let (_, revision) = self.world.sign_in(KEY);
        let mut setup = self.world.setup();
        setup.stop = Stop::Tell;
        let mut agent = Agent::new(&setup).ready();
        let since = Instant::now();
        agent.renew(0, KEY, Some(revision));
        assert!(agent.hear_renewed(0).given().is_some());
        let span = since.elapsed();
        let mut steps = Vec::new();
        let heard = |word: &Word| match word {
            Word::At(step) => Some(step.clone()),
            _ => None,
        };
        // All are said before the outcome.
        while let Some(step) = agent.hear_within(Duration::ZERO, heard) {
            steps.push(step);
        }
        for point in Point::ALL {
            let name = format!("{point:?}");
            assert!(steps.iter().any(|step| step.point == name), "{name} is not in a renewal");
        }
        assert!(steps.contains(&Step::new(SENT, 0)));
        let of = |save| steps.iter().filter(move |step| step.save == save).map(|step| &step.point);
        assert!(of(1).eq(of(2)) && of(3).next().is_none(), "two saves: {steps:?}");
        (steps, span)
    }

    fn victim(&self, plan: &Plan) -> Agent {
        let mut setup = self.world.setup();
        setup.stop = match plan {
            // It stops there anyway.
            Plan::At(step) if step.point != "Leased" => Stop::At(step.clone()),
            _ => Stop::Leased,
        };
        Agent::new(&setup)
    }

    fn round(&mut self, plan: &Plan, mut victim: Agent) {
        let (family, revision) = self.world.sign_in(KEY);
        victim.renew(0, KEY, Some(revision));
        victim.hear_at("Leased", 0);
        self.waiters_ask(revision);
        match plan {
            Plan::At(step) => go_to(&mut victim, step),
            Plan::After(span) => {
                victim.say(&Order::Go);
                let since = Instant::now();
                while since.elapsed() < *span {
                    std::hint::spin_loop();
                }
            }
        }
        self.kill(victim);
        let outcomes = self.outcomes();
        self.judge(plan, family, &outcomes);
        self.store_is_whole();
    }

    fn waiters_ask(&mut self, revision: u64) {
        self.asked += 1;
        for waiter in &mut self.waiters {
            waiter.renew(self.asked, KEY, Some(revision));
        }
        self.world.somebody_waits();
    }

    fn kill(&mut self, mut victim: Agent) {
        self.killed.insert(victim.pid(), now());
        victim.kill();
    }

    /// What the waiters got: of the two outcomes one, and the same for all.
    fn outcomes(&mut self) -> Vec<Outcome> {
        let since = Instant::now();
        let hear = |waiter: &mut Agent| waiter.hear_renewed(self.asked);
        let outcomes: Vec<_> = self.waiters.iter_mut().map(hear).collect();
        self.slowest = self.slowest.max(since.elapsed());
        let interrupted = |outcome: &Outcome| outcome.reason() == Some("renewal_interrupted");
        let same = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        let good = same && outcomes[0].given().is_some();
        assert!(good || outcomes.iter().all(interrupted), "{:?}: {outcomes:?}", self.reuse);
        outcomes
    }

    fn judge(&mut self, plan: &Plan, family: u64, outcomes: &[Outcome]) {
        let uses = self.world.issuer.uses(family);
        let about = format!("{:?}, {plan:?}: {outcomes:?} after {uses:#?}", self.reuse);
        let good = outcomes[0].given().is_some();
        // A login ends only where the issuer had the token and its answer was not durable yet.
        let lost = match plan {
            Plan::At(step) => {
                let unsaved = ["TemporaryCreated", "HalfWritten", "Written", "Synced"];
                let point = step.point.as_str();
                [SENT, "Answered"].contains(&point) || step.save == 2 && unsaved.contains(&point)
            }
            Plan::After(_) => uses.len() == 2,
        };
        assert_eq!(uses.len(), 1 + usize::from(lost), "{about}");
        assert_eq!(good, !(lost && self.reuse == Reuse::Strict), "{about}");
        self.assert_intents(&uses, &about);

        self.assert_good(family, &outcomes[0], &about);
        let plan = match plan {
            Plan::At(Step { point, save: 0 }) => point.clone(),
            Plan::At(Step { point, save }) => format!("{point} of save {save}"),
            Plan::After(_) => "after a random time".to_owned(),
        };
        let outcome = if good { "good" } else { "interrupted" };
        *self.outcomes.entry((plan, outcome)).or_default() += 1;
    }

    /// A good credential is the issuer's newest, and the grant kept with it the one it takes next.
    fn assert_good(&mut self, family: u64, outcome: &Outcome, about: &str) {
        let Some((revision, token)) = outcome.given() else {
            return;
        };
        assert_eq!(token, self.world.issuer.access(family), "{about}");
        assert_eq!(token, access(family, 1), "{about}");
        let before = self.world.issuer.uses(family).len();
        self.asked += 1;
        self.waiters[0].renew(self.asked, KEY, Some(revision));
        let next = self.waiters[0].hear_renewed(self.asked);
        let (_, token) = next.given().unwrap_or_else(|| panic!("{next:?} after {about}"));
        assert_eq!(token, access(family, 2));
        let uses = self.world.issuer.uses(family);
        assert_eq!((uses.len(), &uses[before].token), (before + 1, &refresh(family, 1)));
    }

    /// Whoever sends has an intent on the disk: their own, or that of a process that was dead by
    /// then. A token is sent again only by somebody who found another's intent.
    fn assert_intents(&self, uses: &[Use], about: &str) {
        let mut seen = HashSet::new();
        for used in uses {
            let intent = used.intent.as_deref().unwrap_or_else(|| panic!("no intent: {about}"));
            let of = |pid: u32| intent.starts_with(&format!("process {pid} "));
            let own = of(used.pid);
            let killed = self.killed.iter().any(|(pid, at)| of(*pid) && used.at >= *at);
            assert!(own || killed, "sent beside a living process: {about}");
            let first = seen.insert(&used.token);
            assert!(first || !own, "sent again without a word: {about}");
        }
    }

    /// It opens, lists and loads, and nothing left behind shows a secret.
    fn store_is_whole(&self) {
        self.world.assert_ciphertext();
        let store = self.world.wait(self.world.place.open());
        let mut keys = self.world.wait(store.list()).unwrap();
        keys.sort_by_key(|key| key.reference().to_string());
        assert_eq!(keys, [key(KEY), key("issuer/other")]);
        for key in keys {
            let record = self.world.wait(store.load(&key)).unwrap().record.unwrap();
            assert!(record.grant.is_some() && record.intent.is_none(), "{record:?}");
        }
    }
}

/// Lets a process that has its lease go on to this step.
fn go_to(victim: &mut Agent, step: &Step) {
    if step.point != "Leased" {
        victim.say(&Order::Go);
        victim.hear_at(&step.point, step.save);
    }
}

fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap();
    f64::from(bits) / f64::from(u32::MAX)
}

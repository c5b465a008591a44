//! Whoever takes over is killed too, and somebody takes over from them.

use super::{KEY, Killing, Plan, go_to};
use crate::agent::Agent;
use crate::issuer::Reuse;
use crate::words::{SENT, Step};

#[test]
fn promise_7_a_second_kill_on_the_heels_of_the_first() {
    for reuse in [Reuse::Strict, Reuse::Grace] {
        let mut killing = Killing::new(reuse);
        for first in ["IntentSaved", "Answered"] {
            for second in SECOND {
                killing.twice(&Step::new(first, 0), &Step::new(second.0, second.1));
            }
        }
        println!("{reuse:?}: {} kills in pairs", 4 * SECOND.len());
    }
}

/// The intent is on the disk already: the first save is the result's.
const SECOND: [(&str, u8); 7] = [
    ("Leased", 0),
    ("Read", 0),
    (SENT, 0),
    ("Answered", 0),
    ("Synced", 1),
    ("Replaced", 1),
    ("Released", 0),
];

impl Killing {
    fn twice(&mut self, first: &Step, second: &Step) {
        let start = |step: &Step| self.victim(&Plan::At(step.clone()));
        let (mut one, mut two): (Agent, Agent) = (start(first).ready(), start(second).ready());
        let (family, revision) = self.world.sign_in(KEY);
        one.renew(0, KEY, Some(revision));
        one.hear_at("Leased", 0);
        two.renew(0, KEY, Some(revision));
        self.world.somebody_waits();
        go_to(&mut one, first);
        self.kill(one);
        two.hear_at("Leased", 0);
        self.waiters_ask(revision);
        go_to(&mut two, second);
        self.kill(two);
        let outcomes = self.outcomes();

        let uses = self.world.issuer.uses(family);
        let about = format!("{:?}, {first:?}, {second:?}: {outcomes:?}, {uses:#?}", self.reuse);
        self.assert_intents(&uses, &about);
        let spent = first.point == "Answered";
        let sent = !["Leased", "Read"].contains(&second.point.as_str());
        let unsaved = sent && !["Replaced", "Released"].contains(&second.point.as_str());
        let expected = usize::from(spent) + usize::from(sent) + usize::from(!sent || unsaved);
        assert_eq!(uses.len(), expected, "{about}");
        let lost = spent || unsaved;
        let good = outcomes[0].given().is_some();
        assert_eq!(good, !(lost && self.reuse == Reuse::Strict), "{about}");
        self.assert_good(family, &outcomes[0], &about);
        self.store_is_whole();
    }
}

//! Trying every order of a few actions.

use super::action::Action;
use super::ghost::Violation;
use super::subject::Subject;
use super::world::{Possible, World};

/// A promise that did not hold, and how it came to that.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
pub(super) struct Found {
    pub(super) violation: Violation,
    pub(super) path: Vec<Action>,
}

/// What was tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Orders of full length, no two alike.
    pub(super) interleavings: u64,
    /// Kinds of decision met.
    pub(super) met: u32,
}

/// Plays `actions` in order; those that cannot happen do not.
pub(super) fn play<S: Subject>(actions: &[Action]) -> Result<World<S>, Found> {
    let mut world = World::new();
    for (index, action) in actions.iter().enumerate() {
        world
            .step(*action)
            .map_err(|violation| Found { violation, path: actions[..=index].to_vec() })?;
    }
    Ok(world)
}

/// Tries every order of `depth` actions of `alphabet` that can happen after `before`.
pub(super) fn walk<S: Subject>(
    before: &[Action],
    alphabet: &[Action],
    depth: usize,
    tally: &mut Tally,
) -> Result<(), Found> {
    let world = play::<S>(before)?;
    let mut path = before.to_vec();
    deeper(&world, alphabet, depth, &mut path, tally)
}

fn deeper<S: Subject>(
    world: &World<S>,
    alphabet: &[Action],
    depth: usize,
    path: &mut Vec<Action>,
    tally: &mut Tally,
) -> Result<(), Found> {
    if depth == 0 {
        tally.interleavings += 1;
        tally.met |= world.met;
        return Ok(());
    }
    for &action in alphabet {
        let mut next = world.clone();
        path.push(action);
        match next.step(action) {
            Ok(Possible::Yes) => deeper(&next, alphabet, depth - 1, path, tally)?,
            Ok(Possible::No) => {}
            Err(violation) => {
                let path = path.clone();
                return Err(Found { violation, path });
            }
        }
        path.pop();
    }
    Ok(())
}

//! The promises one by one, as short stories, and what the exploration once found.

use std::time::Duration;

use credential_provider_api::{ErrorCode, State};

use super::action::{ASK, Action, End, FRESH, LOOK, SERVED, Wish};
use super::ghost::TUNING;
use super::walk::play;
use super::world::World;
use crate::entry::machine::{Answer, Ask, Due, Machine, Persistence, Rejection, Used, Withdrawal};

const TAKE_BACK: [Withdrawal; 7] = [
    Withdrawal::Invalidated,
    Withdrawal::ParentEnded,
    Withdrawal::ProviderChanged,
    Withdrawal::Revoked,
    Withdrawal::SessionEnded,
    Withdrawal::SignedIn,
    Withdrawal::SignedOut,
];

fn after(stories: &[&[Action]]) -> World<Machine> {
    play(&stories.concat()).unwrap()
}

fn asked(world: &mut World<Machine>, persistence: Persistence) -> Answer {
    let ask = Ask { now: world.now, min_validity: Duration::ZERO, persistence };
    world.subject.request(ask, &TUNING)
}

fn refused(answer: &Answer) -> Option<ErrorCode> {
    match answer {
        Answer::Fail(error) => Some(error.code()),
        _ => None,
    }
}

#[test]
fn promise_3_what_was_rejected_before_a_sign_in_and_what_after_it_are_not_served_again() {
    play::<Machine>(&[
        Action::Withdraw(Withdrawal::SignedIn),
        ASK,
        Action::End(End::Fresh(1)),
        Action::RejectServed,
        ASK,
        Action::Adopt,
        Action::RejectServed,
        Action::End(End::Again),
    ])
    .unwrap();
}

#[test]
fn promise_1_a_thousand_rejections_of_one_revision_force_one_flight() {
    let mut world = after(&[SERVED]);
    let revision = world.subject.revision().unwrap();
    let (mut withdrawn, mut flights) = (0, 0);
    for _ in 0..1000 {
        withdrawn += u32::from(world.subject.reject(revision) == Rejection::Withdrawn);
        let answer = asked(&mut world, Persistence::Respectful);
        flights += u32::from(matches!(answer, Answer::Start { .. }));
    }
    assert_eq!((withdrawn, flights), (1, 1));
}

#[test]
fn promise_1_whatever_a_forced_flight_came_to_the_next_is_a_pause_away() {
    for end in [FRESH, Action::End(End::Again), Action::End(End::Transient)] {
        let forced = [Action::RejectServed, ASK, end, Action::RejectServed];
        let mut world = after(&[SERVED, &forced]);
        world.now = world.now.plus(TUNING.forced_pause / 2);
        let answer = asked(&mut world, Persistence::Explicit);
        assert_eq!(refused(&answer), Some(ErrorCode::Rejected));
        world.now = world.now.plus(TUNING.forced_pause / 2);
        let answer = asked(&mut world, Persistence::Explicit);
        assert!(matches!(answer, Answer::Start { .. }), "{answer:?}");
    }
}

#[test]
fn promise_3_a_forced_flight_that_does_not_count_any_more_is_flown_again_at_once() {
    let forced = [Action::RejectServed, ASK, Action::Withdraw(Withdrawal::Invalidated), FRESH];
    let world = after(&[SERVED, &forced]);
    assert!(world.subject.is_flying(), "those who waited have asked again");
}

#[test]
fn promise_2_a_flight_outlives_the_callers_that_wait_for_it() {
    let mut world = after(&[&[ASK, Action::Cancel, FRESH]]);
    let answer = asked(&mut world, Persistence::Respectful);
    assert!(matches!(answer, Answer::Serve), "{answer:?}");
}

#[test]
fn promise_2_those_who_waited_for_an_answer_that_came_late_ask_again() {
    for withdrawal in [Withdrawal::Invalidated, Withdrawal::SignedIn] {
        let world = after(&[&[ASK, ASK, Action::Withdraw(withdrawal), FRESH]]);
        assert!(world.subject.is_flying());
        assert_eq!(world.ghost.waiters.len(), 1);
    }
}

#[test]
fn promise_3_what_a_sign_in_brought_is_served_while_an_old_flight_still_runs() {
    let mut world = after(&[&[ASK, Action::SignIn]]);
    assert!(world.subject.is_flying());
    let answer = asked(&mut world, Persistence::Respectful);
    assert!(matches!(answer, Answer::Serve), "{answer:?}");
}

#[test]
fn promise_3_who_signed_out_is_told_so_while_an_old_flight_still_runs() {
    let mut world = after(&[&[ASK, Action::Withdraw(Withdrawal::SignedOut)]]);
    let answer = asked(&mut world, Persistence::Respectful);
    assert_eq!(refused(&answer), Some(ErrorCode::NeedsReauth));
    let answer = asked(&mut world, Persistence::Explicit);
    assert!(matches!(answer, Answer::Drain), "{answer:?}");
}

#[test]
fn promise_3_a_source_with_nothing_newer_is_left_alone_for_half_of_what_is_left() {
    let ends = [Action::ToNextMoment, Action::ToNextMoment, ASK];
    let mut world = after(&[SERVED, &ends, &[Action::End(End::Unchanged)]]);
    let left = world.now.until(world.subject.until().unwrap());
    let next = world.now.plus(left / 2);
    let answer = asked(&mut world, Persistence::Respectful);
    assert!(matches!(answer, Answer::Serve), "{answer:?}");
    assert_eq!(world.subject.due(world.now, Used::Yes), Due::At(next));
    world.now = next;
    let answer = asked(&mut world, Persistence::Respectful);
    assert!(matches!(answer, Answer::Start { .. }), "{answer:?}");
}

#[test]
fn promise_3_a_source_that_is_well_again_is_not_backing_off() {
    let failing = [Action::ToNextMoment, LOOK, Action::End(End::Transient)];
    let well = [Action::ToNextMoment, LOOK, Action::End(End::Unchanged)];
    let world = after(&[SERVED, &failing, &well]);
    assert_eq!(world.subject.state(world.now), State::Active);
}

#[test]
fn promise_3_what_was_rejected_does_not_displace_what_a_sign_in_brought() {
    let again = [Action::RejectServed, ASK, Action::Adopt, Action::End(End::Again)];
    let world = after(&[&[Action::Withdraw(Withdrawal::SignedIn)], SERVED, &again]);
    assert_eq!(world.subject.revision(), world.ghost.record.map(|record| record.revision));
}

#[test]
fn promise_4_a_late_answer_counts_for_nothing_whatever_took_it_back() {
    for withdrawal in TAKE_BACK {
        for end in [FRESH, Action::End(End::Again), Action::End(End::Passing)] {
            let renewal = [Action::ToNextMoment, LOOK];
            let world = after(&[SERVED, &renewal, &[Action::Withdraw(withdrawal), end]]);
            assert_eq!(world.subject.revision(), None, "{withdrawal:?} {end:?}");
        }
    }
}

#[test]
fn promise_4_only_a_sign_in_or_another_provider_undoes_a_revocation() {
    for withdrawal in TAKE_BACK {
        let took = [Withdrawal::Revoked, withdrawal].map(Action::Withdraw);
        let mut world = after(&[SERVED, &took]);
        let undone = matches!(withdrawal, Withdrawal::SignedIn | Withdrawal::ProviderChanged);
        for persistence in [Persistence::Explicit, Persistence::Respectful] {
            let answer = asked(&mut world.clone(), persistence);
            let revoked = refused(&answer) == Some(ErrorCode::Revoked);
            assert_eq!(revoked, !undone, "{withdrawal:?} {answer:?}");
        }
        let answer = asked(&mut world, Persistence::Respectful);
        assert_eq!(matches!(answer, Answer::Start { .. }), undone, "{withdrawal:?}");
    }
}

#[test]
fn promise_5_an_answer_for_who_was_signed_in_before_is_never_served() {
    for again in [ASK, Action::Request(Wish::Explicit)] {
        let mut world = after(&[&[ASK, Action::SignIn]]);
        let own = world.subject.revision();
        world.step(FRESH).unwrap();
        world.step(again).unwrap();
        assert!(own.is_some());
        assert_eq!(world.subject.revision(), own);
    }
}

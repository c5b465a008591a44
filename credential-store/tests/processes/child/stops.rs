//! [`Stops`]: stops a renewal where the test wants it.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use credential_store::faults::{Faults, Point};

use super::say;
use crate::words::{SENT, Step, Stop, Word};

pub struct Stops {
    stop: Stop,
    state: Mutex<State>,
}

struct State {
    go: Receiver<()>,
    leased: bool,
    saves: u8,
}

impl Stops {
    pub fn new(stop: Stop, go: Receiver<()>) -> Self {
        Self { stop, state: Mutex::new(State { go, leased: false, saves: 0 }) }
    }

    pub fn at_sent(&self) {
        self.reached(Step::new(SENT, 0));
    }

    fn reached(&self, step: Step) {
        let parked = self.stop == Stop::At(step.clone());
        if parked || self.stop == Stop::Tell {
            say(&Word::At(step));
        }
        if parked {
            loop {
                std::thread::park();
            }
        }
    }
}

impl Faults for Stops {
    fn at(&self, point: Point) -> io::Result<()> {
        if self.stop == Stop::Never {
            return Ok(());
        }
        let save = {
            let mut state = self.state.lock().unwrap();
            if point == Point::Leased && !state.leased {
                state.leased = true;
                if self.stop != Stop::Tell {
                    say(&Word::At(Step::new("Leased", 0)));
                    state.go.recv().unwrap();
                    return Ok(());
                }
            }
            if !state.leased {
                return Ok(());
            }
            state.saves += u8::from(point == Point::TemporaryCreated);
            if of_a_save(point) { state.saves } else { 0 }
        };
        self.reached(Step::new(format!("{point:?}"), save));
        Ok(())
    }
}

const fn of_a_save(point: Point) -> bool {
    matches!(
        point,
        Point::TemporaryCreated
            | Point::HalfWritten
            | Point::Written
            | Point::Synced
            | Point::Replaced
            | Point::FolderSynced
            | Point::Journaled
    )
}

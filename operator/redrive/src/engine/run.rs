use std::{
    collections::BTreeMap,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{End, Job, Phase, Progress, Trouble, effort::Effort, session::session};
use crate::tally::Report;

/// What is wanted of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It moves letters.
    Run,
    /// It rests, and keeps its position.
    Suspend,
    /// It ends. What was moved stays moved.
    Cancel,
}

/// A Redrive that is being carried out, on a thread of its own. Dropped, it ends with the transaction under way, and can be carried
/// on by another run of the same Redrive, in this process or another.
#[derive(Debug)]
pub struct Run {
    shared: Arc<Shared>,
}

impl Run {
    /// Begins, or carries on. `on_change` is called on the run's thread when the phase has changed, and at most twice a second when
    /// letters have been processed.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn start(job: Job, wish: Wish, on_change: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(wish, Box::new(on_change)));
        let run = Self {
            shared: shared.clone(),
        };
        thread::Builder::new()
            .name("redrive".to_owned())
            .spawn(move || {
                let carried = catch_unwind(AssertUnwindSafe(|| carry(&job, &shared)));
                let end = carried.unwrap_or_else(|_| {
                    End::Failed(format!(
                        "a fault in Millrace ended the redrive of {}: create a new Redrive, which leaves out what was brought home, and report this",
                        job.topic
                    ))
                });
                shared.enter(Phase::Ended(end));
            })?;
        Ok(run)
    }

    /// Says what is wanted from now on.
    pub fn wish(&self, wish: Wish) {
        self.shared.lock().wish = wish;
        self.shared.changed.notify_all();
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.shared.lock().progress.clone()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.shared.lock().left = true;
        self.shared.changed.notify_all();
    }
}

/// What the thread of a run and those who watch it share.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    on_change: Mutex<Box<dyn Fn() + Send>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

#[derive(Debug)]
struct State {
    wish: Wish,
    left: bool,
    progress: Progress,
}

impl Shared {
    fn new(wish: Wish, on_change: Box<dyn Fn() + Send>) -> Self {
        Self {
            state: Mutex::new(State {
                wish,
                left: false,
                progress: Progress {
                    phase: Phase::Starting,
                    report: Report::default(),
                    partitions: BTreeMap::new(),
                    letters_per_second: 0.0,
                    seconds_left: None,
                },
            }),
            changed: Condvar::new(),
            on_change: Mutex::new(on_change),
        }
    }

    /// What is wanted; None once nobody holds the run any more.
    pub(super) fn wish(&self) -> Option<Wish> {
        let state = self.lock();
        (!state.left).then_some(state.wish)
    }

    /// Waits so long, or until something else is wanted.
    pub(super) fn rest(&self, wait: Duration) {
        let before = self.wish();
        let _state = self
            .changed
            .wait_timeout_while(self.lock(), wait, |state| {
                (!state.left).then_some(state.wish) == before
            })
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// Publishes how far the run has come.
    pub(super) fn publish(&self, progress: Progress) {
        self.change(|state| state.progress = progress);
    }

    /// Publishes what the run is doing, where that is something else than before.
    pub(super) fn enter(&self, phase: Phase) {
        if self.lock().progress.phase != phase {
            self.change(|state| state.progress.phase = phase);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        let on_change = self.on_change.lock();
        on_change.unwrap_or_else(PoisonError::into_inner)();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries the job out, trying again where that may help.
fn carry(job: &Job, shared: &Shared) -> End {
    let mut effort = Effort::default();
    loop {
        match shared.wish() {
            None => return End::Left,
            Some(Wish::Cancel) => return End::Cancelled,
            Some(_) => {}
        }
        let why = match session(job, shared, &mut effort) {
            Ok(end) => return end,
            Err(Trouble::Fenced) => return End::Left,
            Err(Trouble::Lost(why)) => return End::Failed(why),
            Err(Trouble::Refused(why)) if effort.is_in_vain() => return End::Failed(why),
            Err(Trouble::Refused(why) | Trouble::Passing(why)) => why,
        };
        shared.enter(Phase::Waiting(why));
        shared.rest(effort.next_pause());
    }
}

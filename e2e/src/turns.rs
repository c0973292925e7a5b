//! Which cases run beside each other, and which alone.
//!
//! A case that needs quiet has to wait until nothing else runs. To give way to each at once would empty the stage for each of
//! them; so they gather while the others run, and then take their turns one after the other.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Beside others.
    Shared,
    /// While nothing else runs.
    Alone,
}

/// The turns of all cases of a process.
pub struct Turns {
    stage: Mutex<Stage>,
    changed: Notify,
}

impl Turns {
    /// Nobody has a turn yet.
    pub const fn new() -> Self {
        Self {
            stage: Mutex::new(Stage::EMPTY),
            changed: Notify::const_new(),
        }
    }

    /// Waits for a turn; at most `most` shared ones run at a time.
    pub async fn wait(&'static self, manner: Manner, most: usize) -> Turn {
        self.stage().come(manner);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.stage().enter(manner, most) {
                return Turn {
                    turns: self,
                    manner,
                };
            }
            changed.await;
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, until it is dropped.
pub struct Turn {
    turns: &'static Turns,
    manner: Manner,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.stage().leave(self.manner);
        self.turns.changed.notify_waiters();
    }
}

/// Who runs and who waits.
#[derive(Debug)]
struct Stage {
    shared: usize,
    alone: bool,
    shared_waiting: usize,
    alone_waiting: usize,
    /// Whether the last to begin was one that runs alone: then the others that do come next.
    quiet: bool,
}

impl Stage {
    const EMPTY: Self = Self {
        shared: 0,
        alone: false,
        shared_waiting: 0,
        alone_waiting: 0,
        quiet: false,
    };

    fn come(&mut self, manner: Manner) {
        match manner {
            Manner::Shared => self.shared_waiting += 1,
            Manner::Alone => self.alone_waiting += 1,
        }
    }

    /// Begins a turn of one that waits, if it is its turn.
    fn enter(&mut self, manner: Manner, most: usize) -> bool {
        let may = match manner {
            Manner::Shared => {
                !self.alone && self.shared < most && !(self.quiet && self.alone_waiting > 0)
            }
            Manner::Alone => {
                !self.alone && self.shared == 0 && (self.quiet || self.shared_waiting == 0)
            }
        };
        if may {
            match manner {
                Manner::Shared => {
                    self.shared += 1;
                    self.shared_waiting -= 1;
                }
                Manner::Alone => {
                    self.alone = true;
                    self.alone_waiting -= 1;
                }
            }
            self.quiet = manner == Manner::Alone;
        }
        may
    }

    fn leave(&mut self, manner: Manner) {
        match manner {
            Manner::Shared => self.shared -= 1,
            Manner::Alone => self.alone = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Manner::*, *};

    fn waiting(shared: usize, alone: usize) -> Stage {
        Stage {
            shared_waiting: shared,
            alone_waiting: alone,
            ..Stage::EMPTY
        }
    }

    #[test]
    fn those_that_need_quiet_gather_and_then_follow_each_other() {
        let mut stage = waiting(3, 2);
        assert!(!stage.enter(Alone, 2), "others wait, and may begin");
        assert!(stage.enter(Shared, 2) && stage.enter(Shared, 2));
        assert!(!stage.enter(Shared, 2), "two at a time");
        stage.leave(Shared);
        assert!(stage.enter(Shared, 2), "the last of them");
        stage.leave(Shared);
        assert!(!stage.enter(Alone, 2), "one still runs");
        stage.leave(Shared);
        assert!(stage.enter(Alone, 2));
        stage.come(Shared);
        assert!(!stage.enter(Alone, 2) && !stage.enter(Shared, 2));
        stage.leave(Alone);
        assert!(!stage.enter(Shared, 2), "another that needs quiet is there");
        assert!(stage.enter(Alone, 2));
        stage.leave(Alone);
        assert!(stage.enter(Shared, 2));
    }

    #[tokio::test]
    async fn a_turn_ends_when_it_is_dropped() {
        static TURNS: Turns = Turns::new();
        let first = TURNS.wait(Alone, 6).await;
        let second = tokio::spawn(TURNS.wait(Shared, 6));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap().manner, Shared);
    }
}

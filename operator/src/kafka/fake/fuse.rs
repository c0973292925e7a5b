use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Ends a process at a chosen write: the call never returns, and neither does any other write after it. Clones share one fuse.
#[derive(Clone, Debug, Default)]
pub struct Fuse(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    left: Mutex<Option<usize>>,
    blown: Notify,
}

impl Fuse {
    /// Lets that many points be passed: one lies before and one after the effect of each write. None for any number.
    pub fn set(&self, points: Option<usize>) {
        *self.left() = points;
    }

    /// Passes a point, or never returns.
    pub async fn pass(&self) {
        let alive = match &mut *self.left() {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        if !alive {
            self.0.blown.notify_one();
            pending::<()>().await;
        }
    }

    /// Returns when the process has ended.
    pub async fn blown(&self) {
        self.0.blown.notified().await;
    }

    fn left(&self) -> MutexGuard<'_, Option<usize>> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

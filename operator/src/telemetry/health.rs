use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the process can do its work: admit resources and, if it leads, reconcile them. Clones share one answer, first no.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<AtomicBool>);

impl Health {
    /// From now on the answer is `ready`.
    pub fn set_ready(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// The answer.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

//! The audits of this process: each takes samples of a topic's records from time to time, and says which of them carry the id of a schema that is
//! registered under a subject.
//!
//! What was found lives in memory. A new start begins to count anew, with the newest records.

mod audit;
mod ids;

pub use audit::Audited;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::JoinSet;

use self::audit::Audit;
use crate::{
    conformance::Shown,
    registry::Registries,
    telemetry::Metrics,
    world::{Clusters, Waker},
};

/// Namespace and name of a Schema.
pub type Name = (String, String);

/// All audits, by their Schema.
pub struct Audits {
    running: Mutex<HashMap<Name, Running>>,
    clusters: Clusters,
    registries: Arc<dyn Registries>,
    waker: Waker,
    metrics: Metrics,
}

struct Running {
    audited: Audited,
    shown: Arc<Mutex<Option<Shown>>>,
    /// The task, which ends with this.
    _task: JoinSet<()>,
}

impl Audits {
    /// None yet. Whenever one comes to another verdict, `waker` wakes its Schema.
    pub fn new(
        clusters: Clusters,
        registries: Arc<dyn Registries>,
        waker: Waker,
        metrics: Metrics,
    ) -> Self {
        Self {
            running: Mutex::default(),
            clusters,
            registries,
            waker,
            metrics,
        }
    }

    /// What there is to tell of a Schema's audit; None before its first sample. It is begun if it does not run, and anew if something
    /// else is to be audited.
    pub fn of(&self, name: &Name, audited: Audited) -> Option<Shown> {
        let mut running = self.lock();
        if let Some(found) = running.get(name).filter(|found| found.audited == audited) {
            return peek(&found.shown).clone();
        }
        if let Some(before) = running.remove(name) {
            self.clear(name, &before);
        }
        let shown = Arc::<Mutex<Option<Shown>>>::default();
        let audit = Audit::new(
            name.clone(),
            audited.clone(),
            self.clusters.clone(),
            self.registries.at(&audited.registry_url),
            self.metrics.clone(),
        );
        let mut task = JoinSet::new();
        task.spawn(audit.run(shown.clone(), self.waker.clone()));
        let begun = Running {
            audited,
            shown,
            _task: task,
        };
        running.insert(name.clone(), begun);
        None
    }

    /// Ends a Schema's audit, if it has one.
    pub fn forget(&self, name: &Name) {
        if let Some(gone) = self.lock().remove(name) {
            self.clear(name, &gone);
        }
    }

    /// The Schemas that have an audit.
    pub fn names(&self) -> Vec<Name> {
        self.lock().keys().cloned().collect()
    }

    fn clear(&self, (namespace, name): &Name, gone: &Running) {
        let cluster = gone.audited.cluster.to_string();
        let schema = format!("{namespace}/{name}");
        self.metrics.conformance.forget(&cluster, &schema);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn peek(shown: &Mutex<Option<Shown>>) -> MutexGuard<'_, Option<Shown>> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The Redrives that move letters in this process: each has a thread of `millrace_redrive`, which reads, copies and commits.
//!
//! What a run has done is in Kafka. Nothing here has to survive: whoever leads starts the run again, and it goes on where it stood.

mod job;
mod report;

pub use job::{earlier, job};
pub use report::{Told, begun, given_up, never_begun, tell};

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use millrace_crds::RedrivePhase;
use millrace_redrive::engine::{self, End, Job, Phase, Progress, Run, Wish};
use tokio::time::Instant;

use crate::{
    kafka::{Credentials, KafkaError, connection_settings},
    world::{Wake, Waker},
};

/// Between two writes of how far a Redrive has come, while it does the same.
const TELL: Duration = Duration::from_secs(2);

/// The runs of this process, by the uid of their Redrive.
pub struct Redrives {
    runs: Mutex<HashMap<String, Carried>>,
    waker: Waker,
}

struct Carried {
    run: Run,
    /// When it was last told how far it had come, and in which phase.
    told: Option<(Instant, Option<RedrivePhase>)>,
}

impl Redrives {
    /// None yet. Whenever one has come further, `waker` wakes its resource.
    pub fn new(waker: Waker) -> Self {
        Self {
            runs: Mutex::default(),
            waker,
        }
    }

    /// How far the run has come; it is started with `job` if it is not there. None where it has just ended without being over: it
    /// has to be started again.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn carry(
        &self,
        (namespace, name): (&str, &str),
        uid: &str,
        wish: Wish,
        job: impl FnOnce() -> Job,
    ) -> io::Result<Option<Progress>> {
        let mut runs = self.lock();
        let run = match runs.get(uid) {
            Some(Carried { run, .. }) => {
                run.wish(wish);
                run
            }
            None => {
                let waker = self.waker.clone();
                let wake = Wake::Redrive(namespace.to_owned(), name.to_owned());
                let run = Run::start(job(), wish, move || waker.wake(wake.clone()))?;
                let carried = Carried { run, told: None };
                &runs.entry(uid.to_owned()).or_insert(carried).run
            }
        };
        let progress = run.progress();
        if progress.phase == Phase::Ended(End::Left) {
            runs.remove(uid);
            return Ok(None);
        }
        Ok(Some(progress))
    }

    /// How long it is not to be told yet how far the run has come; None where it is to be told now, which is noted.
    pub fn rests(&self, uid: &str, phase: Option<RedrivePhase>) -> Option<Duration> {
        let mut runs = self.lock();
        let carried = runs.get_mut(uid)?;
        let wait = carried
            .told
            .filter(|(_, before)| *before == phase)
            .and_then(|(when, _)| TELL.checked_sub(when.elapsed()));
        if wait.is_none() {
            carried.told = Some((Instant::now(), phase));
        }
        wait
    }

    /// Ends the run with the transaction under way, if there is one. It can be carried on.
    pub fn leave(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Carried>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For each partition of the dead-letter topic the first offset behind its letters.
///
/// # Errors
/// When Kafka does not answer.
pub async fn ends(
    credentials: &Credentials,
    topic: &str,
    partitions: i32,
) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let (connection, topic) = (connection_settings(credentials), topic.to_owned());
    let asked =
        tokio::task::spawn_blocking(move || engine::ends(&connection, &topic, partitions)).await;
    match asked {
        Ok(Ok(ends)) => Ok(ends),
        Ok(Err(trouble)) => Err(KafkaError::Unreachable(trouble.to_string())),
        Err(panic) => Err(KafkaError::Unreachable(panic.to_string())),
    }
}

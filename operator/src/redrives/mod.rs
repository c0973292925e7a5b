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
};

use millrace_redrive::engine::{self, End, Job, Phase, Progress, Run, Wish};

use crate::{
    kafka::{Credentials, KafkaError},
    world::{Wake, Waker},
};

/// The runs of this process, by the uid of their Redrive.
pub struct Redrives {
    runs: Mutex<HashMap<String, Run>>,
    waker: Waker,
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
            Some(run) => {
                run.wish(wish);
                run
            }
            None => {
                let waker = self.waker.clone();
                let wake = Wake::Redrive(namespace.to_owned(), name.to_owned());
                let run = Run::start(job(), wish, move || waker.wake(wake.clone()))?;
                runs.entry(uid.to_owned()).or_insert(run)
            }
        };
        let progress = run.progress();
        if progress.phase == Phase::Ended(End::Left) {
            runs.remove(uid);
            return Ok(None);
        }
        Ok(Some(progress))
    }

    /// Ends the run with the transaction under way, if there is one. It can be carried on.
    pub fn leave(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How librdkafka reaches a cluster, as its super user.
pub fn connection(credentials: &Credentials) -> BTreeMap<String, String> {
    let settings = [
        ("bootstrap.servers", &credentials.bootstrap_servers),
        ("ssl.ca.pem", &credentials.ca_pem),
        ("ssl.certificate.pem", &credentials.certificate_pem),
        ("ssl.key.pem", &credentials.key_pem),
    ];
    let mut connection: BTreeMap<String, String> = settings
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    connection.insert("security.protocol".to_owned(), "ssl".to_owned());
    connection
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
    let (connection, topic) = (connection(credentials), topic.to_owned());
    let asked =
        tokio::task::spawn_blocking(move || engine::ends(&connection, &topic, partitions)).await;
    match asked {
        Ok(Ok(ends)) => Ok(ends),
        Ok(Err(trouble)) => Err(KafkaError::Unreachable(trouble.to_string())),
        Err(panic) => Err(KafkaError::Unreachable(panic.to_string())),
    }
}

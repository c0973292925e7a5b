//! The replicas that a Deployment asks for, as a watch shows them: each change is one event, so changes can be counted and timed.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, watcher},
    },
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

/// How long the Deployment may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Other replicas than before were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// `spec.replicas` since.
    pub replicas: i32,
    /// When the watch showed it, by the clock of this machine.
    pub at: Timestamp,
}

/// A watch of one Deployment, from now on.
pub struct ReplicaWatch {
    changes: mpsc::UnboundedReceiver<Change>,
    task: JoinHandle<()>,
}

/// What a Deployment asks for.
pub fn replicas(deployment: &Deployment) -> i32 {
    let spec = deployment.spec.as_ref();
    spec.and_then(|spec| spec.replicas).unwrap_or_default()
}

impl ReplicaWatch {
    /// Begins to watch; the replicas that are asked for now are no change.
    ///
    /// # Errors
    /// When there is no such Deployment in half a minute.
    pub async fn start(client: &Client, namespace: &str, deployment: &str) -> Result<Self> {
        let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={deployment}"));
        let stream = watcher(api, config).default_backoff().applied_objects();
        let mut stream = stream.map_ok(|deployment| replicas(&deployment)).boxed();
        let mut last = timeout(PATIENCE, stream.try_next())
            .await
            .with_context(|| format!("there is no Deployment {namespace}/{deployment}"))??
            .context("the watch of Deployments has ended")?;
        let (sender, changes) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            // After an error the stream goes on from the last version seen.
            while let Some(event) = stream.next().await {
                let Ok(replicas) = event else { continue };
                let at = Timestamp::now();
                if replicas != last && sender.send(Change { replicas, at }).is_err() {
                    return;
                }
                last = replicas;
            }
        });
        Ok(Self { changes, task })
    }

    /// The next change; none at the deadline.
    ///
    /// # Errors
    /// When the watch has ended.
    pub async fn next(&mut self, deadline: Instant) -> Result<Option<Change>> {
        match timeout_at(deadline, self.changes.recv()).await {
            Ok(change) => Ok(Some(
                change.context("the watch of the Deployment has ended")?,
            )),
            Err(_) => Ok(None),
        }
    }

    /// The next change after which `test` holds for the replicas.
    ///
    /// # Errors
    /// When there is none in time, with the changes there were.
    pub async fn until(
        &mut self,
        what: &str,
        within: Duration,
        test: impl Fn(i32) -> bool,
    ) -> Result<Change> {
        let deadline = Instant::now() + within;
        let mut others = Vec::new();
        while let Some(change) = self.next(deadline).await? {
            if test(change.replicas) {
                return Ok(change);
            }
            others.push(change.replicas);
        }
        bail!("not within {within:?}: {what}. There were asked for: {others:?}")
    }

    /// The replicas of all changes that there are or come until `deadline`.
    ///
    /// # Errors
    /// When the watch has ended.
    pub async fn all_until(&mut self, deadline: Instant) -> Result<Vec<i32>> {
        let mut changes = Vec::new();
        while let Some(change) = self.next(deadline).await? {
            changes.push(change.replicas);
        }
        Ok(changes)
    }
}

impl Drop for ReplicaWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

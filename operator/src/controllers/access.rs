use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    context::Context,
    desire,
    kafka::KafkaError,
    plan::{self, KafkaStep},
    world::{ClusterKey, ViewState, Wake},
};

/// How long a pass waits for others that want one too.
const LINGER: Duration = Duration::from_millis(10);

type Request = (ClusterKey, oneshot::Sender<Result<(), KafkaError>>);
/// The receiving side of [`Access`], for [`run`].
pub type Requests = mpsc::UnboundedReceiver<Request>;

/// Asks for the ACLs of a cluster to be made as all resources together want them.
#[derive(Clone, Debug)]
pub struct Access(mpsc::UnboundedSender<Request>);

impl Access {
    /// A handle, and the requests made through it and its clones.
    pub fn new() -> (Self, Requests) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Returns when a pass that began after this call has ended.
    ///
    /// # Errors
    /// When Kafka refused an ACL or did not answer.
    pub async fn settle(&self, cluster: &ClusterKey) -> Result<(), KafkaError> {
        let stopped = || KafkaError::Unreachable("the operator is stopping".to_owned());
        let (sender, receiver) = oneshot::channel();
        self.0
            .send((cluster.clone(), sender))
            .map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }
}

/// Keeps the ACLs of all clusters as the resources want them: one pass serves all that asked in the meantime.
/// A pass looks at every resource, so what a deleted one was granted goes by itself.
pub async fn run(context: Arc<Context>, mut requests: Requests, shutdown: CancellationToken) {
    let mut wakes = context.world.waker.subscribe();
    let mut passes: JoinSet<ClusterKey> = JoinSet::new();
    let mut waiting: BTreeMap<ClusterKey, Vec<oneshot::Sender<Result<(), KafkaError>>>> =
        BTreeMap::new();
    let mut busy: BTreeSet<ClusterKey> = BTreeSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some((cluster, answer)) = requests.recv() => waiting.entry(cluster).or_default().push(answer),
            wake = wakes.recv() => match wake {
                Err(RecvError::Closed) => break,
                Ok(Wake::KafkaTopic(..) | Wake::KafkaGroups(..) | Wake::KafkaLayout(..) | Wake::KafkaQuotas(..) | Wake::Schema(..) | Wake::ClusterChild(..) | Wake::Limits(..)) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    for cluster in context.world.clusters.keys() {
                        waiting.entry(cluster).or_default();
                    }
                }
            },
            Some(done) = passes.join_next() => if let Ok(cluster) = done { busy.remove(&cluster); },
        }
        let ready: Vec<ClusterKey> = waiting
            .keys()
            .filter(|cluster| !busy.contains(*cluster))
            .cloned()
            .collect();
        for cluster in ready {
            let answers = waiting.remove(&cluster).unwrap_or_default();
            busy.insert(cluster.clone());
            passes.spawn(pass(context.clone(), cluster, answers));
        }
    }
    passes.join_all().await;
}

async fn pass(
    context: Arc<Context>,
    cluster: ClusterKey,
    answers: Vec<oneshot::Sender<Result<(), KafkaError>>>,
) -> ClusterKey {
    let outcome = settle(&context, &cluster).await;
    if let Err(error) = &outcome {
        warn!(%cluster, %error, "the ACLs could not be made as the resources want them");
    }
    for answer in answers {
        let _ = answer.send(outcome.clone());
    }
    cluster
}

async fn settle(context: &Context, cluster: &ClusterKey) -> Result<(), KafkaError> {
    tokio::time::sleep(LINGER).await;
    let Some(handle) = context.world.clusters.get(cluster) else {
        return Ok(());
    };
    let ViewState::Reachable(view) = handle.view() else {
        return Ok(());
    };
    let mut desired = desire::access::of(cluster, &context.world);
    desired.extend(desire::access::kept(cluster, &context.world, &view.acls));
    let steps = plan::access(&desired, &view.acls);
    for step in &steps {
        if let KafkaStep::CreateAcls(acls) | KafkaStep::DeleteAcls(acls) = step {
            info!(%cluster, created = matches!(step, KafkaStep::CreateAcls(_)), count = acls.len(), "changing ACLs");
        }
    }
    if steps.is_empty() {
        return Ok(());
    }
    handle.apply(steps).await.into_iter().collect()
}

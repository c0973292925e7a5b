use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
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
/// A pass that a change asks for begins no sooner after the last than that took times this: deciding about ten thousand
/// resources leaves nine tenths of a processor to others.
const REST_AFTER_CHANGE: u32 = 10;
/// The same for a pass that a reconcile waits for.
const REST_BEFORE_ANSWER: u32 = 3;
/// A pass that a change asks for begins no sooner after the last one: a burst of changes is one change.
const LEAST_REST_AFTER_CHANGE: Duration = Duration::from_millis(250);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(3);

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
    let mut passes: JoinSet<Passed> = JoinSet::new();
    let mut desks: BTreeMap<ClusterKey, Desk> = BTreeMap::new();
    loop {
        let now = Instant::now();
        let next = desks.values().filter_map(|desk| desk.due(now)).min();
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some((cluster, answer)) = requests.recv() => desks.entry(cluster).or_default().answers.push(answer),
            wake = wakes.recv() => match wake {
                Err(RecvError::Closed) => break,
                Ok(Wake::KafkaTopic(..) | Wake::KafkaGroups(..) | Wake::KafkaLayout(..) | Wake::KafkaQuotas(..) | Wake::Schema(..) | Wake::Redrive(..) | Wake::SchemaTexts(..) | Wake::ClusterChild(..) | Wake::Limits(..)) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    for cluster in context.world.clusters.keys() {
                        desks.entry(cluster).or_default().changed = true;
                    }
                }
            },
            Some(done) = passes.join_next() => if let Ok(passed) = done {
                desks.entry(passed.cluster).or_default().rest(passed.took);
            },
            () = sleep_until(next.unwrap_or(now)), if next.is_some() => {
                let now = Instant::now();
                for (cluster, desk) in &mut desks {
                    if desk.due(now).is_some_and(|due| due <= now) {
                        passes.spawn(pass(context.clone(), cluster.clone(), desk.begin()));
                    }
                }
            }
        }
        desks.retain(|cluster, desk| {
            !desk.is_idle() || context.world.clusters.get(cluster).is_some()
        });
    }
    passes.join_all().await;
}

type Answer = oneshot::Sender<Result<(), KafkaError>>;

/// Who waits for the next pass over one cluster, and when it may begin.
#[derive(Default)]
struct Desk {
    changed: bool,
    answers: Vec<Answer>,
    busy: bool,
    rested: Option<Rested>,
}

struct Rested {
    for_change: Instant,
    for_answer: Instant,
}

impl Desk {
    /// When the next pass may begin; None where nobody wants one, or one is under way.
    fn due(&self, now: Instant) -> Option<Instant> {
        let wanted = self.changed || !self.answers.is_empty();
        (wanted && !self.busy).then_some(match &self.rested {
            None => now,
            Some(rested) if self.answers.is_empty() => rested.for_change,
            Some(rested) => rested.for_answer,
        })
    }

    fn begin(&mut self) -> Vec<Answer> {
        self.busy = true;
        self.changed = false;
        std::mem::take(&mut self.answers)
    }

    fn rest(&mut self, took: Duration) {
        let now = Instant::now();
        self.busy = false;
        self.rested = Some(Rested {
            for_change: now
                + (took * REST_AFTER_CHANGE).clamp(LEAST_REST_AFTER_CHANGE, LONGEST_REST),
            for_answer: now + (took * REST_BEFORE_ANSWER).min(LONGEST_REST),
        });
    }

    fn is_idle(&self) -> bool {
        !self.busy && !self.changed && self.answers.is_empty()
    }
}

/// A pass that has ended, and how long it took to decide.
struct Passed {
    cluster: ClusterKey,
    took: Duration,
}

async fn pass(context: Arc<Context>, cluster: ClusterKey, answers: Vec<Answer>) -> Passed {
    let mut took = Duration::ZERO;
    let outcome = settle(&context, &cluster, &mut took).await;
    if let Err(error) = &outcome {
        warn!(%cluster, %error, "the ACLs could not be made as the resources want them");
    }
    for answer in answers {
        let _ = answer.send(outcome.clone());
    }
    Passed { cluster, took }
}

async fn settle(
    context: &Context,
    cluster: &ClusterKey,
    took: &mut Duration,
) -> Result<(), KafkaError> {
    sleep(LINGER).await;
    let Some(handle) = context.world.clusters.get(cluster) else {
        return Ok(());
    };
    let ViewState::Reachable(view) = handle.view() else {
        return Ok(());
    };
    let start = Instant::now();
    let mut desired = desire::access::of(cluster, &context.world);
    desired.extend(desire::access::kept(cluster, &context.world, &view.acls));
    let steps = plan::access(&desired, &view.acls);
    *took = start.elapsed();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_waits_in_proportion_to_what_a_pass_costs_and_an_answer_less() {
        let mut desk = Desk::default();
        assert_eq!(desk.due(Instant::now()), None);
        desk.changed = true;
        assert_eq!(
            desk.due(Instant::now()),
            Some(Instant::now()),
            "the first pass begins at once"
        );
        let (answer, _answered) = oneshot::channel();
        desk.begin();
        desk.changed = true;
        assert_eq!(desk.due(Instant::now()), None, "one pass at a time");
        desk.rest(Duration::from_millis(50));
        assert_eq!(
            desk.due(Instant::now()),
            Some(Instant::now() + Duration::from_millis(500))
        );
        desk.answers.push(answer);
        assert_eq!(
            desk.due(Instant::now()),
            Some(Instant::now() + Duration::from_millis(150))
        );
        desk.begin();
        desk.rest(Duration::from_secs(60));
        desk.changed = true;
        assert_eq!(
            desk.due(Instant::now()),
            Some(Instant::now() + LONGEST_REST)
        );
    }
}

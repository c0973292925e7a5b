use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use millrace_crds::{Redrive, RedrivePhase};
use millrace_redrive::engine::{Job, Wish};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    kafka_topic::{is_unseen, reachable},
    queue,
};
use crate::{
    apply,
    context::Context,
    error::Error,
    kafka::{ObservedTopic, connection_settings},
    plan::{self, Turn},
    redrives::{self, Redrives, Told},
    resolve::{self, Facts, Rejection, ResolvedRedrive},
    status::{self, Draft, reasons},
    world::{ClusterHandle, View, Wake, World},
};

/// Before one that was left is started again.
const AGAIN: Duration = Duration::from_secs(2);

/// Carries Redrives out until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let runs = Arc::new(Redrives::new(context.world.waker.clone()));
    let store = context.world.stores.redrives.clone();
    let reconcile = move |redrive, context| reconcile(redrive, context, runs.clone());
    queue::drive(context, store, concerns, reconcile, shutdown).await;
}

/// The Redrives that a change concerns.
fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<Redrive>> {
    let those = |concerned: &dyn Fn(&Redrive, &str) -> bool| {
        let redrives = world.stores.redrives.state();
        let concerned = redrives
            .iter()
            .filter(|redrive| !plan::is_over(redrive))
            .filter(|redrive| concerned(redrive, &redrive.namespace().unwrap_or_default()));
        concerned
            .map(|redrive| ObjectRef::from_obj(redrive.as_ref()))
            .collect()
    };
    match wake {
        Wake::Redrive(namespace, name) => {
            let own = ObjectRef::new(name).within(namespace);
            let redrive = world.stores.redrives.get(&own);
            let mut concerned = vec![own];
            // Its end is what those behind it wait for.
            if redrive.is_none_or(|redrive| plan::is_over(&redrive)) {
                concerned.extend(those(&|redrive, home| {
                    home == namespace && is_held(redrive)
                }));
            }
            concerned
        }
        Wake::Dlq(namespace, dlq) => {
            those(&|redrive, home| home == namespace && redrive.spec.dlq_ref.name == *dlq)
        }
        Wake::KafkaTopic(_, topic) => those(&|redrive, home| {
            let dlq = world.dlq(home, &redrive.spec.dlq_ref.name);
            dlq.is_some_and(|dlq| dlq.spec.topic_name.as_ref().unwrap_or(&dlq.name_any()) == topic)
        }),
        Wake::Topic(..) | Wake::Namespace(_) => those(&|redrive, _| is_held(redrive)),
        // After a start also those that run: they are carried on once Kafka has been looked at.
        Wake::Cluster(_) => those(&|_, _| true),
        Wake::ConsumerGroup(..)
        | Wake::Schema(..)
        | Wake::SchemaTexts(..)
        | Wake::ClusterChild(_)
        | Wake::KafkaAcls(_)
        | Wake::KafkaGroups(_)
        | Wake::KafkaLayout(_)
        | Wake::KafkaQuotas(_)
        | Wake::Limits(..) => Vec::new(),
    }
}

/// Whether something stands in the way of a Redrive, as far as its status says.
fn is_held(redrive: &Redrive) -> bool {
    let conditions = redrive.status.iter().flat_map(|status| &status.conditions);
    !conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

async fn reconcile(
    redrive: Arc<Redrive>,
    context: Arc<Context>,
    runs: Arc<Redrives>,
) -> Result<Action, Error> {
    if redrive.metadata.deletion_timestamp.is_some() || plan::is_over(&redrive) {
        leave(&runs, &redrive);
        return retire(&context, &redrive).await;
    }
    if resolve::paused(redrive.as_ref()) {
        leave(&runs, &redrive);
        status::pause(&context, redrive.as_ref(), redrive.status.as_ref()).await?;
        return Ok(Action::await_change());
    }
    let ground = match ground(&context, &redrive) {
        Ok(Some(ground)) => ground,
        Ok(None) => return Ok(Action::await_change()),
        Err(draft) => return hold(&context, &runs, &redrive, draft).await,
    };
    let redrive = match begin(&context, redrive.clone(), &ground).await? {
        Begun::Runs(redrive) => redrive,
        Begun::Ends(told) => return end(&context, &redrive, *told).await,
    };
    match carry(&runs, &redrive, || ground.job(&context, &redrive)) {
        Some(told) => tell(&context, &runs, &redrive, told).await,
        None => Ok(Action::requeue(AGAIN)),
    }
}

/// What a Redrive whose turn it is stands on.
struct Ground {
    desired: ResolvedRedrive,
    handle: ClusterHandle,
    view: Arc<View>,
    /// The dead-letter topic.
    topic: Arc<ObservedTopic>,
}

/// What the Redrive stands on, or why it cannot run now. None while that is not known yet.
fn ground(context: &Context, redrive: &Redrive) -> Result<Option<Ground>, Draft> {
    let away = |rejection: Rejection| rejection.draft("Ready");
    let desired = resolve::redrive(redrive, &context.world).map_err(away)?;
    if let Some(draft) = waits(context, redrive) {
        return Err(draft);
    }
    if is_unseen(context, &desired.cluster) {
        return Ok(None);
    }
    let (handle, view) = reachable(context, &desired.cluster).map_err(away)?;
    let name = desired.letters.as_str();
    let topic = view.topics.get(name).cloned().ok_or_else(|| {
        let what = format!("the dead-letter topic `{name}` is not there yet: waiting for its DLQ");
        Draft::unknown("Ready", reasons::PROGRESSING, what)
    })?;
    Ok(Some(Ground {
        desired,
        handle,
        view,
        topic,
    }))
}

impl Ground {
    fn job(&self, context: &Context, redrive: &Redrive) -> Job {
        let all = context.world.stores.redrives.state();
        let earlier = plan::earlier_redrives(redrive, &self.topic.id, &all)
            .into_iter()
            .map(redrives::earlier)
            .collect();
        let connection = connection_settings(self.handle.credentials());
        let letters = self.desired.letters.as_str();
        redrives::job(redrive, letters, connection, &self.view, earlier)
    }
}

/// Why it is not the Redrive's turn.
fn waits(context: &Context, redrive: &Redrive) -> Option<Draft> {
    match plan::redrive_turn(redrive, &context.world.stores.redrives.state()) {
        Turn::Its => None,
        Turn::After(other) => Some(Draft::no(
            "Ready",
            reasons::WAITING_FOR_TURN,
            format!(
                "Redrive {other} of the same DLQ is before it: it begins when that one has ended, `kubectl delete redrive {other}` or its `cancel: true` end it now"
            ),
        )),
    }
}

/// Whether a Redrive runs.
enum Begun {
    /// It has begun, as its status says.
    Runs(Arc<Redrive>),
    /// It is over before it runs.
    Ends(Box<Told>),
}

/// Writes down what must not change while the Redrive runs, before it runs.
async fn begin(context: &Context, redrive: Arc<Redrive>, ground: &Ground) -> Result<Begun, Error> {
    let ends = |told| Begun::Ends(Box::new(told));
    let before = redrive.status.as_ref();
    let letters = ground.desired.letters.as_str();
    let topic = &ground.topic;
    if let Some(id) = before.and_then(|status| status.topic_id.as_ref()) {
        return Ok(match *id == topic.id {
            true => Begun::Runs(redrive),
            false => ends(redrives::given_up(
                before,
                reasons::FAILED,
                format!(
                    "the dead-letter topic `{letters}` was deleted and made anew while letters were moved: create a new Redrive for what is in it now"
                ),
                Timestamp::now(),
            )),
        });
    }
    if redrive.spec.cancel {
        return Ok(ends(redrives::never_begun(before, Timestamp::now())));
    }
    let topics = context.world.stores.topics.state();
    let cluster = &ground.desired.cluster;
    let destinations =
        match resolve::redrive_destinations(&redrive, cluster, &topics, &context.world) {
            Ok(destinations) => destinations,
            Err(away) => {
                let now = Timestamp::now();
                return Ok(ends(redrives::given_up(
                    before,
                    away.reason,
                    away.message,
                    now,
                )));
            }
        };
    let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let until = redrives::ends(ground.handle.credentials(), letters, partitions).await?;
    let status = redrives::begun(&topic.id, &until, destinations, Timestamp::now());
    let draft = Draft::yes("Ready", reasons::REDRIVING, "it begins");
    let written = status::write(context, redrive.as_ref(), before, status, &[draft]).await?;
    Ok(Begun::Runs(
        written.map_or_else(|| redrive.clone(), Arc::new),
    ))
}

/// How far it has come, after it was started or told what is wanted; None where it has to be started again.
fn carry(runs: &Redrives, redrive: &Redrive, job: impl FnOnce() -> Job) -> Option<Told> {
    let (namespace, name) = (redrive.namespace().unwrap_or_default(), redrive.name_any());
    let wish = match (redrive.spec.cancel, redrive.spec.suspend) {
        (true, _) => Wish::Cancel,
        (false, true) => Wish::Suspend,
        (false, false) => Wish::Run,
    };
    let uid = redrive.uid().unwrap_or_default();
    match runs.carry((&namespace, &name), &uid, wish, job) {
        Ok(progress) => {
            let before = redrive.status.clone().unwrap_or_default();
            Some(redrives::tell(&before, &progress?, Timestamp::now()))
        }
        Err(error) => {
            warn!(%error, namespace, name, "no thread for a Redrive: trying again");
            None
        }
    }
}

/// Writes how far it has come, but not too often.
async fn tell(
    context: &Context,
    runs: &Redrives,
    redrive: &Redrive,
    told: Told,
) -> Result<Action, Error> {
    if told.status.completion_time.is_some() {
        leave(runs, redrive);
        return end(context, redrive, told).await;
    }
    let uid = redrive.uid().unwrap_or_default();
    if let Some(wait) = runs.rests(&uid, told.status.phase) {
        return Ok(Action::requeue(wait));
    }
    let old = redrive.status.as_ref();
    status::write(context, redrive, old, told.status, &[told.ready]).await?;
    Ok(Action::await_change())
}

/// It does not run now, and why. What has been done of it stays told.
async fn hold(
    context: &Context,
    runs: &Redrives,
    redrive: &Redrive,
    ready: Draft,
) -> Result<Action, Error> {
    leave(runs, redrive);
    let before = redrive.status.as_ref();
    let mut status = before.cloned().unwrap_or_default();
    status.phase.get_or_insert(RedrivePhase::Pending);
    status::write(context, redrive, before, status, &[ready]).await?;
    Ok(Action::await_change())
}

fn leave(runs: &Redrives, redrive: &Redrive) {
    runs.leave(&redrive.uid().unwrap_or_default());
}

/// Writes how it ended.
async fn end(context: &Context, redrive: &Redrive, told: Told) -> Result<Action, Error> {
    let old = redrive.status.as_ref();
    let ttl = redrive.spec.ttl_seconds_after_finished;
    status::write(context, redrive, old, told.status, &[told.ready]).await?;
    Ok(ttl.map_or_else(Action::await_change, |ttl| {
        Action::requeue(Duration::from_secs(u64::from(ttl.unsigned_abs())))
    }))
}

/// Deletes one that ended long enough ago, where its spec asks for that.
async fn retire(context: &Context, redrive: &Redrive) -> Result<Action, Error> {
    let ended = redrive
        .status
        .as_ref()
        .and_then(|status| status.completion_time.as_ref());
    let (Some(ended), Some(ttl)) = (ended, redrive.spec.ttl_seconds_after_finished) else {
        return Ok(Action::await_change());
    };
    let due = ended.0 + SignedDuration::from_secs(ttl.into());
    match Duration::try_from(due.duration_since(Timestamp::now())) {
        Ok(left) if !left.is_zero() => Ok(Action::requeue(left)),
        _ => {
            let namespace = redrive.namespace().unwrap_or_default();
            apply::delete::<Redrive>(context, &namespace, &redrive.name_any()).await?;
            Ok(Action::await_change())
        }
    }
}

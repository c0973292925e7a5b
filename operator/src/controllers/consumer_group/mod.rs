mod autoscale;
mod beginning;
mod deletion;
mod memory;
mod offsets;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use millrace_crds::{Binding, ConsumerGroup, ConsumerGroupStatus, GroupType, ScalingStatus};
use tokio_util::sync::CancellationToken;

use self::{
    autoscale::follow,
    beginning::begin,
    memory::{Memories, Memory},
    offsets::{Tended, tend},
};
use super::{
    kafka_topic::{is_unseen, reachable},
    queue,
};
use crate::{
    apply,
    context::Context,
    desire::binding,
    error::Error,
    kafka::KafkaError,
    lag,
    resolve::{self, Facts, Rejection, ResolvedGroup},
    status::{self, Draft, reasons},
    world::{ClusterKey, Wake, World},
};

/// The verdicts on a group's lag.
const VERDICTS: [&str; 5] = [
    "WithinObjective",
    "Stalled",
    "NoMembers",
    "Skewed",
    "OffsetsExpired",
];

/// Makes ConsumerGroups true until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let memories = Arc::new(Memories::default());
    let store = context.world.stores.groups.clone();
    let shared = memories.clone();
    let reconcile = move |group, context| reconcile(group, context, shared.clone());
    tokio::join!(
        queue::drive(
            context.clone(),
            store,
            concerns,
            reconcile,
            shutdown.clone()
        ),
        memories.forget_the_gone(&context, shutdown),
    );
}

/// The ConsumerGroups that a change concerns.
fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<ConsumerGroup>> {
    let that = |chosen: &dyn Fn(&ConsumerGroup, &str) -> bool| {
        let groups = world.stores.groups.state();
        let chosen = groups
            .iter()
            .filter(|group| chosen(group, &group.namespace().unwrap_or_default()));
        chosen
            .map(|group| ObjectRef::from_obj(group.as_ref()))
            .collect()
    };
    match wake {
        Wake::ConsumerGroup(namespace, name) => {
            // Another namespace's application of Kafka Streams has topics of its own.
            let mut those: Vec<_> = that(&|group, home| home != namespace && covers_names(group));
            those.push(ObjectRef::new(name).within(namespace));
            those
        }
        Wake::Cluster(cluster) | Wake::KafkaAcls(cluster) | Wake::KafkaGroups(cluster) => {
            that(&|group, home| ClusterKey::of(&group.spec.cluster_ref, home) == *cluster)
        }
        Wake::Namespace(namespace) => that(&|_, home| home == namespace),
        Wake::Topic(namespace, name) => that(&|group, home| {
            let mut named = group.spec.topics.iter().filter(|topic| {
                topic.name.as_ref() == Some(name)
                    && topic.namespace.as_deref().unwrap_or(home) == namespace
            });
            // Another namespace's topic under a prefix of this one ends the access.
            named.next().is_some() || (home != namespace && covers_names(group))
        }),
        Wake::Dlq(namespace, name) => that(&|group, home| {
            let dlq = group.spec.dlq_ref.as_ref();
            dlq.is_some_and(|dlq| {
                dlq.name == *name && dlq.namespace.as_deref().unwrap_or(home) == namespace
            })
        }),
        Wake::KafkaTopic(..)
        | Wake::KafkaLayout(_)
        | Wake::KafkaQuotas(_)
        | Wake::Schema(..)
        | Wake::Redrive(..)
        | Wake::ClusterChild(_)
        | Wake::SchemaTexts(..)
        | Wake::Limits(..) => Vec::new(),
    }
}

/// Whether the group has access to all topics whose names begin in some way.
fn covers_names(group: &ConsumerGroup) -> bool {
    let prefixes = || group.spec.topics.iter().any(|topic| topic.prefix.is_some());
    group.spec.kind == GroupType::Streams || prefixes()
}

async fn reconcile(
    group: Arc<ConsumerGroup>,
    context: Arc<Context>,
    memories: Arc<Memories>,
) -> Result<Action, Error> {
    if group.metadata.deletion_timestamp.is_some() {
        return deletion::release(&context, &group).await;
    }
    if resolve::paused(group.as_ref()) {
        status::pause(&context, group.as_ref(), group.status.as_ref()).await?;
        return Ok(Action::await_change());
    }
    let desired = match resolve::consumer_group(&group, &context.world) {
        Ok(desired) => desired,
        Err(rejection) => return refuse(&context, &memories, &group, &rejection).await,
    };
    if is_unseen(&context, &desired.cluster) {
        return Ok(Action::await_change());
    }
    let group = deletion::guard(&context, &group).await?;
    let now = Timestamp::now();
    let memory = memories.of(&context, &group, &desired).await;
    let mut memory = memory.lock().await;
    let (begins, unset) = begin(&context, &desired, &mut memory).await;
    let (access, failure) = access(&context, &desired, unset.is_none()).await;
    let binding = bind(&context, &group, &desired).await?;
    let verdicts = verdicts(&context, &group, &desired.cluster, &mut memory);
    let tended = tend(&context, &memories, &group, &desired, &mut memory, now).await?;
    let followed = follow(&context, &memories, &group, &mut memory, &tended, now).await?;
    let drafts = summed_up(access, begins, followed.drafts, verdicts, tended.draft());
    let status = describe(&group, &desired, &memory, followed.scaling, tended, binding);
    let before = group.status.as_ref();
    let (status, drafts) = lag::settle(before, status, drafts, now);
    status::write(&context, group.as_ref(), before, status, &drafts).await?;
    unset
        .or(failure)
        .map_or_else(|| Ok(Action::await_change()), |error| Err(error.into()))
}

/// Whether the ACLs asked for are in place; they are only asked for where they are not, and `may_ask`.
async fn access(
    context: &Context,
    desired: &ResolvedGroup,
    may_ask: bool,
) -> (Draft, Option<KafkaError>) {
    let (handle, view) = match reachable(context, &desired.cluster) {
        Ok(found) => found,
        Err(away) => return (away.draft("AccessGranted"), None),
    };
    let failure = match may_ask && !desired.grants.is_subset(&view.acls) {
        true => context.access.settle(&desired.cluster).await.err(),
        false => None,
    };
    (
        status::access(&desired.grants, &handle.view(), failure.as_ref()),
        failure,
    )
}

fn verdicts(
    context: &Context,
    group: &ConsumerGroup,
    cluster: &ClusterKey,
    memory: &mut Memory,
) -> Vec<Draft> {
    if let Err(away) = reachable(context, cluster) {
        return VERDICTS.map(|kind| away.draft(kind)).into();
    }
    let looked = memory.look(context, group);
    match memory.seen.as_ref().filter(|_| looked) {
        Some((_, lag)) => memory
            .verdicts
            .drafts(lag, f64::from(group.spec.objective.lag_seconds)),
        None => VERDICTS
            .map(|kind| {
                Draft::unknown(
                    kind,
                    reasons::LAG_UNKNOWN,
                    "the group's offsets have not been read yet",
                )
            })
            .into(),
    }
}

fn describe(
    group: &ConsumerGroup,
    desired: &ResolvedGroup,
    memory: &Memory,
    scaling: Option<ScalingStatus>,
    tended: Tended,
    binding: Option<Binding>,
) -> ConsumerGroupStatus {
    let before = group.status.clone().unwrap_or_default();
    let seen = memory.seen.as_ref();
    let description = seen.map(|(snapshot, _)| &snapshot.description);
    ConsumerGroupStatus {
        group_id: Some(desired.group_id.as_str().to_owned()),
        state: description
            .map(|description| description.state.clone())
            .or(before.state),
        members: description
            .and_then(|description| i32::try_from(description.members.len()).ok())
            .or(before.members),
        lag: seen.and_then(|(_, lag)| lag::report(lag)).or(before.lag),
        scaling,
        offset_reset: tended.reset,
        kept_offsets: tended.kept,
        binding,
        ..ConsumerGroupStatus::default()
    }
}

/// All conditions, with `Ready` out of access, beginning and workload; the verdicts and a reset are no part of it.
fn summed_up(
    access: Draft,
    begins: Option<Draft>,
    workload: Vec<Draft>,
    verdicts: Vec<Draft>,
    reset: Option<Draft>,
) -> Vec<Draft> {
    let parts: Vec<Draft> = [access]
        .into_iter()
        .chain(begins)
        .chain(
            workload
                .iter()
                .filter(|draft| draft.kind == "ScaleTargetFound")
                .cloned(),
        )
        .collect();
    let ready = status::ready(&parts);
    let contested = workload
        .into_iter()
        .filter(|draft| draft.kind != "ScaleTargetFound");
    parts
        .into_iter()
        .chain(contested)
        .chain(verdicts)
        .chain(reset)
        .chain([ready])
        .collect()
}

async fn refuse(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    rejection: &Rejection,
) -> Result<Action, Error> {
    memories
        .forget(
            context,
            &group.namespace().unwrap_or_default(),
            &group.name_any(),
        )
        .await;
    let drafts = ["AccessGranted", "Ready"].map(|kind| rejection.draft(kind));
    let status = group.status.clone().unwrap_or_default();
    status::write(context, group, group.status.as_ref(), status, &drafts).await?;
    Ok(Action::await_change())
}

/// The ConfigMap for the consumers; none where the cluster cannot be connected to yet.
async fn bind(
    context: &Context,
    group: &ConsumerGroup,
    desired: &ResolvedGroup,
) -> Result<Option<Binding>, Error> {
    let cluster = context
        .world
        .cluster(&desired.cluster)
        .zip(context.world.clusters.get(&desired.cluster));
    let config_map = cluster.and_then(|(cluster, handle)| {
        binding::consumer_group(group, desired, &cluster, &handle.credentials().ca_pem)
    });
    let Some(config_map) = config_map else {
        return Ok(None);
    };
    apply::binding(context, &config_map).await?;
    Ok(Some(Binding {
        name: config_map.name_any(),
    }))
}

use std::{collections::BTreeSet, sync::Arc};

use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use millrace_crds::{Binding, ManagementPolicy, PartitionStatus, Topic, TopicStatus};
use tokio_util::sync::CancellationToken;

use super::{
    kafka_topic::{self, Converged, Ownership, conclude, converge, ownership},
    queue,
    topic_skew::with_skew,
};
use crate::{
    apply,
    context::Context,
    desire::binding,
    error::Error,
    kafka::ObservedTopic,
    resolve::{self, Facts, Rejection, ResolvedTopic},
    status::{self, Draft},
    world::{ClusterKey, Wake, World},
};

/// Keeps a topic with `deletionPolicy: Delete` from being forgotten before it is gone from Kafka.
const FINALIZER: &str = "millrace.dev/topic";
/// Partitions whose place is written to status.
const LAYOUT_SHOWN: usize = 64;

/// Makes Topics true until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let store = context.world.stores.topics.clone();
    queue::drive(context, store, concerns, reconcile, shutdown).await;
}

/// The Topics that a change concerns.
fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<Topic>> {
    let of = |cluster: &ClusterKey| {
        world
            .stores
            .topics
            .state()
            .iter()
            .filter(|t| on(cluster, t))
            .map(|t| ObjectRef::from_obj(t.as_ref()))
            .collect()
    };
    match wake {
        Wake::Topic(namespace, name) => vec![ObjectRef::new(name).within(namespace)],
        Wake::Cluster(cluster) => of(cluster),
        Wake::Limits(cluster, namespace) => {
            let waiting = world.holdings.waiting(cluster, namespace, "Topic");
            let named = waiting.iter().map(|name| ObjectRef::new(name));
            named.map(|topic| topic.within(namespace)).collect()
        }
        Wake::KafkaTopic(cluster, topic) => {
            let claimants = world.claimants(cluster, &resolve::Name::Topic(topic.clone()));
            claimants
                .iter()
                .filter(|c| c.kind == "Topic")
                .map(|c| ObjectRef::new(&c.name).within(&c.namespace))
                .collect()
        }
        Wake::Namespace(namespace) => {
            let topics = world.stores.topics.state();
            topics
                .iter()
                .filter(|t| t.namespace().as_ref() == Some(namespace))
                .map(|t| ObjectRef::from_obj(t.as_ref()))
                .collect()
        }
        Wake::KafkaGroups(cluster) => {
            let topics = world.stores.topics.state();
            let waiting = topics
                .iter()
                .filter(|t| awaits_offsets(t) && on(cluster, t));
            waiting.map(|t| ObjectRef::from_obj(t.as_ref())).collect()
        }
        Wake::Dlq(..)
        | Wake::Redrive(..)
        | Wake::ConsumerGroup(..)
        | Wake::Schema(..)
        | Wake::SchemaTexts(..)
        | Wake::KafkaAcls(_)
        | Wake::KafkaLayout(_)
        | Wake::KafkaQuotas(_)
        | Wake::ClusterChild(_) => Vec::new(),
    }
}

fn on(cluster: &ClusterKey, topic: &Topic) -> bool {
    let home = topic.namespace().unwrap_or_default();
    ClusterKey::of(&topic.spec.cluster_ref, &home) == *cluster
}

/// Whether the topic was made again and its readers' offsets are not known to fit it.
fn awaits_offsets(topic: &Topic) -> bool {
    topic.status.as_ref().is_some_and(|status| {
        let mut conditions = status.conditions.iter();
        conditions.any(|c| c.type_ == status::GROUP_OFFSETS_VALID && c.status != "True")
    })
}

async fn reconcile(topic: Arc<Topic>, context: Arc<Context>) -> Result<Action, Error> {
    let resolved = resolve::topic(&topic, &context.world);
    if topic.metadata.deletion_timestamp.is_some() {
        return release(&context, &topic, resolved).await;
    }
    if resolve::paused(topic.as_ref()) {
        status::pause(&context, topic.as_ref(), topic.status.as_ref()).await?;
        return Ok(Action::await_change());
    }
    let desired = match resolved {
        Ok(desired) => desired,
        Err(rejection) => return refuse(&context, &topic, &rejection).await,
    };
    if kafka_topic::is_unseen(&context, &desired.cluster) {
        return Ok(Action::await_change());
    }
    let topic = apply::finalizer(&context, &topic, FINALIZER, desired.delete).await?;
    let ownership = ownership(&context, topic.as_ref(), &desired, recorded).await?;
    let owned = ownership != Ownership::Foreign;
    let converged = converge(&context, topic.as_ref(), &desired, owned).await?;
    let binding = bind(&context, &topic, &desired).await?;
    let status = describe(&topic, &desired, &converged, binding);
    let drafts = summed_up(&context, &topic, &desired, &converged);
    let before = topic.status.as_ref();
    status::write(&context, topic.as_ref(), before, status, &drafts).await?;
    conclude(&context, topic.as_ref(), &desired, &converged, recorded);
    converged
        .failure
        .map_or_else(|| Ok(Action::await_change()), |error| Err(error.into()))
}

fn recorded(topic: &Topic) -> Option<&str> {
    topic.status.as_ref()?.topic_name.as_deref()
}

/// What is known of the topic; what cannot be seen now stays as it was seen last.
fn describe(
    topic: &Topic,
    desired: &ResolvedTopic,
    converged: &Converged,
    binding: Option<Binding>,
) -> TopicStatus {
    let before = topic.status.clone().filter(|_| converged.mine);
    let before = before.unwrap_or_default();
    let seen = converged.observed.as_ref().filter(|_| converged.mine);
    let named = TopicStatus {
        topic_name: seen
            .map(|_| desired.name.as_str().to_owned())
            .or(before.topic_name),
        binding,
        plan: converged.plan.clone(),
        ..before
    };
    match &converged.observed {
        None => named,
        Some(observed) => TopicStatus {
            topic_id: Some(observed.id.clone()),
            partitions: i32::try_from(observed.partitions.len()).ok(),
            replicas: i32::try_from(observed.replication_factor()).ok(),
            layout: match converged.reassignment {
                Some(_) if !named.layout.is_empty() => named.layout,
                _ => layout(observed),
            },
            reassignment: converged.reassignment.clone(),
            ..named
        },
    }
}

fn layout(observed: &ObservedTopic) -> Vec<PartitionStatus> {
    let numbered = (0..).zip(observed.partitions.iter().take(LAYOUT_SHOWN));
    numbered
        .map(|(partition, p)| PartitionStatus {
            partition,
            replicas: p.replicas.clone(),
        })
        .collect()
}

fn summed_up(
    context: &Context,
    topic: &Topic,
    desired: &ResolvedTopic,
    converged: &Converged,
) -> Vec<Draft> {
    let parts = [converged.synced.clone(), converged.access.clone()];
    let ready = status::ready(&parts);
    let handle = context.world.clusters.get(&desired.cluster);
    let offsets = handle.and_then(|handle| {
        status::group_offsets(
            desired.name.as_str(),
            topic.status.as_ref(),
            converged.observed.as_deref(),
            &handle.groups(),
            || readers(context, desired),
        )
    });
    let drafts = parts.into_iter().chain([ready]).chain(offsets);
    let drafts: Vec<Draft> = drafts.chain(converged.balanced.clone()).collect();
    with_skew(context, topic, desired, converged, drafts)
}

/// Ids of the groups whose resources read the topic.
fn readers(context: &Context, desired: &ResolvedTopic) -> BTreeSet<String> {
    let groups = context.world.stores.groups.state();
    let resolved = groups
        .iter()
        .filter_map(|group| resolve::consumer_group(group, &context.world).ok());
    resolved
        .filter(|group| group.cluster == desired.cluster && group.topics.contains(&desired.name))
        .map(|group| group.group_id.as_str().to_owned())
        .collect()
}

async fn refuse(context: &Context, topic: &Topic, rejection: &Rejection) -> Result<Action, Error> {
    let drafts = ["Synced", "AccessGranted", "Ready"].map(|kind| rejection.draft(kind));
    let status = topic.status.clone().unwrap_or_default();
    status::write(context, topic, topic.status.as_ref(), status, &drafts).await?;
    Ok(Action::await_change())
}

/// The ConfigMap for the producers; none where nobody produces, or the cluster cannot be connected to yet.
async fn bind(
    context: &Context,
    topic: &Topic,
    desired: &ResolvedTopic,
) -> Result<Option<Binding>, Error> {
    if desired.management == ManagementPolicy::Observe {
        let before = topic.status.as_ref();
        return Ok(before.and_then(|status| status.binding.clone()));
    }
    if topic.spec.producers.is_empty() {
        return Ok(None);
    }
    let Some((cluster, handle)) = context
        .world
        .cluster(&desired.cluster)
        .zip(context.world.clusters.get(&desired.cluster))
    else {
        return Ok(None);
    };
    let Some(config_map) = binding::topic(topic, desired, &cluster, &handle.credentials().ca_pem)
    else {
        return Ok(None);
    };
    apply::binding(context, &config_map).await?;
    Ok(Some(Binding {
        name: config_map.name_any(),
    }))
}

/// Deletes the topic where that is wanted and safe, and lets the resource go.
async fn release(
    context: &Context,
    topic: &Arc<Topic>,
    resolved: Result<ResolvedTopic, Rejection>,
) -> Result<Action, Error> {
    let resolved = resolved.as_ref().ok();
    if let Err(stays) = kafka_topic::delete(context, topic.as_ref(), resolved, recorded).await {
        refuse(context, topic, &stays.rejection()).await?;
        return stays.again();
    }
    apply::finalizer(context, topic, FINALIZER, false).await?;
    Ok(Action::await_change())
}

mod carry_out;
mod delete;
mod observe;
mod ownership;

pub use delete::delete;
pub use ownership::{Ownership, ownership};

use std::{collections::BTreeSet, sync::Arc};

use kube::Resource;
use millrace_crds::{ManagementPolicy, ReassignmentStatus};

use self::{carry_out::carry_out, observe::observe};
use crate::{
    context::Context,
    desire::layout,
    error::Error,
    kafka::{KafkaError, ObservedTopic, Reassignment, TopicPartition},
    plan::{self, Blocked, KafkaStep},
    resolve::{Facts, Rejection, ResolvedTopic},
    status::{Draft, State, balanced, is_ready, reasons, reassigning},
    world::{ClusterHandle, ClusterKey, View, ViewState},
};

/// What became of a topic and of the access its resource asks for.
#[derive(Debug)]
pub struct Converged {
    /// The topic as Kafka has it now, if it is this resource's.
    pub observed: Option<Arc<ObservedTopic>>,
    /// Whether the topic is, or shall be, this resource's.
    pub mine: bool,
    /// Whether Kafka is as the spec says.
    pub synced: Draft,
    /// Whether its replicas lie well.
    pub balanced: Option<Draft>,
    /// The move of replicas that is under way.
    pub reassignment: Option<ReassignmentStatus>,
    /// Whether the ACLs asked for are in place.
    pub access: Draft,
    /// What would be done, where the topic is only observed.
    pub plan: Vec<String>,
    /// Whether Kafka failed in a way that another try may mend.
    pub failure: Option<KafkaError>,
}

/// Makes the dead-letter or other topic of a resource as desired. `owned` says that the resource has managed it before.
///
/// # Errors
/// When it could not be written down that a topic is about to be made. It was not made then.
pub async fn converge<K>(
    context: &Context,
    object: &K,
    desired: &ResolvedTopic,
    owned: bool,
) -> Result<Converged, Error>
where
    K: Resource<DynamicType = ()>,
{
    let (handle, before) = match reachable(context, &desired.cluster) {
        Ok(found) => found,
        Err(away) => {
            return Ok(Converged {
                observed: None,
                mine: owned,
                synced: away.draft("Synced"),
                balanced: None,
                reassignment: None,
                access: away.draft("AccessGranted"),
                plan: Vec::new(),
                failure: None,
            });
        }
    };
    if desired.management == ManagementPolicy::Observe {
        return Ok(observe(desired, &before, owned));
    }
    let name = desired.name.as_str();
    let plan = plan::topic(
        desired,
        before.topics.get(name).map(AsRef::as_ref),
        &before.cluster,
        owned,
    );
    if plan
        .steps
        .iter()
        .any(|step| matches!(step, KafkaStep::CreateTopic(_)))
    {
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        context
            .creations
            .announce(&desired.cluster, uid, name)
            .await?;
    }
    let failure = carry_out(&handle, plan.steps).await.err();
    let mine = !plan
        .blocked
        .iter()
        .any(|blocked| blocked.reason == reasons::NOT_ADOPTED);
    let observed = match handle.view() {
        ViewState::Reachable(view) if mine => view.topics.get(name).cloned(),
        _ => None,
    };
    let moves = context.world.layouts.topic(&desired.cluster, name);
    let (unmoved, balanced) = lies(desired, observed.as_deref(), &handle.view());
    let synced = match synced(name, failure.as_ref(), plan.blocked.first()) {
        synced if synced.state == State::True && unmoved > 0 => {
            reassigning(name, unmoved, moves.as_ref())
        }
        synced => synced,
    };
    let (access, refused) = match mine {
        true => access(context, &handle, desired).await,
        false => (
            Draft {
                kind: "AccessGranted",
                ..synced.clone()
            },
            None,
        ),
    };
    Ok(Converged {
        observed,
        mine,
        synced,
        balanced,
        reassignment: moves.filter(|_| unmoved > 0).map(|moves| moves.progress),
        access,
        plan: Vec::new(),
        failure: failure.or(refused),
    })
}

/// Says that what was announced is over, once the status is written: the topic's name stands there, or Kafka refused to make
/// it. Where it cannot be told whether it was made, the announcement stays.
pub fn conclude<K>(
    context: &Context,
    object: &K,
    desired: &ResolvedTopic,
    converged: &Converged,
    recorded: fn(&K) -> Option<&str>,
) where
    K: Resource<DynamicType = ()>,
{
    let untold = |failure: &KafkaError| match failure {
        KafkaError::Unreachable(_) => true,
        refused @ KafkaError::Refused { .. } => refused.is("REQUEST_TIMED_OUT"),
    };
    let told = converged.observed.is_some() || !converged.failure.as_ref().is_some_and(untold);
    if told && recorded(object) != Some(desired.name.as_str()) {
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        context.creations.over(&desired.cluster, uid);
    }
}

/// How many partitions are not where they shall be, and whether their replicas lie well.
fn lies(
    desired: &ResolvedTopic,
    observed: Option<&ObservedTopic>,
    view: &ViewState,
) -> (usize, Option<Draft>) {
    let (Some(observed), ViewState::Reachable(view)) = (observed, view) else {
        return (0, None);
    };
    let (name, brokers) = (desired.name.as_str(), &view.cluster.brokers);
    let settled = layout::settled(name, observed, &view.reassignments);
    let replicas = layout::replicas(desired, &settled, &view.cluster);
    let flaw = layout::flaw(name, brokers, &settled, replicas);
    let mut left: BTreeSet<TopicPartition> = unmoved(desired, observed, view)
        .into_iter()
        .map(|to| to.partition)
        .collect();
    // A partition that only gets replicas more has them at once, long before they are copied.
    let moving = view.reassignments.keys().filter(|at| &*at.topic == name);
    left.extend(moving.cloned());
    (left.len(), Some(balanced(flaw)))
}

/// The partitions whose replicas are not where they shall be, and where that is.
fn unmoved(desired: &ResolvedTopic, observed: &ObservedTopic, view: &View) -> Vec<Reassignment> {
    let wanted = layout::wanted(desired, observed, &view.reassignments, &view.cluster);
    (0..)
        .zip(observed.partitions.iter().zip(wanted.into_iter().flatten()))
        .filter(|(_, (present, wanted))| present.replicas != *wanted)
        .map(|(partition, (_, replicas))| Reassignment {
            partition: TopicPartition {
                topic: desired.name.as_str().into(),
                partition,
            },
            replicas,
        })
        .collect()
}

/// Whether this operator has not looked at the cluster yet, as right after its start. What a status says stays until it has: a
/// restart is nothing that happened to the resource.
pub fn is_unseen(context: &Context, cluster: &ClusterKey) -> bool {
    match context.world.clusters.get(cluster) {
        Some(handle) => matches!(handle.view(), ViewState::Pending),
        // A cluster that was up is about to be looked at.
        None => {
            let found = context.world.cluster(cluster);
            found.is_some_and(|found| is_ready(found.status.as_ref()))
        }
    }
}

/// The cluster's handle and view, or why there is none.
pub fn reachable(
    context: &Context,
    cluster: &ClusterKey,
) -> Result<(ClusterHandle, Arc<View>), Rejection> {
    let not_up = || {
        Rejection::unknown(
            reasons::CLUSTER_NOT_READY,
            format!("KafkaCluster {cluster} is not up yet: waiting for it"),
        )
    };
    let handle = context.world.clusters.get(cluster).ok_or_else(not_up)?;
    match handle.view() {
        ViewState::Reachable(view) => Ok((handle, view)),
        ViewState::Pending => Err(not_up()),
        ViewState::Unreachable { message } => Err(Rejection::unknown(
            reasons::KAFKA_UNREACHABLE,
            format!(
                "KafkaCluster {cluster} does not answer ({message}): nothing is changed until it does"
            ),
        )),
    }
}

fn synced(name: &str, failure: Option<&KafkaError>, blocked: Option<&Blocked>) -> Draft {
    match (failure, blocked) {
        (Some(error @ KafkaError::Unreachable(_)), _) => {
            Draft::unknown("Synced", reasons::KAFKA_UNREACHABLE, error.to_string())
        }
        (Some(error), _) => Draft::no(
            "Synced",
            reasons::KAFKA_REFUSED,
            format!("topic `{name}`: Kafka refused: {error}"),
        ),
        (None, Some(blocked)) => Draft::no("Synced", blocked.reason, &blocked.message),
        (None, None) => Draft::yes(
            "Synced",
            reasons::SYNCED,
            format!("topic `{name}` in Kafka is as the spec says"),
        ),
    }
}

async fn access(
    context: &Context,
    handle: &ClusterHandle,
    desired: &ResolvedTopic,
) -> (Draft, Option<KafkaError>) {
    let granted = |view: &ViewState| matches!(view, ViewState::Reachable(view) if desired.grants.is_subset(&view.acls));
    let failure = match granted(&handle.view()) {
        true => None,
        false => context.access.settle(&desired.cluster).await.err(),
    };
    (
        crate::status::access(&desired.grants, &handle.view(), failure.as_ref()),
        failure,
    )
}

use std::{fmt::Debug, sync::Arc};

use kube::{Api, Resource, ResourceExt, core::NamespaceResourceScope};
use millrace_crds::ReassignmentStatus;
use serde::de::DeserializeOwned;

use crate::{
    context::Context,
    desire::layout,
    error::Error,
    kafka::{KafkaError, ObservedTopic},
    plan::{self, Blocked, KafkaStep},
    resolve::{Claimant, Facts, Name, Rejection, ResolvedTopic},
    status::{Draft, State, balanced, reasons, reassigning},
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
    /// Whether Kafka failed in a way that another try may mend.
    pub failure: Option<KafkaError>,
}

/// Makes the dead-letter or other topic of a resource as desired. `owned` says that the resource has managed it before.
pub async fn converge(context: &Context, desired: &ResolvedTopic, owned: bool) -> Converged {
    let (handle, before) = match reachable(context, &desired.cluster) {
        Ok(found) => found,
        Err(away) => {
            return Converged {
                observed: None,
                mine: owned,
                synced: away.draft("Synced"),
                balanced: None,
                reassignment: None,
                access: away.draft("AccessGranted"),
                failure: None,
            };
        }
    };
    let name = desired.name.as_str();
    let plan = plan::topic(
        desired,
        before.topics.get(name).map(AsRef::as_ref),
        &before.cluster,
        owned,
    );
    let failure = match plan.steps.is_empty() {
        true => None,
        false => handle
            .apply(plan.steps)
            .await
            .into_iter()
            .find_map(Result::err),
    };
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
    Converged {
        observed,
        mine,
        synced,
        balanced,
        reassignment: moves.filter(|_| unmoved > 0).map(|moves| moves.progress),
        access,
        failure: failure.or(refused),
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
    let wanted = layout::wanted(desired, observed, &view.reassignments, &view.cluster);
    let present = observed
        .partitions
        .iter()
        .map(|partition| &partition.replicas);
    let unmoved = wanted.map_or(0, |wanted| {
        let differs = |(present, wanted): &(&Vec<_>, &Vec<_>)| present != wanted;
        present.zip(&wanted).filter(differs).count()
    });
    let replicas = layout::replicas(desired, &settled, &view.cluster);
    let flaw = layout::flaw(name, brokers, &settled, replicas);
    (unmoved, Some(balanced(flaw)))
}

/// Whose a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This resource's: its name stands in the resource's status.
    Mine,
    /// Nobody's: it is not there. The name must be written to status before the topic is made, so that an operator that
    /// dies in between knows its own work again.
    Absent,
    /// Somebody else's until adopted, or it cannot be told.
    Foreign,
}

/// Whose the topic is. `recorded` gives the name of the topic in the status of a resource.
///
/// # Errors
/// When the API server or Kafka cannot be asked. Before a topic is called absent Kafka is looked at anew, since somebody
/// may have made it a moment ago; before it is called foreign the resource is read once more, since the store may lag
/// behind this operator's own writes.
pub async fn ownership<K>(
    context: &Context,
    object: &K,
    desired: &ResolvedTopic,
    recorded: fn(&K) -> Option<&str>,
) -> Result<Ownership, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let name = desired.name.as_str();
    if recorded(object) == Some(name) {
        return Ok(Ownership::Mine);
    }
    let Ok((handle, view)) = reachable(context, &desired.cluster) else {
        return Ok(Ownership::Foreign);
    };
    if !view.topics.contains_key(name) {
        handle
            .apply(vec![KafkaStep::LookAt(name.to_owned())])
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
    }
    match handle.view() {
        ViewState::Reachable(view) if !view.topics.contains_key(name) => {
            return Ok(Ownership::Absent);
        }
        ViewState::Reachable(_) => {}
        ViewState::Pending | ViewState::Unreachable { .. } => return Ok(Ownership::Foreign),
    }
    let home = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &home);
    let fresh = api.get_opt(&object.name_any()).await?;
    let mine = fresh.as_ref().and_then(recorded) == Some(name);
    Ok(if mine {
        Ownership::Mine
    } else {
        Ownership::Foreign
    })
}

/// Deletes the topic of a resource that goes, where that is wanted and safe: the resource asks for it, the topic is its own,
/// and no other resource asks for the name. Two resources for one topic never delete it.
///
/// # Errors
/// The outer one when Kafka refuses or does not answer; the inner one says why the cluster cannot be asked yet.
pub async fn delete<K>(
    context: &Context,
    object: &K,
    resolved: Option<&ResolvedTopic>,
    recorded: fn(&K) -> Option<&str>,
) -> Result<Result<(), Rejection>, Error>
where
    K: Resource<DynamicType = ()>,
{
    let own = |desired: &&ResolvedTopic| {
        desired.delete && recorded(object) == Some(desired.name.as_str())
    };
    let Some(desired) = resolved
        .filter(own)
        .filter(|desired| !claimed_by_others(context, object, desired))
    else {
        return Ok(Ok(()));
    };
    let (handle, _) = match reachable(context, &desired.cluster) {
        Ok(found) => found,
        Err(away) => return Ok(Err(away)),
    };
    let step = KafkaStep::DeleteTopic(desired.name.as_str().to_owned());
    handle
        .apply(vec![step])
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(Ok(()))
}

fn claimed_by_others<K>(context: &Context, object: &K, desired: &ResolvedTopic) -> bool
where
    K: Resource<DynamicType = ()>,
{
    let me = Claimant::of(object);
    let name = Name::Topic(desired.name.as_str().to_owned());
    let claimants = context.world.claimants(&desired.cluster, &name);
    claimants.iter().any(|claimant| !claimant.is(&me))
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
    let failure = context.access.settle(&desired.cluster).await.err();
    (
        crate::status::access(&desired.grants, &handle.view(), failure.as_ref()),
        failure,
    )
}

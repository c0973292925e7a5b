use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use kube::{Api, Resource, ResourceExt, core::NamespaceResourceScope, runtime::controller::Action};
use millrace_crds::{ManagementPolicy, ReassignmentStatus};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::{
    context::Context,
    desire::layout,
    error::Error,
    kafka::{ConfigChange, KafkaError, ObservedTopic, Reassignment, TopicPartition},
    plan::{self, Blocked, KafkaStep, Plan},
    resolve::{Claimant, Facts, Name, Rejection, ResolvedTopic},
    status::{Draft, State, balanced, is_ready, reasons, reassigning},
    world::{ClusterHandle, ClusterKey, View, ViewState},
};

/// Sentences of a plan that are written to status.
const PLAN_SHOWN: usize = 32;

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
    let moving = view.reassignments.keys().filter(|at| at.topic == name);
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
                topic: desired.name.as_str().to_owned(),
                partition,
            },
            replicas,
        })
        .collect()
}

/// Carries steps out. Kafka refuses all keys of a topic's configuration if one is bad (KIP-339), so these are then set one by one.
///
/// # Errors
/// The first failure; of a configuration, all keys refused and why.
async fn carry_out(handle: &ClusterHandle, steps: Vec<KafkaStep>) -> Result<(), KafkaError> {
    let results = handle.apply(steps.clone()).await;
    let mut failures = Vec::new();
    for (step, result) in steps.into_iter().zip(results) {
        match (step, result) {
            (_, Ok(())) => {}
            (KafkaStep::AlterConfig(change), Err(KafkaError::Refused { code, .. }))
                if code == "INVALID_CONFIG" =>
            {
                failures.extend(key_by_key(handle, &change).await.err());
            }
            (_, Err(error)) => failures.push(error),
        }
    }
    failures.into_iter().next().map_or(Ok(()), Err)
}

async fn key_by_key(handle: &ClusterHandle, change: &ConfigChange) -> Result<(), KafkaError> {
    let changes = change.each_key();
    let steps = changes
        .iter()
        .map(|(_, one)| one.clone())
        .map(KafkaStep::AlterConfig);
    let results = handle.apply(steps.collect()).await;
    let mut refused = Vec::new();
    for ((key, _), result) in changes.iter().zip(results) {
        match result {
            Ok(()) => {}
            Err(KafkaError::Refused { message, .. }) => refused.push(format!("`{key}`: {message}")),
            Err(away) => return Err(away),
        }
    }
    match refused.is_empty() {
        true => Ok(()),
        false => Err(KafkaError::Refused {
            code: "INVALID_CONFIG".to_owned(),
            message: format!("{}; the other keys are set", refused.join("; ")),
        }),
    }
}

/// Compares Kafka with what is desired, and changes nothing. A topic somebody else made is compared as if it were adopted.
fn observe(desired: &ResolvedTopic, view: &View, owned: bool) -> Converged {
    let name = desired.name.as_str();
    let observed = view.topics.get(name);
    let mut to_do = plan::topic(desired, observed.map(AsRef::as_ref), &view.cluster, true);
    let moves = observed.map_or_else(Vec::new, |observed| unmoved(desired, observed, view));
    to_do
        .steps
        .extend((!moves.is_empty()).then_some(KafkaStep::Reassign(moves)));
    let to_allow = Plan {
        steps: plan::producers(desired, &view.acls),
        blocked: Vec::new(),
    };
    let foreign = observed.is_some() && !owned && !desired.adopt;
    let (to_do, to_allow) = (plan::sentences(&to_do), plan::sentences(&to_allow));
    Converged {
        observed: observed.cloned(),
        mine: owned,
        synced: compared("Synced", name, &to_do, foreign),
        balanced: None,
        reassignment: None,
        access: compared("AccessGranted", name, &to_allow, false),
        plan: shortened(to_do.into_iter().chain(to_allow).collect()),
        failure: None,
    }
}

fn compared(kind: &'static str, name: &str, to_do: &[String], foreign: bool) -> Draft {
    let (what, reason) = match kind {
        "Synced" => ("topic", reasons::SYNCED),
        _ => ("access to topic", reasons::GRANTED),
    };
    let adopt = match foreign {
        true => "; it was not made by this resource, which also needs `adopt: true` to manage it",
        false => "",
    };
    match to_do.len() {
        0 => Draft::yes(
            kind,
            reason,
            format!("{what} `{name}` in Kafka is as the spec says; it is only observed{adopt}"),
        ),
        count => Draft::no(
            kind,
            reasons::DRIFTED,
            format!(
                "{what} `{name}` in Kafka differs from the spec in {count} of the things that status.plan lists; it is only observed, write `managementPolicy: Manage` to have them done{adopt}"
            ),
        ),
    }
}

fn shortened(mut sentences: Vec<String>) -> Vec<String> {
    if sentences.len() > PLAN_SHOWN {
        let more = sentences.split_off(PLAN_SHOWN - 1).len();
        sentences.push(format!("and {more} more"));
    }
    sentences
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

/// Whose a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This resource's: its name stands in the resource's status, or it was announced that it is made for the resource.
    Mine,
    /// Nobody's: it is not there.
    Absent,
    /// Somebody else's until adopted, or it cannot be told.
    Foreign,
}

/// Whose the topic is. `recorded` gives the name of the topic in the status of a resource.
///
/// # Errors
/// When the API server or Kafka cannot be asked. Before a topic is called absent Kafka is looked at anew, since somebody
/// may have made it a moment ago; before it is called foreign the resource is read once more, since the store may lag
/// behind what another operator wrote.
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
    if desired.management == ManagementPolicy::Observe {
        return Ok(Ownership::Foreign);
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
    if announced(context, object, desired).await? {
        return Ok(Ownership::Mine);
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

/// Why the topic of a resource that goes is still there.
#[derive(Debug)]
pub enum Stays {
    /// The cluster cannot be asked yet; whoever waits is woken when it can.
    Away(Rejection),
    /// Kafka did not do it.
    Failed(KafkaError),
    /// Whether the topic is the resource's could not be read.
    Untold(Error),
}

impl Stays {
    /// The reason, for the conditions.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Away(rejection) => rejection.clone(),
            Self::Failed(error @ KafkaError::Unreachable(_)) => Rejection::unknown(
                reasons::KAFKA_UNREACHABLE,
                format!("the topic is not deleted yet: {error}"),
            ),
            Self::Failed(error) => Rejection::no(
                reasons::KAFKA_REFUSED,
                format!("the topic is not deleted: Kafka refused: {error}"),
            ),
            Self::Untold(error) => Rejection::unknown(
                reasons::PROGRESSING,
                format!("the topic is not deleted yet: {error}"),
            ),
        }
    }

    /// When it is tried again.
    ///
    /// # Errors
    /// What Kafka did not do is tried again as any failure is.
    pub fn again(self) -> Result<Action, Error> {
        match self {
            Self::Away(_) => Ok(Action::await_change()),
            Self::Failed(error) => Err(error.into()),
            Self::Untold(error) => Err(error),
        }
    }
}

/// Whether the topic was announced for this very resource, and is not in its status yet.
async fn announced<K>(context: &Context, object: &K, desired: &ResolvedTopic) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()>,
{
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let name = desired.name.as_str();
    context
        .creations
        .announced(&desired.cluster, uid, name)
        .await
}

/// Deletes the topic of a resource that goes, where that is wanted and safe: the resource asks for it, the topic is its own,
/// and no other resource asks for the name. Two resources for one topic never delete it. A namespace that goes does not wait for a
/// cluster that is away: the topic is then left.
///
/// # Errors
/// Why the topic is still there, and the resource must stay.
pub async fn delete<K>(
    context: &Context,
    object: &K,
    resolved: Option<&ResolvedTopic>,
    recorded: fn(&K) -> Option<&str>,
) -> Result<(), Stays>
where
    K: Resource<DynamicType = ()>,
{
    let Some(desired) = resolved
        .filter(|desired| desired.delete)
        .filter(|desired| !claimed_by_others(context, object, desired))
    else {
        return Ok(());
    };
    let in_status = recorded(object) == Some(desired.name.as_str());
    match in_status
        || announced(context, object, desired)
            .await
            .map_err(Stays::Untold)?
    {
        true => {}
        false => return Ok(()),
    }
    let step = KafkaStep::DeleteTopic(desired.name.as_str().to_owned());
    let deleted = match reachable(context, &desired.cluster) {
        Ok((handle, _)) => {
            let results = handle.apply(vec![step]).await.into_iter();
            results.collect::<Result<(), _>>().map_err(Stays::Failed)
        }
        Err(away) => Err(Stays::Away(away)),
    };
    if deleted.is_ok() && !in_status {
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        context.creations.over(&desired.cluster, uid);
    }
    let home = object.namespace().unwrap_or_default();
    match deleted {
        Err(Stays::Away(_) | Stays::Failed(KafkaError::Unreachable(_)))
            if context.world.stores.is_terminating(&home) =>
        {
            warn!(namespace = home, topic = %desired.name, "the topic is left: its namespace goes and Kafka does not answer");
            Ok(())
        }
        deleted => deleted,
    }
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

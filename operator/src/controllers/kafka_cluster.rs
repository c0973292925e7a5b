use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use millrace_crds::{DeletionPolicy, KafkaCluster};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::queue;
use crate::{
    apply::{
        self,
        kafka_cluster::{Certificates, Connections},
    },
    config::Config,
    context::Context,
    desire::{
        kafka_cluster::{self as desire, Given, Identity, Names, Objects},
        quotas::of as quotas_of,
    },
    error::Error,
    kafka::{BrokerId, Credentials},
    plan::{self, KafkaStep, Roll},
    resolve::{self, Images, Rejection, ResolvedCluster, ResolvedRegistry},
    status::{self, Draft, Seen, reasons},
    world::{
        Children, ClusterHandle, ClusterKey, NodePod, PodState, TokenIssuers, View, ViewState,
        Wake, World,
    },
};

/// Keeps a KafkaCluster whose data go with it from being forgotten before they are gone.
const FINALIZER: &str = "millrace.dev/kafka-cluster";
/// The second word without which no data are deleted: its value is the cluster's name.
const CONFIRM: &str = "millrace.dev/confirm-delete-data";
/// Token keys and certificates are looked after this often, whether or not anything changed.
const PERIOD: Duration = Duration::from_secs(60);
/// Work that no watch tells the end of is looked after this often.
const SOON: Duration = Duration::from_secs(3);

/// What only this controller looks at.
struct Own {
    children: Children,
    connections: Connections,
    tokens: TokenIssuers,
}

/// Makes KafkaClusters true until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let mut watches = JoinSet::new();
    let applied = context.clone();
    let forget = Arc::new(move |kind: &str, namespace: &str, name: &str| {
        applied.applied.forget(kind, namespace, name)
    });
    let children = Children::open(&context.client, &context.world, forget, &mut watches);
    let own = Arc::new(Own {
        children,
        connections: Connections::default(),
        tokens: TokenIssuers::default(),
    });
    tokio::select! {
        () = shutdown.cancelled() => return,
        ready = own.children.ready() => if ready.is_err() { return },
    }
    watches.spawn(close_gone(
        context.clone(),
        own.clone(),
        context.world.waker.subscribe(),
    ));
    let store = context.world.stores.clusters.clone();
    let reconcile = move |cluster, context| reconcile(cluster, context, own.clone());
    queue::drive(context, store, concerns, reconcile, shutdown).await;
}

/// The KafkaClusters that a change concerns.
fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<KafkaCluster>> {
    match wake {
        // A namespace's labels decide about its quota.
        Wake::Namespace(_) => {
            let clusters = world.stores.clusters.state();
            let limiting = clusters.iter().filter(|cluster| {
                let mut grants = cluster.spec.namespaces.iter();
                grants.any(|grant| grant.quota.is_some())
            });
            limiting
                .map(|cluster| ObjectRef::from_obj(cluster.as_ref()))
                .collect()
        }
        Wake::Cluster(key)
        | Wake::ClusterChild(key)
        | Wake::KafkaAcls(key)
        | Wake::KafkaQuotas(key) => {
            vec![ObjectRef::new(&key.name).within(&key.namespace)]
        }
        _ => Vec::new(),
    }
}

/// Lets go of clusters whose resource is gone.
async fn close_gone(context: Arc<Context>, own: Arc<Own>, mut wakes: Receiver<Wake>) {
    loop {
        let gone = |key: &ClusterKey| {
            context
                .world
                .stores
                .clusters
                .get(&ObjectRef::new(&key.name).within(&key.namespace))
                .is_none()
        };
        let keys = match wakes.recv().await {
            Ok(Wake::Cluster(key)) => vec![key],
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => context.world.clusters.keys(),
            Err(RecvError::Closed) => return,
        };
        for key in keys.iter().filter(|key| gone(key)) {
            own.connections.close(&context, key);
        }
    }
}

async fn reconcile(
    cluster: Arc<KafkaCluster>,
    context: Arc<Context>,
    own: Arc<Own>,
) -> Result<Action, Error> {
    if cluster.metadata.deletion_timestamp.is_some() {
        return release(&context, &cluster, &own).await;
    }
    let deletes = cluster.spec.storage.deletion_policy == DeletionPolicy::Delete;
    let cluster = apply::finalizer(&context, &cluster, FINALIZER, deletes).await?;
    let prepared = match prepare(&context, &cluster).await? {
        Ok(prepared) => prepared,
        Err(rejection) => return refuse(&context, &cluster, &rejection).await,
    };
    let resolved = &prepared.cluster;
    let objects = wanted(&context, &own, &cluster, &prepared).await?;
    apply::kafka_cluster::children(&context, resolved, &objects, &own.children).await?;

    let pods = own.children.node_pods(&resolved.key);
    let handle = connect(&context, &own, &prepared, &pods)?;
    prepare_registry(resolved, handle.as_ref()).await;
    let quotas = quotas(&context, &cluster, &resolved.key, handle.as_ref()).await;
    let view = handle.as_ref().map(ClusterHandle::view);
    let roll = roll(&context, &own, resolved, &objects, &pods, view.as_ref()).await?;
    // Until the first look after a start has ended, what the status says stays.
    if !matches!(view, Some(ViewState::Pending)) {
        report(&context, &own, &cluster, &prepared, &pods, &roll, &quotas).await?;
    }
    let registry_waits = matches!(resolved.registry, Some(ResolvedRegistry::Managed { .. }))
        && objects.deployments.is_empty();
    let settled = roll == Roll::UpToDate && !registry_waits;
    Ok(Action::requeue(if settled { PERIOD } else { SOON }))
}

/// A cluster whose identity and certificates are there.
struct Prepared {
    cluster: ResolvedCluster,
    identity: Identity,
    certificates: Certificates,
}

async fn prepare(
    context: &Context,
    cluster: &KafkaCluster,
) -> Result<Result<Prepared, Rejection>, Error> {
    let cluster = match resolve::kafka_cluster(cluster, &images(&context.config)) {
        Ok(resolved) => resolved,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let identity = match apply::kafka_cluster::identity(context, &cluster).await? {
        Ok(identity) => identity,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let certificates =
        apply::kafka_cluster::certificates(context, &cluster, Timestamp::now()).await?;
    Ok(certificates.map(|certificates| Prepared {
        cluster,
        identity,
        certificates,
    }))
}

fn images(config: &Config) -> Images {
    Images {
        broker: config.broker_image.clone(),
        registry: config.registry_image.clone(),
        pull_policy: config.image_pull_policy.clone(),
    }
}

async fn wanted(
    context: &Context,
    own: &Own,
    cluster: &KafkaCluster,
    prepared: &Prepared,
) -> Result<Objects, Error> {
    let resolved = &prepared.cluster;
    let view = context
        .world
        .clusters
        .get(&resolved.key)
        .map(|handle| handle.view());
    let deployed = registry(own, resolved);
    let runs = deployed.is_some();
    let given = Given {
        identity: prepared.identity.clone(),
        authority_pem: prepared.certificates.authority_pem.clone(),
        node_pem_digest: desire::digest(&prepared.certificates.node_pem),
        tokens: own.tokens.get(&context.client).await?,
        racks: own.children.racks(&resolved.rack_topology_key),
        operator_namespace: context.config.namespace.clone(),
        registry_can_start: runs
            || reachable(view.as_ref())
                .is_some_and(|view| desire::registry_can_start(cluster, view)),
        registry_restart: desire::registry_restart(
            deployed.as_deref().and_then(restarted),
            &own.children.registry_pods_started(&resolved.key),
            Timestamp::now(),
        ),
    };
    Ok(desire::objects(resolved, &given))
}

fn registry(own: &Own, cluster: &ResolvedCluster) -> Option<Arc<Deployment>> {
    own.children
        .deployment(&cluster.key.namespace, &Names(&cluster.key).registry())
}

/// What the registry's Deployment says of its last restart.
fn restarted(deployment: &Deployment) -> Option<Timestamp> {
    let template = &deployment.spec.as_ref()?.template;
    let annotations = template.metadata.as_ref()?.annotations.as_ref()?;
    annotations.get(desire::RESTART_ANNOTATION)?.parse().ok()
}

fn reachable(view: Option<&ViewState>) -> Option<&View> {
    match view {
        Some(ViewState::Reachable(view)) => Some(view),
        _ => None,
    }
}

/// The cluster's handle. It is made when the first node is ready: asking earlier would only delay the first answer.
fn connect(
    context: &Context,
    own: &Own,
    prepared: &Prepared,
    pods: &BTreeMap<BrokerId, NodePod>,
) -> Result<Option<ClusterHandle>, Error> {
    let key = &prepared.cluster.key;
    let known = context.world.clusters.get(key).is_some();
    if !known && !pods.values().any(|pod| pod.state == PodState::Ready) {
        return Ok(None);
    }
    let certificates = &prepared.certificates;
    let credentials = Credentials {
        bootstrap_servers: Names(key).replication_servers(prepared.cluster.nodes),
        ca_pem: certificates.authority_pem.clone(),
        certificate_pem: certificates.operator.certificate_pem.clone(),
        key_pem: certificates.operator.key_pem.clone(),
    };
    own.connections.open(context, key, credentials).map(Some)
}

/// Makes the registry's topics. Its ACLs are made with those of all others.
async fn prepare_registry(cluster: &ResolvedCluster, handle: Option<&ClusterHandle>) {
    let (Some(ResolvedRegistry::Managed { .. }), Some(handle)) = (&cluster.registry, handle) else {
        return;
    };
    let ViewState::Reachable(view) = handle.view() else {
        return;
    };
    let topics = desire::registry_topics(cluster, &view);
    for failed in handle
        .apply(topics.into_iter().map(KafkaStep::CreateTopic).collect())
        .await
    {
        if let Err(error) = failed {
            warn!(cluster = %cluster.key, %error, "a topic of the schema registry could not be made and will be tried again");
        }
    }
}

/// Sets the quotas of the ServiceAccounts that have access, and tells whether they are set.
async fn quotas(
    context: &Context,
    cluster: &KafkaCluster,
    key: &ClusterKey,
    handle: Option<&ClusterHandle>,
) -> Draft {
    let seen = handle.map(ClusterHandle::view);
    let (Some(handle), Some(view)) = (handle, reachable(seen.as_ref())) else {
        return status::quotas(&BTreeMap::new(), seen.as_ref(), None);
    };
    let desired = quotas_of(cluster, key, &view.acls, &context.world);
    let changes = plan::quotas(&desired, &view.quotas);
    let failure = match changes.is_empty() {
        true => None,
        false => handle
            .apply(vec![KafkaStep::AlterQuotas(changes)])
            .await
            .into_iter()
            .find_map(Result::err),
    };
    status::quotas(&desired, Some(&handle.view()), failure.as_ref())
}

async fn roll(
    context: &Context,
    own: &Own,
    cluster: &ResolvedCluster,
    objects: &Objects,
    pods: &BTreeMap<BrokerId, NodePod>,
    view: Option<&ViewState>,
) -> Result<Roll, Error> {
    let Some(template) = objects
        .stateful_sets
        .iter()
        .find_map(desire::template_digest)
    else {
        return Ok(Roll::UpToDate);
    };
    let decide = |view: Option<&View>| {
        plan::roll(
            pods,
            cluster.nodes,
            template,
            view,
            cluster.default_min_isr(),
        )
    };
    match decide(reachable(view)) {
        Roll::Replace(_) => {
            let admin = own.connections.admin(&cluster.key);
            apply::kafka_cluster::replace(context, &cluster.key, admin.as_ref(), decide).await
        }
        decision => Ok(decision),
    }
}

async fn report(
    context: &Context,
    own: &Own,
    cluster: &KafkaCluster,
    prepared: &Prepared,
    pods: &BTreeMap<BrokerId, NodePod>,
    roll: &Roll,
    quotas: &Draft,
) -> Result<(), Error> {
    let handle = context.world.clusters.get(&prepared.cluster.key);
    let view = handle.as_ref().map(ClusterHandle::view);
    let registry = registry(own, &prepared.cluster);
    let (mut status, drafts) = status::kafka_cluster(&Seen {
        cluster: &prepared.cluster,
        cluster_id: &prepared.identity.cluster_id,
        view: view.as_ref(),
        pods,
        registry: registry.as_deref(),
        roll,
        spec_accepted: &spec_accepted(cluster),
        quotas,
    });
    status.reassignment = context.world.layouts.cluster(&prepared.cluster.key);
    status::write(context, cluster, cluster.status.as_ref(), status, &drafts)
        .await
        .map(drop)
}

/// Grants that contradict each other are refused where names are checked; the nodes run on.
fn spec_accepted(cluster: &KafkaCluster) -> Draft {
    const KIND: &str = "SpecAccepted";
    match resolve::overlapping_prefixes(cluster) {
        None => Draft::yes(KIND, reasons::ACCEPTED, "the spec can be made true"),
        Some((one, other)) => Draft::no(
            KIND,
            reasons::INVALID_SPEC,
            format!(
                "spec.namespaces: the prefixes `{one}` and `{other}` overlap, so a name could belong to two teams; make neither the beginning of the other"
            ),
        ),
    }
}

async fn refuse(
    context: &Context,
    cluster: &KafkaCluster,
    rejection: &Rejection,
) -> Result<Action, Error> {
    let drafts = [rejection.draft("SpecAccepted"), rejection.draft("Ready")];
    let old = cluster.status.clone().unwrap_or_default();
    status::write(context, cluster, cluster.status.as_ref(), old, &drafts).await?;
    Ok(Action::requeue(PERIOD))
}

async fn release(
    context: &Context,
    cluster: &Arc<KafkaCluster>,
    own: &Own,
) -> Result<Action, Error> {
    if !cluster
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        return Ok(Action::await_change());
    }
    let key = ClusterKey {
        namespace: cluster.namespace().unwrap_or_default(),
        name: cluster.name_any(),
    };
    let confirmed = cluster.annotations().get(CONFIRM) == Some(&key.name);
    if !confirmed {
        info!(cluster = %key, annotation = CONFIRM, "the volumes stay: the annotation that confirms their deletion is missing");
    } else if !apply::kafka_cluster::delete_data(context, cluster, &key, &own.children).await? {
        return Ok(Action::requeue(SOON));
    }
    apply::finalizer(context, cluster, FINALIZER, false).await?;
    Ok(Action::await_change())
}

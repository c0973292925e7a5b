use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::Arc,
};

use futures::{Stream, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ConfigMap, Node, Pod, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{ObjectRef, Store},
        watcher,
        watcher::Event,
    },
};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tracing::warn;

use super::{ClusterKey, NodePod, Wake, Waker, World};
use crate::kafka::BrokerId;

/// Label whose value is the KafkaCluster's name.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label whose value is the part of a KafkaCluster: [`NODES`] or [`REGISTRY`].
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The Kafka nodes.
pub const NODES: &str = "nodes";
/// The schema registry.
pub const REGISTRY: &str = "registry";

const SELECTOR: &str =
    "app.kubernetes.io/managed-by=millrace,app.kubernetes.io/component in (nodes, registry)";

/// Told the kind, the namespace and the name of an object that somebody changed or deleted.
pub type Changed = Arc<dyn Fn(&str, &str, &str) + Send + Sync>;

/// The objects of all KafkaClusters, and the Kubernetes nodes they run on, as the API server last told.
#[derive(Clone)]
pub struct Children {
    /// ConfigMaps.
    pub config_maps: Store<ConfigMap>,
    /// ServiceAccounts.
    pub service_accounts: Store<ServiceAccount>,
    /// Services.
    pub services: Store<Service>,
    /// NetworkPolicies.
    pub network_policies: Store<NetworkPolicy>,
    /// PodDisruptionBudgets.
    pub pod_disruption_budgets: Store<PodDisruptionBudget>,
    /// StatefulSets.
    pub stateful_sets: Store<StatefulSet>,
    /// Deployments.
    pub deployments: Store<Deployment>,
    /// Pods.
    pub pods: Store<Pod>,
    /// Kubernetes nodes: their names and labels.
    pub nodes: Store<PartialObjectMeta<Node>>,
}

impl Children {
    /// Starts one watch for each kind. They run as long as `tasks` lives; each change wakes the KafkaCluster it belongs to.
    pub fn open(client: &Client, world: &World, changed: Changed, tasks: &mut JoinSet<()>) -> Self {
        let (nodes, writer) = reflector::store();
        let all_nodes: Api<PartialObjectMeta<Node>> = Api::all(client.clone());
        let events = watcher(all_nodes, watcher::Config::default()).default_backoff();
        tasks.spawn(follow_nodes(reflector(writer, events), world.clone()));
        Self {
            config_maps: watch(client, world, &changed, tasks),
            service_accounts: watch(client, world, &changed, tasks),
            services: watch(client, world, &changed, tasks),
            network_policies: watch(client, world, &changed, tasks),
            pod_disruption_budgets: watch(client, world, &changed, tasks),
            stateful_sets: watch(client, world, &changed, tasks),
            deployments: watch(client, world, &changed, tasks),
            pods: watch(client, world, &changed, tasks),
            nodes,
        }
    }

    /// Waits until every store holds what there was when its watch began.
    ///
    /// # Errors
    /// When a watch has ended.
    pub async fn ready(&self) -> Result<(), reflector::store::WriterDropped> {
        self.config_maps.wait_until_ready().await?;
        self.service_accounts.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.network_policies.wait_until_ready().await?;
        self.pod_disruption_budgets.wait_until_ready().await?;
        self.stateful_sets.wait_until_ready().await?;
        self.deployments.wait_until_ready().await?;
        self.pods.wait_until_ready().await?;
        self.nodes.wait_until_ready().await
    }

    /// The pods of a cluster's nodes.
    pub fn node_pods(&self, key: &ClusterKey) -> BTreeMap<BrokerId, NodePod> {
        let pods = self.pods.state();
        NodePod::by_broker(
            pods.iter()
                .filter(|pod| belongs(pod, key, NODES))
                .filter_map(|pod| NodePod::of(pod)),
        )
    }

    /// When the pods of a cluster's schema registry started, of those that have.
    pub fn registry_pods_started(&self, key: &ClusterKey) -> Vec<Timestamp> {
        let pods = self.pods.state();
        pods.iter()
            .filter(|pod| belongs(pod, key, REGISTRY))
            .filter_map(|pod| Some(pod.status.as_ref()?.start_time.as_ref()?.0))
            .collect()
    }

    /// The value of a label by Kubernetes node, of the nodes that have it.
    pub fn racks(&self, label: &str) -> BTreeMap<String, String> {
        let nodes = self.nodes.state();
        nodes
            .iter()
            .filter_map(|node| Some((node.name_any(), node.labels().get(label)?.clone())))
            .collect()
    }

    /// A Deployment.
    pub fn deployment(&self, namespace: &str, name: &str) -> Option<Arc<Deployment>> {
        self.deployments
            .get(&ObjectRef::new(name).within(namespace))
    }
}

/// Whether a pod is of this part of a cluster.
fn belongs(pod: &Pod, key: &ClusterKey, component: &str) -> bool {
    let has = |label: &str, value: &str| {
        let found = pod.labels().get(label);
        found.is_some_and(|found| found == value)
    };
    pod.metadata.namespace.as_ref() == Some(&key.namespace)
        && has(INSTANCE, &key.name)
        && has(COMPONENT, component)
}

fn watch<K>(client: &Client, world: &World, changed: &Changed, tasks: &mut JoinSet<()>) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let api: Api<K> = Api::all(client.clone());
    let events = watcher(api, watcher::Config::default().labels(SELECTOR)).default_backoff();
    tasks.spawn(follow(
        reflector(writer, events),
        world.waker.clone(),
        changed.clone(),
    ));
    store
}

async fn follow<K>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    waker: Waker,
    changed: Changed,
) where
    K: Resource<DynamicType = ()> + Clone + Debug,
{
    let mut events = std::pin::pin!(events);
    let mut versions: HashMap<ObjectRef<K>, String> = HashMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => {
                let version = version(&object);
                if versions.insert(ObjectRef::from_obj(&object), version.clone()) != Some(version) {
                    tell(&object, &changed);
                }
                wake(&object, &waker);
            }
            Ok(Event::Delete(object)) => {
                versions.remove(&ObjectRef::from_obj(&object));
                tell(&object, &changed);
                wake(&object, &waker);
            }
            Ok(Event::Init | Event::InitDone) => {}
            Err(error) => {
                warn!(kind = %K::kind(&()), %error, "the watch was interrupted and goes on")
            }
        }
    }
}

/// What changes when somebody changes what the object asks for; its status does not, where the kind tells them apart.
fn version<K: Resource>(object: &K) -> String {
    let meta = object.meta();
    meta.generation.map_or_else(
        || meta.resource_version.clone().unwrap_or_default(),
        |generation| generation.to_string(),
    )
}

fn tell<K: Resource<DynamicType = ()>>(object: &K, changed: &Changed) {
    changed(
        &K::kind(&()),
        &object.namespace().unwrap_or_default(),
        &object.name_any(),
    );
}

fn wake<K: Resource>(object: &K, waker: &Waker) {
    if let (Some(namespace), Some(name)) = (object.namespace(), object.labels().get(INSTANCE)) {
        waker.wake(Wake::ClusterChild(ClusterKey {
            namespace,
            name: name.clone(),
        }));
    }
}

/// A node that comes, goes or changes its labels concerns every cluster.
async fn follow_nodes(
    events: impl Stream<Item = Result<Event<PartialObjectMeta<Node>>, watcher::Error>>,
    world: World,
) {
    let mut events = std::pin::pin!(events);
    let mut seen: HashMap<String, BTreeMap<String, String>> = HashMap::new();
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(Event::Apply(node) | Event::InitApply(node)) => {
                seen.insert(node.name_any(), node.labels().clone()).as_ref() != Some(node.labels())
            }
            Ok(Event::Delete(node)) => seen.remove(&node.name_any()).is_some(),
            Ok(Event::Init | Event::InitDone) => false,
            Err(error) => {
                warn!(kind = "Node", %error, "the watch was interrupted and goes on");
                false
            }
        };
        if changed {
            for cluster in world.stores.clusters.state() {
                let namespace = cluster.namespace().unwrap_or_default();
                world.waker.wake(Wake::ClusterChild(ClusterKey {
                    namespace,
                    name: cluster.name_any(),
                }));
            }
        }
    }
}

//! What is known: reflector stores of the resources, and one shared view of each Kafka cluster.
//!
//! Architecture invariant: a reconcile never asks Kafka on its own; it reads the view, and the view is refreshed
//! on a period and right after own writes, whatever the number of resources. What a resource asks for once, such as other
//! offsets for its group, is carried out through [`GroupAdmin`]; audits, which are no reconciles, take their [`Samples`] one after the other.

mod bindings;
mod children;
mod claims;
mod cluster;
mod clusters;
mod groups;
mod holdings;
mod layouts;
mod node_pod;
mod sizes;
pub mod steady;
mod stores;
mod token_issuer;
mod view;
mod wake;
mod watched;

pub use bindings::Bindings;
pub use children::{COMPONENT, Children, INSTANCE, NODES, REGISTRY};
pub use claims::{Claim, Claims};
pub use cluster::{ClusterHandle, GroupAdmin, Periods, Samples, StepResults, start};
pub use clusters::{ClusterKey, Clusters};
pub use groups::GroupsView;
pub use holdings::Holdings;
pub use layouts::{LayoutReport, Layouts, TopicMoves};
pub use millrace_autoscaler::{GroupSnapshot, PartitionOffsets};
pub use node_pod::{NodePod, PodState, TEMPLATE_ANNOTATION};
pub use sizes::SizesView;
pub use stores::Stores;
pub use token_issuer::{TokenIssuer, TokenIssuers};
pub use view::{View, ViewState};
pub use wake::{Wake, Waker};

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Client, runtime::reflector::ObjectRef};
use millrace_crds::{Dlq, KafkaCluster, Schema, Topic};
use tokio::task::JoinSet;

use crate::resolve::{Amount, Claimant, Facts, Limits, Name, Share};

/// Everything a reconcile may look at.
#[derive(Clone)]
pub struct World {
    /// The resources.
    pub stores: Stores,
    /// The bindings.
    pub bindings: Bindings,
    /// Who claims which name in Kafka.
    pub claims: Arc<Claims>,
    /// What each namespace has of its limits.
    pub holdings: Arc<Holdings>,
    /// The Kafka clusters that can be asked.
    pub clusters: Clusters,
    /// What is moved in them.
    pub layouts: Layouts,
    /// Tells controllers that something they depend on has changed.
    pub waker: Waker,
}

impl World {
    /// Starts to watch the resources. The watches run as long as `tasks` lives; [`Self::ready`] tells when all is known.
    pub fn open(client: &Client, tasks: &mut JoinSet<()>) -> Self {
        let claims = Arc::new(Claims::default());
        let holdings = Arc::new(Holdings::default());
        let waker = Waker::default();
        Self {
            stores: Stores::open(client, &claims, &holdings, &waker, tasks),
            bindings: Bindings::open(client, &waker, tasks),
            claims,
            holdings,
            clusters: Clusters::default(),
            layouts: Layouts::default(),
            waker,
        }
    }

    /// Waits until all that there was when the watches began is known.
    ///
    /// # Errors
    /// When a watch has ended.
    pub async fn ready(&self) -> Result<(), WatchEnded> {
        self.stores.ready().await.map_err(|_| WatchEnded)?;
        self.bindings.ready().await.map_err(|_| WatchEnded)
    }
}

/// The operator is stopping.
#[derive(Debug, thiserror::Error)]
#[error("a watch of the API server has ended")]
pub struct WatchEnded;

impl Facts for World {
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>> {
        self.stores
            .clusters
            .get(&ObjectRef::new(&key.name).within(&key.namespace))
    }

    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        self.stores.namespace_labels(namespace)
    }

    fn topic(&self, namespace: &str, name: &str) -> Option<Arc<Topic>> {
        self.stores
            .topics
            .get(&ObjectRef::new(name).within(namespace))
    }

    fn dlq(&self, namespace: &str, name: &str) -> Option<Arc<Dlq>> {
        self.stores
            .dlqs
            .get(&ObjectRef::new(name).within(namespace))
    }

    fn schema(&self, namespace: &str, name: &str) -> Option<Arc<Schema>> {
        self.stores
            .schemas
            .get(&ObjectRef::new(name).within(namespace))
    }

    fn schema_texts(&self, namespace: &str, config_map: &str) -> Option<Arc<ConfigMap>> {
        self.stores
            .schema_texts
            .get(&ObjectRef::new(config_map).within(namespace))
    }

    fn claimants(&self, cluster: &ClusterKey, name: &Name) -> Vec<Claimant> {
        self.claims.claimants(cluster, name)
    }

    fn others_under(
        &self,
        cluster: &ClusterKey,
        prefix: &str,
        home: &str,
    ) -> Vec<(String, Claimant)> {
        self.claims.others_under(cluster, prefix, home)
    }

    fn used_before(
        &self,
        cluster: &ClusterKey,
        me: &Claimant,
        mine: Share,
        limits: Limits,
    ) -> Amount {
        self.holdings.before(cluster, me, mine, limits)
    }
}

use crate::world::ClusterKey;

/// Port of the controllers' quorum.
pub const CONTROLLER_PORT: i32 = 9090;
/// Port of the nodes among themselves, and of the operator.
pub const REPLICATION_PORT: i32 = 9091;
/// Port of the schema registry's API.
pub const REGISTRY_PORT: i32 = 8080;
/// Port of the schema registry's health endpoints.
pub const REGISTRY_HEALTH_PORT: i32 = 9000;

/// The names of everything that belongs to a KafkaCluster; all objects lie in its namespace.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a>(pub &'a ClusterKey);

impl Names<'_> {
    /// StatefulSet, headless Service, ServiceAccount, PodDisruptionBudget and NetworkPolicy of the nodes.
    pub fn nodes(self) -> String {
        format!("{}-nodes", self.0.name)
    }

    /// Pod of a node.
    pub fn node(self, id: usize) -> String {
        format!("{}-{id}", self.nodes())
    }

    /// Host of a node.
    pub fn host(self, node: &str) -> String {
        format!("{node}.{}.{}.svc", self.nodes(), self.0.namespace)
    }

    /// Service that clients begin with.
    pub fn bootstrap(self) -> String {
        format!("{}-kafka", self.0.name)
    }

    /// Host of [`Self::bootstrap`].
    pub fn bootstrap_host(self) -> String {
        format!("{}.{}.svc", self.bootstrap(), self.0.namespace)
    }

    /// `host:port` of the nodes for the operator, separated by commas.
    pub fn replication_servers(self, nodes: usize) -> String {
        let servers: Vec<String> = (0..nodes)
            .map(|id| format!("{}:{REPLICATION_PORT}", self.host(&self.node(id))))
            .collect();
        servers.join(",")
    }

    /// ConfigMap of the nodes' configuration.
    pub fn config(self) -> String {
        format!("{}-config", self.0.name)
    }

    /// ConfigMap of the topics that are being made.
    pub fn creating(self) -> String {
        format!("{}-creating", self.0.name)
    }

    /// ConfigMap of the API server's token keys.
    pub fn jwks(self) -> String {
        format!("{}-jwks", self.0.name)
    }

    /// ConfigMap of the Kubernetes nodes' racks.
    pub fn racks(self) -> String {
        format!("{}-racks", self.0.name)
    }

    /// ConfigMap of the cluster id and the directory ids.
    pub fn identity(self) -> String {
        format!("{}-identity", self.0.name)
    }

    /// Secret with the authority's key, and ConfigMap with its certificate.
    pub fn authority(self) -> String {
        format!("{}-ca", self.0.name)
    }

    /// Secret of the nodes' certificate.
    pub fn node_certificate(self) -> String {
        format!("{}-nodes-tls", self.0.name)
    }

    /// Secret of the operator's certificate.
    pub fn operator_certificate(self) -> String {
        format!("{}-operator-tls", self.0.name)
    }

    /// Deployment, Service, ServiceAccount and NetworkPolicy of the schema registry.
    pub fn registry(self) -> String {
        format!("{}-registry", self.0.name)
    }

    /// Base URL of the managed registry's Confluent API.
    pub fn registry_url(self) -> String {
        format!(
            "http://{}.{}.svc:{REGISTRY_PORT}/apis/ccompat/v7",
            self.registry(),
            self.0.namespace
        )
    }
}

use k8s_openapi::apimachinery::pkg::{
    api::resource::Quantity,
    apis::meta::v1::{Condition, LabelSelector},
};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConfigMap, DeletionPolicy, ReassignmentStatus};

/// An Apache Kafka cluster in KRaft mode, with its schema registry and the namespaces that may use it.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "KafkaCluster",
    plural = "kafkaclusters",
    shortname = "kc",
    category = "millrace",
    namespaced,
    status = "KafkaClusterStatus",
    derive = "PartialEq",
    doc = "An Apache Kafka cluster in KRaft mode, with its schema registry and the namespaces that may use it.",
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".spec.combined.nodes"),
    printcolumn(
        name = "Brokers",
        type_ = "integer",
        description = "Brokers that are up",
        json_path = ".status.brokersReady"
    ),
    printcolumn(
        name = "Bootstrap",
        type_ = "string",
        json_path = ".status.listeners[0].bootstrapServers",
        priority = "1"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.listeners.all(a, self.listeners.exists_one(b, a.port == b.port))", "listeners: two listeners have one port, give each its own"),
    validation = ("self.listeners.all(a, self.listeners.exists_one(b, a.name == b.name))", "listeners: two listeners have one name, give each its own"),
    validation = ("self.listeners.all(a, !(a.port in [9090, 9091]))", "listeners: the ports 9090 and 9091 are the nodes' own, write another"),
    validation = ("!has(self.config) || self.config.all(key, key.matches('^[a-z0-9.]+$'))", "config: write Kafka's broker configuration keys, such as log.retention.hours"),
    validation = ("!has(self.config) || self.config.all(key, !key.matches('^(node[.]id|process[.]roles|listeners|advertised[.]listeners|authorizer[.]class[.]name|super[.]users|allow[.]everyone[.]if[.]no[.]acl[.]found|log[.]dirs?|broker[.]rack|inter[.]broker[.]listener[.]name|controller[.]listener[.]names|(ssl|sasl|listener|controller[.]quorum)[.].*)$'))", "config: node ids, listeners, security, racks and log directories are managed by Millrace, leave those keys out")
)]
pub struct KafkaClusterSpec {
    /// Version of Apache Kafka.
    #[serde(default = "default_version")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
    pub version: String,
    /// Which nodes run which role.
    #[serde(default)]
    pub mode: Mode,
    /// The nodes of `mode: Combined`.
    #[serde(default)]
    pub combined: Combined,
    /// The image of the nodes. Defaults to the one the operator was installed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The volumes of the nodes.
    #[serde(default)]
    pub storage: Storage,
    /// CPU and memory of a node. The JVM's heap is half of the memory limit, at most 6 GiB.
    #[serde(default)]
    pub resources: Resources,
    /// Label of the Kubernetes nodes whose value is a broker's rack. Replicas of a partition are spread over racks.
    #[serde(default = "default_topology_key")]
    #[schemars(length(min = 1, max = 317))]
    pub rack_topology_key: String,
    /// Where clients connect. All listeners are TLS.
    #[serde(default = "default_listeners")]
    #[schemars(length(min = 1, max = 8))]
    pub listeners: Vec<Listener>,
    /// Kafka's broker configuration, such as `log.retention.hours: 48`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub config: Option<ConfigMap>,
    /// The schema registry: one that Millrace runs, or the URL of any with Confluent's API. Without it Schemas cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_registry: Option<RegistrySource>,
    /// The other namespaces that may use the cluster, and the names each may claim. The cluster's own namespace may claim any name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub namespaces: Vec<NamespaceGrant>,
    /// How fast replicas may be moved between brokers.
    #[serde(default)]
    pub reassignment: ReassignmentLimits,
    /// What single ServiceAccounts may use of the cluster, in place of their namespace's `quota`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub quotas: Vec<ServiceAccountQuota>,
}

/// How fast replicas may be moved between brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReassignmentLimits {
    /// Bytes a second that one broker may send, and may receive, for moved replicas; at least 1048576 (1 MiB).
    #[serde(default = "fifty_mib")]
    #[schemars(range(min = 1048576))]
    pub throttle_bytes_per_second: i64,
    /// Partitions moved at the same time, 1 to 1000.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 1000))]
    pub partitions_at_once: i32,
}

impl Default for ReassignmentLimits {
    fn default() -> Self {
        Self {
            throttle_bytes_per_second: fifty_mib(),
            partitions_at_once: twenty(),
        }
    }
}

fn fifty_mib() -> i64 {
    50 << 20
}

fn twenty() -> i32 {
    20
}

/// What one principal may use of the whole cluster. Kafka counts by broker: Millrace divides by the brokers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Bytes a second it may write, over all brokers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub producer_byte_rate: Option<i64>,
    /// Bytes a second it may read, over all brokers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub consumer_byte_rate: Option<i64>,
    /// Share of the brokers' request threads, in percent of one thread, over all brokers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000000))]
    pub request_percentage: Option<i32>,
}

/// What one ServiceAccount may use of the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.quota.producerByteRate) || has(self.quota.consumerByteRate) || has(self.quota.requestPercentage)", "quotas[].quota: write producerByteRate, consumerByteRate or requestPercentage"))]
pub struct ServiceAccountQuota {
    /// Name of the ServiceAccount.
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// What it may use.
    pub quota: Quota,
}

/// How much a namespace may make on the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceLimits {
    /// Most topics, dead-letter topics among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub topics: Option<i32>,
    /// Most partitions of all topics together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub partitions: Option<i32>,
}

fn default_version() -> String {
    "4.3.1".into()
}

fn default_topology_key() -> String {
    "topology.kubernetes.io/zone".into()
}

fn default_listeners() -> Vec<Listener> {
    vec![Listener {
        name: "internal".into(),
        port: 9092,
        listener_type: ListenerType::ServiceAccount,
    }]
}

/// Which nodes run which role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Mode {
    /// Every node is a broker and a controller.
    #[default]
    Combined,
}

/// Nodes that are brokers and controllers at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.nodes in [1, 3]", "combined.nodes: write 1 or 3, the sizes a combined quorum can have"),
    validation = ("self.nodes == oldSelf.nodes", "combined.nodes cannot change: the quorum was formed with this number, create a new cluster")
)]
pub struct Combined {
    /// Number of nodes: 1 (no redundancy) or 3.
    #[serde(default = "three")]
    pub nodes: i32,
}

impl Default for Combined {
    fn default() -> Self {
        Self { nodes: three() }
    }
}

fn three() -> i32 {
    3
}

/// The volume of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("quantity(self.size).isGreaterThan(quantity('0'))", "storage.size: write a size above zero, such as 10Gi"),
    validation = ("self == oldSelf", "storage cannot change yet: create a new cluster with the other volumes and move the topics")
)]
pub struct Storage {
    /// Size of each node's volume, such as `10Gi`.
    #[serde(default = "ten_gib")]
    #[schemars(
        regex(pattern = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"),
        length(max = 32)
    )]
    pub size: String,
    /// StorageClass of the volumes. Defaults to the Kubernetes cluster's own default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Whether the volumes go with the KafkaCluster. `Delete` takes effect only if the KafkaCluster also
    /// carries the annotation `millrace.dev/confirm-delete-data: <its name>` when it is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            size: ten_gib(),
            class_name: None,
            deletion_policy: DeletionPolicy::Retain,
        }
    }
}

fn ten_gib() -> String {
    "10Gi".into()
}

/// CPU and memory of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What is set aside for the container.
    #[serde(default)]
    pub requests: ResourceAmounts,
    /// What the container may use at most.
    #[serde(default)]
    pub limits: ResourceAmounts,
}

/// Amounts of CPU and memory.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAmounts {
    /// CPU, such as `500m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Memory, such as `2Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self.name.matches('^[a-z][a-z0-9]{0,14}$')", "listeners[].name: write a lower case letter followed by up to 14 lower case letters or digits"))]
pub struct Listener {
    /// Name of the listener.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Port, 1024 to 65535.
    #[schemars(range(min = 1024, max = 65535))]
    pub port: i32,
    /// How clients prove who they are.
    #[serde(rename = "type", default)]
    pub listener_type: ListenerType,
}

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ListenerType {
    /// With the projected token of their Kubernetes ServiceAccount (SASL_SSL, OAUTHBEARER).
    #[default]
    ServiceAccount,
}

/// Where schemas are kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.managed) != has(self.url)", "schemaRegistry: write either `managed` or `url`"))]
pub struct RegistrySource {
    /// Millrace runs Apicurio Registry, which keeps the schemas in this Kafka cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRegistry>,
    /// Base URL of a registry with Confluent's API, such as `https://registry.example.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://[^\s]+$"), length(max = 2048))]
    pub url: Option<String>,
}

/// The schema registry that Millrace runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRegistry {
    /// The image of the registry. Defaults to the one the operator was installed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// CPU and memory of the registry.
    #[serde(default)]
    pub resources: Resources,
}

/// Lets namespaces use the cluster.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.prefixes) || self.prefixes.all(p, p.matches('^[a-zA-Z0-9._-]*[._-]$'))", "namespaces[].prefixes: end each prefix in a separator ('.', '_' or '-') so that it cannot match another team's names"),
    validation = ("!has(self.prefixes) || self.prefixes.all(p, p.size() >= 2 && !p.startsWith('__'))", "namespaces[].prefixes: write at least one letter or digit before the separator; names that begin with '__' are Kafka's own")
)]
pub struct NamespaceGrant {
    /// Labels of the namespaces. `kubernetes.io/metadata.name` matches one by name.
    pub selector: LabelSelector,
    /// What the names of topics, groups, subjects and transactional ids of these namespaces must begin with. Defaults to `<namespace>.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 100)))]
    pub prefixes: Option<Vec<String>>,
    /// How much each of these namespaces may make. What is over the limit is refused, the youngest first; what is there stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<NamespaceLimits>,
    /// What each ServiceAccount of these namespaces may use. Where two entries match, the lower number counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// What is true of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaClusterStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up the others: `BrokersReady`, `SpecAccepted`, `RegistryReady`; `Redundant` is False on a cluster of one node,
    /// `QuotasSet` where Kafka refused a quota.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Kafka's id of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Brokers that are up, as Kafka's own metadata says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brokers_ready: Option<i32>,
    /// The brokers that are up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brokers: Vec<BrokerStatus>,
    /// Where clients connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<ListenerStatus>,
    /// The audience that ServiceAccount tokens for this cluster must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_audience: Option<String>,
    /// Base URL of the schema registry's Confluent API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_registry_url: Option<String>,
    /// ACLs of principals that are not ServiceAccounts and not Millrace's: seen and left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_acls: Option<i32>,
    /// Principals with a quota that are not ServiceAccounts: seen and left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_quotas: Option<i32>,
    /// The moves of replicas that are under way, those that somebody else began among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reassignment: Option<ReassignmentStatus>,
}

/// A broker that is up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerStatus {
    /// Node id.
    pub id: i32,
    /// Rack, the zone of the Kubernetes node it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
}

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerStatus {
    /// Name of the listener.
    pub name: String,
    /// Value for the clients' `bootstrap.servers`.
    pub bootstrap_servers: String,
}

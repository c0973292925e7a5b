use tokio::sync::broadcast;

use super::ClusterKey;

/// Something changed that others depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A KafkaCluster resource, or whether its Kafka answers.
    Cluster(ClusterKey),
    /// An object that a KafkaCluster is made of, such as a pod.
    ClusterChild(ClusterKey),
    /// A Namespace: its labels decide about grants and consent.
    Namespace(String),
    /// A Topic resource, by namespace and name.
    Topic(String, String),
    /// A DLQ resource, by namespace and name.
    Dlq(String, String),
    /// A Redrive resource, or how far it has come, by namespace and name.
    Redrive(String, String),
    /// A ConsumerGroup resource, by namespace and name.
    ConsumerGroup(String, String),
    /// A Schema resource, by namespace and name.
    Schema(String, String),
    /// A ConfigMap with texts of schemas, by namespace and name.
    SchemaTexts(String, String),
    /// A namespace may have room on a cluster that it had not.
    Limits(ClusterKey, String),
    /// A topic in Kafka differs from the last look (drift, or an own write).
    KafkaTopic(ClusterKey, String),
    /// The ACLs in Kafka differ from the last look.
    KafkaAcls(ClusterKey),
    /// The moves of replicas that are under way, or brokers' dynamic configuration, differ from the last look.
    KafkaLayout(ClusterKey),
    /// The quotas in Kafka differ from the last look.
    KafkaQuotas(ClusterKey),
    /// New offsets of the consumer groups are known.
    KafkaGroups(ClusterKey),
}

/// Wakes that wait for the slowest receiver, at the most: when a broker goes, each of ten thousand topics changes at once. Each wake has its
/// place from the start, of some 100 bytes.
const WAITING: usize = 16_384;

/// The sending side; clones share one channel. A receiver that lags behind must look at everything.
#[derive(Clone, Debug)]
pub struct Waker(broadcast::Sender<Wake>);

impl Default for Waker {
    fn default() -> Self {
        Self(broadcast::channel(WAITING).0)
    }
}

impl Waker {
    /// Tells all receivers. Nobody listening is no error.
    pub fn wake(&self, wake: Wake) {
        let _ = self.0.send(wake);
    }

    /// A receiver of all that is sent from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Wake> {
        self.0.subscribe()
    }
}

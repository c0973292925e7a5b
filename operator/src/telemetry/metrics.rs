use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{DlqLetters, Groups, Reconciles, SampledRecords, Topics};

/// The label `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    /// Kind of a resource, or of a request.
    pub kind: String,
}

/// The label `api`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Api {
    /// Name of a request in Kafka's protocol, such as `OffsetFetch`.
    pub api: String,
}

/// All metrics of the operator. Clones share the same counters.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// `millrace_leader`: 1 where this process leads, 0 where it stands by.
    pub leader: Gauge,
    /// `millrace_reconcile_…`: how long reconciles take and how they fail.
    pub reconciles: Reconciles,
    /// `millrace_kubernetes_writes_total`: writes to the API server, by kind.
    pub kubernetes_writes: Family<Kind, Counter>,
    /// `millrace_kafka_requests_total`: admin calls to Kafka, by kind (the call's name, such as `describe_topics`).
    pub kafka_requests: Family<Kind, Counter>,
    /// `millrace_kafka_wire_requests_total`: requests that Millrace encodes itself, as they are sent, by their name in the protocol.
    pub kafka_wire_requests: Family<Api, Counter>,
    /// `millrace_group_…`: lag and replicas of the consumer groups.
    pub groups: Groups,
    /// `millrace_dlq_letters`: dead letters by reason.
    pub letters: DlqLetters,
    /// `millrace_schema_sampled_records_total`: records that were sampled, by what was found.
    pub conformance: SampledRecords,
    /// `millrace_topic_…`: how much the largest topics hold, and how evenly.
    pub topics: Topics,
}

impl Metrics {
    /// All metrics as one registry, whose names begin with `millrace_`.
    pub fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("millrace");
        registry.register(
            "leader",
            "1 where this process leads, 0 where it stands by",
            self.leader.clone(),
        );
        self.reconciles.register(&mut registry);
        self.groups.register(&mut registry);
        self.letters.register(&mut registry);
        self.conformance.register(&mut registry);
        self.topics.register(&mut registry);
        registry.register(
            "kubernetes_writes",
            "Writes to the API server",
            self.kubernetes_writes.clone(),
        );
        registry.register(
            "kafka_requests",
            "Admin calls to Kafka",
            self.kafka_requests.clone(),
        );
        registry.register(
            "kafka_wire_requests",
            "Requests to single brokers over Millrace's own connections",
            self.kafka_wire_requests.clone(),
        );
        registry
    }
}

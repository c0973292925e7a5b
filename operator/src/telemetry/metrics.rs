use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

/// The label `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    /// Kind of a resource.
    pub kind: String,
}

/// All metrics of the operator. Clones share the same counters.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// `millrace_kubernetes_writes_total`: writes to the API server, by kind.
    pub kubernetes_writes: Family<Kind, Counter>,
}

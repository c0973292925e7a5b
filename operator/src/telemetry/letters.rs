use std::collections::{BTreeMap, BTreeSet};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cluster: String,
    dlq: String,
    reason: String,
}

/// `millrace_dlq_letters`: dead letters by reason. Clones share the same series.
#[derive(Clone, Debug, Default)]
pub struct DlqLetters(Family<Labels, Gauge>);

impl DlqLetters {
    /// Sets the letters of a DLQ (`dlq`: namespace/name) by reason, and removes the series of the reasons `before` that are gone.
    pub fn set(
        &self,
        cluster: &str,
        dlq: &str,
        before: &BTreeSet<String>,
        now: &BTreeMap<String, i64>,
    ) {
        let labels = |reason: &String| Labels {
            cluster: cluster.to_owned(),
            dlq: dlq.to_owned(),
            reason: reason.clone(),
        };
        for gone in before.iter().filter(|reason| !now.contains_key(*reason)) {
            self.0.remove(&labels(gone));
        }
        for (reason, count) in now {
            self.0.get_or_create(&labels(reason)).set(*count);
        }
    }

    /// Makes the metric part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "dlq_letters",
            "Dead letters in a dead-letter queue, by reason",
            self.0.clone(),
        );
    }
}

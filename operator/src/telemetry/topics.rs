use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

/// Topics of one cluster that have series.
const MOST: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    cluster: String,
    topic: String,
}

/// `millrace_topic_…`: how much the largest topics hold, and how evenly. Clones share the same series.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    bytes: Family<Labels, Gauge>,
    ratio: Family<Labels, Gauge<f64, AtomicU64>>,
    shown: Arc<Mutex<BTreeSet<Labels>>>,
}

impl Topics {
    /// Shows the largest topics of a cluster (namespace/name), at most 100, by their bytes and what the fullest partition holds over the mean. The
    /// series of others go.
    pub fn show(&self, cluster: &str, topics: BTreeMap<String, (u64, f64)>) {
        let mut topics: Vec<_> = topics.into_iter().collect();
        topics.sort_by_key(|(_, (bytes, _))| Reverse(*bytes));
        topics.truncate(MOST);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, others): (BTreeSet<_>, BTreeSet<_>) = std::mem::take(&mut *shown)
            .into_iter()
            .partition(|labels| labels.cluster == cluster);
        *shown = others;
        for (topic, (bytes, ratio)) in topics {
            let labels = Labels {
                cluster: cluster.to_owned(),
                topic,
            };
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.bytes.get_or_create(&labels).set(bytes);
            self.ratio.get_or_create(&labels).set(ratio);
            shown.insert(labels);
        }
        for gone in own.difference(&shown) {
            self.bytes.remove(gone);
            self.ratio.remove(gone);
        }
    }

    /// Makes these metrics part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "topic_bytes",
            "Bytes of a topic's leading replicas",
            self.bytes.clone(),
        );
        registry.register(
            "topic_skew_ratio",
            "What a topic's fullest partition holds over what a partition holds on average",
            self.ratio.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn the_largest_topics_are_shown_and_go_again() {
        let (topics, mut registry) = (Topics::default(), Registry::with_prefix("millrace"));
        topics.register(&mut registry);
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let many = (0..150).map(|size| (format!("t{size}"), (size, 1.5)));
        topics.show("kafka/a", many.collect());
        topics.show("kafka/b", BTreeMap::from([("other".to_owned(), (7, 2.0))]));
        let shown = text();
        assert_eq!(
            shown.matches(r#"topic_bytes{cluster="kafka/a""#).count(),
            100
        );
        assert!(shown.contains(r#"millrace_topic_bytes{cluster="kafka/a",topic="t149"} 149"#));
        assert!(
            !shown.contains(r#"topic="t49""#),
            "it is one of the smallest"
        );
        assert!(
            shown.contains(r#"millrace_topic_skew_ratio{cluster="kafka/b",topic="other"} 2.0"#)
        );
        topics.show("kafka/a", BTreeMap::new());
        assert!(!text().contains("kafka/a"), "{}", text());
        assert!(text().contains("kafka/b"), "{}", text());
    }
}

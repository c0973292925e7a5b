use std::{collections::BTreeSet, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The labels `cluster` (namespace/name of the KafkaCluster) and `group` (the group id).
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct GroupLabels {
    /// Namespace and name of the KafkaCluster.
    pub cluster: String,
    /// The group id.
    pub group: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TopicLabels {
    cluster: String,
    group: String,
    topic: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    cluster: String,
    group: String,
    direction: &'static str,
}

/// `millrace_group_…`: lag and replicas of the consumer groups. Clones share the same series.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    records: Family<TopicLabels, Gauge>,
    seconds: Family<TopicLabels, Gauge<f64, AtomicU64>>,
    replicas: Family<GroupLabels, Gauge>,
    desired: Family<GroupLabels, Gauge>,
    decisions: Family<DirectionLabels, Counter>,
}

impl Groups {
    /// Sets the lag of a group in one topic. Without `seconds` that series goes: unknown is not 0.
    pub fn set_lag(&self, group: &GroupLabels, topic: &str, records: i64, seconds: Option<f64>) {
        let labels = of_topic(group, topic);
        self.records.get_or_create(&labels).set(records);
        match seconds {
            Some(seconds) => {
                self.seconds.get_or_create(&labels).set(seconds);
            }
            None => {
                self.seconds.remove(&labels);
            }
        }
    }

    /// Sets the replicas the workload asks for, and those the autoscaler wants.
    pub fn set_replicas(&self, group: &GroupLabels, replicas: i32, desired: i32) {
        self.replicas.get_or_create(group).set(replicas.into());
        self.desired.get_or_create(group).set(desired.into());
    }

    /// Counts a change of the replicas.
    pub fn count_decision(&self, group: &GroupLabels, up: bool) {
        self.decisions.get_or_create(&towards(group, up)).inc();
    }

    /// Removes all series of a group.
    pub fn forget(&self, group: &GroupLabels, topics: &BTreeSet<String>) {
        self.forget_topics(group, topics);
        self.replicas.remove(group);
        self.desired.remove(group);
        for up in [true, false] {
            self.decisions.remove(&towards(group, up));
        }
    }

    /// Removes a group's series of topics it no longer reads.
    pub fn forget_topics(&self, group: &GroupLabels, topics: &BTreeSet<String>) {
        for topic in topics {
            let labels = of_topic(group, topic);
            self.records.remove(&labels);
            self.seconds.remove(&labels);
        }
    }

    /// Makes these metrics part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "group_lag_records",
            "Records a consumer group has not processed yet",
            self.records.clone(),
        );
        registry.register(
            "group_lag_seconds",
            "How long the oldest record not processed yet has been waiting",
            self.seconds.clone(),
        );
        registry.register(
            "group_replicas",
            "Replicas the workload of a consumer group asks for",
            self.replicas.clone(),
        );
        registry.register(
            "group_desired_replicas",
            "Replicas the autoscaler wants for a consumer group",
            self.desired.clone(),
        );
        registry.register(
            "group_scale_decisions",
            "Changes of the replicas by the autoscaler",
            self.decisions.clone(),
        );
    }
}

fn of_topic(group: &GroupLabels, topic: &str) -> TopicLabels {
    TopicLabels {
        cluster: group.cluster.clone(),
        group: group.group.clone(),
        topic: topic.to_owned(),
    }
}

fn towards(group: &GroupLabels, up: bool) -> DirectionLabels {
    let direction = if up { "up" } else { "down" };
    DirectionLabels {
        cluster: group.cluster.clone(),
        group: group.group.clone(),
        direction,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn series_go_with_their_group() {
        let (groups, mut registry) = (Groups::default(), Registry::with_prefix("millrace"));
        groups.register(&mut registry);
        let labels = GroupLabels {
            cluster: "a/b".into(),
            group: "g".into(),
        };
        groups.set_lag(&labels, "t", 5, Some(1.5));
        groups.set_replicas(&labels, 1, 2);
        groups.count_decision(&labels, true);
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        for line in [
            r#"millrace_group_lag_records{cluster="a/b",group="g",topic="t"} 5"#,
            r#"millrace_group_lag_seconds{cluster="a/b",group="g",topic="t"} 1.5"#,
            r#"millrace_group_desired_replicas{cluster="a/b",group="g"} 2"#,
            r#"millrace_group_scale_decisions_total{cluster="a/b",group="g",direction="up"} 1"#,
        ] {
            assert!(text().contains(line), "{}", text());
        }
        groups.forget(&labels, &["t".to_owned()].into());
        assert!(!text().contains("a/b"), "{}", text());
    }
}

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use millrace_crds::ReassignmentStatus;

use super::ClusterKey;

/// What is moved in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutReport {
    /// All moves together; None while there are none.
    pub cluster: Option<ReassignmentStatus>,
    /// The moves of each topic that has any left.
    pub topics: BTreeMap<String, TopicMoves>,
}

/// What is moved of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicMoves {
    /// How far it has come.
    pub progress: ReassignmentStatus,
    /// Why some partitions are not moved now.
    pub waiting: Option<String>,
}

/// What is moved, by cluster, for those who write status. Clones share one map.
#[derive(Clone, Debug, Default)]
pub struct Layouts(Arc<RwLock<BTreeMap<ClusterKey, LayoutReport>>>);

impl Layouts {
    /// Puts a report in place of the one before.
    pub fn show(&self, cluster: &ClusterKey, report: LayoutReport) {
        let mut reports = self
            .0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.insert(cluster.clone(), report);
    }

    /// The latest report; an empty one before the first.
    pub fn of(&self, cluster: &ClusterKey) -> LayoutReport {
        self.read(cluster, LayoutReport::clone).unwrap_or_default()
    }

    /// What is moved of a topic.
    pub fn topic(&self, cluster: &ClusterKey, topic: &str) -> Option<TopicMoves> {
        self.read(cluster, |report| report.topics.get(topic).cloned())?
    }

    /// What is moved in a cluster.
    pub fn cluster(&self, cluster: &ClusterKey) -> Option<ReassignmentStatus> {
        self.read(cluster, |report| report.cluster.clone())?
    }

    fn read<T>(&self, cluster: &ClusterKey, part: impl FnOnce(&LayoutReport) -> T) -> Option<T> {
        let reports = self
            .0
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.get(cluster).map(part)
    }
}

use std::collections::BTreeMap;

use crate::decision::{EarlierRun, Rules};

/// One Redrive to carry out.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// How to reach the cluster, in librdkafka's words, such as `bootstrap.servers`. Ids and everything about records, queues and
    /// transactions is set here.
    pub connection: BTreeMap<String, String>,
    /// The uid of the Redrive.
    pub redrive: String,
    /// The dead-letter topic.
    pub topic: String,
    /// For each of its partitions the first offset that is not taken any more: its end when the Redrive began, from [`super::ends`].
    /// They must be the same whenever the Redrive is carried on.
    pub ends: BTreeMap<i32, i64>,
    /// The next offsets that were last published of this Redrive; empty before it began. Where Kafka knows less than that, it has
    /// forgotten the position, and the run fails instead of moving letters twice.
    pub published: BTreeMap<i32, i64>,
    /// What to do with letters.
    pub rules: Rules,
    /// The Redrives whose letters are not to be moved a second time: none where that is wanted. Dry runs are not among them.
    pub earlier: Vec<EarlierRun>,
    /// Most letters written in a second, at least 1. None: as fast as Kafka takes them.
    pub per_second: Option<u32>,
    /// The run is complete once so many letters have been written. None: once all have been looked at.
    pub max: Option<u64>,
    /// Most letters of a hundred that may come back, see [`crate::returns`]. None: they are only counted.
    pub stop_at_returned_percent: Option<u8>,
    /// Only read, decide and count. Nothing is written and nothing committed, so it begins anew with each process.
    pub dry_run: bool,
}

/// The group whose committed offsets are the position of a Redrive. It has no members.
pub fn group_id(redrive: &str) -> String {
    format!("millrace-redrive-{redrive}")
}

/// The transactional id of a Redrive.
pub fn transactional_id(redrive: &str) -> String {
    format!("millrace-redrive-{redrive}")
}

use std::collections::BTreeMap;

use super::Filter;

/// Where letters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the topic each was read from.
    Origin,
    /// All to one topic.
    Topic(String),
}

/// What a Redrive does with letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The letters that are meant.
    pub filter: Filter,
    /// Where they go.
    pub to: Destination,
    /// How often a letter may be brought home, at least 1. One that has been as often is not brought home again.
    pub max_attempts: u32,
    /// The topic for letters that have been brought home too often. Without it they stay where they are.
    pub quarantine: Option<String>,
    /// The topics that may be written to, by the consent of whose they are, each with the number of its partitions. Nothing is
    /// written to any other.
    pub allowed: BTreeMap<String, i32>,
}

/// A Redrive of the same dead-letter topic that ended before this one began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierRun {
    /// The rules it ran by, `allowed` being what was allowed then.
    pub rules: Rules,
    /// For each partition the first offset it did not process any more. It began with the first letter there was.
    pub processed: BTreeMap<i32, i64>,
}

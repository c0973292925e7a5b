use std::collections::BTreeMap;

use crate::tally::Report;

/// How far a run has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// What has come of the letters so far; none of it is taken back.
    pub report: Report,
    /// Where it stands in each partition. Empty before Kafka has been asked.
    pub partitions: BTreeMap<i32, Stretch>,
    /// Letters written in a second of late.
    pub letters_per_second: f64,
    /// Seconds until all letters have been looked at, at the speed of late. None where that cannot be told.
    pub seconds_left: Option<f64>,
}

/// Where a run stands in one partition of the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The offset of the next letter to look at.
    pub next: i64,
    /// The first offset that is not looked at.
    pub end: i64,
}

/// What a run is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It asks Kafka where it stands.
    Starting,
    /// It moves letters.
    Running,
    /// Something stands in the way; it tries again by itself.
    Waiting(String),
    /// It was asked to rest, and keeps its position.
    Suspended,
    /// It is over.
    Ended(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All letters have been looked at, or as many written as were asked for.
    Completed,
    /// It was asked to end. What was moved stays moved.
    Cancelled,
    /// Too many of its letters came back; the sentence says how many.
    TooManyReturned(String),
    /// Its handle was dropped, or another process carries this Redrive on. Also where its transaction took longer than Kafka
    /// waits, as after a long stop of the process: whoever is responsible for the Redrive starts it again.
    Left,
    /// It cannot go on; the sentence says why and what to do.
    Failed(String),
}

use std::collections::BTreeSet;

use crate::kafka::{Acl, ConfigChange, NewPartitions, NewTopic};

/// One thing to do in Kafka. Each is idempotent: done twice it changes nothing the second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaStep {
    /// Look at a topic anew, however fresh the last look is. Changes nothing.
    LookAt(String),
    /// Create a topic.
    CreateTopic(NewTopic),
    /// Delete a topic with its records.
    DeleteTopic(String),
    /// Add partitions to a topic.
    CreatePartitions(NewPartitions),
    /// Change a topic's configuration.
    AlterConfig(ConfigChange),
    /// Allow something.
    CreateAcls(BTreeSet<Acl>),
    /// Allow something no longer.
    DeleteAcls(BTreeSet<Acl>),
}

/// Something the spec asks for that is not done, and why. It never keeps the other steps from being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// A word for programs, from [`crate::status::reasons`].
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// What has to be done for one resource, and what will not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be done, in this order.
    pub steps: Vec<KafkaStep>,
    /// Not to be done.
    pub blocked: Vec<Blocked>,
}

//! What Millrace asks of a Kafka cluster: one trait for its administration and two for the records at the ends of partitions,
//! bulk calls only.
//!
//! Architecture invariant: the types of a Kafka library stop here, but for the reader of dead letters. [`client`] and [`records`]
//! are the real implementations, [`fake`] an in-memory one of all for property tests; the suite runs the same scenario of
//! administration against both.

mod acl;
mod admin;
mod client;
mod clients;
pub mod conformance;
mod counted;
mod fake;
mod group_type;
mod observed;
mod quota;
mod reassignment;
mod records;
mod samples;
mod tails;

pub use acl::{Acl, AclOperation, AclPattern, AclResource, Principal};
pub use admin::{
    BrokerConfigChange, ConfigChange, Credentials, KafkaAdmin, KafkaError, NewPartitions, NewTopic,
    OffsetsAt, PerItem,
};
pub use client::KrafkaAdmin;
pub use clients::Clients;
pub use counted::Counted;
pub use fake::{Call, FakeKafka, Fuse};
pub use group_type::GroupType;
pub use millrace_autoscaler::{GroupDescription, TopicPartition};
pub use observed::{BrokerId, ObservedBroker, ObservedCluster, ObservedPartition, ObservedTopic};
pub use quota::BrokerQuota;
pub use reassignment::{OngoingReassignment, Reassignment};
pub use records::{RdkafkaSampler, RdkafkaTailReader, connection_settings, consumer_settings};
pub use samples::{RecordSampler, Sample, SampledRecord};
pub use tails::{Tail, TailContent, TailReader};

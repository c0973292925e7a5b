//! The resources of Millrace (`millrace.dev/v1alpha1`) as Rust types.
//!
//! Each module is one kind; its doc comments become the descriptions a user reads in `kubectl explain`.
//! The crate knows no client and decides nothing: it is the vocabulary the operator, the suite and the generator share.

#![allow(
    clippy::duplicated_attributes,
    reason = "each printcolumn of a kube derive is one"
)]

mod cluster_ref;
mod config;
mod conformance;
mod consent;
mod consumer_group;
mod crd;
mod deletion;
mod dlq;
mod kafka_cluster;
mod offset_reset;
mod redrive;
pub mod reference;
mod schema;
mod schema_reference;
mod schema_source;
mod topic;

pub use cluster_ref::ClusterRef;
pub use config::{ConfigMap, ConfigValue};
pub use conformance::{
    ConformanceMode, ConformanceStatus, ConformanceViolation, SchemaConformance,
};
pub use consent::{AllowedNamespaces, NamespacesFrom};
pub use consumer_group::{
    Autoscaling, AutoscalingMode, ConsumerGroup, ConsumerGroupSpec, ConsumerGroupStatus, DlqRef,
    GroupType, LagObjective, LagStatus, OffsetReset, PartitionLag, ScaleTargetRef, ScalingStatus,
    Schedule, TopicLag, TopicRef,
};
pub use crd::{DIRECTORIES, all, files};
pub use deletion::{DeletionPolicy, SubjectDeletionPolicy};
pub use dlq::{Dlq, DlqAlerts, DlqReader, DlqSpec, DlqStatus, ReasonCount};
pub use kafka_cluster::{
    BrokerStatus, Combined, KafkaCluster, KafkaClusterSpec, KafkaClusterStatus, Listener,
    ListenerStatus, ListenerType, ManagedRegistry, Mode, NamespaceGrant, NamespaceLimits, Quota,
    ReassignmentLimits, RegistrySource, ResourceAmounts, Resources, ServiceAccountQuota, Storage,
};
pub use offset_reset::{
    KeptOffsets, OffsetResetPhase, OffsetResetStatus, PartitionOffset, PartitionReset,
    ResetOffsets, ResetTo,
};
pub use redrive::{
    DestinationCount, Redrive, RedriveCounts, RedriveDlqRef, RedriveFilter, RedriveHeader,
    RedriveOffsets, RedrivePartition, RedrivePhase, RedriveSpec, RedriveStatus, RedriveTo,
};
pub use schema::{
    Compatibility, Schema, SchemaSpec, SchemaStatus, SchemaTopicRef, SchemaType, SubjectPart,
};
pub use schema_reference::{Latest, SchemaRef, SchemaReference, SubjectVersion};
pub use schema_source::{ConfigMapKeyRef, SCHEMA_TEXT_LABEL, SchemaSource};
pub use topic::{
    Binding, LayoutPolicy, ManagementPolicy, PartitionStatus, Producer, ReassignmentStatus, Topic,
    TopicSpec, TopicStatus,
};

/// API group of every kind.
pub const GROUP: &str = "millrace.dev";
/// The served and stored version of every kind.
pub const VERSION: &str = "v1alpha1";

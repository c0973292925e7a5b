//! Parse, don't validate: a resource and what it refers to become a value that is right by construction, or a [`Rejection`].
//!
//! Architecture invariant: no client, no clock. The controllers and the webhook call the same functions.
//! Every cross-namespace effect is checked here and nowhere else.

mod consent;
mod consumer_group;
mod dlq;
mod facts;
mod grant;
mod holder;
mod kafka_cluster;
mod limit;
mod name;
mod paused;
pub(crate) mod quantity;
mod redrive;
mod registry_url;
mod rejection;
mod schedule;
mod schema;
mod schema_circle;
mod schema_deletion;
mod schema_references;
mod schema_text;
mod streams;
mod topic;

#[cfg(test)]
mod tests;

pub use consent::allows;
pub use consumer_group::{ResolvedGroup, consumer_group, group_id, group_names};
pub use dlq::{dlq, dlq_share};
pub use facts::{Claimant, Facts, Name};
pub use grant::{Granted, granted, namespace_quota, overlapping_prefixes};
pub use kafka_cluster::{Images, ResolvedCluster, ResolvedRegistry, kafka_cluster};
pub use limit::{Amount, Capped, Limits, Share, Uses};
pub use name::{GroupId, Subject, TopicName, TopicPrefix};
pub use paused::paused;
pub use redrive::{ResolvedRedrive, redrive, redrive_destinations};
pub use registry_url::registry_url;
pub use rejection::Rejection;
pub use schedule::scheduled;
pub use schema::{ResolvedAudit, ResolvedSchema, schema};
pub use schema_deletion::{DoomedSubject, schema_deletion};
pub use schema_references::ResolvedReference;
pub use streams::{is_changelog, is_repartition};
pub use topic::{ResolvedTopic, topic, topic_share};

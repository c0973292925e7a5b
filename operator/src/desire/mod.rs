//! What ought to be: pure builders from resolved values to Kafka's and Kubernetes' objects.
//!
//! Architecture invariant: no client, no clock, no randomness; what comes out is sorted.

pub mod access;
pub mod binding;
pub mod creations;
pub mod kafka_cluster;
pub mod layout;
pub mod quotas;

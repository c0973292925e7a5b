//! The end-to-end suite: each case is named for what it proves, on a real Kubernetes with a real Kafka.
//!
//! Run it with `make e2e`, or `e2e/suite FILTER` once set up. Cases that measure time or disturb what others use run alone.

mod access;
mod autoscaling;
mod autoscaling_failures;
mod clock;
mod compatibility;
mod conformance;
mod consent;
mod dead_letters;
mod flights;
mod histories;
mod kafka_cluster;
mod lag_command;
mod lag_meanings;
mod limits;
mod malformed;
mod node_failure;
mod offset_reset;
mod operator_failure;
mod ownership;
mod plan_command;
mod quotas;
mod redrive;
mod schema;
mod schema_conformance;
mod schema_references;
mod share_groups;
mod streams_groups;
mod topic_access;
mod topic_deletion;
mod topic_drift;
mod topic_edit;
mod topic_finalizers;
mod topic_handover;
mod topic_layout;
mod topic_namespaces;
mod topic_observe;
mod topic_reassignment;
mod topic_skew;
mod topics_at_scale;
mod webhook_certificate;

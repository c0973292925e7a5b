//! Placement of replicas on brokers.

use std::sync::Arc;

use super::{KafkaAdmin, RecordSampler, TailReader};

/// The clients of one cluster.
#[derive(Clone)]
pub struct Clients {
    /// Of its administration.
    pub admin: Arc<dyn KafkaAdmin>,
    /// Of the records at the ends of partitions.
    pub tails: Arc<dyn TailReader>,
    /// Of samples of records.
    pub sampler: Arc<dyn RecordSampler>,
}

use std::collections::BTreeSet;

use millrace_crds::{ConsumerGroup, OffsetReset};

use super::{Facts, GroupId, Rejection, TopicName};
use crate::{kafka::Acl, world::ClusterKey};

/// A consumer group that may read what it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedGroup {
    /// The cluster it reads from.
    pub cluster: ClusterKey,
    /// Its group id.
    pub group_id: GroupId,
    /// The topics it reads, in the order declared.
    pub topics: Vec<TopicName>,
    /// Where its dead letters go.
    pub dlq: Option<TopicName>,
    /// Where it begins without a committed offset.
    pub offset_reset: OffsetReset,
    /// What it asks to be allowed.
    pub grants: BTreeSet<Acl>,
}

/// What a ConsumerGroup asks for, if it may.
pub fn consumer_group(_group: &ConsumerGroup, _facts: &dyn Facts) -> Result<ResolvedGroup, Rejection> {
    todo!()
}

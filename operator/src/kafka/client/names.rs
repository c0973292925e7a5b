use krafka::{admin::TopicPartition as KrafkaPartition, error::ErrorCode};

use super::{failure, topics::is_legal};
use crate::kafka::{PerItem, TopicPartition};

/// The partition as krafka names it.
pub(super) fn theirs(partition: &TopicPartition) -> KrafkaPartition {
    KrafkaPartition::new(&*partition.topic, partition.partition)
}

/// The partition as Millrace names it.
pub(super) fn ours(partition: KrafkaPartition) -> TopicPartition {
    TopicPartition {
        topic: partition.topic.into(),
        partition: partition.partition,
    }
}

/// Parts the items whose topic can exist from those whose name krafka would refuse to send, together with everything else
/// in the call. To Kafka the latter are unknown topics.
pub(super) fn split<T>(
    items: impl IntoIterator<Item = (TopicPartition, T)>,
) -> (Vec<(TopicPartition, T)>, PerItem<TopicPartition, ()>) {
    let (legal, illegal): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|(partition, _)| is_legal(&partition.topic));
    let refusals = illegal.into_iter().map(|(partition, _)| {
        let message = format!("there can be no topic {:?}", partition.topic);
        let refusal = failure::refused(ErrorCode::UnknownTopicOrPartition, message);
        (partition, Err(refusal))
    });
    let refusals = refusals.collect();
    (legal, refusals)
}

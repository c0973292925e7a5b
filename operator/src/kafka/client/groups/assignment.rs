use std::{collections::BTreeSet, sync::Arc};

use bytes::{Buf, Bytes, TryGetError};

use crate::kafka::TopicPartition;

/// The partitions in a member's assignment (`ConsumerProtocolAssignment`, embedded in the classic protocol); None, where it
/// cannot be read.
///
/// A member of the group wrote it, so it may hold anything. kafka-protocol's own decoder reserves memory for as many items as
/// it claims to have: for six bytes, 120 GB.
pub(super) fn partitions(mut assignment: Bytes) -> Option<BTreeSet<TopicPartition>> {
    // In the midst of a rebalance there is none.
    if assignment.is_empty() {
        return Some(BTreeSet::new());
    }
    read(&mut assignment).ok().flatten()
}

/// All versions begin alike, and end with what is the assignor's own.
fn read(assignment: &mut Bytes) -> Result<Option<BTreeSet<TopicPartition>>, TryGetError> {
    let version = assignment.try_get_i16()?;
    if version < 0 {
        return Ok(None);
    }
    let mut partitions = BTreeSet::new();
    for _ in 0..assignment.try_get_i32()? {
        let length = usize::try_from(assignment.try_get_i16()?).unwrap_or(usize::MAX);
        if length > assignment.remaining() {
            return Ok(None);
        }
        let Ok(topic) = String::from_utf8(assignment.split_to(length).into()) else {
            return Ok(None);
        };
        let topic: Arc<str> = topic.into();
        for _ in 0..assignment.try_get_i32()? {
            partitions.insert(TopicPartition {
                topic: topic.clone(),
                partition: assignment.try_get_i32()?,
            });
        }
    }
    Ok(Some(partitions))
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::{
        messages::{
            ConsumerProtocolAssignment, TopicName,
            consumer_protocol_assignment::TopicPartition as Of,
        },
        protocol::{Encodable, StrBytes},
    };

    use super::*;

    fn written(version: i16, topics: &[(&'static str, &[i32])]) -> Bytes {
        let of_topics = topics.iter().map(|(topic, partitions)| {
            Of::default()
                .with_topic(TopicName(StrBytes::from_static_str(topic)))
                .with_partitions(partitions.to_vec())
        });
        let mut blob = BytesMut::new();
        blob.put_i16(version);
        ConsumerProtocolAssignment::default()
            .with_assigned_partitions(of_topics.collect())
            .with_user_data(Some(Bytes::from_static(b"sticky")))
            .encode(&mut blob, version)
            .unwrap();
        blob.freeze()
    }

    #[test]
    fn partitions_of_all_versions_are_read() {
        for version in 0..=3 {
            let read = partitions(written(version, &[("orders", &[0, 3]), ("logs", &[1])]));
            let read: Vec<String> = read
                .unwrap()
                .into_iter()
                .map(|p| format!("{}-{}", p.topic, p.partition))
                .collect();
            assert_eq!(read, ["logs-1", "orders-0", "orders-3"]);
        }
        assert_eq!(partitions(Bytes::new()), Some(BTreeSet::new()));
        assert_eq!(partitions(written(0, &[])), Some(BTreeSet::new()));
    }

    #[test]
    fn what_is_no_assignment_is_not_taken_for_one() {
        let whole = written(1, &[("orders", &[0, 3])]);
        for length in 1..24 {
            assert_eq!(partitions(whole.slice(..length)), None, "of {length} bytes");
        }
        let blob = |write: fn(&mut BytesMut)| {
            let mut blob = BytesMut::new();
            write(&mut blob);
            partitions(blob.freeze())
        };
        let negative_version = blob(|blob| blob.put_slice(&[0xff; 40]));
        let endless = blob(|blob| {
            blob.put_i16(0);
            blob.put_i32(i32::MAX);
            blob.put_i16(1);
            blob.put_slice(b"t");
            blob.put_i32(i32::MAX);
            blob.put_i32(7);
        });
        let no_text = blob(|blob| {
            blob.put_i16(0);
            blob.put_i32(1);
            blob.put_i16(2);
            blob.put_slice(&[0xff, 0xfe]);
            blob.put_i32(0);
        });
        assert_eq!((negative_version, endless, no_text), (None, None, None));
    }
}

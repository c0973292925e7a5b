use std::{collections::BTreeMap, time::Duration};

use crate::{
    kafka::{OngoingReassignment, TopicPartition},
    plan::Sample,
    world::SizesView,
};

/// How far back a rate is taken.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many bytes the moves of a cluster that have begun still had to copy, of late.
#[derive(Default)]
pub(super) struct Track {
    topics: BTreeMap<String, Vec<Sample>>,
    total: Vec<Sample>,
}

impl Track {
    /// Takes sizes in, where they are newer than those before. What is not moved any more is forgotten.
    pub(super) fn take(
        &mut self,
        ongoing: &BTreeMap<TopicPartition, OngoingReassignment>,
        sizes: &SizesView,
    ) {
        if ongoing.is_empty() {
            *self = Self::default();
            return;
        }
        let since = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).ok();
        let Some(at) = sizes.time.and_then(since).map(Duration::from_millis) else {
            return;
        };
        if self.total.last().is_some_and(|last| last.at >= at) {
            return;
        }
        let mut left: BTreeMap<&str, u64> = BTreeMap::new();
        for (partition, ongoing) in ongoing {
            *left.entry(&partition.topic).or_default() += bytes_left(partition, ongoing, sizes);
        }
        self.topics
            .retain(|topic, _| left.contains_key(topic.as_str()));
        remember(&mut self.total, at, left.values().sum());
        for (topic, bytes) in left {
            remember(self.topics.entry(topic.to_owned()).or_default(), at, bytes);
        }
    }

    /// Of one topic, in the order of time.
    pub(super) fn topic(&self, topic: &str) -> &[Sample] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }

    /// Of all topics together, in the order of time.
    pub(super) fn total(&self) -> &[Sample] {
        &self.total
    }
}

fn remember(samples: &mut Vec<Sample>, at: Duration, bytes_left: u64) {
    samples.push(Sample { at, bytes_left });
    samples.retain(|sample| at.saturating_sub(sample.at) <= REMEMBERED);
}

/// What the added replicas lack, each compared with the largest replica there is.
fn bytes_left(partition: &TopicPartition, ongoing: &OngoingReassignment, sizes: &SizesView) -> u64 {
    let size = |broker: &i32| sizes.bytes(partition, *broker).unwrap_or_default();
    let whole = ongoing.replicas.iter().map(size).max().unwrap_or_default();
    let lacks = |broker: &i32| whole.saturating_sub(size(broker));
    ongoing.adding.iter().map(lacks).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> TopicPartition {
        TopicPartition {
            topic: "orders".into(),
            partition: 0,
        }
    }

    fn moving() -> BTreeMap<TopicPartition, OngoingReassignment> {
        let to_three = OngoingReassignment {
            replicas: vec![1, 3],
            adding: vec![3],
            removing: vec![1],
        };
        [(orders(), to_three)].into()
    }

    fn copied(second: i64, bytes: u64) -> SizesView {
        SizesView::for_test(second, &[(&orders(), 1, 1_000), (&orders(), 3, bytes)])
    }

    #[test]
    fn what_added_replicas_lack_is_followed_for_a_minute_and_forgotten_at_the_end() {
        let mut track = Track::default();
        track.take(&moving(), &copied(10, 0));
        track.take(&moving(), &copied(10, 0));
        track.take(&moving(), &copied(15, 400));
        let left: Vec<u64> = track.total().iter().map(|s| s.bytes_left).collect();
        assert_eq!(left, [1_000, 600], "one look is one sample");
        assert_eq!(track.topic("orders"), track.total());
        track.take(&moving(), &copied(73, 900));
        assert_eq!(track.total().len(), 2, "the first is older than a minute");
        track.take(&BTreeMap::new(), &copied(80, 1_000));
        assert_eq!(track.total(), []);
    }
}

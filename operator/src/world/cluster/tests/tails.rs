//! Whether there are records in a lag that does not move.

use async_trait::async_trait;

use super::*;
use crate::{
    kafka::{Tail, TailContent},
    world::PartitionOffsets,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Of partition 0 of `orders`.
fn offsets(look: &GroupSnapshot) -> PartitionOffsets {
    look.partitions[&at("orders", 0)]
}

impl Cluster {
    /// Waits until the first look at `billing` that shows this committed offset.
    async fn committed(&self, committed: i64) -> Arc<GroupSnapshot> {
        let shows = |look: &GroupSnapshot| offsets(look).committed == Some(committed);
        self.snapshot("billing", shows).await
    }

    fn readings(&self) -> Vec<usize> {
        let calls = self.kafka.calls();
        let readings = calls.iter().filter(|call| call.kind == "read_tails");
        readings.map(|call| call.items).collect()
    }
}

/// `billing` has committed offset 10 of 12 in partition 0 of `orders`.
async fn behind(cluster: &Cluster) {
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.kafka.set_offsets(at("orders", 0), 0, 12, 12);
    cluster.kafka.commit("billing", at("orders", 0), 10);
    cluster.handle.declare_group(
        "billing",
        GroupType::Consumer,
        BTreeSet::from(["orders".to_owned()]).into(),
    );
    cluster.committed(10).await;
}

/// The two offsets that are left hold no record.
async fn behind_markers() -> Cluster {
    let kafka = two_brokers();
    kafka.set_without_record(at("orders", 0), 10..12);
    let cluster = watch(kafka);
    behind(&cluster).await;
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_tail_of_markers_is_no_lag_after_ten_seconds() {
    let cluster = behind_markers().await;
    let begun = Instant::now();
    let look = cluster.committed(12).await;
    assert!(begun.elapsed() >= Duration::from_secs(10));
    assert_eq!((offsets(&look).end, look.complete), (12, true));
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(
        offsets(&cluster.handle.groups()["billing"]).committed,
        Some(12)
    );
    assert_eq!(cluster.readings(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_with_a_record_stays_a_lag_and_is_read_once() {
    let cluster = watch(two_brokers());
    behind(&cluster).await;
    cluster.kafka.set_without_record(at("orders", 0), 10..11);
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(
        offsets(&cluster.handle.groups()["billing"]).committed,
        Some(10)
    );
    assert_eq!(cluster.readings(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_record_behind_a_tail_of_markers_is_a_lag_of_one_at_once() {
    let cluster = behind_markers().await;
    cluster.committed(12).await;
    cluster.kafka.set_offsets(at("orders", 0), 0, 13, 13);
    let look = cluster
        .snapshot("billing", |look| offsets(look).end == 13)
        .await;
    assert_eq!(offsets(&look).committed, Some(12));
    tokio::time::sleep(5 * MINUTE).await;
    let look = &cluster.handle.groups()["billing"];
    assert_eq!(offsets(look).committed, Some(12), "it is a record");
}

#[tokio::test(start_paused = true)]
async fn groups_at_one_place_cost_one_reading() {
    let cluster = behind_markers().await;
    for group in ["shipping", "stock"] {
        cluster.kafka.commit(group, at("orders", 0), 10);
        cluster.handle.declare_group(
            group,
            GroupType::Consumer,
            BTreeSet::from(["orders".to_owned()]).into(),
        );
    }
    for group in ["billing", "shipping", "stock"] {
        cluster
            .snapshot(group, |look| offsets(look).committed == Some(12))
            .await;
    }
    assert_eq!(cluster.readings(), [1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_tail_outlives_a_look_that_fails_and_one_without_the_partition() {
    let cluster = behind_markers().await;
    cluster.committed(12).await;
    for broker in [0, 1] {
        cluster.kafka.stop_broker(broker);
    }
    cluster
        .snapshot("billing", |look| look.partitions.is_empty())
        .await;
    for broker in [0, 1] {
        cluster.kafka.start_broker(broker);
    }
    let look = cluster.snapshot("billing", |look| look.complete).await;
    assert_eq!(offsets(&look).committed, Some(12));
    cluster.kafka.set_reachable(false);
    cluster.snapshot("billing", |look| !look.complete).await;
    cluster.kafka.set_reachable(true);
    let look = cluster.snapshot("billing", |look| look.complete).await;
    assert_eq!(offsets(&look).committed, Some(12));
    assert_eq!(cluster.readings(), [1]);
}

/// Never answers.
struct Silent;

#[async_trait]
impl TailReader for Silent {
    async fn read_tails(
        &self,
        _: &BTreeMap<TopicPartition, Tail>,
    ) -> Result<BTreeMap<TopicPartition, TailContent>, KafkaError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_takes_long_holds_up_no_look() {
    let cluster = watch_reading(two_brokers(), Arc::new(Silent));
    behind(&cluster).await;
    tokio::time::sleep(MINUTE).await;
    cluster.kafka.forget_calls();
    tokio::time::sleep(MINUTE).await;
    let looks = cluster.kafka.count("committed_offsets");
    assert!((29..=31).contains(&looks), "{looks}");
    assert_eq!(
        offsets(&cluster.handle.groups()["billing"]).committed,
        Some(10)
    );
}

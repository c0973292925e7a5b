//! Whole reconciles of ConsumerGroups against an API server and a Kafka in memory.

use std::collections::BTreeSet;

use millrace_autoscaler::{GroupDescription, TopicPartition};
use serde_json::{Value, json};

use crate::{controllers::testing::House, kafka::NewTopic};

const GROUP: &str = "readers";

fn partition(number: i32) -> TopicPartition {
    TopicPartition {
        topic: "orders".into(),
        partition: number,
    }
}

/// A topic of two partitions with 100 records each, of which the group has committed 60 and 70.
fn house() -> House {
    let house = House::new();
    house.put("Topic", "kafka", "orders", json!({ "partitions": 2 }));
    house.live(async |_| {
        house
            .until("made", || {
                house
                    .condition("Topic", "kafka", "orders", "Ready")
                    .starts_with("True/")
            })
            .await;
    });
    for number in 0..2 {
        house.kafka.set_offsets(partition(number), 0, 100, 100);
        let committed = 60 + 10 * i64::from(number);
        house.kafka.commit(GROUP, partition(number), committed);
    }
    house
}

impl House {
    fn group(&self, more: Value) {
        let mut spec = json!({ "topics": [{ "name": "orders" }], "serviceAccountName": "reader" });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        self.put("ConsumerGroup", "kafka", GROUP, spec);
    }

    fn tells(&self, condition: &str) -> String {
        self.condition("ConsumerGroup", "kafka", GROUP, condition)
    }

    /// Waits until a condition begins so.
    async fn told(&self, condition: &str, begins: &str) {
        let what = format!("{condition} is {begins}");
        self.until(&what, || self.tells(condition).starts_with(begins))
            .await;
    }

    /// Puts one consumer into the group.
    fn join(&self) {
        let stable = GroupDescription {
            state: "Stable".to_owned(),
            members: [("a".to_owned(), BTreeSet::new())].into(),
        };
        self.kafka.set_group(GROUP, stable);
    }

    fn committed(&self) -> [Option<i64>; 2] {
        [0, 1].map(|number| self.kafka.committed(GROUP, &partition(number)))
    }

    fn reset(&self) -> Value {
        self.get("ConsumerGroup", "kafka", GROUP).unwrap()["status"]["offsetReset"].clone()
    }
}

fn shift(id: &str, by: i64) -> Value {
    json!({ "resetOffsets": { "id": id, "to": "Shift", "shift": by } })
}

#[test]
fn a_reset_is_carried_out_once_for_each_id() {
    let house = house();
    house.group(shift("one", -10));
    house.live(async |_| {
        house.told("OffsetsReset", "True/Reset").await;
        house.quiet().await;
        assert_eq!(house.committed(), [Some(50), Some(60)]);
        assert_eq!(house.reset()["recordsAgain"], 20);
        house.group(shift("two", -10));
        house.until("again", || house.reset()["id"] == "two").await;
        house.quiet().await;
        assert_eq!(house.committed(), [Some(40), Some(50)]);
    });
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let house = house();
    house.group(json!({ "resetOffsets": { "id": "one", "to": "Earliest", "dryRun": true } }));
    house.live(async |_| {
        house.told("OffsetsReset", "False/DryRun").await;
        house.quiet().await;
        assert_eq!(house.committed(), [Some(60), Some(70)]);
        let partitions = house.reset()["partitions"].clone();
        assert_eq!(
            partitions[1],
            json!({ "topic": "orders", "partition": 1, "from": 70, "to": 0 })
        );
    });
}

#[test]
fn a_group_with_members_is_waited_for() {
    let house = house();
    house.join();
    house.group(shift("one", -10));
    house.live(async |_| {
        house.told("OffsetsReset", "False/GroupNotEmpty").await;
        house.quiet().await;
        assert!(
            house
                .tells("OffsetsReset")
                .contains("the group has 1 consumer"),
            "{}",
            house.tells("OffsetsReset")
        );
        assert_eq!(house.committed(), [Some(60), Some(70)]);
        let empty = GroupDescription {
            state: "Empty".to_owned(),
            ..GroupDescription::default()
        };
        house.kafka.set_group(GROUP, empty);
        house.told("OffsetsReset", "True/Reset").await;
        assert_eq!(house.committed(), [Some(50), Some(60)]);
    });
}

#[test]
fn what_cannot_be_is_refused_for_good_and_changes_nothing() {
    let house = house();
    house.group(json!({ "resetOffsets": { "id": "one", "to": "Offsets", "offsets": [
        { "topic": "orders", "partition": 0, "offset": 10 }, { "topic": "orders", "partition": 1, "offset": 101 },
    ] } }));
    house.live(async |_| {
        house.told("OffsetsReset", "False/ResetFailed").await;
        house.quiet().await;
        assert!(
            house
                .tells("OffsetsReset")
                .contains("offset 101 is not in partition 1 of topic `orders`"),
            "{}",
            house.tells("OffsetsReset")
        );
        assert_eq!(house.committed(), [Some(60), Some(70)]);
    });
}

#[test]
fn a_commit_that_is_confirmed_and_not_kept_is_no_reset() {
    let house = house();
    house.kafka.lose_commits(partition(1));
    house.group(shift("one", -10));
    house.live(async |_| {
        house.told("OffsetsReset", "False/ResetFailed").await;
        house.quiet().await;
        let words = house.tells("OffsetsReset");
        let part = "partition 1 of topic `orders`: 60 was committed and 70 is read back";
        assert!(words.contains(part), "{words}");
        assert_eq!(house.committed(), [Some(50), Some(70)]);
        assert_eq!(house.reset()["phase"], "Failed");
    });
}

#[test]
fn wherever_the_operator_dies_a_shift_is_done_once() {
    for points in 0..24 {
        let house = house();
        house.group(shift("one", -10));
        house.kafka.fuse().set(Some(points));
        let rested = house.live_until_dead_or_quiet(async |_| {});
        house.kafka.fuse().set(None);
        house.live(async |_| {
            house.told("OffsetsReset", "True/Reset").await;
            house.quiet().await;
        });
        assert_eq!(
            house.committed(),
            [Some(50), Some(60)],
            "died after {points} points (rested: {rested})"
        );
    }
}

#[test]
fn kafka_begins_a_share_group_where_the_spec_says_and_is_told_once() {
    const ALTER: &str = "alter_share_offset_resets";
    let house = house();
    let tells = async |reset, begins: &str| {
        house.group(json!({ "type": "Share", "offsetReset": reset }));
        house
            .until("Kafka is told", || {
                house.kafka.share_offset_reset(GROUP) == begins
            })
            .await;
        house.told("OffsetResetSet", "True/Synced").await;
        house.quiet().await;
    };
    house.live(async |_| {
        tells("Earliest", "earliest").await;
        tells("Latest", "latest").await;
        assert_eq!(house.kafka.count(ALTER), 2);
    });
    house.live(async |_| {
        house.told("Ready", "True").await;
        house.quiet().await;
        assert_eq!(house.kafka.count(ALTER), 2, "it is so already");
    });
}

#[test]
fn a_share_group_that_kafka_does_not_begin_where_the_spec_says_is_not_ready() {
    let house = house();
    house.kafka.set_shares(false);
    house.group(json!({ "type": "Share" }));
    house.live(async |_| {
        house.told("OffsetResetSet", "False/KafkaRefused").await;
        house.told("Ready", "False").await;
        house.kafka.set_shares(true);
        house.told("OffsetResetSet", "True/Synced").await;
        house.told("Ready", "True").await;
        assert_eq!(house.kafka.share_offset_reset(GROUP), "earliest");
    });
}

#[test]
fn consumers_that_say_themselves_where_they_begin_are_not_talked_over() {
    let house = house();
    house.group(json!({}));
    house.live(async |_| {
        house.told("Ready", "True").await;
        house.quiet().await;
        assert_eq!(house.tells("OffsetResetSet"), "");
        assert_eq!(house.kafka.count("share_offset_resets"), 0);
    });
}

#[test]
fn the_group_goes_with_its_resource_where_that_is_wanted() {
    for (policy, left) in [("Delete", [None, None]), ("Retain", [Some(60), Some(70)])] {
        let house = house();
        house.group(json!({ "deletionPolicy": policy }));
        house.live(async |_| {
            house.told("Ready", "True/").await;
            house.quiet().await;
            house.delete("ConsumerGroup", "kafka", GROUP);
            house
                .until("gone", || {
                    house.get("ConsumerGroup", "kafka", GROUP).is_none()
                })
                .await;
            house.quiet().await;
        });
        assert_eq!(house.committed(), left, "{policy}");
    }
}

#[test]
fn a_group_with_members_outlives_its_resource_until_they_leave() {
    let house = house();
    house.join();
    house.group(json!({ "deletionPolicy": "Delete" }));
    house.live(async |_| {
        house.told("Ready", "True/").await;
        house.quiet().await;
        house.delete("ConsumerGroup", "kafka", GROUP);
        house.told("Ready", "False/GroupNotEmpty").await;
        house.kafka.set_group(GROUP, GroupDescription::default());
        house
            .until("gone", || {
                house.get("ConsumerGroup", "kafka", GROUP).is_none()
            })
            .await;
        assert_eq!(house.committed(), [None, None]);
    });
}

/// A topic that the application has made by itself: five records, of which it has committed two.
fn internal(house: &House, name: &str) -> TopicPartition {
    let topic = NewTopic {
        name: name.to_owned(),
        assignment: vec![vec![0]],
        config: Default::default(),
    };
    house.kafka.create_topic(&topic).unwrap();
    let partition = TopicPartition {
        topic: name.into(),
        partition: 0,
    };
    house.kafka.set_offsets(partition.clone(), 0, 5, 5);
    house.kafka.commit(GROUP, partition.clone(), 2);
    partition
}

#[test]
fn what_waits_between_two_steps_of_an_application_is_lag_and_its_state_is_none() {
    let house = house();
    internal(&house, "readers-counts-repartition");
    internal(&house, "readers-counts-changelog");
    internal(&house, "readers-out");
    house.group(json!({ "type": "Streams" }));
    house.live(async |_| {
        house
            .until("the lag", || {
                let group = house.get("ConsumerGroup", "kafka", GROUP);
                group.unwrap_or_default()["status"]["lag"]["records"] == 40 + 30 + 3
            })
            .await;
    });
}

#[test]
fn an_application_is_sent_to_other_offsets_where_it_keeps_no_state() {
    let shifted = json!({ "id": "one", "to": "Shift", "shift": -1 });
    for (own, told, committed) in [
        ("readers-counts-repartition", "True/Reset", [59, 69]),
        ("readers-counts-changelog", "False/ResetFailed", [60, 70]),
    ] {
        let house = house();
        let own = internal(&house, own);
        house.group(json!({ "type": "Streams", "resetOffsets": shifted }));
        house.live(async |_| {
            house.told("OffsetsReset", told).await;
            house.quiet().await;
        });
        assert_eq!(house.committed(), committed.map(Some), "{own:?}");
        assert_eq!(house.kafka.committed(GROUP, &own), Some(2), "{own:?}");
        let words = house.tells("OffsetsReset");
        let named = words.contains("keeps state, in topic `readers-counts-changelog`");
        assert_eq!(named, told.starts_with("False"), "{words}");
    }
}

#[test]
fn of_two_resources_with_one_group_id_the_older_has_it_until_it_goes() {
    let house = house();
    let twin = |name: &str| {
        let spec = json!({
            "groupId": "one", "topics": [{ "name": "orders" }], "serviceAccountName": name,
        });
        house.put("ConsumerGroup", "kafka", name, spec);
    };
    let told = |name: &str| house.condition("ConsumerGroup", "kafka", name, "Ready");
    let readers = || {
        let acls = house.kafka.acls().into_iter();
        let names = acls.map(|acl| acl.principal.as_str().to_owned());
        names.collect::<BTreeSet<String>>()
    };
    let only = |name: &str| BTreeSet::from([format!("User:system:serviceaccount:kafka:{name}")]);
    house.live(async |_| {
        twin("older");
        house
            .until("the older has it", || told("older").starts_with("True/"))
            .await;
        twin("younger");
        house
            .until("the younger is refused", || {
                told("younger").starts_with("False/Conflict")
            })
            .await;
        // Nothing is written any more: neither of the two takes back what the other did.
        house.quiet().await;
        assert_eq!(readers(), only("older"));
        assert!(told("older").starts_with("True/"), "{}", told("older"));
        house.delete("ConsumerGroup", "kafka", "older");
        house
            .until("the younger has it", || {
                told("younger").starts_with("True/")
            })
            .await;
        house.quiet().await;
        assert_eq!(readers(), only("younger"));
    });
}

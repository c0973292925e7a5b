#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Whole reconciles of Topics and DLQs against an API server and a Kafka in memory.

mod deaths;

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::testing::House;
use crate::{
    error::Error,
    kafka::{
        Acl, AclOperation, AclPattern, AclResource, ConfigChange, NewTopic, Principal,
        TopicPartition,
    },
    status::{self, Draft},
};

fn found(name: &str, partitions: usize) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        assignment: vec![vec![0, 1, 2]; partitions],
        config: [("retention.ms".to_owned(), "1000".to_owned())].into(),
    }
}

fn write(account: &str, topic: &str) -> Acl {
    Acl {
        principal: Principal::service_account("kafka", account),
        resource: AclResource::Topic,
        pattern: AclPattern::Literal,
        name: topic.to_owned(),
        operation: AclOperation::Write,
    }
}

impl House {
    fn topic(&self, name: &str, spec: Value) {
        self.put("Topic", "kafka", name, spec);
    }

    fn says(&self, name: &str, condition: &str) -> String {
        self.condition("Topic", "kafka", name, condition)
    }

    fn id(&self, topic: &str) -> Option<String> {
        self.kafka.topics().get(topic).map(|topic| topic.id.clone())
    }
}

#[test]
fn an_observed_topic_is_compared_and_left_alone() {
    let house = House::new();
    house.kafka.create_topic(&found("orders", 1)).unwrap();
    house.kafka.add_acl(write("old", "orders"));
    house.topic("orders", json!({
        "partitions": 2, "config": { "segment.ms": 5 }, "producers": [{ "serviceAccountName": "shop" }],
        "managementPolicy": "Observe", "deletionPolicy": "Delete",
    }));
    let (topics, acls) = (house.kafka.topics(), house.kafka.acls());
    house.live(async |_| {
        house
            .until("compared", || {
                house.says("orders", "Ready").starts_with("False/Drifted")
            })
            .await;
        house.quiet().await;
        let status = house.get("Topic", "kafka", "orders").unwrap()["status"].clone();
        let plan: Vec<&str> = status["plan"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap())
            .collect();
        assert_eq!(
            plan[..2],
            [
                "set segment.ms=5 on topic `orders`",
                "give retention.ms of topic `orders` back to the cluster's default",
            ]
        );
        assert!(
            plan[2].starts_with("add 1 partition to topic `orders`, 2 in all"),
            "{plan:?}"
        );
        assert!(
            plan[3].starts_with("no longer allow `User:system:serviceaccount:kafka:old` to write"),
            "{plan:?}"
        );
        assert!(
            plan[4].starts_with("allow `User:system:serviceaccount:kafka:shop` to write"),
            "{plan:?}"
        );
        assert!(house.says("orders", "Synced").contains("adopt: true"));
        assert!(
            house
                .says("orders", "AccessGranted")
                .starts_with("False/Drifted")
        );
        assert_eq!(
            status["topicName"],
            Value::Null,
            "to look at a topic is not to own it"
        );
        house.delete("Topic", "kafka", "orders");
        house.quiet().await;
    });
    assert_eq!(house.get("Topic", "kafka", "orders"), None);
    assert_eq!(
        (house.kafka.topics(), house.kafka.count("delete_topics")),
        (topics, 0)
    );
    assert!(acls.contains(&write("old", "orders")));
}

#[test]
fn an_observed_topic_that_is_as_the_spec_says_is_synced() {
    let house = House::new();
    house.kafka.create_topic(&found("orders", 1)).unwrap();
    let spec = json!({ "partitions": 1, "config": { "retention.ms": 1000 }, "managementPolicy": "Observe" });
    house.topic("orders", spec);
    house.live(async |_| {
        house
            .until("compared", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
    });
}

#[test]
fn what_is_paused_stays_as_it_is_until_it_is_not_or_goes() {
    let house = House::new();
    let spec = |partitions, account: &str| {
        json!({
            "partitions": partitions, "deletionPolicy": "Delete", "producers": [{ "serviceAccountName": account }],
        })
    };
    house.topic("orders", spec(1, "shop"));
    house.live(async |_| {
        house
            .until("made", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
        let paused = json!({ "millrace.dev/paused": "true" });
        house.put_annotated("Topic", "kafka", "orders", paused, spec(3, "other"));
        house
            .until("paused", || {
                house.says("orders", "Paused").starts_with("True/Paused")
            })
            .await;
        house.quiet().await;
        assert_eq!(house.kafka.topics()["orders"].partitions.len(), 1);
        assert!(
            house.kafka.acls().contains(&write("shop", "orders")),
            "access stays"
        );
        assert!(
            !house.kafka.acls().contains(&write("other", "orders")),
            "access is not given"
        );
        assert!(
            house.says("orders", "Ready").starts_with("True/"),
            "Ready keeps its last word"
        );

        house.topic("orders", spec(3, "other"));
        house
            .until("resumed", || house.says("orders", "Paused").is_empty())
            .await;
        house.quiet().await;
        assert_eq!(house.kafka.topics()["orders"].partitions.len(), 3);
        assert!(!house.kafka.acls().contains(&write("shop", "orders")));
        assert!(house.kafka.acls().contains(&write("other", "orders")));

        let paused = json!({ "millrace.dev/paused": "true" });
        house.put_annotated("Topic", "kafka", "orders", paused, spec(3, "other"));
        house.delete("Topic", "kafka", "orders");
        house
            .until("gone", || house.get("Topic", "kafka", "orders").is_none())
            .await;
        assert_eq!(house.id("orders"), None, "its deletion is honoured");
    });
}

#[test]
fn what_was_paused_from_the_first_is_unknown() {
    let house = House::new();
    let paused = json!({ "millrace.dev/paused": "true" });
    for kind in ["Topic", "DLQ"] {
        let name = kind.to_lowercase();
        house.put_annotated(
            kind,
            "kafka",
            &name,
            paused.clone(),
            json!({ "partitions": 1 }),
        );
    }
    let group = json!({ "topics": [{ "name": "topic" }], "serviceAccountName": "reader", "objective": { "lagSeconds": 5 } });
    house.put_annotated("ConsumerGroup", "kafka", "consumergroup", paused, group);
    house.live(async |_| {
        for kind in ["Topic", "DLQ", "ConsumerGroup"] {
            let name = kind.to_lowercase();
            house
                .until(kind, || {
                    house
                        .condition(kind, "kafka", &name, "Ready")
                        .starts_with("Unknown/Paused")
                })
                .await;
        }
        house.quiet().await;
    });
    assert!(house.kafka.topics().is_empty() && house.kafka.acls().is_empty());
}

#[test]
fn a_topic_is_handed_over_with_its_records() {
    let house = House::new();
    house.topic(
        "old",
        json!({ "partitions": 1, "topicName": "orders", "deletionPolicy": "Delete" }),
    );
    house.topic(
        "new",
        json!({ "partitions": 2, "topicName": "orders", "adopt": true }),
    );
    house.live(async |_| {
        house
            .until("made", || house.says("old", "Ready").starts_with("True/"))
            .await;
        house
            .until("refused", || {
                house.says("new", "Ready").starts_with("False/Conflict")
            })
            .await;
        assert!(house.says("new", "Ready").contains("Topic kafka/old"));
        let id = house.id("orders");
        house.delete("Topic", "kafka", "old");
        let before = tokio::time::Instant::now();
        house
            .until("taken over", || {
                house.says("new", "Ready").starts_with("True/")
            })
            .await;
        assert!(before.elapsed().as_secs() < 2, "without waiting for a look");
        assert_eq!(house.id("orders"), id);
        assert_eq!(house.kafka.topics()["orders"].partitions.len(), 2);
        assert_eq!(
            house.kafka.count("delete_topics"),
            0,
            "no deletion was ever sent"
        );
    });
}

#[test]
fn a_topic_made_again_by_hand_tells_whose_offsets_do_not_fit() {
    let house = House::new();
    house.topic("orders", json!({ "partitions": 1 }));
    let group = json!({ "topics": [{ "name": "orders" }], "serviceAccountName": "reader", "objective": { "lagSeconds": 5 } });
    house.put("ConsumerGroup", "kafka", "readers", group);
    let partition = || TopicPartition {
        topic: "orders".into(),
        partition: 0,
    };
    house.live(async |_| {
        house
            .until("made", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
        house.kafka.set_offsets(partition(), 0, 90, 90);
        house.kafka.commit("readers", partition(), 80);
        house.quiet().await;
        let id = house.id("orders");
        assert_eq!(house.says("orders", "GroupOffsetsValid"), "");

        house.kafka.delete_topic("orders").unwrap();
        house
            .until("made again", || {
                house.id("orders").is_some_and(|now| Some(now) != id)
            })
            .await;
        house
            .until("seen", || {
                house
                    .says("orders", "GroupOffsetsValid")
                    .starts_with("False/TopicRecreated")
            })
            .await;
        assert!(
            house
                .says("orders", "GroupOffsetsValid")
                .contains("`readers` (partition 0)")
        );
        let status = house.get("Topic", "kafka", "orders").unwrap()["status"].clone();
        assert_eq!(
            status["topicId"].as_str().map(str::to_owned),
            house.id("orders")
        );
    });
}

#[test]
fn a_bad_key_keeps_nothing_else_from_being_done() {
    let house = House::new();
    house.topic("orders", json!({ "partitions": 1 }));
    house.live(async |_| {
        house
            .until("made", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
        house.topic(
            "orders",
            json!({
                "partitions": 3, "producers": [{ "serviceAccountName": "shop" }],
                "config": { "retention.ms": 5, "no.such.key": 1, "segment.ms": "soon" },
            }),
        );
        house
            .until("refused", || {
                house
                    .says("orders", "Synced")
                    .starts_with("False/KafkaRefused")
            })
            .await;
        let message = house.says("orders", "Synced");
        assert!(
            message.contains("`no.such.key`") && message.contains("`segment.ms`"),
            "{message}"
        );
        assert!(!message.contains("`retention.ms`"), "{message}");
        let topic = house.kafka.topics()["orders"].clone();
        assert_eq!(
            topic.config,
            [("retention.ms".to_owned(), "5".to_owned())].into()
        );
        assert_eq!(topic.partitions.len(), 3);
        assert!(house.says("orders", "AccessGranted").starts_with("True/"));
    });
}

#[test]
fn a_key_that_is_null_is_not_managed() {
    let house = House::new();
    house.topic(
        "orders",
        json!({ "partitions": 1, "config": { "retention.ms": null } }),
    );
    house.live(async |_| {
        house
            .until("made", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
        let set = [("retention.ms".to_owned(), "7".to_owned())].into();
        let change = ConfigChange {
            topic: "orders".to_owned(),
            set,
            reset: BTreeSet::new(),
        };
        house.kafka.alter_config(&change).unwrap();
        house.quiet().await;
        assert_eq!(house.kafka.topics()["orders"].config["retention.ms"], "7");
    });
}

/// A Topic and a DLQ that made their topics and go with them.
fn doomed(house: &House) {
    for (kind, plural) in [("Topic", "topics"), ("DLQ", "dlqs")] {
        let name = format!("team.{plural}");
        house.kafka.create_topic(&found(&name, 1)).unwrap();
        house.api.put(plural, json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": kind,
            "metadata": { "name": name, "namespace": "team", "finalizers": ["millrace.dev/topic"] },
            "spec": { "clusterRef": { "name": "main", "namespace": "kafka" }, "partitions": 1, "deletionPolicy": "Delete" },
            "status": { "topicName": name, "conditions": [] },
        }));
        house.api.delete(plural, "team", &name);
    }
}

fn all_gone(house: &House) -> bool {
    let gone = |kind, name| house.get(kind, "team", name).is_none();
    gone("Topic", "team.topics") && gone("DLQ", "team.dlqs")
}

#[test]
fn a_resource_that_goes_takes_its_topic_along() {
    let house = House::new();
    doomed(&house);
    house.live(async |_| house.until("gone", || all_gone(&house)).await);
    assert!(house.kafka.topics().is_empty());
}

#[test]
fn without_its_cluster_a_resource_goes_at_once() {
    let house = House::new();
    doomed(&house);
    house.api.delete("kafkaclusters", "kafka", "main");
    house.live(async |_| house.until("gone", || all_gone(&house)).await);
    assert_eq!(house.kafka.topics().len(), 2);
}

#[test]
fn without_its_grant_a_resource_goes_and_leaves_the_topic() {
    let house = House::new();
    doomed(&house);
    house.cluster(&[]);
    house.live(async |_| house.until("gone", || all_gone(&house)).await);
    assert_eq!(
        (
            house.kafka.topics().len(),
            house.kafka.count("delete_topics")
        ),
        (2, 0)
    );
}

#[test]
fn while_kafka_is_away_a_resource_that_goes_waits_and_is_not_ready() {
    let house = House::new();
    doomed(&house);
    house.kafka.set_reachable(false);
    house.live(async |_| {
        for (kind, name) in [("Topic", "team.topics"), ("DLQ", "team.dlqs")] {
            let ready = || house.condition(kind, "team", name, "Ready");
            house
                .until(kind, || ready().starts_with("Unknown/KafkaUnreachable"))
                .await;
        }
        house.quiet().await;
        assert!(!all_gone(&house));
        house.kafka.set_reachable(true);
        house.until("gone", || all_gone(&house)).await;
        assert!(house.kafka.topics().is_empty());
    });
}

#[test]
fn a_namespace_that_goes_does_not_wait_for_kafka() {
    let house = House::new();
    doomed(&house);
    house.kafka.set_reachable(false);
    house.live(async |_| {
        let waits = || {
            house
                .condition("Topic", "team", "team.topics", "Ready")
                .starts_with("Unknown/")
        };
        house.until("waits", waits).await;
        house.terminate_namespace("team");
        house.until("gone", || all_gone(&house)).await;
    });
}

#[test]
fn a_status_decided_on_an_outdated_object_is_not_written() {
    let house = House::new();
    house.topic("orders", json!({ "partitions": 1 }));
    house.live(async |operator| {
        house
            .until("made", || {
                house.says("orders", "Ready").starts_with("True/")
            })
            .await;
        house.quiet().await;
        let outdated = operator.topics()[0].clone();
        house.topic("orders", json!({ "partitions": 2 }));
        house.quiet().await;
        let now = house.get("Topic", "kafka", "orders");
        let drafts = [Draft::no("Ready", "Outdated", "decided on what was")];
        let before = outdated.status.as_ref();
        let written = status::write(
            &operator.context,
            outdated.as_ref(),
            before,
            before.cloned().unwrap(),
            &drafts,
        )
        .await;
        assert!(matches!(written, Err(Error::Outdated)), "{written:?}");
        assert_eq!(house.get("Topic", "kafka", "orders"), now);
    });
}

#[test]
fn what_is_as_it_should_be_costs_no_write() {
    let house = House::new();
    house.topic(
        "orders",
        json!({ "partitions": 4, "producers": [{ "serviceAccountName": "shop" }] }),
    );
    house.live(async |_| house.quiet().await);
    let version = house.api.version();
    house.kafka.stop_broker(1);
    house.live(async |_| {
        house.quiet().await;
        house.kafka.start_broker(1);
        house.quiet().await;
    });
    assert_eq!(
        house.api.version(),
        version,
        "neither an operator nor a broker that restarts is news"
    );
}

#[test]
fn a_redrive_that_waits_is_not_looked_at_until_the_one_before_it_has_ended() {
    let house = House::new();
    let letters = json!({ "dlqRef": { "name": "letters" } });
    let paused = json!({ "millrace.dev/paused": "true" });
    house.put_annotated("DLQ", "kafka", "letters", paused.clone(), json!({}));
    house.put_annotated("Redrive", "kafka", "first", paused, letters.clone());
    house.put("Redrive", "kafka", "second", letters);
    let says = || house.condition("Redrive", "kafka", "second", "Ready");
    house.live(async |operator| {
        let waits = || says().starts_with("False/WaitingForTurn");
        house.until("it waits", waits).await;
        house.quiet().await;
        let before = operator.reconciles("Redrive");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(operator.reconciles("Redrive"), before);
        assert_ne!(before, "0");
        house.delete("Redrive", "kafka", "first");
        let its_turn = || says().contains("the dead-letter topic `letters` is not there yet");
        house.until("it is its turn", its_turn).await;
    });
}

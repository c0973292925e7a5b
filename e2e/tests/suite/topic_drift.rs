//! What somebody changes in Kafka by hand is seen and put right; what is nobody's business of Millrace's is left alone.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Api;
use millrace_crds::{ConfigValue, ConsumerGroup, KafkaCluster, Topic};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, by_hand, probe::Answer, wait};
use serde_json::json;

/// Kafka is looked at every 15 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Topic with 20 records, all of which its declared group has read.
async fn read_to_the_end(case: &Case) -> Result<Topic> {
    let (orders, group) = (case.name("orders"), case.name("billing"));
    let reader = case.account("reader").await?;
    let topic = case.topic("orders", &[]).await?;
    let spec = json!({ "groupId": group, "topics": [{ "name": "orders" }], "serviceAccountName": "reader" });
    case.apply("ConsumerGroup", "billing", spec).await?;
    case.ready::<ConsumerGroup>("billing").await?;
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "20"])
        .await?;
    let read = [
        "consume", "--topic", &orders, "--group", &group, "--count", "20", "--commit",
    ];
    case.probe_until(&reader, &read, "the group commits offset 20", Answer::is_ok)
        .await?;
    Ok(topic)
}

async fn commit(case: &Case, offset: &str) -> Result<()> {
    let (orders, group) = (case.name("orders"), case.name("billing"));
    case.probe
        .ask(&[
            "commit-offset",
            "--group",
            &group,
            "--topic",
            &orders,
            "--partition",
            "0",
            "--offset",
            offset,
        ])
        .await?;
    Ok(())
}

/// The Topic once its status has another topic id than it has in `before`.
async fn another_id(case: &Case, before: &Topic) -> Result<Topic> {
    let id = |topic: &Topic| topic.status.as_ref()?.topic_id.clone();
    let what = "another topic id in status";
    let topics = case.api::<Topic>();
    wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        id(topic).is_some() && id(topic) != id(before)
    })
    .await
}

#[tokio::test]
async fn a_topic_deleted_by_hand_is_made_again_with_its_new_id_in_status() -> Result<()> {
    let case = Case::shared("deleted").await?;
    let orders = case.name("orders");
    let before = read_to_the_end(&case).await?;
    case.probe
        .ask(&["delete-topic", "--topic", &orders])
        .await?;
    let again = another_id(&case, &before).await?;
    assert_eq!(
        Some(case.probe.topic_id(&orders).await?),
        again.status.and_then(|status| status.topic_id)
    );
    case.ready::<Topic>("orders").await?;
    assert_eq!(case.probe.count(&orders).await?, 0);
    Ok(())
}

#[tokio::test]
async fn offsets_from_before_a_topic_was_made_again_are_reported_until_they_lie_within_its_log()
-> Result<()> {
    let case = Case::shared("old-offsets").await?;
    let (orders, group) = (case.name("orders"), case.name("billing"));
    let before = read_to_the_end(&case).await?;
    // Paused, so that the offset is there before the operator looks. Kafka drops the offsets of a topic that is deleted
    // while the group's coordinator is up, and keeps them where it is not: here they are put back by hand.
    case.pause_topic("orders", true).await?;
    case.probe.make_anew(&orders, PATIENCE).await?;
    commit(&case, "20").await?;
    case.pause_topic("orders", false).await?;

    another_id(&case, &before).await?;
    let topics = case.api::<Topic>();
    let what = "GroupOffsetsValid is False and names the group";
    wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        wait::condition_of(topic, "GroupOffsetsValid").is_some_and(|found| {
            let message = found["message"].as_str().unwrap_or_default();
            found["status"] == "False"
                && found["reason"] == "TopicRecreated"
                && message.contains(&group)
        })
    })
    .await?;

    commit(&case, "0").await?;
    wait::condition(&topics, "orders", "GroupOffsetsValid", "True", PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn config_set_by_hand_is_put_back_and_a_key_with_null_is_left_alone() -> Result<()> {
    let case = Case::shared("config-drift").await?;
    let orders = case.name("orders");
    let spec = json!({
        "topicName": orders,
        "partitions": 1,
        "config": { "retention.ms": 3_600_000, "segment.ms": null },
    });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;

    case.probe
        .ask(&[
            "alter-config",
            "--topic",
            &orders,
            "--set",
            "retention.ms=60000",
            "--set",
            "segment.ms=7200000",
            "--set",
            "max.message.bytes=4096",
        ])
        .await?;
    let config = wait::answer(
        "the declared value is back, and what was set without being declared is gone",
        PATIENCE,
        || async {
            let config = case.probe.config(&orders).await?;
            let put_back = config.get("retention.ms").map(String::as_str) == Some("3600000")
                && !config.contains_key("max.message.bytes");
            Ok(if put_back {
                Ok(config)
            } else {
                Err(format!("{config:?}"))
            })
        },
    )
    .await?;
    assert_eq!(
        config.get("segment.ms").map(String::as_str),
        Some("7200000"),
        "a key with null is not managed: {config:?}"
    );
    case.ready::<Topic>("orders").await?;
    Ok(())
}

#[tokio::test]
async fn one_bad_config_key_holds_up_neither_the_good_ones_nor_partitions_nor_access() -> Result<()>
{
    let case = Case::shared("bad-key").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    case.topic("orders", &[]).await?;

    case.edit_topic("orders", |spec| {
        spec.partitions = 3;
        spec.producers = vec![millrace_crds::Producer {
            service_account_name: "writer".into(),
            namespace: None,
            transactional_id_prefix: None,
        }];
        spec.config = Some(
            [
                (
                    "no.such.key".to_owned(),
                    Some(ConfigValue::Text("x".to_owned())),
                ),
                (
                    "retention.ms".to_owned(),
                    Some(ConfigValue::Number(7_200_000)),
                ),
            ]
            .into(),
        );
    })
    .await?;
    let topics = case.api::<Topic>();
    let what = "Synced=False, with the bad key's name";
    wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        wait::condition_of(topic, "Synced").is_some_and(|synced| {
            let message = synced["message"].as_str().unwrap_or_default();
            synced["status"] == "False" && message.contains("no.such.key")
        })
    })
    .await?;
    case.probe_until(
        &writer,
        &["produce", "--topic", &orders, "--count", "3"],
        "the producer of the same edit writes",
        Answer::is_ok,
    )
    .await?;
    wait::answer("the rest of the edit in Kafka", PATIENCE, || async {
        let partitions = case.probe.partitions(&orders).await?.len();
        let config = case.probe.config(&orders).await?;
        let there =
            partitions == 3 && config.get("retention.ms").map(String::as_str) == Some("7200000");
        Ok(if there {
            Ok(())
        } else {
            Err(format!("{partitions} partitions, {config:?}"))
        })
    })
    .await?;

    case.edit_topic("orders", |spec| {
        if let Some(config) = &mut spec.config {
            config.remove("no.such.key");
        }
    })
    .await?;
    case.ready::<Topic>("orders").await?;
    Ok(())
}

#[tokio::test]
async fn an_extra_acl_of_a_service_account_is_removed() -> Result<()> {
    let case = Case::shared("extra-acl").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    let intruder = case.account("intruder").await?;
    case.topic("orders", &["writer"]).await?;
    let writer = by_hand::principal(&writer).context("a ServiceAccount has a principal")?;
    let name = by_hand::principal(&intruder).context("a ServiceAccount has a principal")?;
    let granted = case.probe.allowed_on(&orders).await?;
    assert!(
        granted.iter().all(|acl| acl.starts_with(&writer)) && granted.len() == 2,
        "{granted:?}"
    );

    // One more for who is allowed something already, and one for who is allowed nothing.
    case.probe
        .acl_by_hand("add-acl", &writer, "read", &orders)
        .await?;
    case.probe
        .acl_by_hand("add-acl", &name, "write", &orders)
        .await?;
    let what = "only what the Topic grants is left";
    case.probe
        .allowed_until(&orders, what, PATIENCE, |now| now == granted)
        .await?;
    case.probe_until(
        &intruder,
        &["produce", "--topic", &orders, "--count", "1"],
        "the intruder is refused",
        Answer::is_err,
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn an_acl_taken_away_by_hand_is_granted_again() -> Result<()> {
    let case = Case::shared("lost-acl").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let granted = case.probe.allowed_on(&orders).await?;
    let writer = by_hand::principal(&writer).context("a ServiceAccount has a principal")?;
    case.probe
        .acl_by_hand("delete-acl", &writer, "write", &orders)
        .await?;
    let what = "the producer is allowed to write again";
    case.probe
        .allowed_until(&orders, what, PATIENCE, |now| now == granted)
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_acl_of_a_foreign_principal_stays_and_is_counted() -> Result<()> {
    // The number in status is the cluster's, so no other case may change it.
    let case = Case::alone("foreign-acl").await?;
    let orders = case.name("orders");
    case.topic("orders", &[]).await?;
    let clusters: Api<KafkaCluster> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
    let counted = |cluster: &KafkaCluster| {
        let status = cluster.status.as_ref();
        status.and_then(|status| status.foreign_acls).unwrap_or(0)
    };
    let before = counted(&clusters.get(CLUSTER).await?);

    let partner = format!("User:CN={}", case.namespace);
    case.probe
        .acl_by_hand("add-acl", &partner, "write", &orders)
        .await?;
    let seen = wait::object(
        &clusters,
        CLUSTER,
        "one more foreign ACL in status",
        PATIENCE,
        |cluster: &KafkaCluster| counted(cluster) == before + 1,
    )
    .await;
    // Access that changes makes the operator go through all ACLs.
    case.account("writer").await?;
    case.topic("later", &["writer"]).await?;
    let stays = case.probe.allowed_on(&orders).await;
    case.probe
        .acl_by_hand("delete-acl", &partner, "write", &orders)
        .await?;
    seen?;
    assert_eq!(stays?, [format!("{partner} Write")]);
    Ok(())
}

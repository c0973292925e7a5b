//! No resource takes what its namespace does not own.

use anyhow::{Result, bail};
use millrace_crds::{ConsumerGroup, Schema, Topic};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, probe::Answer, registry};
use serde_json::json;

use crate::access::refused_with;

#[tokio::test]
async fn a_namespace_without_a_grant_is_refused_and_gets_no_access() -> Result<()> {
    let case = Case::shared("not-granted").await?;
    let outside = case.other_namespace("out", false).await?;
    let writer = case.account_in(&outside, "writer").await?;
    let name = format!("{outside}.orders");
    let spec = json!({ "topicName": name, "partitions": 1, "producers": [{ "serviceAccountName": "writer" }] });
    let words = case
        .rejected_in::<Topic>(&outside, "Topic", "orders", spec, "NamespaceNotGranted")
        .await?;
    assert!(
        words.contains(&outside),
        "the message does not name the namespace: {words}"
    );

    assert_eq!(
        case.probe.topic(&name).await?,
        None,
        "the topic was made all the same"
    );
    let answer = case
        .probe
        .run(&writer, &["produce", "--topic", &name, "--count", "1"])
        .await?;
    assert!(
        answer.is_err(),
        "written from a namespace without a grant: {answer:?}"
    );
    Ok(())
}

#[tokio::test]
async fn claiming_the_topic_of_another_namespace_is_refused_and_gives_no_access() -> Result<()> {
    let case = Case::shared("topic-thief").await?;
    let victim = case.other_namespace("victim", true).await?;
    case.account_in(&victim, "writer").await?;
    let thief = case.account("thief").await?;
    let orders = format!("{victim}.orders");
    let theirs = json!({ "topicName": orders, "partitions": 1, "producers": [{ "serviceAccountName": "writer" }] });
    case.apply_in(&victim, "Topic", "orders", theirs).await?;
    case.ready_in::<Topic>(&victim, "orders").await?;

    let claim = json!({ "topicName": orders, "partitions": 1, "adopt": true, "producers": [{ "serviceAccountName": "thief" }] });
    let words = case
        .rejected::<Topic>("Topic", "mine-now", claim, "NameNotGranted")
        .await?;
    assert!(
        words.contains(&orders),
        "the message does not name the topic: {words}"
    );
    let answer = case
        .probe
        .run(&thief, &["produce", "--topic", &orders, "--count", "1"])
        .await?;
    assert!(
        refused_with(&answer, "TOPIC_AUTHORIZATION_FAILED"),
        "the thief wrote: {answer:?}"
    );
    assert_eq!(case.probe.count(&orders).await?, 0);
    Ok(())
}

#[tokio::test]
async fn claiming_the_group_id_of_another_namespace_is_refused_and_gives_no_access() -> Result<()> {
    let case = Case::shared("group-thief").await?;
    let victim = case.other_namespace("victim", true).await?;
    let thief = case.account("thief").await?;
    case.topic("orders", &["thief"]).await?;
    let (own, theirs) = (case.name("own"), format!("{victim}.billing"));
    let group = |id: &str| json!({ "groupId": id, "topics": [{ "name": "orders" }], "serviceAccountName": "thief" });
    case.apply("ConsumerGroup", "own", group(&own)).await?;
    case.ready::<ConsumerGroup>("own").await?;

    let words = case
        .rejected::<ConsumerGroup>("ConsumerGroup", "theirs", group(&theirs), "NameNotGranted")
        .await?;
    assert!(
        words.contains(&theirs),
        "the message does not name the group: {words}"
    );

    let orders = case.name("orders");
    case.probe_until(
        &thief,
        &["produce", "--topic", &orders, "--count", "3"],
        "records to read",
        Answer::is_ok,
    )
    .await?;
    let read = |group| {
        [
            "consume", "--topic", &orders, "--group", group, "--count", "3",
        ]
    };
    case.probe_until(&thief, &read(&own), "its own group reads", Answer::is_ok)
        .await?;
    let answer = case.probe.run(&thief, &read(&theirs)).await?;
    assert!(
        refused_with(&answer, "GROUP_AUTHORIZATION_FAILED"),
        "the thief read as the group of another: {answer:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_group_id_belongs_to_one_resource() -> Result<()> {
    let case = Case::shared("group-twice").await?;
    case.topic("orders", &[]).await?;
    let group = |account: &str| json!({ "groupId": case.name("billing"), "topics": [{ "name": "orders" }], "serviceAccountName": account });
    case.account("first").await?;
    let second = case.account("second").await?;
    case.apply("ConsumerGroup", "first", group("first")).await?;
    case.ready::<ConsumerGroup>("first").await?;
    let words = case
        .rejected::<ConsumerGroup>("ConsumerGroup", "second", group("second"), "Conflict")
        .await?;
    assert!(
        words.contains("first"),
        "the message does not name the winner: {words}"
    );
    let (orders, id) = (case.name("orders"), case.name("billing"));
    let answer = case
        .probe
        .run(
            &second,
            &[
                "consume", "--topic", &orders, "--group", &id, "--count", "1",
            ],
        )
        .await?;
    assert!(answer.is_err(), "the second read: {answer:?}");
    Ok(())
}

#[tokio::test]
async fn claiming_the_subject_of_another_namespace_is_refused_and_registers_nothing() -> Result<()>
{
    let case = Case::shared("subject-thief").await?;
    let victim = case.other_namespace("victim", true).await?;
    let subject = format!("{victim}.orders-value");
    let claim = json!({ "subject": subject, "schema": "\"string\"", "adopt": true });
    let words = case
        .rejected::<Schema>("Schema", "theirs", claim, "NameNotGranted")
        .await?;
    assert!(
        words.contains(&subject),
        "the message does not name the subject: {words}"
    );
    let versions = registry::get(
        &case.client,
        CLUSTER_NAMESPACE,
        CLUSTER,
        &format!("subjects/{subject}/versions"),
    )
    .await?;
    if versions.is_array() {
        bail!("the subject of another namespace was registered: {versions}");
    }
    Ok(())
}

#[tokio::test]
async fn a_topic_that_exists_outside_millrace_needs_adopt() -> Result<()> {
    let case = Case::shared("adopt").await?;
    let old = case.name("old");
    case.probe
        .ask(&[
            "create-topic",
            "--topic",
            &old,
            "--partitions",
            "2",
            "--replicas",
            "3",
        ])
        .await?;
    case.probe
        .ask(&["produce", "--topic", &old, "--count", "7"])
        .await?;

    let spec = |adopt: bool| json!({ "topicName": old, "partitions": 2, "adopt": adopt });
    let words = case
        .rejected::<Topic>("Topic", "old", spec(false), "NotAdopted")
        .await?;
    assert!(
        words.contains("adopt"),
        "the message does not say what to do: {words}"
    );

    case.apply("Topic", "old", spec(true)).await?;
    case.ready::<Topic>("old").await?;
    assert_eq!(case.probe.count(&old).await?, 7);
    Ok(())
}

#[tokio::test]
async fn a_prefix_lets_a_group_read_its_namespaces_topics_and_no_others() -> Result<()> {
    let case = Case::shared("prefix").await?;
    let victim = case.other_namespace("victim", true).await?;
    let theirs = format!("{victim}.orders");
    case.apply_in(
        &victim,
        "Topic",
        "orders",
        json!({ "topicName": theirs, "partitions": 1 }),
    )
    .await?;
    case.ready_in::<Topic>(&victim, "orders").await?;
    let reader = case.account("reader").await?;
    let id = case.name("audit");
    let group = |prefix: String| json!({ "groupId": id, "topics": [{ "prefix": prefix }], "serviceAccountName": "reader" });
    let words = case
        .rejected::<ConsumerGroup>(
            "ConsumerGroup",
            "thief",
            group(format!("{victim}.")),
            "NameNotGranted",
        )
        .await?;
    assert!(
        words.contains(&victim),
        "the message does not name the prefix: {words}"
    );

    case.apply(
        "ConsumerGroup",
        "audit",
        group(format!("{}.", case.namespace)),
    )
    .await?;
    case.ready::<ConsumerGroup>("audit").await?;
    case.topic("later", &["reader"]).await?;
    let later = case.name("later");
    case.probe_until(
        &reader,
        &["produce", "--topic", &later, "--count", "3"],
        "records to read",
        Answer::is_ok,
    )
    .await?;
    let read = |topic| ["consume", "--topic", topic, "--group", &id, "--count", "3"];
    case.probe_until(
        &reader,
        &read(&later),
        "a topic made later is read",
        Answer::is_ok,
    )
    .await?;
    let answer = case.probe.run(&reader, &read(&theirs)).await?;
    assert!(
        refused_with(&answer, "TOPIC_AUTHORIZATION_FAILED"),
        "the group read another namespace's topic: {answer:?}"
    );
    Ok(())
}

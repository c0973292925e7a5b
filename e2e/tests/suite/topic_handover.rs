//! Two Topics ask for one topic: one has it, none of them loses a record, and it can be handed over.
//!
//! The webhook refuses a second Topic that it can see comes second. A pair is made while no operator is there to answer it.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::ResourceExt;
use millrace_crds::Topic;
use millrace_e2e::{Case, operator, resources, wait};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// Two Topics for one topic, of which the operator hears at the same time.
struct Pair {
    winner: Topic,
    loser: Topic,
    /// What the loser says of itself.
    words: String,
}

async fn pair(case: &Case, spec: Value) -> Result<Pair> {
    let replicas = operator::replicas(&case.client).await?;
    operator::scale(&case.client, 0, PATIENCE).await?;
    let made = tokio::join!(
        case.apply("Topic", "one", spec.clone()),
        case.apply("Topic", "other", spec),
    );
    operator::scale(&case.client, replicas, PATIENCE).await?;
    made.0.and(made.1)?;

    let topics = case.api::<Topic>();
    let (one, other) = (topics.get("one").await?, topics.get("other").await?);
    let age = |topic: &Topic| {
        let created = topic.creation_timestamp().map(|time| time.0);
        (created, topic.uid())
    };
    let (winner, loser) = match age(&one) < age(&other) {
        true => (one, other),
        false => (other, one),
    };
    let words = case.refused::<Topic>(&loser.name_any(), "Conflict").await?;
    let winner = case.ready::<Topic>(&winner.name_any()).await?;
    Ok(Pair {
        winner,
        loser,
        words,
    })
}

/// The last of the pair takes its topic along where its policy says so: `Delete` is given to those whose records are to be at risk.
fn spec(case: &Case) -> Value {
    json!({ "topicName": case.name("orders"), "partitions": 1, "deletionPolicy": "Delete", "adopt": true })
}

#[tokio::test]
async fn deleting_the_topic_that_has_the_name_hands_it_over_with_id_and_records() -> Result<()> {
    let case = Case::alone("handover").await?;
    let orders = case.name("orders");
    let pair = pair(&case, spec(&case)).await?;
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "9"])
        .await?;
    let id = case.probe.topic_id(&orders).await?;

    resources::delete(&case.api::<Topic>(), &pair.winner.name_any()).await?;
    wait::gone(&case.api::<Topic>(), &pair.winner.name_any(), PATIENCE).await?;
    let heir = case.ready::<Topic>(&pair.loser.name_any()).await?;
    let status = heir.status.context("no status")?;
    assert_eq!(status.topic_name.as_deref(), Some(orders.as_str()));
    assert_eq!(
        case.probe.topic_id(&orders).await?,
        id,
        "the topic was deleted and made again"
    );
    assert_eq!(case.probe.count(&orders).await?, 9);

    // Nobody else asks for it now, so the heir's own policy counts.
    resources::delete(&case.api::<Topic>(), &pair.loser.name_any()).await?;
    wait::gone(&case.api::<Topic>(), &pair.loser.name_any(), PATIENCE).await?;
    assert_eq!(case.probe.topic(&orders).await?, None);
    Ok(())
}

#[tokio::test]
async fn of_two_topics_made_in_the_same_second_the_loser_names_the_winner_and_may_go_without_harm()
-> Result<()> {
    let case = Case::alone("same-second").await?;
    let orders = case.name("orders");
    let pair = pair(&case, spec(&case)).await?;
    let winner = format!("{}/{}", case.namespace, pair.winner.name_any());
    assert!(
        pair.words.contains(&winner),
        "the message does not name {winner}: {}",
        pair.words
    );
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "4"])
        .await?;
    let id = case.probe.topic_id(&orders).await?;

    resources::delete(&case.api::<Topic>(), &pair.loser.name_any()).await?;
    wait::gone(&case.api::<Topic>(), &pair.loser.name_any(), PATIENCE).await?;
    // An edit that arrives shows that the operator has been through everything since.
    case.edit_topic(&pair.winner.name_any(), |spec| spec.partitions = 2)
        .await?;
    case.ready::<Topic>(&pair.winner.name_any()).await?;
    assert_eq!(case.probe.topic_id(&orders).await?, id);
    assert_eq!(case.probe.count(&orders).await?, 4);
    Ok(())
}

#[tokio::test]
async fn producers_of_the_topic_that_lost_have_no_access_until_it_is_handed_over() -> Result<()> {
    let case = Case::shared("lost-access").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    case.topic("orders", &[]).await?;
    let mut second = spec(&case);
    second["producers"] = json!([{ "serviceAccountName": "writer" }]);
    let words = case
        .rejected::<Topic>("Topic", "second", second.clone(), "Conflict")
        .await?;
    assert!(
        words.contains(&format!("{}/orders", case.namespace)),
        "the message does not name the winner: {words}"
    );
    let write = ["produce", "--topic", &orders, "--count", "1"];
    let answer = case.probe.run(&writer, &write).await?;
    assert!(answer.is_err(), "the loser's producer wrote: {answer:?}");

    // With the default policy, Retain, the topic stays and is adopted.
    let id = case.probe.topic_id(&orders).await?;
    resources::delete(&case.api::<Topic>(), "orders").await?;
    wait::gone(&case.api::<Topic>(), "orders", PATIENCE).await?;
    case.apply("Topic", "second", second).await?;
    case.ready::<Topic>("second").await?;
    case.probe_until(&writer, &write, "the heir's producer writes", Result::is_ok)
        .await?;
    assert_eq!(case.probe.topic_id(&orders).await?, id);
    Ok(())
}

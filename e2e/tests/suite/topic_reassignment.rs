//! Replicas are moved by the brokers' own reassignment: throttled, in bounded steps, and nobody's move is undone.
//!
//! Throttles are the brokers' own, so these cases run alone: each looks at the end whether one is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use millrace_crds::{ConfigValue, KafkaCluster, LayoutPolicy, ManagementPolicy, Topic};
use millrace_e2e::{
    CLUSTER, CLUSTER_NAMESPACE, Case,
    by_hand::{BROKERS, Partition},
    operator, wait,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(90);
/// Slow enough that a few mebibytes are on their way for longer than any case lasts.
const CRAWL: u64 = 64 << 10;

async fn topic_with_records(case: &Case, partitions: i32, replicas: i32) -> Result<String> {
    let orders = case.name("orders");
    let spec = json!({ "topicName": orders, "partitions": partitions, "replicas": replicas });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;
    case.probe
        .ask(&[
            "produce", "--topic", &orders, "--count", "300", "--bytes", "1000",
        ])
        .await?;
    Ok(orders)
}

/// All partitions have so many replicas, all in sync, each in a rack of its own.
fn replicated(partitions: &[Partition], replicas: usize) -> bool {
    partitions.iter().all(|partition| {
        let racks: BTreeSet<_> = partition.racks.iter().flatten().collect();
        partition.replicas.len() == replicas
            && partition.isr.len() == replicas
            && racks.len() == replicas
    })
}

/// How many partitions each broker holds a replica of, and how many it leads.
fn shares(partitions: &[Partition]) -> (BTreeMap<i32, usize>, BTreeMap<i32, usize>) {
    let (mut holds, mut leads) = (BTreeMap::new(), BTreeMap::new());
    for partition in partitions {
        for broker in &partition.replicas {
            *holds.entry(*broker).or_default() += 1;
        }
        *leads.entry(partition.leader).or_default() += 1;
    }
    (holds, leads)
}

async fn change_replicas(case: &Case, orders: &str, from: i32, to: i32) -> Result<()> {
    case.edit_topic("orders", |spec| {
        spec.replicas = Some(to);
        spec.config = Some(
            [(
                "retention.ms".to_owned(),
                Some(ConfigValue::Number(7_200_000)),
            )]
            .into(),
        );
    })
    .await?;
    let topics = case.api::<Topic>();
    let what = "how far the move has come, or that it is done";
    let moving = wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        let current = topic
            .status
            .as_ref()
            .filter(|status| status.observed_generation == topic.metadata.generation);
        current.is_some_and(|status| {
            status.reassignment.is_some()
                || wait::condition_of(topic, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
    })
    .await?;
    if let Some(progress) = moving.status.and_then(|status| status.reassignment) {
        ensure!(
            progress.partitions_left > 0,
            "a move of nothing: {progress:?}"
        );
    }
    let done = wait::condition(&topics, "orders", "Ready", "True", PATIENCE).await?;
    let status = done.status.unwrap_or_default();
    ensure!(
        status.replicas == Some(to) && status.reassignment.is_none(),
        "ready with {} replicas asked for, {from} before: {status:?}",
        to
    );
    // Ready is said when it is so, not when it was begun.
    let partitions = case.probe.partitions(orders).await?;
    ensure!(
        replicated(&partitions, usize::try_from(to)?),
        "ready with {partitions:#?}"
    );
    ensure!(case.probe.count(orders).await? == 300, "records were lost");
    let config = case.probe.config(orders).await?;
    ensure!(
        config.get("retention.ms").map(String::as_str) == Some("7200000"),
        "the configuration of the same edit: {config:?}"
    );
    case.probe.unthrottled(orders, PATIENCE).await
}

#[tokio::test]
async fn more_replicas_are_made_in_other_racks_and_the_rest_of_the_edit_is_applied() -> Result<()> {
    let case = Case::alone("replicas-up").await?;
    let orders = topic_with_records(&case, 3, 1).await?;
    let id = case.probe.topic_id(&orders).await?;
    change_replicas(&case, &orders, 1, 3).await?;
    assert_eq!(case.probe.topic_id(&orders).await?, id);
    Ok(())
}

#[tokio::test]
async fn fewer_replicas_are_kept_in_different_racks_and_no_record_is_lost() -> Result<()> {
    let case = Case::alone("replicas-down").await?;
    let orders = topic_with_records(&case, 3, 3).await?;
    change_replicas(&case, &orders, 3, 2).await
}

#[tokio::test]
async fn a_partition_with_fewer_replicas_than_the_others_is_named_and_repaired() -> Result<()> {
    let case = Case::alone("mixed").await?;
    let orders = topic_with_records(&case, 3, 2).await?;
    // Observed only, so that there is time to see what is said of it.
    case.edit_topic("orders", |spec| {
        spec.management_policy = ManagementPolicy::Observe;
    })
    .await?;
    case.ready::<Topic>("orders").await?;
    let before = case.probe.partitions(&orders).await?;
    let stays = before[1].leader;
    case.probe.reassign(&orders, &[(1, vec![stays])]).await?;

    let topics = case.api::<Topic>();
    let what = "status names partition 1 and its number of replicas";
    wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        let Some(status) = &topic.status else {
            return false;
        };
        let messages = status.conditions.iter().map(|c| c.message.as_str());
        let said: Vec<&str> = messages
            .chain(status.plan.iter().map(String::as_str))
            .collect();
        status.replicas == Some(1) && said.iter().any(|words| words.contains("partition 1"))
    })
    .await?;
    assert_eq!(case.probe.partitions(&orders).await?[1].replicas, [stays]);

    case.edit_topic("orders", |spec| {
        spec.management_policy = ManagementPolicy::Manage;
    })
    .await?;
    case.probe
        .settled(&orders, "two replicas each", PATIENCE, |partitions| {
            replicated(partitions, 2)
        })
        .await?;
    case.ready::<Topic>("orders").await?;
    assert_eq!(case.probe.count(&orders).await?, 300);
    case.probe.unthrottled(&orders, PATIENCE).await
}

#[tokio::test]
async fn a_move_that_somebody_else_began_is_waited_for_and_then_the_topics_own_is_made()
-> Result<()> {
    let case = Case::alone("foreign-move").await?;
    let orders = topic_with_records(&case, 1, 1).await?;
    case.probe.fill(&orders, 0, 80, 100_000).await?;
    let from = case.probe.partitions(&orders).await?[0].replicas[0];
    let to = BROKERS
        .into_iter()
        .find(|broker| *broker != from)
        .unwrap_or_default();

    case.probe.throttle(&orders, CRAWL).await?;
    let waited_for = async {
        case.probe.reassign(&orders, &[(0, vec![to])]).await?;
        let clusters: Api<KafkaCluster> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
        let what = "the move that somebody else began in the KafkaCluster's status";
        wait::object(
            &clusters,
            CLUSTER,
            what,
            PATIENCE,
            |cluster: &KafkaCluster| {
                let status = cluster.status.as_ref();
                status
                    .and_then(|status| status.reassignment.as_ref())
                    .is_some_and(|moves| moves.partitions_left > 0)
            },
        )
        .await?;
        case.edit_topic("orders", |spec| spec.replicas = Some(2))
            .await?;
        let what = "the Topic says that it is being moved";
        let topics = case.api::<Topic>();
        wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
            wait::condition_of(topic, "Synced").is_some_and(|synced| {
                synced["reason"] == "Reassigning"
                    && synced["observedGeneration"].as_i64() == topic.metadata.generation
            })
        })
        .await?;
        let ongoing = case.probe.ask(&["reassignments"]).await?;
        let ours = ongoing["reassignments"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["topic"] == orders.as_str())
            .cloned()
            .unwrap_or_default();
        ensure!(
            ours["adding"] == json!([to]) && ours["removing"] == json!([from]),
            "the move was cancelled or changed: {ongoing}"
        );
        anyhow::Ok(())
    }
    .await;
    case.probe.no_throttle(&orders).await?;
    waited_for?;

    let partitions = case
        .probe
        .settled(&orders, "two replicas", PATIENCE, |partitions| {
            replicated(partitions, 2)
        })
        .await?;
    assert!(
        partitions[0].replicas.contains(&to),
        "what was moved there was moved on: {partitions:?}"
    );
    case.ready::<Topic>("orders").await?;
    assert_eq!(case.probe.count(&orders).await?, 380);
    case.probe.unthrottled(&orders, PATIENCE).await
}

/// How fast the shared KafkaCluster moves replicas, once the operator has taken that up; null for the default.
async fn limits(case: &Case, limits: Value) -> Result<()> {
    let clusters: Api<KafkaCluster> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
    let patch = json!({ "spec": { "reassignment": limits } });
    clusters
        .patch(CLUSTER, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    wait::condition(&clusters, CLUSTER, "Ready", "True", PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn the_operator_killed_in_a_move_goes_on_one_partition_at_a_time_and_takes_the_throttle_away()
-> Result<()> {
    let case = Case::alone("killed-move").await?;
    let orders = topic_with_records(&case, 2, 1).await?;
    for partition in [0, 1] {
        case.probe.fill(&orders, partition, 50, 100_000).await?;
    }
    limits(
        &case,
        json!({ "throttleBytesPerSecond": 1 << 20, "partitionsAtOnce": 1 }),
    )
    .await?;
    let moved = async {
        case.edit_topic("orders", |spec| spec.replicas = Some(2))
            .await?;
        wait::answer("a move under way", PATIENCE, || async {
            let moving = case.probe.moving(&orders).await?;
            Ok(if moving.is_empty() {
                Err("nothing moves".to_owned())
            } else {
                Ok(())
            })
        })
        .await?;
        let throttles = case.probe.throttles(&orders).await?;
        operator::kill(&case.client).await?;
        ensure!(
            throttles.iter().any(|one| one.contains("broker")),
            "moved without a throttle: {throttles:?}"
        );
        wait::answer("all partitions have two replicas", 2 * PATIENCE, || async {
            let moving = case.probe.moving(&orders).await?;
            ensure!(moving.len() <= 1, "moved at once: {moving:?}");
            let partitions = case.probe.partitions(&orders).await?;
            Ok(if moving.is_empty() && replicated(&partitions, 2) {
                Ok(())
            } else {
                Err(format!("{partitions:#?}"))
            })
        })
        .await?;
        case.ready::<Topic>("orders").await?;
        case.probe.unthrottled(&orders, PATIENCE).await
    }
    .await;
    limits(&case, Value::Null).await?;
    moved?;
    assert_eq!(case.probe.count(&orders).await?, 400);
    Ok(())
}

#[tokio::test]
async fn a_slow_move_tells_the_bytes_that_are_left_their_rate_and_the_seconds_to_go() -> Result<()>
{
    const RECORDS: usize = 600;
    const BYTES: i64 = 600 * 100_000;
    let case = Case::alone("slow-move").await?;
    let orders = topic_with_records(&case, 1, 1).await?;
    case.probe.fill(&orders, 0, RECORDS, 100_000).await?;
    limits(&case, json!({ "throttleBytesPerSecond": 1 << 20 })).await?;
    let moved = async {
        case.edit_topic("orders", |spec| spec.replicas = Some(2))
            .await?;
        let topics = case.api::<Topic>();
        let told = |topic: &Topic| topic.status.as_ref()?.reassignment.clone();
        let what = "bytes, a rate and seconds";
        let seen = Mutex::new(Vec::new());
        let waited = wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
            let Some(moves) = told(topic) else {
                return false;
            };
            let all =
                moves.bytes_left.is_some_and(|bytes| bytes > 0) && moves.seconds_left.is_some();
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(moves);
            all
        });
        let moving = waited
            .await
            .with_context(|| format!("told until then: {seen:?}"))?;
        let moves = told(&moving).context("no moves")?;
        assert_eq!(moves.partitions_left, 1);
        let left = moves.bytes_left.unwrap_or_default();
        assert!(left < BYTES, "{left} of {BYTES} bytes are left");
        let (rate, seconds) = (moves.bytes_per_second, moves.seconds_left);
        let (rate, seconds) = rate.zip(seconds).context("no rate")?;
        assert!(rate > 0 && seconds > 0, "{moves:?}");
        let off = (left - rate * seconds).abs();
        assert!(off <= rate, "{moves:?} does not add up");
        // The move alone takes a minute at this rate.
        wait::condition(&topics, "orders", "Ready", "True", 2 * PATIENCE).await?;
        let after = topics.get("orders").await?;
        assert_eq!(told(&after), None, "nothing is moved any more");
        case.probe.unthrottled(&orders, PATIENCE).await
    }
    .await;
    limits(&case, Value::Null).await?;
    moved
}

#[tokio::test]
async fn replicas_put_on_one_broker_stay_with_keep_and_are_spread_with_balance() -> Result<()> {
    let case = Case::alone("balance").await?;
    let orders = topic_with_records(&case, 6, 1).await?;
    let moves: Vec<_> = (0..6).map(|partition| (partition, vec![0])).collect();
    case.probe.reassign(&orders, &moves).await?;
    let crowded = |partitions: &[Partition]| partitions.iter().all(|p| p.replicas == [0]);
    case.probe
        .settled(&orders, "all on broker 0", PATIENCE, crowded)
        .await?;

    let topics = case.api::<Topic>();
    let kept = wait::condition(&topics, "orders", "Balanced", "False", PATIENCE).await?;
    let balanced = wait::condition_of(&kept, "Balanced").unwrap_or_default();
    let words = balanced["message"].as_str().unwrap_or_default();
    assert!(
        words.contains("layoutPolicy: Balance"),
        "the message does not say what to write: {words}"
    );
    case.topic("later", &[]).await?;
    assert!(
        crowded(&case.probe.partitions(&orders).await?),
        "moved in spite of Keep"
    );

    case.edit_topic("orders", |spec| spec.layout_policy = LayoutPolicy::Balance)
        .await?;
    let spread = |partitions: &[Partition]| {
        let (holds, leads) = shares(partitions);
        let even = |of: &BTreeMap<i32, usize>| BROKERS.iter().all(|b| of.get(b) == Some(&2));
        even(&holds) && even(&leads)
    };
    case.probe
        .settled(&orders, "two on each broker", PATIENCE, spread)
        .await?;
    wait::condition(&topics, "orders", "Balanced", "True", PATIENCE).await?;
    case.ready::<Topic>("orders").await?;
    assert_eq!(case.probe.count(&orders).await?, 300);
    case.probe.unthrottled(&orders, PATIENCE).await
}

#[tokio::test]
async fn a_leader_that_is_not_the_preferred_one_is_changed_before_kafka_would() -> Result<()> {
    /// Kafka itself looks every five minutes.
    const SOONER: Duration = Duration::from_secs(90);
    let case = Case::alone("preferred").await?;
    let orders = topic_with_records(&case, 1, 3).await?;
    let before = case.probe.partitions(&orders).await?;
    let leads = before[0].leader;
    // Another order of the same replicas moves nothing, and leaves the leader as it is.
    let mut order = before[0].replicas.clone();
    order.retain(|broker| *broker != leads);
    order.push(leads);
    case.probe.reassign(&orders, &[(0, order.clone())]).await?;

    let what = "the first of the replicas leads, in the order that was set by hand";
    case.probe
        .settled(&orders, what, SOONER, |partitions| {
            partitions[0].replicas == order && partitions[0].leader == order[0]
        })
        .await?;
    case.ready::<Topic>("orders").await?;
    case.probe.unthrottled(&orders, PATIENCE).await
}

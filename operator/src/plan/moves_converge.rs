#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Whatever the layouts, edits, moves by others, brokers that stop and deaths of the operator: topics end where they shall be,
//! within the limits, and no throttle is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use millrace_crds::{LayoutPolicy, ManagementPolicy};
use proptest::prelude::*;

use super::{KafkaStep, Limits, Memory, WantedLayout, moves, ongoing};
use crate::{
    desire::layout,
    kafka::{BrokerId, FakeKafka, KafkaAdmin, NewTopic, Reassignment, TopicPartition},
    resolve::{ResolvedTopic, TopicName},
    world::{ClusterKey, View},
};

const BROKERS: [(BrokerId, Option<&str>); 5] = [
    (0, Some("a")),
    (1, Some("b")),
    (2, Some("c")),
    (3, Some("a")),
    (4, Some("b")),
];
const RATES: [&str; 2] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
];
const LISTS: [&str; 2] = [
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
];

#[derive(Clone, Debug)]
enum Happening {
    /// The operator runs, and dies after so many steps.
    Pass { dies_after: Option<usize> },
    /// Replicas are copied.
    Copied,
    /// Replicas or layout policy of a topic are edited.
    Edited {
        topic: usize,
        replicas: usize,
        balance: bool,
    },
    /// Somebody moves a partition.
    Moved {
        topic: usize,
        partition: i32,
        target: Vec<BrokerId>,
    },
    /// A broker stops, or all start.
    Stopped(Option<BrokerId>),
    /// Another replica leads.
    Led {
        topic: usize,
        partition: i32,
        broker: BrokerId,
    },
    /// The limit of the spec is edited.
    Limited { faster: bool },
}

fn replicas() -> impl Strategy<Value = Vec<BrokerId>> {
    prop::sample::subsequence(vec![0, 1, 2, 3, 4], 1..=3).prop_shuffle()
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => prop::option::weighted(0.3, 0_usize..4).prop_map(|dies_after| Happening::Pass { dies_after }),
        3 => Just(Happening::Copied),
        1 => (0_usize..2, 1_usize..4, any::<bool>()).prop_map(|(topic, replicas, balance)| Happening::Edited { topic, replicas, balance }),
        1 => (0_usize..2, 0_i32..4, replicas()).prop_map(|(topic, partition, target)| Happening::Moved { topic, partition, target }),
        1 => prop::option::of(0..5_i32).prop_map(Happening::Stopped),
        1 => (0_usize..2, 0_i32..4, 0..5_i32).prop_map(|(topic, partition, broker)| Happening::Led { topic, partition, broker }),
        1 => any::<bool>().prop_map(|faster| Happening::Limited { faster }),
    ]
}

struct Scene {
    kafka: FakeKafka,
    desired: Vec<ResolvedTopic>,
    limits: Limits,
    memory: Memory,
}

fn name(topic: usize) -> String {
    format!("topic-{topic}")
}

fn scene(layouts: &[Vec<Vec<BrokerId>>], at_once: usize) -> Scene {
    let kafka = FakeKafka::new(BROKERS);
    for (topic, layout) in layouts.iter().enumerate() {
        let led = NewTopic {
            name: name(topic),
            assignment: layout
                .iter()
                .map(|replicas| replicas[..1].to_vec())
                .collect(),
            config: BTreeMap::new(),
        };
        kafka.create_topic(&led).unwrap();
        for (partition, replicas) in (0..).zip(layout) {
            let topic = name(topic).into();
            let partition = TopicPartition { topic, partition };
            let replicas = replicas.clone();
            kafka
                .reassign(&Reassignment {
                    partition,
                    replicas,
                })
                .unwrap();
        }
    }
    while !kafka.reassignments().is_empty() {
        kafka.advance_reassignments();
    }
    let desired = (0..layouts.len()).map(|topic| ResolvedTopic {
        cluster: ClusterKey {
            namespace: "platform".into(),
            name: "events".into(),
        },
        name: TopicName::for_test(&name(topic)),
        partitions: layouts[topic].len(),
        replicas: None,
        layout: LayoutPolicy::Balance,
        config: BTreeMap::new(),
        adopt: false,
        delete: false,
        capped: None,
        management: ManagementPolicy::Manage,
        grants: BTreeSet::new(),
    });
    Scene {
        desired: desired.collect(),
        kafka,
        limits: Limits {
            bytes_per_second: 1 << 20,
            partitions_at_once: at_once,
        },
        memory: Memory::default(),
    }
}

async fn look(kafka: &FakeKafka) -> View {
    let reassignments = kafka.list_reassignments().await.unwrap();
    let cluster = kafka.describe_cluster().await.unwrap();
    let up = cluster.brokers.keys().copied().collect();
    let configs = kafka.describe_broker_configs(&up).await.unwrap();
    let topics = kafka.describe_topics(None).await.unwrap();
    View {
        topics: topics
            .into_iter()
            .map(|(name, topic)| (name, Arc::new(topic)))
            .collect(),
        reassignments: Arc::new(reassignments),
        broker_configs: Arc::new(
            configs
                .into_iter()
                .filter_map(|(id, config)| Some((id, config.ok()?)))
                .collect(),
        ),
        cluster,
        ..View::default()
    }
}

fn wanted(scene: &Scene, view: &View) -> BTreeMap<String, WantedLayout> {
    let ongoing = ongoing(view, &scene.memory);
    let each = scene.desired.iter().map(|desired| {
        let topic = &view.topics[desired.name.as_str()];
        let replicas = layout::wanted(desired, topic, &ongoing, &view.cluster).unwrap_or_default();
        let wanted = WantedLayout {
            replicas,
            configured: BTreeSet::new(),
        };
        (desired.name.as_str().to_owned(), wanted)
    });
    each.collect()
}

/// One pass. How many steps it took.
async fn pass(scene: &mut Scene, dies_after: Option<usize>) -> usize {
    let view = look(&scene.kafka).await;
    let decided = moves(&wanted(scene, &view), &view, scene.limits, &scene.memory);
    let count = decided.steps.len();
    scene.memory = decided.memory;
    for (done, step) in decided.steps.into_iter().enumerate() {
        if dies_after == Some(done) {
            break;
        }
        carry_out(scene, step).await;
    }
    if dies_after.is_some() {
        scene.memory = Memory::default();
    }
    count
}

async fn carry_out(scene: &Scene, step: KafkaStep) {
    match step {
        KafkaStep::AlterConfig(change) => {
            assert!(
                change
                    .set
                    .keys()
                    .chain(&change.reset)
                    .all(|key| LISTS.contains(&key.as_str()))
            );
            scene.kafka.alter_config(&change).unwrap();
        }
        KafkaStep::AlterBrokerConfig(change) => {
            // A broker that is away is configured through the controller all the same.
            scene.kafka.alter_broker_config(&change).unwrap();
        }
        KafkaStep::Reassign(begun) => {
            let before = scene.kafka.reassignments();
            assert!(before.len() + begun.len() <= scene.limits.partitions_at_once);
            for one in &begun {
                assert!(
                    !before.contains_key(&one.partition),
                    "a move under way is left alone"
                );
                throttled(scene, one);
            }
            for (at, answer) in scene.kafka.alter_reassignments(&begun).await.unwrap() {
                assert_eq!(answer, Ok(()), "{at:?}");
            }
        }
        KafkaStep::ElectPreferred(partitions) => {
            for (at, answer) in scene
                .kafka
                .elect_preferred_leaders(&partitions)
                .await
                .unwrap()
            {
                assert_eq!(answer, Ok(()), "{at:?}");
            }
        }
        other => panic!("{other:?} has no place here"),
    }
}

fn throttled(scene: &Scene, begun: &Reassignment) {
    let topic = &scene.kafka.topics()[&*begun.partition.topic];
    let partition = begun.partition.partition;
    let present = &topic.partitions[usize::try_from(partition).unwrap()];
    let adding: Vec<_> = begun
        .replicas
        .iter()
        .filter(|id| !present.replicas.contains(id))
        .collect();
    assert!(
        begun
            .replicas
            .iter()
            .all(|id| adding.contains(&id) || present.isr.contains(id)),
        "what stays is in sync"
    );
    for id in &adding {
        assert!(
            topic.config[LISTS[1]]
                .split(',')
                .any(|entry| entry == format!("{partition}:{id}"))
        );
    }
    if !adding.is_empty() {
        for id in begun.replicas.iter().chain(&present.replicas) {
            let config = scene.kafka.broker_config(*id);
            assert!(
                RATES.iter().all(|key| config.contains_key(*key)),
                "broker {id} is throttled"
            );
        }
    }
}

async fn happen(scene: &mut Scene, what: Happening) {
    let at = |topic, partition| TopicPartition {
        topic: name(topic).into(),
        partition,
    };
    match what {
        Happening::Pass { dies_after } => drop(pass(scene, dies_after).await),
        Happening::Copied => scene.kafka.advance_reassignments(),
        Happening::Edited {
            topic,
            replicas,
            balance,
        } => {
            scene.desired[topic].replicas = Some(replicas);
            scene.desired[topic].layout = match balance {
                true => LayoutPolicy::Balance,
                false => LayoutPolicy::Keep,
            };
        }
        Happening::Moved {
            topic,
            partition,
            target,
        } => drop(scene.kafka.reassign(&Reassignment {
            partition: at(topic, partition),
            replicas: target,
        })),
        Happening::Stopped(Some(broker)) => scene.kafka.stop_broker(broker),
        Happening::Stopped(None) => BROKERS
            .iter()
            .for_each(|(id, _)| scene.kafka.start_broker(*id)),
        Happening::Led {
            topic,
            partition,
            broker,
        } => drop(scene.kafka.lead_by(&at(topic, partition), broker)),
        Happening::Limited { faster } => {
            scene.limits.bytes_per_second = if faster { 2 << 20 } else { 1 << 20 };
        }
    }
}

async fn settle(scene: &mut Scene) {
    BROKERS
        .iter()
        .for_each(|(id, _)| scene.kafka.start_broker(*id));
    for _ in 0..200 {
        let steps = pass(scene, None).await;
        let moving = !scene.kafka.reassignments().is_empty();
        let remembered = !scene.memory.strayed.is_empty() || !scene.memory.ongoing.is_empty();
        if steps == 0 && !moving && !remembered {
            return;
        }
        scene.kafka.advance_reassignments();
    }
    panic!("it never came to rest");
}

/// Throttle rates and limits that differ by a death are somebody else's by then; the rest must be clean.
async fn check(scene: &Scene) {
    let view = look(&scene.kafka).await;
    for (topic, wanted) in wanted(scene, &view) {
        let observed = &view.topics[&topic];
        let present: Vec<_> = observed
            .partitions
            .iter()
            .map(|p| p.replicas.clone())
            .collect();
        assert_eq!(present, wanted.replicas, "{topic} lies as wanted");
        assert!(
            LISTS.iter().all(|key| !observed.config.contains_key(*key)),
            "no list is left"
        );
        assert!(
            observed
                .partitions
                .iter()
                .all(|p| p.leader == p.replicas.first().copied())
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn topics_end_where_they_shall_be(
        layouts in prop::collection::vec(prop::collection::vec(replicas(), 1..5), 2),
        at_once in 1_usize..4,
        happenings in prop::collection::vec(happening(), 0..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let limits = happenings.iter().any(|what| matches!(what, Happening::Limited { .. }));
        let dies = happenings.iter().any(|what| matches!(what, Happening::Pass { dies_after: Some(_) }));
        runtime.block_on(async {
            let mut scene = scene(&layouts, at_once);
            for what in happenings {
                happen(&mut scene, what).await;
            }
            settle(&mut scene).await;
            check(&scene).await;
            for (id, _) in BROKERS {
                let config = scene.kafka.broker_config(id);
                assert!(config.is_empty() || (limits && dies), "no rate is left on broker {id}: {config:?}");
            }
        });
    }
}

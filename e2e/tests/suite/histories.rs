//! A hundred Topics, each with a history that chance wrote: edits, changes in Kafka by hand, and an operator that is killed in
//! between. What Kafka has in the end is what the resources say, whatever came in which order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, anyhow};
use futures::{StreamExt, TryStreamExt, stream};
use millrace_e2e::{Case, operator, wait};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

const TOPICS: usize = 100;
const ROUNDS: usize = 5;
/// The rounds in which the operator is killed, while things happen.
const DEADLY: [usize; 2] = [1, 3];
const AT_ONCE: usize = 8;
/// Kafka is looked at every 15 seconds, and a killed operator's Lease runs out in as many.
const PATIENCE: Duration = Duration::from_secs(150);

#[derive(Clone, Debug)]
enum Happening {
    /// The spec gets so many partitions more, and another retention.
    Edited { more: usize, retention: Option<u32> },
    /// The spec gets other producers.
    Granted(BTreeSet<u8>),
    /// Somebody deletes the topic.
    Deleted,
    /// Somebody sets a key of the topic's configuration.
    Configured(u32),
    /// Somebody allows a ServiceAccount, or another principal, to write.
    Allowed { account: bool, name: u8 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0_usize..3, prop::option::of(3_600_000_u32..7_200_000))
            .prop_map(|(more, retention)| Happening::Edited { more, retention }),
        2 => prop::collection::btree_set(0_u8..4, 0..3).prop_map(Happening::Granted),
        1 => Just(Happening::Deleted),
        1 => (60_000_u32..600_000).prop_map(Happening::Configured),
        1 => (any::<bool>(), 0_u8..4).prop_map(|(account, name)| Happening::Allowed { account, name }),
    ]
}

/// What happens to each Topic in each round. The same each time, so that a failure can be looked into.
fn rounds() -> Result<Vec<Vec<Happening>>> {
    let round = prop::collection::vec(happening(), TOPICS);
    let tree = prop::collection::vec(round, ROUNDS)
        .new_tree(&mut TestRunner::deterministic())
        .map_err(|reason| anyhow!("no histories: {reason}"))?;
    Ok(tree.current())
}

/// What a Topic's spec says, and what others than Millrace's ServiceAccounts were allowed.
#[derive(Clone, Debug, Default)]
struct Told {
    partitions: usize,
    retention: Option<u32>,
    producers: BTreeSet<u8>,
    foreign: BTreeSet<u8>,
}

impl Told {
    fn spec(&self, topic: &str) -> Value {
        let producers = self.producers.iter();
        let producers: Vec<Value> = producers
            .map(|name| json!({ "serviceAccountName": format!("account-{name}") }))
            .collect();
        let config: BTreeMap<&str, u32> = self
            .retention
            .iter()
            .map(|ms| ("retention.ms", *ms))
            .collect();
        json!({ "topicName": topic, "partitions": self.partitions, "producers": producers, "config": config })
    }

    /// What Kafka has if it is as the spec says.
    fn in_kafka(&self, namespace: &str) -> InKafka {
        let retention = self.retention.iter();
        let written = self.producers.iter().flat_map(|name| {
            ["Describe", "Write"]
                .map(|operation| format!("{} {operation}", account(namespace, *name)))
        });
        let foreign = self
            .foreign
            .iter()
            .map(|name| format!("{} Write", other(*name)));
        InKafka {
            partitions: self.partitions,
            config: retention
                .map(|ms| ("retention.ms".to_owned(), ms.to_string()))
                .collect(),
            allowed: written.chain(foreign).collect(),
        }
    }
}

#[derive(Debug, PartialEq)]
struct InKafka {
    partitions: usize,
    config: BTreeMap<String, String>,
    allowed: BTreeSet<String>,
}

fn account(namespace: &str, name: u8) -> String {
    format!("User:system:serviceaccount:{namespace}:account-{name}")
}

fn other(name: u8) -> String {
    format!("User:CN=other-{name}")
}

async fn happen(case: &Case, number: usize, what: &Happening, mut told: Told) -> Result<Told> {
    let name = format!("t{number}");
    let topic = case.name(&name);
    match what {
        Happening::Edited { more, retention } => {
            told.partitions += more;
            told.retention = *retention;
            case.apply("Topic", &name, told.spec(&topic)).await?;
        }
        Happening::Granted(producers) => {
            told.producers.clone_from(producers);
            case.apply("Topic", &name, told.spec(&topic)).await?;
        }
        // What an operator that was killed has not made yet cannot be changed by hand.
        Happening::Deleted | Happening::Configured(_)
            if case.probe.topic(&topic).await?.is_none() => {}
        Happening::Deleted => {
            case.probe.ask(&["delete-topic", "--topic", &topic]).await?;
        }
        Happening::Configured(ms) => {
            let set = format!("segment.ms={ms}");
            case.probe
                .ask(&["alter-config", "--topic", &topic, "--set", &set])
                .await?;
        }
        Happening::Allowed {
            account: true,
            name,
        } => {
            let principal = account(&case.namespace, *name);
            case.probe
                .acl_by_hand("add-acl", &principal, "write", &topic)
                .await?;
        }
        Happening::Allowed {
            account: false,
            name,
        } => {
            told.foreign.insert(*name);
            case.probe
                .acl_by_hand("add-acl", &other(*name), "write", &topic)
                .await?;
        }
    }
    Ok(told)
}

async fn seen(case: &Case, topic: &str) -> Result<Option<InKafka>> {
    let Some(described) = case.probe.topic(topic).await? else {
        return Ok(None);
    };
    Ok(Some(InKafka {
        partitions: described["partitions"].as_array().map_or(0, Vec::len),
        config: serde_json::from_value(described["config"].clone())?,
        allowed: case.probe.allowed_on(topic).await?.into_iter().collect(),
    }))
}

#[tokio::test]
async fn a_hundred_random_histories_end_as_the_resources_say() -> Result<()> {
    let case = &Case::alone("histories").await?;
    let rounds = &rounds()?;
    let first = stream::iter(0..TOPICS).map(|number| async move {
        let told = Told {
            partitions: 1,
            ..Told::default()
        };
        let name = format!("t{number}");
        case.apply("Topic", &name, told.spec(&case.name(&name)))
            .await?;
        anyhow::Ok(told)
    });
    let mut all: Vec<Told> = first.buffered(AT_ONCE).try_collect().await?;
    for (round, happenings) in rounds.iter().enumerate() {
        let happening = stream::iter(all.into_iter().enumerate())
            .map(|(number, told)| happen(case, number, &happenings[number], told))
            .buffered(AT_ONCE)
            .try_collect();
        let killed = async {
            match DEADLY.contains(&round) {
                true => operator::kill(&case.client).await,
                false => Ok(()),
            }
        };
        (all, ()) = tokio::try_join!(happening, killed)?;
    }
    stream::iter(all.into_iter().enumerate())
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |(number, told)| async move {
            let topic = case.name(&format!("t{number}"));
            let wanted = told.in_kafka(&case.namespace);
            let history: Vec<&Happening> =
                rounds.iter().map(|happened| &happened[number]).collect();
            let what = format!("{topic} after {history:?} is {wanted:?}");
            wait::answer(&what, PATIENCE, || async {
                let seen = seen(case, &topic).await?;
                Ok(match seen.as_ref() == Some(&wanted) {
                    true => Ok(()),
                    false => Err(format!("{seen:?}")),
                })
            })
            .await
        })
        .await
}

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use krafka::{
    KrafkaError,
    admin::{
        AdminClient, ConfigEntry, ConfigOp, ConfigResource, ListTopicsOptions,
        NewTopic as KrafkaTopic, TopicDescription,
    },
    error::ErrorCode,
};

use super::failure;
use crate::kafka::{ConfigChange, KafkaError, NewTopic, ObservedPartition, ObservedTopic, PerItem};

/// Topics described by one request: 10,000 topics are ten requests of a few MB each.
const DESCRIBED_AT_ONCE: usize = 1_000;
/// Such requests under way at a time.
const DESCRIBING: usize = 2;
/// `DYNAMIC_TOPIC_CONFIG`, where a configuration set on the topic itself comes from (DescribeConfigs, KIP-226).
const SET_ON_THE_TOPIC: i8 = 1;
/// Longest name of a topic, in bytes.
const LONGEST_NAME: usize = 249;

/// The names of all topics, Kafka's own among them.
pub(super) async fn names(client: &AdminClient) -> Result<BTreeSet<String>, KafkaError> {
    let all = ListTopicsOptions::default().include_internal(true);
    let names = client.list_topics(all).await.map_err(failure::of)?;
    Ok(names.into_iter().collect())
}

/// The topics of these names that exist.
pub(super) async fn describe(
    client: &AdminClient,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
    let names: Vec<String> = names
        .iter()
        .filter(|name| is_legal(name))
        .cloned()
        .collect();
    let chunks: Vec<Vec<String>> = names.chunks(DESCRIBED_AT_ONCE).map(<[_]>::to_vec).collect();
    stream::iter(chunks)
        .map(|chunk| describe_chunk(client, chunk))
        .buffer_unordered(DESCRIBING)
        .try_fold(BTreeMap::new(), async |mut all, some| {
            all.extend(some);
            Ok(all)
        })
        .await
}

async fn describe_chunk(
    client: &AdminClient,
    names: Vec<String>,
) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
    let resources = names.iter().map(ConfigResource::topic);
    let (topics, mut configs) = try_join!(
        client.describe_topics(&names, Default::default()),
        client.describe_configs(resources, Default::default()),
    )
    .map_err(failure::of)?;
    let mut found = BTreeMap::new();
    for (name, topic) in topics {
        let config = configs.remove(&ConfigResource::topic(&name));
        let (Some(topic), Some(config)) =
            (existing(topic)?, existing(config.unwrap_or_else(unknown))?)
        else {
            continue;
        };
        found.insert(name, observed(topic, config));
    }
    Ok(found)
}

fn unknown<T>() -> Result<T, KrafkaError> {
    Err(KrafkaError::broker(ErrorCode::UnknownTopicOrPartition, ""))
}

fn existing<T>(result: Result<T, KrafkaError>) -> Result<Option<T>, KafkaError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(KrafkaError::Broker {
            code: ErrorCode::UnknownTopicOrPartition | ErrorCode::InvalidTopic,
            ..
        }) => Ok(None),
        Err(error) => Err(failure::of(error)),
    }
}

fn observed(topic: TopicDescription, config: Vec<ConfigEntry>) -> ObservedTopic {
    ObservedTopic {
        id: URL_SAFE_NO_PAD.encode(topic.topic_id),
        internal: topic.is_internal,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| ObservedPartition {
                leader: partition.leader,
                replicas: partition.replicas,
                isr: partition.isr,
            })
            .collect(),
        config: config
            .into_iter()
            .filter(|entry| entry.config_source == SET_ON_THE_TOPIC)
            .map(|entry| (entry.name, entry.value.unwrap_or_default()))
            .collect(),
    }
}

pub(super) async fn create(
    client: &AdminClient,
    topics: &[NewTopic],
) -> Result<PerItem<String, ()>, KafkaError> {
    let topics = failure::unique(topics, |topic| &topic.name)?;
    let (placed, unplaced): (Vec<_>, Vec<_>) = topics
        .into_iter()
        .partition(|(_, topic)| !topic.assignment.is_empty());
    let (legal, mut answers) = split(placed);
    answers.extend(unplaced.into_iter().map(|(name, _)| {
        let message = format!("no replicas are given for topic {name}");
        (
            name,
            Err(failure::refused(ErrorCode::InvalidPartitions, message)),
        )
    }));
    let wanted = legal
        .into_iter()
        .map(|(name, topic)| creation(name, topic))
        .collect::<Result<Vec<_>, _>>()?;
    let answered = client
        .create_topics(wanted, Default::default())
        .await
        .map_err(failure::of)?;
    answers.extend(failure::per_item(answered, |name| name, |()| ())?);
    Ok(answers)
}

fn creation(name: String, topic: &NewTopic) -> Result<KrafkaTopic, KafkaError> {
    let mut wanted = KrafkaTopic::new(name, 1, 1).map_err(failure::of)?;
    wanted.num_partitions = -1;
    wanted.replication_factor = -1;
    wanted.replica_assignments = (0..).zip(topic.assignment.iter().cloned()).collect();
    wanted.configs = topic.config.clone().into_iter().collect();
    Ok(wanted)
}

pub(super) async fn delete(
    client: &AdminClient,
    topics: &BTreeSet<String>,
) -> Result<PerItem<String, ()>, KafkaError> {
    let (legal, mut answers) = split(topics.iter().map(|name| (name.clone(), ())));
    let names = legal.into_iter().map(|(name, ())| name);
    let answered = client
        .delete_topics(names, Default::default())
        .await
        .map_err(failure::of)?;
    answers.extend(failure::per_item(answered, |name| name, |()| ())?);
    Ok(answers)
}

pub(super) async fn alter_configs(
    client: &AdminClient,
    changes: &[ConfigChange],
) -> Result<PerItem<String, ()>, KafkaError> {
    let changes = failure::unique(changes, |change| &change.topic)?;
    let operations = changes.into_iter().map(|(name, change)| {
        let set = change
            .set
            .iter()
            .map(|(key, value)| ConfigOp::set(key, value));
        let reset = change.reset.iter().map(ConfigOp::delete);
        (ConfigResource::topic(name), set.chain(reset).collect())
    });
    let answered = client
        .incremental_alter_configs(operations, Default::default())
        .await
        .map_err(failure::of)?;
    failure::per_item(answered, |resource| resource.name, |()| ())
}

/// Parts what can be sent from what krafka would refuse to send at all, together with everything else in the call.
fn split<T>(
    items: impl IntoIterator<Item = (String, T)>,
) -> (Vec<(String, T)>, PerItem<String, ()>) {
    let (legal, illegal): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|(name, _)| is_legal(name));
    let refusals = illegal
        .into_iter()
        .map(|(name, _)| {
            let message =
                format!("topic name {name:?} is not 1 to {LONGEST_NAME} of [a-zA-Z0-9._-]");
            let error = failure::refused(ErrorCode::InvalidTopic, message);
            (name, Err(error))
        })
        .collect();
    (legal, refusals)
}

/// Whether a topic can have this name.
pub(super) fn is_legal(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(letter)
}

//! `probe describe-topic`, `list-topics`, `create-topic`

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use krafka::admin::{ConfigResource, CreateTopicsOptions, ListTopicsOptions, NewTopic};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// `DYNAMIC_TOPIC_CONFIG` of DescribeConfigs: set on the topic itself.
const SET_ON_THE_TOPIC: i8 = 1;

#[derive(Args)]
pub struct Named {
    #[arg(long)]
    pub topic: String,
}

#[derive(Args)]
pub struct Create {
    #[arg(long)]
    topic: String,
    /// -1 for the brokers' default.
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    partitions: i32,
    /// -1 for the brokers' default.
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    replicas: i16,
    /// NAME=VALUE
    #[arg(long, value_parser = name_and_value)]
    config: Vec<(String, String)>,
}

/// Prints `{"topic", "id", "partitions": [{"partition", "leader", "replicas", "isr", "racks"}], "config": {NAME: VALUE}}`.
/// `racks` are those of the replicas, in their order.
pub async fn describe(access: &Access, Named { topic }: Named) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let mut described = admin.describe_topics([&topic], Default::default()).await?;
    let described = the_only(&mut described, &topic)?;
    let racks: HashMap<_, _> = admin
        .describe_cluster(Default::default())
        .await?
        .brokers
        .into_iter()
        .map(|broker| (broker.id, broker.rack))
        .collect();
    let resource = ConfigResource::topic(&topic);
    let mut configs = admin
        .describe_configs([resource.clone()], Default::default())
        .await?;
    let config: BTreeMap<_, _> = the_only(&mut configs, &resource)?
        .into_iter()
        .filter(|entry| entry.config_source == SET_ON_THE_TOPIC)
        .map(|entry| (entry.name, entry.value))
        .collect();
    let partitions: Vec<_> = described
        .partitions
        .iter()
        .map(|partition| {
            let racks: Vec<_> = partition.replicas.iter().map(|id| racks.get(id)).collect();
            json!({
                "partition": partition.partition,
                "leader": partition.leader,
                "replicas": partition.replicas,
                "isr": partition.isr,
                "racks": racks,
            })
        })
        .collect();
    Ok(json!({
        "topic": topic,
        "id": URL_SAFE_NO_PAD.encode(described.topic_id),
        "partitions": partitions,
        "config": config,
    }))
}

/// Prints `{"topics": [NAME]}`.
pub async fn list(access: &Access) -> Result<Value, Failure> {
    let topics = access
        .admin()
        .await?
        .list_topics(ListTopicsOptions::default())
        .await?;
    Ok(json!({ "topics": topics }))
}

/// Prints `{"created": NAME}`.
pub async fn create(access: &Access, create: Create) -> Result<Value, Failure> {
    let topic = NewTopic::new(&create.topic, create.partitions, create.replicas)?;
    let topic = create
        .config
        .iter()
        .fold(topic, |topic, (name, value)| topic.with_config(name, value));
    let mut created = access
        .admin()
        .await?
        .create_topics([topic], CreateTopicsOptions::default())
        .await?;
    the_only(&mut created, &create.topic)?;
    Ok(json!({ "created": create.topic }))
}

pub fn the_only<K: std::hash::Hash + Eq, V>(
    answers: &mut HashMap<K, krafka::Result<V>>,
    key: &K,
) -> Result<V, Failure> {
    let answer = answers
        .remove(key)
        .ok_or_else(|| Failure::local("the brokers gave no answer to what was asked"))?;
    Ok(answer?)
}

pub fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

//! `probe lag`

use std::collections::BTreeMap;

use clap::Args;
use krafka::admin::{AdminClient, OffsetSpec, TopicPartition};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
}

/// Prints `{"partitions": [{"partition", "committed", "start", "end", "lag"}]}` of all partitions of the topic.
/// `committed` is null where the group has committed nothing: then all that is there is lag.
pub async fn run(access: &Access, arguments: &Arguments) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let mut described = admin
        .describe_topics([&arguments.topic], Default::default())
        .await?;
    let topic = described
        .remove(&arguments.topic)
        .ok_or_else(|| Failure::local("the brokers said nothing about the topic"))??;
    let partitions: Vec<TopicPartition> = topic
        .partitions
        .iter()
        .map(|partition| TopicPartition::new(&arguments.topic, partition.partition))
        .collect();
    // Committed offsets first: the ends only move on meanwhile.
    let committed = committed(&admin, &arguments.group).await?;
    let starts = offsets(&admin, &partitions, OffsetSpec::Earliest).await?;
    let ends = offsets(&admin, &partitions, OffsetSpec::Latest).await?;
    let mut lags = Vec::new();
    for partition in partitions {
        let start = starts.get(&partition.partition).copied();
        let end = ends.get(&partition.partition).copied();
        let (Some(start), Some(end)) = (start, end) else {
            return Err(Failure::local("the brokers left a partition out"));
        };
        let committed = committed
            .get(&(arguments.topic.clone(), partition.partition))
            .copied();
        lags.push(json!({
            "partition": partition.partition,
            "committed": committed,
            "start": start,
            "end": end,
            "lag": (end - committed.unwrap_or(start).max(start)).max(0),
        }));
    }
    lags.sort_by_key(|lag| lag["partition"].as_i64());
    Ok(json!({ "partitions": lags }))
}

async fn committed(
    admin: &AdminClient,
    group: &str,
) -> Result<BTreeMap<(String, i32), i64>, Failure> {
    let mut committed = BTreeMap::new();
    for (partition, offset) in admin
        .list_consumer_group_offsets(group, Default::default())
        .await?
    {
        if let Some(offset) = offset?.offset {
            committed.insert((partition.topic.to_string(), partition.partition), offset);
        }
    }
    Ok(committed)
}

async fn offsets(
    admin: &AdminClient,
    partitions: &[TopicPartition],
    at: OffsetSpec,
) -> Result<BTreeMap<i32, i64>, Failure> {
    let asked = partitions.iter().map(|partition| (partition.clone(), at));
    let mut offsets = BTreeMap::new();
    for (partition, offset) in admin.list_offsets(asked, Default::default()).await? {
        offsets.insert(partition.partition, offset?.offset);
    }
    Ok(offsets)
}

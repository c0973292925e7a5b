//! `probe groups`, `offsets`, `commit-offset`

use clap::Args;
use krafka::admin::{AdminClient, TopicPartition};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

#[derive(Args)]
pub struct Named {
    #[arg(long)]
    group: String,
}

#[derive(Args)]
pub struct Commit {
    #[arg(long)]
    group: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partition: i32,
    #[arg(long)]
    offset: i64,
}

/// The ids of all groups.
pub async fn names(admin: &AdminClient) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for listing in admin
        .list_consumer_groups(Default::default())
        .await?
        .into_values()
    {
        names.extend(listing?.into_iter().map(|group| group.group_id));
    }
    Ok(names)
}

/// Prints `{"groups": [{"group", "state", "type", "members"}]}`, in the order of their ids.
pub async fn list(access: &Access) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let names = names(&admin).await?;
    let mut groups = Vec::new();
    for (group, described) in admin
        .describe_consumer_groups(&names, Default::default())
        .await?
    {
        let described = described?;
        groups.push(json!({
            "group": group,
            "state": described.state,
            "type": described.group_type.to_string(),
            "members": described.members.len(),
        }));
    }
    groups.sort_by_key(Value::to_string);
    Ok(json!({ "groups": groups }))
}

/// Prints `{"offsets": [{"topic", "partition", "committed", "end", "lag"}]}` of the partitions that have a committed offset.
pub async fn offsets(access: &Access, Named { group }: Named) -> Result<Value, Failure> {
    let lags = access
        .admin()
        .await?
        .consumer_group_lag(group, Default::default())
        .await?;
    let mut offsets = Vec::new();
    for (partition, lag) in lags {
        let lag = lag?;
        offsets.push((
            (partition.topic.to_string(), partition.partition),
            json!({
                "topic": partition.topic.to_string(),
                "partition": partition.partition,
                "committed": lag.committed_offset,
                "end": lag.end_offset,
                "lag": lag.lag,
            }),
        ));
    }
    offsets.sort_by(|one, other| one.0.cmp(&other.0));
    let offsets: Vec<_> = offsets.into_iter().map(|(_, offset)| offset).collect();
    Ok(json!({ "offsets": offsets }))
}

/// Prints `{"committed": OFFSET}`.
pub async fn commit(access: &Access, commit: Commit) -> Result<Value, Failure> {
    let partition = TopicPartition::new(commit.topic, commit.partition);
    let answers = access
        .admin()
        .await?
        .alter_consumer_group_offsets(
            commit.group,
            [(partition, commit.offset)],
            Default::default(),
        )
        .await?;
    for answer in answers.into_values() {
        answer?;
    }
    Ok(json!({ "committed": commit.offset }))
}

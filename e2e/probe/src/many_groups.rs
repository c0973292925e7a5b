//! `probe commit-many`, `delete-groups`

use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use krafka::KrafkaError;
use krafka::admin::{AdminClient, TopicPartition};
use krafka::error::ErrorCode;
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;
use crate::groups::names;
use crate::many::Prefixed;

/// Requests under way at a time: there is one for each group.
const AT_ONCE: usize = 16;

#[derive(Args)]
pub struct Commit {
    /// Of the group ids; a number of five digits is put behind it.
    #[arg(long)]
    prefix: String,
    /// The number of the first group.
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// How many groups.
    #[arg(long)]
    count: usize,
    /// Of the topics' names; a number of five digits is put behind it.
    #[arg(long)]
    topic_prefix: String,
    /// How many groups read one topic: group N reads topic N divided by this.
    #[arg(long, default_value_t = 1)]
    readers: usize,
    /// The offset is committed in so many partitions of the topic.
    #[arg(long)]
    partitions: i32,
    #[arg(long, default_value_t = 0)]
    offset: i64,
}

/// Sets the committed offsets of groups without members, which are made thereby. Prints `{"committed": NUMBER}` of the groups.
pub async fn commit(access: &Access, commit: Commit) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let numbers = commit.first..commit.first + commit.count;
    stream::iter(numbers)
        .map(|number| commit_one(&admin, &commit, number))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(json!({ "committed": commit.count }))
}

async fn commit_one(admin: &AdminClient, commit: &Commit, number: usize) -> Result<(), Failure> {
    let topic = format!(
        "{}{:05}",
        commit.topic_prefix,
        number / commit.readers.max(1)
    );
    let offsets = (0..commit.partitions)
        .map(|partition| (TopicPartition::new(&topic, partition), commit.offset));
    let answers = admin
        .alter_consumer_group_offsets(
            format!("{}{number:05}", commit.prefix),
            offsets,
            Default::default(),
        )
        .await?;
    for answer in answers.into_values() {
        answer?;
    }
    Ok(())
}

/// Prints `{"deleted": NUMBER}`. A group that has members is refused.
pub async fn delete(access: &Access, groups: &Prefixed) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let names = groups.among(names(&admin).await?)?;
    for (_, answer) in admin
        .delete_consumer_groups(&names, Default::default())
        .await?
    {
        match answer {
            // Its last offset went with its topic meanwhile.
            Err(KrafkaError::Broker {
                code: ErrorCode::GroupIdNotFound,
                ..
            }) => {}
            answer => answer?,
        }
    }
    Ok(json!({ "deleted": names.len() }))
}

//! What an administrator does by hand: `probe reassignments`, `reassign`, `elect`, `alter-config`, `delete-topic`, `add-acl`,
//! `delete-acl`

use std::fmt::Display;

use clap::{Args, ValueEnum};
use millrace_operator::kafka::{
    Acl, AclOperation, AclPattern, AclResource, ConfigChange, KafkaAdmin, PerItem, Principal,
    Reassignment, TopicPartition,
};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;
use crate::topics::{Named, name_and_value};

#[derive(Args)]
pub struct Reassign {
    #[arg(long)]
    topic: String,
    /// PARTITION=BROKER,BROKER,... with the preferred leader first; once for each partition to move.
    #[arg(long = "move", required = true, value_parser = partition_and_brokers)]
    moves: Vec<(i32, Vec<i32>)>,
}

#[derive(Args)]
pub struct Elect {
    #[arg(long)]
    topic: String,
    #[arg(long, required = true)]
    partition: Vec<i32>,
}

#[derive(Args)]
pub struct AlterConfig {
    #[arg(long)]
    topic: String,
    /// NAME=VALUE
    #[arg(long, value_parser = name_and_value)]
    set: Vec<(String, String)>,
    /// NAME, to be given back to the brokers' default.
    #[arg(long)]
    reset: Vec<String>,
}

#[derive(Args)]
pub struct OneAcl {
    /// In Kafka's notation, such as `User:CN=somebody`.
    #[arg(long)]
    principal: String,
    #[arg(long, value_enum)]
    resource: Resource,
    #[arg(long)]
    name: String,
    #[arg(long, value_enum)]
    operation: Operation,
    /// Every name that begins with `--name`.
    #[arg(long)]
    prefixed: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Resource {
    Topic,
    Group,
    TransactionalId,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    Read,
    Write,
    Describe,
}

/// Prints `{"reassignments": [{"topic", "partition", "replicas", "adding", "removing"}]}`.
pub async fn reassignments(access: &Access) -> Result<Value, Failure> {
    let ongoing = access.operator_admin()?.list_reassignments().await?;
    let listed: Vec<_> = ongoing
        .into_iter()
        .map(|(at, ongoing)| {
            json!({
                "topic": &*at.topic,
                "partition": at.partition,
                "replicas": ongoing.replicas,
                "adding": ongoing.adding,
                "removing": ongoing.removing,
            })
        })
        .collect();
    Ok(json!({ "reassignments": listed }))
}

/// Prints `{"moving": N}`: so many partitions were told to move.
pub async fn reassign(
    access: &Access,
    Reassign { topic, moves }: Reassign,
) -> Result<Value, Failure> {
    let moves: Vec<_> = moves
        .into_iter()
        .map(|(partition, replicas)| Reassignment {
            partition: TopicPartition {
                topic: topic.as_str().into(),
                partition,
            },
            replicas,
        })
        .collect();
    all(access.operator_admin()?.alter_reassignments(&moves).await?)?;
    Ok(json!({ "moving": moves.len() }))
}

/// Prints `{"elected": N}`.
pub async fn elect(access: &Access, Elect { topic, partition }: Elect) -> Result<Value, Failure> {
    let partitions = partition
        .into_iter()
        .map(|partition| TopicPartition {
            topic: topic.as_str().into(),
            partition,
        })
        .collect();
    let elected = access
        .operator_admin()?
        .elect_preferred_leaders(&partitions)
        .await?;
    all(elected)?;
    Ok(json!({ "elected": partitions.len() }))
}

/// Prints `{"altered": TOPIC}`.
pub async fn alter_config(access: &Access, arguments: AlterConfig) -> Result<Value, Failure> {
    let change = ConfigChange {
        topic: arguments.topic.clone(),
        set: arguments.set.into_iter().collect(),
        reset: arguments.reset.into_iter().collect(),
    };
    all(access
        .operator_admin()?
        .alter_topic_configs(&[change])
        .await?)?;
    Ok(json!({ "altered": arguments.topic }))
}

/// Prints `{"deleted": TOPIC}`.
pub async fn delete_topic(access: &Access, Named { topic }: Named) -> Result<Value, Failure> {
    let deleted = access
        .operator_admin()?
        .delete_topics(&[topic.clone()].into())
        .await?;
    all(deleted)?;
    Ok(json!({ "deleted": topic }))
}

/// Prints `{"allowed": PRINCIPAL}`.
pub async fn add_acl(access: &Access, acl: OneAcl) -> Result<Value, Failure> {
    access
        .operator_admin()?
        .create_acls(&[acl.acl()].into())
        .await?;
    Ok(json!({ "allowed": acl.principal }))
}

/// Prints `{"no longer allowed": PRINCIPAL}`.
pub async fn delete_acl(access: &Access, acl: OneAcl) -> Result<Value, Failure> {
    access
        .operator_admin()?
        .delete_acls(&[acl.acl()].into())
        .await?;
    Ok(json!({ "no longer allowed": acl.principal }))
}

impl OneAcl {
    fn acl(&self) -> Acl {
        Acl {
            principal: Principal::parse(&self.principal),
            resource: match self.resource {
                Resource::Topic => AclResource::Topic,
                Resource::Group => AclResource::Group,
                Resource::TransactionalId => AclResource::TransactionalId,
            },
            pattern: match self.prefixed {
                true => AclPattern::Prefixed,
                false => AclPattern::Literal,
            },
            name: self.name.clone(),
            operation: match self.operation {
                Operation::Read => AclOperation::Read,
                Operation::Write => AclOperation::Write,
                Operation::Describe => AclOperation::Describe,
            },
        }
    }
}

/// The first refusal of an item, if there is one.
pub fn all<K: Ord>(answers: PerItem<K, ()>) -> Result<(), Failure> {
    answers
        .into_values()
        .collect::<Result<Vec<()>, _>>()
        .map(drop)
        .map_err(Failure::from)
}

fn partition_and_brokers(text: &str) -> Result<(i32, Vec<i32>), String> {
    let wrong = |error: &dyn Display| format!("write PARTITION=BROKER,BROKER: {error}");
    let (partition, brokers) = text
        .split_once('=')
        .ok_or_else(|| wrong(&"there is no ="))?;
    let brokers: Result<Vec<i32>, _> = brokers.split(',').map(str::parse).collect();
    Ok((
        partition.parse().map_err(|error| wrong(&error))?,
        brokers.map_err(|error| wrong(&error))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_read_as_it_is_written() {
        assert_eq!(partition_and_brokers("3=2,0").unwrap(), (3, vec![2, 0]));
        for wrong in ["3", "3=", "x=1", "3=1,x"] {
            let words = partition_and_brokers(wrong).unwrap_err();
            assert!(words.contains("PARTITION=BROKER"), "{wrong}: {words}");
        }
    }
}

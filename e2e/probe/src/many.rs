//! `probe create-many`, `delete-many`, `count-topics`

use std::time::Instant;

use clap::Args;
use krafka::KrafkaError;
use krafka::admin::{
    AdminClient, CreateTopicsOptions, DeleteTopicsOptions, ListTopicsOptions, NewTopic,
};
use krafka::error::ErrorCode;
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Topics of one request.
const AT_ONCE: usize = 1_000;

#[derive(Args)]
pub struct Create {
    /// A number of five digits is put behind it.
    #[arg(long)]
    prefix: String,
    #[arg(long)]
    count: usize,
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    #[arg(long, default_value_t = 1)]
    replicas: i16,
}

#[derive(Args)]
pub struct Prefixed {
    #[arg(long)]
    prefix: String,
}

/// Prints `{"created": NUMBER, "seconds": SECONDS}`.
pub async fn create(access: &Access, create: Create) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let topics = (0..create.count)
        .map(|n| {
            NewTopic::new(
                format!("{}{n:05}", create.prefix),
                create.partitions,
                create.replicas,
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    let started = Instant::now();
    for some in topics.chunks(AT_ONCE) {
        let answers = admin
            .create_topics(some.to_vec(), CreateTopicsOptions::default())
            .await?;
        for (_, answer) in answers {
            answer?;
        }
    }
    Ok(json!({ "created": create.count, "seconds": started.elapsed().as_secs_f64() }))
}

/// Prints `{"deleted": NUMBER, "seconds": SECONDS}`.
pub async fn delete(access: &Access, topics: &Prefixed) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let names = names(&admin, topics).await?;
    let started = Instant::now();
    for some in names.chunks(AT_ONCE) {
        let answers = admin
            .delete_topics(some, DeleteTopicsOptions::default())
            .await?;
        for (_, answer) in answers {
            match answer {
                // Somebody else was faster.
                Err(KrafkaError::Broker {
                    code: ErrorCode::UnknownTopicOrPartition,
                    ..
                }) => {}
                answer => answer?,
            }
        }
    }
    Ok(json!({ "deleted": names.len(), "seconds": started.elapsed().as_secs_f64() }))
}

/// Prints `{"count": NUMBER}`.
pub async fn count(access: &Access, topics: &Prefixed) -> Result<Value, Failure> {
    let names = names(&access.admin().await?, topics).await?;
    Ok(json!({ "count": names.len() }))
}

async fn names(admin: &AdminClient, topics: &Prefixed) -> Result<Vec<String>, Failure> {
    topics.among(admin.list_topics(ListTopicsOptions::default()).await?)
}

impl Prefixed {
    /// Those of `names` that begin so. An empty prefix, which would be all of them, is refused.
    pub fn among(&self, mut names: Vec<String>) -> Result<Vec<String>, Failure> {
        if self.prefix.is_empty() {
            return Err(Failure::local("give a prefix that is not empty"));
        }
        names.retain(|name| name.starts_with(&self.prefix));
        Ok(names)
    }
}

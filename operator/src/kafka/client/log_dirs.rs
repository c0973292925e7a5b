use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use krafka::{
    KrafkaError,
    admin::{AdminClient, DescribeLogDirsOptions, LogDirDescription},
};

use super::{failure, names};
use crate::kafka::{BrokerId, KafkaError, PerItem, TopicPartition};

/// A broker that has just gone must not hold the others up.
const TIMEOUT: Duration = Duration::from_secs(5);

type Directories = HashMap<String, Result<LogDirDescription, KrafkaError>>;

/// What each broker holds (DescribeLogDirs, KIP-113): only the broker itself knows, so each is asked.
pub(super) async fn describe(
    client: &AdminClient,
    brokers: &BTreeSet<BrokerId>,
) -> Result<PerItem<BrokerId, BTreeMap<TopicPartition, u64>>, KafkaError> {
    let options = DescribeLogDirsOptions::default().timeout(TIMEOUT);
    let described = client
        .describe_log_dirs(brokers.iter().copied(), options)
        .await
        .map_err(failure::of)?;
    let described = described
        .into_iter()
        .map(|(broker, directories)| (broker, directories.and_then(sizes)));
    failure::per_item(described.collect(), |broker| broker, |sizes| sizes)
}

/// The replicas of all directories that can be read. Where none can, that is the answer.
fn sizes(directories: Directories) -> Result<BTreeMap<TopicPartition, u64>, KrafkaError> {
    let (read, unread): (Vec<_>, Vec<_>) = directories.into_values().partition(Result::is_ok);
    if read.is_empty()
        && let Some(Err(error)) = unread.into_iter().next()
    {
        return Err(error);
    }
    let replicas = read.into_iter().flatten().flat_map(|dir| dir.replicas);
    // A future replica is a second copy on the same broker, on its way to another directory.
    let present = replicas.filter(|(_, replica)| !replica.is_future);
    Ok(present
        .map(|(partition, replica)| {
            let bytes = u64::try_from(replica.size).unwrap_or_default();
            (names::ours(partition), bytes)
        })
        .collect())
}

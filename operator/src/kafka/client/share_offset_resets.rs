use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use krafka::admin::{
    AdminClient, ConfigEntry, ConfigOp, ConfigResource, DescribeConfigsOptions,
    IncrementalAlterConfigsOptions,
};

use super::failure;
use crate::kafka::{KafkaError, PerItem};

/// The key in a group's configuration (KIP-932).
const KEY: &str = "share.auto.offset.reset";
/// What is scaled waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What it is for each group (DescribeConfigs); what is set on none is a default.
pub(super) async fn describe(
    client: &AdminClient,
    groups: &BTreeSet<String>,
) -> Result<PerItem<String, String>, KafkaError> {
    let resources = groups.iter().map(ConfigResource::group);
    let options = DescribeConfigsOptions::default().timeout(TIMEOUT);
    let described = client
        .describe_configs(resources, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(described, |resource| resource.name, value)
}

/// Sets it (IncrementalAlterConfigs, KIP-339).
pub(super) async fn alter(
    client: &AdminClient,
    resets: &BTreeMap<String, String>,
) -> Result<PerItem<String, ()>, KafkaError> {
    let operations = resets.iter().map(|(group, value)| {
        let set = vec![ConfigOp::set(KEY, value)];
        (ConfigResource::group(group), set)
    });
    let options = IncrementalAlterConfigsOptions::default().timeout(TIMEOUT);
    let altered = client
        .incremental_alter_configs(operations, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(altered, |resource| resource.name, |()| ())
}

/// Nothing where the brokers know no share groups.
fn value(entries: Vec<ConfigEntry>) -> String {
    let mut found = entries.into_iter().filter(|entry| entry.name == KEY);
    found
        .next()
        .and_then(|entry| entry.value)
        .unwrap_or_default()
}

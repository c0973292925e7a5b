use std::collections::{BTreeMap, BTreeSet};

use krafka::admin::{AdminClient, ConfigEntry, ConfigOp, ConfigResource};

use super::failure;
use crate::kafka::{KafkaError, PerItem};

/// The key in a group's configuration (KIP-932).
const KEY: &str = "share.auto.offset.reset";

/// What it is for each group (DescribeConfigs); what is set on none is a default.
pub(super) async fn describe(
    client: &AdminClient,
    groups: &BTreeSet<String>,
) -> Result<PerItem<String, String>, KafkaError> {
    let resources = groups.iter().map(ConfigResource::group);
    let described = client
        .describe_configs(resources, Default::default())
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
    let altered = client
        .incremental_alter_configs(operations, Default::default())
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

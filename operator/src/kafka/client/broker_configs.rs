use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use krafka::admin::{
    AdminClient, ConfigEntry, ConfigOp, ConfigResource, DescribeConfigsOptions,
    IncrementalAlterConfigsOptions,
};

use super::failure;
use crate::kafka::{BrokerConfigChange, BrokerId, KafkaError, PerItem};

/// `DYNAMIC_BROKER_CONFIG`, where a configuration set on one broker at run time comes from (DescribeConfigs, KIP-226).
const SET_ON_THE_BROKER: i8 = 2;
/// A broker that has just gone must not hold the others up.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is set on each broker. A broker describes no other one, so each is asked.
pub(super) async fn describe(
    client: &AdminClient,
    brokers: &BTreeSet<BrokerId>,
) -> Result<PerItem<BrokerId, BTreeMap<String, String>>, KafkaError> {
    let resources = brokers.iter().copied().map(ConfigResource::broker);
    let options = DescribeConfigsOptions::default().timeout(TIMEOUT);
    let described = client
        .describe_configs(resources, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(by_broker(brokers, described), |broker| broker, dynamic)
}

/// Changes what is set on brokers (IncrementalAlterConfigs, KIP-339). A broker takes changes of itself only.
pub(super) async fn alter(
    client: &AdminClient,
    changes: &[BrokerConfigChange],
) -> Result<PerItem<BrokerId, ()>, KafkaError> {
    let brokers: BTreeSet<BrokerId> = changes.iter().map(|change| change.broker).collect();
    if brokers.len() < changes.len() {
        return Err(failure::named_twice("a broker"));
    }
    let operations = changes.iter().map(|change| {
        let set = change
            .set
            .iter()
            .map(|(key, value)| ConfigOp::set(key, value));
        let reset = change.reset.iter().map(ConfigOp::delete);
        (
            ConfigResource::broker(change.broker),
            set.chain(reset).collect(),
        )
    });
    let options = IncrementalAlterConfigsOptions::default().timeout(TIMEOUT);
    let altered = client
        .incremental_alter_configs(operations, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(by_broker(&brokers, altered), |broker| broker, |()| ())
}

fn by_broker<T>(
    brokers: &BTreeSet<BrokerId>,
    mut answers: HashMap<ConfigResource, T>,
) -> HashMap<BrokerId, T> {
    let answer = |broker: &BrokerId| {
        let answer = answers.remove(&ConfigResource::broker(*broker))?;
        Some((*broker, answer))
    };
    brokers.iter().filter_map(answer).collect()
}

fn dynamic(entries: Vec<ConfigEntry>) -> BTreeMap<String, String> {
    entries
        .into_iter()
        .filter(|entry| entry.config_source == SET_ON_THE_BROKER)
        .map(|entry| (entry.name, entry.value.unwrap_or_default()))
        .collect()
}

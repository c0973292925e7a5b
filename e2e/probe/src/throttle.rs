//! `probe broker-configs`, `set-throttle`, `clear-throttle`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use krafka::admin::ConfigResource;
use millrace_operator::kafka::{BrokerConfigChange, ConfigChange, KafkaAdmin, KrafkaAdmin};
use serde_json::{Value, json};

use crate::by_hand::all;
use crate::connection::Access;
use crate::failure::Failure;
use crate::topics::{Named, the_only};

/// `DYNAMIC_BROKER_CONFIG` of DescribeConfigs: set on the broker itself at run time.
const SET_ON_THE_BROKER: i8 = 2;
/// Bytes a second a broker may send and receive for throttled replicas (KIP-73).
const RATES: [&str; 2] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
];
/// The replicas of a topic that are throttled; `*` for all (KIP-73).
const REPLICAS: [&str; 2] = [
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
];

#[derive(Args)]
pub struct Set {
    #[arg(long)]
    topic: String,
    /// Bytes a second, of each broker.
    #[arg(long)]
    rate: u64,
}

/// Prints `{"brokers": {BROKER: {NAME: VALUE}}}`.
pub async fn broker_configs(access: &Access) -> Result<Value, Failure> {
    let admin = access.admin().await?;
    let mut brokers = BTreeMap::new();
    for broker in admin.describe_cluster(Default::default()).await?.brokers {
        let resource = ConfigResource::broker(broker.id);
        let mut described = admin
            .describe_configs([resource.clone()], Default::default())
            .await?;
        let config: BTreeMap<_, _> = the_only(&mut described, &resource)?
            .into_iter()
            .filter(|entry| entry.config_source == SET_ON_THE_BROKER)
            .map(|entry| (entry.name, entry.value))
            .collect();
        brokers.insert(broker.id.to_string(), config);
    }
    Ok(json!({ "brokers": brokers }))
}

/// Prints `{"throttled": TOPIC}`: all its replicas are copied no faster, whoever moves them.
pub async fn set(access: &Access, Set { topic, rate }: Set) -> Result<Value, Failure> {
    let admin = access.operator_admin()?;
    let rates = RATES.map(|key| (key.to_owned(), rate.to_string()));
    let replicas = REPLICAS.map(|key| (key.to_owned(), "*".to_owned()));
    brokers(&admin, &rates.into(), &BTreeSet::new()).await?;
    let change = ConfigChange {
        topic: topic.clone(),
        set: replicas.into(),
        reset: BTreeSet::new(),
    };
    all(admin.alter_topic_configs(&[change]).await?)?;
    Ok(json!({ "throttled": topic }))
}

/// Prints `{"no longer throttled": TOPIC}`.
pub async fn clear(access: &Access, Named { topic }: Named) -> Result<Value, Failure> {
    let admin = access.operator_admin()?;
    brokers(&admin, &BTreeMap::new(), &RATES.map(str::to_owned).into()).await?;
    let change = ConfigChange {
        topic: topic.clone(),
        set: BTreeMap::new(),
        reset: REPLICAS.map(str::to_owned).into(),
    };
    all(admin.alter_topic_configs(&[change]).await?)?;
    Ok(json!({ "no longer throttled": topic }))
}

async fn brokers(
    admin: &KrafkaAdmin,
    set: &BTreeMap<String, String>,
    reset: &BTreeSet<String>,
) -> Result<(), Failure> {
    let changes: Vec<_> = admin
        .describe_cluster()
        .await?
        .brokers
        .into_keys()
        .map(|broker| BrokerConfigChange {
            broker,
            set: set.clone(),
            reset: reset.clone(),
        })
        .collect();
    all(admin.alter_broker_configs(&changes).await?)
}

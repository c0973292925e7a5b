use std::collections::BTreeMap;

/// Keys of a broker that are fixed when it starts; a sample (`DynamicBrokerConfig` of Kafka 4.3 knows which are not).
const FIXED: [&str; 6] = [
    "broker.rack",
    "controller.quorum.voters",
    "log.dirs",
    "node.id",
    "num.partitions",
    "process.roles",
];
/// Rates in bytes a second, at least 0 (`QuotaConfig` of Kafka 4.3).
const RATES: [&str; 3] = [
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// Why a broker refuses to have this set on it; None if it does not.
pub(super) fn refusal(config: &BTreeMap<String, String>) -> Option<String> {
    config.iter().find_map(|(key, value)| {
        if FIXED.contains(&key.as_str()) {
            return Some(format!("Cannot update these configs dynamically: {key}"));
        }
        let is_rate = |value: &str| value.trim().parse::<i64>().is_ok_and(|rate| rate >= 0);
        (RATES.contains(&key.as_str()) && !is_rate(value))
            .then(|| format!("Invalid value {value} for configuration {key}"))
    })
}

//! What each ServiceAccount may use of a broker: the cluster's quotas divided by its brokers.

use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::{KafkaCluster, Quota};

use crate::{
    kafka::{Acl, BrokerQuota, Principal},
    resolve::{self, Facts},
    world::ClusterKey,
};

/// The quotas of all ServiceAccounts that have `acls` on the cluster, and of those that `spec.quotas` names. What is written for
/// one ServiceAccount replaces what is written for its namespace. See docs/design/0009-quotas.md.
pub fn of(
    cluster: &KafkaCluster,
    key: &ClusterKey,
    acls: &BTreeSet<Acl>,
    facts: &dyn Facts,
) -> BTreeMap<Principal, BrokerQuota> {
    let mut by_namespace: BTreeMap<&str, Quota> = BTreeMap::new();
    let granted: BTreeSet<&Principal> = acls.iter().map(|acl| &acl.principal).collect();
    let mut quotas = BTreeMap::new();
    for principal in granted {
        let Some(namespace) = principal.namespace() else {
            continue;
        };
        let quota = by_namespace
            .entry(namespace)
            .or_insert_with(|| resolve::namespace_quota(key, namespace, facts));
        quotas.insert(principal.clone(), *quota);
    }
    for written in &cluster.spec.quotas {
        let account = Principal::service_account(&written.namespace, &written.service_account_name);
        quotas.insert(account, written.quota);
    }
    quotas
        .into_iter()
        .map(|(principal, quota)| (principal, per_broker(quota, cluster.spec.combined.nodes)))
        .filter(|(_, quota)| !quota.is_empty())
        .collect()
}

/// One broker's part. Kafka takes byte rates as whole numbers: they are rounded down, so that all brokers together never allow more
/// than is written, but to 1 at least, since 0 would stop the client.
fn per_broker(quota: Quota, brokers: i32) -> BrokerQuota {
    let brokers = brokers.max(1);
    let rate = |bytes: i64| (bytes / i64::from(brokers)).max(1) as f64;
    BrokerQuota {
        producer_byte_rate: quota.producer_byte_rate.map(rate),
        consumer_byte_rate: quota.consumer_byte_rate.map(rate),
        request_percentage: quota
            .request_percentage
            .map(|percent| f64::from(percent) / f64::from(brokers)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_brokers_together_allow_what_is_written_and_no_more(
            bytes in 1_i64..1 << 50,
            percent in 1_i32..1_000_000,
            brokers in 1_i32..100,
        ) {
            let quota = Quota {
                producer_byte_rate: Some(bytes),
                consumer_byte_rate: None,
                request_percentage: Some(percent),
            };
            let part = per_broker(quota, brokers);
            let rate = part.producer_byte_rate.unwrap_or_default();
            prop_assert!(rate >= 1.0 && rate.fract() == 0.0);
            let whole = rate * f64::from(brokers);
            prop_assert!(bytes < i64::from(brokers) || whole <= bytes as f64);
            prop_assert!(whole > (bytes - i64::from(brokers)) as f64);
            prop_assert_eq!(part.consumer_byte_rate, None);
            let share = part.request_percentage.unwrap_or_default() * f64::from(brokers);
            prop_assert!((share - f64::from(percent)).abs() < 1e-6);
        }
    }
}

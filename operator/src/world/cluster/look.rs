use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::try_join;

use crate::{
    kafka::{
        Acl, BrokerId, BrokerQuota, KafkaAdmin, KafkaError, ObservedTopic, OngoingReassignment,
        PerItem, Principal, TopicPartition,
    },
    world::View,
};

/// What was looked at again. What is absent was not.
#[derive(Default)]
pub(super) struct Found {
    /// Topics, of those that were looked at; one of them that is absent is gone.
    pub(super) topics: BTreeMap<String, ObservedTopic>,
    pub(super) acls: Option<BTreeSet<Acl>>,
    pub(super) reassignments: Option<BTreeMap<TopicPartition, OngoingReassignment>>,
    pub(super) quotas: Option<BTreeMap<Principal, BrokerQuota>>,
    /// Of the brokers that were looked at.
    pub(super) broker_configs: BrokerConfigs,
}

/// What is set on brokers, or why one did not say.
pub(super) type BrokerConfigs = PerItem<BrokerId, BTreeMap<String, String>>;

/// Looks at the whole cluster. What is as it was `before` is shared with it.
pub(super) async fn whole(
    admin: &dyn KafkaAdmin,
    before: Option<&View>,
) -> Result<View, KafkaError> {
    // The moves come before the topics: one that ends in between is still shown as under way, not as replicas too many.
    let (cluster, reassignments) = try_join!(admin.describe_cluster(), admin.list_reassignments())?;
    let brokers = cluster.brokers.keys().copied().collect();
    let (topics, acls, quotas, configs) = try_join!(
        admin.describe_topics(None),
        admin.describe_acls(),
        admin.describe_quotas(),
        admin.describe_broker_configs(&brokers),
    )?;
    let topics = topics
        .into_iter()
        .map(|(name, topic)| {
            let known = before.and_then(|view| view.topics.get(&name));
            (name, shared(known, topic))
        })
        .collect();
    Ok(View {
        cluster,
        topics,
        acls: shared(before.map(|view| &view.acls), acls),
        reassignments: shared(before.map(|view| &view.reassignments), reassignments),
        quotas: shared(before.map(|view| &view.quotas), quotas),
        broker_configs: known_configs(before.map(|view| &view.broker_configs), configs),
    })
}

/// The view `before`, with the `touched` topics and all else as it was `found` since.
pub(super) fn updated(before: &View, touched: &BTreeSet<String>, mut found: Found) -> View {
    let mut view = before.clone();
    for name in touched {
        let known = view.topics.remove(name);
        if let Some(topic) = found.topics.remove(name) {
            view.topics
                .insert(name.clone(), shared(known.as_ref(), topic));
        }
    }
    if let Some(acls) = found.acls {
        view.acls = shared(Some(&before.acls), acls);
    }
    if let Some(reassignments) = found.reassignments {
        view.reassignments = shared(Some(&before.reassignments), reassignments);
    }
    if let Some(quotas) = found.quotas {
        view.quotas = shared(Some(&before.quotas), quotas);
    }
    if !found.broker_configs.is_empty() {
        view.broker_configs = known_configs(Some(&before.broker_configs), found.broker_configs);
    }
    view
}

type KnownConfigs = Arc<BTreeMap<BrokerId, BTreeMap<String, String>>>;

/// What was known, with what the brokers that answered say.
fn known_configs(known: Option<&KnownConfigs>, found: BrokerConfigs) -> KnownConfigs {
    let mut configs = known.map(|known| (**known).clone()).unwrap_or_default();
    let answered = found
        .into_iter()
        .filter_map(|(broker, config)| Some((broker, config.ok()?)));
    configs.extend(answered);
    shared(known, configs)
}

fn shared<T: PartialEq>(known: Option<&Arc<T>>, found: T) -> Arc<T> {
    match known {
        Some(known) if **known == found => known.clone(),
        _ => Arc::new(found),
    }
}

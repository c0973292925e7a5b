use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{join, try_join};

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
    let (cluster, reassignments) = join!(admin.describe_cluster(), admin.list_reassignments());
    let cluster = cluster?;
    let reassignments = match (before, reassignments) {
        // The controllers alone know of them. While they choose a leader, everything else can be seen.
        (Some(before), Err(KafkaError::Unreachable(_))) => before.reassignments.clone(),
        (before, found) => shared(before.map(|view| &view.reassignments), found?),
    };
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
        reassignments,
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

/// What batches have shown since a look began. It is newer than what the look found.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Topics that were looked at since, whether they are there or not.
    pub(super) topics: BTreeSet<String>,
    acls: bool,
    reassignments: bool,
    quotas: bool,
    broker_configs: bool,
    /// Whether the cluster gave no answer since.
    pub(super) lost: bool,
}

impl Since {
    /// Notes what was looked at beside topics.
    pub(super) fn note(&mut self, found: &Found) {
        self.acls |= found.acls.is_some();
        self.reassignments |= found.reassignments.is_some();
        self.quotas |= found.quotas.is_some();
        self.broker_configs |= !found.broker_configs.is_empty();
    }
}

/// What a look found, with all that was `shown` since it began.
pub(super) fn merged(mut found: View, shown: Option<&View>, since: &Since) -> View {
    let Some(shown) = shown else {
        return found;
    };
    for name in &since.topics {
        match shown.topics.get(name) {
            Some(topic) => found.topics.insert(name.clone(), topic.clone()),
            None => found.topics.remove(name),
        };
    }
    if since.acls {
        found.acls = shown.acls.clone();
    }
    if since.reassignments {
        found.reassignments = shown.reassignments.clone();
    }
    if since.quotas {
        found.quotas = shown.quotas.clone();
    }
    if since.broker_configs {
        found.broker_configs = shown.broker_configs.clone();
    }
    found
}

fn shared<T: PartialEq>(known: Option<&Arc<T>>, found: T) -> Arc<T> {
    match known {
        Some(known) if **known == found => known.clone(),
        _ => Arc::new(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(id: &str) -> Arc<ObservedTopic> {
        Arc::new(ObservedTopic {
            id: id.to_owned(),
            ..ObservedTopic::default()
        })
    }

    fn view<'a>(topics: impl IntoIterator<Item = (&'a str, &'a str)>) -> View {
        let topics = topics.into_iter();
        View {
            topics: topics
                .map(|(name, id)| (name.to_owned(), topic(id)))
                .collect(),
            ..View::default()
        }
    }

    #[test]
    fn a_look_does_not_undo_what_was_shown_since_it_began() {
        let found = view([("deleted", "1"), ("changed", "2"), ("other", "4")]);
        let shown = view([("created", "5"), ("changed", "3"), ("other", "0")]);
        let since = Since {
            topics: ["created", "changed", "deleted"].map(str::to_owned).into(),
            ..Since::default()
        };
        let expected = view([("created", "5"), ("changed", "3"), ("other", "4")]);
        assert_eq!(merged(found.clone(), Some(&shown), &since), expected);
        assert_eq!(
            merged(found.clone(), Some(&shown), &Since::default()),
            found
        );
        assert_eq!(merged(found.clone(), None, &since), found);
    }
}

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::try_join;

use crate::{
    kafka::{Acl, KafkaAdmin, KafkaError, ObservedTopic},
    world::View,
};

/// Looks at the whole cluster. What is as it was `before` is shared with it.
pub(super) async fn whole(
    admin: &dyn KafkaAdmin,
    before: Option<&View>,
) -> Result<View, KafkaError> {
    let cluster = admin.describe_cluster().await?;
    let (topics, acls) = try_join!(admin.describe_topics(None), admin.describe_acls())?;
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
        ..View::default()
    })
}

/// The view `before`, with the `touched` topics as they were `found` since (absent: gone), and the ACLs if they were looked at.
pub(super) fn updated(
    before: &View,
    touched: &BTreeSet<String>,
    mut found: BTreeMap<String, ObservedTopic>,
    acls: Option<BTreeSet<Acl>>,
) -> View {
    let mut view = before.clone();
    for name in touched {
        let known = view.topics.remove(name);
        if let Some(topic) = found.remove(name) {
            view.topics
                .insert(name.clone(), shared(known.as_ref(), topic));
        }
    }
    if let Some(acls) = acls {
        view.acls = shared(Some(&before.acls), acls);
    }
    view
}

fn shared<T: PartialEq>(known: Option<&Arc<T>>, found: T) -> Arc<T> {
    match known {
        Some(known) if **known == found => known.clone(),
        _ => Arc::new(found),
    }
}

use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::{DeletionPolicy, Dlq, DlqReader, LayoutPolicy, ManagementPolicy};

use super::{
    Claimant, Facts, Name, Rejection, ResolvedTopic, Share, TopicName,
    consumer_group::reads,
    grant::granted,
    holder::holds,
    limit::room,
    topic::{config, positive, topic_name},
};
use crate::{kafka::Principal, world::ClusterKey};

/// Fourteen days in milliseconds: how long dead letters are kept where `retention.ms` is not written.
const RETENTION_MS: &str = "1209600000";

/// What a DLQ asks for, if it may: its dead-letter topic, and its readers' access.
///
/// # Errors
/// A [`Rejection`] when the namespace may not use the cluster or the name, or another resource holds the name.
pub fn dlq(dlq: &Dlq, facts: &dyn Facts) -> Result<ResolvedTopic, Rejection> {
    let namespace = dlq.namespace().unwrap_or_default();
    let spec = &dlq.spec;
    let me = Claimant::of(dlq);
    let cluster = ClusterKey::of(&spec.cluster_ref, &namespace);
    let text = topic_text(dlq);
    let name = topic_name(&me, &cluster, &text, facts)?;
    for reader in &spec.readers {
        reader_group(&me, reader, &cluster, facts)?;
    }
    let mut config: BTreeMap<_, _> = config(spec.config.as_ref());
    config
        .entry("retention.ms".to_owned())
        .or_insert_with(|| Some(RETENTION_MS.to_owned()));
    let grants = spec.readers.iter().flat_map(|reader| {
        let principal = Principal::service_account(&namespace, &reader.service_account_name);
        reads(&principal, std::slice::from_ref(&name), &reader.group_id)
    });
    let share = dlq_share(dlq).unwrap_or_default();
    let capped = room(&me, &cluster, &text, share, facts)?;
    Ok(ResolvedTopic {
        capped,
        grants: grants.collect(),
        cluster,
        partitions: positive(spec.partitions),
        replicas: spec.replicas.map(positive),
        layout: LayoutPolicy::Keep,
        config,
        adopt: spec.adopt,
        delete: spec.deletion_policy == DeletionPolicy::Delete,
        management: ManagementPolicy::Manage,
        name,
    })
}

/// What a DLQ has, and asks for, of its namespace's limits.
pub fn dlq_share(dlq: &Dlq) -> Option<Share> {
    let status = dlq.status.as_ref();
    Some(Share::of(
        positive(dlq.spec.partitions),
        status.and_then(|status| status.partitions).map(positive),
    ))
}

/// Name of the dead-letter topic as written.
pub(super) fn topic_text(dlq: &Dlq) -> String {
    dlq.spec
        .topic_name
        .clone()
        .unwrap_or_else(|| dlq.name_any())
}

/// The dead-letter topic of a DLQ that may have it.
pub(super) fn dlq_topic(dlq: &Dlq, facts: &dyn Facts) -> Result<TopicName, Rejection> {
    let namespace = dlq.namespace().unwrap_or_default();
    topic_name(
        &Claimant::of(dlq),
        &ClusterKey::of(&dlq.spec.cluster_ref, &namespace),
        &topic_text(dlq),
        facts,
    )
}

fn reader_group(
    me: &Claimant,
    reader: &DlqReader,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<(), Rejection> {
    granted(cluster, &me.namespace, facts)?.check(
        "group id",
        &reader.group_id,
        &me.namespace,
        cluster,
    )?;
    holds(
        me,
        cluster,
        "group id",
        &reader.group_id,
        &[Name::Group(reader.group_id.clone())],
        facts,
    )
}

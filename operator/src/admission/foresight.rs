//! What the operator would do in Kafka if a dry run were none, from what is known already.

use std::collections::BTreeSet;

use crate::{
    kafka::Acl,
    plan::{self, KafkaStep, Plan},
    resolve::{Rejection, ResolvedTopic},
    status::reasons,
    world::{ClusterKey, Clusters, View, ViewState},
};

/// The latest look at each Kafka cluster.
pub(super) trait Views: Send + Sync {
    /// What is known of the cluster; None for one that is not run.
    fn view(&self, cluster: &ClusterKey) -> Option<ViewState>;
}

impl Views for Clusters {
    fn view(&self, cluster: &ClusterKey) -> Option<ViewState> {
        self.get(cluster).map(|handle| handle.view())
    }
}

/// Why the steps cannot be told yet.
pub(super) fn unknown(rejection: &Rejection) -> String {
    format!("not known, {}: {}", rejection.reason, rejection.message)
}

/// A sentence for each thing that would be done in Kafka for `desired`, and for each that would not. `before` is what the
/// resource granted until now; `owned` says that it has managed the topic before.
pub(super) fn topic(
    desired: &ResolvedTopic,
    before: &BTreeSet<Acl>,
    owned: bool,
    views: &dyn Views,
) -> Vec<String> {
    let cluster = &desired.cluster;
    match views.view(cluster) {
        Some(ViewState::Reachable(view)) => on(&view, desired, before, owned),
        Some(ViewState::Unreachable { message }) => vec![unknown(&Rejection::unknown(
            reasons::KAFKA_UNREACHABLE,
            format!("KafkaCluster {cluster} does not answer ({message})"),
        ))],
        Some(ViewState::Pending) | None => vec![unknown(&Rejection::unknown(
            reasons::CLUSTER_NOT_READY,
            format!(
                "KafkaCluster {cluster} is not up yet, or another replica of the operator leads and looks at it"
            ),
        ))],
    }
}

fn on(view: &View, desired: &ResolvedTopic, before: &BTreeSet<Acl>, owned: bool) -> Vec<String> {
    let observed = view.topics.get(desired.name.as_str()).map(AsRef::as_ref);
    let mut plan = plan::topic(desired, observed, &view.cluster, owned);
    let foreign = plan
        .blocked
        .iter()
        .any(|blocked| blocked.reason == reasons::NOT_ADOPTED);
    if foreign {
        return plan::sentences(&plan);
    }
    let granted: BTreeSet<Acl> = desired.grants.difference(&view.acls).cloned().collect();
    if !granted.is_empty() {
        plan.steps.push(KafkaStep::CreateAcls(granted));
    }
    let mut sentences = plan::sentences(&plan);
    sentences.extend(withdrawn(view, desired, before));
    sentences
}

/// What the resource no longer asks for. Whether another one does is known only once all access is computed anew.
fn withdrawn(view: &View, desired: &ResolvedTopic, before: &BTreeSet<Acl>) -> Vec<String> {
    let dropped: BTreeSet<Acl> = before
        .difference(&desired.grants)
        .filter(|acl| view.acls.contains(acl))
        .cloned()
        .collect();
    let plan = Plan {
        steps: vec![KafkaStep::DeleteAcls(dropped)],
        blocked: Vec::new(),
    };
    let sentences = plan::sentences(&plan).into_iter();
    sentences
        .map(|sentence| format!("{sentence}, unless another resource asks for it"))
        .collect()
}

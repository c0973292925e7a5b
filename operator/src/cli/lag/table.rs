use kube::ResourceExt;
use millrace_crds::{ConsumerGroup, ConsumerGroupStatus};

use crate::cli::table::{UNKNOWN, empty, number, right, span, text, written};

/// A line for each group.
pub(super) fn overview(groups: &[ConsumerGroup], namespaces: bool) -> String {
    let header = [
        "NAME",
        "GROUP",
        "STATE",
        "MEMBERS",
        "LAG",
        "LATE",
        "IN/S",
        "OUT/S",
        "REPLICAS",
        "WITHIN OBJECTIVE",
    ];
    let mut table = empty(namespaces.then_some("NAMESPACE").into_iter().chain(header));
    for group in groups {
        let status = group.status.clone().unwrap_or_default();
        let lag = status.lag.as_ref();
        let cells = [
            text(Some(group.name_any())),
            text(status.group_id.clone()),
            text(status.state.clone()),
            number(status.members),
            number(lag.map(|lag| lag.records)),
            right(span(lag.and_then(|lag| lag.seconds))),
            number(lag.and_then(|lag| lag.arriving_per_second)),
            number(lag.and_then(|lag| lag.committed_per_second)),
            right(replicas(&status)),
            text(Some(verdict(&status, "WithinObjective"))),
        ];
        let namespace = namespaces.then(|| text(group.namespace()));
        table.add_row(namespace.into_iter().chain(cells));
    }
    written(&table)
}

/// All that is known of one group: what it says of itself, then the partitions that have lag.
pub(super) fn details(group: &ConsumerGroup) -> String {
    let status = group.status.clone().unwrap_or_default();
    let mut text = overview(std::slice::from_ref(group), false);
    text.push('\n');
    for condition in &status.conditions {
        text.push_str(&format!(
            "{}={} {}: {}\n",
            condition.type_, condition.status, condition.reason, condition.message
        ));
    }
    if let Some(scaling) = &status.scaling {
        let wanted = scaling.desired_replicas;
        text.push_str(&format!(
            "Autoscaler: {} replicas, {wanted} wanted: {}\n",
            scaling.replicas, scaling.reason
        ));
    }
    let partitions = partitions(&status);
    if !partitions.is_empty() {
        text.push('\n');
        text.push_str(&partitions);
    }
    text
}

fn partitions(status: &ConsumerGroupStatus) -> String {
    let topics = status.lag.iter().flat_map(|lag| &lag.topics);
    let rows: Vec<_> = topics
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(move |partition| (&topic.topic, partition))
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut table = empty(["TOPIC", "PARTITION", "LAG", "LATE"]);
    for (topic, partition) in rows {
        table.add_row([
            text(Some(topic.clone())),
            number(Some(partition.partition)),
            number(Some(partition.records)),
            right(span(partition.seconds)),
        ]);
    }
    written(&table)
}

/// `4`, or `4 → 6` where more or fewer are wanted.
fn replicas(status: &ConsumerGroupStatus) -> String {
    status.scaling.as_ref().map_or_else(
        || UNKNOWN.to_owned(),
        |scaling| match scaling.desired_replicas == scaling.replicas {
            true => scaling.replicas.to_string(),
            false => format!("{} → {}", scaling.replicas, scaling.desired_replicas),
        },
    )
}

/// The condition in a word: `yes`, `no`, or what keeps it from being known.
fn verdict(status: &ConsumerGroupStatus, kind: &str) -> String {
    let found = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind);
    found.map_or_else(
        || UNKNOWN.to_owned(),
        |condition| match condition.status.as_str() {
            "True" => "yes".to_owned(),
            "False" => "no".to_owned(),
            _ => format!("unknown ({})", condition.reason),
        },
    )
}

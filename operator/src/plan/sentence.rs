use std::{collections::BTreeSet, fmt::Display};

use super::{KafkaStep, Plan};
use crate::kafka::{
    Acl, AclOperation, AclPattern, AclResource, BrokerId, ConfigChange, NewTopic, Reassignment,
};

/// Partitions whose place is told; of the others only the number is.
const PLACES: usize = 4;

/// A plan in words: one sentence without a full stop for each thing that would be done, in the plan's order, and one that
/// begins with `not done` for each that would not. Empty where nothing is to be done and nothing stands in the way.
///
/// The status of an observed resource, the webhook's answer to a dry run and `kubectl millrace plan` say these same words.
pub fn sentences(plan: &Plan) -> Vec<String> {
    let done = plan.steps.iter().flat_map(step);
    let blocked = plan.blocked.iter();
    done.chain(blocked.map(|blocked| format!("not done, {}: {}", blocked.reason, blocked.message)))
        .collect()
}

fn step(step: &KafkaStep) -> Vec<String> {
    match step {
        KafkaStep::LookAt(_) => Vec::new(),
        KafkaStep::CreateTopic(topic) => vec![create(topic)],
        KafkaStep::DeleteTopic(topic) => {
            vec![format!("delete topic `{topic}` with all its records")]
        }
        KafkaStep::CreatePartitions(more) => {
            let added = more.assignment.len();
            let first = more.total.saturating_sub(added);
            vec![format!(
                "add {} to topic `{}`, {} in all ({})",
                count(added, "partition"),
                more.topic,
                more.total,
                places(first, &more.assignment)
            )]
        }
        KafkaStep::AlterConfig(change) => config(change),
        KafkaStep::CreateAcls(acls) => access("allow", acls),
        KafkaStep::DeleteAcls(acls) => access("no longer allow", acls),
        KafkaStep::Reassign(moves) => moves.iter().map(reassign).collect(),
        KafkaStep::ElectPreferred(partitions) => partitions
            .iter()
            .map(|p| {
                format!(
                    "make the first replica of partition {} of topic `{}` its leader",
                    p.partition, p.topic
                )
            })
            .collect(),
        KafkaStep::AlterBrokerConfig(_) | KafkaStep::AlterQuotas(_) => Vec::new(),
    }
}

fn reassign(to: &Reassignment) -> String {
    let brokers: Vec<String> = to.replicas.iter().map(ToString::to_string).collect();
    format!(
        "move partition {} of topic `{}` to the brokers {}",
        to.partition.partition,
        to.partition.topic,
        brokers.join(", ")
    )
}

fn create(topic: &NewTopic) -> String {
    let replicas = topic.assignment.first().map_or(0, Vec::len);
    let config: Vec<String> = topic
        .config
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let config = match config.is_empty() {
        true => String::new(),
        false => format!(", {}", config.join(", ")),
    };
    format!(
        "create topic `{}` with {} of {}{config} ({})",
        topic.name,
        count(topic.assignment.len(), "partition"),
        count(replicas, "replica"),
        places(0, &topic.assignment)
    )
}

fn config(change: &ConfigChange) -> Vec<String> {
    let topic = &change.topic;
    let set = change
        .set
        .iter()
        .map(|(key, value)| format!("set {key}={value} on topic `{topic}`"));
    let reset = change
        .reset
        .iter()
        .map(|key| format!("give {key} of topic `{topic}` back to the cluster's default"));
    set.chain(reset).collect()
}

/// One sentence for each principal and name, with all that is done to it.
fn access(verb: &str, acls: &BTreeSet<Acl>) -> Vec<String> {
    let of = |acl: &Acl| {
        (
            acl.principal.clone(),
            acl.resource,
            acl.pattern,
            acl.name.clone(),
        )
    };
    let targets: BTreeSet<_> = acls.iter().map(of).collect();
    targets
        .into_iter()
        .map(|target| {
            let operations = acls.iter().filter(|acl| of(acl) == target);
            let operations: Vec<String> = operations.map(|acl| operation(acl.operation)).collect();
            let (principal, resource, pattern, name) = target;
            let (operations, kind) = (operations.join(" and "), kind(resource));
            match pattern {
                AclPattern::Literal => {
                    format!("{verb} `{principal}` to {operations} {kind} `{name}`")
                }
                AclPattern::Prefixed => format!(
                    "{verb} `{principal}` to {operations} every {kind} that begins with `{name}`"
                ),
            }
        })
        .collect()
}

fn operation(operation: AclOperation) -> String {
    match operation {
        AclOperation::Read => "read".to_owned(),
        AclOperation::Write => "write".to_owned(),
        AclOperation::Create => "create".to_owned(),
        AclOperation::Delete => "delete".to_owned(),
        AclOperation::Describe => "describe".to_owned(),
        AclOperation::Other(code) => format!("do operation {code} on"),
    }
}

fn kind(resource: AclResource) -> String {
    match resource {
        AclResource::Topic => "topic".to_owned(),
        AclResource::Group => "group".to_owned(),
        AclResource::TransactionalId => "transactional id".to_owned(),
        AclResource::Other(code) => format!("resource type {code}"),
    }
}

fn places(first: usize, assignment: &[Vec<BrokerId>]) -> String {
    let shown = (first..).zip(assignment).take(PLACES);
    let mut parts: Vec<String> = shown
        .map(|(partition, brokers)| format!("{partition} on brokers {}", list(brokers)))
        .collect();
    let more = assignment.len().saturating_sub(PLACES);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    format!("partition {}", parts.join("; "))
}

fn list(items: &[impl Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        kafka::{NewPartitions, Principal},
        plan::Blocked,
        status::reasons,
    };

    fn acl(name: &str, pattern: AclPattern, operation: AclOperation) -> Acl {
        Acl {
            principal: Principal::service_account("shop", "checkout"),
            resource: AclResource::Topic,
            pattern,
            name: name.to_owned(),
            operation,
        }
    }

    #[test]
    fn every_step_and_every_obstacle_has_its_words() {
        let plan = Plan {
            steps: vec![
                KafkaStep::LookAt("orders".to_owned()),
                KafkaStep::CreateTopic(NewTopic {
                    name: "orders".to_owned(),
                    assignment: vec![vec![0, 1, 2], vec![1, 2, 0]],
                    config: [("retention.ms".to_owned(), "1000".to_owned())].into(),
                }),
                KafkaStep::CreatePartitions(NewPartitions {
                    topic: "orders".to_owned(),
                    total: 8,
                    assignment: vec![vec![0, 1]; 6],
                }),
                KafkaStep::AlterConfig(ConfigChange {
                    topic: "orders".to_owned(),
                    set: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
                    reset: ["segment.ms".to_owned()].into(),
                }),
                KafkaStep::DeleteAcls(
                    [acl("orders", AclPattern::Literal, AclOperation::Other(7))].into(),
                ),
                KafkaStep::CreateAcls(
                    [
                        acl("orders", AclPattern::Literal, AclOperation::Describe),
                        acl("orders", AclPattern::Literal, AclOperation::Write),
                        acl("orders.", AclPattern::Prefixed, AclOperation::Read),
                    ]
                    .into(),
                ),
                KafkaStep::DeleteTopic("old".to_owned()),
            ],
            blocked: vec![Blocked {
                reason: reasons::TOO_FEW_BROKERS,
                message: "3 replicas need as many brokers and 2 are up".to_owned(),
            }],
        };
        expect![[r#"
            create topic `orders` with 2 partitions of 3 replicas, retention.ms=1000 (partition 0 on brokers 0, 1, 2; 1 on brokers 1, 2, 0)
            add 6 partitions to topic `orders`, 8 in all (partition 2 on brokers 0, 1; 3 on brokers 0, 1; 4 on brokers 0, 1; 5 on brokers 0, 1; and 2 more)
            set cleanup.policy=compact on topic `orders`
            give segment.ms of topic `orders` back to the cluster's default
            no longer allow `User:system:serviceaccount:shop:checkout` to do operation 7 on topic `orders`
            allow `User:system:serviceaccount:shop:checkout` to write and describe topic `orders`
            allow `User:system:serviceaccount:shop:checkout` to read every topic that begins with `orders.`
            delete topic `old` with all its records
            not done, TooFewBrokers: 3 replicas need as many brokers and 2 are up
        "#]]
        .assert_eq(&(sentences(&plan).join("\n") + "\n"));
    }

    #[test]
    fn an_empty_plan_says_nothing() {
        assert!(sentences(&Plan::default()).is_empty());
    }
}

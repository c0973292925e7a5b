#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use millrace_crds::{LayoutPolicy, ManagementPolicy};

use super::{KafkaStep, access, topic};
use crate::{
    kafka::{
        Acl, AclOperation, AclPattern, AclResource, ObservedBroker, ObservedCluster,
        ObservedPartition, ObservedTopic, Principal,
    },
    resolve::{Capped, Rejection, ResolvedTopic, TopicName},
    status::reasons,
    world::ClusterKey,
};

fn three_brokers() -> ObservedCluster {
    let broker = |id, rack: &str| {
        (
            id,
            ObservedBroker {
                rack: Some(rack.to_owned()),
            },
        )
    };
    ObservedCluster {
        cluster_id: "id".into(),
        brokers: [broker(0, "a"), broker(1, "b"), broker(2, "c")].into(),
    }
}

fn desired(partitions: usize, config: &[(&str, Option<&str>)]) -> ResolvedTopic {
    ResolvedTopic {
        cluster: ClusterKey {
            namespace: "platform".into(),
            name: "events".into(),
        },
        name: TopicName::for_test("orders"),
        partitions,
        replicas: None,
        layout: LayoutPolicy::Keep,
        config: config
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.map(ToOwned::to_owned)))
            .collect(),
        adopt: false,
        delete: false,
        capped: None,
        management: ManagementPolicy::Manage,
        grants: BTreeSet::new(),
    }
}

fn observed(partitions: usize, config: &[(&str, &str)]) -> ObservedTopic {
    let partition = || ObservedPartition {
        leader: Some(0),
        replicas: vec![0, 1, 2],
        isr: vec![0, 1, 2],
    };
    ObservedTopic {
        id: "topic-id".into(),
        internal: false,
        partitions: std::iter::repeat_with(partition).take(partitions).collect(),
        config: config
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

#[test]
fn a_missing_topic_is_created_with_its_config_and_placement() {
    let plan = topic(
        &desired(2, &[("retention.ms", Some("1000")), ("left.alone", None)]),
        None,
        &three_brokers(),
        true,
    );
    expect![[r#"
        Plan {
            steps: [
                CreateTopic(
                    NewTopic {
                        name: "orders",
                        assignment: [
                            [
                                1,
                                2,
                                0,
                            ],
                            [
                                2,
                                1,
                                0,
                            ],
                        ],
                        config: {
                            "retention.ms": "1000",
                        },
                    },
                ),
            ],
            blocked: [],
        }
    "#]]
    .assert_debug_eq(&plan);
}

#[test]
fn what_is_as_desired_needs_no_step() {
    let plan = topic(
        &desired(2, &[("retention.ms", Some("1000"))]),
        Some(&observed(2, &[("retention.ms", "1000")])),
        &three_brokers(),
        true,
    );
    assert_eq!(plan, super::Plan::default());
}

#[test]
fn fewer_partitions_are_refused_and_the_rest_is_applied() {
    let plan = topic(
        &desired(1, &[("retention.ms", Some("5"))]),
        Some(&observed(3, &[])),
        &three_brokers(),
        true,
    );
    assert!(
        matches!(plan.steps.as_slice(), [KafkaStep::AlterConfig(change)] if change.set.contains_key("retention.ms"))
    );
    assert_eq!(plan.blocked[0].reason, reasons::PARTITIONS_CANNOT_SHRINK);
    assert!(
        plan.blocked[0].message.contains("has 3 partitions"),
        "{}",
        plan.blocked[0].message
    );
}

#[test]
fn a_key_that_is_not_written_goes_back_to_the_default_and_a_null_one_is_left_alone() {
    let plan = topic(
        &desired(1, &[("left.alone", None)]),
        Some(&observed(1, &[("left.alone", "7"), ("set.by.hand", "8")])),
        &three_brokers(),
        true,
    );
    assert!(
        matches!(plan.steps.as_slice(), [KafkaStep::AlterConfig(change)]
        if change.set.is_empty() && change.reset == BTreeSet::from(["set.by.hand".to_owned()]))
    );
}

#[test]
fn a_topic_somebody_else_made_is_left_alone_until_adopted() {
    let found = observed(3, &[]);
    let refused = topic(&desired(6, &[]), Some(&found), &three_brokers(), false);
    assert!(refused.steps.is_empty());
    assert_eq!(refused.blocked[0].reason, reasons::NOT_ADOPTED);
    let adopted = topic(
        &ResolvedTopic {
            adopt: true,
            ..desired(6, &[])
        },
        Some(&found),
        &three_brokers(),
        false,
    );
    assert!(
        matches!(adopted.steps.as_slice(), [KafkaStep::CreatePartitions(more)] if more.total == 6 && more.assignment.len() == 3)
    );
}

#[test]
fn more_replicas_than_brokers_wait() {
    let one = ObservedCluster {
        brokers: BTreeMap::from([
            (0, ObservedBroker::default()),
            (1, ObservedBroker::default()),
        ]),
        ..three_brokers()
    };
    let plan = topic(&desired(1, &[]), None, &one, true);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.blocked[0].reason, reasons::TOO_FEW_BROKERS);
}

#[test]
fn another_number_of_replicas_is_a_move_and_keeps_nothing_from_being_applied() {
    let wanted = ResolvedTopic {
        replicas: Some(2),
        ..desired(3, &[("retention.ms", Some("5"))])
    };
    let plan = topic(&wanted, Some(&observed(1, &[])), &three_brokers(), true);
    assert!(
        matches!(plan.steps.as_slice(), [KafkaStep::AlterConfig(_), KafkaStep::CreatePartitions(more)] if more.assignment.iter().all(|at| at.len() == 3))
    );
    assert_eq!(plan.blocked, []);
    let too_many = ResolvedTopic {
        replicas: Some(4),
        ..desired(1, &[("retention.ms", Some("5"))])
    };
    let plan = topic(&too_many, Some(&observed(1, &[])), &three_brokers(), true);
    assert!(matches!(plan.steps.as_slice(), [KafkaStep::AlterConfig(_)]));
    assert_eq!(plan.blocked[0].reason, reasons::TOO_FEW_BROKERS);
}

#[test]
fn lists_of_throttled_replicas_are_no_drift() {
    let throttled = observed(1, &[("leader.replication.throttled.replicas", "0:1")]);
    let plan = topic(&desired(1, &[]), Some(&throttled), &three_brokers(), true);
    assert_eq!(plan, super::Plan::default());
}

fn acl(principal: Principal, name: &str) -> Acl {
    Acl {
        principal,
        resource: AclResource::Topic,
        pattern: AclPattern::Literal,
        name: name.to_owned(),
        operation: AclOperation::Read,
    }
}

#[test]
fn service_accounts_acls_are_exact_and_others_untouched() {
    let account = |name| acl(Principal::service_account("team-a", "reader"), name);
    let foreign = acl(Principal::parse("User:CN=legacy"), "old");
    let desired = BTreeSet::from([account("wanted"), account("kept")]);
    let present = BTreeSet::from([account("kept"), account("extra"), foreign]);
    assert_eq!(
        access(&desired, &present),
        [
            KafkaStep::DeleteAcls(BTreeSet::from([account("extra")])),
            KafkaStep::CreateAcls(BTreeSet::from([account("wanted")]))
        ],
    );
    assert!(access(&desired, &desired).is_empty());
}

#[test]
fn partitions_over_the_limit_are_blocked_and_the_config_is_still_applied() {
    let capped = ResolvedTopic {
        capped: Some(Capped {
            partitions: 3,
            why: Rejection::no(reasons::LIMIT_EXCEEDED, "there is no room"),
        }),
        ..desired(6, &[("retention.ms", Some("1000"))])
    };
    let plan = topic(&capped, Some(&observed(3, &[])), &three_brokers(), true);
    let blocked: Vec<_> = plan.blocked.iter().map(|b| b.reason).collect();
    assert_eq!(blocked, [reasons::LIMIT_EXCEEDED]);
    assert!(
        matches!(plan.steps.as_slice(), [KafkaStep::AlterConfig(_)]),
        "{:?}",
        plan.steps
    );

    let plan = topic(&capped, None, &three_brokers(), true);
    assert!(
        matches!(plan.steps.as_slice(), [KafkaStep::CreateTopic(new)] if new.assignment.len() == 3),
        "a topic that was deleted by hand comes back as it was: {:?}",
        plan.steps
    );
    assert_eq!(plan.blocked.len(), 1);
}

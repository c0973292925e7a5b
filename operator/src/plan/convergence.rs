#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Applying a plan and planning again gives nothing, whatever people and other programs did in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use millrace_crds::{LayoutPolicy, ManagementPolicy};
use proptest::prelude::*;

use super::{access, topic};
use crate::{
    kafka::{
        Acl, AclOperation, AclPattern, AclResource, ConfigChange, Credentials, FakeKafka, Principal,
    },
    resolve::{ResolvedTopic, TopicName},
    telemetry::Metrics,
    world::{ClusterHandle, ClusterKey, Periods, View, ViewState, Waker, start},
};

/// What happens between two visits of the operator.
#[derive(Clone, Debug)]
enum Happening {
    /// The spec is edited.
    Edited {
        partitions: usize,
        retention: Option<u32>,
    },
    /// Somebody deletes the topic.
    Deleted,
    /// Somebody sets a key of the topic's configuration.
    Configured(u32),
    /// Somebody allows a ServiceAccount, or another principal, something.
    Allowed { account: bool, name: u8 },
    /// The producers are changed.
    Granted(BTreeSet<u8>),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (1_usize..7, prop::option::of(1_u32..1000)).prop_map(|(partitions, retention)| {
            Happening::Edited {
                partitions,
                retention,
            }
        }),
        Just(Happening::Deleted),
        (1_u32..1000).prop_map(Happening::Configured),
        (any::<bool>(), 0_u8..5).prop_map(|(account, name)| Happening::Allowed { account, name }),
        prop::collection::btree_set(0_u8..5, 0..4).prop_map(Happening::Granted),
    ]
}

fn write(account: bool, name: u8) -> Acl {
    let principal = match account {
        true => Principal::service_account("team", &format!("account-{name}")),
        false => Principal::parse(&format!("User:CN=other-{name}")),
    };
    Acl {
        principal,
        resource: AclResource::Topic,
        pattern: AclPattern::Literal,
        name: "orders".to_owned(),
        operation: AclOperation::Write,
    }
}

fn key() -> ClusterKey {
    ClusterKey {
        namespace: "platform".into(),
        name: "events".into(),
    }
}

fn untouched() -> ResolvedTopic {
    ResolvedTopic {
        cluster: key(),
        name: TopicName::for_test("orders"),
        partitions: 1,
        replicas: None,
        layout: LayoutPolicy::Keep,
        config: BTreeMap::new(),
        adopt: false,
        delete: false,
        capped: None,
        management: ManagementPolicy::Manage,
        grants: BTreeSet::new(),
    }
}

fn happen(what: Happening, kafka: &FakeKafka, desired: &mut ResolvedTopic) {
    match what {
        Happening::Edited {
            partitions,
            retention,
        } => {
            desired.partitions = partitions;
            desired.config = retention
                .map(|ms| ("retention.ms".to_owned(), Some(ms.to_string())))
                .into_iter()
                .collect();
        }
        Happening::Deleted => drop(kafka.delete_topic("orders")),
        Happening::Configured(ms) => drop(kafka.alter_config(&ConfigChange {
            topic: "orders".to_owned(),
            set: [("segment.ms".to_owned(), ms.to_string())].into(),
            reset: BTreeSet::new(),
        })),
        Happening::Allowed { account, name } => kafka.add_acl(write(account, name)),
        Happening::Granted(names) => {
            desired.grants = names.into_iter().map(|name| write(true, name)).collect();
        }
    }
}

async fn look(handle: &ClusterHandle, kafka: &FakeKafka) -> Arc<View> {
    for _ in 0..1000 {
        if let ViewState::Reachable(view) = handle.view() {
            let topics = view
                .topics
                .iter()
                .map(|(name, topic)| (name.clone(), topic.as_ref().clone()));
            if topics.collect::<BTreeMap<_, _>>() == kafka.topics() && *view.acls == kafka.acls() {
                return view;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the view never showed what is in Kafka");
}

async fn visit(handle: &ClusterHandle, kafka: &FakeKafka, desired: &ResolvedTopic) {
    let view = look(handle, kafka).await;
    let observed = view.topics.get("orders").map(AsRef::as_ref);
    let mut steps = topic(desired, observed, &view.cluster, true).steps;
    steps.extend(access(&desired.grants, &view.acls));
    for result in handle.apply(steps).await {
        assert_eq!(result, Ok(()));
    }
    let view = look(handle, kafka).await;
    let observed = view.topics.get("orders").map(AsRef::as_ref);
    assert_eq!(
        topic(desired, observed, &view.cluster, true).steps,
        [],
        "nothing is left to do"
    );
    assert_eq!(
        access(&desired.grants, &view.acls),
        [],
        "nothing is left to allow"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn applying_a_plan_and_planning_again_gives_nothing(happenings in prop::collection::vec(happening(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let kafka = Arc::new(FakeKafka::new([(0, Some("a")), (1, Some("b")), (2, Some("c"))]));
            let periods = Periods { view: Duration::from_secs(1), groups: Duration::from_secs(3600) };
            let credentials = Credentials {
                bootstrap_servers: String::new(),
                ca_pem: String::new(),
                certificate_pem: String::new(),
                key_pem: String::new(),
            };
            let handle = start(key(), credentials, kafka.clients(), periods, Waker::default(), Metrics::default());
            let mut desired = untouched();
            let mut foreign = BTreeSet::new();
            for what in happenings {
                if let Happening::Allowed { account: false, name } = what {
                    foreign.insert(write(false, name));
                }
                happen(what, &kafka, &mut desired);
                visit(&handle, &kafka, &desired).await;
            }
            assert!(foreign.is_subset(&kafka.acls()), "ACLs of other principals are left alone");
        });
    }
}

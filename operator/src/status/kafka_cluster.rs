use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use millrace_crds::{BrokerStatus, KafkaClusterStatus, ListenerStatus};

use super::{Draft, ready, reasons};
use crate::{
    desire::kafka_cluster::Names,
    kafka::BrokerId,
    plan::Roll,
    resolve::{ResolvedCluster, ResolvedRegistry},
    world::{NodePod, PodState, View, ViewState},
};

/// What is known of a KafkaCluster when its status is written.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What was asked for.
    pub cluster: &'a ResolvedCluster,
    /// Kafka's id of the cluster.
    pub cluster_id: &'a str,
    /// What Kafka says; None while nobody has been asked.
    pub view: Option<&'a ViewState>,
    /// The nodes' pods.
    pub pods: &'a BTreeMap<BrokerId, NodePod>,
    /// The managed registry's Deployment.
    pub registry: Option<&'a Deployment>,
    /// Which pod is replaced, or why none.
    pub roll: &'a Roll,
    /// Whether the spec can be made true.
    pub spec_accepted: &'a Draft,
    /// Whether the quotas are set.
    pub quotas: &'a Draft,
}

/// The status of a KafkaCluster, and its conditions.
pub fn kafka_cluster(seen: &Seen<'_>) -> (KafkaClusterStatus, Vec<Draft>) {
    let summed: Vec<Draft> = [
        Some(seen.spec_accepted.clone()),
        Some(brokers_ready(seen)),
        registry_ready(seen),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut drafts = vec![
        ready(&summed),
        ready_for_clients(seen),
        redundant(seen.cluster),
        up_to_date(seen.roll),
        seen.quotas.clone(),
    ];
    drafts.extend(summed);
    (fields(seen), drafts)
}

fn fields(seen: &Seen<'_>) -> KafkaClusterStatus {
    let (cluster, names) = (seen.cluster, Names(&seen.cluster.key));
    let view = reachable(seen);
    let brokers: Vec<BrokerStatus> = view
        .iter()
        .flat_map(|view| &view.cluster.brokers)
        .map(broker)
        .collect();
    let listener = |listener: &millrace_crds::Listener| ListenerStatus {
        name: listener.name.clone(),
        bootstrap_servers: format!("{}:{}", names.bootstrap_host(), listener.port),
    };
    KafkaClusterStatus {
        cluster_id: Some(seen.cluster_id.to_owned()),
        brokers_ready: i32::try_from(brokers.len()).ok(),
        brokers,
        listeners: cluster.listeners.iter().map(listener).collect(),
        token_audience: Some(cluster.token_audience()),
        schema_registry_url: cluster.registry.as_ref().map(|registry| match registry {
            ResolvedRegistry::Managed { .. } => names.registry_url(),
            ResolvedRegistry::Url(url) => url.clone(),
        }),
        foreign_acls: view.and_then(|view| {
            i32::try_from(
                view.acls
                    .iter()
                    .filter(|acl| !acl.principal.is_service_account())
                    .count(),
            )
            .ok()
        }),
        foreign_quotas: view.and_then(|view| {
            let principals = view.quotas.keys();
            i32::try_from(principals.filter(|p| !p.is_service_account()).count()).ok()
        }),
        ..KafkaClusterStatus::default()
    }
}

fn broker((id, broker): (&BrokerId, &crate::kafka::ObservedBroker)) -> BrokerStatus {
    BrokerStatus {
        id: *id,
        rack: broker.rack.clone(),
    }
}

fn reachable<'a>(seen: &Seen<'a>) -> Option<&'a View> {
    match seen.view {
        Some(ViewState::Reachable(view)) => Some(view),
        _ => None,
    }
}

fn brokers_ready(seen: &Seen<'_>) -> Draft {
    const KIND: &str = "BrokersReady";
    let wanted = wanted(seen.cluster);
    let Some(view) = reachable(seen) else {
        return not_answering(KIND, seen, &wanted);
    };
    let missing: Vec<String> = wanted
        .iter()
        .filter(|id| !view.cluster.brokers.contains_key(id))
        .map(|id| pod_story(seen, *id))
        .collect();
    let up = wanted.len() - missing.len();
    if missing.is_empty() {
        return Draft::yes(
            KIND,
            reasons::BROKERS_UP,
            format!("{up} of {up} brokers are up"),
        );
    }
    let message = format!(
        "{up} of {} brokers are up; {}",
        wanted.len(),
        missing.join("; ")
    );
    Draft::no(KIND, reasons::BROKERS_MISSING, message)
}

/// Pods that are not ready explain why Kafka does not answer; where they are, the reason is elsewhere and cannot be told.
fn not_answering(kind: &'static str, seen: &Seen<'_>, wanted: &BTreeSet<BrokerId>) -> Draft {
    let is_ready = |id: &BrokerId| {
        seen.pods
            .get(id)
            .is_some_and(|pod| pod.state == PodState::Ready)
    };
    let down: Vec<String> = wanted
        .iter()
        .filter(|id| !is_ready(id))
        .map(|id| pod_story(seen, *id))
        .collect();
    match seen.view {
        _ if !down.is_empty() => Draft::no(kind, reasons::BROKERS_MISSING, down.join("; ")),
        Some(ViewState::Unreachable { message }) => {
            Draft::unknown(kind, reasons::KAFKA_UNREACHABLE, message.clone())
        }
        _ => Draft::unknown(
            kind,
            reasons::PROGRESSING,
            "waiting for Kafka to answer for the first time",
        ),
    }
}

fn pod_story(seen: &Seen<'_>, id: BrokerId) -> String {
    let name = Names(&seen.cluster.key).node(usize::try_from(id).unwrap_or_default());
    let story = match seen.pods.get(&id).map(|pod| &pod.state) {
        None => "has no pod yet",
        Some(PodState::Ready) => "runs and has not joined the cluster yet",
        Some(PodState::Starting) => "is starting",
        Some(PodState::Terminating) => "is stopping",
        Some(PodState::Stuck(why)) => return format!("{name} cannot start: {why}"),
    };
    format!("{name} {story}")
}

fn wanted(cluster: &ResolvedCluster) -> BTreeSet<BrokerId> {
    (0..cluster.nodes)
        .filter_map(|id| BrokerId::try_from(id).ok())
        .collect()
}

fn ready_for_clients(seen: &Seen<'_>) -> Draft {
    const KIND: &str = "ReadyForClients";
    let Some(view) = reachable(seen) else {
        return not_answering(KIND, seen, &wanted(seen.cluster));
    };
    let (up, needed) = (view.cluster.brokers.len(), seen.cluster.default_min_isr());
    if up >= needed {
        return Draft::yes(
            KIND,
            reasons::BROKERS_UP,
            "topics with the default replication take reads and writes",
        );
    }
    let message = format!(
        "{up} brokers are up, {needed} are needed for writes to topics with the default replication"
    );
    Draft::no(KIND, reasons::BROKERS_MISSING, message)
}

fn registry_ready(seen: &Seen<'_>) -> Option<Draft> {
    const KIND: &str = "RegistryReady";
    let Some(ResolvedRegistry::Managed { .. }) = seen.cluster.registry else {
        return None;
    };
    let available = seen.registry.map(|deployment| {
        deployment
            .status
            .as_ref()
            .and_then(|status| status.available_replicas)
            .unwrap_or_default()
            > 0
    });
    Some(match available {
        Some(true) => Draft::yes(KIND, reasons::REGISTRY_UP, "the schema registry answers"),
        Some(false) => Draft::no(
            KIND,
            reasons::PROGRESSING,
            "the schema registry is starting",
        ),
        None => Draft::no(
            KIND,
            reasons::PROGRESSING,
            "the schema registry starts when its topics and its access are there in Kafka",
        ),
    })
}

fn redundant(cluster: &ResolvedCluster) -> Draft {
    const KIND: &str = "Redundant";
    if cluster.nodes == 1 {
        return Draft::no(
            KIND,
            reasons::SINGLE_NODE,
            "the cluster has one node, so every record is kept once: while the node is away nothing can be read or written, and its volume is the only copy",
        );
    }
    Draft::yes(
        KIND,
        reasons::REDUNDANT,
        format!("every record is kept {} times", cluster.default_replicas()),
    )
}

fn up_to_date(roll: &Roll) -> Draft {
    const KIND: &str = "UpToDate";
    match roll {
        Roll::UpToDate => Draft::yes(KIND, reasons::UP_TO_DATE, "every pod is as the spec says"),
        Roll::Wait(why) => Draft::no(KIND, reasons::PROGRESSING, why.clone()),
        Roll::Replace(pod) => Draft::no(
            KIND,
            reasons::PROGRESSING,
            format!("replacing pod {}", pod.name),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::{super::State, *};
    use crate::{
        kafka::{ObservedBroker, ObservedCluster},
        resolve::{Images, kafka_cluster as resolve},
    };

    fn cluster(nodes: usize) -> ResolvedCluster {
        let cluster = serde_json::from_value(json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
            "metadata": { "name": "main", "namespace": "kafka", "uid": "u" },
            "spec": { "combined": { "nodes": nodes }, "schemaRegistry": { "managed": {} } },
        }))
        .unwrap();
        resolve(
            &cluster,
            &Images {
                broker: "b".into(),
                registry: "r".into(),
                pull_policy: "Always".into(),
            },
        )
        .unwrap()
    }

    fn reachable_with(brokers: &[BrokerId]) -> ViewState {
        let broker = |id: &BrokerId| {
            (
                *id,
                ObservedBroker {
                    rack: Some(format!("zone-{id}")),
                },
            )
        };
        let cluster = ObservedCluster {
            brokers: brokers.iter().map(broker).collect(),
            ..ObservedCluster::default()
        };
        ViewState::Reachable(Arc::new(View {
            cluster,
            ..View::default()
        }))
    }

    fn pods(states: &[PodState]) -> BTreeMap<BrokerId, NodePod> {
        NodePod::by_broker(states.iter().zip(0..).map(|(state, broker)| NodePod {
            name: format!("main-nodes-{broker}"),
            uid: String::new(),
            broker,
            template: None,
            state: state.clone(),
        }))
    }

    fn available() -> Deployment {
        serde_json::from_value(json!({ "metadata": {}, "status": { "availableReplicas": 1 } }))
            .unwrap()
    }

    fn see(
        nodes: usize,
        view: Option<&ViewState>,
        states: &[PodState],
        registry: Option<&Deployment>,
    ) -> (KafkaClusterStatus, BTreeMap<&'static str, (State, String)>) {
        let accepted = Draft::yes("SpecAccepted", reasons::ACCEPTED, "");
        let (status, drafts) = kafka_cluster(&Seen {
            cluster: &cluster(nodes),
            cluster_id: "id",
            view,
            pods: &pods(states),
            registry,
            roll: &Roll::UpToDate,
            spec_accepted: &accepted,
            quotas: &Draft::yes("QuotasSet", reasons::SYNCED, ""),
        });
        (
            status,
            drafts
                .into_iter()
                .map(|draft| (draft.kind, (draft.state, draft.message)))
                .collect(),
        )
    }

    #[test]
    fn three_brokers_and_a_registry_are_ready() {
        let view = reachable_with(&[0, 1, 2]);
        let (status, conditions) = see(
            3,
            Some(&view),
            &[PodState::Ready, PodState::Ready, PodState::Ready],
            Some(&available()),
        );
        assert!(
            conditions.values().all(|(state, _)| *state == State::True),
            "{conditions:?}"
        );
        assert_eq!(status.brokers_ready, Some(3));
        assert_eq!(status.brokers[1].rack.as_deref(), Some("zone-1"));
        assert_eq!(
            status.listeners[0].bootstrap_servers,
            "main-kafka.kafka.svc:9092"
        );
        assert_eq!(
            status.schema_registry_url.as_deref(),
            Some("http://main-registry.kafka.svc:8080/apis/ccompat/v7")
        );
        assert_eq!(
            status.token_audience.as_deref(),
            Some("main.kafka.millrace.dev")
        );
    }

    #[test]
    fn a_missing_broker_is_named_with_the_reason_while_clients_can_go_on() {
        let view = reachable_with(&[0, 2]);
        let stuck = PodState::Stuck("not scheduled: 0/3 nodes are available".into());
        let (_, conditions) = see(
            3,
            Some(&view),
            &[PodState::Ready, stuck, PodState::Ready],
            Some(&available()),
        );
        let message = "2 of 3 brokers are up; main-nodes-1 cannot start: not scheduled: 0/3 nodes are available";
        assert_eq!(conditions["BrokersReady"], (State::False, message.into()));
        assert_eq!(conditions["Ready"], (State::False, message.into()));
        assert_eq!(conditions["ReadyForClients"].0, State::True);
        let (_, conditions) = see(
            3,
            Some(&reachable_with(&[0])),
            &[PodState::Ready],
            Some(&available()),
        );
        assert_eq!(conditions["ReadyForClients"].0, State::False);
    }

    #[test]
    fn one_node_is_ready_and_says_that_it_is_not_redundant() {
        let (_, conditions) = see(
            1,
            Some(&reachable_with(&[0])),
            &[PodState::Ready],
            Some(&available()),
        );
        assert_eq!(conditions["Ready"].0, State::True);
        assert_eq!(conditions["Redundant"].0, State::False);
    }

    #[test]
    fn pods_that_start_explain_silence_and_pods_that_run_do_not() {
        let away = ViewState::Unreachable {
            message: "connection refused".into(),
        };
        let (_, conditions) = see(1, Some(&away), &[PodState::Starting], None);
        assert_eq!(
            conditions["BrokersReady"],
            (State::False, "main-nodes-0 is starting".into())
        );
        let (status, conditions) = see(1, Some(&away), &[PodState::Ready], None);
        assert_eq!(
            conditions["BrokersReady"],
            (State::Unknown, "connection refused".into())
        );
        assert_eq!(status.foreign_acls, None);
        let (_, conditions) = see(1, None, &[], None);
        assert_eq!(
            conditions["BrokersReady"],
            (State::False, "main-nodes-0 has no pod yet".into())
        );
    }

    #[test]
    fn the_registry_counts_where_millrace_runs_it() {
        let view = reachable_with(&[0]);
        let (_, conditions) = see(1, Some(&view), &[PodState::Ready], None);
        assert_eq!(conditions["Ready"].0, State::False);
        assert!(conditions["RegistryReady"].1.contains("its topics"));
    }
}

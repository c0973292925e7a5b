use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use kube::ResourceExt;

use crate::kafka::BrokerId;

/// Annotation of a node's pod: a digest of the template it was made from. Where it differs from the StatefulSet's, the
/// pod is out of date.
pub const TEMPLATE_ANNOTATION: &str = "millrace.dev/template";

/// Reasons for which a container waits that time alone does not end.
const STUCK: [&str; 8] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// The pod of one Kafka node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePod {
    /// Its name.
    pub name: String,
    /// Its uid: a pod that comes in its place has another.
    pub uid: String,
    /// The node's id, the pod's ordinal.
    pub broker: BrokerId,
    /// Digest of the template it was made from.
    pub template: Option<String>,
    /// How it is.
    pub state: PodState,
}

/// How a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Its probe succeeds.
    Ready,
    /// It is on its way: being scheduled, pulled, started, or reading its logs.
    Starting,
    /// It does not run and will not by itself; why.
    Stuck(String),
    /// It is being deleted.
    Terminating,
}

impl NodePod {
    /// What a pod of the StatefulSet says of its node; None for a name without an ordinal.
    pub fn of(pod: &Pod) -> Option<Self> {
        let name = pod.name_any();
        let broker = name.rsplit('-').next()?.parse().ok()?;
        Some(Self {
            broker,
            uid: pod.uid().unwrap_or_default(),
            template: pod.annotations().get(TEMPLATE_ANNOTATION).cloned(),
            state: state(pod),
            name,
        })
    }

    /// The pods by node id.
    pub fn by_broker(pods: impl IntoIterator<Item = Self>) -> BTreeMap<BrokerId, Self> {
        pods.into_iter().map(|pod| (pod.broker, pod)).collect()
    }
}

fn state(pod: &Pod) -> PodState {
    if pod.metadata.deletion_timestamp.is_some() {
        return PodState::Terminating;
    }
    let Some(status) = &pod.status else {
        return PodState::Starting;
    };
    if condition(status, "Ready").is_some_and(|(state, _)| state == "True") {
        return PodState::Ready;
    }
    let unscheduled = condition(status, "PodScheduled").filter(|(state, _)| *state == "False");
    let waiting = status.container_statuses.iter().flatten().find_map(waiting);
    let ended = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")).then(|| {
        status
            .message
            .clone()
            .unwrap_or_else(|| "its container has ended".to_owned())
    });
    match unscheduled
        .map(|(_, why)| format!("not scheduled: {why}"))
        .or(waiting)
        .or(ended)
    {
        Some(why) => PodState::Stuck(why),
        None => PodState::Starting,
    }
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<(&'a str, &'a str)> {
    let found = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == kind)?;
    Some((&found.status, found.message.as_deref().unwrap_or_default()))
}

fn waiting(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting
        .reason
        .as_deref()
        .filter(|reason| STUCK.contains(reason))?;
    Some(match waiting.message.as_deref() {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(status: Value) -> NodePod {
        let pod = json!({
            "metadata": { "name": "main-nodes-2", "annotations": { TEMPLATE_ANNOTATION: "abc" } },
            "status": status,
        });
        NodePod::of(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    #[test]
    fn the_ordinal_is_the_node_id() {
        let pod = node(json!({}));
        assert_eq!((pod.broker, pod.template.as_deref()), (2, Some("abc")));
        assert_eq!(
            NodePod::of(
                &serde_json::from_value(json!({ "metadata": { "name": "main" } })).unwrap()
            ),
            None
        );
    }

    #[test]
    fn ready_is_what_the_probe_says() {
        let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        assert_eq!(node(ready).state, PodState::Ready);
        assert_eq!(
            node(json!({ "phase": "Running" })).state,
            PodState::Starting
        );
    }

    #[test]
    fn stuck_is_told_with_the_kubelets_or_the_schedulers_words() {
        let pulling = json!({ "containerStatuses": [{
            "name": "kafka", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } },
        }] });
        assert_eq!(
            node(pulling).state,
            PodState::Stuck("ImagePullBackOff: no such image".into())
        );
        let unscheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/3 nodes" }] });
        assert_eq!(
            node(unscheduled).state,
            PodState::Stuck("not scheduled: 0/3 nodes".into())
        );
        let creating = json!({ "containerStatuses": [{
            "name": "kafka", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ContainerCreating" } },
        }] });
        assert_eq!(node(creating).state, PodState::Starting);
    }
}

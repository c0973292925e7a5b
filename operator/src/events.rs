//! Events: one for each condition that changed, nothing else. They say what the condition says.

use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    runtime::events::{Event, EventType, Recorder},
};
use tracing::warn;

use crate::context::Context;

/// Longest note the API server takes, in bytes.
const MAX_NOTE: usize = 1024;

/// Publishes an event for each condition whose status or reason is new. A failure is logged and nothing more:
/// events are news, the condition is the record.
pub async fn on_change<K>(context: &Context, object: &K, old: &[Condition], new: &[Condition])
where
    K: Resource<DynamicType = ()> + Debug,
{
    let recorder = Recorder::new(context.client.clone(), context.reporter.clone());
    let reference = object.object_ref(&());
    for condition in new.iter().filter(|c| changed(old, c)) {
        let event = Event {
            type_: if condition.status == "False" {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: condition.reason.clone(),
            note: Some(truncate(&format!("{}: {}", condition.type_, condition.message)).to_owned()),
            action: condition.type_.clone(),
            secondary: None,
        };
        if let Err(error) = recorder.publish(&event, &reference).await
            && !is_terminating(&error)
        {
            warn!(%error, reason = condition.reason, "an event could not be published");
        }
    }
}

/// A namespace that is going takes no events any more.
fn is_terminating(error: &kube::Error) -> bool {
    let causes = match error {
        kube::Error::Api(status) => status.details.as_ref().map(|details| &details.causes),
        _ => None,
    };
    causes.is_some_and(|causes| {
        causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
    })
}

fn changed(old: &[Condition], condition: &Condition) -> bool {
    !old.iter().any(|c| {
        c.type_ == condition.type_ && c.status == condition.status && c.reason == condition.reason
    })
}

fn truncate(note: &str) -> &str {
    let mut end = note.len().min(MAX_NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    &note[..end]
}

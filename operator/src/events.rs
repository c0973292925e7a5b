//! Events: one for each condition that begins not to hold, that does not hold for another reason than before, or that holds
//! again. They say what the condition says. That what was asked for came true at once is no news, and ten thousand
//! resources would tell it ten thousand times.

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

/// Publishes an event for each condition that is news (`is_news`). A failure is logged and nothing more:
/// events are news, the condition is the record.
pub async fn on_change<K>(context: &Context, object: &K, old: &[Condition], new: &[Condition])
where
    K: Resource<DynamicType = ()> + Debug,
{
    let recorder = Recorder::new(context.client.clone(), context.reporter.clone());
    let reference = object.object_ref(&());
    for condition in new.iter().filter(|c| is_news(old, c)) {
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
        let publish = recorder.publish(&event, &reference);
        if let Err(error) = context.writes.any("Event", publish).await
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

/// False for another reason than before, or True after False.
fn is_news(old: &[Condition], condition: &Condition) -> bool {
    let before = old.iter().find(|c| c.type_ == condition.type_);
    match condition.status.as_str() {
        "False" => before.is_none_or(|c| c.status != "False" || c.reason != condition.reason),
        "True" => before.is_some_and(|c| c.status == "False"),
        _ => false,
    }
}

fn truncate(note: &str) -> &str {
    let mut end = note.len().min(MAX_NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    &note[..end]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn ready(status: &str, reason: &str) -> Condition {
        Condition {
            type_: "Ready".to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        }
    }

    #[test]
    fn trouble_and_the_end_of_it_are_news() {
        let (yes, no) = (ready("True", "Ready"), ready("False", "TooFewBrokers"));
        assert!(is_news(&[], &no));
        assert!(is_news(std::slice::from_ref(&yes), &no));
        assert!(is_news(&[ready("Unknown", "Progressing")], &no));
        assert!(is_news(&[ready("False", "NotAdopted")], &no));
        assert!(is_news(&[no], &yes));
    }

    #[test]
    fn success_at_once_and_what_was_told_before_are_no_news() {
        let (yes, no) = (ready("True", "Ready"), ready("False", "TooFewBrokers"));
        let unknown = ready("Unknown", "KafkaUnreachable");
        assert!(!is_news(&[], &yes));
        assert!(!is_news(&[], &unknown));
        assert!(!is_news(std::slice::from_ref(&unknown), &yes));
        assert!(!is_news(std::slice::from_ref(&yes), &unknown));
        assert!(!is_news(std::slice::from_ref(&no), &no));
        assert!(!is_news(
            std::slice::from_ref(&yes),
            &ready("True", "Other")
        ));
    }
}

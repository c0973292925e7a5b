use std::{cmp::Reverse, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use millrace_crds::{Redrive, RedrivePhase};

/// Whether it is a Redrive's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may begin, or go on.
    Its,
    /// The Redrive of this name is before it.
    After(String),
}

/// Whether it is the turn of `redrive` among `all` of the API server. One of a DLQ moves letters at a time: the one that has begun,
/// else the oldest. A dry run writes nothing and waits for nobody.
pub fn redrive_turn(redrive: &Redrive, all: &[Arc<Redrive>]) -> Turn {
    if redrive.spec.dry_run {
        return Turn::Its;
    }
    let first = all
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| of_same_letters(other, redrive) && !other.spec.dry_run)
        .filter(|other| !is_over(other) && other.metadata.deletion_timestamp.is_none())
        .min_by_key(|other| order(other));
    match first {
        Some(first) if order(first) < order(redrive) => Turn::After(first.name_any()),
        _ => Turn::Its,
    }
}

/// Those of `all` that have moved letters of the same DLQ topic, whose id is `topic_id`, before `redrive` began.
pub fn earlier_redrives<'a>(
    redrive: &Redrive,
    topic_id: &str,
    all: &'a [Arc<Redrive>],
) -> Vec<&'a Redrive> {
    let id = |other: &Redrive| other.status.as_ref()?.topic_id.clone();
    all.iter()
        .map(AsRef::as_ref)
        .filter(|other| of_same_letters(other, redrive) && !other.spec.dry_run)
        .filter(|other| other.uid() != redrive.uid() && is_over(other))
        .filter(|other| id(other).as_deref() == Some(topic_id))
        .filter(|other| began(redrive).is_none_or(|own| began(other) <= Some(own)))
        .collect()
}

/// Whether a Redrive has ended.
pub fn is_over(redrive: &Redrive) -> bool {
    let phase = redrive.status.as_ref().and_then(|status| status.phase);
    matches!(
        phase,
        Some(RedrivePhase::Completed | RedrivePhase::Failed | RedrivePhase::Cancelled)
    )
}

fn began(redrive: &Redrive) -> Option<&Time> {
    redrive.status.as_ref()?.start_time.as_ref()
}

fn of_same_letters(one: &Redrive, other: &Redrive) -> bool {
    one.namespace() == other.namespace() && one.spec.dlq_ref == other.spec.dlq_ref
}

/// Those that have begun come first, then the older ones; the uid breaks the tie.
fn order(redrive: &Redrive) -> (Reverse<bool>, Option<Time>, Option<String>) {
    (
        Reverse(began(redrive).is_some()),
        redrive.creation_timestamp(),
        redrive.uid(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn redrive(name: &str, created: &str, more: Value) -> Arc<Redrive> {
        let mut object = json!({
            "metadata": {
                "namespace": "shop", "name": name, "uid": name,
                "creationTimestamp": format!("2026-11-27T{created}:00Z"),
            },
            "spec": { "dlqRef": { "name": "letters" } },
        });
        for (key, value) in more.as_object().unwrap() {
            object[key] = value.clone();
        }
        Arc::new(serde_json::from_value(object).unwrap())
    }

    fn status(phase: &str, start: &str) -> Value {
        json!({ "status": {
            "phase": phase, "topicId": "one", "startTime": format!("2026-11-27T{start}:00Z"),
        } })
    }

    #[test]
    fn one_moves_letters_at_a_time_the_oldest_first() {
        let all = [
            redrive("b", "11:00", json!({})),
            redrive("a", "10:00", json!({})),
        ];
        assert_eq!(redrive_turn(&all[1], &all), Turn::Its);
        assert_eq!(redrive_turn(&all[0], &all), Turn::After("a".to_owned()));
    }

    #[test]
    fn one_that_has_begun_keeps_its_turn_and_one_that_has_ended_gives_it_up() {
        let late = redrive("late", "12:00", status("Suspended", "12:01"));
        let old = redrive("old", "10:00", json!({}));
        let ended = redrive("ended", "09:00", status("Failed", "09:01"));
        let all = [late.clone(), old.clone(), ended];
        assert_eq!(redrive_turn(&late, &all), Turn::Its);
        assert_eq!(redrive_turn(&old, &all), Turn::After("late".to_owned()));
    }

    #[test]
    fn a_dry_run_and_one_of_another_queue_are_in_nobodys_way() {
        let dry = json!({ "spec": { "dlqRef": { "name": "letters" }, "dryRun": true } });
        let other = json!({ "spec": { "dlqRef": { "name": "others" } } });
        let all = [
            redrive("dry", "08:00", dry),
            redrive("other", "09:00", other),
            redrive("a", "10:00", json!({})),
        ];
        for one in &all {
            assert_eq!(redrive_turn(one, &all), Turn::Its);
        }
    }

    #[test]
    fn earlier_are_those_that_ended_before_it_began_with_the_same_topic() {
        let remade = json!({ "status": {
            "phase": "Completed", "topicId": "zero", "startTime": "2026-11-27T07:00:00Z",
        } });
        let all = [
            redrive("first", "08:00", status("Completed", "08:01")),
            redrive("running", "10:00", status("Running", "10:01")),
            redrive("next", "11:00", status("Completed", "11:01")),
            redrive("before the topic was made anew", "07:00", remade),
        ];
        let names = |redrive: &Redrive| -> Vec<String> {
            let earlier = earlier_redrives(redrive, "one", &all);
            earlier.into_iter().map(ResourceExt::name_any).collect()
        };
        assert_eq!(names(&all[1]), ["first"]);
        assert_eq!(
            names(&redrive("new", "12:00", json!({}))),
            ["first", "next"]
        );
    }
}

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_autoscaler::lag::{GroupLag, Lateness, PartitionReading, seconds};
use millrace_crds::{ConsumerGroupStatus, LagStatus, PartitionLag, TopicLag};

use crate::status::Draft;

/// Partitions of one topic in a status.
const MAX_PARTITIONS: usize = 64;
/// Seconds between two writes for the sake of numbers alone.
const PERIOD: f64 = 10.0;

/// The lag as a status shows it. None while some partition could not be read: a part of a lag is no lag.
pub fn report(lag: &GroupLag) -> Option<LagStatus> {
    if !lag.complete {
        return None;
    }
    let mut topics: BTreeMap<&str, TopicLag> = BTreeMap::new();
    for (partition, reading) in &lag.partitions {
        let topic = topics.entry(&partition.topic).or_insert_with(|| TopicLag {
            topic: partition.topic.to_string(),
            records: 0,
            partitions: Vec::new(),
        });
        topic.records += reading.records;
        if reading.records > 0 {
            let seconds = reading.lateness.and_then(Lateness::exactly).map(whole);
            topic.partitions.push(PartitionLag {
                partition: partition.partition,
                records: reading.records,
                seconds,
            });
        }
    }
    let mut topics: Vec<TopicLag> = topics.into_values().collect();
    for topic in &mut topics {
        topic.partitions.sort_by_key(|lag| {
            (
                -lag.seconds.unwrap_or(i64::MAX),
                -lag.records,
                lag.partition,
            )
        });
        topic.partitions.truncate(MAX_PARTITIONS);
    }
    Some(LagStatus {
        records: lag.records(),
        seconds: lag.lateness().exactly().map(whole),
        arriving_per_second: Some(whole(rate(lag, |reading| reading.arrivals_per_second))),
        committed_per_second: Some(whole(rate(lag, |reading| reading.commits_per_second))),
        measured_time: Some(kept(lag.time)),
        topics,
    })
}

fn rate(lag: &GroupLag, of: fn(&PartitionReading) -> f64) -> f64 {
    lag.partitions.values().map(of).sum()
}

/// A time as a status keeps it, in whole seconds: else it would differ from what is read back, and be written again and again.
pub fn kept(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn whole(seconds: f64) -> i64 {
    seconds.round() as i64
}

/// What to write: the new status where something happened, where its numbers are new and the last ones 10 s old; else the old
/// status and its words again, which makes no write at all.
pub fn settle(
    old: Option<&ConsumerGroupStatus>,
    new: ConsumerGroupStatus,
    drafts: Vec<Draft>,
    now: Timestamp,
) -> (ConsumerGroupStatus, Vec<Draft>) {
    let Some(old) = old else { return (new, drafts) };
    if happened(old, &new, &drafts) || (due(old, now) && numbers(old) != numbers(&new)) {
        return (new, drafts);
    }
    let worded = |draft: Draft| match old
        .conditions
        .iter()
        .find(|condition| condition.type_ == draft.kind)
    {
        Some(condition) => Draft {
            message: condition.message.clone(),
            ..draft
        },
        None => draft,
    };
    (old.clone(), drafts.into_iter().map(worded).collect())
}

fn happened(old: &ConsumerGroupStatus, new: &ConsumerGroupStatus, drafts: &[Draft]) -> bool {
    let same = |draft: &Draft| {
        let mut conditions = old.conditions.iter();
        conditions.any(|condition| {
            condition.type_ == draft.kind
                && condition.status == draft.state.as_str()
                && condition.reason == draft.reason
        })
    };
    let scaling = |status: &ConsumerGroupStatus| {
        let scaling = status.scaling.as_ref()?;
        Some((
            scaling.replicas,
            scaling.desired_replicas,
            scaling.last_scale_time.clone(),
        ))
    };
    old.conditions.len() != drafts.len()
        || !drafts.iter().all(same)
        || (&old.group_id, &old.binding, old.members, old.lag.is_some())
            != (&new.group_id, &new.binding, new.members, new.lag.is_some())
        || (&old.offset_reset, &old.kept_offsets) != (&new.offset_reset, &new.kept_offsets)
        || scaling(old) != scaling(new)
}

fn due(old: &ConsumerGroupStatus, now: Timestamp) -> bool {
    let measured = old.lag.as_ref().and_then(|lag| lag.measured_time.as_ref());
    // A time to come is one of a clock that was set back.
    measured.is_none_or(|measured| seconds(measured.0, now) >= PERIOD || measured.0 > now)
}

/// The status without what events and time alone change.
fn numbers(status: &ConsumerGroupStatus) -> ConsumerGroupStatus {
    let lag = status.lag.clone().map(|lag| LagStatus {
        measured_time: None,
        ..lag
    });
    ConsumerGroupStatus {
        lag,
        conditions: Vec::new(),
        observed_generation: None,
        ..status.clone()
    }
}

#[cfg(test)]
mod tests {
    use millrace_crds::ScalingStatus;

    use super::*;
    use crate::status::merge;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn status(second: i64, records: i64) -> ConsumerGroupStatus {
        ConsumerGroupStatus {
            lag: Some(LagStatus {
                records,
                seconds: Some(1),
                measured_time: Some(Time(at(second))),
                ..LagStatus::default()
            }),
            ..Default::default()
        }
    }

    fn drafts(lag: i64) -> Vec<Draft> {
        vec![Draft::no(
            "WithinObjective",
            "ObjectiveMissed",
            format!("{lag} records"),
        )]
    }

    fn written(
        old: ConsumerGroupStatus,
        new: ConsumerGroupStatus,
        drafts: Vec<Draft>,
        now: i64,
    ) -> bool {
        let (settled, drafts) = settle(Some(&old), new, drafts, at(now));
        let conditions = merge(&old.conditions, &drafts, None, at(now));
        settled != old || conditions != old.conditions
    }

    fn old(second: i64, records: i64) -> ConsumerGroupStatus {
        ConsumerGroupStatus {
            conditions: merge(&[], &drafts(records), None, at(0)),
            ..status(second, records)
        }
    }

    #[test]
    fn numbers_wait_ten_seconds() {
        assert!(!written(old(0, 5), status(8, 9), drafts(9), 8));
        assert!(written(old(0, 5), status(10, 9), drafts(9), 10));
        assert!(
            written(old(3_600, 5), status(10, 9), drafts(9), 10),
            "set back"
        );
    }

    #[test]
    fn unchanged_numbers_are_never_written_again() {
        assert!(!written(old(0, 5), status(600, 5), drafts(5), 600));
    }

    #[test]
    fn a_changed_condition_and_changed_replicas_do_not_wait() {
        let calm = vec![Draft::yes("WithinObjective", "WithinObjective", "fine")];
        assert!(written(old(0, 5), status(2, 5), calm, 2));
        let scaled = ConsumerGroupStatus {
            scaling: Some(ScalingStatus {
                desired_replicas: 3,
                ..Default::default()
            }),
            ..status(2, 5)
        };
        assert!(written(old(0, 5), scaled, drafts(5), 2));
    }

    #[test]
    fn a_time_comes_back_from_the_api_server_as_it_was_kept() {
        let time = kept("2026-11-23T16:16:55.217376Z".parse().unwrap());
        let back: Time = serde_json::from_value(serde_json::to_value(&time).unwrap()).unwrap();
        assert_eq!(back, time);
    }

    #[test]
    fn part_of_a_lag_is_not_reported() {
        let mut lag = GroupLag {
            time: at(0),
            complete: false,
            members: 1,
            partitions: BTreeMap::new(),
        };
        assert_eq!(report(&lag), None);
        lag.complete = true;
        assert_eq!(
            report(&lag).map(|lag| (lag.records, lag.seconds)),
            Some((0, Some(0)))
        );
    }
}

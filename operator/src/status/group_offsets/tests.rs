#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::{
    kafka::{GroupDescription, TopicPartition},
    status::{State, merge},
    world::PartitionOffsets,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn look(second: i64, committed: i64, end: i64) -> GroupsView {
    let partition = TopicPartition {
        topic: "orders".into(),
        partition: 2,
    };
    let offsets = PartitionOffsets {
        committed: Some(committed),
        log_start: 0,
        end,
    };
    let snapshot = GroupSnapshot {
        time: at(second),
        steady: Default::default(),
        description: GroupDescription::default(),
        partitions: [(partition, offsets)].into(),
        complete: true,
    };
    [("readers".to_owned(), Arc::new(snapshot))].into()
}

fn status(id: &str, known: Option<Draft>) -> TopicStatus {
    let drafts: Vec<Draft> = known.into_iter().collect();
    TopicStatus {
        topic_id: Some(id.to_owned()),
        conditions: merge(&[], &drafts, None, at(100)),
        ..TopicStatus::default()
    }
}

fn judge(before: &TopicStatus, id: &str, groups: &GroupsView) -> Option<Draft> {
    let observed = ObservedTopic {
        id: id.to_owned(),
        ..ObservedTopic::default()
    };
    let readers = || BTreeSet::from(["readers".to_owned()]);
    group_offsets("orders", Some(before), Some(&observed), groups, readers)
}

#[test]
fn nothing_is_said_of_a_topic_that_stays() {
    assert_eq!(judge(&status("a", None), "a", &look(1, 9, 3)), None);
}

#[test]
fn a_group_beyond_the_end_of_the_new_log_is_named_until_it_is_within() {
    let seen = judge(&status("a", None), "b", &look(99, 9, 3)).unwrap();
    assert_eq!(
        (seen.state, seen.reason),
        (State::False, reasons::TOPIC_RECREATED)
    );
    assert!(
        seen.message.contains("`readers` (partition 2)"),
        "{}",
        seen.message
    );

    let still = judge(&status("b", Some(seen.clone())), "b", &look(101, 9, 4)).unwrap();
    assert_eq!(still, seen, "a log that grows is no news");

    let within = judge(&status("b", Some(seen)), "b", &look(102, 4, 4)).unwrap();
    assert_eq!(within.state, State::True);
    assert_eq!(
        judge(&status("b", Some(within.clone())), "b", &look(103, 9, 4)),
        Some(within)
    );
}

#[test]
fn a_look_from_before_tells_nothing_of_the_new_log() {
    let waiting = judge(&status("a", None), "b", &look(99, 9, 9)).unwrap();
    assert_eq!(waiting.state, State::Unknown);
    let before = status("b", Some(waiting.clone()));
    assert_eq!(judge(&before, "b", &look(100, 9, 9)).unwrap(), waiting);
    assert_eq!(judge(&before, "b", &GroupsView::new()).unwrap(), waiting);
    assert_eq!(
        judge(&before, "b", &look(101, 9, 9)).unwrap().state,
        State::True
    );
}

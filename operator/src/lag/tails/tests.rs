use proptest::prelude::*;

use super::*;

fn at(partition: i32) -> TopicPartition {
    TopicPartition {
        topic: "t".into(),
        partition,
    }
}

fn offsets(committed: i64, end: i64) -> PartitionOffsets {
    PartitionOffsets {
        committed: Some(committed),
        log_start: 0,
        end,
    }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Looks at group `g` in partition 0; what it has committed as far as is known.
fn look(tails: &mut Tails, second: u64, committed: i64, end: i64) -> i64 {
    look_of(tails, "g", second, committed, end)
}

fn look_of(tails: &mut Tails, group: &str, second: u64, committed: i64, end: i64) -> i64 {
    let seen = tails.observe(group, &at(0), offsets(committed, end), s(second));
    assert_eq!((seen.log_start, seen.end), (0, end));
    seen.committed.unwrap()
}

fn due(tails: &mut Tails, second: u64) -> Vec<(i64, i64)> {
    let due = tails.due(s(second));
    due.values().map(|tail| (tail.next, tail.end)).collect()
}

fn answer(tails: &mut Tails, second: u64, tail: (i64, i64), content: Option<TailContent>) {
    let (next, end) = tail;
    let asked = [(at(0), Tail { next, end })].into();
    let found = content.map(|content| (at(0), content));
    tails.answer(&asked, &found.into_iter().collect(), s(second));
}

/// Markers at 10, asked for at second 10.
fn asked() -> Tails {
    let mut tails = Tails::default();
    look(&mut tails, 0, 10, 12);
    look(&mut tails, 10, 10, 12);
    assert_eq!(due(&mut tails, 10), [(10, 12)]);
    tails
}

fn answered(content: Option<TailContent>) -> Tails {
    let mut tails = asked();
    answer(&mut tails, 11, (10, 12), content);
    tails
}

#[test]
fn a_tail_without_records_is_read_once_and_then_no_lag() {
    let mut tails = answered(Some(TailContent::Nothing));
    assert_eq!(due(&mut tails, 12), [], "nor where the group is not read");
    for second in [12, 14, 1_000] {
        assert_eq!(look(&mut tails, second, 10, 12), 12);
        assert_eq!(due(&mut tails, second), []);
    }
}

#[test]
fn a_tail_with_a_record_is_read_once_and_stays_a_lag() {
    let mut tails = answered(Some(TailContent::Record));
    for second in [12, 72, 1_000] {
        assert_eq!(look(&mut tails, second, 10, 12), 10);
        assert_eq!(due(&mut tails, second), []);
    }
}

#[test]
fn a_tail_that_could_not_be_read_is_asked_again_after_a_minute() {
    let mut tails = answered(None);
    assert_eq!(look(&mut tails, 70, 10, 12), 10);
    assert_eq!(due(&mut tails, 70), []);
    assert_eq!(due(&mut tails, 71), [(10, 12)]);
    assert_eq!(due(&mut tails, 1_000), [], "it is being read");
}

#[test]
fn what_moves_is_not_read() {
    let mut tails = Tails::default();
    for look_at in 0..50 {
        look(&mut tails, look_at * 2, look_at as i64, 60);
        assert_eq!(due(&mut tails, look_at * 2), [], "commits");
    }
    for look_at in 50..100 {
        look(&mut tails, look_at * 2, 50, look_at as i64 + 20);
        assert_eq!(due(&mut tails, look_at * 2), [], "arrivals");
    }
    assert_eq!(due(&mut tails, 208), [(50, 119)]);
}

#[test]
fn nothing_is_read_without_a_lag_a_committed_offset_or_with_a_lag_that_is_large() {
    let mut tails = Tails::default();
    let uncommitted = PartitionOffsets {
        committed: None,
        ..offsets(0, 5)
    };
    for second in [0, 100] {
        look(&mut tails, second, 10, 10);
        look_of(&mut tails, "anew", second, 500, 10);
        look_of(&mut tails, "far", second, 0, 1_001);
        let seen = tails.observe("never", &at(1), uncommitted, s(second));
        assert_eq!(seen, uncommitted);
    }
    assert_eq!(due(&mut tails, 100), []);
    look_of(&mut tails, "far", 102, 1, 1_001);
    assert_eq!(due(&mut tails, 112), [(1, 1_001)]);
}

#[test]
fn a_lag_begins_at_the_start_of_the_log() {
    let mut tails = Tails::default();
    let deleted = PartitionOffsets {
        log_start: 8,
        ..offsets(3, 10)
    };
    for second in [0, 10] {
        assert_eq!(tails.observe("g", &at(0), deleted, s(second)), deleted);
    }
    assert_eq!(due(&mut tails, 10), [(8, 10)]);
    answer(&mut tails, 11, (8, 10), Some(TailContent::Nothing));
    let seen = tails.observe("g", &at(0), deleted, s(12));
    assert_eq!(
        seen,
        PartitionOffsets {
            committed: Some(10),
            ..deleted
        }
    );
}

#[test]
fn what_comes_behind_an_empty_tail_is_lag_at_once_and_the_tail_is_not() {
    let mut tails = answered(Some(TailContent::Nothing));
    assert_eq!(look(&mut tails, 12, 10, 15), 12);
    assert_eq!(due(&mut tails, 21), []);
    assert_eq!(due(&mut tails, 22), [(12, 15)]);
    answer(&mut tails, 23, (12, 15), Some(TailContent::Nothing));
    assert_eq!(look(&mut tails, 24, 10, 15), 15, "as one stretch");
    assert_eq!(look(&mut tails, 26, 11, 15), 15, "a commit within it");
    assert_eq!(look(&mut tails, 28, 9, 15), 9, "one before it");
}

#[test]
fn an_answer_that_comes_too_late_says_nothing() {
    let mut tails = asked();
    look(&mut tails, 12, 10, 13);
    answer(&mut tails, 13, (10, 12), Some(TailContent::Nothing));
    assert_eq!(look(&mut tails, 14, 10, 13), 10);
    assert_eq!(due(&mut tails, 22), [(10, 13)]);
}

#[test]
fn a_log_that_is_shorter_is_another_log() {
    let mut tails = answered(Some(TailContent::Nothing));
    assert_eq!(look(&mut tails, 12, 10, 12), 12);
    assert_eq!(look(&mut tails, 14, 10, 11), 10);
    assert_eq!(look(&mut tails, 16, 10, 12), 10);
}

#[test]
fn groups_at_one_place_are_answered_by_one_reading() {
    let mut tails = Tails::default();
    for second in [0, 10] {
        look_of(&mut tails, "a", second, 10, 12);
        look_of(&mut tails, "b", second, 10, 12);
    }
    look_of(&mut tails, "c", 10, 9, 12);
    assert_eq!(due(&mut tails, 10), [(10, 12)]);
    answer(&mut tails, 11, (10, 12), Some(TailContent::Nothing));
    for group in ["a", "b", "later"] {
        assert_eq!(look_of(&mut tails, group, 12, 10, 12), 12, "{group}");
    }
    assert_eq!(look_of(&mut tails, "c", 20, 9, 12), 9);
    assert_eq!(due(&mut tails, 20), [(9, 12)], "another place");
}

#[test]
fn the_longest_unchanged_are_read_first_and_a_hundred_at_a_time() {
    let mut tails = Tails::default();
    for partition in 0..250 {
        let since = s(250 - partition as u64);
        tails.observe("g", &at(partition), offsets(0, 1), since);
    }
    let mut next = || -> Vec<i32> {
        let due = tails.due(s(1_000));
        due.into_keys().map(|at| at.partition).collect()
    };
    assert_eq!(next(), (150..250).collect::<Vec<_>>());
    assert_eq!(next(), (50..150).collect::<Vec<_>>());
    assert_eq!(next(), (0..50).collect::<Vec<_>>());
    assert!(next().is_empty());
}

#[test]
fn what_nobody_has_a_lag_in_is_forgotten() {
    let mut tails = answered(Some(TailContent::Nothing));
    look_of(&mut tails, "h", 12, 10, 12);
    tails.keep(|group, _| group == "h");
    assert_eq!(look_of(&mut tails, "h", 14, 10, 12), 12);
    look_of(&mut tails, "h", 16, 12, 12);
    assert!(tails.partitions.is_empty(), "{tails:?}");
}

/// What happens between two looks.
#[derive(Clone, Debug)]
enum Event {
    Written {
        partition: usize,
        records: Vec<bool>,
    },
    Committed {
        partition: usize,
        group: usize,
        share: f64,
    },
    /// The topic is made anew and has fewer records; its committed offsets may outlive it.
    MadeAnew {
        partition: usize,
        records: Vec<bool>,
    },
    Passed {
        seconds: u64,
    },
    /// Whether the partitions asked for answer.
    Reachable(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let records = || prop::collection::vec(prop::bool::weighted(0.3), 1..8);
    prop_oneof![
        3 => (0..2_usize, records())
            .prop_map(|(partition, records)| Event::Written { partition, records }),
        3 => (0..2_usize, 0..3_usize, 0.0..=1.0).prop_map(|(partition, group, share)| {
            Event::Committed { partition, group, share }
        }),
        1 => (0..2_usize, records())
            .prop_map(|(partition, records)| Event::MadeAnew { partition, records }),
        6 => (1..40_u64).prop_map(|seconds| Event::Passed { seconds }),
        1 => any::<bool>().prop_map(Event::Reachable),
    ]
}

/// Two partitions whose logs are known, read by three groups.
#[derive(Debug, Default)]
struct World {
    second: u64,
    unreachable: bool,
    /// Whether there is a record at each offset.
    logs: [Vec<bool>; 2],
    committed: [[Option<i64>; 3]; 2],
    /// What each group's place was at the last look, and since when.
    places: BTreeMap<(usize, usize), ((i64, i64), u64)>,
    tails: Tails,
    /// What is being read, and what it will bring.
    reading: (
        BTreeMap<TopicPartition, Tail>,
        BTreeMap<TopicPartition, TailContent>,
    ),
}

impl World {
    fn happen(&mut self, event: Event) {
        match event {
            Event::Written { partition, records } => self.logs[partition].extend(records),
            Event::Committed {
                partition,
                group,
                share,
            } => {
                let end = self.logs[partition].len() as f64;
                self.committed[partition][group] = Some((share * end).round() as i64);
            }
            Event::MadeAnew { partition, records } => {
                let fewer = self.logs[partition].len().saturating_sub(1);
                self.logs[partition] = records.into_iter().take(fewer).collect();
            }
            Event::Passed { seconds } => self.second += seconds,
            Event::Reachable(reachable) => self.unreachable = !reachable,
        }
    }

    fn is_record(&self, partition: usize, mut offsets: std::ops::Range<i64>) -> bool {
        offsets.any(|offset| self.logs[partition][offset as usize])
    }

    /// A look. What is said of each group in each partition: committed offset, and the one that is told instead.
    fn look(&mut self) -> Vec<(usize, i64, i64)> {
        let (asked, found) = std::mem::take(&mut self.reading);
        self.tails.answer(&asked, &found, s(self.second));
        self.tails.keep(|_, _| true);
        let mut told = Vec::new();
        for partition in 0..2 {
            let end = self.logs[partition].len() as i64;
            for group in 0..3 {
                let read = PartitionOffsets {
                    committed: self.committed[partition][group],
                    log_start: 0,
                    end,
                };
                let name = group.to_string();
                let at = at(partition as i32);
                let seen = self.tails.observe(&name, &at, read, s(self.second));
                let Some(committed) = read.committed else {
                    assert_eq!(seen, read);
                    continue;
                };
                let known = seen.committed.unwrap();
                told.push((partition, committed, known));
                let place = self.places.entry((partition, group)).or_default();
                if place.0 != (known, end) {
                    *place = ((known, end), self.second);
                }
            }
        }
        let due = self.tails.due(s(self.second));
        for (at, tail) in &due {
            let offsets = tail.end - tail.next;
            assert!((1..=MOST_OFFSETS).contains(&offsets), "{tail:?}");
            let still = self.places.iter().any(|((partition, _), (place, since))| {
                *partition == at.partition as usize
                    && *place == (tail.next, tail.end)
                    && self.second - since >= 10
            });
            assert!(still, "{tail:?} was not still: {:?}", self.places);
        }
        let content = |(at, tail): (&TopicPartition, &Tail)| {
            let content = match self.is_record(at.partition as usize, tail.next..tail.end) {
                true => TailContent::Record,
                false => TailContent::Nothing,
            };
            (at.clone(), content)
        };
        let found = match self.unreachable {
            true => BTreeMap::new(),
            false => due.iter().map(content).collect(),
        };
        self.reading = (due, found);
        told
    }
}

proptest! {
    /// Whatever happens, no record is hidden; and once nothing happens any more, what holds no record is no lag.
    #[test]
    fn lag_without_records_goes_and_no_record_does(events in prop::collection::vec(event(), 1..80)) {
        let mut world = World::default();
        for event in events {
            world.happen(event);
            for (partition, committed, known) in world.look() {
                prop_assert!(known >= committed);
                prop_assert!(
                    known == committed || !world.is_record(partition, committed..known),
                    "{committed} was moved to {known} of {:?}", world.logs[partition],
                );
            }
        }
        world.unreachable = false;
        for _ in 0..40 {
            world.happen(Event::Passed { seconds: 30 });
            world.look();
        }
        for (partition, committed, known) in world.look() {
            let end = world.logs[partition].len() as i64;
            let empty = committed < end && !world.is_record(partition, committed..end);
            prop_assert!(!empty || known == end, "{known} of {committed} to {end}");
        }
        let lagging = world.committed.iter().zip(&world.logs).filter(|(groups, log)| {
            let end = log.len() as i64;
            groups.iter().any(|group| group.is_some_and(|committed| committed < end))
        });
        prop_assert_eq!(world.tails.partitions.len(), lagging.count());
    }
}

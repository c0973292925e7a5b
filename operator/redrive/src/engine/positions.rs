use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use super::{Job, Trouble, reached::Reached};
use crate::{bookmark::Bookmark, tally::Tally};

/// Longest wait for an answer about offsets. A transaction of a process that died is waited for in it.
const ANSWER: Duration = Duration::from_secs(30);

/// Where the run stands in one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The offset of the next letter to look at.
    pub(super) next: i64,
    /// The offset at which letters that came back are looked for next.
    pub(super) tail: i64,
    /// What has become of the letters before `next`.
    pub(super) tally: Tally,
}

/// The positions of all partitions.
pub(super) type Positions = BTreeMap<i32, Position>;

/// For each of the `partitions` partitions of a topic the first offset behind its committed records. `connection` as in [`Job`].
///
/// # Errors
/// When Kafka does not answer, or does not have the topic.
pub fn ends(
    connection: &BTreeMap<String, String>,
    topic: &str,
    partitions: i32,
) -> Result<BTreeMap<i32, i64>, Trouble> {
    let mut settings = ClientConfig::new();
    for (key, value) in connection {
        settings.set(key, value);
    }
    let consumer: BaseConsumer = settings
        .set("isolation.level", "read_committed")
        .create()
        .map_err(|error| unread(topic, &error))?;
    let end = |partition| {
        let (_, end) = consumer
            .fetch_watermarks(topic, partition, ANSWER)
            .map_err(|error| unread(topic, &error))?;
        Ok((partition, end))
    };
    (0..partitions).map(end).collect()
}

/// Where the run stands: what is committed, or the beginning where nothing ever was. True in the second part where it begins.
pub(super) fn read(
    consumer: &BaseConsumer<Reached>,
    job: &Job,
) -> Result<(Positions, bool), Trouble> {
    let mut wanted = TopicPartitionList::with_capacity(job.ends.len());
    for partition in job.ends.keys() {
        wanted.add_partition(&job.topic, *partition);
    }
    let committed = consumer
        .committed_offsets(wanted, ANSWER)
        .map_err(|error| unread(&job.topic, &error))?;
    let mut positions = Positions::new();
    for found in committed.elements() {
        found.error().map_err(|error| unread(&job.topic, &error))?;
        if let Offset::Offset(next) = found.offset() {
            let position = resumed(job, found.partition(), next, found.metadata())?;
            positions.insert(found.partition(), position);
        }
    }
    if positions.is_empty() && job.published.is_empty() {
        return Ok((beginning(consumer, job)?, true));
    }
    for partition in job.ends.keys() {
        let known = positions.get(partition).map(|position| position.next);
        let published = job.published.get(partition).copied().unwrap_or(0);
        if known.is_none_or(|known| known < published) {
            return Err(lost(job, *partition, "Kafka no longer has it"));
        }
    }
    Ok((positions, false))
}

/// The beginning of all partitions.
pub(super) fn beginning(consumer: &BaseConsumer<Reached>, job: &Job) -> Result<Positions, Trouble> {
    let begin = |(partition, end): (&i32, &i64)| {
        let (start, _) = consumer
            .fetch_watermarks(&job.topic, *partition, ANSWER)
            .map_err(|error| unread(&job.topic, &error))?;
        let position = Position {
            next: start.min(*end),
            tail: *end,
            tally: Tally::default(),
        };
        Ok((*partition, position))
    };
    job.ends.iter().map(begin).collect()
}

/// For each of these partitions the first offset that Kafka has not deleted.
pub(super) fn starts(
    consumer: &BaseConsumer<Reached>,
    job: &Job,
    partitions: impl Iterator<Item = i32>,
) -> Result<BTreeMap<i32, i64>, Trouble> {
    let unread = |error: KafkaError| unread(&job.topic, &error);
    let partitions: BTreeSet<i32> = partitions.collect();
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        // In place of a timestamp, this asks for the first offset (ListOffsets, -2); one request for all partitions of a broker.
        let added = asked.add_partition_offset(&job.topic, partition, Offset::Beginning);
        added.map_err(unread)?;
    }
    let answered = consumer.offsets_for_times(asked, ANSWER).map_err(unread)?;
    let mut starts = BTreeMap::new();
    for found in answered.elements() {
        found.error().map_err(unread)?;
        if let Offset::Offset(start) = found.offset() {
            starts.insert(found.partition(), start);
        }
    }
    Ok(starts)
}

/// The offsets to commit, each with its bookmark.
pub(super) fn commits(job: &Job, positions: &Positions) -> Result<TopicPartitionList, KafkaError> {
    let mut commits = TopicPartitionList::with_capacity(positions.len());
    for (partition, position) in positions {
        let bookmark = Bookmark {
            tail: u64::try_from(position.tail).unwrap_or(0),
            tally: position.tally.clone(),
        };
        let mut commit = commits.add_partition(&job.topic, *partition);
        commit.set_offset(Offset::Offset(position.next))?;
        commit.set_metadata(bookmark.encode());
    }
    Ok(commits)
}

fn resumed(job: &Job, partition: i32, next: i64, text: &str) -> Result<Position, Trouble> {
    let Bookmark { tail, tally } = Bookmark::decode(text).map_err(|error| {
        lost(
            job,
            partition,
            &format!("its bookmark is unreadable, {error}"),
        )
    })?;
    Ok(Position {
        next,
        tail: i64::try_from(tail).unwrap_or(i64::MAX),
        tally,
    })
}

fn lost(job: &Job, partition: i32, why: &str) -> Trouble {
    let at = job.published.get(&partition).copied().unwrap_or(0);
    Trouble::Lost(format!(
        "the position in partition {partition} of {} is lost: {why}. Going on could bring letters home twice. It was at least {at}: create a new Redrive whose filter.offsets begin where this one stopped",
        job.topic
    ))
}

fn unread(topic: &str, error: &KafkaError) -> Trouble {
    Trouble::of(&format!("the offsets of {topic} could not be read"), error)
}

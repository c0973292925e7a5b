use std::time::{Duration, Instant};

use rdkafka::{
    consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata},
    error::KafkaError,
    message::{BorrowedMessage, Message},
};

use super::{
    End, Job, Phase, Progress, Trouble, Wish,
    body::{Body, Heard},
    book::Book,
    carrier::Carrier,
    effort::Effort,
    positions,
    reached::Reached,
    read,
    run::Shared,
    settings,
    tail::Tail,
};
use crate::{
    letter::origin,
    pace::{Pace, Turn},
    returns,
    speed::Speed,
    tally::Counts,
};

/// Most letters that are written in one transaction.
const MOST_LETTERS: u64 = 10_000;
/// Most letters that are looked at in one transaction.
const MOST_SCANNED: u64 = 20_000;
/// Most bytes of keys and values in one transaction, but for its last letter.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Longest time in which letters are gathered: until they are committed, readers of their topics wait. Where reading stops for a moment,
/// it is waited for: the end of a transaction takes Kafka some tens of milliseconds, so few large ones are sooner done.
const LONGEST: Duration = Duration::from_secs(1);
/// Longest wait for one letter before the clock is looked at.
const WAIT: Duration = Duration::from_millis(200);
/// Time between two publications.
const PUBLISH: Duration = Duration::from_millis(500);
/// Longest rest before what is wanted is looked at again.
const REST: Duration = Duration::from_secs(1);

/// Connects, finds out where the run stands, and goes on from there, until it ends or something goes wrong. After an error all that
/// was not committed is forgotten, with the clients that knew of it.
pub(super) fn session(job: &Job, shared: &Shared, effort: &mut Effort) -> Result<End, Trouble> {
    let unmade = |error: KafkaError| Trouble::of("no consumer could be made", &error);
    // They connect while the transactional id is asked for.
    let consumer: BaseConsumer<Reached> = settings::body(job)
        .create_with_context(Reached::default())
        .map_err(unmade)?;
    let returned: BaseConsumer = settings::tail(job).create().map_err(unmade)?;
    // Before anything is read: only then is nobody else's transaction under way, and what is committed stays so.
    let carrier = Carrier::new(job)?;
    let (positions, begins) = if job.dry_run {
        (positions::beginning(&consumer, job)?, true)
    } else {
        positions::read(&consumer, job)?
    };
    let group = consumer
        .group_metadata()
        .ok_or_else(|| Trouble::Passing("the consumer has no group yet".to_owned()))?;
    let tail = (!job.dry_run)
        .then(|| Tail::new(job, &returned, &positions))
        .transpose()?;
    let mut session = Session {
        job,
        shared,
        effort,
        carrier,
        group,
        body: Body::new(job, &consumer, &positions)?,
        tail,
        book: Book::new(positions, begins),
        pace: job.per_second.map(|limit| Pace::new(limit, Duration::ZERO)),
        speed: Speed::default(),
        began: Instant::now(),
        published: None,
    };
    let end = session.go()?;
    session.publish(Phase::Ended(end.clone()));
    Ok(end)
}

struct Session<'a> {
    job: &'a Job,
    shared: &'a Shared,
    effort: &'a mut Effort,
    carrier: Carrier<'a>,
    group: ConsumerGroupMetadata,
    body: Body<'a>,
    /// None in a dry run.
    tail: Option<Tail<'a>>,
    book: Book,
    pace: Option<Pace>,
    speed: Speed,
    began: Instant,
    published: Option<Instant>,
}

/// What is in the transaction under way.
#[derive(Debug, Default)]
struct Batch {
    scanned: u64,
    moved: u64,
    bytes: usize,
}

impl Batch {
    fn has_room(&self, most: u64) -> bool {
        self.moved < most && self.scanned < MOST_SCANNED && self.bytes < MOST_BYTES
    }
}

impl Session<'_> {
    fn go(&mut self) -> Result<End, Trouble> {
        // The beginning is committed at once: what is published from now on is what Kafka knows.
        self.commit()?;
        loop {
            match self.shared.wish() {
                None => return Ok(End::Left),
                Some(Wish::Cancel) => return Ok(End::Cancelled),
                Some(Wish::Suspend) => {
                    self.suspend()?;
                    continue;
                }
                Some(Wish::Run) => {}
            }
            let counts = self.book.counts();
            if let Some(end) = self.too_many_returned(&counts) {
                return Ok(end);
            }
            let left = self
                .job
                .max
                .map_or(u64::MAX, |max| max.saturating_sub(counts.moved()));
            if self.body.is_finished() || left == 0 {
                self.finish()?;
                return Ok(End::Completed);
            }
            match self.turn() {
                Turn::Go(letters) => self.transact(letters.min(left))?,
                Turn::Wait(wait) => self.shared.rest(wait.min(REST)),
            }
            if self.published.is_none_or(|last| last.elapsed() >= PUBLISH) {
                self.publish(Phase::Running);
            }
        }
    }

    fn suspend(&mut self) -> Result<(), Trouble> {
        self.look_for_returned()?;
        self.commit()?;
        self.publish(Phase::Suspended);
        while self.shared.wish() == Some(Wish::Suspend) {
            self.shared.rest(REST);
            self.commit()?;
        }
        self.body.rested();
        Ok(())
    }

    /// Counts what has come back up to now.
    fn finish(&mut self) -> Result<(), Trouble> {
        if let Some(tail) = &mut self.tail {
            tail.finish()?;
        }
        self.look_for_returned()?;
        self.commit()
    }

    fn turn(&mut self) -> Turn {
        let now = self.began.elapsed();
        self.pace
            .as_mut()
            .map_or(Turn::Go(MOST_LETTERS), |pace| pace.turn(now))
    }

    fn too_many_returned(&self, counts: &Counts) -> Option<End> {
        let percent = self.job.stop_at_returned_percent?;
        returns::too_many(counts.returned, counts.redriven, percent).then(|| {
            End::TooManyReturned(format!(
                "{} of {} letters came back to {}, more than {percent} %: mend what fails on them, then create a new Redrive",
                counts.returned, counts.redriven, self.job.topic
            ))
        })
    }

    /// Moves at most so many letters, in one transaction.
    fn transact(&mut self, most: u64) -> Result<(), Trouble> {
        let most = most.min(MOST_LETTERS);
        let began = Instant::now();
        let mut batch = Batch::default();
        while batch.has_room(most) && !self.body.is_finished() {
            let left = LONGEST.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            match self.body.read(left.min(WAIT))? {
                Heard::Letter(letter) => self.settle(&letter, &mut batch)?,
                Heard::Finished(partition) => {
                    let end = self.job.ends.get(&partition).copied();
                    let position = self.book.stage(partition);
                    position.next = end.unwrap_or(position.next);
                }
                Heard::Nothing => {}
            }
        }
        for (partition, offsets) in self.body.deleted()? {
            self.book.stage(partition).tally.counts.expired += offsets;
        }
        self.look_for_returned()?;
        self.commit()?;
        if let Some(pace) = &mut self.pace {
            pace.went(batch.moved);
        }
        Ok(())
    }

    /// Decides on a letter, writes its copy and counts it.
    fn settle(&mut self, record: &BorrowedMessage<'_>, batch: &mut Batch) -> Result<(), Trouble> {
        let letter = read::letter(record);
        let settled = self.carrier.carry(letter.as_ref())?;
        batch.scanned += 1;
        batch.moved += u64::from(settled.is_moved());
        batch.bytes += settled.bytes;
        let headers = letter.as_ref().map_or(&[][..], |letter| &letter.headers);
        let position = self.book.stage(record.partition());
        position.next = record.offset() + 1;
        position.tally.count(settled.fate(), || origin(headers));
        Ok(())
    }

    /// Commits what has been written, and what has been staged.
    fn commit(&mut self) -> Result<(), Trouble> {
        let due = self.book.due();
        if due.is_empty() {
            return Ok(());
        }
        self.carrier.commit(due, &self.group)?;
        self.book.settled();
        self.effort.paid_off();
        Ok(())
    }

    /// Stages what has come back since it was last looked for.
    fn look_for_returned(&mut self) -> Result<(), Trouble> {
        if let Some(tail) = &mut self.tail {
            tail.glance()?;
            self.book.returned(tail.take());
        }
        Ok(())
    }

    fn publish(&mut self, phase: Phase) {
        let report = self.book.report();
        let counts = report.counts;
        let now = self.began.elapsed();
        self.speed.observe(counts.scanned, counts.moved(), now);
        let partitions = self.book.stretches(self.job);
        let left = partitions
            .values()
            .map(|stretch| u64::try_from(stretch.end - stretch.next).unwrap_or(0))
            .sum();
        self.published = Some(Instant::now());
        self.shared.publish(Progress {
            phase,
            report,
            partitions,
            letters_per_second: self.speed.moved_per_second(),
            seconds_left: self.speed.seconds_left(left),
        });
    }
}

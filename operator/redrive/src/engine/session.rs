use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata},
    error::KafkaError,
    message::{BorrowedMessage, Message},
};

use super::{
    End, Job, Phase, Progress, Stretch, Trouble, Wish,
    body::{Body, Heard},
    copies::{self, homeward, unchanged},
    originals::Originals,
    positions::{self, Position, Positions},
    read,
    run::Shared,
    settings,
    tail::Tail,
    writer::Writer,
};
use crate::{
    decision::{Decision, Original, Skip, decide},
    letter::{Header, Letter, origin},
    pace::{Pace, Turn},
    returns,
    speed::Speed,
    tally::{Counts, Fate, Report, Tally},
};

/// Most letters that are written in one transaction.
const MOST_LETTERS: u64 = 1_000;
/// Most letters that are looked at in one transaction.
const MOST_SCANNED: u64 = 20_000;
/// Most bytes of keys and values in one transaction, but for its last letter.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Longest time in which letters are gathered: until they are committed, readers of their topics wait.
const LONGEST: Duration = Duration::from_secs(1);
/// Longest wait for the first letter of a transaction, and for each after it.
const FIRST: Duration = Duration::from_millis(200);
const NEXT: Duration = Duration::from_millis(20);
/// Time between two publications.
const PUBLISH: Duration = Duration::from_millis(500);
/// Longest rest before what is wanted is looked at again.
const REST: Duration = Duration::from_secs(1);
/// Time after which all positions are committed again: Kafka forgets what a group without members has not committed for
/// `offsets.retention.minutes`, 7 days by default.
const REFRESH: Duration = Duration::from_secs(3_600);

/// Tries since a transaction was last committed.
#[derive(Debug, Default)]
pub(super) struct Effort {
    tries: u32,
}

impl Effort {
    /// Tries after which what Kafka refuses is not tried again.
    const TRIES: u32 = 5;
    const SHORTEST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    /// Whether nothing came of many tries.
    pub(super) fn is_in_vain(&self) -> bool {
        self.tries >= Self::TRIES
    }

    /// The pause before the next try.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = Self::SHORTEST.saturating_mul(2_u32.saturating_pow(self.tries));
        self.tries += 1;
        pause.min(Self::LONGEST)
    }
}

/// Connects, finds out where the run stands, and goes on from there, until it ends or something goes wrong. After an error all that
/// was not committed is forgotten, with the clients that knew of it.
pub(super) fn session(job: &Job, shared: &Shared, effort: &mut Effort) -> Result<End, Trouble> {
    let unmade = |error: KafkaError| Trouble::of("no consumer could be made", &error);
    // First the transactional id: only then is nobody else's transaction under way, and what is committed stays so.
    let writer = (!job.dry_run).then(|| Writer::new(job)).transpose()?;
    let consumer: BaseConsumer = settings::body(job).create().map_err(unmade)?;
    let returned: BaseConsumer = settings::tail(job).create().map_err(unmade)?;
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
    let began = Instant::now();
    let mut session = Session {
        job,
        shared,
        effort,
        writer,
        group,
        body: Body::new(job, &consumer, &positions)?,
        tail,
        originals: Originals::new(job),
        staged: if begins {
            positions.clone()
        } else {
            Positions::new()
        },
        positions,
        pace: job.per_second.map(|limit| Pace::new(limit, Duration::ZERO)),
        speed: Speed::default(),
        began,
        refreshed: began,
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
    /// None in a dry run.
    writer: Option<Writer>,
    group: ConsumerGroupMetadata,
    body: Body<'a>,
    /// None in a dry run.
    tail: Option<Tail<'a>>,
    originals: Originals<'a>,
    /// What is committed.
    positions: Positions,
    /// What will be with the next transaction, of the partitions that have changed.
    staged: Positions,
    pace: Option<Pace>,
    speed: Speed,
    began: Instant,
    refreshed: Instant,
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
        self.commit(false)?;
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
            let counts = self.counts();
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
            self.publish_now_and_then();
        }
    }

    fn suspend(&mut self) -> Result<(), Trouble> {
        self.look_for_returned()?;
        self.commit(false)?;
        self.publish(Phase::Suspended);
        while self.shared.wish() == Some(Wish::Suspend) {
            self.shared.rest(REST);
            self.commit(false)?;
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
        self.commit(false)
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
        let mut open = false;
        while batch.has_room(most) && began.elapsed() < LONGEST {
            match self.body.read(if open { NEXT } else { FIRST })? {
                Heard::Letter(letter) => {
                    if !open {
                        self.begin()?;
                        open = true;
                    }
                    self.settle(&letter, &mut batch)?;
                }
                Heard::Finished(partition) => {
                    let end = self.job.ends.get(&partition).copied();
                    let position = self.stage(partition);
                    position.next = end.unwrap_or(position.next);
                }
                Heard::Nothing => break,
            }
        }
        self.look_for_returned()?;
        self.commit(open)?;
        if let Some(pace) = &mut self.pace {
            pace.went(batch.moved);
        }
        Ok(())
    }

    /// Decides on a letter, writes its copy and counts it.
    fn settle(&mut self, record: &BorrowedMessage<'_>, batch: &mut Batch) -> Result<(), Trouble> {
        batch.scanned += 1;
        let letter = read::letter(record);
        let decision = letter
            .as_ref()
            .map(|letter| self.carry(letter, batch))
            .transpose()?;
        let fate = decision.as_ref().map_or(Fate::Unreadable, fate);
        batch.moved += u64::from(matches!(fate, Fate::Home(_) | Fate::Quarantined(_)));
        let headers = letter.as_ref().map_or(&[][..], |letter| &letter.headers);
        let position = self.stage(record.partition());
        position.next = record.offset() + 1;
        position.tally.count(fate, || origin(headers));
        Ok(())
    }

    /// Decides on a letter and writes its copy, where there is to be one.
    fn carry(&mut self, letter: &Letter<'_>, batch: &mut Batch) -> Result<Settled, Trouble> {
        let Job { rules, earlier, .. } = self.job;
        let decision = decide(letter, Original::Unread, rules, earlier);
        let Decision::Fetch {
            topic,
            partition,
            offset,
        } = &decision
        else {
            self.write(
                &decision,
                letter,
                &letter.headers,
                copies::Body::of(letter),
                batch,
            )?;
            return Ok(Settled::Decided(decision));
        };
        let Some(original) = self.originals.read(topic, *partition, *offset)? else {
            return Ok(Settled::OriginalExpired);
        };
        let Some(headers) = read::headers(&original) else {
            return Ok(Settled::OriginalUnreadable);
        };
        let decision = decide(letter, Original::Read(&headers), rules, earlier);
        let body = copies::Body {
            key: original.key(),
            value: original.payload(),
            timestamp: original.timestamp().to_millis(),
        };
        self.write(&decision, letter, &headers, body, batch)?;
        Ok(Settled::Decided(decision))
    }

    fn write(
        &self,
        decision: &Decision,
        letter: &Letter<'_>,
        headers: &[Header<'_>],
        body: copies::Body<'_>,
        batch: &mut Batch,
    ) -> Result<(), Trouble> {
        let Some(writer) = &self.writer else {
            return Ok(());
        };
        let place = (letter.partition, letter.offset);
        match decision {
            Decision::Home {
                topic,
                partition,
                attempt,
            } => {
                batch.bytes += body.size();
                let headers = homeward(headers, &letter.headers, &self.job.redrive, *attempt);
                writer.copy(place, topic, *partition, body, headers)
            }
            Decision::Quarantine { topic } => {
                let body = copies::Body::of(letter);
                batch.bytes += body.size();
                writer.copy(place, topic, None, body, unchanged(&letter.headers))
            }
            _ => Ok(()),
        }
    }

    fn begin(&self) -> Result<(), Trouble> {
        self.writer.as_ref().map_or(Ok(()), Writer::begin)
    }

    /// Commits what is staged. `open` says whether a transaction is under way.
    fn commit(&mut self, open: bool) -> Result<(), Trouble> {
        if self.refreshed.elapsed() >= REFRESH {
            for (partition, position) in &self.positions {
                let staged = self.staged.entry(*partition);
                staged.or_insert_with(|| position.clone());
            }
            self.refreshed = Instant::now();
        }
        if self.staged.is_empty() && !open {
            return Ok(());
        }
        if let Some(writer) = &self.writer {
            if !open {
                writer.begin()?;
            }
            let offsets = positions::commits(self.job, &self.staged)
                .map_err(|error| Trouble::of("offsets could not be written", &error))?;
            writer.commit(&offsets, &self.group)?;
        }
        self.positions.append(&mut self.staged);
        *self.effort = Effort::default();
        Ok(())
    }

    /// Stages what has come back since it was last looked for.
    fn look_for_returned(&mut self) -> Result<(), Trouble> {
        let Some(tail) = &mut self.tail else {
            return Ok(());
        };
        tail.glance()?;
        for (partition, news) in tail.take() {
            let position = self.stage(partition);
            position.tail = news.next;
            position.tally.counts.returned += news.returned;
        }
        Ok(())
    }

    fn stage(&mut self, partition: i32) -> &mut Position {
        let committed = &self.positions;
        self.staged.entry(partition).or_insert_with(|| {
            committed
                .get(&partition)
                .cloned()
                .unwrap_or_else(|| Position {
                    next: 0,
                    tail: 0,
                    tally: Tally::default(),
                })
        })
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for position in self.positions.values() {
            counts += position.tally.counts;
        }
        counts
    }

    fn publish_now_and_then(&mut self) {
        if self.published.is_none_or(|last| last.elapsed() >= PUBLISH) {
            self.publish(Phase::Running);
        }
    }

    fn publish(&mut self, phase: Phase) {
        self.published = Some(Instant::now());
        let report = Report::of(self.positions.values().map(|position| &position.tally));
        let counts = report.counts;
        self.speed
            .observe(counts.scanned, counts.moved(), self.began.elapsed());
        let stretch = |(partition, position): (&i32, &Position)| {
            let end = self.job.ends.get(partition).copied().unwrap_or(0);
            let next = position.next;
            (*partition, Stretch { next, end })
        };
        let partitions: BTreeMap<i32, Stretch> = self.positions.iter().map(stretch).collect();
        let left = partitions
            .values()
            .map(|stretch| u64::try_from(stretch.end - stretch.next).unwrap_or(0))
            .sum();
        self.shared.publish(Progress {
            phase,
            report,
            partitions,
            letters_per_second: self.speed.moved_per_second(),
            seconds_left: self.speed.seconds_left(left),
        });
    }
}

/// What came of a letter that could be read.
enum Settled {
    Decided(Decision),
    OriginalExpired,
    OriginalUnreadable,
}

fn fate(settled: &Settled) -> Fate<'_> {
    match settled {
        Settled::Decided(Decision::Home { topic, .. }) => Fate::Home(topic),
        Settled::Decided(Decision::Quarantine { topic }) => Fate::Quarantined(topic),
        Settled::Decided(Decision::Refused { .. }) => Fate::Refused,
        Settled::Decided(Decision::Skip(Skip::NotMatched)) => Fate::NotMatched,
        Settled::Decided(Decision::Skip(Skip::NoOrigin)) => Fate::NoOrigin,
        Settled::Decided(Decision::Skip(Skip::AlreadyHome)) => Fate::AlreadyHome,
        Settled::Decided(Decision::Skip(Skip::Exceeded)) => Fate::Exceeded,
        Settled::OriginalUnreadable => Fate::Unreadable,
        Settled::Decided(Decision::Fetch { .. }) | Settled::OriginalExpired => {
            Fate::OriginalExpired
        }
    }
}

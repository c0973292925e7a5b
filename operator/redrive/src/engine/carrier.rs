use rdkafka::{Message, consumer::ConsumerGroupMetadata, message::OwnedMessage};

use super::{
    Job, Trouble,
    copies::{Body, homeward, unchanged},
    originals::Originals,
    positions::{self, Positions},
    read,
    writer::Writer,
};
use crate::{
    decision::{Decision, Original, Skip, decide},
    letter::{Header, Letter},
    tally::Fate,
};

/// Decides on letters and writes their copies.
pub(super) struct Carrier<'a> {
    job: &'a Job,
    /// None in a dry run.
    writer: Option<Writer>,
    originals: Originals<'a>,
    open: bool,
}

/// What came of a letter.
pub(super) struct Settled {
    outcome: Outcome,
    /// Bytes of key and value that were written.
    pub(super) bytes: usize,
}

enum Outcome {
    Decided(Decision),
    Unreadable,
    OriginalExpired,
}

impl Settled {
    /// As it is counted.
    pub(super) fn fate(&self) -> Fate<'_> {
        let decision = match &self.outcome {
            Outcome::Decided(decision) => decision,
            Outcome::Unreadable => return Fate::Unreadable,
            Outcome::OriginalExpired => return Fate::OriginalExpired,
        };
        match decision {
            Decision::Home { topic, .. } => Fate::Home(topic),
            Decision::Quarantine { topic } => Fate::Quarantined(topic),
            Decision::Fetch { .. } => Fate::OriginalExpired,
            Decision::Refused { .. } => Fate::Refused,
            Decision::Skip(Skip::NotMatched) => Fate::NotMatched,
            Decision::Skip(Skip::NoOrigin) => Fate::NoOrigin,
            Decision::Skip(Skip::AlreadyHome) => Fate::AlreadyHome,
            Decision::Skip(Skip::Exceeded) => Fate::Exceeded,
        }
    }

    /// Whether a copy was written.
    pub(super) fn is_moved(&self) -> bool {
        matches!(self.fate(), Fate::Home(_) | Fate::Quarantined(_))
    }
}

impl<'a> Carrier<'a> {
    /// Takes over the Redrive from whoever carried it before, unless this is a dry run.
    pub(super) fn new(job: &'a Job) -> Result<Self, Trouble> {
        Ok(Self {
            job,
            writer: (!job.dry_run).then(|| Writer::new(job)).transpose()?,
            originals: Originals::new(job),
            open: false,
        })
    }

    /// Decides on a letter and writes its copy, where there is to be one.
    pub(super) fn carry(&mut self, letter: Option<&Letter<'_>>) -> Result<Settled, Trouble> {
        let Some(letter) = letter else {
            return Ok(stays(Outcome::Unreadable));
        };
        let Job { rules, earlier, .. } = self.job;
        let decision = decide(letter, Original::Unread, rules, earlier);
        let Decision::Fetch {
            topic,
            partition,
            offset,
        } = &decision
        else {
            return self.write(decision, letter, &letter.headers, Body::of(letter));
        };
        let Some(original) = self.originals.read(topic, *partition, *offset)? else {
            return Ok(stays(Outcome::OriginalExpired));
        };
        self.carry_original(letter, &original)
    }

    fn carry_original(
        &mut self,
        letter: &Letter<'_>,
        original: &OwnedMessage,
    ) -> Result<Settled, Trouble> {
        let Some(headers) = read::headers(original) else {
            return Ok(stays(Outcome::Unreadable));
        };
        let Job { rules, earlier, .. } = self.job;
        let decision = decide(letter, Original::Read(&headers), rules, earlier);
        let body = Body {
            key: original.key(),
            value: original.payload(),
            timestamp: original.timestamp().to_millis(),
        };
        self.write(decision, letter, &headers, body)
    }

    /// Writes what goes home with `body` and `headers`, and what goes to quarantine as it is.
    fn write(
        &mut self,
        decision: Decision,
        letter: &Letter<'_>,
        headers: &[Header<'_>],
        body: Body<'_>,
    ) -> Result<Settled, Trouble> {
        let (topic, partition, body, headers) = match &decision {
            Decision::Home {
                topic,
                partition,
                attempt,
            } => {
                let redrive = &self.job.redrive;
                let headers = homeward(headers, &letter.headers, redrive, *attempt);
                (topic, *partition, body, headers)
            }
            Decision::Quarantine { topic } => {
                let headers = unchanged(&letter.headers);
                (topic, None, Body::of(letter), headers)
            }
            _ => return Ok(stays(Outcome::Decided(decision))),
        };
        self.begin()?;
        if let Some(writer) = &self.writer {
            let place = (letter.partition, letter.offset);
            writer.copy(place, topic, partition, body, headers)?;
        }
        Ok(Settled {
            bytes: body.size(),
            outcome: Outcome::Decided(decision),
        })
    }

    /// Commits what was written since the last time together with `positions`.
    pub(super) fn commit(
        &mut self,
        positions: &Positions,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), Trouble> {
        self.begin()?;
        if let Some(writer) = &self.writer {
            let offsets = positions::commits(self.job, positions)
                .map_err(|error| Trouble::of("offsets could not be written", &error))?;
            writer.commit(&offsets, group)?;
        }
        self.open = false;
        Ok(())
    }

    /// Begins a transaction where none is under way.
    fn begin(&mut self) -> Result<(), Trouble> {
        if let Some(writer) = self.writer.as_ref().filter(|_| !self.open) {
            writer.begin()?;
        }
        self.open = true;
        Ok(())
    }
}

fn stays(outcome: Outcome) -> Settled {
    Settled { outcome, bytes: 0 }
}

use super::{Destination, EarlierRun, Rules};
use crate::letter::{Header, Letter, attempts, return_address};

/// What becomes of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes home.
    Home {
        /// The topic it goes to.
        topic: String,
        /// The partition of that topic it was read from, where it still exists. None: the one its key gives.
        partition: Option<i32>,
        /// The how manieth time this is, from 1.
        attempt: u32,
    },
    /// It has been brought home too often and goes to quarantine, as it is.
    Quarantine {
        /// The topic it goes to.
        topic: String,
    },
    /// It has no body and must be read again from where it came, to be decided on with what is found there.
    Fetch {
        /// The topic to read.
        topic: String,
        /// The partition to read.
        partition: i32,
        /// The offset of the record.
        offset: i64,
    },
    /// It would go to a topic that may not be written to, and stays.
    Refused {
        /// That topic.
        topic: String,
    },
    /// It stays.
    Skip(Skip),
}

/// Why a letter stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The filter does not mean it.
    NotMatched,
    /// It is to go where it came from, and its headers do not say where that is.
    NoOrigin,
    /// An earlier Redrive has brought it home, or to quarantine.
    AlreadyHome,
    /// It has been brought home too often, and there is no quarantine.
    Exceeded,
}

/// The record that a letter without a body tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original<'a> {
    /// It was not read, or need not be.
    Unread,
    /// It was read, and has these headers.
    Read(&'a [Header<'a>]),
}

/// Decides on a letter. `earlier` are the runs whose letters are not to be brought home a second time.
///
/// What an earlier run has done is not written down letter by letter: it is decided anew by that run's rules, which gives what
/// it gave then. Of a letter without a body it is not known whether its original could still be read then; where it could not,
/// it cannot be read now either.
pub fn decide(
    letter: &Letter<'_>,
    original: Original<'_>,
    rules: &Rules,
    earlier: &[EarlierRun],
) -> Decision {
    if !rules.filter.matches(letter) {
        Decision::Skip(Skip::NotMatched)
    } else if earlier.iter().any(|run| run.took(letter)) {
        Decision::Skip(Skip::AlreadyHome)
    } else {
        rules.place(letter, original)
    }
}

impl EarlierRun {
    fn took(&self, letter: &Letter<'_>) -> bool {
        let reached = self
            .processed
            .get(&letter.partition)
            .is_some_and(|next| letter.offset < *next);
        reached
            && self.rules.filter.matches(letter)
            && matches!(
                self.rules.place(letter, Original::Unread),
                Decision::Home { .. } | Decision::Quarantine { .. } | Decision::Fetch { .. }
            )
    }
}

impl Rules {
    /// Where a letter goes that the filter means.
    fn place(&self, letter: &Letter<'_>, original: Original<'_>) -> Decision {
        let address = return_address(&letter.headers);
        let topic = match (&self.to, &address) {
            (Destination::Topic(topic), _) => topic,
            (Destination::Origin, Some(address)) => &address.topic,
            (Destination::Origin, None) => return Decision::Skip(Skip::NoOrigin),
        };
        let before = match original {
            Original::Unread => attempts(&letter.headers),
            Original::Read(headers) => attempts(&letter.headers).max(attempts(headers)),
        };
        if before >= self.max_attempts {
            return self.put_away();
        }
        let Some(partitions) = self.allowed.get(topic) else {
            return Decision::Refused {
                topic: topic.clone(),
            };
        };
        let came_from = address
            .as_ref()
            .and_then(|address| Some((&address.topic, address.partition?, address.offset)));
        if let (true, Original::Unread, Some((source, partition, Some(offset)))) =
            (letter.has_no_body(), original, came_from)
        {
            return Decision::Fetch {
                topic: source.clone(),
                partition,
                offset,
            };
        }
        let partition = came_from
            .filter(|(source, partition, _)| *source == topic && partition < partitions)
            .map(|(_, partition, _)| partition);
        Decision::Home {
            topic: topic.clone(),
            partition,
            attempt: before.saturating_add(1),
        }
    }

    fn put_away(&self) -> Decision {
        match &self.quarantine {
            None => Decision::Skip(Skip::Exceeded),
            Some(topic) if self.allowed.contains_key(topic) => Decision::Quarantine {
                topic: topic.clone(),
            },
            Some(topic) => Decision::Refused {
                topic: topic.clone(),
            },
        }
    }
}

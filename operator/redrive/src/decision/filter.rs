use crate::letter::{Letter, origin};

/// Which letters are meant. Each part that says nothing holds for all letters; a letter must satisfy all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The reason is one of these, as [`crate::letter::Origin`] has it.
    pub reasons: Vec<String>,
    /// The source is one of these, as [`crate::letter::Origin`] has it.
    pub sources: Vec<String>,
    /// The letter's timestamp is not earlier, in milliseconds since 1970.
    pub from: Option<i64>,
    /// The letter's timestamp is earlier, in milliseconds since 1970.
    pub until: Option<i64>,
    /// The letter lies in one of these; a partition without a range has none that is meant.
    pub offsets: Vec<OffsetRange>,
    /// The key begins with these bytes.
    pub key_prefix: Vec<u8>,
    /// For each pair the letter has a header of this name with exactly this value.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A part of one partition of the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// Number of the partition.
    pub partition: i32,
    /// The first offset of the part.
    pub from: i64,
    /// The first offset behind the part. None where it has no end.
    pub until: Option<i64>,
}

impl OffsetRange {
    fn contains(&self, letter: &Letter<'_>) -> bool {
        letter.partition == self.partition
            && letter.offset >= self.from
            && self.until.is_none_or(|until| letter.offset < until)
    }
}

impl Filter {
    /// Whether the letter is meant. A letter without a timestamp is not where times are asked for, nor one without a key where
    /// a key is.
    pub fn matches(&self, letter: &Letter<'_>) -> bool {
        self.is_in_time(letter)
            && (self.offsets.is_empty() || self.offsets.iter().any(|range| range.contains(letter)))
            && (self.key_prefix.is_empty()
                || letter
                    .key
                    .is_some_and(|key| key.starts_with(&self.key_prefix)))
            && self.headers.iter().all(|pair| has(letter, pair))
            && self.is_of_its_origin(letter)
    }

    fn is_in_time(&self, letter: &Letter<'_>) -> bool {
        let after = |from| letter.timestamp.is_some_and(|time| time >= from);
        let before = |until| letter.timestamp.is_some_and(|time| time < until);
        self.from.is_none_or(after) && self.until.is_none_or(before)
    }

    fn is_of_its_origin(&self, letter: &Letter<'_>) -> bool {
        if self.reasons.is_empty() && self.sources.is_empty() {
            return true;
        }
        let origin = origin(&letter.headers);
        (self.reasons.is_empty() || self.reasons.contains(&origin.reason))
            && (self.sources.is_empty() || self.sources.contains(&origin.source))
    }
}

fn has(letter: &Letter<'_>, (name, value): &(String, Vec<u8>)) -> bool {
    letter
        .headers
        .iter()
        .any(|header| header.name == name && header.value == Some(value.as_slice()))
}

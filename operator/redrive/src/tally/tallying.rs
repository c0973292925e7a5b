use super::{Counts, Histogram};
use crate::letter::Origin;

/// Bytes for the lines of reasons when written. With those of destinations they leave room for the counts within a bookmark.
pub(crate) const ROOM_FOR_REASONS: usize = 1_850;
/// Bytes for the lines of destinations when written.
pub(crate) const ROOM_FOR_DESTINATIONS: usize = 1_250;
/// Longest reason, and longest source, of a line, in bytes.
const LONGEST: usize = 200;
/// What parts a reason from its source: neither contains it.
pub(super) const PART: char = '\t';

/// What has become of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// The filter does not mean it.
    NotMatched,
    /// The names of its headers, or of its original's, are not text, so that it cannot be told what it is.
    Unreadable,
    /// It went home to this topic.
    Home(&'a str),
    /// It went to this topic to stay there.
    Quarantined(&'a str),
    /// Nobody knows where it came from.
    NoOrigin,
    /// An earlier Redrive had brought it home.
    AlreadyHome,
    /// It had been brought home too often.
    Exceeded,
    /// The topic it would go to may not be written to.
    Refused,
    /// It has no body, and its original is no longer there.
    OriginalExpired,
}

/// What has become of the letters of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many came to what.
    pub counts: Counts,
    /// The letters that the filter means, by reason and source.
    pub(crate) reasons: Histogram,
    /// The letters that were written, by topic.
    pub(crate) destinations: Histogram,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            reasons: Histogram::new(ROOM_FOR_REASONS),
            destinations: Histogram::new(ROOM_FOR_DESTINATIONS),
        }
    }
}

impl Tally {
    /// Counts a letter. `origin` is asked for where the letter is one that the filter means.
    pub fn count(&mut self, fate: Fate<'_>, origin: impl FnOnce() -> Origin) {
        add_one(&mut self.counts.scanned);
        let count = match fate {
            Fate::NotMatched => return,
            Fate::Unreadable => return add_one(&mut self.counts.unreadable),
            Fate::Home(topic) => {
                self.destinations.count(topic);
                &mut self.counts.redriven
            }
            Fate::Quarantined(topic) => {
                self.destinations.count(topic);
                &mut self.counts.quarantined
            }
            Fate::NoOrigin => &mut self.counts.no_origin,
            Fate::AlreadyHome => &mut self.counts.already_home,
            Fate::Exceeded => &mut self.counts.exceeded,
            Fate::Refused => &mut self.counts.refused,
            Fate::OriginalExpired => &mut self.counts.original_expired,
        };
        add_one(count);
        add_one(&mut self.counts.matched);
        self.reasons.count(&label(&origin()));
    }
}

/// A count that was read from a bookmark may be any.
fn add_one(count: &mut u64) {
    *count = count.saturating_add(1);
}

fn label(origin: &Origin) -> String {
    let (reason, source) = (short(&origin.reason), short(&origin.source));
    let label = format!("{reason}{PART}{source}");
    let odd = |c: char| c.is_control() && c != PART;
    if label.contains(odd) {
        return label.replace(odd, " ");
    }
    label
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

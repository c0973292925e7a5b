use std::collections::BTreeMap;

/// Lines a histogram has at most.
pub const MOST_LINES: usize = 20;
/// Bytes that a line takes beside its name: its count of at most 19 digits, and what parts them.
const LINE: usize = 22;

/// How often each name was counted, in bounded room: at most [`MOST_LINES`] lines that take at most `room` bytes when written.
/// Names beyond that are counted without their name.
///
/// A new name always gets a line, and takes it from the names that were counted least: a flood of names that come once each cannot
/// displace one that comes often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    lines: BTreeMap<String, u64>,
    other: u64,
    room: usize,
}

impl Histogram {
    /// An empty one whose lines take at most `room` bytes, names and counts together.
    pub fn new(room: usize) -> Self {
        Self {
            lines: BTreeMap::new(),
            other: 0,
            room,
        }
    }

    /// Counts `name` once.
    pub fn count(&mut self, name: &str) {
        if let Some(count) = self.lines.get_mut(name) {
            *count = count.saturating_add(1);
            return;
        }
        self.insert(name, 1);
    }

    /// Puts in a line as it was before. False where it does not fit, or is there already.
    pub fn restore(&mut self, name: &str, count: u64) -> bool {
        let fits = self.lines.len() < MOST_LINES && self.size() + name.len() + LINE <= self.room;
        fits && self.lines.insert(name.to_owned(), count).is_none()
    }

    /// Counts so many without a name.
    pub fn count_others(&mut self, count: u64) {
        self.other = self.other.saturating_add(count);
    }

    /// The names with their counts, in the order of the names.
    pub fn lines(&self) -> impl Iterator<Item = (&str, u64)> {
        self.lines
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
    }

    /// How many were counted without their name.
    pub fn other(&self) -> u64 {
        self.other
    }

    fn insert(&mut self, name: &str, count: u64) {
        self.lines.insert(name.to_owned(), count);
        while self.lines.len() > MOST_LINES || self.size() > self.room {
            let rest = self.lines.iter().filter(|(line, _)| *line != name);
            let Some(least) = rest
                .min_by_key(|(_, count)| **count)
                .map(|(line, _)| line.clone())
            else {
                break;
            };
            let count = self.lines.remove(&least).unwrap_or(0);
            self.count_others(count);
        }
        if self.size() > self.room {
            self.lines.remove(name);
            self.count_others(count);
        }
    }

    fn size(&self) -> usize {
        self.lines.keys().map(|name| name.len() + LINE).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(histogram: &Histogram) -> u64 {
        histogram.other() + histogram.lines().map(|(_, count)| count).sum::<u64>()
    }

    #[test]
    fn few_names_are_counted_exactly() {
        let mut histogram = Histogram::new(1_000);
        ["a", "b", "a"]
            .iter()
            .for_each(|name| histogram.count(name));
        assert_eq!(histogram.lines().collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
        assert_eq!(histogram.other(), 0);
    }

    #[test]
    fn a_flood_of_names_takes_no_room_and_no_line_from_a_frequent_one() {
        let mut histogram = Histogram::new(1_000);
        for turn in 0..10_000 {
            histogram.count(&format!("once {turn}"));
            histogram.count("often");
        }
        assert!(histogram.lines().count() <= MOST_LINES && histogram.size() <= 1_000);
        assert_eq!(total(&histogram), 20_000);
        assert!(histogram.lines().any(|line| line == ("often", 10_000)));
    }

    #[test]
    fn a_name_without_room_is_counted_all_the_same() {
        let mut histogram = Histogram::new(100);
        histogram.count(&"x".repeat(500));
        assert_eq!((histogram.lines().count(), histogram.other()), (0, 1));
        assert!(!histogram.restore(&"x".repeat(500), 1));
    }
}

//! How far one partition has been processed and what came of it, as text that Kafka keeps with the committed offset.

use std::fmt::Write;

use thiserror::Error;

use crate::tally::{Counts, Tally};

/// Most bytes of a bookmark. Kafka takes 4,096 by default (`offset.metadata.max.bytes`).
pub const LARGEST: usize = 3_500;
/// What a bookmark begins with. A later version that writes something else begins with another.
const VERSION: &str = "millrace-redrive/2";

/// What is known of a partition beside the offset of its next letter.
///
/// As text:
/// ```text
/// millrace-redrive/2
/// <tail> <each count> <reasons without a line> <destinations without a line>
/// r<count>\t<reason>\t<source>
/// d<count>\t<topic>
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// The next offset to look at for letters that came back, at least 0.
    pub tail: u64,
    /// What has become of the letters before the committed offset.
    pub tally: Tally,
}

/// Why a text is no bookmark.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It does not begin as a bookmark of this version does.
    #[error("it does not begin with {VERSION}")]
    Version,
    /// The counts are not numbers, or not as many as there are.
    #[error("its second line is not made of {} numbers", Counts::FIELDS + 3)]
    Counts,
    /// A line, counted from 1, is none.
    #[error("its line {0} is not a count and a name that fits")]
    Line(usize),
}

impl Bookmark {
    /// The text: at most [`LARGEST`] bytes.
    pub fn encode(&self) -> String {
        let Self { tail, tally } = self;
        let mut counts = tally.counts;
        let mut text = format!("{VERSION}\n{tail}");
        // Writing to a String cannot fail.
        for count in counts.fields() {
            let _ = write!(text, " {count}");
        }
        let _ = write!(
            text,
            " {} {}",
            tally.reasons.other(),
            tally.destinations.other()
        );
        for (sign, histogram) in [('r', &tally.reasons), ('d', &tally.destinations)] {
            for (name, count) in histogram.lines() {
                let _ = write!(text, "\n{sign}{count}\t{name}");
            }
        }
        text
    }

    /// Reads a text that [`Bookmark::encode`] has written.
    ///
    /// # Errors
    /// When it is something else.
    pub fn decode(text: &str) -> Result<Self, Unreadable> {
        let mut lines = text.split('\n');
        if lines.next() != Some(VERSION) {
            return Err(Unreadable::Version);
        }
        let mut bookmark = numbers(lines.next()).ok_or(Unreadable::Counts)?;
        for (index, line) in lines.enumerate() {
            add(&mut bookmark.tally, line).ok_or(Unreadable::Line(index + 3))?;
        }
        Ok(bookmark)
    }
}

fn numbers(line: Option<&str>) -> Option<Bookmark> {
    let numbers: Result<Vec<u64>, _> = line?.split(' ').map(str::parse).collect();
    let numbers = numbers.ok()?;
    let (tail, rest) = numbers.split_first()?;
    let (counts, others) = rest.split_at_checked(Counts::FIELDS)?;
    let [reasons, destinations] = others else {
        return None;
    };
    let mut tally = Tally::default();
    for (field, count) in tally.counts.fields().into_iter().zip(counts) {
        *field = *count;
    }
    tally.reasons.count_others(*reasons);
    tally.destinations.count_others(*destinations);
    Some(Bookmark { tail: *tail, tally })
}

fn add(tally: &mut Tally, line: &str) -> Option<()> {
    let (histogram, rest) = match line.split_at_checked(1)? {
        ("r", rest) => (&mut tally.reasons, rest),
        ("d", rest) => (&mut tally.destinations, rest),
        _ => return None,
    };
    let (count, name) = rest.split_once('\t')?;
    histogram.restore(name, count.parse().ok()?).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        letter::Origin,
        tally::{Fate, Report},
    };

    fn counted(letters: &[(String, String, u8)]) -> Tally {
        let mut tally = Tally::default();
        for (reason, source, fate) in letters {
            count(&mut tally, reason, source, *fate);
        }
        tally
    }

    fn count(tally: &mut Tally, reason: &str, source: &str, fate: u8) {
        let fate = match fate % 5 {
            0 => Fate::Home(source),
            1 => Fate::Quarantined(source),
            2 => Fate::NotMatched,
            3 => Fate::Refused,
            _ => Fate::AlreadyHome,
        };
        tally.count(fate, || Origin {
            reason: reason.to_owned(),
            source: source.to_owned(),
        });
    }

    fn letters() -> impl Strategy<Value = Vec<(String, String, u8)>> {
        prop::collection::vec(("\\PC{0,300}", "[a-zA-Z0-9._-]{1,249}", any::<u8>()), 0..60)
    }

    #[test]
    fn it_is_written_as_documented() {
        let tally = counted(&[
            ("NoPrice".to_owned(), "orders".to_owned(), 0),
            ("NoPrice".to_owned(), "orders".to_owned(), 4),
        ]);
        let text = Bookmark { tail: 9, tally }.encode();
        assert_eq!(
            text,
            "millrace-redrive/2\n9 2 2 1 0 0 1 0 0 0 0 0 0 0 0\nr2\tNoPrice\torders\nd1\torders"
        );
    }

    #[test]
    fn a_flood_of_reasons_and_destinations_fits() {
        let mut tally = Tally::default();
        for turn in 0..5_000 {
            let wide = "\u{1f4ee}".repeat(turn % 250);
            count(
                &mut tally,
                &format!("{turn} {wide}"),
                &format!("t{turn}{}", "x".repeat(turn % 240)),
                0,
            );
        }
        for count in tally.counts.fields() {
            *count = u64::MAX / 2;
        }
        tally.reasons.count_others(u64::MAX);
        tally.destinations.count_others(u64::MAX);
        let bookmark = Bookmark {
            tail: u64::MAX,
            tally,
        };
        let text = bookmark.encode();
        assert!(text.len() <= LARGEST, "{}", text.len());
        assert_eq!(Bookmark::decode(&text), Ok(bookmark));
    }

    #[test]
    fn what_is_something_else_is_told_from_it() {
        let whole = Bookmark::default().encode();
        assert_eq!(Bookmark::decode(""), Err(Unreadable::Version));
        assert_eq!(
            Bookmark::decode(&whole.replace("/2", "/1")),
            Err(Unreadable::Version)
        );
        assert_eq!(Bookmark::decode(VERSION), Err(Unreadable::Counts));
        assert_eq!(
            Bookmark::decode(&format!("{whole} 7")),
            Err(Unreadable::Counts)
        );
        for line in ["", "r", "r1", "rx\ta\tb", "x1\ta", "r-1\ta"] {
            let text = format!("{whole}\n{line}");
            assert_eq!(Bookmark::decode(&text), Err(Unreadable::Line(3)), "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_written_is_read(letters in letters(), tail in any::<u64>()) {
            let bookmark = Bookmark { tail, tally: counted(&letters) };
            let text = bookmark.encode();
            prop_assert!(text.len() <= LARGEST);
            prop_assert_eq!(Bookmark::decode(&text), Ok(bookmark));
        }

        #[test]
        fn a_death_anywhere_changes_no_report(letters in letters(), death in any::<prop::sample::Index>()) {
            let whole = counted(&letters);
            let (before, after) = letters.split_at(death.index(letters.len() + 1));
            let written = Bookmark { tail: 0, tally: counted(before) }.encode();
            let mut resumed = Bookmark::decode(&written).unwrap().tally;
            for (reason, source, fate) in after {
                count(&mut resumed, reason, source, *fate);
            }
            prop_assert_eq!(Report::of([&whole].into_iter()), Report::of([&resumed].into_iter()));
        }

        #[test]
        fn any_text_is_a_bookmark_or_an_error(text in ".{0,400}") {
            let _ = Bookmark::decode(&text);
        }

        #[test]
        fn a_damaged_bookmark_is_one_or_an_error(letters in letters(), at in any::<prop::sample::Index>(), with in any::<char>()) {
            let text = Bookmark { tail: 0, tally: counted(&letters) }.encode();
            let mut damaged: Vec<char> = text.chars().collect();
            let index = at.index(damaged.len());
            damaged[index] = with;
            let _ = Bookmark::decode(&damaged.into_iter().collect::<String>());
        }
    }
}

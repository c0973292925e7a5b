use std::collections::BTreeMap;

use super::{Counts, Histogram, MOST_LINES, Tally, tallying::PART};
use crate::letter::Origin;

/// What the reasons, sources and destinations beyond those shown are summed up as.
pub const OTHER: &str = "Other";

/// What has become of the letters of all partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many came to what.
    pub counts: Counts,
    /// The letters that the filter means, by reason and source, the most frequent first: at most [`MOST_LINES`], and [`OTHER`]
    /// behind them where there are more.
    pub by_reason: Vec<(Origin, u64)>,
    /// The letters that were written, by topic, in the same manner.
    pub by_destination: Vec<(String, u64)>,
}

impl Report {
    /// Sums up the partitions.
    pub fn of<'a>(tallies: impl Iterator<Item = &'a Tally> + Clone) -> Self {
        let mut counts = Counts::default();
        for tally in tallies.clone() {
            counts += tally.counts;
        }
        let reasons = summed(tallies.clone().map(|tally| &tally.reasons));
        Self {
            counts,
            by_reason: reasons
                .into_iter()
                .map(|(label, count)| (origin(&label), count))
                .collect(),
            by_destination: summed(tallies.map(|tally| &tally.destinations)),
        }
    }
}

fn origin(label: &str) -> Origin {
    let (reason, source) = label.split_once(PART).unwrap_or((label, label));
    Origin {
        reason: reason.to_owned(),
        source: source.to_owned(),
    }
}

/// The most frequent of `sums` first, at most [`MOST_LINES`]; what is behind them is added to `rest`.
pub fn most_frequent<K: Ord>(
    sums: impl IntoIterator<Item = (K, u64)>,
    mut rest: u64,
) -> (Vec<(K, u64)>, u64) {
    let mut lines: Vec<(K, u64)> = sums.into_iter().collect();
    lines.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    for (_, count) in lines.iter().skip(MOST_LINES) {
        rest = rest.saturating_add(*count);
    }
    lines.truncate(MOST_LINES);
    (lines, rest)
}

fn summed<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rest = 0_u64;
    for histogram in histograms {
        rest = rest.saturating_add(histogram.other());
        for (name, count) in histogram.lines() {
            let sum = sums.entry(name).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    let (mut lines, rest) = most_frequent(sums, rest);
    lines.extend((rest > 0).then_some((OTHER, rest)));
    lines
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Fate;

    fn from(reason: &str) -> Origin {
        Origin {
            reason: reason.to_owned(),
            source: "orders".to_owned(),
        }
    }

    fn tally(letters: &[(&str, Fate<'_>)]) -> Tally {
        let mut tally = Tally::default();
        for (reason, fate) in letters {
            tally.count(*fate, || from(reason));
        }
        tally
    }

    #[test]
    fn partitions_are_summed_up_the_most_frequent_first() {
        let tallies = [
            tally(&[("a", Fate::Home("orders")), ("b", Fate::Home("orders"))]),
            tally(&[
                ("b", Fate::Quarantined("parking")),
                ("c", Fate::NotMatched),
                ("", Fate::Unreadable),
            ]),
        ];
        let report = Report::of(tallies.iter());
        assert_eq!(report.by_reason, [(from("b"), 2), (from("a"), 1)]);
        assert_eq!(
            report.by_destination,
            [("orders".to_owned(), 2), ("parking".to_owned(), 1)]
        );
        let counts = report.counts;
        assert_eq!(
            (
                counts.scanned,
                counts.matched,
                counts.moved(),
                counts.skipped()
            ),
            (5, 3, 3, 2)
        );
        assert_eq!(counts.unreadable, 1);
    }

    #[test]
    fn each_letter_that_is_meant_comes_to_one_thing() {
        let fates = [
            Fate::Home("t"),
            Fate::Quarantined("t"),
            Fate::NoOrigin,
            Fate::AlreadyHome,
            Fate::Exceeded,
            Fate::Refused,
            Fate::OriginalExpired,
        ];
        let tally = tally(&fates.map(|fate| ("a", fate)));
        let Counts {
            scanned,
            matched,
            redriven,
            quarantined,
            no_origin,
            already_home,
            exceeded,
            refused,
            original_expired,
            unreadable,
            returned,
            expired,
        } = tally.counts;
        assert_eq!((scanned, matched), (7, 7));
        assert_eq!((unreadable, returned, expired), (0, 0, 0));
        assert_eq!(
            [
                redriven,
                quarantined,
                no_origin,
                already_home,
                exceeded,
                refused,
                original_expired
            ],
            [1; 7]
        );
    }

    #[test]
    fn what_has_no_line_is_other() {
        let tallies: Vec<Tally> = (0..3)
            .map(|partition| {
                let reasons: Vec<String> = (0..15).map(|n| format!("{partition} {n}")).collect();
                let letters: Vec<(&str, Fate<'_>)> = reasons
                    .iter()
                    .map(|reason| (reason.as_str(), Fate::NoOrigin))
                    .collect();
                tally(&letters)
            })
            .collect();
        let report = Report::of(tallies.iter());
        assert_eq!(report.by_reason.len(), MOST_LINES + 1);
        let sum: u64 = report.by_reason.iter().map(|(_, count)| count).sum();
        assert_eq!(sum, 45);
        let (last, count) = report.by_reason.last().unwrap();
        assert_eq!((last.reason.as_str(), last.source.as_str()), (OTHER, OTHER));
        assert_eq!(*count, 25);
    }
}

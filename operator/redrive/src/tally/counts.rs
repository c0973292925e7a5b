use std::ops::AddAssign;

/// How many letters have come to what. Each scanned letter counts once, but for `returned`, which counts letters that were
/// written to the dead-letter topic while the Redrive ran. `expired` counts offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Letters that were looked at.
    pub scanned: u64,
    /// Letters that the filter means.
    pub matched: u64,
    /// Letters that went home, or would in a dry run.
    pub redriven: u64,
    /// Letters that went to quarantine, or would in a dry run.
    pub quarantined: u64,
    /// Letters that stayed because nobody knows where they came from.
    pub no_origin: u64,
    /// Letters that stayed because an earlier Redrive had brought them home.
    pub already_home: u64,
    /// Letters that stayed because they had been brought home too often, and there was no quarantine.
    pub exceeded: u64,
    /// Letters that stayed because the topic they would go to may not be written to.
    pub refused: u64,
    /// Letters without a body that stayed because their original is no longer there.
    pub original_expired: u64,
    /// Letters that stayed because the names of their headers are not text.
    pub unreadable: u64,
    /// Letters of this Redrive that came back.
    pub returned: u64,
    /// Offsets that Kafka had deleted before the run came to them. Those of letters are among them, and those of transactions' marks.
    pub expired: u64,
}

impl Counts {
    /// How many counts there are.
    pub(crate) const FIELDS: usize = 12;

    /// Letters that were written somewhere.
    pub fn moved(&self) -> u64 {
        self.redriven.saturating_add(self.quarantined)
    }

    /// Letters that stayed, for whatever reason.
    pub fn skipped(&self) -> u64 {
        self.scanned.saturating_sub(self.moved())
    }

    /// All counts, in an order that never changes.
    pub(crate) fn fields(&mut self) -> [&mut u64; Self::FIELDS] {
        [
            &mut self.scanned,
            &mut self.matched,
            &mut self.redriven,
            &mut self.quarantined,
            &mut self.no_origin,
            &mut self.already_home,
            &mut self.exceeded,
            &mut self.refused,
            &mut self.original_expired,
            &mut self.unreadable,
            &mut self.returned,
            &mut self.expired,
        ]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, mut other: Self) {
        for (sum, more) in self.fields().into_iter().zip(other.fields()) {
            *sum = sum.saturating_add(*more);
        }
    }
}

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use jiff::Timestamp;

use super::{Shape, progress};
use crate::{
    Case,
    bench::{
        Figure,
        memory::mib,
        named::named,
        window::{self, Window},
    },
    operator, wait,
};

const WINDOW: Duration = Duration::from_secs(60);
/// A new pod of the operator leads and has looked at all groups in this time, and the kubelet has measured it.
const PATIENCE: Duration = Duration::from_secs(180);
/// The admin call that is made once in each look at all groups.
const ONCE_A_LOOK: &str = "committed_offsets";

/// What looks at all groups cost, on average over a window in which nothing happened.
pub struct Look {
    shape: Shape,
    groups: usize,
    /// How many looks there were.
    looks: f64,
    /// Processor time of one look, and of all else that the operator does meanwhile.
    processor: Duration,
    /// Resident memory of the operator at the end, in bytes.
    resident: i64,
    pub window: Window,
}

/// Starts the operator anew, so that its memory is that of these groups alone, and watches it once it has looked at all of them.
///
/// # Errors
/// When it does not look at all groups in time, or cannot be measured.
pub async fn observe(case: &Case, shape: Shape, groups: usize) -> Result<Look> {
    let client = &case.client;
    operator::restart(client, PATIENCE).await?;
    let what = "the operator has looked at every group";
    wait::answer(what, PATIENCE, || async {
        let seen = operator::leader(client).await;
        Ok(
            match seen.map(|leader| leader.groups_seen(&case.name(""))) {
                Ok(seen) if seen == groups => Ok(()),
                Ok(seen) => Err(format!("{seen} of {groups}")),
                Err(error) => Err(format!("{error:#}")),
            },
        )
    })
    .await?;
    let before = operator::usage_after(client, Timestamp::now(), PATIENCE).await?;
    progress(&format!("watching for {WINDOW:?}"));
    let window = window::observe(client, WINDOW).await?;
    let after = operator::usage_after(client, Timestamp::now(), PATIENCE).await?;

    let looks = window.calls().get(ONCE_A_LOOK).copied().unwrap_or_default();
    ensure!(looks > 0.0, "the operator did not look within {WINDOW:?}");
    let used = after.processor.saturating_sub(before.processor);
    let measured = after.measured.duration_since(before.measured);
    let share = used.as_secs_f64() / measured.as_secs_f64();
    Ok(Look {
        shape,
        groups,
        looks,
        processor: window.took.mul_f64(share / looks),
        resident: after.resident,
        window,
    })
}

impl Look {
    /// Consumer groups.
    pub fn groups(&self) -> f64 {
        self.groups as f64
    }

    /// Partitions of all groups: one that two groups read counts twice.
    pub fn partitions(&self) -> f64 {
        self.groups() * f64::from(self.shape.partitions)
    }

    /// Looks at one group each.
    pub fn idle_cycles(&self) -> f64 {
        self.looks * self.groups()
    }

    /// Requests of one look, by the metric that counts them and by what they were.
    pub fn requests(&self) -> BTreeMap<String, BTreeMap<String, f64>> {
        let mut requests = self.window.requests.clone();
        let numbers = requests.values_mut().flat_map(BTreeMap::values_mut);
        numbers.for_each(|number| *number /= self.looks);
        requests
    }

    /// Processor time of one look in milliseconds, with all else that the operator did meanwhile.
    pub fn processor_ms(&self) -> f64 {
        self.processor.as_secs_f64() * 1_000.0
    }

    /// Resident memory of the operator in MiB.
    pub fn memory_mib(&self) -> f64 {
        mib(self.resident)
    }

    /// What was looked at, in words.
    pub fn name(&self) -> String {
        format!(
            "{} groups of {} partitions",
            self.groups, self.shape.partitions
        )
    }

    /// What was measured.
    pub fn figures(&self) -> Vec<Figure> {
        let name = self.name();
        let mut figures = vec![Figure::new(
            format!("looks at {name} in {:.0} s", self.window.took.as_secs_f64()),
            self.looks,
            "",
        )];
        figures.extend(self.requests().into_iter().map(|(metric, requests)| {
            let what = named(&format!("{metric} at {name}"), &requests);
            Figure::new(what, requests.values().sum(), "/look")
        }));
        figures.extend([
            Figure::new(
                format!("operator's processor time a look at {name}"),
                self.processor_ms(),
                "ms",
            ),
            Figure::new(
                format!("operator's memory at {name}"),
                self.memory_mib(),
                "MiB",
            ),
        ]);
        figures
    }
}

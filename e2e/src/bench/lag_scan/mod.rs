//! What it costs to look at the offsets of consumer groups, measured with up to a thousand and extrapolated to ten thousand.

mod groups;
mod look;
mod model;

use anyhow::Result;
use millrace_crds::ConsumerGroup;

use self::{groups::Shape, look::Look};
use super::{Figure, clearing, window::Window};
use crate::{Case, bulk};

/// Groups whose topics have few partitions, by which the cost of a partition is told from that of a group.
const NARROW: Shape = Shape {
    prefix: "narrow",
    partitions: 4,
};
const NARROW_GROUPS: usize = 300;
/// Groups whose topics have many.
const WIDE: Shape = Shape {
    prefix: "wide",
    partitions: 20,
};
/// How many of them there are, one after the other.
const WIDE_GROUPS: [usize; 3] = [100, 300, 1_000];

/// All of it. Whatever happens, the groups and their topics are taken away at the end.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(figures: &mut Vec<Figure>) -> Result<()> {
    let case = Case::alone("bench-lag").await?;
    let measured = in_order(&case, figures).await;
    progress(&format!("taking away {}", case.namespace));
    let cleared = clearing::take_away(&case.client, &case.probe, &case.namespace).await;
    measured.and(cleared)
}

async fn in_order(case: &Case, figures: &mut Vec<Figure>) -> Result<()> {
    let mut looks = Vec::new();
    let mut take = |look: Look| {
        figures.extend(look.figures());
        looks.push(look);
    };
    groups::make(case, NARROW, 0..NARROW_GROUPS).await?;
    take(look::observe(case, NARROW, NARROW_GROUPS).await?);
    bulk::delete_all::<ConsumerGroup>(&case.client, &case.namespace, groups::PATIENCE).await?;
    let mut there = 0;
    for count in WIDE_GROUPS {
        groups::make(case, WIDE, there..count).await?;
        take(look::observe(case, WIDE, count).await?);
        there = count;
    }
    figures.extend(idle(&looks));
    figures.extend(model::extrapolated(&looks)?);
    Ok(())
}

/// The writes of all looks at all groups, in which nothing had changed.
fn idle(looks: &[Look]) -> [Figure; 2] {
    let cycles: f64 = looks.iter().map(Look::idle_cycles).sum();
    let windows: Vec<&Window> = looks.iter().map(|look| &look.window).collect();
    let during = format!("in {cycles:.0} idle cycles, each a look at a group");
    Window::write_figures(&windows, &during)
}

/// Tells people what is going on.
fn progress(what: &str) {
    super::progress("lag-scan", what);
}

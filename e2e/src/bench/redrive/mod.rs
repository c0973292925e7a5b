//! Redrives: how fast beside a bare copy, with how much memory, at a limit, and killed again and again.

mod bare;
mod checked;
mod killed;
mod limited;
mod moments;
mod queue;
mod sizes;

use anyhow::Result;

use super::{Figure, Options, clearing};
use crate::Case;

/// All of it, in a namespace that is taken away at the end, whatever happens.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
    let case = Case::alone("bench-redrive").await?;
    let measured = in_order(&case, options, figures).await;
    progress(&format!("taking away {}", case.namespace));
    let cleared = clearing::take_away(&case.client, &case.probe, &case.namespace).await;
    measured.and(cleared)
}

async fn in_order(case: &Case, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
    sizes::measure(case, figures).await?;
    for limit in [500, 5_000] {
        figures.extend(limited::measure(case, limit).await?);
    }
    figures.extend(killed::measure(case, options.kills, options.letters).await?);
    Ok(())
}

/// Tells people what is going on.
fn progress(what: &str) {
    super::progress("redrive", what);
}

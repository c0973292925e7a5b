//! How soon a Deployment is scaled when a burst comes, and that it is left alone while the load is steady.

mod bursts;
mod steady;

use anyhow::Result;

use super::{Figure, Options, clearing};
use crate::Case;

/// Both parts, each in a namespace of its own that is taken away at the end.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
    let case = Case::alone("bench-bursts").await?;
    let measured = bursts::measure(&case).await;
    let cleared = take_away(&case).await;
    figures.extend(measured?);
    cleared?;
    drop(case);

    let case = Case::alone("bench-steady").await?;
    let measured = steady::measure(&case, options.steady()).await;
    let cleared = take_away(&case).await;
    figures.extend(measured?);
    cleared
}

async fn take_away(case: &Case) -> Result<()> {
    progress(&format!("taking away {}", case.namespace));
    clearing::take_away(&case.client, &case.probe, &case.namespace).await
}

/// Tells people what is going on.
fn progress(what: &str) {
    super::progress("autoscaler", what);
}

//! Ten thousand Topics: how long they take, what they cost while nothing happens, and what one edit and a restart cost among them.

mod edits;
mod floor;
mod ground;
mod quiet;
mod restart;
mod run;

use anyhow::Result;
use kube::Client;

use self::ground::Ground;
use super::{Figure, Options};

/// All of it in one run, floors first. Whatever happens, the Topics and what they made in Kafka are taken away at the end.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn at_scale(client: &Client, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
    let ground = Ground::lay(client, options).await?;
    let measured = in_order(&ground, figures).await;
    let cleared = ground.clear().await;
    measured.and(cleared)
}

async fn in_order(ground: &Ground, figures: &mut Vec<Figure>) -> Result<()> {
    let few = quiet::with_few(ground).await?;
    let floor = floor::measure(ground, &few.status).await?;
    figures.extend(floor.figures(ground));
    figures.extend(run::measure(ground, &floor).await?);
    figures.extend(quiet::with_many(ground, &few.window).await?);
    figures.extend(edits::measure(ground).await?);
    figures.extend(restart::measure(ground).await?);
    Ok(())
}

//! First figures: how long things take and how much memory the operator needs, next to a floor of the same run where there is one.

mod figure;
mod kafka_cluster;
mod memory;
mod scaling;
mod startup;

use anyhow::Result;

pub use self::figure::Figure;
use crate::stage;

/// Measures everything against the cluster that `KUBECONFIG` names, with the operator and the example on it.
/// Prints a table, and as its last line the same as JSON.
///
/// # Errors
/// When something cannot be measured.
pub async fn run() -> Result<()> {
    let client = stage::client().await?;
    stage::cluster_ready(&client).await?;
    let mut figures = vec![startup::install_to_ready(&client).await?];
    stage::cluster_ready(&client).await?;
    figures.push(kafka_cluster::apply_to_ready(&client).await?);
    figures.push(memory::idle(&client).await?);
    figures.extend(scaling::burst(&client).await?);
    println!("{}", figure::table(&figures));
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

//! How long things take and how much they need, next to a floor of the same run where there is one.

mod autoscaler;
mod clearing;
mod figure;
mod kafka_cluster;
mod lag_scan;
mod memory;
mod named;
mod options;
mod percentile;
mod progress;
mod redrive;
mod scaling;
mod startup;
mod topics;
mod window;

use anyhow::Result;
use kube::Client;

use self::progress::progress;
pub use self::{
    figure::Figure,
    options::{Options, Part},
};
use crate::stage;

/// Measures against the cluster that `KUBECONFIG` names, with the operator and the example on it.
/// Prints a table, and as its last line the same as JSON; where something cannot be measured, what was until then.
///
/// # Errors
/// When something cannot be measured.
pub async fn run(options: &Options) -> Result<()> {
    let client = stage::client().await?;
    stage::cluster_ready(&client).await?;
    let mut figures = Vec::new();
    let measured = measure(&client, options, &mut figures).await;
    println!("{}", figure::table(&figures));
    println!("{}", serde_json::to_string(&figures)?);
    measured
}

async fn measure(client: &Client, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
    if options.wants(Part::Install) {
        figures.push(startup::install_to_ready(client).await?);
        stage::cluster_ready(client).await?;
    }
    if options.wants(Part::KafkaCluster) {
        figures.push(kafka_cluster::apply_to_ready(client).await?);
    }
    if options.wants(Part::Memory) {
        figures.push(memory::idle(client).await?);
    }
    if options.wants(Part::Scaling) {
        figures.extend(scaling::burst(client).await?);
    }
    if options.wants(Part::LagScan) {
        lag_scan::measure(figures).await?;
    }
    if options.wants(Part::Autoscaler) {
        autoscaler::measure(options, figures).await?;
    }
    if options.wants(Part::Redrive) {
        redrive::measure(options, figures).await?;
    }
    if options.wants(Part::Topics) {
        topics::at_scale(client, options, figures).await?;
    }
    Ok(())
}

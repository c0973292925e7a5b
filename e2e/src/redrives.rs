//! Redrives in the namespace of a case.

use std::time::Duration;

use anyhow::{Context, Result};
use millrace_crds::{Redrive, RedrivePhase, RedriveStatus};
use serde_json::{Value, json};

use crate::{Case, resources, wait};

/// Applies a Redrive of the DLQ `dlq`.
///
/// # Errors
/// When the API server refuses it, with its words.
pub async fn apply(case: &Case, dlq: &str, name: &str, mut spec: Value) -> Result<()> {
    spec["dlqRef"] = json!({ "name": dlq });
    let object = json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Redrive",
        "metadata": { "name": name, "namespace": case.namespace },
        "spec": spec,
    });
    resources::apply(&case.client, &object).await?;
    Ok(())
}

/// The status of a Redrive once it is in this phase.
///
/// # Errors
/// When it is not in time, with its conditions.
pub async fn reaches(
    case: &Case,
    name: &str,
    phase: RedrivePhase,
    within: Duration,
) -> Result<RedriveStatus> {
    let is_there = |status: &RedriveStatus| status.phase == Some(phase);
    status_once(case, name, &format!("{phase:?}"), within, is_there).await
}

/// The status of a Redrive once it is as wanted.
///
/// # Errors
/// When it is not in time, with its conditions.
pub async fn status_once(
    case: &Case,
    name: &str,
    what: &str,
    within: Duration,
    wanted: impl Fn(&RedriveStatus) -> bool + Send + Sync,
) -> Result<RedriveStatus> {
    let is_wanted = |redrive: &Redrive| redrive.status.as_ref().is_some_and(&wanted);
    let found = wait::object(&case.api::<Redrive>(), name, what, within, is_wanted).await?;
    found.status.context("no status")
}

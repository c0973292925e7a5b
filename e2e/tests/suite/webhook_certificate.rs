//! The webhook's certificate is replaced while the operator runs, and everything goes on being judged.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::DeleteParams};
use millrace_e2e::{Case, OPERATOR_NAMESPACE, operator, resources, wait};
use serde_json::json;

const SECRET: &str = "millrace-webhook-tls";

/// The certificate that the webhook's Secret has; none while there is none.
async fn certificate(secrets: &Api<Secret>) -> Result<Option<Vec<u8>>> {
    let secret = secrets.get_opt(SECRET).await?;
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    let found = data.get("tls.crt").map(|certificate| certificate.0.clone());
    Ok(found.filter(|certificate| !certificate.is_empty()))
}

/// The operator's pods and how often their containers were started again.
async fn pods(case: &Case) -> Result<BTreeSet<(Option<String>, i32)>> {
    let pods = operator::pods(&case.client).await?.into_iter();
    Ok(pods
        .map(|pod| {
            let containers = pod.status.and_then(|status| status.container_statuses);
            let restarts = containers.iter().flatten().map(|c| c.restart_count).sum();
            (pod.metadata.uid, restarts)
        })
        .collect())
}

/// Sees that what is no schema is refused: an API server that does not trust the webhook would let it in.
async fn judged(case: &Case) -> Result<()> {
    let spec = json!({ "subject": case.name("orders-value"), "schema": "no schema" });
    let admitted = case.dry_run("Schema", "orders", spec).await;
    let error = admitted.err().context("nobody judged it")?;
    resources::refusal(&error).context("it failed, but was not refused")?;
    Ok(())
}

#[tokio::test]
async fn a_lost_certificate_is_replaced_without_a_restart_and_all_is_judged_meanwhile() -> Result<()>
{
    let case = Case::shared("webhook-certificate").await?;
    let secrets: Api<Secret> = Api::namespaced(case.client.clone(), OPERATOR_NAMESPACE);
    let (before, running) = (certificate(&secrets).await?, pods(&case).await?);
    ensure!(before.is_some(), "the webhook has no certificate");
    judged(&case).await?;
    secrets.delete(SECRET, &DeleteParams::default()).await?;
    let replaced = || async {
        judged(&case).await?;
        let now = certificate(&secrets).await?;
        Ok(match now.is_some() && now != before {
            true => Ok(()),
            false => Err("there is no new one".to_owned()),
        })
    };
    wait::answer("a new certificate", Duration::from_secs(120), replaced).await?;
    for _ in 0..20 {
        judged(&case).await?;
    }
    ensure!(pods(&case).await? == running, "the operator was restarted");
    Ok(())
}

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret},
};
use kube::{
    Api,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tokio::{sync::watch::Sender, time::interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::certificate::{Material, SECRET, Served};
use crate::{context::Context, error::Error};

/// Between two looks at the certificate's age; changes of the objects are seen at once.
const PERIOD: Duration = Duration::from_secs(3600);

/// Hands on what the Secret holds, now and whenever it changes.
///
/// # Errors
/// When the Secret's certificate can no longer be handed on; failures of the watch are tried again.
pub(super) async fn follow(
    context: Arc<Context>,
    served: Sender<Option<Served>>,
) -> Result<(), Error> {
    let mut secrets = std::pin::pin!(secrets(&context));
    while let Some(secret) = secrets.next().await {
        if let Some(found) = Material::of(&secret).map(|material| material.served()) {
            served.send_if_modified(|held| {
                let renewed = held.as_ref() != Some(&found);
                *held = Some(found);
                renewed
            });
        }
    }
    Ok(())
}

/// Keeps the certificate valid and the API server's trust in it, until `shutdown`. Only the leader does.
pub async fn keep_certificate(context: Arc<Context>, shutdown: CancellationToken) {
    let mut changes = futures::stream::select(
        secrets(&context).map(drop).boxed(),
        configurations(&context).map(drop).boxed(),
    );
    let mut clock = interval(PERIOD);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = clock.tick() => {}
            Some(()) = changes.next() => {}
        }
        if let Err(error) = keep(&context).await {
            warn!(%error, "the webhook's certificate could not be kept; it is tried again");
            clock.reset_after(Duration::from_secs(5));
        }
    }
}

/// One pass: renews what is due and tells the API server. A pass that wrote the Secret is followed by another.
async fn keep(context: &Context) -> Result<(), Error> {
    let config = &context.config;
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), &config.namespace);
    let stored = secrets
        .get_opt(SECRET)
        .await?
        .as_ref()
        .and_then(Material::of);
    let renewed = Material::renewed(
        stored.as_ref(),
        &config.webhook_service,
        &config.namespace,
        Timestamp::now(),
    )?;
    if let Some(renewed) = &renewed {
        let secret = renewed.secret(&config.namespace);
        secrets
            .patch(
                SECRET,
                &PatchParams::apply("millrace").force(),
                &Patch::Apply(&secret),
            )
            .await?;
        info!(secret = SECRET, "the webhook's certificate was renewed");
    }
    match renewed.or(stored) {
        Some(material) => trust(context, &material.bundle()).await,
        None => Ok(()),
    }
}

/// Writes the authorities to every webhook of the ValidatingWebhookConfiguration that does not have them.
async fn trust(context: &Context, bundle: &str) -> Result<(), Error> {
    let name = &context.config.webhook_configuration;
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.clone());
    let Some(configuration) = api.get_opt(name).await? else {
        info!(
            name,
            "there is no ValidatingWebhookConfiguration: nothing is refused at apply"
        );
        return Ok(());
    };
    let wanted = ByteString(bundle.as_bytes().to_vec());
    let webhooks = configuration.webhooks.unwrap_or_default();
    let stale = webhooks
        .iter()
        .enumerate()
        .filter(|(_, webhook)| webhook.client_config.ca_bundle.as_ref() != Some(&wanted));
    let operations: Vec<_> = stale
        .flat_map(|(index, webhook)| {
            [
                json!({ "op": "test", "path": format!("/webhooks/{index}/name"), "value": webhook.name }),
                json!({ "op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": wanted }),
            ]
        })
        .collect();
    if operations.is_empty() {
        return Ok(());
    }
    let patch = serde_json::from_value(operations.into())?;
    let params = PatchParams::default();
    let patch = Patch::<ValidatingWebhookConfiguration>::Json(patch);
    let write = api.patch(name, &params, &patch);
    context
        .writes
        .any("ValidatingWebhookConfiguration", write)
        .await?;
    info!(name, "the API server trusts the webhook's certificate");
    Ok(())
}

fn secrets(context: &Context) -> impl Stream<Item = Secret> + Send + use<> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &context.config.namespace);
    let named = watcher::Config::default().fields(&format!("metadata.name={SECRET}"));
    watcher(api, named)
        .default_backoff()
        .touched_objects()
        .into_stream()
        .filter_map(|secret| async { secret.ok() })
}

fn configurations(
    context: &Context,
) -> impl Stream<Item = ValidatingWebhookConfiguration> + Send + use<> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.clone());
    let named = watcher::Config::default().fields(&format!(
        "metadata.name={}",
        context.config.webhook_configuration
    ));
    watcher(api, named)
        .default_backoff()
        .touched_objects()
        .into_stream()
        .filter_map(|found| async { found.ok() })
}

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tokio::{sync::watch::Sender, time::interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::certificate::{Material, SECRET, Served};
use crate::{apply::Writes, config::Config, context::Context, error::Error};

/// Between two looks at the certificate's age; changes of the objects are seen at once.
const PERIOD: Duration = Duration::from_secs(3600);
/// The same after a failure, after a renewal, which another may follow, and while a new authority waits until it is trusted.
const SOON: Duration = Duration::from_secs(5);

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
        if let Some(found) = Material::of(&secret).and_then(|material| material.served()) {
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
        let keeper = Keeper {
            client: &context.client,
            config: &context.config,
            writes: &context.writes,
        };
        match keeper.keep(Timestamp::now()).await {
            Ok(next) => clock.reset_after(next),
            Err(error) => {
                warn!(%error, "the webhook's certificate could not be kept; it is tried again");
                clock.reset_after(SOON);
            }
        }
    }
}

/// What keeping the certificate needs.
struct Keeper<'a> {
    client: &'a Client,
    config: &'a Config,
    writes: &'a Writes,
}

impl Keeper<'_> {
    /// One pass: renews what is due, and says when to look again. The API server is told of an authority before anybody can serve with what
    /// it signed.
    async fn keep(&self, now: Timestamp) -> Result<Duration, Error> {
        let config = self.config;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &config.namespace);
        let stored = secrets.get_opt(SECRET).await?;
        let stored = stored.as_ref().and_then(Material::of);
        let configuration = self.configuration().await?;
        let trusted = configuration.as_ref().map(trusted).unwrap_or_default();
        let renewed = Material::renewed(
            stored.as_ref(),
            &trusted,
            &config.webhook_service,
            &config.namespace,
            now,
        )?;
        let renews = renewed.is_some();
        let Some(material) = renewed.or(stored) else {
            return Ok(PERIOD);
        };
        if let Some(configuration) = configuration {
            self.trust(configuration, &material.bundle()).await?;
        }
        if renews {
            let secret = material.secret(&config.namespace);
            let params = PatchParams::apply("millrace").force();
            let patch = Patch::Apply(&secret);
            secrets.patch(SECRET, &params, &patch).await?;
            info!(secret = SECRET, "the webhook's certificate was renewed");
        }
        Ok(match renews || material.waits(now) {
            true => SOON,
            false => PERIOD,
        })
    }

    async fn configuration(&self) -> Result<Option<ValidatingWebhookConfiguration>, Error> {
        let name = &self.config.webhook_configuration;
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
        let found = api.get_opt(name).await?;
        if found.is_none() {
            info!(
                name,
                "there is no ValidatingWebhookConfiguration: nothing is refused at apply"
            );
        }
        Ok(found)
    }

    /// Writes the authorities to every webhook of the ValidatingWebhookConfiguration that does not have them.
    async fn trust(
        &self,
        configuration: ValidatingWebhookConfiguration,
        bundle: &str,
    ) -> Result<(), Error> {
        let name = &self.config.webhook_configuration;
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
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
        self.writes
            .any("ValidatingWebhookConfiguration", write)
            .await?;
        info!(name, "the API server trusts the webhook's certificate");
        Ok(())
    }
}

/// The bundle that the API server trusts, by its first webhook that has one.
fn trusted(configuration: &ValidatingWebhookConfiguration) -> String {
    let mut webhooks = configuration.webhooks.iter().flatten();
    let bundle = webhooks.find_map(|webhook| webhook.client_config.ca_bundle.as_ref());
    bundle
        .and_then(|bundle| String::from_utf8(bundle.0.clone()).ok())
        .unwrap_or_default()
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

#[cfg(test)]
mod tests;

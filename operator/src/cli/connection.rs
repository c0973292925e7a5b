use std::path::{Path, PathBuf};

use clap::Args;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::outcome::Problem;

/// Which cluster is meant, and which namespace of it.
#[derive(Debug, Args)]
pub(super) struct Connection {
    /// Namespace of what names none. Defaults to the context's.
    #[arg(short, long)]
    pub(super) namespace: Option<String>,
    /// The context of the kubeconfig to use.
    #[arg(long)]
    context: Option<String>,
    /// The kubeconfig to use.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Connection {
    /// A client with the rights of whoever runs this.
    ///
    /// # Errors
    /// When no cluster is named anywhere.
    pub(super) async fn client(&self) -> Result<Client, Problem> {
        client(self.context.clone(), self.kubeconfig.as_deref()).await
    }

    /// A client, and the namespace that is meant.
    ///
    /// # Errors
    /// When no cluster is named anywhere.
    pub(super) async fn namespaced(&self) -> Result<(Client, String), Problem> {
        let client = self.client().await?;
        let namespace = self.namespace.as_deref();
        let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
        Ok((client, namespace))
    }
}

async fn client(context: Option<String>, kubeconfig: Option<&Path>) -> Result<Client, Problem> {
    let none = |error: &dyn std::error::Error| {
        Problem::new(format!(
            "no cluster to ask ({error}): set KUBECONFIG, or write --kubeconfig and --context"
        ))
    };
    // Another part of the process may have chosen one already, and they are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let config = match kubeconfig {
        Some(file) => {
            let kubeconfig = Kubeconfig::read_from(file).map_err(|error| none(&error))?;
            Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(|error| none(&error))?
        }
        None if options.context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map_err(|error| none(&error))?,
        None => Config::infer().await.map_err(|error| none(&error))?,
    };
    Client::try_from(config).map_err(|error| none(&error))
}

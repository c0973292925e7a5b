//! How the operator was started. Architecture invariant: nothing else reads arguments or the environment.

use clap::{Parser, ValueEnum};

/// Arguments of the operator; each can also be given by the environment variable named.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "millrace-operator",
    version,
    about = "Runs Kafka clusters, topics, consumer groups, schemas and dead-letter queues as Kubernetes resources"
)]
pub struct Config {
    /// Image of the Kafka nodes, where a KafkaCluster names none.
    #[arg(long, env = "MILLRACE_BROKER_IMAGE")]
    pub broker_image: String,
    /// Image of the schema registry, where a KafkaCluster names none.
    #[arg(long, env = "MILLRACE_REGISTRY_IMAGE")]
    pub registry_image: String,
    /// Pull policy of these images.
    #[arg(
        long,
        env = "MILLRACE_IMAGE_PULL_POLICY",
        default_value = "IfNotPresent"
    )]
    pub image_pull_policy: String,
    /// Namespace the operator runs in: its lease and its webhook certificate live there.
    #[arg(long, env = "MILLRACE_NAMESPACE")]
    pub namespace: String,
    /// Name of this pod, the holder of the lease.
    #[arg(long, env = "MILLRACE_POD_NAME")]
    pub pod_name: String,
    /// Name of the Service of the admission webhook, in the operator's namespace.
    #[arg(
        long,
        env = "MILLRACE_WEBHOOK_SERVICE",
        default_value = "millrace-webhook"
    )]
    pub webhook_service: String,
    /// Name of the ValidatingWebhookConfiguration whose `caBundle` the operator keeps.
    #[arg(
        long,
        env = "MILLRACE_WEBHOOK_CONFIGURATION",
        default_value = "millrace"
    )]
    pub webhook_configuration: String,
    /// Kinds that a ConsumerGroup may scale, as `<apiVersion>/<Kind>` separated by commas.
    #[arg(
        long,
        env = "MILLRACE_SCALABLE_KINDS",
        value_delimiter = ',',
        default_value = "apps/v1/Deployment,apps/v1/StatefulSet"
    )]
    pub scalable_kinds: Vec<String>,
    /// Port of /metrics, /healthz and /readyz.
    #[arg(long, env = "MILLRACE_TELEMETRY_PORT", default_value_t = 8080)]
    pub telemetry_port: u16,
    /// Port of the admission webhook.
    #[arg(long, env = "MILLRACE_WEBHOOK_PORT", default_value_t = 8443)]
    pub webhook_port: u16,
    /// Name of the Lease, in the operator's namespace, whose holder leads.
    #[arg(long, env = "MILLRACE_LEASE_NAME", default_value = "millrace")]
    pub lease_name: String,
    /// What is logged: a level, or directives such as `info,millrace_operator=debug`.
    #[arg(long, env = "MILLRACE_LOG", default_value = "info")]
    pub log_filter: String,
    /// Shape of the logs.
    #[arg(long, env = "MILLRACE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Seconds between two looks at a whole Kafka cluster; own writes are looked at at once.
    #[arg(long, env = "MILLRACE_VIEW_PERIOD_SECONDS", default_value_t = 15)]
    pub view_period_seconds: u64,
    /// Seconds between two looks at the offsets of consumer groups.
    #[arg(long, env = "MILLRACE_LAG_PERIOD_SECONDS", default_value_t = 2)]
    pub lag_period_seconds: u64,
}

/// Shape of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// JSON objects, one a line.
    Json,
}

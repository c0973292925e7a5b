use rdkafka::{ClientConfig, consumer::BaseConsumer, error::KafkaError};

use crate::kafka::Credentials;

/// A consumer that is assigned its partitions, and never joins a group or commits; the library wants a group id all the same.
/// What it fetches ahead is bounded to some megabytes.
pub(super) fn consumer(credentials: &Credentials) -> Result<BaseConsumer, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", &credentials.bootstrap_servers)
        .set("security.protocol", "ssl")
        .set("ssl.ca.pem", &credentials.ca_pem)
        .set("ssl.certificate.pem", &credentials.certificate_pem)
        .set("ssl.key.pem", &credentials.key_pem)
        .set("client.id", "millrace-dead-letters")
        .set("group.id", "millrace-dead-letters")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.max.bytes", "4194304")
        .set("fetch.wait.max.ms", "500")
        .create()
}

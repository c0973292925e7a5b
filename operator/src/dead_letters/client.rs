use rdkafka::ClientConfig;

use crate::kafka::{Credentials, consumer_settings};

/// Settings of a consumer that begins where the records do. What it fetches ahead is bounded to some megabytes.
pub(super) fn settings(credentials: &Credentials) -> ClientConfig {
    let mut settings = consumer_settings(credentials, "millrace-dead-letters");
    settings
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.max.bytes", "1048576")
        .set("fetch.wait.max.ms", "500");
    settings
}

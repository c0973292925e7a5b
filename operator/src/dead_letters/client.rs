use rdkafka::{consumer::BaseConsumer, error::KafkaError};

use crate::kafka::{Credentials, consumer_settings};

/// A consumer that begins where the records do. What it fetches ahead is bounded to some megabytes.
pub(super) fn consumer(credentials: &Credentials) -> Result<BaseConsumer, KafkaError> {
    consumer_settings(credentials, "millrace-dead-letters")
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.max.bytes", "4194304")
        .set("fetch.wait.max.ms", "500")
        .create()
}

use rdkafka::ClientConfig;

use super::{Job, group_id, transactional_id};

/// Largest letter that is copied, in bytes. What a topic takes is the broker's to say.
const LARGEST_LETTER: &str = "67108864";

/// A consumer of committed letters. What it fetches ahead is bounded to some megabytes; of small letters by their number, since the
/// library needs more for each than it counts.
pub(super) fn body(job: &Job) -> ClientConfig {
    let mut settings = consumer(job);
    settings
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "5000")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.message.max.bytes", "131072")
        .set("fetch.max.bytes", "1048576")
        .set("fetch.wait.max.ms", "100")
        // They say where partitions end.
        .set("statistics.interval.ms", "500");
    settings
}

/// A consumer of what little is written while the Redrive runs.
pub(super) fn tail(job: &Job) -> ClientConfig {
    let mut settings = consumer(job);
    settings
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "2048")
        .set("fetch.max.bytes", "2097152")
        .set("fetch.wait.max.ms", "100");
    settings
}

/// A consumer of single records. An offset that is not there is an error.
pub(super) fn originals(job: &Job) -> ClientConfig {
    let mut settings = consumer(job);
    settings
        .set("auto.offset.reset", "error")
        .set("queued.min.messages", "100")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.message.max.bytes", "262144")
        .set("fetch.max.bytes", "2097152")
        .set("fetch.wait.max.ms", "100");
    settings
}

/// The writer of copies. Letters with a key go to the partition that Java's default partitioner gives them.
pub(super) fn writer(job: &Job) -> ClientConfig {
    let mut settings = base(job);
    settings
        .set("transactional.id", transactional_id(&job.redrive))
        .set("transaction.timeout.ms", "60000")
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "1")
        // Kafka refuses to begin a transaction while it writes the marks of the one before, which takes some milliseconds.
        .set("retry.backoff.ms", "10")
        .set("message.max.bytes", LARGEST_LETTER);
    settings
}

fn consumer(job: &Job) -> ClientConfig {
    let mut settings = base(job);
    settings
        .set("group.id", group_id(&job.redrive))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "20")
        .set("isolation.level", "read_committed");
    settings
}

fn base(job: &Job) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("client.id", "millrace-redrive");
    for (key, value) in &job.connection {
        settings.set(key, value);
    }
    settings
}

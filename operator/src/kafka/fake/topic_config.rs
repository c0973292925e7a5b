/// What a topic's configuration key takes. Keys and ranges as in `org.apache.kafka.common.config.TopicConfig` and
/// `LogConfig` of Kafka 4.3.
enum Takes {
    WholeNumber { least: i64 },
    Fraction,
    Boolean,
    OneOf(&'static [&'static str]),
    Several(&'static [&'static str]),
    Text,
}

const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

fn takes(key: &str) -> Option<Takes> {
    Some(match key {
        "cleanup.policy" => Takes::Several(&["compact", "delete"]),
        "compression.type" => Takes::OneOf(CODECS),
        "message.timestamp.type" => Takes::OneOf(&["CreateTime", "LogAppendTime"]),
        "min.cleanable.dirty.ratio" => Takes::Fraction,
        "preallocate"
        | "unclean.leader.election.enable"
        | "remote.storage.enable"
        | "remote.log.copy.disable"
        | "remote.log.delete.on.disable" => Takes::Boolean,
        "retention.ms" | "retention.bytes" => Takes::WholeNumber { least: -1 },
        "local.retention.ms" | "local.retention.bytes" => Takes::WholeNumber { least: -2 },
        "min.insync.replicas" | "max.compaction.lag.ms" | "segment.ms" => {
            Takes::WholeNumber { least: 1 }
        }
        "segment.bytes" => Takes::WholeNumber { least: 1 << 20 },
        "segment.index.bytes" => Takes::WholeNumber { least: 4 },
        "segment.jitter.ms"
        | "delete.retention.ms"
        | "file.delete.delay.ms"
        | "flush.ms"
        | "index.interval.bytes"
        | "max.message.bytes"
        | "message.timestamp.after.max.ms"
        | "message.timestamp.before.max.ms"
        | "min.compaction.lag.ms" => Takes::WholeNumber { least: 0 },
        "flush.messages" => Takes::WholeNumber { least: 1 },
        "compression.gzip.level"
        | "compression.lz4.level"
        | "compression.zstd.level"
        | "leader.replication.throttled.replicas"
        | "follower.replication.throttled.replicas" => Takes::Text,
        _ => return None,
    })
}

/// Why a broker refuses to set `key` to `value`; None if it does not.
pub(super) fn refusal(key: &str, value: &str) -> Option<String> {
    let Some(takes) = takes(key) else {
        return Some(format!("Unknown topic config name: {key}"));
    };
    let accepted = match takes {
        Takes::WholeNumber { least } => value
            .trim()
            .parse::<i64>()
            .is_ok_and(|number| number >= least),
        Takes::Fraction => value
            .trim()
            .parse::<f64>()
            .is_ok_and(|number| (0.0..=1.0).contains(&number)),
        Takes::Boolean => matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "false"),
        Takes::OneOf(words) => words.contains(&value),
        Takes::Several(words) => value.split(',').all(|word| words.contains(&word.trim())),
        Takes::Text => true,
    };
    (!accepted).then(|| format!("Invalid value {value} for configuration {key}"))
}

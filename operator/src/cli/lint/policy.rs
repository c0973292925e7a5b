use std::collections::BTreeSet;

use serde_json::Value;

use super::{super::manifests::Document, rule::Rule, settings::Settings};

/// A rule that a resource breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) rule: Rule,
    /// JSON pointer to what is at fault, or to where something is missing.
    pub(super) pointer: String,
    pub(super) message: String,
}

/// The topics that the manifests have a schema for: by resource, and by name in Kafka.
#[derive(Default)]
pub(super) struct Described {
    resources: BTreeSet<(String, String)>,
    subjects: BTreeSet<String>,
}

impl Described {
    pub(super) fn of(documents: &[Document]) -> Self {
        let mut described = Self::default();
        for schema in documents
            .iter()
            .filter(|document| document.kind() == "Schema")
        {
            let text = |pointer| schema.value.pointer(pointer).and_then(Value::as_str);
            if let Some(topic) = text("/spec/topicRef/name") {
                let resource = (schema.namespace().to_owned(), topic.to_owned());
                described.resources.insert(resource);
            }
            described
                .subjects
                .extend(text("/spec/subject").map(ToOwned::to_owned));
        }
        described
    }

    fn has(&self, topic: &Document) -> bool {
        let resource = (topic.namespace().to_owned(), topic.name().to_owned());
        let subject = |part| format!("{}-{part}", topic_name(topic));
        self.resources.contains(&resource)
            || ["key", "value"]
                .iter()
                .any(|part| self.subjects.contains(&subject(part)))
    }
}

/// The rules that a resource breaks, whatever their severity.
pub(super) fn breaches(
    document: &Document,
    settings: &Settings,
    described: &Described,
) -> Vec<Breach> {
    let reader = Reader { document, settings };
    let found = match document.kind() {
        "Topic" => vec![
            reader.written(
                Rule::TopicOwner,
                "/spec/owner",
                "nobody answers for the topic: write `owner`",
            ),
            reader.written(
                Rule::TopicDescription,
                "/spec/description",
                "nobody can tell what the topic carries: write `description`",
            ),
            reader.retention(),
            reader.replicas(),
            reader.partitions(),
            reader.name(),
            reader.schema(described),
            reader.max_message_bytes(),
            reader.min_insync_replicas(),
            reader.deletion(),
            reader.consumers("/spec/allowedConsumers/from"),
        ],
        "DLQ" => vec![
            reader.replicas(),
            reader.partitions(),
            reader.name(),
            reader.max_message_bytes(),
            reader.min_insync_replicas(),
            reader.deletion(),
            reader.consumers("/spec/allowedGroups/from"),
        ],
        "Schema" => vec![reader.deletion()],
        "ConsumerGroup" => vec![reader.written(
            Rule::GroupDlq,
            "/spec/dlqRef",
            "a record that cannot be processed has nowhere to go: write `dlqRef`",
        )],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

struct Reader<'a> {
    document: &'a Document,
    settings: &'a Settings,
}

impl Reader<'_> {
    fn at(&self, pointer: &str) -> Option<&Value> {
        self.document
            .value
            .pointer(pointer)
            .filter(|value| !value.is_null())
    }

    /// A number, or a number in a text, as Kafka's configuration takes both.
    fn number(&self, pointer: &str) -> Option<i64> {
        let value = self.at(pointer)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    }

    fn breach(rule: Rule, pointer: &str, message: String) -> Option<Breach> {
        Some(Breach {
            rule,
            pointer: pointer.to_owned(),
            message,
        })
    }

    fn written(&self, rule: Rule, pointer: &str, message: &str) -> Option<Breach> {
        let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        match self.at(pointer) {
            Some(value) if !blank(value) => None,
            _ => Self::breach(rule, pointer, message.to_owned()),
        }
    }

    fn retention(&self) -> Option<Breach> {
        let keys = ["retention.ms", "retention.bytes"];
        let set = keys
            .iter()
            .any(|key| self.at(&format!("/spec/config/{key}")).is_some());
        let compacted = self
            .at("/spec/config/cleanup.policy")
            .is_some_and(|policy| policy == "compact");
        match set || compacted {
            true => None,
            false => Self::breach(
                Rule::TopicRetention,
                "/spec/config",
                "how long records are kept is left to the cluster: write `retention.ms` or `retention.bytes` in config, or `cleanup.policy: compact`".to_owned(),
            ),
        }
    }

    fn replicas(&self) -> Option<Breach> {
        let least = self.settings.number(Rule::TopicReplicas);
        let replicas = self.number("/spec/replicas").filter(|have| *have < least)?;
        Self::breach(
            Rule::TopicReplicas,
            "/spec/replicas",
            format!(
                "`replicas: {replicas}` is less than {least}: losing that many brokers loses records"
            ),
        )
    }

    fn partitions(&self) -> Option<Breach> {
        let most = self.settings.number(Rule::TopicPartitions);
        let partitions = self
            .number("/spec/partitions")
            .filter(|have| *have > most)?;
        Self::breach(
            Rule::TopicPartitions,
            "/spec/partitions",
            format!(
                "`partitions: {partitions}` is more than {most}, and they can never be taken away"
            ),
        )
    }

    fn name(&self) -> Option<Breach> {
        let pattern = self.settings.pattern(Rule::TopicName)?;
        let name = topic_name(self.document);
        match pattern.is_match(name) {
            true => None,
            false => Self::breach(
                Rule::TopicName,
                "/spec/topicName",
                format!("the name `{name}` does not match {pattern}"),
            ),
        }
    }

    fn schema(&self, described: &Described) -> Option<Breach> {
        match described.has(self.document) {
            true => None,
            false => Self::breach(
                Rule::TopicSchema,
                "",
                "no Schema in these files describes the topic: write one with `topicRef`"
                    .to_owned(),
            ),
        }
    }

    fn max_message_bytes(&self) -> Option<Breach> {
        let pointer = "/spec/config/max.message.bytes";
        let most = self.settings.number(Rule::TopicMaxMessageBytes);
        let bytes = self.number(pointer).filter(|have| *have > most)?;
        Self::breach(
            Rule::TopicMaxMessageBytes,
            pointer,
            format!("max.message.bytes {bytes} is more than {most}"),
        )
    }

    /// With as many in-sync replicas asked for as there are replicas, one broker that restarts stops the producers.
    fn min_insync_replicas(&self) -> Option<Breach> {
        let pointer = "/spec/config/min.insync.replicas";
        let least = self.settings.number(Rule::TopicMinInsyncReplicas);
        let min_isr = self.number(pointer)?;
        let message = if min_isr < least {
            format!(
                "min.insync.replicas {min_isr} is less than {least}: an acknowledged record may be on that many brokers alone"
            )
        } else {
            let replicas = self
                .number("/spec/replicas")
                .filter(|have| *have <= min_isr)?;
            format!(
                "min.insync.replicas {min_isr} of {replicas} replicas: nobody can write while a broker restarts"
            )
        };
        Self::breach(Rule::TopicMinInsyncReplicas, pointer, message)
    }

    fn deletion(&self) -> Option<Breach> {
        let pointer = "/spec/deletionPolicy";
        let policy = self
            .at(pointer)?
            .as_str()
            .filter(|policy| *policy != "Retain")?;
        let pattern = self.settings.pattern(Rule::DeletionPolicy)?;
        let namespace = self.document.namespace();
        match pattern.is_match(namespace) {
            false => None,
            true => Self::breach(
                Rule::DeletionPolicy,
                pointer,
                format!(
                    "`deletionPolicy: {policy}` in namespace `{namespace}`: whoever deletes the resource deletes the data"
                ),
            ),
        }
    }

    fn consumers(&self, pointer: &str) -> Option<Breach> {
        self.at(pointer).filter(|from| *from == "All")?;
        Self::breach(
            Rule::ConsumersAll,
            pointer,
            "every namespace is let in: write `from: Selector` and which ones".to_owned(),
        )
    }
}

/// Name in Kafka of a Topic's or a DLQ's topic.
fn topic_name(document: &Document) -> &str {
    let written = document
        .value
        .pointer("/spec/topicName")
        .and_then(Value::as_str);
    written.unwrap_or_else(|| document.name())
}

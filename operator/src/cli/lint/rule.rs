use std::fmt;

use serde::Serialize;

/// What a finding means for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Not looked at.
    Off,
    /// Told, and let through.
    Warning,
    /// The command fails.
    Error,
}

impl Severity {
    pub(super) const NAMES: [&str; 3] = ["error", "warning", "off"];

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What a rule is compared with.
#[derive(Clone, Debug)]
pub(super) enum Parameter {
    Number(i64),
    Pattern(regex::Regex),
}

/// A rule of the house: what good manifests have beyond what Millrace needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    TopicOwner,
    TopicDescription,
    TopicRetention,
    TopicReplicas,
    TopicPartitions,
    TopicName,
    TopicSchema,
    TopicMaxMessageBytes,
    TopicMinInsyncReplicas,
    DeletionPolicy,
    ConsumersAll,
    GroupDlq,
}

/// What stands beside a rule in the table of the guide.
pub(super) struct Facts {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    /// Name and default of what the rule is compared with.
    pub(super) parameter: Option<(&'static str, Default)>,
}

/// The default of a parameter.
#[derive(Clone, Copy)]
pub(super) enum Default {
    Number(i64),
    Pattern(&'static str),
}

impl Rule {
    pub(super) const ALL: [Self; 12] = [
        Self::TopicOwner,
        Self::TopicDescription,
        Self::TopicRetention,
        Self::TopicReplicas,
        Self::TopicPartitions,
        Self::TopicName,
        Self::TopicSchema,
        Self::TopicMaxMessageBytes,
        Self::TopicMinInsyncReplicas,
        Self::DeletionPolicy,
        Self::ConsumersAll,
        Self::GroupDlq,
    ];

    pub(super) fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id() == id)
    }

    pub(super) fn id(self) -> &'static str {
        self.facts().id
    }

    pub(super) fn facts(self) -> Facts {
        use Severity::{Error, Warning};
        let facts = |id, severity, parameter| Facts {
            id,
            severity,
            parameter,
        };
        let number = |name, default| Some((name, Default::Number(default)));
        let pattern = |name, default| Some((name, Default::Pattern(default)));
        match self {
            Self::TopicOwner => facts("topic-owner", Warning, None),
            Self::TopicDescription => facts("topic-description", Warning, None),
            Self::TopicRetention => facts("topic-retention", Warning, None),
            Self::TopicReplicas => facts("topic-replicas", Error, number("minimum", 2)),
            Self::TopicPartitions => facts("topic-partitions", Warning, number("maximum", 100)),
            Self::TopicName => facts(
                "topic-name",
                Warning,
                pattern("pattern", "^[a-z0-9]+([.-][a-z0-9]+)*$"),
            ),
            Self::TopicSchema => facts("topic-schema", Warning, None),
            // Kafka's default of max.message.bytes: 1 MiB and the overhead of a batch.
            Self::TopicMaxMessageBytes => facts(
                "topic-max-message-bytes",
                Error,
                number("maximum", 1_048_588),
            ),
            Self::TopicMinInsyncReplicas => {
                facts("topic-min-insync-replicas", Warning, number("minimum", 2))
            }
            Self::DeletionPolicy => facts(
                "deletion-policy",
                Error,
                pattern("namespaces", "^(.*-)?prod(uction)?(-.*)?$"),
            ),
            Self::ConsumersAll => facts("consumers-all", Error, None),
            Self::GroupDlq => facts("group-dlq", Warning, None),
        }
    }
}

/// The name of `names` that is most like `text`, if one is like it at all.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let measured = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(text, name), name));
    measured
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `, did you mean `x`?` where there is something to mean.
pub(super) fn suggestion<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(text, names)
        .map(|name| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}

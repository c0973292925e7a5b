use std::collections::{BTreeMap, BTreeSet};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cluster: String,
    dlq: String,
    reason: String,
}

/// `millrace_dlq_letters`: dead letters by reason. Clones share the same series.
#[derive(Clone, Debug, Default)]
pub struct DlqLetters(Family<Labels, Gauge>);

impl DlqLetters {
    /// Sets the letters of a DLQ (`dlq`: namespace/name) by reason, and removes the series of the reasons `before` that are gone.
    pub fn set(
        &self,
        cluster: &str,
        dlq: &str,
        before: &BTreeSet<String>,
        now: &BTreeMap<String, i64>,
    ) {
        let labels = |reason: &String| Labels {
            cluster: cluster.to_owned(),
            dlq: dlq.to_owned(),
            reason: reason.clone(),
        };
        for gone in before.iter().filter(|reason| !now.contains_key(*reason)) {
            self.0.remove(&labels(gone));
        }
        for (reason, count) in now {
            self.0.get_or_create(&labels(reason)).set(*count);
        }
    }

    /// Makes the metric part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "dlq_letters",
            "Dead letters in a dead-letter queue, by reason",
            self.0.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn series(letters: &DlqLetters) -> Vec<String> {
        let mut registry = Registry::default();
        letters.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let series = text.lines().filter(|line| line.starts_with("dlq_letters{"));
        series.map(str::to_owned).collect()
    }

    #[test]
    fn a_flood_of_reasons_leaves_only_the_series_of_those_told_last() {
        let letters = DlqLetters::default();
        let mut before = BTreeSet::new();
        for round in 0..10_000 {
            let reasons = (0..21).map(|line| (format!("reason {round} {line}"), line));
            let now: BTreeMap<String, i64> = reasons.collect();
            letters.set("kafka/events", "shop/letters", &before, &now);
            before = now.into_keys().collect();
        }
        let told = series(&letters);
        assert_eq!(told.len(), 21);
        assert!(
            told.iter().all(|line| line.contains("reason 9999 ")),
            "{told:?}"
        );
        letters.set("kafka/events", "shop/letters", &before, &BTreeMap::new());
        assert_eq!(series(&letters), Vec::<String>::new());
    }

    #[test]
    fn a_reason_with_quotes_stays_one_label() {
        let letters = DlqLetters::default();
        let reason = r#"a"} 1 \ {b=""#.to_owned();
        letters.set(
            "kafka/events",
            "shop/letters",
            &BTreeSet::new(),
            &[(reason, 7)].into(),
        );
        assert_eq!(
            series(&letters),
            [
                r#"dlq_letters{cluster="kafka/events",dlq="shop/letters",reason="a\"} 1 \\ {b=\""} 7"#
            ]
        );
    }
}

//! Metrics in Prometheus' text format, as the operator and the API server give them.

use std::collections::BTreeMap;

/// The labels of a sample.
pub type Labels = BTreeMap<String, String>;

/// The samples of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<Sample>);

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

impl Metrics {
    /// The samples whose name begins with one of `prefixes`; an API server gives megabytes of others.
    pub fn parse(text: &str, prefixes: &[&str]) -> Self {
        let wanted = |line: &&str| prefixes.iter().any(|prefix| line.starts_with(prefix));
        Self(text.lines().filter(wanted).filter_map(sample).collect())
    }

    /// The sum of all samples of a name whose labels are as wanted; 0 where there is none.
    pub fn sum(&self, name: &str, wanted: impl Fn(&Labels) -> bool) -> f64 {
        let of_name = self.0.iter().filter(|sample| sample.name == name);
        of_name
            .filter(|sample| wanted(&sample.labels))
            .map(|sample| sample.value)
            .sum()
    }

    /// The sums of all samples of a name whose labels have a key, by that key.
    pub fn by(&self, name: &str, key: impl Fn(&Labels) -> Option<String>) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.0.iter().filter(|sample| sample.name == name) {
            if let Some(key) = key(&sample.labels) {
                *sums.entry(key).or_default() += sample.value;
            }
        }
        sums
    }

    /// The sums of all samples whose name begins with `prefix` and ends in `_total`, by name and by the values of their labels
    /// with spaces between.
    pub fn totals(&self, prefix: &str) -> BTreeMap<String, BTreeMap<String, f64>> {
        let mut totals = BTreeMap::<String, BTreeMap<String, f64>>::new();
        let counters =
            |sample: &&Sample| sample.name.starts_with(prefix) && sample.name.ends_with("_total");
        for sample in self.0.iter().filter(counters) {
            let labels: Vec<&str> = sample.labels.values().map(String::as_str).collect();
            let sums = totals.entry(sample.name.clone()).or_default();
            *sums.entry(labels.join(" ")).or_default() += sample.value;
        }
        totals
    }
}

/// What counters grew by between two scrapes; those that did not are left out.
pub fn growth(
    before: &BTreeMap<String, f64>,
    after: &BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    let grown = after.iter().map(|(key, value)| {
        let grown = value - before.get(key).copied().unwrap_or_default();
        (key.clone(), grown)
    });
    grown.filter(|(_, grown)| *grown != 0.0).collect()
}

/// `name{label="value",...} value`, with a timestamp or an exemplar behind it or not.
fn sample(line: &str) -> Option<Sample> {
    let name_ends = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_ends);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The labels up to the closing brace, and what stands behind it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let (value, behind) = unquoted(quoted)?;
        labels.insert(key.to_owned(), value);
        rest = behind;
    }
}

/// A value up to its closing quote, and what stands behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Metrics, growth};

    const TEXT: &str = r#"# HELP millrace_leader 1 where this process leads, 0 where it stands by.
# TYPE millrace_leader gauge
millrace_leader 1
millrace_kafka_requests_total{kind="describe_topics"} 12
millrace_kafka_requests_total{kind="create_topics"} 3
millrace_dlq_letters{cluster="a/b",reason="said \"no\", {twice}\\"} 2.5 1700000000
process_cpu_seconds_total 9
"#;

    #[test]
    fn samples_are_summed_by_label() {
        let metrics = Metrics::parse(TEXT, &["millrace_"]);
        assert_eq!(metrics.sum("millrace_leader", |_| true), 1.0);
        let requests = metrics.by("millrace_kafka_requests_total", |l| l.get("kind").cloned());
        assert_eq!(
            requests,
            [
                ("create_topics".into(), 3.0),
                ("describe_topics".into(), 12.0)
            ]
            .into()
        );
        assert_eq!(metrics.sum("millrace_kafka_requests_total", |_| true), 15.0);
        assert_eq!(metrics.sum("process_cpu_seconds_total", |_| true), 0.0);
    }

    #[test]
    fn totals_of_a_prefix_are_told_apart_by_name_and_labels() {
        let metrics = Metrics::parse(TEXT, &["millrace_"]);
        let totals = metrics.totals("millrace_kafka_");
        assert_eq!(totals.len(), 1, "{totals:?}");
        let calls = &totals["millrace_kafka_requests_total"];
        assert_eq!(calls["create_topics"], 3.0);
        assert_eq!(calls.values().sum::<f64>(), 15.0);
        assert!(metrics.totals("millrace_dlq_").is_empty());
    }

    #[test]
    fn a_label_may_hold_quotes_commas_and_braces() {
        let metrics = Metrics::parse(TEXT, &["millrace_dlq"]);
        let letters = metrics.by("millrace_dlq_letters", |l| l.get("reason").cloned());
        assert_eq!(letters, [("said \"no\", {twice}\\".into(), 2.5)].into());
    }

    #[test]
    fn only_what_grew_is_growth() {
        let before = [("a".into(), 1.0), ("b".into(), 2.0)].into();
        let after = [("a".into(), 1.0), ("b".into(), 5.0), ("c".into(), 1.0)].into();
        assert_eq!(
            growth(&before, &after),
            [("b".into(), 3.0), ("c".into(), 1.0)].into()
        );
    }
}

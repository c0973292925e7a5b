use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::conformance::Verdict;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cluster: String,
    schema: String,
    result: &'static str,
}

/// `millrace_schema_sampled_records_total`: records that were sampled, by what was found. Clones share the same series.
#[derive(Clone, Debug, Default)]
pub struct SampledRecords(Family<Labels, Counter>);

impl SampledRecords {
    /// Counts records of which the audit of a Schema (`schema`: namespace/name) says this.
    pub fn count(&self, cluster: &str, schema: &str, verdict: Verdict, records: u64) {
        let labels = labels(cluster, schema, verdict);
        self.0.get_or_create(&labels).inc_by(records);
    }

    /// Removes all series of a Schema.
    pub fn forget(&self, cluster: &str, schema: &str) {
        for verdict in Verdict::ALL {
            self.0.remove(&labels(cluster, schema, verdict));
        }
    }

    /// Makes the metric part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "schema_sampled_records",
            "Records sampled by the audits of Schemas, by what was found",
            self.0.clone(),
        );
    }
}

fn labels(cluster: &str, schema: &str, verdict: Verdict) -> Labels {
    Labels {
        cluster: cluster.to_owned(),
        schema: schema.to_owned(),
        result: verdict.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn records_are_counted_by_result_and_go_with_their_schema() {
        let mut registry = Registry::with_prefix("millrace");
        let records = SampledRecords::default();
        records.register(&mut registry);
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        for verdict in Verdict::ALL {
            records.count("kafka/main", "shop/orders", verdict, 2);
        }
        records.count("kafka/main", "shop/orders", Verdict::NotFramed, 1);
        let line = r#"millrace_schema_sampled_records_total{cluster="kafka/main",schema="shop/orders",result="not_framed"} 3"#;
        assert!(text().contains(line), "{}", text());
        records.forget("kafka/main", "shop/orders");
        assert!(!text().contains("shop/orders"), "{}", text());
    }
}

#![allow(clippy::unwrap_used)]

//! Whole reconciles of audited Schemas against an API server, a Kafka and a registry in memory.

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};

use super::tests::CARRIER;
use crate::{
    controllers::testing::{House, Operator},
    kafka::TopicPartition,
    registry::{FakeRegistry, NewSchema, SchemaRegistry},
};

const FRAMED: &[u8] = &[0, 0, 0, 0, 1, 9];
const OF_ANOTHER: &[u8] = &[0, 0, 0, 0, 2, 9];
const UNKNOWN: &[u8] = &[0, 0, 0, 1, 0, 9];
const BARE: &[u8] = b"bare";
const GUID: [u8; 17] = [1; 17];

impl House {
    /// A Topic `orders` of two partitions, and a Schema of its values that is audited every minute.
    fn audited(&self) {
        let topic = json!({ "partitions": 2, "replicas": 1 });
        self.put("Topic", "kafka", "orders", topic);
        self.audit(json!({ "mode": "Audit", "maxRecords": 10, "intervalSeconds": 60 }));
    }

    fn audit(&self, conformance: Value) {
        let spec = json!({
            "topicRef": { "name": "orders" }, "schema": CARRIER, "conformance": conformance,
        });
        self.put("Schema", "kafka", "orders", spec);
    }

    fn write(&self, partition: i32, value: Option<&[u8]>, header: Option<&[u8]>) {
        let at = TopicPartition {
            topic: "orders".into(),
            partition,
        };
        let time = Timestamp::from_second(77).unwrap();
        self.kafka.write(&at, time, value, header);
    }

    fn found(&self) -> Value {
        let schema = self.get("Schema", "kafka", "orders").unwrap_or_default();
        schema["status"]["conformance"].clone()
    }

    async fn until_conformant(&self, begins: &str) -> String {
        let says = || self.condition("Schema", "kafka", "orders", "Conformant");
        let what = format!("Conformant={begins}");
        self.until(&what, || says().starts_with(begins)).await;
        says()
    }
}

fn counts(found: &Value) -> [&Value; 6] {
    [
        &found["sampled"],
        &found["conforming"],
        &found["notFramed"],
        &found["unknownId"],
        &found["otherSubject"],
        &found["unchecked"],
    ]
}

fn metrics(operator: &Operator) -> String {
    let mut text = String::new();
    encode(&mut text, &operator.context.metrics.registry()).unwrap();
    text
}

/// Registers another text than that of `orders`, which has an id of its own: the same text has the same id under every subject.
async fn registered(registry: &FakeRegistry, subject: &str) {
    let schema = NewSchema {
        schema_type: millrace_crds::SchemaType::Avro,
        text: "\"string\"".to_owned(),
        references: Vec::new(),
    };
    registry.register(subject, &schema).await.unwrap();
}

#[test]
fn records_are_counted_by_what_their_framing_names_and_the_first_violation_is_told() {
    let (house, registry) = House::with_registry();
    house.audited();
    house.live(async |operator| {
        house.until_conformant("Unknown/NoRecords").await;
        registered(&registry, "another").await;
        house.write(0, Some(FRAMED), None);
        house.write(1, None, None);
        house.until_conformant("True/Conforming").await;
        assert_eq!(counts(&house.found()), [2, 2, 0, 0, 0, 0]);

        house.write(0, Some(BARE), None);
        house.write(0, Some(UNKNOWN), None);
        house.write(0, Some(BARE), Some(&GUID));
        house.write(1, Some(FRAMED), Some(b"no id"));
        house.write(1, Some(OF_ANOTHER), None);
        let says = house
            .until_conformant("False/NonConformingRecords: detected in a sample")
            .await;
        assert!(says.contains("schema id 2"), "{says}");
        assert!(says.contains("partition 1, offset 2"), "{says}");
        let found = house.found();
        assert_eq!(counts(&found), [7, 2, 2, 1, 1, 1], "{found}");
        assert_eq!(found["lastViolation"]["time"], "1970-01-01T00:01:17Z");
        let ready = house.condition("Schema", "kafka", "orders", "Ready");
        assert!(ready.starts_with("True/"), "the text is registered: {ready}");
        let told = house.api.events();
        let of_it = told.iter().filter(|note| note.starts_with("Conformant: "));
        assert_eq!(of_it.count(), 1, "{told:?}");
        let line = r#"millrace_schema_sampled_records_total{cluster="kafka/main",schema="kafka/orders",result="not_framed"} 2"#;
        assert!(metrics(operator).contains(line), "{}", metrics(operator));

        house.audit(json!({ "mode": "Off" }));
        house.until("no word of it", || house.found().is_null()).await;
        let says = house.condition("Schema", "kafka", "orders", "Conformant");
        assert_eq!(says, "");
        assert!(!metrics(operator).contains("schema=\"kafka/orders\""));
    });
}

#[test]
fn an_idle_topic_costs_no_writes_and_a_busy_one_those_of_the_looks_at_its_subject() {
    let (house, registry) = House::with_registry();
    house.audited();
    house.live(async |_| {
        house.until_conformant("Unknown/NoRecords").await;
        house.write(0, Some(BARE), None);
        house.until_conformant("False/").await;
        house.quiet().await;
        let before = house.api.version();
        tokio::time::sleep(std::time::Duration::from_secs(900)).await;
        assert_eq!(house.api.version(), before, "nobody writes to it");
        assert_eq!(house.found()["sampled"], 1, "nothing is counted twice");

        registry.take_asked();
        for _ in 0..60 {
            house.write(0, Some(FRAMED), None);
            house.write(0, Some(BARE), None);
            tokio::time::sleep(std::time::Duration::from_secs(15)).await;
        }
        let writes = house.api.version() - before;
        assert!(
            (1..=4).contains(&writes),
            "{writes} in a quarter of an hour"
        );
        assert_eq!(registry.take_asked(), [1], "what is registered stays so");
    });
}

#[test]
fn a_sample_that_cannot_be_judged_counts_for_nothing_until_it_can() {
    let (house, registry) = House::with_registry();
    house.audited();
    house.live(async |_| {
        house.until_conformant("Unknown/NoRecords").await;
        registry.set_unreachable(true);
        house.write(0, Some(BARE), None);
        house.write(0, Some(UNKNOWN), None);
        house.until_conformant("Unknown/RegistryUnreachable").await;
        assert_eq!(counts(&house.found()), [0; 6]);
        registry.set_unreachable(false);
        house.until_conformant("False/").await;
        assert_eq!(counts(&house.found()), [2, 0, 1, 1, 0, 0]);
        house.kafka.set_reachable(false);
        house.until_conformant("Unknown/KafkaUnreachable").await;
        house.kafka.set_reachable(true);
        house.until_conformant("False/").await;
    });
}

#[test]
fn a_new_start_counts_anew_and_is_no_news() {
    let (house, _) = House::with_registry();
    house.audited();
    house.live(async |_| {
        house.until_conformant("Unknown/NoRecords").await;
        for _ in 0..30 {
            house.write(0, Some(BARE), None);
        }
        house.until_conformant("False/").await;
        assert_eq!(house.found()["sampled"], 5, "of ten, for two partitions");
    });
    let events = house.api.events();
    house.live(async |_| {
        house.quiet().await;
        assert_eq!(house.found()["notFramed"], 5, "the newest again");
        assert!(house.api.events()[events.len()..].is_empty());
    });
}

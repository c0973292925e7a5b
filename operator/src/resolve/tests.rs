#![allow(clippy::unwrap_used, clippy::expect_used)]

mod redrives;
mod references;
mod texts;
mod theft;

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Schema, Topic};
use serde::de::DeserializeOwned;

use super::{
    Amount, Claimant, Facts, Limits, Name, Rejection, Share, Uses, consumer_group, dlq, dlq_share,
    group_names, schema, topic, topic_share,
};
use crate::{status::reasons, world::ClusterKey};

/// Facts as a list of manifests; the order of the manifests is the order of their creation.
#[derive(Default)]
struct Manifests {
    clusters: Vec<Arc<KafkaCluster>>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    topics: Vec<Arc<Topic>>,
    dlqs: Vec<Arc<Dlq>>,
    schemas: Vec<Arc<Schema>>,
    texts: Vec<Arc<ConfigMap>>,
    claims: Vec<(ClusterKey, Name, Claimant)>,
    uses: BTreeMap<(ClusterKey, String), Uses>,
}

impl Facts for Manifests {
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>> {
        self.clusters
            .iter()
            .find(|c| c.name_any() == key.name && c.namespace().as_ref() == Some(&key.namespace))
            .cloned()
    }

    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        self.namespaces.get(namespace).cloned()
    }

    fn topic(&self, namespace: &str, name: &str) -> Option<Arc<Topic>> {
        self.topics
            .iter()
            .find(|t| t.name_any() == name && t.namespace().as_deref() == Some(namespace))
            .cloned()
    }

    fn dlq(&self, namespace: &str, name: &str) -> Option<Arc<Dlq>> {
        self.dlqs
            .iter()
            .find(|d| d.name_any() == name && d.namespace().as_deref() == Some(namespace))
            .cloned()
    }

    fn schema(&self, namespace: &str, name: &str) -> Option<Arc<Schema>> {
        self.schemas
            .iter()
            .find(|s| s.name_any() == name && s.namespace().as_deref() == Some(namespace))
            .cloned()
    }

    fn schema_texts(&self, namespace: &str, config_map: &str) -> Option<Arc<ConfigMap>> {
        self.texts
            .iter()
            .find(|t| t.name_any() == config_map && t.namespace().as_deref() == Some(namespace))
            .cloned()
    }

    fn claimants(&self, cluster: &ClusterKey, name: &Name) -> Vec<Claimant> {
        let claims = self.claims.iter();
        claims
            .filter(|(c, n, _)| c == cluster && n == name)
            .map(|(_, _, who)| who.clone())
            .collect()
    }

    fn others_under(
        &self,
        cluster: &ClusterKey,
        prefix: &str,
        home: &str,
    ) -> Vec<(String, Claimant)> {
        let claims = self.claims.iter();
        claims
            .filter(|(of, _, who)| of == cluster && who.namespace != home)
            .filter_map(|(_, name, who)| match name {
                Name::Topic(topic) if topic.starts_with(prefix) => {
                    Some((topic.clone(), who.clone()))
                }
                _ => None,
            })
            .collect()
    }

    fn used_before(
        &self,
        cluster: &ClusterKey,
        me: &Claimant,
        mine: Share,
        limits: Limits,
    ) -> Amount {
        let uses = self.uses.get(&(cluster.clone(), me.namespace.clone()));
        uses.map_or_else(Amount::default, |uses| uses.before(me, mine, limits))
    }
}

impl Manifests {
    /// A cluster `platform/events` that lets namespaces labelled `kafka: yes` in; namespaces `team-a`, `team-b` have the label, `stranger` has none.
    fn new() -> Self {
        let mut facts = Self::default();
        facts.clusters.push(Arc::new(parse(
            r"
            apiVersion: millrace.dev/v1alpha1
            kind: KafkaCluster
            metadata: {name: events, namespace: platform}
            spec: {namespaces: [{selector: {matchLabels: {kafka: 'yes'}}}]}
            ",
        )));
        let labels = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        facts
            .namespaces
            .insert("team-a".into(), labels(&[("kafka", "yes"), ("team", "a")]));
        facts
            .namespaces
            .insert("team-b".into(), labels(&[("kafka", "yes"), ("team", "b")]));
        facts.namespaces.insert("stranger".into(), labels(&[]));
        facts.namespaces.insert("platform".into(), labels(&[]));
        facts
    }

    fn claim(&mut self, name: Name, who: Claimant) {
        self.claims.push((key(), name, who));
    }

    fn uses(&mut self, who: &Claimant, share: Option<Share>) {
        let uses = self.uses.entry((key(), who.namespace.clone())).or_default();
        if let Some(share) = share {
            uses.put(who, share);
        }
    }

    fn with_topic(mut self, topic: Topic) -> Self {
        let name = topic
            .spec
            .topic_name
            .clone()
            .unwrap_or_else(|| topic.name_any());
        self.claim(Name::Topic(name), Claimant::of(&topic));
        self.uses(&Claimant::of(&topic), topic_share(&topic));
        self.topics.push(Arc::new(topic));
        self
    }

    fn with_dlq(mut self, dlq: Dlq) -> Self {
        let name = dlq
            .spec
            .topic_name
            .clone()
            .unwrap_or_else(|| dlq.name_any());
        self.claim(Name::Topic(name), Claimant::of(&dlq));
        self.uses(&Claimant::of(&dlq), dlq_share(&dlq));
        self.dlqs.push(Arc::new(dlq));
        self
    }

    fn with_schema(mut self, schema: Schema) -> Self {
        if let Some(subject) = &schema.spec.subject {
            self.claim(Name::Subject(subject.clone()), Claimant::of(&schema));
        }
        self.schemas.push(Arc::new(schema));
        self
    }
}

fn key() -> ClusterKey {
    ClusterKey {
        namespace: "platform".into(),
        name: "events".into(),
    }
}

fn parse<K: DeserializeOwned>(yaml: &str) -> K {
    serde_saphyr::from_str(yaml).expect("the manifest of the test parses")
}

/// A Topic `name` created in second `age`, with more of its spec in `rest`.
fn a_topic(namespace: &str, name: &str, age: u8, rest: &str) -> Topic {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: Topic\nmetadata: {{name: {name}, namespace: {namespace}, uid: {namespace}-{name}, creationTimestamp: '2026-01-01T00:00:{age:02}Z'}}\nspec: {{clusterRef: {{name: events, namespace: platform}}, partitions: 3{rest}}}"
    ))
}

fn a_dlq(namespace: &str, name: &str, rest: &str) -> Dlq {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: DLQ\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{clusterRef: {{name: events, namespace: platform}}{rest}}}"
    ))
}

fn a_group(namespace: &str, name: &str, rest: &str) -> ConsumerGroup {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: ConsumerGroup\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{clusterRef: {{name: events, namespace: platform}}, serviceAccountName: reader{rest}}}"
    ))
}

fn a_schema(namespace: &str, name: &str, age: u8, rest: &str) -> Schema {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: Schema\nmetadata: {{name: {name}, namespace: {namespace}, creationTimestamp: '2026-01-01T00:00:{age:02}Z'}}\nspec: {{clusterRef: {{name: events, namespace: platform}}, schema: '\"string\"'{rest}}}"
    ))
}

fn reason<T: std::fmt::Debug>(result: Result<T, Rejection>) -> &'static str {
    result.expect_err("it is rejected").reason
}

#[test]
fn a_namespace_without_a_grant_may_not_use_the_cluster() {
    let facts = Manifests::new();
    let rejection =
        topic(&a_topic("stranger", "stranger.orders", 0, ""), &facts).expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::NAMESPACE_NOT_GRANTED);
    assert!(
        rejection.message.contains("`stranger`") && rejection.message.contains("spec.namespaces"),
        "{}",
        rejection.message
    );
}

#[test]
fn a_name_must_begin_with_a_prefix_of_its_namespace() {
    let facts = Manifests::new();
    assert_eq!(
        reason(topic(&a_topic("team-a", "team-b.orders", 0, ""), &facts)),
        reasons::NAME_NOT_GRANTED
    );
    assert_eq!(
        reason(topic(&a_topic("team-a", "team-ax", 0, ""), &facts)),
        reasons::NAME_NOT_GRANTED
    );
    assert!(topic(&a_topic("team-a", "team-a.orders", 0, ""), &facts).is_ok());
    let group = a_group(
        "team-a",
        "team-b.readers",
        ", topics: [{name: team-a.orders}]",
    );
    assert_eq!(
        reason(consumer_group(&group, &facts)),
        reasons::NAME_NOT_GRANTED
    );
    assert_eq!(
        reason(schema(
            &a_schema("team-a", "s", 0, ", subject: team-b.orders-value"),
            &facts
        )),
        reasons::NAME_NOT_GRANTED
    );
    assert_eq!(
        reason(dlq(&a_dlq("team-a", "team-b.dead", ""), &facts)),
        reasons::NAME_NOT_GRANTED
    );
    let borrowed = a_topic(
        "team-a",
        "team-a.orders",
        0,
        ", producers: [{serviceAccountName: p, transactionalIdPrefix: team-b.tx}]",
    );
    assert_eq!(reason(topic(&borrowed, &facts)), reasons::NAME_NOT_GRANTED);
}

#[test]
fn the_clusters_own_namespace_may_use_any_name_but_the_reserved_ones() {
    let facts = Manifests::new();
    assert!(topic(&a_topic("platform", "orders", 0, ""), &facts).is_ok());
    for name in ["__consumer_offsets", "millrace-registry-journal"] {
        let stolen = a_topic("platform", "orders", 0, &format!(", topicName: {name}"));
        assert_eq!(reason(topic(&stolen, &facts)), reasons::NAME_RESERVED);
    }
}

#[test]
fn the_oldest_holds_a_name_and_the_other_is_told_who_does() {
    let older = a_topic("team-a", "first", 1, ", topicName: team-a.orders");
    let younger = a_topic("team-a", "second", 2, ", topicName: team-a.orders");
    let facts = Manifests::new()
        .with_topic(older.clone())
        .with_topic(younger.clone());
    assert!(topic(&older, &facts).is_ok());
    let rejection = topic(&younger, &facts).expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::CONFLICT);
    assert!(
        rejection.message.contains("Topic team-a/first"),
        "{}",
        rejection.message
    );
}

#[test]
fn a_claim_that_is_not_granted_takes_nothing_away() {
    let thief = a_topic("stranger", "thief", 1, ", topicName: team-a.orders");
    let neighbour = a_topic("team-b", "thief", 2, ", topicName: team-a.orders");
    let owner = a_topic("team-a", "orders", 9, ", topicName: team-a.orders");
    let facts = Manifests::new()
        .with_topic(thief.clone())
        .with_topic(neighbour.clone())
        .with_topic(owner.clone());
    assert!(topic(&owner, &facts).is_ok());
    assert!(topic(&thief, &facts).is_err());
    assert!(topic(&neighbour, &facts).is_err());
}

#[test]
fn a_dlq_and_a_topic_cannot_share_a_name() {
    let older = a_topic("team-a", "team-a.orders", 1, "");
    let facts = Manifests::new().with_topic(older).with_dlq(a_dlq(
        "team-a",
        "dead",
        ", topicName: team-a.orders",
    ));
    assert_eq!(
        reason(dlq(
            &a_dlq("team-a", "dead", ", topicName: team-a.orders"),
            &facts
        )),
        reasons::CONFLICT
    );
}

#[test]
fn a_group_reads_another_namespaces_topic_only_by_consent() {
    let group = a_group(
        "team-b",
        "team-b.readers",
        ", topics: [{name: team-a.orders, namespace: team-a}]",
    );
    let silent = Manifests::new().with_topic(a_topic("team-a", "team-a.orders", 0, ""));
    let rejection = consumer_group(&group, &silent).expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::NOT_ALLOWED);
    assert!(
        rejection.message.contains("allowedConsumers"),
        "{}",
        rejection.message
    );
    for consent in [
        "{from: All}",
        "{from: Selector, selector: {matchLabels: {team: b}}}",
    ] {
        let facts = Manifests::new().with_topic(a_topic(
            "team-a",
            "team-a.orders",
            0,
            &format!(", allowedConsumers: {consent}"),
        ));
        assert!(consumer_group(&group, &facts).is_ok(), "{consent}");
    }
    let other = ", allowedConsumers: {from: Selector, selector: {matchLabels: {team: c}}}";
    let facts = Manifests::new().with_topic(a_topic("team-a", "team-a.orders", 0, other));
    assert_eq!(reason(consumer_group(&group, &facts)), reasons::NOT_ALLOWED);
}

#[test]
fn a_group_reads_no_topic_that_its_own_topic_resource_may_not_have() {
    let facts =
        Manifests::new().with_topic(a_topic("team-b", "mine", 0, ", topicName: team-a.orders"));
    let group = a_group("team-b", "team-b.readers", ", topics: [{name: mine}]");
    assert_eq!(
        reason(consumer_group(&group, &facts)),
        reasons::NAME_NOT_GRANTED
    );
}

#[test]
fn a_dlq_takes_letters_of_other_namespaces_only_by_consent() {
    let orders = || a_topic("team-b", "team-b.orders", 0, "");
    let group = a_group(
        "team-b",
        "team-b.readers",
        ", topics: [{name: team-b.orders}], dlqRef: {name: team-a.dead, namespace: team-a}",
    );
    let silent = Manifests::new()
        .with_topic(orders())
        .with_dlq(a_dlq("team-a", "team-a.dead", ""));
    assert_eq!(
        reason(consumer_group(&group, &silent)),
        reasons::NOT_ALLOWED
    );
    let open = Manifests::new().with_topic(orders()).with_dlq(a_dlq(
        "team-a",
        "team-a.dead",
        ", allowedGroups: {from: All}",
    ));
    assert!(consumer_group(&group, &open).is_ok());
}

#[test]
fn a_subject_is_one_resources_whichever_way_it_is_written() {
    let mut facts =
        Manifests::new().with_topic(a_topic("team-a", "orders", 0, ", topicName: team-a.orders"));
    let through_topic = a_schema("team-a", "one", 1, ", topicRef: {name: orders}");
    let by_text = a_schema("team-a", "two", 2, ", subject: team-a.orders-value");
    facts.claim(
        Name::SubjectOf {
            namespace: "team-a".into(),
            topic: "orders".into(),
            part: millrace_crds::SubjectPart::Value,
        },
        Claimant::of(&through_topic),
    );
    facts.claim(
        Name::Subject("team-a.orders-value".into()),
        Claimant::of(&by_text),
    );
    assert_eq!(
        schema(&through_topic, &facts).map(|s| s.subject.to_string()),
        Ok("team-a.orders-value".to_owned())
    );
    assert_eq!(reason(schema(&by_text, &facts)), reasons::CONFLICT);
}

#[test]
fn grants_are_the_least_that_the_job_needs() {
    let written = a_topic(
        "team-a",
        "team-a.orders",
        0,
        ", producers: [{serviceAccountName: writer, transactionalIdPrefix: team-a.tx}]",
    );
    let grants: Vec<String> = topic(&written, &Manifests::new())
        .expect("it is accepted")
        .grants
        .iter()
        .map(shown)
        .collect();
    expect_test::expect![[r"
        User:system:serviceaccount:team-a:writer Topic Literal team-a.orders Write
        User:system:serviceaccount:team-a:writer Topic Literal team-a.orders Describe
        User:system:serviceaccount:team-a:writer TransactionalId Prefixed team-a.tx Write
        User:system:serviceaccount:team-a:writer TransactionalId Prefixed team-a.tx Describe"]]
    .assert_eq(&grants.join("\n"));
    let facts = Manifests::new()
        .with_topic(written)
        .with_dlq(a_dlq("team-a", "team-a.dead", ""));
    let group = a_group(
        "team-a",
        "team-a.readers",
        ", topics: [{name: team-a.orders}], dlqRef: {name: team-a.dead}",
    );
    let grants: Vec<String> = consumer_group(&group, &facts)
        .expect("it is accepted")
        .grants
        .iter()
        .map(shown)
        .collect();
    expect_test::expect![[r"
        User:system:serviceaccount:team-a:reader Topic Literal team-a.dead Write
        User:system:serviceaccount:team-a:reader Topic Literal team-a.dead Describe
        User:system:serviceaccount:team-a:reader Topic Literal team-a.orders Read
        User:system:serviceaccount:team-a:reader Topic Literal team-a.orders Describe
        User:system:serviceaccount:team-a:reader Group Literal team-a.readers Read
        User:system:serviceaccount:team-a:reader Group Literal team-a.readers Describe"]]
    .assert_eq(&grants.join("\n"));
    let application = a_group(
        "team-a",
        "team-a.app",
        ", topics: [{name: team-a.orders}], type: Streams",
    );
    let grants: Vec<String> = consumer_group(&application, &facts)
        .expect("it is accepted")
        .grants
        .iter()
        .map(shown)
        .collect();
    expect_test::expect![[r"
        User:system:serviceaccount:team-a:reader Topic Literal team-a.orders Read
        User:system:serviceaccount:team-a:reader Topic Literal team-a.orders Describe
        User:system:serviceaccount:team-a:reader Topic Prefixed team-a.app- Read
        User:system:serviceaccount:team-a:reader Topic Prefixed team-a.app- Write
        User:system:serviceaccount:team-a:reader Topic Prefixed team-a.app- Create
        User:system:serviceaccount:team-a:reader Topic Prefixed team-a.app- Delete
        User:system:serviceaccount:team-a:reader Topic Prefixed team-a.app- Describe
        User:system:serviceaccount:team-a:reader Group Literal team-a.app Read
        User:system:serviceaccount:team-a:reader Group Literal team-a.app Describe
        User:system:serviceaccount:team-a:reader TransactionalId Prefixed team-a.app- Write
        User:system:serviceaccount:team-a:reader TransactionalId Prefixed team-a.app- Describe"]]
    .assert_eq(&grants.join("\n"));
}

fn shown(acl: &crate::kafka::Acl) -> String {
    format!(
        "{} {:?} {:?} {} {:?}",
        acl.principal, acl.resource, acl.pattern, acl.name, acl.operation
    )
}

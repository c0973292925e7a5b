//! One scenario for every [`KafkaAdmin`]: run against the fake and against a broker, it must say the same.

mod groups;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    Acl, AclOperation, AclPattern, AclResource, BrokerConfigChange, BrokerId, BrokerQuota,
    ConfigChange, KafkaAdmin, KafkaError, NewPartitions, NewTopic, ObservedTopic, OffsetsAt,
    PerItem, Principal, Reassignment, TopicPartition,
};

/// How long a change may take to show.
const DEADLINE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
/// A rate that may be set on a broker at run time, as throttles are. Nothing but moves between a broker's own disks heeds it.
const RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

/// One step of the scenario and what came of it, in words that do not depend on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub step: &'static str,
    /// What came of it: `ok`, the code of the refusal, or what was seen.
    pub outcome: String,
}

/// Runs the scenario on topics, groups, ACLs and quotas whose names begin with `prefix`, which must be new to the cluster,
/// and on one rate of its first broker, and removes them. The outcomes of two clusters can be compared for equality; the messages of brokers are left out.
///
/// # Errors
/// The cluster cannot be asked, or has no brokers; then something may be left behind.
pub async fn run(admin: &dyn KafkaAdmin, prefix: &str) -> Result<Vec<Outcome>, KafkaError> {
    let brokers = admin.describe_cluster().await?.brokers;
    let (Some(broker), Some(other)) = (brokers.keys().next(), brokers.keys().next_back()) else {
        return Err(KafkaError::Unreachable(
            "the cluster has no brokers".to_owned(),
        ));
    };
    let mut scenario = Scenario {
        admin,
        prefix,
        broker: *broker,
        other: *other,
        outcomes: Vec::new(),
    };
    let outcome = scenario.all().await;
    admin.delete_topics(&scenario.leftovers().await?).await?;
    admin.delete_groups(&scenario.groups()).await?;
    admin.alter_broker_configs(&[scenario.rate(&[])]).await?;
    let unlimited = BTreeMap::from([(scenario.principal(), BrokerQuota::default())]);
    admin.alter_quotas(&unlimited).await?;
    outcome.map(|()| scenario.outcomes)
}

struct Scenario<'a> {
    admin: &'a dyn KafkaAdmin,
    prefix: &'a str,
    broker: BrokerId,
    /// Another broker, if there is one.
    other: BrokerId,
    outcomes: Vec<Outcome>,
}

impl Scenario<'_> {
    async fn all(&mut self) -> Result<(), KafkaError> {
        self.creation().await?;
        self.refused_creation().await?;
        self.configuration().await?;
        self.more_partitions().await?;
        self.offsets().await?;
        self.committed_offsets().await?;
        self.share_offset_resets().await?;
        self.moves().await?;
        self.leaders().await?;
        self.broker_configs().await?;
        self.quotas().await?;
        self.access().await?;
        self.deletion().await
    }

    async fn creation(&mut self) -> Result<(), KafkaError> {
        let mut orders = self.topic("orders", 2);
        orders.config = config(&[("retention.ms", "60000")]);
        let logs = self.topic("logs", 1);
        let created = self.admin.create_topics(&[orders.clone(), logs]).await?;
        self.tell("create two topics", codes(&created, self.prefix));
        let topics = self
            .until(|topics| topics.len() == 2 && topics.values().all(is_led))
            .await?;
        self.tell("they show, with leaders", shown(&topics, self.prefix));

        let created = self.admin.create_topics(&[orders.clone()]).await?;
        self.tell("create one that is there", codes(&created, self.prefix));
        let twice = self
            .admin
            .create_topics(&[self.topic("twice", 1), self.topic("twice", 1)])
            .await;
        self.tell("name one twice in a call", code(&twice));
        let absent = BTreeSet::from([self.name("absent"), "not a name".to_owned(), String::new()]);
        let found = self.admin.describe_topics(Some(&absent)).await?;
        self.tell("describe what is not there", found.len().to_string());
        Ok(())
    }

    async fn refused_creation(&mut self) -> Result<(), KafkaError> {
        let nobody = i32::MAX;
        let mut topics = vec![
            NewTopic {
                name: "no spaces".to_owned(),
                ..self.topic("", 1)
            },
            NewTopic {
                name: String::new(),
                ..self.topic("", 1)
            },
            NewTopic {
                name: "..".to_owned(),
                ..self.topic("", 1)
            },
            NewTopic {
                name: "x".repeat(250),
                ..self.topic("", 1)
            },
        ];
        for (name, assignment) in [
            ("no-partitions", vec![]),
            ("no-replicas", vec![vec![]]),
            ("unknown-broker", vec![vec![nobody]]),
            ("same-broker-twice", vec![vec![self.broker, self.broker]]),
            ("uneven", vec![vec![self.broker], vec![self.broker, nobody]]),
        ] {
            topics.push(NewTopic {
                assignment,
                ..self.topic(name, 1)
            });
        }
        for (name, key, value) in [
            ("unknown-key", "no.such.key", "1"),
            ("not-a-number", "retention.ms", "soon"),
            ("too-small", "retention.ms", "-2"),
            ("no-such-policy", "cleanup.policy", "burn"),
            ("not-a-boolean", "preallocate", "maybe"),
        ] {
            topics.push(NewTopic {
                config: config(&[(key, value)]),
                ..self.topic(name, 1)
            });
        }
        topics.push(self.topic("accepted", 1));
        let created = self.admin.create_topics(&topics).await?;
        self.tell(
            "create with mistakes, and one without",
            codes(&created, self.prefix),
        );
        let under = [self.topic("a.b", 1)];
        let created = self.admin.create_topics(&under).await?;
        self.tell("create a name with a dot", codes(&created, self.prefix));
        self.until(|topics| topics.keys().any(|name| name.ends_with("a.b")))
            .await?;
        let created = self.admin.create_topics(&[self.topic("a_b", 1)]).await?;
        self.tell(
            "create one that differs in the dot alone",
            codes(&created, self.prefix),
        );
        Ok(())
    }

    async fn configuration(&mut self) -> Result<(), KafkaError> {
        let change = |topic: &str, set: &[(&str, &str)], reset: &[&str]| ConfigChange {
            topic: self.name(topic),
            set: config(set),
            reset: reset.iter().map(|key| (*key).to_owned()).collect(),
        };
        let changes = [
            change(
                "orders",
                &[("cleanup.policy", "compact"), ("segment.ms", "1000")],
                &["retention.ms"],
            ),
            change("logs", &[("no.such.key", "1")], &[]),
            change("absent", &[("retention.ms", "1")], &[]),
        ];
        let untouched = change("accepted", &[], &["no.such.key", "retention.ms"]);
        let altered = self.admin.alter_topic_configs(&changes).await?;
        let reset = self.admin.alter_topic_configs(&[untouched]).await?;
        self.tell("alter configurations", codes(&altered, self.prefix));
        self.tell("reset what was never set", codes(&reset, self.prefix));
        let orders = self.name("orders");
        let topics = self
            .until(|topics| topics.get(&orders).is_some_and(|t| t.config.len() == 2))
            .await?;
        self.tell("the configuration shows", shown(&topics, self.prefix));
        Ok(())
    }

    async fn more_partitions(&mut self) -> Result<(), KafkaError> {
        let add = |topic: &str, total: usize, count: usize| NewPartitions {
            topic: self.name(topic),
            total,
            assignment: vec![vec![self.broker]; count],
        };
        let unknown_broker = NewPartitions {
            assignment: vec![vec![i32::MAX]],
            ..add("accepted", 2, 1)
        };
        let changes = [
            add("orders", 4, 2),
            add("absent", 2, 1),
            add("logs", 3, 1),
            unknown_broker,
        ];
        let hopeless = [
            ("the same number again", add("orders", 4, 1)),
            ("fewer partitions", add("orders", 3, 1)),
            ("none at all", add("orders", 0, 0)),
        ];
        let grown = self.admin.create_partitions(&changes).await?;
        self.tell("add partitions", codes(&grown, self.prefix));
        let orders = self.name("orders");
        let topics = self
            .until(|topics| {
                topics
                    .get(&orders)
                    .is_some_and(|t| t.partitions.len() == 4 && is_led(t))
            })
            .await?;
        self.tell("they show", shown(&topics, self.prefix));
        for (step, change) in hopeless {
            let grown = self.admin.create_partitions(&[change]).await?;
            self.tell(step, codes(&grown, self.prefix));
        }
        Ok(())
    }

    async fn offsets(&mut self) -> Result<(), KafkaError> {
        let partitions = BTreeSet::from([
            self.partition("orders", 0),
            self.partition("orders", 99),
            self.partition("absent", 0),
        ]);
        let mut told = Vec::new();
        for (step, at) in [
            ("log starts", OffsetsAt::LogStart),
            ("ends", OffsetsAt::End),
            ("last stable offsets", OffsetsAt::LastStable),
            ("offsets since a time, without records", OffsetsAt::Since(1)),
        ] {
            let offsets = self.admin.list_offsets(&partitions, at).await?;
            let words = offsets.iter().map(|(partition, offset)| {
                let place = format!("{}-{}", self.bare(&partition.topic), partition.partition);
                let offset = offset.as_ref().map_or_else(code_of, i64::to_string);
                format!("{place}: {offset}")
            });
            told.push((step, words.collect::<Vec<_>>().join(", ")));
        }
        for (step, outcome) in told {
            self.tell(step, outcome);
        }
        Ok(())
    }

    async fn moves(&mut self) -> Result<(), KafkaError> {
        let to = |topic: &str, partition, replicas: Vec<BrokerId>| Reassignment {
            partition: self.partition(topic, partition),
            replicas,
        };
        let moves = [
            to("logs", 0, vec![self.other]),
            to("orders", 0, vec![]),
            to("orders", 1, vec![i32::MAX]),
            to("orders", 2, vec![self.broker, self.broker]),
            to("orders", 99, vec![self.broker]),
            to("absent", 0, vec![self.broker]),
            to("not a name", 0, vec![self.broker]),
        ];
        let twice = [
            to("logs", 0, vec![self.other]),
            to("logs", 0, vec![self.other]),
        ];
        let moved = self.admin.alter_reassignments(&moves).await?;
        self.tell("move replicas", self.partition_codes(&moved));
        let twice = self.admin.alter_reassignments(&twice).await;
        self.tell("move one twice in a call", code(&twice));
        let nothing = self.admin.alter_reassignments(&[]).await?;
        self.tell("move nothing", self.partition_codes(&nothing));
        let left = self.until_moved().await?;
        self.tell("moves that are left", left.to_string());
        let logs = self.name("logs");
        let other = self.other;
        let topics = self
            .until(|topics| topics.get(&logs).is_some_and(|topic| lies_at(topic, other)))
            .await?;
        let there = topics.get(&logs).is_some_and(|topic| lies_at(topic, other));
        self.tell("the replica is where it was moved to", there.to_string());
        let brokers = BTreeSet::from([self.broker, self.other]);
        let held = self.admin.describe_log_dirs(&brokers).await?;
        let holds = |broker: BrokerId, partition: &TopicPartition| {
            let of_broker = held.get(&broker).and_then(|held| held.as_ref().ok());
            of_broker.and_then(|held| held.get(partition)).copied()
        };
        let sizes = format!(
            "{:?}, {:?}, {:?}",
            holds(other, &self.partition("logs", 0)),
            holds(self.broker, &self.partition("orders", 0)),
            holds(self.broker, &self.partition("orders", 99)),
        );
        self.tell("bytes of it, of one that stayed, of none", sizes);
        Ok(())
    }

    async fn leaders(&mut self) -> Result<(), KafkaError> {
        let partitions = BTreeSet::from([
            self.partition("logs", 0),
            self.partition("orders", 0),
            self.partition("orders", 99),
            self.partition("absent", 0),
            self.partition("not a name", 0),
        ]);
        let elected = self.admin.elect_preferred_leaders(&partitions).await?;
        self.tell("elect preferred leaders", self.partition_codes(&elected));
        let nobody = self.admin.elect_preferred_leaders(&BTreeSet::new()).await?;
        self.tell("elect none", self.partition_codes(&nobody));
        Ok(())
    }

    async fn broker_configs(&mut self) -> Result<(), KafkaError> {
        let fixed = BrokerConfigChange {
            set: config(&[("node.id", "77")]),
            ..self.rate(&[])
        };
        let twice = [self.rate(&[]), self.rate(&[])];
        for (step, change) in [
            ("set a rate on a broker", self.rate(&[(RATE, "1073741824")])),
            ("not a number", self.rate(&[(RATE, "much")])),
            ("less than nothing", self.rate(&[(RATE, "-1")])),
            ("what is fixed when it starts", fixed),
        ] {
            let altered = self.admin.alter_broker_configs(&[change]).await?;
            self.tell(step, altered.values().map(code).collect::<String>());
        }
        let twice = self.admin.alter_broker_configs(&twice).await;
        self.tell("name a broker twice in a call", code(&twice));
        let shown = self.until_rate(Some("1073741824")).await?;
        self.tell("the rate shows", format!("{shown:?}"));
        for step in ["take the rate away", "take it away again"] {
            let altered = self.admin.alter_broker_configs(&[self.rate(&[])]).await?;
            self.tell(step, altered.values().map(code).collect::<String>());
        }
        let shown = self.until_rate(None).await?;
        self.tell("it shows no more", format!("{shown:?}"));
        Ok(())
    }

    async fn quotas(&mut self) -> Result<(), KafkaError> {
        let both = BrokerQuota {
            producer_byte_rate: Some(1_048_576.0),
            request_percentage: Some(12.5),
            ..BrokerQuota::default()
        };
        let other = BrokerQuota {
            consumer_byte_rate: Some(2_097_152.0),
            ..BrokerQuota::default()
        };
        let nothing = BrokerQuota {
            request_percentage: Some(0.0),
            ..BrokerQuota::default()
        };
        let fraction = BrokerQuota {
            producer_byte_rate: Some(0.5),
            ..BrokerQuota::default()
        };
        for (step, quota) in [
            ("limit a user", both),
            ("limit it to nothing", nothing),
            ("to half a byte", fraction),
        ] {
            let altered = self.limit(&self.principal(), quota).await?;
            self.tell(step, altered);
        }
        let shown = self.until_quota(Some(both)).await?;
        self.tell("the limits show", format!("{shown:?}"));
        let altered = self.limit(&self.principal(), other).await?;
        self.tell("limit something else", altered);
        let shown = self.until_quota(Some(other)).await?;
        self.tell("only that is limited", format!("{shown:?}"));
        for step in ["take the limits away", "take them away again"] {
            let altered = self
                .limit(&self.principal(), BrokerQuota::default())
                .await?;
            self.tell(step, altered);
        }
        let shown = self.until_quota(None).await?;
        self.tell("nothing is limited", format!("{shown:?}"));
        let nobody = Principal::parse("nobody");
        let altered = self.limit(&nobody, both).await?;
        self.tell("limit what is no user", altered);
        Ok(())
    }

    async fn access(&mut self) -> Result<(), KafkaError> {
        let acl = |operation, pattern| Acl {
            principal: self.principal(),
            resource: AclResource::Topic,
            pattern,
            name: self.prefix.to_owned(),
            operation,
        };
        let read = acl(AclOperation::Read, AclPattern::Prefixed);
        let write = acl(AclOperation::Write, AclPattern::Literal);
        let all = acl(AclOperation::Other(2), AclPattern::Literal);
        let made = BTreeSet::from([read.clone(), write.clone(), all.clone()]);
        let nameless = BTreeSet::from([Acl {
            name: String::new(),
            ..read.clone()
        }]);
        let odd = BTreeSet::from([Acl {
            principal: Principal::parse("nobody"),
            ..read.clone()
        }]);
        for (step, acls) in [
            ("create ACLs", &made),
            ("create them again", &made),
            ("without a name", &nameless),
            ("without a type of principal", &odd),
        ] {
            let created = self.admin.create_acls(acls).await;
            self.tell(step, code(&created));
        }
        self.until_acls(&made, true).await?;
        for (step, acls) in [
            ("delete two ACLs", BTreeSet::from([write, all])),
            (
                "delete them again",
                made.clone()
                    .into_iter()
                    .filter(|acl| *acl != read)
                    .collect(),
            ),
        ] {
            let deleted = self.admin.delete_acls(&acls).await;
            self.tell(step, code(&deleted));
            self.until_acls(&acls, false).await?;
        }
        let left = self.admin.describe_acls().await?;
        let left = left
            .intersection(&made)
            .map(|acl| format!("{:?} {:?}", acl.operation, acl.pattern));
        let left = left.collect::<Vec<_>>().join(", ");
        self.tell("what is left", left);
        self.admin.delete_acls(&made).await?;
        self.until_acls(&made, false).await
    }

    async fn deletion(&mut self) -> Result<(), KafkaError> {
        let orders = self.name("orders");
        let before = self
            .described()
            .await?
            .remove(&orders)
            .map(|topic| topic.id);
        let doomed = BTreeSet::from([orders.clone(), self.name("absent"), "not a name".to_owned()]);
        let deleted = self.admin.delete_topics(&doomed).await?;
        self.tell("delete topics", codes(&deleted, self.prefix));
        self.until(|topics| !topics.contains_key(&orders)).await?;
        let created = self.admin.create_topics(&[self.topic("orders", 1)]).await?;
        self.tell("create one anew", codes(&created, self.prefix));
        let topics = self
            .until(|topics| topics.get(&orders).is_some_and(is_led))
            .await?;
        let renewed = topics.get(&orders).map(|topic| &topic.id) != before.as_ref();
        self.tell("it has another id", renewed.to_string());
        let all = self.leftovers().await?;
        self.admin.delete_topics(&all).await?;
        let topics = self.until(BTreeMap::is_empty).await?;
        self.tell("delete all", shown(&topics, self.prefix));
        Ok(())
    }

    fn tell(&mut self, step: &'static str, outcome: impl Into<String>) {
        self.outcomes.push(Outcome {
            step,
            outcome: outcome.into(),
        });
    }

    fn name(&self, bare: &str) -> String {
        format!("{}{bare}", self.prefix)
    }

    fn bare<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix(self.prefix).unwrap_or(name)
    }

    fn partition(&self, bare: &str, partition: i32) -> TopicPartition {
        TopicPartition {
            topic: self.name(bare).into(),
            partition,
        }
    }

    /// Not a ServiceAccount: a running operator takes away what no resource gives those.
    fn principal(&self) -> Principal {
        Principal::parse(&format!("User:{}", self.prefix))
    }

    /// Sets these on the first broker; nothing: takes the rate away.
    fn rate(&self, set: &[(&str, &str)]) -> BrokerConfigChange {
        let reset = set.is_empty().then(|| RATE.to_owned());
        BrokerConfigChange {
            broker: self.broker,
            set: config(set),
            reset: reset.into_iter().collect(),
        }
    }

    async fn limit(&self, who: &Principal, quota: BrokerQuota) -> Result<String, KafkaError> {
        let quotas = BTreeMap::from([(who.clone(), quota)]);
        let answers = self.admin.alter_quotas(&quotas).await?;
        Ok(answers.values().map(code).collect())
    }

    fn partition_codes(&self, answers: &PerItem<TopicPartition, ()>) -> String {
        let words = answers.iter().map(|(named, answer)| {
            let topic = self.bare(&named.topic);
            format!("{topic}-{}: {}", named.partition, code(answer))
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn topic(&self, bare: &str, partitions: usize) -> NewTopic {
        NewTopic {
            name: self.name(bare),
            assignment: vec![vec![self.broker]; partitions],
            config: BTreeMap::new(),
        }
    }

    /// The scenario's topics.
    async fn described(&self) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
        let mut topics = self.admin.describe_topics(None).await?;
        topics.retain(|name, _| name.starts_with(self.prefix));
        Ok(topics)
    }

    async fn leftovers(&self) -> Result<BTreeSet<String>, KafkaError> {
        Ok(self.described().await?.into_keys().collect())
    }

    /// The scenario's topics once they are as wanted, or as they are at the deadline.
    async fn until(
        &self,
        wanted: impl Fn(&BTreeMap<String, ObservedTopic>) -> bool,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let topics = self.described().await?;
            if wanted(&topics) || Instant::now() >= deadline {
                return Ok(topics);
            }
            sleep(PAUSE).await;
        }
    }

    /// How many of the scenario's moves are left when none is, or at the deadline.
    async fn until_moved(&self) -> Result<usize, KafkaError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let ongoing = self.admin.list_reassignments().await?;
            let own = |named: &&TopicPartition| named.topic.starts_with(self.prefix);
            let left = ongoing.keys().filter(own).count();
            if left == 0 || Instant::now() >= deadline {
                return Ok(left);
            }
            sleep(PAUSE).await;
        }
    }

    async fn until_rate(&self, wanted: Option<&str>) -> Result<Option<String>, KafkaError> {
        let brokers = BTreeSet::from([self.broker]);
        let deadline = Instant::now() + DEADLINE;
        loop {
            let mut found = self.admin.describe_broker_configs(&brokers).await?;
            let config = found.remove(&self.broker).transpose()?;
            let shown = config.and_then(|mut config| config.remove(RATE));
            if shown.as_deref() == wanted || Instant::now() >= deadline {
                return Ok(shown);
            }
            sleep(PAUSE).await;
        }
    }

    async fn until_quota(
        &self,
        wanted: Option<BrokerQuota>,
    ) -> Result<Option<BrokerQuota>, KafkaError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let shown = self
                .admin
                .describe_quotas()
                .await?
                .remove(&self.principal());
            if shown == wanted || Instant::now() >= deadline {
                return Ok(shown);
            }
            sleep(PAUSE).await;
        }
    }

    async fn until_acls(&self, acls: &BTreeSet<Acl>, there: bool) -> Result<(), KafkaError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let found = self.admin.describe_acls().await?;
            let as_wanted = if there {
                acls.is_subset(&found)
            } else {
                acls.is_disjoint(&found)
            };
            if as_wanted || Instant::now() >= deadline {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }
}

fn is_led(topic: &ObservedTopic) -> bool {
    topic
        .partitions
        .iter()
        .all(|partition| partition.leader.is_some())
}

fn lies_at(topic: &ObservedTopic, broker: BrokerId) -> bool {
    let mut partitions = topic.partitions.iter();
    is_led(topic) && partitions.all(|partition| partition.replicas == [broker])
}

fn config(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn code_of(error: &KafkaError) -> String {
    match error {
        KafkaError::Refused { code, .. } => code.clone(),
        KafkaError::Unreachable(_) => "no answer".to_owned(),
    }
}

fn code<T>(result: &Result<T, KafkaError>) -> String {
    result.as_ref().map_or_else(code_of, |_| "ok".to_owned())
}

fn codes(answers: &PerItem<String, ()>, prefix: &str) -> String {
    let words = answers.iter().map(|(name, answer)| {
        let name = name.strip_prefix(prefix).unwrap_or(name);
        let name = if name.len() > 40 {
            "(a long name)"
        } else {
            name
        };
        format!("{name:?}: {}", code(answer))
    });
    let mut words: Vec<String> = words.collect();
    words.sort();
    words.join(", ")
}

fn shown(topics: &BTreeMap<String, ObservedTopic>, prefix: &str) -> String {
    let words = topics.iter().map(|(name, topic)| {
        let name = name.strip_prefix(prefix).unwrap_or(name);
        format!(
            "{name}: {} x {} {:?}",
            topic.partitions.len(),
            topic.replication_factor(),
            topic.config
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::FakeKafka;
    use expect_test::expect;

    /// The end-to-end suite holds a broker to the same.
    #[tokio::test(start_paused = true)]
    async fn the_fake_answers_as_kafka_does() {
        let kafka = FakeKafka::new([(4, Some("north")), (5, Some("south"))]);
        kafka.set_slow_to_show(2);
        kafka.set_copied_after(Some(2));
        let outcomes = run(&kafka, "conformance-").await.unwrap();
        let told: String = outcomes
            .iter()
            .map(|told| format!("{}: {}\n", told.step, told.outcome))
            .collect();
        expect![[r#"
            create two topics: "logs": ok, "orders": ok
            they show, with leaders: logs: 1 x 1 {}, orders: 2 x 1 {"retention.ms": "60000"}
            create one that is there: "orders": TOPIC_ALREADY_EXISTS
            name one twice in a call: INVALID_REQUEST
            describe what is not there: 0
            create with mistakes, and one without: "": INVALID_TOPIC_EXCEPTION, "(a long name)": INVALID_TOPIC_EXCEPTION, "..": INVALID_TOPIC_EXCEPTION, "accepted": ok, "no spaces": INVALID_TOPIC_EXCEPTION, "no-partitions": INVALID_PARTITIONS, "no-replicas": INVALID_REPLICA_ASSIGNMENT, "no-such-policy": INVALID_CONFIG, "not-a-boolean": INVALID_CONFIG, "not-a-number": INVALID_CONFIG, "same-broker-twice": INVALID_REPLICA_ASSIGNMENT, "too-small": INVALID_CONFIG, "uneven": INVALID_REPLICA_ASSIGNMENT, "unknown-broker": INVALID_REPLICA_ASSIGNMENT, "unknown-key": INVALID_CONFIG
            create a name with a dot: "a.b": ok
            create one that differs in the dot alone: "a_b": INVALID_TOPIC_EXCEPTION
            alter configurations: "absent": UNKNOWN_TOPIC_OR_PARTITION, "logs": INVALID_CONFIG, "orders": ok
            reset what was never set: "accepted": ok
            the configuration shows: a.b: 1 x 1 {}, accepted: 1 x 1 {}, logs: 1 x 1 {}, orders: 2 x 1 {"cleanup.policy": "compact", "segment.ms": "1000"}
            add partitions: "absent": UNKNOWN_TOPIC_OR_PARTITION, "accepted": INVALID_REPLICA_ASSIGNMENT, "logs": INVALID_REPLICA_ASSIGNMENT, "orders": ok
            they show: a.b: 1 x 1 {}, accepted: 1 x 1 {}, logs: 1 x 1 {}, orders: 4 x 1 {"cleanup.policy": "compact", "segment.ms": "1000"}
            the same number again: "orders": INVALID_PARTITIONS
            fewer partitions: "orders": INVALID_PARTITIONS
            none at all: "orders": INVALID_PARTITIONS
            log starts: absent-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: 0, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            ends: absent-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: 0, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            last stable offsets: absent-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: 0, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            offsets since a time, without records: absent-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: 0, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            groups that do not exist: 0 of Dead, 0 of Dead, 0 of Dead, 0 of Dead
            their committed offsets: [], [], [], []
            commit offsets of a group: absent-0: UNKNOWN_TOPIC_OR_PARTITION, not a name-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: ok, orders-1: ok, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            it exists, but not of each type: 0 of Empty, 0 of Empty, 0 of Dead, 0 of Empty
            its committed offsets: [7, 0], [7, 0], [], [7, 0]
            commit another one: orders-0: ok
            only that has changed: [3, 0], [3, 0], [], [3, 0]
            delete groups: "absent": GROUP_ID_NOT_FOUND, "group": ok
            they are gone: 0 of Dead, 0 of Dead, 0 of Dead, 0 of Dead
            with their committed offsets: [], [], [], []
            where Kafka begins a new share group: latest
            begin it with the oldest record: "group": ok
            whether Kafka begins it there: true
            begin it somewhere else: "group": INVALID_CONFIG
            begin it with the next record: "group": ok
            whether Kafka begins it there: true
            move replicas: absent-0: UNKNOWN_TOPIC_OR_PARTITION, logs-0: ok, not a name-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: INVALID_REPLICA_ASSIGNMENT, orders-1: INVALID_REPLICA_ASSIGNMENT, orders-2: INVALID_REPLICA_ASSIGNMENT, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            move one twice in a call: INVALID_REQUEST
            move nothing: 
            moves that are left: 0
            the replica is where it was moved to: true
            bytes of it, of one that stayed, of none: Some(0), Some(0), None
            elect preferred leaders: absent-0: UNKNOWN_TOPIC_OR_PARTITION, logs-0: ok, not a name-0: UNKNOWN_TOPIC_OR_PARTITION, orders-0: ok, orders-99: UNKNOWN_TOPIC_OR_PARTITION
            elect none: 
            set a rate on a broker: ok
            not a number: INVALID_REQUEST
            less than nothing: INVALID_REQUEST
            what is fixed when it starts: INVALID_REQUEST
            name a broker twice in a call: INVALID_REQUEST
            the rate shows: Some("1073741824")
            take the rate away: ok
            take it away again: ok
            it shows no more: None
            limit a user: ok
            limit it to nothing: INVALID_REQUEST
            to half a byte: INVALID_REQUEST
            the limits show: Some(BrokerQuota { producer_byte_rate: Some(1048576.0), consumer_byte_rate: None, request_percentage: Some(12.5) })
            limit something else: ok
            only that is limited: Some(BrokerQuota { producer_byte_rate: None, consumer_byte_rate: Some(2097152.0), request_percentage: None })
            take the limits away: ok
            take them away again: ok
            nothing is limited: None
            limit what is no user: INVALID_REQUEST
            create ACLs: ok
            create them again: ok
            without a name: INVALID_REQUEST
            without a type of principal: INVALID_REQUEST
            delete two ACLs: ok
            delete them again: ok
            what is left: Read Prefixed
            delete topics: "absent": UNKNOWN_TOPIC_OR_PARTITION, "not a name": INVALID_TOPIC_EXCEPTION, "orders": ok
            create one anew: "orders": ok
            it has another id: true
            delete all: 
        "#]].assert_eq(&told);
        assert!(kafka.topics().is_empty());
        assert!(kafka.acls().is_empty());
        assert!(kafka.quotas().is_empty());
        assert!(kafka.broker_config(4).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_scenario_is_the_same_with_one_broker() {
        let told = async |brokers: &[BrokerId]| {
            let kafka = FakeKafka::new(brokers.iter().map(|broker| (*broker, None)));
            kafka.set_copied_after(Some(1));
            run(&kafka, "conformance-").await.unwrap()
        };
        assert_eq!(told(&[7]).await, told(&[1, 2, 3]).await);
    }
}

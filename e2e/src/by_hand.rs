//! What the suite does in Kafka as an administrator does by hand, and what it looks at there to see what became of it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    probe::{Identity, Probe},
    wait,
};

/// A partition, as Kafka's metadata has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Partition {
    /// Its number, from 0.
    pub partition: i32,
    /// Node id of its leader; -1 where there is none.
    pub leader: i32,
    /// Node ids of its replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Node ids of those in sync.
    pub isr: Vec<i32>,
    /// Racks of the replicas, in their order.
    pub racks: Vec<Option<String>>,
}

/// Node ids of the shared KafkaCluster's brokers.
pub const BROKERS: [i32; 3] = [0, 1, 2];

impl Probe {
    /// The partitions of a topic, in order.
    ///
    /// # Errors
    /// When there is no such topic, or the probe fails.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<Partition>> {
        let described = self
            .topic(topic)
            .await?
            .with_context(|| format!("topic {topic} is not in Kafka"))?;
        let mut partitions: Vec<Partition> =
            serde_json::from_value(described["partitions"].clone())?;
        partitions.sort_by_key(|partition| partition.partition);
        Ok(partitions)
    }

    /// The partitions of a topic once `test` holds for them and nothing is moved any more.
    ///
    /// # Errors
    /// At the deadline, with the partitions and moves as they are then.
    pub async fn settled(
        &self,
        topic: &str,
        what: &str,
        within: Duration,
        test: impl Fn(&[Partition]) -> bool,
    ) -> Result<Vec<Partition>> {
        wait::answer(what, within, || async {
            let (partitions, moving) = (self.partitions(topic).await?, self.moving(topic).await?);
            Ok(if test(&partitions) && moving.is_empty() {
                Ok(partitions)
            } else {
                Err(format!("moving {moving:?}, and there are {partitions:#?}"))
            })
        })
        .await
    }

    /// Kafka's id of a topic.
    ///
    /// # Errors
    /// When there is no such topic, or the probe fails.
    pub async fn topic_id(&self, topic: &str) -> Result<String> {
        let described = self.topic(topic).await?;
        described
            .as_ref()
            .and_then(|described| described["id"].as_str())
            .map(str::to_owned)
            .with_context(|| format!("topic {topic} is not in Kafka"))
    }

    /// What is configured on a topic itself.
    ///
    /// # Errors
    /// When there is no such topic, or the probe fails.
    pub async fn config(&self, topic: &str) -> Result<BTreeMap<String, String>> {
        let described = self
            .topic(topic)
            .await?
            .with_context(|| format!("topic {topic} is not in Kafka"))?;
        Ok(serde_json::from_value(described["config"].clone())?)
    }

    /// Deletes a topic and makes it again, with one partition of three replicas and without a record.
    ///
    /// # Errors
    /// When Kafka does not do it in time.
    pub async fn make_anew(&self, topic: &str, within: Duration) -> Result<()> {
        self.ask(&["delete-topic", "--topic", topic]).await?;
        let create = [
            "create-topic",
            "--topic",
            topic,
            "--partitions",
            "1",
            "--replicas",
            "3",
        ];
        wait::answer("the topic is made anew", within, || async {
            let answer = self.run(&Identity::Operator, &create).await?;
            Ok(answer.map(drop).map_err(|refusal| format!("{refusal:?}")))
        })
        .await
    }

    /// Writes records of so many bytes to one partition.
    ///
    /// # Errors
    /// When they do not arrive.
    pub async fn fill(
        &self,
        topic: &str,
        partition: i32,
        count: usize,
        bytes: usize,
    ) -> Result<()> {
        let (partition, count, bytes) =
            (partition.to_string(), count.to_string(), bytes.to_string());
        self.ask(&[
            "produce",
            "--topic",
            topic,
            "--partition",
            &partition,
            "--count",
            &count,
            "--bytes",
            &bytes,
            "--timeout-s",
            "60",
        ])
        .await?;
        Ok(())
    }

    /// Tells Kafka where the replicas of partitions shall lie.
    ///
    /// # Errors
    /// When Kafka refuses.
    pub async fn reassign(&self, topic: &str, moves: &[(i32, Vec<i32>)]) -> Result<()> {
        let moves: Vec<String> = moves
            .iter()
            .map(|(partition, brokers)| {
                let brokers: Vec<String> = brokers.iter().map(ToString::to_string).collect();
                format!("{partition}={}", brokers.join(","))
            })
            .collect();
        let mut command = vec!["reassign", "--topic", topic];
        for one in &moves {
            command.extend(["--move", one]);
        }
        self.ask(&command).await?;
        Ok(())
    }

    /// The partitions of a topic whose replicas are being moved.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn moving(&self, topic: &str) -> Result<Vec<i64>> {
        let answer = self.ask(&["reassignments"]).await?;
        let all = answer["reassignments"].as_array().into_iter().flatten();
        Ok(all
            .filter(|one| one["topic"] == topic)
            .filter_map(|one| one["partition"].as_i64())
            .collect())
    }

    /// Limits how fast all brokers copy the replicas of a topic, in bytes a second.
    ///
    /// # Errors
    /// When Kafka refuses.
    pub async fn throttle(&self, topic: &str, rate: u64) -> Result<()> {
        let rate = rate.to_string();
        self.ask(&["set-throttle", "--topic", topic, "--rate", &rate])
            .await?;
        Ok(())
    }

    /// Takes such a limit away again.
    ///
    /// # Errors
    /// When Kafka refuses.
    pub async fn no_throttle(&self, topic: &str) -> Result<()> {
        self.ask(&["clear-throttle", "--topic", topic]).await?;
        Ok(())
    }

    /// What limits the copying of replicas: keys on single brokers, and keys on a topic.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn throttles(&self, topic: &str) -> Result<Vec<String>> {
        let answer = self.ask(&["broker-configs"]).await?;
        let brokers: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_value(answer["brokers"].clone())?;
        let on_brokers = brokers.into_iter().flat_map(|(broker, config)| {
            config
                .into_iter()
                .map(move |(key, value)| (format!("{key} on broker {broker}"), value))
        });
        let on_topic = self
            .config(topic)
            .await?
            .into_iter()
            .map(|(key, value)| (format!("{key} on topic {topic}"), json!(value)));
        Ok(on_brokers
            .chain(on_topic)
            .filter(|(key, _)| key.contains("replication.throttled"))
            .map(|(key, value)| format!("{key} is {value}"))
            .collect())
    }

    /// Waits until nothing limits the copying of replicas any more.
    ///
    /// # Errors
    /// At the deadline, with what limits it still.
    pub async fn unthrottled(&self, topic: &str, within: Duration) -> Result<()> {
        wait::answer("no throttle is left", within, || async {
            let left = self.throttles(topic).await?;
            Ok(if left.is_empty() {
                Ok(())
            } else {
                Err(left.join(", "))
            })
        })
        .await
    }

    /// The ACLs whose name is `name`, as `PRINCIPAL OPERATION`, in order.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn allowed_on(&self, name: &str) -> Result<Vec<String>> {
        let answer = self.ask(&["acls"]).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut allowed: Vec<String> = answer["acls"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|acl| acl["name"] == name)
            .map(|acl| format!("{} {}", text(&acl["principal"]), text(&acl["operation"])))
            .collect();
        allowed.sort();
        Ok(allowed)
    }

    /// Waits until the ACLs on `name` are as wanted.
    ///
    /// # Errors
    /// At the deadline, with what they are instead.
    pub async fn allowed_until(
        &self,
        name: &str,
        what: &str,
        within: Duration,
        test: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        wait::answer(what, within, || async {
            let allowed = self.allowed_on(name).await?;
            Ok(if test(&allowed) {
                Ok(allowed)
            } else {
                Err(format!("{allowed:?}"))
            })
        })
        .await
    }

    /// Allows a principal to do something with a topic, or no longer: `command` is `add-acl` or `delete-acl`.
    ///
    /// # Errors
    /// When Kafka refuses.
    pub async fn acl_by_hand(
        &self,
        command: &str,
        principal: &str,
        operation: &str,
        topic: &str,
    ) -> Result<()> {
        self.ask(&[
            command,
            "--principal",
            principal,
            "--resource",
            "topic",
            "--name",
            topic,
            "--operation",
            operation,
        ])
        .await?;
        Ok(())
    }
}

/// Kafka's name of a ServiceAccount; none for the operator.
pub fn principal(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Operator => None,
        Identity::ServiceAccount { namespace, name } => {
            Some(format!("User:system:serviceaccount:{namespace}:{name}"))
        }
    }
}

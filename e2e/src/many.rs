//! What is done in Kafka to many topics and groups at once.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    probe::{Identity, Probe},
    wait,
};

/// Seconds that a command over all of them may take.
const PATIENCE_S: &str = "240";

/// Groups without members, which have committed an offset in every partition of one topic each.
#[derive(Clone, Debug)]
pub struct CommittedGroups<'a> {
    /// What the names of the groups and of their topics begin with; a number of five digits is behind it.
    pub prefix: &'a str,
    /// The numbers of the groups.
    pub numbers: Range<usize>,
    /// How many groups read one topic: group N reads topic N divided by this.
    pub readers: usize,
    /// Partitions of each topic.
    pub partitions: i32,
}

impl Probe {
    /// Makes `count` topics of one partition and one replica, whose names are `prefix` and a number; the time the requests took.
    ///
    /// # Errors
    /// When Kafka refuses one.
    pub async fn create_topics(&self, prefix: &str, count: usize) -> Result<Duration> {
        let count = count.to_string();
        let words = [
            "create-many",
            "--prefix",
            prefix,
            "--count",
            &count,
            "--partitions",
            "1",
            "--replicas",
            "1",
        ];
        let answer = self.ask(&patient(&words)).await?;
        let seconds = answer["seconds"].as_f64();
        let seconds = seconds.with_context(|| format!("no seconds in {answer}"))?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// Topics whose names begin with `prefix`.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn count_topics(&self, prefix: &str) -> Result<usize> {
        let words = ["count-topics", "--prefix", prefix];
        number(&self.ask(&patient(&words)).await?, "count")
    }

    /// Deletes the topics whose names begin with `prefix`, and returns once they are gone.
    ///
    /// # Errors
    /// When Kafka refuses, or some are left after `within`.
    pub async fn delete_topics(&self, prefix: &str, within: Duration) -> Result<()> {
        let words = ["delete-many", "--prefix", prefix];
        self.ask(&patient(&words)).await?;
        wait::answer("no topic is left in Kafka", within, || async {
            Ok(match self.count_topics(prefix).await? {
                0 => Ok(()),
                left => Err(format!("{left} are")),
            })
        })
        .await
    }

    /// Commits offset 0 in every partition for groups that need not be there yet.
    ///
    /// # Errors
    /// When Kafka refuses it for one of them.
    pub async fn commit_offsets(&self, groups: &CommittedGroups<'_>) -> Result<()> {
        let numbers = &groups.numbers;
        let [first, count, readers] =
            [numbers.start, numbers.len(), groups.readers].map(|number| number.to_string());
        let partitions = groups.partitions.to_string();
        let words = [
            "commit-many",
            "--prefix",
            groups.prefix,
            "--first",
            &first,
            "--count",
            &count,
            "--topic-prefix",
            groups.prefix,
            "--readers",
            &readers,
            "--partitions",
            &partitions,
        ];
        self.ask(&patient(&words)).await.map(drop)
    }

    /// Deletes the groups whose ids begin with `prefix`, once they have no members any more.
    ///
    /// # Errors
    /// When Kafka still refuses after `within`.
    pub async fn delete_groups(&self, prefix: &str, within: Duration) -> Result<()> {
        let words = ["delete-groups", "--prefix", prefix];
        wait::answer("the groups are deleted", within, || async {
            let answer = self.run(&Identity::Operator, &patient(&words)).await?;
            Ok(answer
                .map(drop)
                .map_err(|refusal| format!("{}: {}", refusal.error, refusal.message)))
        })
        .await
    }
}

fn patient<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [words, &["--timeout-s", PATIENCE_S][..]].concat()
}

fn number(answer: &Value, key: &str) -> Result<usize> {
    let number = answer[key].as_u64();
    let number = number.with_context(|| format!("no {key} in {answer}"))?;
    Ok(usize::try_from(number)?)
}

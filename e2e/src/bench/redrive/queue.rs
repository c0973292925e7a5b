use std::{ops::Range, time::Duration};

use anyhow::Result;
use millrace_crds::{Dlq, RedriveStatus, Topic};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::progress;
use crate::{Case, operator, redrives, wait};

/// Partitions of each topic.
pub const PARTITIONS: i32 = 12;
/// A third of the letters is dead for each of these reasons.
pub const REASONS: [&str; 3] = ["NoPrice", "NoCustomer", "TooLate"];
/// Bytes of a letter's value.
const BYTES: &str = "100";
/// Longest time that something takes for a million letters on a small machine.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// The same in seconds, for the probe.
const PATIENCE_S: &str = "600";

/// A dead-letter queue, the topic that all its letters come from, and one Redrive of it. They are called the same.
pub struct Queue<'a> {
    pub case: &'a Case,
    pub name: String,
    /// How many there are. They are numbered from 0.
    pub letters: usize,
}

/// What is in the topic that letters go back to, as a reader of committed records sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Home {
    /// All records.
    pub count: usize,
    /// When the first and the last of them arrived, in milliseconds of Unix time, by the brokers' clocks.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    pub numbers: Numbers,
}

/// Which of the letters are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Numbers {
    /// Letters that are not there.
    pub missing: usize,
    /// Letters that are there more than once.
    pub repeated: usize,
    /// Records that are no letters of the queue.
    pub strange: usize,
}

impl<'a> Queue<'a> {
    /// A queue with so many letters, once the operator has counted them.
    ///
    /// # Errors
    /// When something is refused, or takes too long.
    pub async fn fill(case: &'a Case, name: &str, letters: usize) -> Result<Self> {
        progress(&format!("{letters} letters in {name}"));
        let queue = Self {
            case,
            name: name.to_owned(),
            letters,
        };
        topic(case, name).await?;
        let spec = json!({ "topicName": queue.dead(), "partitions": PARTITIONS });
        case.apply("DLQ", name, spec).await?;
        case.ready::<Dlq>(name).await?;
        for (reason, numbers) in REASONS.into_iter().zip(queue.numbers()) {
            queue.write(reason, numbers).await?;
        }
        queue.counted().await?;
        Ok(queue)
    }

    /// The topic in Kafka that the letters come from.
    pub fn source(&self) -> String {
        self.case.name(&self.name)
    }

    /// The dead-letter topic in Kafka.
    pub fn dead(&self) -> String {
        format!("{}.dlq", self.source())
    }

    /// The numbers of the letters of each reason.
    pub fn numbers(&self) -> [Range<usize>; 3] {
        let third = |n| self.letters * n / 3;
        [0..third(1), third(1)..third(2), third(2)..self.letters]
    }

    /// Begins to bring all letters home.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn redrive(&self, spec: Value) -> Result<()> {
        redrives::apply(self.case, &self.name, &self.name, spec).await
    }

    /// Brings all letters home as fast as that goes. The status at the end, and the time from when the status said that it had
    /// begun until it said that it was completed.
    ///
    /// # Errors
    /// When it does not come to its end.
    pub async fn redriven(&self) -> Result<(RedriveStatus, Duration)> {
        progress(&format!("redriving {}", self.name));
        self.redrive(json!({})).await?;
        self.status("it begins", |status| status.start_time.is_some())
            .await?;
        let began = Instant::now();
        let status = self.completed().await?;
        Ok((status, began.elapsed()))
    }

    /// The status of the Redrive once it has ended.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn completed(&self) -> Result<RedriveStatus> {
        self.status("it ends", |status| status.completion_time.is_some())
            .await
    }

    /// The status of the Redrive once it is as wanted.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn status(
        &self,
        what: &str,
        wanted: impl Fn(&RedriveStatus) -> bool + Send + Sync,
    ) -> Result<RedriveStatus> {
        redrives::status_once(self.case, &self.name, what, PATIENCE, wanted).await
    }

    /// What has come home.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn home(&self) -> Result<Home> {
        self.look(&self.source()).await
    }

    /// What is in a topic of the letters of this queue.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn look(&self, topic: &str) -> Result<Home> {
        let letters = self.letters.to_string();
        let words = [
            "count",
            "--topic",
            topic,
            "--numbered",
            &letters,
            "--timeout-s",
            PATIENCE_S,
        ];
        Ok(serde_json::from_value(self.case.probe.ask(&words).await?)?)
    }

    async fn write(&self, reason: &str, numbers: Range<usize>) -> Result<()> {
        let (topic, first, count) = (
            self.dead(),
            numbers.start.to_string(),
            numbers.len().to_string(),
        );
        let reason = format!("dlq.reason={reason}");
        let source = format!("dlq.source.topic={}", self.source());
        let words = [
            "produce",
            "--topic",
            &topic,
            "--first",
            &first,
            "--count",
            &count,
            "--bytes",
            BYTES,
            "--header",
            &reason,
            "--header",
            &source,
            "--timeout-s",
            PATIENCE_S,
        ];
        self.case.probe.ask(&words).await?;
        Ok(())
    }

    /// Once an operator that has just started has counted them all anew.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn counted_anew(&self) -> Result<()> {
        let (case, dlq) = (self.case, format!("{}/{}", self.case.namespace, self.name));
        wait::answer("the letters are counted anew", PATIENCE, || async {
            let counted = operator::led(&case.client, PATIENCE).await?;
            let counted = counted.dead_letters(&dlq);
            Ok(match counted == self.letters as f64 {
                true => Ok(()),
                false => Err(format!("{counted} are")),
            })
        })
        .await
    }

    async fn counted(&self) -> Result<()> {
        let letters = i64::try_from(self.letters)?;
        let all = |dlq: &Dlq| {
            let status = dlq.status.as_ref();
            status.and_then(|status| status.letters) == Some(letters)
        };
        let what = "the operator has counted the letters";
        wait::object(&self.case.api::<Dlq>(), &self.name, what, PATIENCE, all).await?;
        Ok(())
    }
}

/// A Topic whose records have the time at which they arrived.
///
/// # Errors
/// When it does not become ready.
pub async fn topic(case: &Case, name: &str) -> Result<()> {
    let spec = json!({
        "topicName": case.name(name),
        "partitions": PARTITIONS,
        "config": { "message.timestamp.type": "LogAppendTime" },
    });
    case.apply("Topic", name, spec).await?;
    case.ready::<Topic>(name).await?;
    Ok(())
}

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::{Instant, sleep};

use super::{DEADLINE, PAUSE, Scenario, code_of, codes};
use crate::kafka::{GroupType, KafkaError, PerItem, TopicPartition};

const TYPES: [GroupType; 4] = [
    GroupType::Classic,
    GroupType::Consumer,
    GroupType::Share,
    GroupType::Streams,
];

/// A group that nobody is a member of: what administration can do to it.
impl Scenario<'_> {
    pub(super) async fn committed_offsets(&mut self) -> Result<(), KafkaError> {
        let described = self.described_as_each_type().await?;
        self.tell("groups that do not exist", described);
        let committed = self.committed_as_each_type().await?;
        self.tell("their committed offsets", committed);

        let offsets = [
            (self.partition("orders", 0), 7),
            (self.partition("orders", 1), 0),
            (self.partition("orders", 99), 1),
            (self.partition("absent", 0), 1),
            (self.partition("not a name", 0), 1),
        ];
        let answers = self.commit(offsets.into()).await?;
        self.tell("commit offsets of a group", answers);
        let described = self.described_as_each_type().await?;
        self.tell("it exists, but not of each type", described);
        let committed = self.committed_as_each_type().await?;
        self.tell("its committed offsets", committed);

        let offsets = [(self.partition("orders", 0), 3)];
        let answers = self.commit(offsets.into()).await?;
        self.tell("commit another one", answers);
        let committed = self.committed_as_each_type().await?;
        self.tell("only that has changed", committed);

        let mut groups = self.groups();
        groups.insert(self.name("absent"));
        let deleted = self.admin.delete_groups(&groups).await?;
        self.tell("delete groups", codes(&deleted, self.prefix));
        let described = self.described_as_each_type().await?;
        self.tell("they are gone", described);
        let committed = self.committed_as_each_type().await?;
        self.tell("with their committed offsets", committed);
        Ok(())
    }

    pub(super) async fn share_offset_resets(&mut self) -> Result<(), KafkaError> {
        let first = self.share_offset_reset().await?;
        self.tell("where Kafka begins a new share group", first);
        for (what, reset) in [
            ("begin it with the oldest record", "earliest"),
            ("begin it somewhere else", "sometimes"),
            ("begin it with the next record", "latest"),
        ] {
            let resets = BTreeMap::from([(self.name("group"), reset.to_owned())]);
            let altered = self.admin.alter_share_offset_resets(&resets).await?;
            self.tell(what, codes(&altered, self.prefix));
            if altered.values().all(Result::is_ok) {
                let begins = self.begins_with_in_time(reset).await?;
                self.tell("whether Kafka begins it there", begins.to_string());
            }
        }
        Ok(())
    }

    /// What is altered shows once the brokers have read the metadata.
    async fn begins_with_in_time(&self, reset: &str) -> Result<bool, KafkaError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let begins = self.share_offset_reset().await? == reset;
            if begins || Instant::now() >= deadline {
                return Ok(begins);
            }
            sleep(PAUSE).await;
        }
    }

    async fn share_offset_reset(&self) -> Result<String, KafkaError> {
        let answers = self.admin.share_offset_resets(&self.groups()).await?;
        let told = answers.into_values().map(|answer| match answer {
            Ok(reset) => reset,
            Err(error) => code_of(&error),
        });
        Ok(told.collect())
    }

    /// The scenario's groups.
    pub(super) fn groups(&self) -> BTreeSet<String> {
        BTreeSet::from([self.name("group")])
    }

    async fn commit(&self, offsets: BTreeMap<TopicPartition, i64>) -> Result<String, KafkaError> {
        let committed = self
            .admin
            .commit_offsets(&self.name("group"), &offsets)
            .await?;
        Ok(self.partition_codes(&committed))
    }

    async fn described_as_each_type(&self) -> Result<String, KafkaError> {
        let mut told = Vec::new();
        for kind in TYPES {
            let groups = self.of_type(kind);
            let ask = async || self.admin.describe_groups(&groups).await;
            told.push(match until_coordinated(ask).await? {
                Ok(group) => format!("{} of {}", group.members.len(), group.state),
                Err(error) => code_of(&error),
            });
        }
        Ok(told.join(", "))
    }

    async fn committed_as_each_type(&self) -> Result<String, KafkaError> {
        let mut told = Vec::new();
        for kind in TYPES {
            let groups = self.of_type(kind);
            let ask = async || self.admin.committed_offsets(&groups).await;
            told.push(match until_coordinated(ask).await? {
                Ok(offsets) => format!("{:?}", offsets.into_values().collect::<Vec<_>>()),
                Err(error) => code_of(&error),
            });
        }
        Ok(told.join(", "))
    }

    fn of_type(&self, kind: GroupType) -> BTreeMap<String, GroupType> {
        self.groups()
            .into_iter()
            .map(|group| (group, kind))
            .collect()
    }
}

/// What is said of one group once it has a coordinator, or at the deadline. A new cluster makes the coordinators when it is
/// first asked for one.
async fn until_coordinated<T>(
    ask: impl AsyncFn() -> Result<PerItem<String, T>, KafkaError>,
) -> Result<Result<T, KafkaError>, KafkaError> {
    let nothing = || KafkaError::Unreachable("nothing was said of the group".to_owned());
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = ask().await?.into_values().next();
        let answer = answer.unwrap_or_else(|| Err(nothing()));
        let coordinated = |error: &KafkaError| !code_of(error).contains("COORDINATOR");
        if answer.as_ref().err().is_none_or(coordinated) || Instant::now() >= deadline {
            return Ok(answer);
        }
        sleep(PAUSE).await;
    }
}

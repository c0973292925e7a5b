use std::collections::BTreeMap;

use super::state::State;
use crate::kafka::{GroupDescription, GroupType, TopicPartition};

/// A group as its coordinator keeps it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: GroupType,
    pub(super) description: GroupDescription,
    pub(super) committed: BTreeMap<TopicPartition, i64>,
}

impl Default for Group {
    /// What a group becomes by an offset that is committed for it.
    fn default() -> Self {
        Self {
            kind: GroupType::Classic,
            description: GroupDescription {
                state: "Empty".to_owned(),
                members: BTreeMap::new(),
            },
            committed: BTreeMap::new(),
        }
    }
}

/// Groups (`GroupMetadataManager` and `OffsetMetadataManager` of Kafka 4.3).
impl State {
    pub(super) fn describe_group(&self, group: &str, kind: GroupType) -> GroupDescription {
        let found = self.groups.get(group);
        match found.filter(|group| is_described_as(group.kind, kind)) {
            Some(group) => group.description.clone(),
            None => GroupDescription {
                state: "Dead".to_owned(),
                members: BTreeMap::new(),
            },
        }
    }

    pub(super) fn committed(&self, group: &str, kind: GroupType) -> BTreeMap<TopicPartition, i64> {
        let is_share = |kind| kind == GroupType::Share;
        let found = self.groups.get(group);
        found
            .filter(|group| is_share(group.kind) == is_share(kind))
            .map(|group| group.committed.clone())
            .unwrap_or_default()
    }
}

fn is_described_as(kind: GroupType, asked: GroupType) -> bool {
    let of_consumers = |kind| matches!(kind, GroupType::Classic | GroupType::Consumer);
    kind == asked || (of_consumers(kind) && of_consumers(asked))
}

#[cfg(test)]
mod tests {
    use crate::kafka::{FakeKafka, KafkaAdmin, NewTopic};

    use super::*;

    const ALL: [GroupType; 4] = [
        GroupType::Classic,
        GroupType::Consumer,
        GroupType::Share,
        GroupType::Streams,
    ];

    fn orders() -> TopicPartition {
        TopicPartition {
            topic: "orders".to_owned(),
            partition: 0,
        }
    }

    fn kafka() -> FakeKafka {
        let kafka = FakeKafka::new([(0, None)]);
        let topic = NewTopic {
            name: "orders".to_owned(),
            assignment: vec![vec![0]],
            config: BTreeMap::new(),
        };
        kafka.create_topic(&topic).unwrap();
        kafka
    }

    #[tokio::test]
    async fn a_share_group_has_no_committed_offsets() {
        let kafka = kafka();
        kafka.commit("billing", orders(), 40);
        kafka.set_group_type("billing", GroupType::Share);
        let mut start = Vec::new();
        for kind in ALL {
            let groups = BTreeMap::from([("billing".to_owned(), kind)]);
            let committed = kafka.committed_offsets(&groups).await.unwrap();
            start.push(committed["billing"].clone().unwrap().len());
        }
        assert_eq!(start, [0, 0, 1, 0]);
    }

    #[tokio::test]
    async fn a_group_is_described_as_what_it_is() {
        let kafka = kafka();
        kafka.commit("billing", orders(), 40);
        let mut states = Vec::new();
        for kind in ALL {
            kafka.set_group_type("billing", kind);
            for asked in ALL {
                let groups = BTreeMap::from([("billing".to_owned(), asked)]);
                let described = kafka.describe_groups(&groups).await.unwrap();
                states.push(described["billing"].clone().unwrap().state);
            }
        }
        let told: Vec<String> = states.chunks(4).map(|states| states.join(" ")).collect();
        assert_eq!(
            told,
            [
                "Empty Empty Dead Dead",
                "Empty Empty Dead Dead",
                "Dead Dead Empty Dead",
                "Dead Dead Dead Empty",
            ]
        );
    }
}

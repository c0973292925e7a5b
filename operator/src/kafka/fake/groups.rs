use std::collections::BTreeMap;

use super::state::{State, refused};
use crate::kafka::{GroupDescription, GroupType, KafkaError, PerItem, TopicPartition};

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

/// Groups (`GroupMetadataManager`, `OffsetMetadataManager` and `validateOffsetCommit` of the groups of Kafka 4.3).
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

    pub(super) fn commit_offsets(
        &mut self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> PerItem<TopicPartition, ()> {
        let answers = offsets.iter().map(|(partition, offset)| {
            let committed = self.commit_offset(group, partition, *offset);
            (partition.clone(), committed)
        });
        answers.collect()
    }

    fn commit_offset(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        offset: i64,
    ) -> Result<(), KafkaError> {
        self.partition(partition)?;
        let found = self.groups.get(group);
        if found.is_some_and(|group| group.kind == GroupType::Share) {
            let message = format!("Group {group} is not a consumer group.");
            return Err(refused("GROUP_ID_NOT_FOUND", message));
        }
        if found.is_some_and(|group| !group.description.members.is_empty()) {
            return Err(refused(
                "UNKNOWN_MEMBER_ID",
                "The coordinator is not aware of this member.",
            ));
        }
        let kept = !self.lost_commits.contains(partition);
        let group = self.groups.entry(group.to_owned()).or_default();
        if kept {
            group.committed.insert(partition.clone(), offset);
        }
        Ok(())
    }

    /// Where a new share group begins (`GroupConfig` of Kafka 4.3; a group that is deleted leaves its configuration).
    pub(super) fn share_offset_reset(&self, group: &str) -> String {
        let set = self.share_offset_resets.get(group).cloned();
        set.unwrap_or_else(|| "latest".to_owned())
    }

    /// The third form that Kafka takes, `by_duration:PnDTnHnMn.nS`, is not known here.
    pub(super) fn alter_share_offset_reset(
        &mut self,
        group: &str,
        reset: &str,
    ) -> Result<(), KafkaError> {
        if !self.shares {
            let message = "Unknown group config name: share.auto.offset.reset";
            return Err(refused("INVALID_CONFIG", message));
        }
        if !["earliest", "latest"].contains(&reset) {
            let message =
                format!("Invalid value {reset} for configuration share.auto.offset.reset");
            return Err(refused("INVALID_CONFIG", message));
        }
        self.share_offset_resets
            .insert(group.to_owned(), reset.to_owned());
        Ok(())
    }

    pub(super) fn delete_group(&mut self, group: &str) -> Result<(), KafkaError> {
        match self.groups.get(group) {
            None => Err(refused(
                "GROUP_ID_NOT_FOUND",
                "The group id does not exist.",
            )),
            Some(found) if !found.description.members.is_empty() => {
                Err(refused("NON_EMPTY_GROUP", "The group is not empty."))
            }
            Some(_) => {
                self.groups.remove(group);
                Ok(())
            }
        }
    }
}

fn is_described_as(kind: GroupType, asked: GroupType) -> bool {
    let of_consumers = |kind| matches!(kind, GroupType::Classic | GroupType::Consumer);
    let either = of_consumers(asked) || asked == GroupType::Streams;
    kind == asked || (of_consumers(kind) && either)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
            topic: "orders".into(),
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

    fn codes<K: Ord>(answers: PerItem<K, ()>) -> Vec<String> {
        let code = |answer: Result<(), KafkaError>| match answer {
            Err(KafkaError::Refused { code, .. }) => code,
            other => format!("{other:?}"),
        };
        answers.into_values().map(code).collect()
    }

    #[tokio::test]
    async fn a_group_with_members_keeps_its_offsets() {
        let kafka = kafka();
        kafka.commit("billing", orders(), 40);
        let member = GroupDescription {
            state: "Stable".to_owned(),
            members: BTreeMap::from([("m".to_owned(), BTreeSet::new())]),
        };
        kafka.set_group("billing", member);
        for kind in [GroupType::Classic, GroupType::Consumer, GroupType::Streams] {
            kafka.set_group_type("billing", kind);
            let offsets = BTreeMap::from([(orders(), 7)]);
            let committed = kafka.commit_offsets("billing", &offsets).await.unwrap();
            assert_eq!(codes(committed), ["UNKNOWN_MEMBER_ID"], "{kind:?}");
            let groups = BTreeSet::from(["billing".to_owned()]);
            let deleted = kafka.delete_groups(&groups).await.unwrap();
            assert_eq!(codes(deleted), ["NON_EMPTY_GROUP"], "{kind:?}");
            let groups = BTreeMap::from([("billing".to_owned(), kind)]);
            let committed = kafka.committed_offsets(&groups).await.unwrap();
            assert_eq!(committed["billing"], Ok(BTreeMap::from([(orders(), 40)])));
        }
    }

    #[tokio::test]
    async fn a_share_group_has_no_committed_offsets() {
        let kafka = kafka();
        kafka.commit("billing", orders(), 40);
        kafka.set_group_type("billing", GroupType::Share);
        let offsets = BTreeMap::from([(orders(), 7)]);
        let committed = kafka.commit_offsets("billing", &offsets).await.unwrap();
        assert_eq!(codes(committed), ["GROUP_ID_NOT_FOUND"]);
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
        let told: Vec<String> = states
            .chunks(ALL.len())
            .map(|states| states.join(" "))
            .collect();
        assert_eq!(
            told,
            [
                "Empty Empty Dead Empty",
                "Empty Empty Dead Empty",
                "Dead Dead Empty Dead",
                "Dead Dead Dead Empty",
            ]
        );
    }
}

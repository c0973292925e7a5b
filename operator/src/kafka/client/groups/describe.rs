use std::{collections::BTreeSet, io};

use super::{
    classic, consumer, dead,
    memory::{GroupMemory, Protocol},
    rounds::{Broker, Question},
};
use crate::kafka::{GroupDescription, KafkaError, PerItem};

/// What a protocol says of a group; None of one that does not have it.
pub(super) type Described = Result<Option<GroupDescription>, KafkaError>;

/// The members of groups of consumers. Each of the two protocols describes its own groups only, so a group is asked for by
/// the one that described it last, and by the other if that does not know it.
pub(super) struct Members<'a>(pub(super) &'a GroupMemory);

impl Question for Members<'_> {
    type Answer = GroupDescription;

    async fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> io::Result<PerItem<String, GroupDescription>> {
        let mut answers = PerItem::new();
        let (consumer, classic): (Vec<_>, Vec<_>) = groups
            .iter()
            .cloned()
            .partition(|group| self.0.protocol(group) == Protocol::Consumer);
        let told = consumer::describe(broker, consumer).await?;
        let not_consumer = self.take(told, Protocol::Consumer, &mut answers);
        let told = classic::describe(broker, [classic, not_consumer.clone()].concat()).await?;
        let not_classic = self.take(told, Protocol::Classic, &mut answers);

        let not_consumer: BTreeSet<String> = not_consumer.into_iter().collect();
        let (neither, unasked): (Vec<_>, Vec<_>) = not_classic
            .into_iter()
            .partition(|group| not_consumer.contains(group));
        let told = consumer::describe(broker, unasked).await?;
        let gone = self.take(told, Protocol::Consumer, &mut answers);
        let absent = neither.into_iter().chain(gone);
        answers.extend(absent.map(|group| (group, Ok(dead()))));
        Ok(answers)
    }
}

impl Members<'_> {
    /// Takes up what a protocol told. The groups that do not have it.
    fn take(
        &self,
        told: Vec<(String, Described)>,
        protocol: Protocol,
        answers: &mut PerItem<String, GroupDescription>,
    ) -> Vec<String> {
        let mut absent = Vec::new();
        for (group, described) in told {
            match described.transpose() {
                None => absent.push(group),
                Some(described) => {
                    if described.is_ok() {
                        self.0.described_by(&group, protocol);
                    }
                    answers.insert(group, described);
                }
            }
        }
        absent
    }
}

use std::collections::BTreeSet;

use super::{handle::StepResults, items};
use crate::{
    kafka::{Acl, BrokerId, KafkaAdmin, KafkaError, PerItem, Principal, TopicPartition},
    plan::KafkaStep,
};

/// Most items of one bulk call.
pub(super) const LARGEST_CALL: usize = 1_000;

/// Kinds of steps. What gives comes before what takes away, and what limits before what would be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    LookAt,
    CreateTopic,
    AlterBrokerConfig,
    AlterConfig,
    CreatePartitions,
    Reassign,
    ElectPreferred,
    AlterQuotas,
    CreateAcls,
    DeleteAcls,
    DeleteTopic,
}

const ORDER: [Kind; 11] = [
    Kind::LookAt,
    Kind::CreateTopic,
    Kind::AlterBrokerConfig,
    Kind::AlterConfig,
    Kind::CreatePartitions,
    Kind::Reassign,
    Kind::ElectPreferred,
    Kind::AlterQuotas,
    Kind::CreateAcls,
    Kind::DeleteAcls,
    Kind::DeleteTopic,
];

impl Kind {
    fn of(step: &KafkaStep) -> Self {
        match step {
            KafkaStep::LookAt(_) => Self::LookAt,
            KafkaStep::CreateTopic(_) => Self::CreateTopic,
            KafkaStep::AlterConfig(_) => Self::AlterConfig,
            KafkaStep::CreatePartitions(_) => Self::CreatePartitions,
            KafkaStep::CreateAcls(_) => Self::CreateAcls,
            KafkaStep::DeleteAcls(_) => Self::DeleteAcls,
            KafkaStep::DeleteTopic(_) => Self::DeleteTopic,
            KafkaStep::Reassign(_) => Self::Reassign,
            KafkaStep::ElectPreferred(_) => Self::ElectPreferred,
            KafkaStep::AlterBrokerConfig(_) => Self::AlterBrokerConfig,
            KafkaStep::AlterQuotas(_) => Self::AlterQuotas,
        }
    }
}

/// What no call may name twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'a> {
    Topic(&'a str),
    Partition(&'a TopicPartition),
    Broker(BrokerId),
    Principal(&'a Principal),
}

fn subjects(step: &KafkaStep) -> BTreeSet<Subject<'_>> {
    match step {
        KafkaStep::Reassign(moves) => moves
            .iter()
            .map(|m| Subject::Partition(&m.partition))
            .collect(),
        KafkaStep::ElectPreferred(partitions) => {
            partitions.iter().map(Subject::Partition).collect()
        }
        KafkaStep::AlterBrokerConfig(change) => BTreeSet::from([Subject::Broker(change.broker)]),
        KafkaStep::AlterQuotas(quotas) => quotas.keys().map(Subject::Principal).collect(),
        _ => topic_of(step).into_iter().map(Subject::Topic).collect(),
    }
}

/// The topic a step is about, if it is about a single one.
pub(super) fn topic_of(step: &KafkaStep) -> Option<&str> {
    match step {
        KafkaStep::CreateTopic(topic) => Some(&topic.name),
        KafkaStep::LookAt(topic) | KafkaStep::DeleteTopic(topic) => Some(topic),
        KafkaStep::CreatePartitions(change) => Some(&change.topic),
        KafkaStep::AlterConfig(change) => Some(&change.topic),
        KafkaStep::CreateAcls(_)
        | KafkaStep::DeleteAcls(_)
        | KafkaStep::Reassign(_)
        | KafkaStep::ElectPreferred(_)
        | KafkaStep::AlterBrokerConfig(_)
        | KafkaStep::AlterQuotas(_) => None,
    }
}

/// The steps by the order of their kinds; those of one kind as they came.
pub(super) fn in_order(steps: &[KafkaStep]) -> impl Iterator<Item = (usize, &KafkaStep)> {
    ORDER.into_iter().flat_map(move |kind| {
        let of_kind = move |(_, step): &(usize, &KafkaStep)| Kind::of(step) == kind;
        steps.iter().enumerate().filter(of_kind)
    })
}

/// Carries out the steps of many requests in bulk calls, and says what became of each, in their order.
/// After a call that nobody answered no further one is tried.
pub(super) async fn carry_out(admin: &dyn KafkaAdmin, steps: &[KafkaStep]) -> StepResults {
    let mut results: Vec<Option<Result<(), KafkaError>>> = vec![None; steps.len()];
    let mut away: Option<KafkaError> = None;
    for kind in ORDER {
        let of_kind = in_order(steps).filter(|(_, step)| Kind::of(step) == kind);
        for wave in waves(of_kind.map(|(index, _)| index), steps) {
            let outcomes = match &away {
                Some(error) => vec![Err(error.clone()); wave.len()],
                None => {
                    call(
                        admin,
                        kind,
                        &wave.iter().map(|i| &steps[*i]).collect::<Vec<_>>(),
                    )
                    .await
                }
            };
            // A broker that is down says nothing of the others.
            let of_one_broker = kind == Kind::AlterBrokerConfig;
            if away.is_none() && !of_one_broker && outcomes.iter().all(is_unreachable) {
                away = outcomes.first().and_then(|outcome| outcome.clone().err());
            }
            for (index, outcome) in wave.into_iter().zip(outcomes) {
                results[index] = Some(outcome);
            }
        }
    }
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(unanswered())))
        .collect()
}

/// Parts steps of one kind so that no call names anything twice or is too large.
fn waves(indices: impl Iterator<Item = usize>, steps: &[KafkaStep]) -> Vec<Vec<usize>> {
    let mut waves: Vec<(BTreeSet<Subject<'_>>, Vec<usize>)> = Vec::new();
    for index in indices {
        let subjects = subjects(&steps[index]);
        let fits = |(named, wave): &&mut (BTreeSet<Subject<'_>>, Vec<usize>)| {
            wave.len() < LARGEST_CALL && named.is_disjoint(&subjects)
        };
        match waves.iter_mut().find(fits) {
            Some((named, wave)) => {
                named.extend(subjects);
                wave.push(index);
            }
            None => waves.push((subjects, vec![index])),
        }
    }
    waves.into_iter().map(|(_, wave)| wave).collect()
}

async fn call(admin: &dyn KafkaAdmin, kind: Kind, steps: &[&KafkaStep]) -> StepResults {
    let answers = match kind {
        // The look itself follows every batch, at all topics that its steps name.
        Kind::LookAt => return vec![Ok(()); steps.len()],
        Kind::CreateTopic => {
            let topics = collect(steps, |step| match step {
                KafkaStep::CreateTopic(topic) => Some(topic.clone()),
                _ => None,
            });
            admin.create_topics(&topics).await
        }
        Kind::AlterConfig => {
            let changes = collect(steps, |step| match step {
                KafkaStep::AlterConfig(change) => Some(change.clone()),
                _ => None,
            });
            admin.alter_topic_configs(&changes).await
        }
        Kind::CreatePartitions => {
            let changes = collect(steps, |step| match step {
                KafkaStep::CreatePartitions(change) => Some(change.clone()),
                _ => None,
            });
            admin.create_partitions(&changes).await
        }
        Kind::DeleteTopic => {
            let topics = steps.iter().filter_map(|step| topic_of(step));
            admin
                .delete_topics(&topics.map(str::to_owned).collect())
                .await
        }
        Kind::CreateAcls | Kind::DeleteAcls => return change_acls(admin, kind, steps).await,
        Kind::Reassign => return items::reassign(admin, steps).await,
        Kind::ElectPreferred => return items::elect_preferred(admin, steps).await,
        Kind::AlterBrokerConfig => return items::alter_broker_configs(admin, steps).await,
        Kind::AlterQuotas => return items::alter_quotas(admin, steps).await,
    };
    by_step(steps, answers)
}

pub(super) fn collect<T>(steps: &[&KafkaStep], part: impl Fn(&KafkaStep) -> Option<T>) -> Vec<T> {
    steps.iter().filter_map(|step| part(step)).collect()
}

fn by_step(steps: &[&KafkaStep], answers: Result<PerItem<String, ()>, KafkaError>) -> StepResults {
    match answers {
        Err(error) => vec![Err(error); steps.len()],
        Ok(answers) => steps
            .iter()
            .map(|step| {
                let answer = topic_of(step).and_then(|topic| answers.get(topic));
                answer.cloned().unwrap_or_else(|| Err(unanswered()))
            })
            .collect(),
    }
}

/// The ACLs of all steps together; step by step, if together they are refused, so that each hears of its own only.
async fn change_acls(admin: &dyn KafkaAdmin, kind: Kind, steps: &[&KafkaStep]) -> StepResults {
    let together: BTreeSet<Acl> = steps
        .iter()
        .filter_map(|step| acls_of(step))
        .flatten()
        .cloned()
        .collect();
    match change(admin, kind, &together).await {
        Err(KafkaError::Refused { .. }) if steps.len() > 1 => {
            let mut outcomes = Vec::with_capacity(steps.len());
            for step in steps {
                let acls = acls_of(step).into_iter().flatten().cloned().collect();
                outcomes.push(change(admin, kind, &acls).await);
            }
            outcomes
        }
        outcome => vec![outcome; steps.len()],
    }
}

fn acls_of(step: &KafkaStep) -> Option<&BTreeSet<Acl>> {
    match step {
        KafkaStep::CreateAcls(acls) | KafkaStep::DeleteAcls(acls) => Some(acls),
        _ => None,
    }
}

async fn change(
    admin: &dyn KafkaAdmin,
    kind: Kind,
    acls: &BTreeSet<Acl>,
) -> Result<(), KafkaError> {
    let acls: Vec<&Acl> = acls.iter().collect();
    for chunk in acls.chunks(LARGEST_CALL) {
        let chunk = chunk.iter().copied().cloned().collect();
        match kind {
            Kind::DeleteAcls => admin.delete_acls(&chunk).await?,
            _ => admin.create_acls(&chunk).await?,
        }
    }
    Ok(())
}

fn is_unreachable(outcome: &Result<(), KafkaError>) -> bool {
    matches!(outcome, Err(KafkaError::Unreachable(_)))
}

pub(super) fn unanswered() -> KafkaError {
    KafkaError::Unreachable("the broker left this item out of its answer".to_owned())
}

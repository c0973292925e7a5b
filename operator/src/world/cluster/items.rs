//! Steps that name several things each: one call for the things of all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    batch::{LARGEST_CALL, collect, unanswered},
    handle::StepResults,
};
use crate::{
    kafka::{KafkaAdmin, KafkaError, PerItem, Reassignment},
    plan::KafkaStep,
};

pub(super) async fn reassign(admin: &dyn KafkaAdmin, steps: &[&KafkaStep]) -> StepResults {
    let of_steps = collect(steps, |step| match step {
        KafkaStep::Reassign(moves) => Some(moves.clone()),
        _ => None,
    });
    let mut answers = Ok(PerItem::new());
    for chunk in of_steps.concat().chunks(LARGEST_CALL) {
        merge(&mut answers, admin.alter_reassignments(chunk).await);
    }
    let named = |moves: &Vec<Reassignment>| moves.iter().map(|m| m.partition.clone()).collect();
    by_step(of_steps.iter().map(named), &answers)
}

pub(super) async fn elect_preferred(admin: &dyn KafkaAdmin, steps: &[&KafkaStep]) -> StepResults {
    let of_steps = collect(steps, |step| match step {
        KafkaStep::ElectPreferred(partitions) => Some(partitions.clone()),
        _ => None,
    });
    let all: Vec<_> = of_steps.iter().flatten().cloned().collect();
    let mut answers = Ok(PerItem::new());
    for chunk in all.chunks(LARGEST_CALL) {
        let chunk = chunk.iter().cloned().collect();
        merge(&mut answers, admin.elect_preferred_leaders(&chunk).await);
    }
    by_step(of_steps.into_iter(), &answers)
}

pub(super) async fn alter_broker_configs(
    admin: &dyn KafkaAdmin,
    steps: &[&KafkaStep],
) -> StepResults {
    let changes = collect(steps, |step| match step {
        KafkaStep::AlterBrokerConfig(change) => Some(change.clone()),
        _ => None,
    });
    let answers = admin.alter_broker_configs(&changes).await;
    let named = changes.iter().map(|change| BTreeSet::from([change.broker]));
    by_step(named, &answers)
}

pub(super) async fn alter_quotas(admin: &dyn KafkaAdmin, steps: &[&KafkaStep]) -> StepResults {
    let of_steps = collect(steps, |step| match step {
        KafkaStep::AlterQuotas(quotas) => Some(quotas.clone()),
        _ => None,
    });
    let all: Vec<_> = of_steps.iter().flatten().collect();
    let mut answers = Ok(PerItem::new());
    for chunk in all.chunks(LARGEST_CALL) {
        let chunk: BTreeMap<_, _> = chunk
            .iter()
            .map(|(principal, quota)| ((*principal).clone(), **quota))
            .collect();
        merge(&mut answers, admin.alter_quotas(&chunk).await);
    }
    let named = of_steps
        .iter()
        .map(|quotas| quotas.keys().cloned().collect());
    by_step(named, &answers)
}

type Answers<K> = Result<PerItem<K, ()>, KafkaError>;

/// A call that failed as a whole makes the steps fail, whose items can all be asked for again.
fn merge<K: Ord>(answers: &mut Answers<K>, more: Answers<K>) {
    match (answers.as_mut(), more) {
        (Ok(answers), Ok(more)) => answers.extend(more),
        (Ok(_), Err(error)) => *answers = Err(error),
        (Err(_), _) => {}
    }
}

/// What became of each step: the first refusal among its items, if there is one.
fn by_step<K: Ord>(named: impl Iterator<Item = BTreeSet<K>>, answers: &Answers<K>) -> StepResults {
    let outcome = |items: BTreeSet<K>| {
        let answers = answers.as_ref().map_err(Clone::clone)?;
        items.iter().try_for_each(|item| match answers.get(item) {
            Some(answer) => answer.clone(),
            None => Err(unanswered()),
        })
    };
    named.map(outcome).collect()
}

use std::collections::BTreeSet;

use super::KafkaStep;
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource},
    resolve::ResolvedTopic,
};

/// What has to be done so that the ServiceAccounts' ACLs are exactly the desired ones. Other principals' are left alone.
/// What is taken away goes first: a moment too little is better than a moment too much.
pub fn access(desired: &BTreeSet<Acl>, observed: &BTreeSet<Acl>) -> Vec<KafkaStep> {
    let extra: BTreeSet<Acl> = observed
        .difference(desired)
        .filter(|acl| acl.principal.is_service_account())
        .cloned()
        .collect();
    let missing: BTreeSet<Acl> = desired.difference(observed).cloned().collect();
    steps(extra, missing)
}

/// What would have to be done so that those who write to a Topic's topic are the producers it names, and no others.
/// Readers are the ConsumerGroups' to name.
pub fn producers(desired: &ResolvedTopic, observed: &BTreeSet<Acl>) -> Vec<KafkaStep> {
    let on_topic: Vec<&Acl> = observed
        .iter()
        .filter(|acl| acl.principal.is_service_account())
        .filter(|acl| {
            (acl.resource, acl.pattern, acl.name.as_str())
                == (
                    AclResource::Topic,
                    AclPattern::Literal,
                    desired.name.as_str(),
                )
        })
        .collect();
    let may = |acl: &Acl, operation| {
        let mut others = on_topic.iter();
        others.any(|other| other.principal == acl.principal && other.operation == operation)
    };
    let writers = |acl: &&&Acl| {
        acl.operation == AclOperation::Write
            || acl.operation == AclOperation::Describe
                && may(acl, AclOperation::Write)
                && !may(acl, AclOperation::Read)
    };
    let extra = on_topic
        .iter()
        .filter(writers)
        .filter(|acl| !desired.grants.contains(**acl))
        .map(|acl| (*acl).clone())
        .collect();
    let missing = desired.grants.difference(observed).cloned().collect();
    steps(extra, missing)
}

fn steps(extra: BTreeSet<Acl>, missing: BTreeSet<Acl>) -> Vec<KafkaStep> {
    let steps = [KafkaStep::DeleteAcls(extra), KafkaStep::CreateAcls(missing)];
    steps.into_iter().filter(|step| !matches!(step, KafkaStep::DeleteAcls(acls) | KafkaStep::CreateAcls(acls) if acls.is_empty())).collect()
}

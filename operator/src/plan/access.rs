use std::collections::BTreeSet;

use super::KafkaStep;
use crate::kafka::Acl;

/// What has to be done so that the ServiceAccounts' ACLs are exactly the desired ones. Other principals' are left alone.
/// What is taken away goes first: a moment too little is better than a moment too much.
pub fn access(desired: &BTreeSet<Acl>, observed: &BTreeSet<Acl>) -> Vec<KafkaStep> {
    let extra: BTreeSet<Acl> = observed
        .difference(desired)
        .filter(|acl| acl.principal.is_service_account())
        .cloned()
        .collect();
    let missing: BTreeSet<Acl> = desired.difference(observed).cloned().collect();
    let steps = [KafkaStep::DeleteAcls(extra), KafkaStep::CreateAcls(missing)];
    steps.into_iter().filter(|step| !matches!(step, KafkaStep::DeleteAcls(acls) | KafkaStep::CreateAcls(acls) if acls.is_empty())).collect()
}

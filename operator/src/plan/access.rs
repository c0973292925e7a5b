use std::collections::BTreeSet;

use super::KafkaStep;
use crate::kafka::Acl;

/// What has to be done so that the ServiceAccounts' ACLs are exactly the desired ones. Other principals' are left alone.
pub fn access(_desired: &BTreeSet<Acl>, _observed: &BTreeSet<Acl>) -> Vec<KafkaStep> {
    todo!()
}

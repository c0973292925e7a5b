use std::collections::BTreeSet;

use krafka::{
    KrafkaError,
    admin::{
        AclBinding, AclFilter, AclOperation as Operation, AclPatternType, AclPermissionType,
        AclResourceType, AdminClient,
    },
};

use super::failure;
use crate::kafka::{Acl, AclOperation, AclPattern, AclResource, KafkaError, Principal};

const ANY_HOST: &str = "*";

/// All ACLs as the broker has them.
pub(super) async fn bindings(client: &AdminClient) -> Result<Vec<AclBinding>, KafkaError> {
    client
        .describe_acls(AclFilter::all(), Default::default())
        .await
        .map_err(failure::of)
}

/// The ACL in Millrace's words; None for a pattern Kafka does not store.
pub(super) fn observed(binding: &AclBinding) -> Option<Acl> {
    let pattern = match binding.pattern_type {
        AclPatternType::Literal => AclPattern::Literal,
        AclPatternType::Prefixed => AclPattern::Prefixed,
        _ => return None,
    };
    let plain = binding.permission_type == AclPermissionType::Allow && binding.host == ANY_HOST;
    Some(Acl {
        principal: Principal::parse(&binding.principal),
        resource: match binding.resource_type {
            AclResourceType::Topic => AclResource::Topic,
            AclResourceType::Group => AclResource::Group,
            AclResourceType::TransactionalId => AclResource::TransactionalId,
            other => AclResource::Other(other.to_i8()),
        },
        pattern,
        name: binding.resource_name.clone(),
        operation: match binding.operation {
            Operation::Read if plain => AclOperation::Read,
            Operation::Write if plain => AclOperation::Write,
            Operation::Describe if plain => AclOperation::Describe,
            other => AclOperation::Other(other.to_i8()),
        },
    })
}

pub(super) async fn create(client: &AdminClient, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
    if acls.is_empty() {
        return Ok(());
    }
    let created = client
        .create_acls(acls.iter().map(binding).collect(), Default::default())
        .await
        .map_err(failure::of)?;
    first_failure(created.into_iter().filter_map(|(_, result)| result.err()))
}

/// Deletes exactly these. An ACL whose operation is [`AclOperation::Other`] may deny, or name a host: which of them
/// are there is looked up first.
pub(super) async fn delete(client: &AdminClient, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
    let plain = |acl: &Acl| !matches!(acl.operation, AclOperation::Other(_));
    let doomed: Vec<AclBinding> = if acls.iter().all(plain) {
        acls.iter().map(binding).collect()
    } else {
        bindings(client)
            .await?
            .into_iter()
            .filter(|binding| observed(binding).is_some_and(|acl| acls.contains(&acl)))
            .collect()
    };
    if doomed.is_empty() {
        return Ok(());
    }
    let deleted = client
        .delete_acls(doomed.iter().map(exactly).collect(), Default::default())
        .await
        .map_err(failure::of)?;
    first_failure(deleted.into_iter().filter_map(|(_, result)| match result {
        Ok(outcome) => outcome.failed.into_iter().next().map(|(_, error)| error),
        Err(error) => Some(error),
    }))
}

fn first_failure(mut failures: impl Iterator<Item = KrafkaError>) -> Result<(), KafkaError> {
    failures
        .next()
        .map_or(Ok(()), |error| Err(failure::of(error)))
}

fn binding(acl: &Acl) -> AclBinding {
    let resource = match acl.resource {
        AclResource::Topic => AclResourceType::Topic,
        AclResource::Group => AclResourceType::Group,
        AclResource::TransactionalId => AclResourceType::TransactionalId,
        AclResource::Other(code) => AclResourceType::from_i8(code),
    };
    let operation = match acl.operation {
        AclOperation::Read => Operation::Read,
        AclOperation::Write => Operation::Write,
        AclOperation::Describe => Operation::Describe,
        AclOperation::Other(code) => Operation::from_i8(code),
    };
    AclBinding::new(
        resource,
        &acl.name,
        acl.principal.as_str(),
        ANY_HOST,
        operation,
        AclPermissionType::Allow,
    )
    .with_pattern_type(match acl.pattern {
        AclPattern::Literal => AclPatternType::Literal,
        AclPattern::Prefixed => AclPatternType::Prefixed,
    })
}

fn exactly(binding: &AclBinding) -> AclFilter {
    AclFilter::for_resource(binding.resource_type, &binding.resource_name)
        .pattern_type(binding.pattern_type)
        .principal(&binding.principal)
        .host(&binding.host)
        .operation(binding.operation)
        .permission_type(binding.permission_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(operation: AclOperation) -> Acl {
        Acl {
            principal: Principal::service_account("shop", "orders"),
            resource: AclResource::Topic,
            pattern: AclPattern::Prefixed,
            name: "shop.".to_owned(),
            operation,
        }
    }

    #[test]
    fn an_acl_comes_back_as_it_was_made() {
        for operation in [
            AclOperation::Read,
            AclOperation::Write,
            AclOperation::Describe,
            AclOperation::Other(6),
        ] {
            let acl = acl(operation);
            assert_eq!(observed(&binding(&acl)), Some(acl));
        }
    }

    #[test]
    fn what_denies_or_names_a_host_is_never_taken_for_a_grant() {
        let read = acl(AclOperation::Read);
        let mut denying = binding(&read);
        denying.permission_type = AclPermissionType::Deny;
        let mut hosted = binding(&read);
        hosted.host = "10.0.0.1".to_owned();
        for strange in [denying, hosted] {
            let seen = observed(&strange).unwrap();
            assert_eq!(seen.operation, AclOperation::Other(Operation::Read.to_i8()));
        }
    }
}

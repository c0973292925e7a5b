use std::collections::BTreeSet;

use kafka_protocol::{
    messages::{
        CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, DescribeAclsResponse,
        create_acls_request::AclCreation,
        delete_acls_request::DeleteAclsFilter,
        describe_acls_response::{AclDescription, DescribeAclsResource},
    },
    protocol::StrBytes,
};

use super::{failure, wire::Wire};
use crate::kafka::{Acl, AclOperation, AclPattern, AclResource, KafkaError, Principal};

/// DescribeAcls, CreateAcls and DeleteAcls since Kafka 3.3.
const VERSION: i16 = 3;

// Codes of Kafka's protocol: `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`.
const ANY: i8 = 1;
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const TRANSACTIONAL_ID: i8 = 5;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const READ: i8 = 3;
const WRITE: i8 = 4;
const CREATE: i8 = 5;
const DELETE: i8 = 6;
const DESCRIBE: i8 = 8;
const ALLOW: i8 = 3;
const ANY_HOST: &str = "*";

/// An ACL as the broker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    resource: i8,
    name: String,
    pattern: i8,
    principal: String,
    host: String,
    operation: i8,
    permission: i8,
}

/// All ACLs; those of a pattern that Kafka does not store are none.
pub(super) async fn describe(wire: &Wire) -> Result<BTreeSet<Acl>, KafkaError> {
    Ok(bindings(wire)
        .await?
        .iter()
        .filter_map(Binding::observed)
        .collect())
}

async fn bindings(wire: &Wire) -> Result<Vec<Binding>, KafkaError> {
    let everything = DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let response: DescribeAclsResponse = wire.call(&everything, VERSION).await?;
    failure::answer(response.error_code, response.error_message.as_deref())?;
    let described = response.resources.iter();
    Ok(described
        .flat_map(|resource| {
            resource
                .acls
                .iter()
                .map(|acl| Binding::described(resource, acl))
        })
        .collect())
}

pub(super) async fn create(wire: &Wire, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
    if acls.is_empty() {
        return Ok(());
    }
    let creations = acls.iter().map(|acl| Binding::of(acl).creation()).collect();
    let request = CreateAclsRequest::default().with_creations(creations);
    let response = wire.call(&request, VERSION).await?;
    response
        .results
        .iter()
        .try_for_each(|result| failure::answer(result.error_code, result.error_message.as_deref()))
}

/// Deletes exactly these. An ACL whose operation is [`AclOperation::Other`] may deny, or name a host: which of them
/// are there is looked up first.
pub(super) async fn delete(wire: &Wire, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
    let plain = |acl: &Acl| !matches!(acl.operation, AclOperation::Other(_));
    let doomed: Vec<Binding> = if acls.iter().all(plain) {
        acls.iter().map(Binding::of).collect()
    } else {
        let mut bindings = bindings(wire).await?;
        bindings.retain(|binding| binding.observed().is_some_and(|acl| acls.contains(&acl)));
        bindings
    };
    if doomed.is_empty() {
        return Ok(());
    }
    let request =
        DeleteAclsRequest::default().with_filters(doomed.iter().map(Binding::exactly).collect());
    let response = wire.call(&request, VERSION).await?;
    for filter in &response.filter_results {
        failure::answer(filter.error_code, filter.error_message.as_deref())?;
        for acl in &filter.matching_acls {
            failure::answer(acl.error_code, acl.error_message.as_deref())?;
        }
    }
    Ok(())
}

impl Binding {
    fn described(resource: &DescribeAclsResource, acl: &AclDescription) -> Self {
        Self {
            resource: resource.resource_type,
            name: resource.resource_name.to_string(),
            pattern: resource.pattern_type,
            principal: acl.principal.to_string(),
            host: acl.host.to_string(),
            operation: acl.operation,
            permission: acl.permission_type,
        }
    }

    fn of(acl: &Acl) -> Self {
        Self {
            resource: match acl.resource {
                AclResource::Topic => TOPIC,
                AclResource::Group => GROUP,
                AclResource::TransactionalId => TRANSACTIONAL_ID,
                AclResource::Other(code) => code,
            },
            name: acl.name.clone(),
            pattern: match acl.pattern {
                AclPattern::Literal => LITERAL,
                AclPattern::Prefixed => PREFIXED,
            },
            principal: acl.principal.as_str().to_owned(),
            host: ANY_HOST.to_owned(),
            operation: match acl.operation {
                AclOperation::Read => READ,
                AclOperation::Write => WRITE,
                AclOperation::Create => CREATE,
                AclOperation::Delete => DELETE,
                AclOperation::Describe => DESCRIBE,
                AclOperation::Other(code) => code,
            },
            permission: ALLOW,
        }
    }

    /// What denies, or names a host, must never look like a grant.
    fn observed(&self) -> Option<Acl> {
        let plain = self.permission == ALLOW && self.host == ANY_HOST;
        Some(Acl {
            principal: Principal::parse(&self.principal),
            resource: match self.resource {
                TOPIC => AclResource::Topic,
                GROUP => AclResource::Group,
                TRANSACTIONAL_ID => AclResource::TransactionalId,
                other => AclResource::Other(other),
            },
            pattern: match self.pattern {
                LITERAL => AclPattern::Literal,
                PREFIXED => AclPattern::Prefixed,
                _ => return None,
            },
            name: self.name.clone(),
            operation: match self.operation {
                READ if plain => AclOperation::Read,
                WRITE if plain => AclOperation::Write,
                CREATE if plain => AclOperation::Create,
                DELETE if plain => AclOperation::Delete,
                DESCRIBE if plain => AclOperation::Describe,
                other => AclOperation::Other(other),
            },
        })
    }

    fn creation(&self) -> AclCreation {
        AclCreation::default()
            .with_resource_type(self.resource)
            .with_resource_name(text(&self.name))
            .with_resource_pattern_type(self.pattern)
            .with_principal(text(&self.principal))
            .with_host(text(&self.host))
            .with_operation(self.operation)
            .with_permission_type(self.permission)
    }

    fn exactly(&self) -> DeleteAclsFilter {
        DeleteAclsFilter::default()
            .with_resource_type_filter(self.resource)
            .with_resource_name_filter(Some(text(&self.name)))
            .with_pattern_type_filter(self.pattern)
            .with_principal_filter(Some(text(&self.principal)))
            .with_host_filter(Some(text(&self.host)))
            .with_operation(self.operation)
            .with_permission_type(self.permission)
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(operation: AclOperation, pattern: AclPattern) -> Acl {
        Acl {
            principal: Principal::service_account("shop", "orders"),
            resource: AclResource::Topic,
            pattern,
            name: "shop.".to_owned(),
            operation,
        }
    }

    #[test]
    fn an_acl_comes_back_as_it_was_made() {
        let operations = [
            AclOperation::Read,
            AclOperation::Write,
            AclOperation::Create,
            AclOperation::Delete,
            AclOperation::Describe,
            AclOperation::Other(7),
        ];
        for operation in operations {
            for pattern in [AclPattern::Literal, AclPattern::Prefixed] {
                let acl = acl(operation, pattern);
                assert_eq!(Binding::of(&acl).observed(), Some(acl));
            }
        }
    }

    #[test]
    fn what_denies_or_names_a_host_is_never_taken_for_a_grant() {
        let read = Binding::of(&acl(AclOperation::Read, AclPattern::Literal));
        let denying = Binding {
            permission: 2,
            ..read.clone()
        };
        let hosted = Binding {
            host: "10.0.0.1".to_owned(),
            ..read
        };
        for strange in [denying, hosted] {
            let seen = strange.observed().unwrap();
            assert_eq!(seen.operation, AclOperation::Other(READ));
        }
    }
}

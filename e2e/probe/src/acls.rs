//! `probe acls`

use krafka::admin::{AclFilter, AclPatternType};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Prints `{"acls": [{"principal", "permission", "operation", "resource", "pattern", "name", "host"}]}`, in order.
/// The words are Kafka's in CamelCase: `Allow`, `Read`, `Topic`, `TransactionalId`, `Literal`, `Prefixed`.
pub async fn list(access: &Access) -> Result<Value, Failure> {
    let bindings = access
        .admin()
        .await?
        .describe_acls(AclFilter::all(), Default::default())
        .await?;
    let mut acls: Vec<_> = bindings
        .into_iter()
        .map(|acl| {
            json!({
                "principal": acl.principal,
                "permission": format!("{:?}", acl.permission_type),
                "operation": format!("{:?}", acl.operation),
                "resource": format!("{:?}", acl.resource_type),
                "pattern": pattern(acl.pattern_type),
                "name": acl.resource_name,
                "host": acl.host,
            })
        })
        .collect();
    acls.sort_by_key(Value::to_string);
    Ok(json!({ "acls": acls }))
}

/// Kafka's protocol numbers the patterns Match 2, Literal 3, Prefixed 4 (KIP-290). krafka 0.28 leaves Match out and counts
/// on without it, so that it reads each as the next one.
fn pattern(misread: AclPatternType) -> &'static str {
    match misread {
        AclPatternType::Prefixed => "Literal",
        AclPatternType::Unknown => "Prefixed",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_by_kafkas_numbers() {
        assert_eq!(pattern(AclPatternType::from_i8(3)), "Literal");
        assert_eq!(pattern(AclPatternType::from_i8(4)), "Prefixed");
    }
}

//! `probe acls`

use krafka::admin::AclFilter;
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
                "pattern": format!("{:?}", acl.pattern_type),
                "name": acl.resource_name,
                "host": acl.host,
            })
        })
        .collect();
    acls.sort_by_key(Value::to_string);
    Ok(json!({ "acls": acls }))
}

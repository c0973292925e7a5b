use std::collections::BTreeMap;

use millrace_crds::AllowedNamespaces;

/// Whether `allowed`, written in a resource of `home`, lets `visitor` with its labels in. Without `allowed` only `home` itself is.
pub fn allows(_allowed: Option<&AllowedNamespaces>, _home: &str, _visitor: &str, _labels: &BTreeMap<String, String>) -> bool {
    todo!()
}

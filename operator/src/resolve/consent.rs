use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};
use millrace_crds::{AllowedNamespaces, NamespacesFrom};

/// Whether `allowed`, written in a resource of `home`, lets `visitor` with its labels in. Without `allowed` only `home` itself is.
pub fn allows(
    allowed: Option<&AllowedNamespaces>,
    home: &str,
    visitor: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    if home == visitor {
        return true;
    }
    match allowed.map(|a| (a.from, &a.selector)) {
        Some((NamespacesFrom::All, _)) => true,
        Some((NamespacesFrom::Selector, Some(selector))) => selects(selector, labels),
        _ => false,
    }
}

/// Whether a label selector matches. One that is not valid matches nothing.
pub(super) fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

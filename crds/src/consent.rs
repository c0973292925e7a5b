use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which namespaces are allowed, in the manner of the Gateway API's `allowedRoutes.namespaces`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("(self.from == 'Selector') == has(self.selector)", "write `selector` with `from: Selector`, and only with it"))]
pub struct AllowedNamespaces {
    /// `Same` (the default): only the resource's own namespace. `All`: every namespace. `Selector`: those whose labels match.
    #[serde(default)]
    pub from: NamespacesFrom,
    /// Labels of the namespaces allowed by `from: Selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Where the allowed namespaces come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NamespacesFrom {
    /// Only the namespace of the resource itself.
    #[default]
    Same,
    /// Every namespace.
    All,
    /// Namespaces whose labels match `selector`.
    Selector,
}

use millrace_crds::KafkaCluster;

use super::{Facts, Rejection, consent::selects};
use crate::{status::reasons, world::ClusterKey};

/// The names a namespace may use on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Any name: the cluster's own namespace.
    Any,
    /// Names that begin with one of these.
    Prefixes(Vec<String>),
}

/// Beginnings of names that are Kafka's, the registry's or Millrace's own and that nobody may claim.
const RESERVED: [&str; 3] = ["__", "millrace-", "millrace."];

impl Granted {
    /// Whether the name may be used; `what` says what it names, such as `topic`.
    ///
    /// # Errors
    /// A [`Rejection`] that says which names may be used instead.
    pub fn check(
        &self,
        what: &str,
        name: &str,
        namespace: &str,
        cluster: &ClusterKey,
    ) -> Result<(), Rejection> {
        if let Some(reserved) = RESERVED
            .iter()
            .find(|reserved| name.starts_with(**reserved))
        {
            return Err(Rejection::no(
                reasons::NAME_RESERVED,
                format!(
                    "{what} `{name}`: names that begin with `{reserved}` are the cluster's own, choose another"
                ),
            ));
        }
        match self {
            Self::Prefixes(prefixes)
                if !prefixes
                    .iter()
                    .any(|p| name.starts_with(p.as_str()) && name.len() > p.len()) =>
            {
                Err(Rejection::no(
                    reasons::NAME_NOT_GRANTED,
                    format!(
                        "{what} `{name}`: in namespace `{namespace}` names on KafkaCluster {cluster} must begin with `{}`; rename it, or ask for the prefix in the KafkaCluster's spec.namespaces",
                        prefixes.join("` or `")
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefixes(prefixes) => prefixes.iter().any(|p| name.starts_with(p.as_str())),
        }
    }
}

/// The names `namespace` may use on the cluster.
///
/// # Errors
/// A [`Rejection`] when there is no such cluster or nothing is granted to the namespace.
pub fn granted(
    cluster: &ClusterKey,
    namespace: &str,
    facts: &dyn Facts,
) -> Result<Granted, Rejection> {
    let Some(found) = facts.cluster(cluster) else {
        return Err(Rejection::unknown(
            reasons::CLUSTER_NOT_FOUND,
            format!("there is no KafkaCluster {cluster}: create it, or correct spec.clusterRef"),
        ));
    };
    if namespace == cluster.namespace {
        return Ok(Granted::Any);
    }
    let labels = facts.namespace_labels(namespace).unwrap_or_default();
    let matching: Vec<_> = found
        .spec
        .namespaces
        .iter()
        .filter(|grant| selects(&grant.selector, &labels))
        .collect();
    if matching.is_empty() {
        return Err(Rejection::no(
            reasons::NAMESPACE_NOT_GRANTED,
            format!(
                "namespace `{namespace}` may not use KafkaCluster {cluster}: ask its owner to let it in under spec.namespaces"
            ),
        ));
    }
    let own = || vec![format!("{namespace}.")];
    Ok(Granted::Prefixes(
        matching
            .iter()
            .flat_map(|grant| grant.prefixes.clone().unwrap_or_else(own))
            .collect(),
    ))
}

/// Whether another namespace's claim of a name counts at all.
pub(super) fn may_claim(
    cluster: &ClusterKey,
    namespace: &str,
    name: &str,
    facts: &dyn Facts,
) -> bool {
    granted(cluster, namespace, facts).is_ok_and(|granted| granted.allows(name))
}

/// Two prefixes of different entries of `spec.namespaces` of which one begins with the other, if there are such.
pub fn overlapping_prefixes(cluster: &KafkaCluster) -> Option<(String, String)> {
    let entries: Vec<Vec<String>> = cluster
        .spec
        .namespaces
        .iter()
        .map(|grant| grant.prefixes.clone().unwrap_or_default())
        .collect();
    entries.iter().enumerate().find_map(|(i, prefixes)| {
        let others = entries
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .flat_map(|(_, p)| p);
        others
            .flat_map(|other| prefixes.iter().map(move |mine| (mine, other)))
            .find(|(mine, other)| other.starts_with(mine.as_str()))
            .map(|(mine, other)| (mine.clone(), other.clone()))
    })
}

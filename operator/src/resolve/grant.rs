use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use millrace_crds::{KafkaCluster, NamespaceGrant, Quota};

use super::{Facts, Limits, Rejection, consent::selects};
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

    /// Whether all names that begin with `prefix` may be used; `what` says what they name.
    ///
    /// # Errors
    /// A [`Rejection`] that says which prefixes may be used instead.
    pub fn check_prefix(
        &self,
        what: &str,
        prefix: &str,
        namespace: &str,
        cluster: &ClusterKey,
    ) -> Result<(), Rejection> {
        if let Some(reserved) = RESERVED
            .iter()
            .find(|reserved| reserved.starts_with(prefix) || prefix.starts_with(**reserved))
        {
            return Err(Rejection::no(
                reasons::NAME_RESERVED,
                format!(
                    "{what} `{prefix}`: names that begin with `{reserved}` are the cluster's own, write a longer or another prefix"
                ),
            ));
        }
        match self {
            Self::Prefixes(prefixes)
                if !prefixes.iter().any(|p| prefix.starts_with(p.as_str())) =>
            {
                Err(Rejection::no(
                    reasons::NAME_NOT_GRANTED,
                    format!(
                        "{what} `{prefix}`: in namespace `{namespace}` it must begin with `{}` on KafkaCluster {cluster}; write a longer one, or ask for the prefix in the KafkaCluster's spec.namespaces",
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
    let written = matching.iter().filter_map(|grant| grant.prefixes.as_ref());
    let mut prefixes: Vec<String> = written.flatten().cloned().collect();
    if matching.iter().any(|grant| grant.prefixes.is_none()) {
        let own = format!("{namespace}.");
        match others_prefix(&found, &own, &labels) {
            None => prefixes.push(own),
            Some(theirs) if prefixes.is_empty() => {
                return Err(Rejection::no(
                    reasons::NAMESPACE_NOT_GRANTED,
                    format!(
                        "namespace `{namespace}` may not use `{own}` on KafkaCluster {cluster}, which is its prefix where none is written: the prefix `{theirs}` is granted to others; ask the cluster's owner to write `prefixes` for it under spec.namespaces"
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(Granted::Prefixes(prefixes))
}

/// A written prefix that overlaps with `own`, the default one of a namespace with these labels, in an entry that is not for
/// that namespace. What the cluster's owner wrote goes before a name that whoever makes a namespace can choose.
fn others_prefix<'a>(
    cluster: &'a KafkaCluster,
    own: &str,
    labels: &BTreeMap<String, String>,
) -> Option<&'a str> {
    let written = cluster
        .spec
        .namespaces
        .iter()
        .flat_map(|grant| grant.prefixes.iter().flatten().map(move |p| (grant, p)));
    written
        .filter(|(_, prefix)| overlap(own, prefix))
        .find(|(grant, _)| !selects(&grant.selector, labels))
        .map(|(_, prefix)| prefix.as_str())
}

/// Whether a name could begin with both. Kafka takes `.` and `_` for one: of `a.b` and `a_b` it makes only the first.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.replace('_', "."), other.replace('_', "."));
    one.starts_with(&other) || other.starts_with(&one)
}

/// What each ServiceAccount of `namespace` may use of the cluster: of all entries that match it the lower number counts.
/// The cluster's own namespace is not held to entries that happen to match it.
pub fn namespace_quota(cluster: &ClusterKey, namespace: &str, facts: &dyn Facts) -> Quota {
    let Some(found) = facts
        .cluster(cluster)
        .filter(|_| namespace != cluster.namespace)
    else {
        return Quota::default();
    };
    let labels = facts.namespace_labels(namespace).unwrap_or_default();
    let matching = found
        .spec
        .namespaces
        .iter()
        .filter(|grant| selects(&grant.selector, &labels))
        .filter_map(|grant| grant.quota);
    matching.fold(Quota::default(), |one, other| Quota {
        producer_byte_rate: lower(one.producer_byte_rate, other.producer_byte_rate),
        consumer_byte_rate: lower(one.consumer_byte_rate, other.consumer_byte_rate),
        request_percentage: lower(one.request_percentage, other.request_percentage),
    })
}

/// How much `namespace` may have on the cluster: of all entries that match it the lower number counts. None where nothing
/// is limited, as for the cluster's own namespace.
pub(super) fn limits(cluster: &ClusterKey, namespace: &str, facts: &dyn Facts) -> Option<Limits> {
    let found = facts.cluster(cluster)?;
    let written = found
        .spec
        .namespaces
        .iter()
        .filter_map(|grant| Some((grant, grant.limits?)));
    if namespace == cluster.namespace || written.clone().next().is_none() {
        return None;
    }
    let labels = facts.namespace_labels(namespace).unwrap_or_default();
    let number = |limit: Option<i32>| limit.and_then(|number| usize::try_from(number).ok());
    written
        .filter(|(grant, _)| selects(&grant.selector, &labels))
        .map(|(_, limits)| Limits {
            topics: number(limits.topics),
            partitions: number(limits.partitions),
        })
        .reduce(|one, other| Limits {
            topics: lower(one.topics, other.topics),
            partitions: lower(one.partitions, other.partitions),
        })
}

fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
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

/// Two prefixes of different entries of `spec.namespaces` of which one begins with the other, if there are such. The default
/// prefix of an entry without any is known where its selector names its namespaces.
pub fn overlapping_prefixes(cluster: &KafkaCluster) -> Option<(String, String)> {
    let written = |grant: &NamespaceGrant| grant.prefixes.clone().unwrap_or_default();
    let defaults = |grant: &NamespaceGrant| match &grant.prefixes {
        Some(_) => Vec::new(),
        None => named(&grant.selector)
            .into_iter()
            .map(|namespace| format!("{namespace}."))
            .collect(),
    };
    let entries = &cluster.spec.namespaces;
    entries.iter().enumerate().find_map(|(i, one)| {
        let others = entries.iter().enumerate().filter(|(j, _)| *j != i);
        let theirs: Vec<String> = others.flat_map(|(_, other)| written(other)).collect();
        let mine = written(one).into_iter().chain(defaults(one));
        mine.filter_map(|mine| {
            let other = theirs.iter().find(|other| overlap(&mine, other))?;
            Some((mine, other.clone()))
        })
        .next()
    })
}

/// The namespaces that a selector names, one by one.
fn named(selector: &LabelSelector) -> Vec<String> {
    const NAME: &str = "kubernetes.io/metadata.name";
    let labels = selector.match_labels.iter().flatten();
    let by_label = labels.filter(|(key, _)| *key == NAME).map(|(_, name)| name);
    let expressions = selector.match_expressions.iter().flatten();
    let by_expression = expressions
        .filter(|expression| expression.key == NAME && expression.operator == "In")
        .flat_map(|expression| expression.values.iter().flatten());
    by_label.chain(by_expression).cloned().collect()
}

use millrace_crds::{Schema, SubjectDeletionPolicy};

use super::{Claimant, Facts, grant::granted, schema::names};
use crate::world::ClusterKey;

/// A subject that goes with its Schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoomedSubject {
    /// The cluster whose registry has it.
    pub cluster: ClusterKey,
    /// The subject.
    pub subject: String,
    /// Whether it goes for good.
    pub permanent: bool,
}

/// The subject to delete when `schema` goes: the one it has taken (`status.subject`), unless the policy keeps it, the namespace may
/// not use it any more, or another resource asks for it too. It does not need the Topic of `topicRef`, which may be gone first.
pub fn schema_deletion(schema: &Schema, facts: &dyn Facts) -> Option<DoomedSubject> {
    let permanent = match schema.spec.deletion_policy {
        SubjectDeletionPolicy::Retain => return None,
        SubjectDeletionPolicy::SoftDelete => false,
        SubjectDeletionPolicy::HardDelete => true,
    };
    let me = Claimant::of(schema);
    let subject = schema.status.as_ref()?.subject.clone()?;
    let cluster = ClusterKey::of(&schema.spec.cluster_ref, &me.namespace);
    let allowed = granted(&cluster, &me.namespace, facts).ok()?;
    allowed
        .check("subject", &subject, &me.namespace, &cluster)
        .ok()?;
    let claimed_by_another = names(&subject, &cluster, facts)
        .iter()
        .flat_map(|name| facts.claimants(&cluster, name))
        .any(|claimant| !claimant.is(&me));
    (!claimed_by_another).then_some(DoomedSubject {
        cluster,
        subject,
        permanent,
    })
}

use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::{Schema, SchemaReference, SubjectVersion};

use super::{Facts, schema_references::holder};
use crate::world::ClusterKey;

/// A Schema, by namespace and name.
type Place = (String, String);

/// The Schemas on the way from `schema`, of this subject, through what they follow back to it, if there is such a way.
///
/// Followed is what gets a new version when the other one does: a Schema, or the latest version of a subject that one holds. Those
/// that follow each other by their subjects would make each other new versions for ever.
pub(super) fn circle(schema: &Schema, subject: &str, facts: &dyn Facts) -> Option<Vec<String>> {
    let me = place(schema);
    let mut reached_from: BTreeMap<Place, Place> = BTreeMap::new();
    let mut ahead = vec![(me.clone(), followed(schema, subject, &me, facts))];
    while let Some((from, places)) = ahead.pop() {
        for next in places {
            if next == me {
                return Some(way_back(&me, from, &reached_from));
            }
            if reached_from.contains_key(&next) {
                continue;
            }
            reached_from.insert(next.clone(), from.clone());
            if let Some(found) = facts.schema(&next.0, &next.1) {
                ahead.push((next, followed(&found, subject, &me, facts)));
            }
        }
    }
    None
}

fn place(schema: &Schema) -> Place {
    (schema.namespace().unwrap_or_default(), schema.name_any())
}

/// The Schemas that one follows. `subject` is that of `me`, whose claim may not be known yet.
fn followed(schema: &Schema, subject: &str, me: &Place, facts: &dyn Facts) -> Vec<Place> {
    let (namespace, _) = place(schema);
    let cluster = ClusterKey::of(&schema.spec.cluster_ref, &namespace);
    let next = |reference: &SchemaReference| {
        if let Some(other) = &reference.schema_ref {
            return Some((namespace.clone(), other.name.clone()));
        }
        match (&reference.subject, reference.version) {
            (Some(named), Some(SubjectVersion::Latest(_))) if named == subject => Some(me.clone()),
            (Some(named), Some(SubjectVersion::Latest(_))) => {
                let holder = holder(named, &cluster, facts)?;
                Some((holder.namespace, holder.name))
            }
            _ => None,
        }
    };
    schema.spec.references.iter().filter_map(next).collect()
}

/// From `me` to `last` and back to `me`; those of other namespaces with their namespace.
fn way_back(me: &Place, last: Place, reached_from: &BTreeMap<Place, Place>) -> Vec<String> {
    let shown = |place: &Place| match place.0 == me.0 {
        true => place.1.clone(),
        false => format!("{}/{}", place.0, place.1),
    };
    let mut way = vec![shown(me)];
    let mut at = Some(&last);
    while let Some(place) = at.filter(|place| *place != me) {
        way.push(shown(place));
        at = reached_from.get(place);
    }
    way.push(shown(me));
    way.reverse();
    way
}

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use millrace_crds::Schema;

use crate::{
    resolve::Facts,
    status::reasons,
    world::{ClusterKey, Wake, World},
};

/// The Schemas that a change concerns.
pub(super) fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<Schema>> {
    let those = |concerned: &dyn Fn(&Schema, &str) -> bool| {
        let schemas = world.stores.schemas.state();
        let concerned = schemas
            .iter()
            .filter(|schema| concerned(schema, &schema.namespace().unwrap_or_default()));
        concerned
            .map(|schema| ObjectRef::from_obj(schema.as_ref()))
            .collect::<Vec<_>>()
    };
    match wake {
        Wake::Schema(home, name) => {
            let subject = world.schema(home, name).as_deref().and_then(subject);
            let mut concerned = those(&|schema, namespace| {
                names_resource(schema, namespace, home, name)
                    || names_subject(schema, subject.as_deref())
            });
            concerned.push(ObjectRef::new(name).within(home));
            concerned
        }
        Wake::Cluster(cluster) => those(&|schema, namespace| {
            ClusterKey::of(&schema.spec.cluster_ref, namespace) == *cluster
        }),
        // The registry's Deployment is one of the children: those that wait for it need not wait for their next try.
        Wake::ClusterChild(cluster) => those(&|schema, namespace| {
            ClusterKey::of(&schema.spec.cluster_ref, namespace) == *cluster
                && awaits_registry(schema)
        }),
        Wake::Topic(home, topic) => those(&|schema, namespace| {
            namespace == home
                && schema
                    .spec
                    .topic_ref
                    .as_ref()
                    .is_some_and(|t| t.name == *topic)
        }),
        Wake::Namespace(home) => those(&|_, namespace| namespace == home),
        Wake::SchemaTexts(home, config_map) => those(&|schema, namespace| {
            let from = schema.spec.schema_from.as_ref();
            namespace == home && from.is_some_and(|f| f.config_map_key_ref.name == *config_map)
        }),
        Wake::Dlq(..)
        | Wake::Redrive(..)
        | Wake::ConsumerGroup(..)
        | Wake::KafkaTopic(..)
        | Wake::KafkaAcls(_)
        | Wake::KafkaGroups(_)
        | Wake::KafkaLayout(_)
        | Wake::KafkaQuotas(_)
        | Wake::Limits(..) => Vec::new(),
    }
}

fn awaits_registry(schema: &Schema) -> bool {
    schema.status.as_ref().is_some_and(|status| {
        let mut conditions = status.conditions.iter();
        conditions.any(|condition| condition.reason == reasons::REGISTRY_UNREACHABLE)
    })
}

fn subject(schema: &Schema) -> Option<String> {
    let taken = schema.status.as_ref()?.subject.clone();
    taken.or_else(|| schema.spec.subject.clone())
}

/// Whether a Schema of `namespace` names the one called `name` in `home`.
fn names_resource(schema: &Schema, namespace: &str, home: &str, name: &str) -> bool {
    let named = schema.spec.references.iter();
    namespace == home
        && named
            .filter_map(|reference| reference.schema_ref.as_ref())
            .any(|reference| reference.name == name)
}

/// Whether a Schema names `subject`, or any where it is not known: what is gone has taken its subject with it.
fn names_subject(schema: &Schema, subject: Option<&str>) -> bool {
    let named = schema.spec.references.iter();
    named
        .filter_map(|reference| reference.subject.as_deref())
        .any(|named| subject.is_none_or(|subject| subject == named))
}

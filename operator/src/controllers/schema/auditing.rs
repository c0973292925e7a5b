use std::{pin::pin, sync::Arc};

use futures::StreamExt;
use kube::ResourceExt;
use millrace_crds::{ConformanceStatus, Schema, SchemaStatus};
use tokio_util::sync::CancellationToken;

use crate::{
    audits::{Audited, Audits, Name},
    conformance,
    context::Context,
    controllers::gone::perhaps_gone,
    resolve::{Facts, ResolvedSchema},
    status::Draft,
    world::Wake,
};

pub(super) fn audits(context: &Context) -> Arc<Audits> {
    Arc::new(Audits::new(
        context.world.clusters.clone(),
        context.registries.clone(),
        context.world.waker.clone(),
        context.metrics.clone(),
    ))
}

pub(super) fn name(schema: &Schema) -> Name {
    (schema.namespace().unwrap_or_default(), schema.name_any())
}

/// What there is to tell of an audit; nothing where none is asked for.
#[derive(Default)]
pub(super) struct Told {
    /// The condition.
    pub(super) condition: Option<Draft>,
    found: Option<ConformanceStatus>,
}

/// What the audit has found so far. It is begun if it does not run, and ended if none is asked for.
pub(super) fn tell(
    audits: &Audits,
    schema: &Schema,
    desired: &ResolvedSchema,
    registry_url: String,
) -> Told {
    let name = name(schema);
    let Some(audit) = &desired.audit else {
        audits.forget(&name);
        return Told::default();
    };
    let (subject, part) = (desired.subject.as_str(), audit.part);
    let audited = Audited {
        cluster: desired.cluster.clone(),
        topic: audit.topic.as_str().to_owned(),
        part,
        language: desired.schema_type,
        subject: subject.to_owned(),
        registry_url,
        max_records: audit.max_records,
        interval: audit.interval,
    };
    let shown = audits.of(&name, audited);
    let status = schema.status.as_ref();
    let old = status.map_or(&[][..], |status| &status.conditions);
    let found = shown.as_ref().map(|shown| &shown.findings);
    Told {
        condition: Some(conformance::draft(shown.as_ref(), subject, part, old)),
        found: found.map(|found| conformance::status(found, subject, part)),
    }
}

impl Told {
    /// Puts it into the status. Until there is something to tell, what an operator before this one has found stays.
    pub(super) fn put(self, status: &mut SchemaStatus) -> Option<Draft> {
        match (&self.condition, self.found) {
            (None, _) => status.conformance = None,
            (Some(_), Some(found)) => status.conformance = Some(found),
            (Some(_), None) => {}
        }
        self.condition
    }
}

/// Ends the audits of Schemas whose resource goes, until `shutdown`.
pub(super) async fn end_those_of_the_gone(
    context: &Context,
    audits: &Audits,
    shutdown: CancellationToken,
) {
    let named = |wake| match wake {
        Wake::Schema(namespace, name) => Some((namespace, name)),
        _ => None,
    };
    let known = || audits.names();
    let mut names = pin!(perhaps_gone(&context.world.waker, shutdown, named, known));
    while let Some(name) = names.next().await {
        if context.world.schema(&name.0, &name.1).is_none() {
            audits.forget(&name);
        }
    }
}

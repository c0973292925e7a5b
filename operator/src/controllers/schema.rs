mod auditing;
mod concerns;

use std::{sync::Arc, time::Duration};

use kube::{Api, ResourceExt, runtime::controller::Action};
use millrace_crds::{Compatibility, Schema, SchemaStatus, SubjectDeletionPolicy};
use tokio_util::sync::CancellationToken;

use self::{
    auditing::{Told, audits},
    concerns::concerns,
};
use super::queue;
use crate::{
    apply,
    audits::Audits,
    context::Context,
    error::Error,
    plan::{self, SchemaPlan},
    registry::{RegistryError, SchemaRegistry},
    resolve::{self, Facts, Rejection, ResolvedSchema},
    status::{self, Draft, State, reasons},
    world::ClusterKey,
};

/// Keeps a Schema whose subject is to be deleted from being forgotten before it is.
const FINALIZER: &str = "millrace.dev/schema";
/// Between two looks at a subject that nothing wakes for: somebody may have changed it in the registry.
const DRIFT_PERIOD: Duration = Duration::from_secs(300);
/// Looks at a subject in one visit; a plan needs three at most.
const MAX_LOOKS: usize = 4;

/// Makes Schemas true until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let store = context.world.stores.schemas.clone();
    let audits = audits(&context);
    let shared = audits.clone();
    let reconcile = move |schema, context| reconcile(schema, context, shared.clone());
    tokio::join!(
        queue::drive(
            context.clone(),
            store,
            concerns,
            reconcile,
            shutdown.clone()
        ),
        auditing::end_those_of_the_gone(&context, &audits, shutdown),
    );
}

async fn reconcile(
    schema: Arc<Schema>,
    context: Arc<Context>,
    audits: Arc<Audits>,
) -> Result<Action, Error> {
    if schema.metadata.deletion_timestamp.is_some() || resolve::paused(schema.as_ref()) {
        audits.forget(&auditing::name(&schema));
        return leave(&context, &schema).await;
    }
    let wanted = resolve::schema(&schema, &context.world).and_then(|desired| {
        let url = resolve::registry_url(&desired.cluster, &context.world)?;
        Ok((desired, url))
    });
    match wanted {
        Ok((desired, url)) => {
            let registry = context.registries.at(&url);
            let told = auditing::tell(&audits, &schema, &desired, url);
            visit(&context, &schema, &*registry, &desired, told).await
        }
        Err(rejection) => {
            audits.forget(&auditing::name(&schema));
            refuse(&context, &schema, &rejection).await
        }
    }
}

/// Lets go of a resource that is being deleted, or says of one that is paused that it is.
async fn leave(context: &Context, schema: &Arc<Schema>) -> Result<Action, Error> {
    if schema.metadata.deletion_timestamp.is_some() {
        return release(context, schema).await;
    }
    status::pause(context, schema.as_ref(), schema.status.as_ref()).await?;
    Ok(Action::await_change())
}

async fn visit(
    context: &Context,
    schema: &Arc<Schema>,
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    told: Told,
) -> Result<Action, Error> {
    let deletes = desired.deletion_policy != SubjectDeletionPolicy::Retain;
    let mut schema = apply::finalizer(context, schema, FINALIZER, deletes).await?;
    let mut status = schema.status.clone().unwrap_or_default();
    let converged = converge(context, &mut schema, &mut status, registry, desired, &told);
    match converged.await {
        Ok(mut settled) => {
            describe(&mut status, desired, &settled);
            settled.drift.extend(told.put(&mut status));
            let Settled { plan, drift, .. } = settled;
            write(context, &schema, status, plan.conditions, drift).await?;
            Ok(Action::requeue(DRIFT_PERIOD))
        }
        Err(Error::Registry(error)) => fail(context, &schema, status, error, told).await,
        Err(error) => Err(error),
    }
}

fn registry_of(
    context: &Context,
    cluster: &ClusterKey,
) -> Result<Arc<dyn SchemaRegistry>, Rejection> {
    resolve::registry_url(cluster, &context.world).map(|url| context.registries.at(&url))
}

/// What came of a visit.
struct Settled {
    plan: SchemaPlan,
    drift: Vec<Draft>,
    /// The subject's level.
    level: Option<Compatibility>,
}

/// Looks, plans and acts until nothing is left to do. `status` becomes what is stored before the first write to the subject.
async fn converge(
    context: &Context,
    schema: &mut Arc<Schema>,
    status: &mut SchemaStatus,
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    told: &Told,
) -> Result<Settled, Error> {
    for _ in 0..MAX_LOOKS {
        let mut observed = apply::observe(registry, desired, owns(status, desired)).await?;
        if observed.latest.is_some() && !observed.owned {
            *status = stored_status(context, schema).await?;
            observed.owned = owns(status, desired);
        }
        let plan = plan::schema(desired, &observed);
        let drift = plan::schema_drift(desired, &observed, &plan, status.compatibility);
        if plan.steps.is_empty() {
            let level = observed.level;
            return Ok(Settled { plan, drift, level });
        }
        announce(context, schema, status, desired).await?;
        let others = drift.into_iter().chain(told.condition.clone()).collect();
        report(context, schema, status, &plan, others).await?;
        for step in plan.steps {
            apply::carry_out(registry, desired, &observed, step).await?;
        }
    }
    Err(Error::Registry(RegistryError::Unreachable(format!(
        "subject `{}` does not keep what was written to it",
        desired.subject.as_str()
    ))))
}

/// A subject is this resource's once its name stands in status.
fn owns(status: &SchemaStatus, desired: &ResolvedSchema) -> bool {
    status.subject.as_deref() == Some(desired.subject.as_str())
}

/// The status as the API server has it: the store may lag behind this operator's own write, and the subject must not look foreign then.
async fn stored_status(context: &Context, schema: &Schema) -> Result<SchemaStatus, Error> {
    let namespace = schema.namespace().unwrap_or_default();
    let api: Api<Schema> = Api::namespaced(context.client.clone(), &namespace);
    let stored = api.get_opt(&schema.name_any()).await?;
    Ok(stored.and_then(|stored| stored.status).unwrap_or_default())
}

/// Writes the subject to status before anything is written to it, so that an operator that dies in between knows its own work again.
async fn announce(
    context: &Context,
    schema: &mut Arc<Schema>,
    status: &mut SchemaStatus,
    desired: &ResolvedSchema,
) -> Result<(), Error> {
    if owns(status, desired) {
        return Ok(());
    }
    *status = SchemaStatus {
        subject: Some(desired.subject.as_str().to_owned()),
        ..SchemaStatus::default()
    };
    let message = format!("subject `{}` is being registered", desired.subject.as_str());
    let drafts = ["Compatible", "Registered"]
        .map(|kind| Draft::unknown(kind, reasons::PROGRESSING, &message));
    rewrite(context, schema, status, drafts.into(), Vec::new()).await
}

/// Says that somebody has changed the level before it is put back, and nothing shows it any more.
async fn report(
    context: &Context,
    schema: &mut Arc<Schema>,
    status: &SchemaStatus,
    plan: &SchemaPlan,
    drift: Vec<Draft>,
) -> Result<(), Error> {
    if !level_changed(&drift) {
        return Ok(());
    }
    rewrite(context, schema, status, plan.conditions.clone(), drift).await
}

fn level_changed(drift: &[Draft]) -> bool {
    let mut drift = drift.iter();
    drift.any(|draft| draft.kind == plan::LEVEL_KEPT && draft.state == State::False)
}

/// What is true now. A text that was refused leaves the version registered before in status.
fn describe(status: &mut SchemaStatus, desired: &ResolvedSchema, settled: &Settled) {
    match settled.plan.registered {
        Some(registered) => {
            status.subject = Some(desired.subject.as_str().to_owned());
            status.id = Some(registered.id);
            status.version = Some(registered.version);
        }
        None if owns(status, desired) => {}
        None => *status = SchemaStatus::default(),
    }
    // A level that somebody has changed is remembered as it was until it is put back.
    if owns(status, desired) && !level_changed(&settled.drift) {
        status.compatibility = settled.level;
    }
}

async fn refuse(
    context: &Context,
    schema: &Schema,
    rejection: &Rejection,
) -> Result<Action, Error> {
    let drafts = ["Compatible", "Registered"].map(|kind| rejection.draft(kind));
    let mut status = schema.status.clone().unwrap_or_default();
    status.conformance = None;
    write(context, schema, status, drafts.into(), Vec::new()).await?;
    Ok(Action::await_change())
}

/// Says that the registry did not do its part, and tries again later.
async fn fail(
    context: &Context,
    schema: &Schema,
    mut status: SchemaStatus,
    error: RegistryError,
    told: Told,
) -> Result<Action, Error> {
    let drafts = match &error {
        RegistryError::Unreachable(why) => {
            let message = format!(
                "the schema registry does not answer ({why}): nothing is changed until it does"
            );
            ["Compatible", "Registered"]
                .map(|kind| Draft::unknown(kind, reasons::REGISTRY_UNREACHABLE, &message))
        }
        RegistryError::Refused { .. } => {
            let (reason, message) = refusal(&status, &error);
            [
                Draft::unknown("Compatible", reason, &message),
                Draft::no("Registered", reason, &message),
            ]
        }
    };
    let others = told.put(&mut status).into_iter().collect();
    write(context, schema, status, drafts.into(), others).await?;
    Err(error.into())
}

fn refusal(status: &SchemaStatus, error: &RegistryError) -> (&'static str, String) {
    match error.is_referred_to() {
        true => (
            reasons::REFERRED_TO,
            format!(
                "subject `{}` is not deleted while others refer to it ({error}): delete those first, for good (`deletionPolicy: HardDelete`) where the registry counts softly deleted ones, or keep it with `deletionPolicy: Retain`",
                status.subject.as_deref().unwrap_or_default()
            ),
        ),
        false => (
            reasons::REGISTRY_REFUSED,
            format!("the schema registry refused: {error}"),
        ),
    }
}

/// As [`write`], for a visit that goes on with what was written.
async fn rewrite(
    context: &Context,
    schema: &mut Arc<Schema>,
    status: &SchemaStatus,
    drafts: Vec<Draft>,
    drift: Vec<Draft>,
) -> Result<(), Error> {
    if let Some(written) = write(context, schema, status.clone(), drafts, drift).await? {
        *schema = Arc::new(written);
    }
    Ok(())
}

/// Writes the status. What others have done (`drift`) does not count for `Ready`.
async fn write(
    context: &Context,
    schema: &Schema,
    status: SchemaStatus,
    mut drafts: Vec<Draft>,
    drift: Vec<Draft>,
) -> Result<Option<Schema>, Error> {
    drafts.push(status::ready(&drafts));
    drafts.extend(drift);
    status::write(context, schema, schema.status.as_ref(), status, &drafts).await
}

/// Deletes the subject where that is wanted and safe, and lets the resource go. Without its KafkaCluster or a registry there is
/// nothing to wait for; a registry that is away, or that keeps a subject others refer to, is waited for.
async fn release(context: &Context, schema: &Arc<Schema>) -> Result<Action, Error> {
    if let Some(doomed) = resolve::schema_deletion(schema, &context.world)
        && context
            .world
            .cluster(&doomed.cluster)
            .is_some_and(|cluster| cluster.spec.schema_registry.is_some())
    {
        match registry_of(context, &doomed.cluster) {
            Err(rejection) => return refuse(context, schema, &rejection).await,
            Ok(registry) => {
                let deleted = registry.delete(&doomed.subject, doomed.permanent).await;
                if let Err(error) = deleted {
                    let status = schema.status.clone().unwrap_or_default();
                    return fail(context, schema, status, error, Told::default()).await;
                }
            }
        }
    }
    apply::finalizer(context, schema, FINALIZER, false).await?;
    Ok(Action::await_change())
}

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod tests;

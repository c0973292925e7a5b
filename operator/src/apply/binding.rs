use k8s_openapi::api::core::v1::ConfigMap;

use super::kube::server_side;
use crate::{context::Context, error::Error};

/// Makes a binding as wanted; nothing is sent where the API server has it so.
///
/// # Errors
/// When the API server refuses.
pub async fn binding(context: &Context, wanted: &ConfigMap) -> Result<(), Error> {
    let bindings = &context.world.bindings;
    if !bindings.has(wanted) {
        let written = server_side(context, wanted).await?;
        bindings.note(&written);
    }
    Ok(())
}

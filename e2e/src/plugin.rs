//! `kubectl millrace`, as it was built beside the suite.

use std::{env, path::PathBuf};

use anyhow::{Context, Result, bail};

/// The plugin: `MILLRACE_KUBECTL_PLUGIN`, or the one that was built beside this suite.
///
/// # Errors
/// When there is none.
pub fn plugin() -> Result<PathBuf> {
    if let Some(path) = env::var_os("MILLRACE_KUBECTL_PLUGIN") {
        return Ok(path.into());
    }
    let suite = env::current_exe()?;
    let profile = suite.ancestors().nth(2).context("the suite lies nowhere")?;
    let plugin = profile.join("kubectl-millrace");
    if !plugin.is_file() {
        bail!(
            "{} is missing: run `make build`, or name it in MILLRACE_KUBECTL_PLUGIN",
            plugin.display()
        );
    }
    Ok(plugin)
}

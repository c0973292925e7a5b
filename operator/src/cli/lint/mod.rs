//! `kubectl millrace lint`: judges manifests without a cluster, for CI.

mod cel;
mod definition;
mod finding;
mod offline;
mod policy;
mod rule;
mod settings;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;

use self::{finding::Findings, settings::Settings};
use super::{
    Output,
    manifests::Manifests,
    outcome::{Problem, Report},
};

/// Check manifests without a cluster: by Millrace's own definitions, and by the rules of the house.
///
/// Ends with 0 if there are no errors, 2 if there are, 1 if it could not run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files, directories with all below them, or - for standard input.
    #[arg(short = 'f', long = "filename", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How strict each rule is, and what it is compared with.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Judges the manifests.
///
/// # Errors
/// When they or the configuration cannot be read.
pub(super) fn run(arguments: &Arguments) -> Result<Report, Problem> {
    let settings = Settings::read(arguments.config.as_deref())?;
    let manifests = Manifests::read(&arguments.files)?;
    Findings::of(&manifests, &settings)?.report(arguments.output)
}

//! `kubectl millrace`: what a change to the manifests would do, whether they keep the house rules, and how late groups are.

use std::process::ExitCode;

use millrace_operator::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::main().await
}

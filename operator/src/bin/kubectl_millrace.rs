//! `kubectl millrace`: what a change to the manifests would do, and whether they keep the house rules.

use std::process::ExitCode;

use millrace_operator::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::main().await
}

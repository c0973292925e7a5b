//! Measures start-up times, memory and lag-to-scale time on a real cluster. `make bench` runs it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match millrace_e2e::bench::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! Measures start-up times, memory, the lag scan, the autoscaler, redrives and ten thousand Topics on a real cluster. `make bench` runs it.

use std::process::ExitCode;

use clap::Parser;
use millrace_e2e::bench::{self, Options};

#[tokio::main]
async fn main() -> ExitCode {
    match bench::run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

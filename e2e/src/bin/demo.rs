//! Streams real flights through a Kafka cluster that Millrace runs, and shows what happened. `make demo` runs it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match millrace_e2e::demo::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

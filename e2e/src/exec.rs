//! Commands in pods.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Runs a command in a pod with `input`; what it writes to standard output and to standard error.
///
/// # Errors
/// When it cannot be run.
pub async fn exec(
    pods: &Api<Pod>,
    pod: &str,
    words: &[impl AsRef<str>],
    input: &str,
) -> Result<(String, String)> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let parameters = AttachParams::default()
        .stdin(!input.is_empty())
        .stdout(true)
        .stderr(true);
    let mut process = pods.exec(pod, words, &parameters).await?;
    if let Some(mut stdin) = process.stdin() {
        stdin.write_all(input.as_bytes()).await?;
        stdin.shutdown().await?;
    }
    let (mut output, mut errors) = (String::new(), String::new());
    let mut stdout = process.stdout().context("no standard output")?;
    let mut stderr = process.stderr().context("no standard error")?;
    tokio::try_join!(
        stdout.read_to_string(&mut output),
        stderr.read_to_string(&mut errors)
    )?;
    process.join().await?;
    Ok((output, errors))
}

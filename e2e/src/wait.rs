//! Waiting for an object to be as expected, with a deadline and a report of what it was instead.

use std::{fmt::Debug, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use kube::{Api, ResourceExt, runtime::wait::await_condition};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

/// The object once `test` holds for it, as watched from the API server.
///
/// # Errors
/// At the deadline, with the object's conditions; when it cannot be watched.
pub async fn object<K>(
    api: &Api<K>,
    name: &str,
    what: &str,
    within: Duration,
    test: impl Fn(&K) -> bool + Send + Sync,
) -> Result<K>
where
    K: kube::Resource + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let watched = await_condition(api.clone(), name, |object: Option<&K>| {
        object.is_some_and(&test)
    });
    match timeout(within, watched).await {
        Ok(found) => found?.with_context(|| format!("{name} went away")),
        Err(_) => match api.get_opt(name).await? {
            Some(now) => Err(anyhow!(
                "{name}: not within {within:?}: {what}. It is:\n{}",
                describe(&now)
            )),
            None => Err(anyhow!(
                "{name}: not within {within:?}: {what}. It does not exist"
            )),
        },
    }
}

/// The object once its condition `kind` has `status` for its present generation.
///
/// # Errors
/// As [`object`].
pub async fn condition<K>(
    api: &Api<K>,
    name: &str,
    kind: &str,
    status: &str,
    within: Duration,
) -> Result<K>
where
    K: kube::Resource + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    object(api, name, &format!("{kind}={status}"), within, |object| {
        condition_of(object, kind).is_some_and(|found| {
            found["status"] == status
                && found["observedGeneration"]
                    .as_i64()
                    .is_none_or(|seen| Some(seen) == object.meta().generation)
        })
    })
    .await
}

/// Waits until the object is gone.
///
/// # Errors
/// At the deadline, with the object's conditions and finalizers.
pub async fn gone<K>(api: &Api<K>, name: &str, within: Duration) -> Result<()>
where
    K: kube::Resource + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    match timeout(
        within,
        await_condition(api.clone(), name, |object: Option<&K>| object.is_none()),
    )
    .await
    {
        Ok(done) => {
            done?;
            Ok(())
        }
        Err(_) => match api.get_opt(name).await? {
            Some(now) => bail!(
                "{name} is still there after {within:?}, finalizers {:?}:\n{}",
                now.finalizers(),
                describe(&now)
            ),
            None => Ok(()),
        },
    }
}

/// Asks again and again until `ask` gives a value, for what cannot be watched.
///
/// # Errors
/// At the deadline, with the last answer that was not good enough; at once when `ask` fails.
pub async fn answer<T, F>(what: &str, within: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Result<T, String>>>,
{
    let deadline = Instant::now() + within;
    loop {
        match ask().await.with_context(|| what.to_owned())? {
            Ok(value) => return Ok(value),
            Err(instead) if Instant::now() >= deadline => {
                bail!("not within {within:?}: {what}. Instead: {instead}")
            }
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// A condition of an object, as JSON.
pub fn condition_of(object: &impl Serialize, kind: &str) -> Option<Value> {
    let object = serde_json::to_value(object).ok()?;
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
        .cloned()
}

/// The conditions of an object, a line each.
pub fn describe(object: &impl Serialize) -> String {
    let object = serde_json::to_value(object).unwrap_or_default();
    let lines: Vec<String> = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| {
            let text = |key: &str| c[key].as_str().unwrap_or_default().to_owned();
            format!(
                "  {}={} {}: {}",
                text("type"),
                text("status"),
                text("reason"),
                text("message")
            )
        })
        .collect();
    if lines.is_empty() {
        format!("  status {}", object["status"])
    } else {
        lines.join("\n")
    }
}

//! A time in which nothing is asked of the operator.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use kube::Client;
use tokio::time::sleep;

use super::{Figure, named::named};
use crate::{api_server, metrics::growth, operator};

/// What was counted in it.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How long it was.
    pub took: Duration,
    /// Writes as the operator counts them, by kind.
    pub own_writes: BTreeMap<String, f64>,
    /// Writes to Millrace's resources and events as the API server counts them, by resource.
    pub writes: BTreeMap<String, f64>,
    /// Requests to Kafka, by the metric that counts them and by what they were.
    pub requests: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Watches the operator for a while.
///
/// # Errors
/// When nobody leads, or another replica than at first.
pub async fn observe(client: &Client, length: Duration) -> Result<Window> {
    let before = operator::leader(client).await?;
    let api_before = api_server::counters(client).await?.writes();
    let started = Instant::now();
    sleep(length).await;
    let after = operator::leader(client).await?;
    let took = started.elapsed();
    let api_after = api_server::counters(client).await?.writes();
    ensure!(
        before.pod == after.pod,
        "{} led at first and {} in the end: the operator was not left alone",
        before.pod,
        after.pod
    );
    let requests_before = before.all_kafka_requests();
    let requests = after.all_kafka_requests().into_iter();
    let requests = requests.map(|(metric, after)| {
        let before = requests_before.get(&metric).cloned().unwrap_or_default();
        let grown = growth(&before, &after);
        (metric, grown)
    });
    Ok(Window {
        took,
        own_writes: growth(&before.kubernetes_writes(), &after.kubernetes_writes()),
        writes: growth(&api_before, &api_after),
        requests: requests.collect(),
    })
}

impl Window {
    /// Admin calls to Kafka, by call.
    pub fn calls(&self) -> BTreeMap<String, f64> {
        let calls = self.requests.get(operator::CALLS);
        calls.cloned().unwrap_or_default()
    }

    /// The writes of all `windows`, of which there shall be none. `during` is behind the figures' names.
    pub fn write_figures(windows: &[&Self], during: &str) -> [Figure; 2] {
        let figure = |what: &str, writes: fn(&Self) -> &BTreeMap<String, f64>| {
            let mut all = BTreeMap::<String, f64>::new();
            for (kind, number) in windows.iter().flat_map(|window| writes(window)) {
                *all.entry(kind.clone()).or_default() += number;
            }
            let what = format!("{} {during}", named(what, &all));
            Figure::new(what, all.values().sum(), "").with_goal(0.0)
        };
        [
            figure("operator's writes to Kubernetes", |window| {
                &window.own_writes
            }),
            figure(
                "writes to Millrace's resources and events, as the API server counts them,",
                |window| &window.writes,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn writes_of_all_windows_are_summed_and_named() {
        let window = |writes: f64| Window {
            own_writes: [("Topic".to_owned(), writes)].into(),
            ..Window::default()
        };
        let [own, api] = Window::write_figures(&[&window(2.0), &window(3.0)], "in between");
        assert!(own.is_missed() && own.value == 5.0);
        assert!(own.what.ends_with("(5 Topic) in between"), "{}", own.what);
        assert!(!api.is_missed(), "{api:?}");
    }
}

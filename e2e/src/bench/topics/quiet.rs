use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use kube::Api;
use millrace_crds::Topic;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::Figure,
    ground::{Ground, progress},
};
use crate::{api_server, bulk, metrics::growth, operator, topic_watch::TopicWatch};

/// How many Topics are few.
const FEW: usize = 10;
const FEW_READY: Duration = Duration::from_secs(60);

/// What was counted while nothing was asked of the operator.
pub struct Window {
    minutes: f64,
    /// Writes as the operator counts them, by kind.
    own_writes: BTreeMap<String, f64>,
    /// Writes to Millrace's resources and events as the API server counts them, by resource.
    writes: BTreeMap<String, f64>,
    /// Admin calls to Kafka, by call.
    calls: BTreeMap<String, f64>,
}

/// With a few Topics, before there are many.
pub struct Few {
    pub window: Window,
    /// The status of one that is Ready.
    pub status: Value,
}

/// Makes a few Topics and watches a quiet operator.
///
/// # Errors
/// When they do not become Ready, or nobody leads.
pub async fn with_few(ground: &Ground) -> Result<Few> {
    let (client, namespace) = (&ground.client, &ground.namespace);
    let names: Vec<String> = (0..FEW).map(|n| format!("few{n}")).collect();
    let mut watch = TopicWatch::start(client, namespace).await?;
    bulk::create(client, namespace, &names).await?;
    watch.all_ready(FEW, FEW_READY, |_| {}).await?;
    let topics: Api<Topic> = Api::namespaced(client.clone(), namespace);
    let status = topics.get(&names[0]).await?.status;
    let status = serde_json::to_value(status.context("a Ready Topic without a status")?)?;
    progress(&format!("quiet for {:?} with {FEW} Topics", ground.idle));
    let window = observe(ground).await?;
    Ok(Few { window, status })
}

/// Watches a quiet operator with many Topics, next to what it did with few.
///
/// # Errors
/// When nobody leads, or another replica than at first.
pub async fn with_many(ground: &Ground, few: &Window) -> Result<Vec<Figure>> {
    progress(&format!("quiet for {:?} with all Topics", ground.idle));
    let window = observe(ground).await?;
    Ok(window.figures(few, ground.count))
}

async fn observe(ground: &Ground) -> Result<Window> {
    let client = &ground.client;
    let before = operator::leader(client).await?;
    let api_before = api_server::counters(client).await?.writes();
    sleep(ground.idle).await;
    let after = operator::leader(client).await?;
    let api_after = api_server::counters(client).await?.writes();
    ensure!(
        before.pod == after.pod,
        "{} led at first and {} in the end: the operator was not left alone",
        before.pod,
        after.pod
    );
    Ok(Window {
        minutes: ground.idle.as_secs_f64() / 60.0,
        own_writes: growth(&before.kubernetes_writes(), &after.kubernetes_writes()),
        writes: growth(&api_before, &api_after),
        calls: growth(&before.kafka_requests(), &after.kafka_requests()),
    })
}

impl Window {
    /// This window with `count` Topics next to one with few.
    fn figures(&self, few: &Self, count: usize) -> Vec<Figure> {
        let sum = |writes: &BTreeMap<String, f64>| writes.values().sum::<f64>();
        let what = |what: &str| format!("{what} in {:.1} quiet minutes", self.minutes);
        let mut figures = vec![
            Figure::new(
                what(&named("operator's writes to Kubernetes", &self.own_writes)),
                sum(&self.own_writes),
                "",
            )
            .with_goal(0.0),
            Figure::new(
                what(&named(
                    "writes to Millrace's resources and events, as the API server counts them,",
                    &self.writes,
                )),
                sum(&self.writes),
                "",
            )
            .with_goal(0.0),
        ];
        figures.extend(self.per_minute(few).into_iter().map(|(call, many, few)| {
            Figure::new(
                format!("admin calls with {count} Topics: {call}"),
                many,
                "/min",
            )
            .with_floor(few, format!("with {FEW} Topics"))
        }));
        figures
    }

    /// The calls of either window, by the minute: name, here, there.
    fn per_minute(&self, other: &Self) -> Vec<(String, f64, f64)> {
        let rate = |window: &Self, call: &str| {
            window.calls.get(call).copied().unwrap_or_default() / window.minutes
        };
        let mut calls: Vec<&String> = self.calls.keys().chain(other.calls.keys()).collect();
        calls.sort_unstable();
        calls.dedup();
        let rates = calls
            .into_iter()
            .map(|call| (call.clone(), rate(self, call), rate(other, call)));
        rates.collect()
    }
}

/// `what`, with what it was where there was something.
fn named(what: &str, writes: &BTreeMap<String, f64>) -> String {
    if writes.is_empty() {
        return what.to_owned();
    }
    let kinds: Vec<String> = writes
        .iter()
        .map(|(kind, number)| format!("{number} {kind}"))
        .collect();
    format!("{what} ({})", kinds.join(", "))
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn a_call_of_either_window_is_compared() {
        let window = |minutes, calls: &[(&str, f64)]| Window {
            minutes,
            own_writes: [("Topic".to_owned(), 2.0)].into(),
            writes: [].into(),
            calls: calls.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect(),
        };
        let few = window(2.0, &[("describe_topics", 8.0), ("describe_acls", 2.0)]);
        let many = window(5.0, &[("describe_topics", 20.0), ("list_offsets", 5.0)]);
        assert_eq!(
            many.per_minute(&few),
            [
                ("describe_acls".into(), 0.0, 1.0),
                ("describe_topics".into(), 4.0, 4.0),
                ("list_offsets".into(), 1.0, 0.0),
            ]
        );
        let figures = many.figures(&few, 10_000);
        assert!(figures[0].is_missed());
        assert!(figures[0].what.contains("(2 Topic)"), "{}", figures[0].what);
        assert!(!figures[1].is_missed());
    }
}

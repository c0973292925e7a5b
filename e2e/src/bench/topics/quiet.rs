use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use kube::Api;
use millrace_crds::Topic;
use serde_json::Value;

use super::{
    super::{
        Figure,
        window::{Window, observe},
    },
    ground::{Ground, progress},
};
use crate::{bulk, topic_watch::TopicWatch};

/// How many Topics are few.
const FEW: usize = 10;
const FEW_READY: Duration = Duration::from_secs(60);

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
    let window = observe(client, ground.idle).await?;
    Ok(Few { window, status })
}

/// Watches a quiet operator with many Topics, next to what it did with few.
///
/// # Errors
/// When nobody leads, or another replica than at first.
pub async fn with_many(ground: &Ground, few: &Window) -> Result<Vec<Figure>> {
    progress(&format!("quiet for {:?} with all Topics", ground.idle));
    let window = observe(&ground.client, ground.idle).await?;
    Ok(figures(&window, few, ground.count))
}

/// The window with `count` Topics next to one with few.
fn figures(window: &Window, few: &Window, count: usize) -> Vec<Figure> {
    let during = format!("in {:.1} quiet minutes", minutes(window));
    let mut figures = Vec::from(Window::write_figures(&[window], &during));
    figures.extend(
        per_minute(window, few)
            .into_iter()
            .map(|(call, many, few)| {
                Figure::new(
                    format!("admin calls with {count} Topics: {call}"),
                    many,
                    "/min",
                )
                .with_floor(few, format!("with {FEW} Topics"))
            }),
    );
    figures
}

fn minutes(window: &Window) -> f64 {
    window.took.as_secs_f64() / 60.0
}

/// The calls of either window, by the minute: name, of the one, of the other.
fn per_minute(one: &Window, other: &Window) -> Vec<(String, f64, f64)> {
    let (of_one, of_other) = (one.calls(), other.calls());
    let mut calls: Vec<&String> = of_one.keys().chain(of_other.keys()).collect();
    calls.sort_unstable();
    calls.dedup();
    let rates = calls.into_iter().map(|call| {
        let number = |calls: &BTreeMap<String, f64>| calls.get(call).copied().unwrap_or_default();
        (
            call.clone(),
            number(&of_one) / minutes(one),
            number(&of_other) / minutes(other),
        )
    });
    rates.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Window, figures, per_minute};
    use crate::operator;

    #[test]
    fn a_call_of_either_window_is_compared() {
        let window = |minutes: u64, calls: &[(&str, f64)]| {
            let calls = calls.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect();
            Window {
                took: Duration::from_secs(60 * minutes),
                own_writes: [("Topic".to_owned(), 2.0)].into(),
                requests: [(operator::CALLS.to_owned(), calls)].into(),
                ..Window::default()
            }
        };
        let few = window(2, &[("describe_topics", 8.0), ("describe_acls", 2.0)]);
        let many = window(5, &[("describe_topics", 20.0), ("list_offsets", 5.0)]);
        assert_eq!(
            per_minute(&many, &few),
            [
                ("describe_acls".into(), 0.0, 1.0),
                ("describe_topics".into(), 4.0, 4.0),
                ("list_offsets".into(), 1.0, 0.0),
            ]
        );
        let figures = figures(&many, &few, 10_000);
        assert!(figures[0].is_missed());
        assert!(figures[0].what.contains("(2 Topic)"), "{}", figures[0].what);
        assert!(!figures[1].is_missed());
    }
}

//! The example of the documentation, whole: real flights in, departures and dead letters out, none lost and none twice.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Api;
use millrace_crds::{Dlq, RedrivePhase, Schema};
use millrace_e2e::{
    Case,
    flights::{self, Flights},
    resources, wait,
};

#[tokio::test]
async fn every_flight_is_accounted_for() -> Result<()> {
    let case = Case::alone("flights-run").await?;
    let expected = flights::count_file()?;
    assert!(
        expected.cancelled > 0 && expected.cancelled < expected.scheduled,
        "not the file we know: {expected:?}"
    );
    flights::clear(&case.client).await?;
    flights::declare(&case.client).await?;
    flights::start_consumer(&case.client).await?;
    flights::start_producer(&case.client).await?;
    let samples = flights::follow(
        &case.client,
        &case.probe,
        expected.scheduled,
        Duration::from_secs(600),
        |_| {},
    )
    .await?;

    assert_eq!(
        case.probe.count(flights::FLIGHTS).await?,
        expected.scheduled
    );
    assert_eq!(
        case.probe.count(flights::DEPARTURES).await?,
        expected.departed()
    );
    assert_eq!(
        case.probe.count(flights::DEAD_LETTERS).await?,
        expected.cancelled
    );
    let most = samples
        .iter()
        .map(|sample| sample.replicas)
        .max()
        .context("no samples")?;
    assert!(most > 1, "the consumer never grew: {samples:?}");

    let letters: Api<Dlq> = Api::namespaced(case.client.clone(), flights::NAMESPACE);
    let counted = wait::object(
        &letters,
        "flights-dlq",
        "all dead letters are counted",
        Duration::from_secs(30),
        |dlq: &Dlq| {
            dlq.status.as_ref().and_then(|status| status.letters) == Some(expected.cancelled)
        },
    )
    .await?;
    let status = counted.status.context("no status")?;
    assert_eq!(
        status
            .by_reason
            .iter()
            .map(|reason| reason.count)
            .sum::<i64>(),
        expected.cancelled
    );
    assert!(
        status
            .by_reason
            .iter()
            .all(|reason| reason.source == flights::FLIGHTS),
        "{:?}",
        status.by_reason
    );

    let schemas: Api<Schema> = Api::namespaced(case.client.clone(), flights::NAMESPACE);
    let error = resources::apply_file(&case.client, flights::BREAKING_SCHEMA)
        .await
        .err()
        .context("the breaking schema was let in")?;
    assert!(
        resources::refusal(&error).is_some(),
        "not refused, but failed: {error:#}"
    );
    assert_eq!(
        schemas
            .get("flights-value")
            .await?
            .status
            .and_then(|status| status.version),
        Some(1)
    );
    the_cancelled_come_home(&case, expected).await
}

/// The end of the story: departures need no time any more, and what was dead goes through the fixed consumer, once each.
async fn the_cancelled_come_home(case: &Case, expected: Flights) -> Result<()> {
    flights::fix_consumer(&case.client).await?;
    let redrive = flights::redrive(&case.client).await?;
    let status = redrive.status.context("no status")?;
    assert_eq!(status.phase, Some(RedrivePhase::Completed), "{status:?}");
    let counts = status.counts.context("no counts")?;
    assert_eq!(
        (counts.scanned, counts.redriven),
        (expected.cancelled, expected.cancelled)
    );
    let what = "every scheduled flight is a departure";
    wait::answer(what, Duration::from_secs(120), || async {
        let departures = case.probe.count(flights::DEPARTURES).await?;
        Ok(match departures >= expected.scheduled {
            true => Ok(()),
            false => Err(format!("{departures} are")),
        })
    })
    .await?;
    assert_eq!(
        case.probe.count(flights::DEPARTURES).await?,
        expected.scheduled,
        "each of them once"
    );
    assert_eq!(
        case.probe.count(flights::DEAD_LETTERS).await?,
        expected.cancelled,
        "none is dead again"
    );
    Ok(())
}

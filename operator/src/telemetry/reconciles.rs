use std::future::Future;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use super::Kind;
use crate::error::Error;

/// The labels `kind` and `class`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Failure {
    /// Kind of a resource.
    pub kind: String,
    /// What failed, from [`Error::class`].
    pub class: String,
}

/// How long reconciles take and how they fail. Clones share the same counters.
#[derive(Clone, Debug)]
pub struct Reconciles {
    duration: Family<Kind, Histogram, fn() -> Histogram>,
    errors: Family<Failure, Counter>,
}

impl Default for Reconciles {
    fn default() -> Self {
        Self {
            duration: Family::new_with_constructor(buckets),
            errors: Family::default(),
        }
    }
}

/// 1 ms to 16 s, each four times the one before.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 8))
}

impl Reconciles {
    /// Runs one reconcile of a resource of `kind`, timed, its failure counted by class.
    ///
    /// # Errors
    /// Those of the reconcile.
    pub async fn measure<T>(
        &self,
        kind: &str,
        reconcile: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let result = reconcile.await;
        let label = Kind {
            kind: kind.to_owned(),
        };
        self.duration
            .get_or_create(&label)
            .observe(start.elapsed().as_secs_f64());
        if let Err(error) = &result {
            let failure = Failure {
                kind: label.kind,
                class: error.class().to_owned(),
            };
            self.errors.get_or_create(&failure).inc();
        }
        result
    }

    /// Makes these metrics part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "reconcile_duration",
            "Time one reconcile of one resource took",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Reconciles that failed and will be tried again, by what failed",
            self.errors.clone(),
        );
    }
}

//! Leader election: of several replicas one reconciles, the others stand by with the webhook open.
//!
//! `kube-lease-manager` takes and renews the Lease. It does not tell when renewals stop getting through, so the
//! leader also looks at the Lease itself and gives up before another replica may take over. Nothing fences the
//! last requests of a leader that was cut off; that is safe because every step is idempotent.

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError, LeaseParams};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::warn;

use crate::config::Config;

/// Seconds after its last renewal for which a Lease is its holder's.
const DURATION_SECONDS: u64 = 15;
/// Seconds before that at which the holder begins to renew.
const RENEW_AHEAD_SECONDS: u64 = 10;
/// Between two looks of the leader at its Lease.
const LOOK_PERIOD: Duration = Duration::from_secs(2);
/// The leader gives up this long before its Lease runs out: the skew of clocks that is tolerated.
const MARGIN: Duration = Duration::from_secs(3);
/// Longest wait for the Lease to be given back.
const RELEASE_DEADLINE: Duration = Duration::from_secs(5);

/// Why a process no longer leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another replica holds the Lease, or nobody does.
    #[error("the Lease is held by {0}: this process stops, so that one process alone reconciles")]
    Taken(String),
    /// The Lease could not be renewed in time.
    #[error(
        "the Lease could not be renewed before it ran out: this process stops; check that the API server answers"
    )]
    Expired,
}

/// A replica that stands for election.
pub struct Candidate {
    api: Api<Lease>,
    lease: String,
    identity: String,
    held: watch::Receiver<bool>,
    renewals: JoinHandle<Result<LeaseManager, LeaseManagerError>>,
}

impl Candidate {
    /// Begins to try for the Lease `config.lease_name`, as `config.pod_name`.
    ///
    /// # Errors
    /// When the Lease can be neither read nor created.
    pub async fn stand(client: Client, config: &Config) -> Result<Self, LeaseManagerError> {
        let manager = LeaseManagerBuilder::new(client.clone(), &config.lease_name)
            .with_namespace(&config.namespace)
            .with_parameters(LeaseParams::new(
                &config.pod_name,
                DURATION_SECONDS,
                RENEW_AHEAD_SECONDS,
            ))
            .build()
            .await?;
        let (held, renewals) = manager.watch().await;
        Ok(Self {
            api: Api::namespaced(client, &config.namespace),
            lease: config.lease_name.clone(),
            identity: config.pod_name.clone(),
            held,
            renewals,
        })
    }

    /// Waits until this process holds the Lease. A replica that ended well gave it back; one that did not keeps it for 15 s.
    ///
    /// # Errors
    /// When the task that tries for it has died.
    pub async fn elected(&mut self) -> Result<(), Lost> {
        self.held
            .wait_for(|held| *held)
            .await
            .map(|_| ())
            .map_err(|_| Lost::Expired)
    }

    /// Waits until this process, once elected, must no longer lead.
    pub async fn lost(&mut self) -> Lost {
        let mut held = self.held.clone();
        tokio::select! {
            lost = self.look() => lost,
            _ = held.wait_for(|held| !*held) => Lost::Taken("another replica".into()),
        }
    }

    /// Looks at the Lease until it is not, or soon no longer, this process's.
    async fn look(&self) -> Lost {
        let mut until = Instant::now() + Duration::from_secs(DURATION_SECONDS) - MARGIN;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let asked = Instant::now();
            match timeout(left.min(LOOK_PERIOD), self.api.get(&self.lease)).await {
                Ok(Ok(lease)) => match remaining(&lease, &self.identity, Timestamp::now()) {
                    Ok(remaining) => until = asked + remaining.saturating_sub(MARGIN),
                    Err(holder) => return Lost::Taken(holder),
                },
                Ok(Err(error)) => warn!(%error, "the Lease could not be read"),
                Err(_) => warn!("the API server is slow to show the Lease"),
            }
            sleep(LOOK_PERIOD.min(until.saturating_duration_since(Instant::now()))).await;
        }
        Lost::Expired
    }

    /// Gives the Lease back, so that another replica can lead at once.
    pub async fn release(self) {
        drop(self.held);
        match timeout(RELEASE_DEADLINE, self.renewals).await {
            Ok(Ok(Ok(_))) => {}
            Ok(Ok(Err(error))) => {
                warn!(%error, "the Lease could not be given back; it runs out by itself")
            }
            Ok(Err(error)) => warn!(%error, "the renewals of the Lease ended badly"),
            Err(_) => warn!("the Lease could not be given back in time; it runs out by itself"),
        }
    }
}

/// How long from `now` the lease is still `identity`'s; the holder if it is another.
fn remaining(lease: &Lease, identity: &str, now: Timestamp) -> Result<Duration, String> {
    let spec = lease.spec.as_ref();
    match spec.and_then(|spec| spec.holder_identity.as_deref()) {
        Some(holder) if holder == identity => {}
        other => return Err(other.unwrap_or("nobody").to_owned()),
    }
    let renewed =
        spec.and_then(|spec| Some((spec.renew_time.as_ref()?.0, spec.lease_duration_seconds?)));
    let Some((renewed, seconds)) = renewed else {
        return Ok(Duration::ZERO);
    };
    let end = renewed + Duration::from_secs(seconds.max(0).unsigned_abs().into());
    Ok(Duration::try_from(end.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{
        api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime,
    };

    use super::*;

    fn lease(holder: Option<&str>, renewed: &str) -> Lease {
        let spec = LeaseSpec {
            holder_identity: holder.map(Into::into),
            renew_time: Some(MicroTime(renewed.parse().unwrap())),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        Lease {
            spec: Some(spec),
            ..Lease::default()
        }
    }

    fn at(seconds: u32) -> Timestamp {
        format!("2026-01-01T00:00:{seconds:02}Z").parse().unwrap()
    }

    #[test]
    fn a_lease_runs_out_its_duration_after_its_renewal() {
        let mine = lease(Some("me"), "2026-01-01T00:00:00Z");
        assert_eq!(remaining(&mine, "me", at(4)), Ok(Duration::from_secs(11)));
        assert_eq!(remaining(&mine, "me", at(40)), Ok(Duration::ZERO));
    }

    #[test]
    fn a_lease_of_another_or_of_nobody_is_lost() {
        let renewed = "2026-01-01T00:00:00Z";
        assert_eq!(
            remaining(&lease(Some("you"), renewed), "me", at(1)),
            Err("you".into())
        );
        assert_eq!(
            remaining(&lease(None, renewed), "me", at(1)),
            Err("nobody".into())
        );
        assert_eq!(
            remaining(&Lease::default(), "me", at(1)),
            Err("nobody".into())
        );
    }

    #[test]
    fn a_lease_that_was_never_renewed_has_run_out() {
        let mut mine = lease(Some("me"), "2026-01-01T00:00:00Z");
        mine.spec.as_mut().unwrap().renew_time = None;
        assert_eq!(remaining(&mine, "me", at(1)), Ok(Duration::ZERO));
    }
}

//! Leader election: of several replicas one reconciles, the others stand by with the webhook open.
//!
//! `kube-lease-manager` takes and renews the Lease. It does not tell when renewals stop getting through, so the
//! leader also looks at the Lease itself and gives up before another replica may take over; and it looks away until
//! the Lease it last saw runs out, so a replica standing by looks for itself, to lead as soon as the Lease is given back.
//! Nothing fences the last requests of a leader that was cut off; that is safe because every step is idempotent.

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError, LeaseParams};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tracing::{debug, info, warn};

use crate::config::Config;

/// Seconds after its last renewal for which a Lease is its holder's.
const DURATION_SECONDS: u64 = 15;
/// Seconds before that at which the holder begins to renew.
const RENEW_AHEAD_SECONDS: u64 = 10;
/// Between two looks at the Lease.
const LOOK_PERIOD: Duration = Duration::from_secs(2);
/// Between two looks for the first renewal.
const CONFIRM_PERIOD: Duration = Duration::from_millis(200);
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
    client: Client,
    api: Api<Lease>,
    namespace: String,
    lease: String,
    identity: String,
}

impl Candidate {
    /// Will try for the Lease `config.lease_name` as `config.pod_name`.
    pub fn new(client: Client, config: &Config) -> Self {
        Self {
            api: Api::namespaced(client.clone(), &config.namespace),
            client,
            namespace: config.namespace.clone(),
            lease: config.lease_name.clone(),
            identity: config.pod_name.clone(),
        }
    }

    /// Waits until this process holds the Lease. A replica that ended well gave it back; one that did not has it for 15 s more.
    pub async fn elected(self) -> Leader {
        loop {
            match self.api.get_opt(&self.lease).await {
                Ok(lease) if open(lease.as_ref(), &self.identity, Timestamp::now()) => {
                    match self.compete().await {
                        Ok(leader) if leader.confirmed().await => return leader,
                        Ok(_) => debug!("another replica took the Lease"),
                        Err(error) => warn!(%error, "the Lease could not be taken; trying again"),
                    }
                }
                Ok(_) => debug!("standing by"),
                Err(error) => warn!(%error, "the Lease could not be read; trying again"),
            }
            sleep(LOOK_PERIOD).await;
        }
    }

    /// Tries for the Lease until the lease manager says that it is won.
    async fn compete(&self) -> Result<Leader, LeaseManagerError> {
        let manager = LeaseManagerBuilder::new(self.client.clone(), &self.lease)
            .with_namespace(&self.namespace)
            .with_parameters(LeaseParams::new(
                &self.identity,
                DURATION_SECONDS,
                RENEW_AHEAD_SECONDS,
            ))
            .build()
            .await?;
        let (mut held, renewals) = manager.watch().await;
        if held.wait_for(|held| *held).await.is_err() {
            warn!("the task that tries for the Lease has ended");
        }
        let (api, lease, identity) = (self.api.clone(), self.lease.clone(), self.identity.clone());
        Ok(Leader {
            api,
            lease,
            identity,
            held,
            renewals,
        })
    }
}

type Renewals = JoinHandle<Result<LeaseManager, LeaseManagerError>>;

/// The replica that reconciles.
pub struct Leader {
    api: Api<Lease>,
    lease: String,
    identity: String,
    held: watch::Receiver<bool>,
    renewals: Renewals,
}

impl Leader {
    /// Waits until the Lease shows this process with time left; false if it does not come to that. The lease manager counts
    /// a Lease that this process held before a restart as held before it is renewed, even one that has run out.
    async fn confirmed(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(DURATION_SECONDS);
        while Instant::now() < deadline {
            match timeout_at(deadline, self.api.get_opt(&self.lease)).await {
                Ok(Ok(lease)) => match lease
                    .as_ref()
                    .and_then(|lease| hold(lease, Timestamp::now()))
                {
                    Some(hold) if hold.holder == self.identity && hold.left > MARGIN => {
                        return true;
                    }
                    Some(hold) if hold.holder != self.identity => return false,
                    _ => {}
                },
                Ok(Err(error)) => warn!(%error, "the Lease could not be read"),
                Err(_) => warn!("the API server is slow to show the Lease"),
            }
            sleep(CONFIRM_PERIOD).await;
        }
        false
    }

    /// Waits until this process must no longer lead.
    pub async fn lost(&self) -> Lost {
        let mut held = self.held.clone();
        tokio::select! {
            lost = self.look() => lost,
            _ = held.wait_for(|held| !*held) => Lost::Taken("another replica".into()),
        }
    }

    /// Looks at the Lease until it is not, or soon no longer, this process's.
    async fn look(&self) -> Lost {
        let mut until = Instant::now() + Duration::from_secs(DURATION_SECONDS) - MARGIN;
        while let Some(left) = until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            let asked = Instant::now();
            match timeout(left.min(LOOK_PERIOD), self.api.get_opt(&self.lease)).await {
                Ok(Ok(lease)) => match lease
                    .as_ref()
                    .and_then(|lease| hold(lease, Timestamp::now()))
                {
                    Some(hold) if hold.holder == self.identity => {
                        until = asked + hold.left.saturating_sub(MARGIN)
                    }
                    other => {
                        return Lost::Taken(other.map_or("nobody", |hold| hold.holder).to_owned());
                    }
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
            Ok(Ok(Ok(_))) => info!("the Lease is given back"),
            Ok(Ok(Err(error))) => {
                warn!(%error, "the Lease could not be given back; it runs out by itself")
            }
            Ok(Err(error)) => warn!(%error, "the renewals of the Lease ended badly"),
            Err(_) => warn!("the Lease could not be given back in time; it runs out by itself"),
        }
    }
}

/// Who holds a Lease, and how long still.
#[derive(Debug, PartialEq, Eq)]
struct Hold<'a> {
    holder: &'a str,
    left: Duration,
}

/// The hold on a Lease at `now`; None where nobody holds it. One that was never renewed has run out.
fn hold(lease: &Lease, now: Timestamp) -> Option<Hold<'_>> {
    let spec = lease.spec.as_ref()?;
    let holder = spec.holder_identity.as_deref()?;
    let end = spec
        .renew_time
        .as_ref()
        .zip(spec.lease_duration_seconds)
        .map(|(renewed, seconds)| {
            renewed.0 + Duration::from_secs(seconds.max(0).unsigned_abs().into())
        });
    let left = end
        .and_then(|end| Duration::try_from(end.duration_since(now)).ok())
        .unwrap_or_default();
    Some(Hold { holder, left })
}

/// Whether `identity` may try for the Lease: it is free, run out, or its own from before a restart.
fn open(lease: Option<&Lease>, identity: &str, now: Timestamp) -> bool {
    lease
        .and_then(|lease| hold(lease, now))
        .is_none_or(|hold| hold.left.is_zero() || hold.holder == identity)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{
        api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime,
    };

    use super::*;

    /// Renewed at second 0, for 15 seconds.
    fn lease(holder: Option<&str>) -> Lease {
        let spec = LeaseSpec {
            holder_identity: holder.map(Into::into),
            renew_time: Some(MicroTime(at(0))),
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
    fn a_hold_runs_out_its_duration_after_its_renewal() {
        let lease = lease(Some("me"));
        assert_eq!(
            hold(&lease, at(4)),
            Some(Hold {
                holder: "me",
                left: Duration::from_secs(11)
            })
        );
        assert_eq!(
            hold(&lease, at(40)),
            Some(Hold {
                holder: "me",
                left: Duration::ZERO
            })
        );
    }

    #[test]
    fn a_hold_that_was_never_renewed_has_run_out() {
        let mut lease = lease(Some("me"));
        lease.spec.as_mut().unwrap().renew_time = None;
        assert_eq!(
            hold(&lease, at(1)),
            Some(Hold {
                holder: "me",
                left: Duration::ZERO
            })
        );
    }

    #[test]
    fn only_a_lease_that_another_holds_still_is_closed() {
        assert!(!open(Some(&lease(Some("you"))), "me", at(14)));
        assert!(open(Some(&lease(Some("you"))), "me", at(15)));
        assert!(open(Some(&lease(Some("me"))), "me", at(1)));
        assert!(open(Some(&lease(None)), "me", at(1)));
        assert!(open(Some(&Lease::default()), "me", at(1)));
        assert!(open(None, "me", at(1)));
    }
}

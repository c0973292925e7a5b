//! One Kafka cluster: a task that looks at it and carries steps out, one that looks at its consumer groups, and one that looks
//! at how much lies where.

mod batch;
mod board;
mod expectation;
mod group_admin;
mod groups;
mod handle;
mod items;
mod keeper;
mod look;
mod samples;
mod settle;
mod sizes;
mod tails;
#[cfg(test)]
mod tests;

pub use group_admin::GroupAdmin;
pub use handle::{ClusterHandle, StepResults};
pub use samples::Samples;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use self::{board::Board, groups::GroupWatch, keeper::Keeper, sizes::SizeWatch, tails::TailWatch};
use super::{ClusterKey, ViewState, Waker};
use crate::{
    kafka::{Clients, Counted, Credentials, KafkaAdmin},
    telemetry::Metrics,
};

/// Requests that may wait; whoever asks beyond that waits to ask.
const QUEUE: usize = 4_096;

/// How often a cluster is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    /// Between two looks at the whole cluster.
    pub view: Duration,
    /// Between two looks at the offsets of groups.
    pub groups: Duration,
}

/// Starts the tasks that look at the cluster and carry steps out. They end when the last clone of the handle is dropped.
pub fn start(
    key: ClusterKey,
    credentials: Credentials,
    clients: Clients,
    periods: Periods,
    waker: Waker,
    metrics: Metrics,
) -> ClusterHandle {
    let Clients {
        admin,
        tails,
        sampler,
    } = clients;
    let admin: Arc<dyn KafkaAdmin> = Arc::new(Counted::new(admin, metrics.clone()));
    let tails = TailWatch::new(Arc::new(Counted::new(tails, metrics.clone())));
    let sampler = Arc::new(Counted::new(sampler, metrics.clone()));
    let samples = Samples::new(admin.clone(), sampler);
    let (shown, view) = watch::channel(ViewState::Pending);
    let (looks, groups) = watch::channel(Arc::default());
    let (weighed, sizes) = watch::channel(Arc::default());
    let (steps, requests) = mpsc::channel(QUEUE);
    let (declared, wanted) = watch::channel(BTreeMap::new());

    let group_admin = GroupAdmin::new(admin.clone());
    let board = Board::new(key.clone(), shown, waker.clone());
    tokio::spawn(Keeper::new(admin.clone(), board, periods.view).run(requests));
    let weighing = SizeWatch::new(
        key.clone(),
        admin.clone(),
        view.clone(),
        weighed,
        waker.clone(),
        metrics,
    );
    tokio::spawn(weighing.run());
    tokio::spawn(
        GroupWatch::new(key, admin, view.clone(), looks, waker, tails).run(wanted, periods.groups),
    );

    ClusterHandle {
        credentials,
        view,
        groups,
        sizes,
        steps,
        declared,
        group_admin,
        samples,
    }
}

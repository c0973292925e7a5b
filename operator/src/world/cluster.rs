use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{ClusterKey, GroupsView, ViewState, Waker};
use crate::{
    kafka::{Credentials, KafkaAdmin, KafkaError},
    plan::KafkaStep,
    telemetry::Metrics,
};

/// How often a cluster is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    /// Between two looks at the whole cluster.
    pub view: Duration,
    /// Between two looks at the offsets of groups.
    pub groups: Duration,
}

/// What became of each step of one request, in its order.
pub type StepResults = Vec<Result<(), KafkaError>>;

/// One Kafka cluster, shared by everything that looks at it or changes it.
#[derive(Clone)]
pub struct ClusterHandle {
    credentials: Credentials,
    view: watch::Receiver<ViewState>,
    groups: watch::Receiver<Arc<GroupsView>>,
    steps: mpsc::Sender<(Vec<KafkaStep>, oneshot::Sender<StepResults>)>,
    declared: watch::Sender<BTreeMap<String, BTreeSet<String>>>,
}

impl ClusterHandle {
    /// How the cluster is reached; the CA in it is what clients must trust.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What is known of the cluster.
    pub fn view(&self) -> ViewState {
        self.view.borrow().clone()
    }

    /// The latest look at the declared groups.
    pub fn groups(&self) -> Arc<GroupsView> {
        self.groups.borrow().clone()
    }

    /// Declares that the offsets of `group` in `topics` are wanted; no topics: no longer wanted.
    pub fn declare_group(&self, _group: &str, _topics: BTreeSet<String>) {
        todo!()
    }

    /// Carries steps out, together with those of others that arrive within a few milliseconds. When it returns, [`Self::view`] shows their effect.
    pub async fn apply(&self, _steps: Vec<KafkaStep>) -> StepResults {
        todo!()
    }
}

/// Starts the task that looks at the cluster and carries steps out. It ends when the last clone of the handle is dropped.
pub fn start(
    _key: ClusterKey,
    _credentials: Credentials,
    _admin: Arc<dyn KafkaAdmin>,
    _periods: Periods,
    _waker: Waker,
    _metrics: Metrics,
) -> ClusterHandle {
    todo!()
}

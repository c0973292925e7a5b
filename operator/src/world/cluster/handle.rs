use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{group_admin::GroupAdmin, samples::Samples};
use crate::{
    kafka::{Credentials, GroupType, KafkaError},
    plan::KafkaStep,
    world::{GroupsView, SizesView, ViewState},
};

/// What became of each step of one request, in its order.
pub type StepResults = Vec<Result<(), KafkaError>>;

/// The groups whose offsets are wanted, by group id.
pub(super) type Declared = BTreeMap<String, DeclaredGroup>;

/// A group as somebody declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeclaredGroup {
    pub(super) kind: GroupType,
    /// Topics in which its offsets are wanted.
    pub(super) topics: Arc<BTreeSet<String>>,
}

/// Steps to carry out, and who waits for them.
pub(super) struct Request {
    pub(super) steps: Vec<KafkaStep>,
    pub(super) answer: oneshot::Sender<StepResults>,
}

/// One Kafka cluster, shared by everything that looks at it or changes it.
#[derive(Clone)]
pub struct ClusterHandle {
    pub(super) credentials: Credentials,
    pub(super) view: watch::Receiver<ViewState>,
    pub(super) groups: watch::Receiver<Arc<GroupsView>>,
    pub(super) sizes: watch::Receiver<Arc<SizesView>>,
    pub(super) steps: mpsc::Sender<Request>,
    pub(super) declared: watch::Sender<Declared>,
    pub(super) group_admin: GroupAdmin,
    pub(super) samples: Samples,
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

    /// The latest look at how much lies where: once a minute, and every 5 s while replicas are being moved.
    pub fn sizes(&self) -> Arc<SizesView> {
        self.sizes.borrow().clone()
    }

    /// Declares that the offsets of `group`, which is of type `kind`, in `topics` are wanted; no topics: no longer wanted.
    pub fn declare_group(&self, group: &str, kind: GroupType, topics: Arc<BTreeSet<String>>) {
        self.declared.send_if_modified(|declared| {
            if topics.is_empty() {
                return declared.remove(group).is_some();
            }
            let wanted = DeclaredGroup { kind, topics };
            if declared.get(group) == Some(&wanted) {
                return false;
            }
            declared.insert(group.to_owned(), wanted);
            true
        });
    }

    /// What a resource may ask for once of groups and their offsets.
    pub fn group_admin(&self) -> &GroupAdmin {
        &self.group_admin
    }

    /// Samples of topics' records.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Carries steps out, together with those of others that arrive within a few milliseconds. When it returns, [`Self::view`]
    /// shows their effect.
    ///
    /// A topic to create that is there already, exactly as wanted, counts as created; one to delete that is not there, as
    /// deleted. While the cluster does not answer, every step is refused at once with [`KafkaError::Unreachable`].
    pub async fn apply(&self, steps: Vec<KafkaStep>) -> StepResults {
        let count = steps.len();
        if count == 0 {
            return Vec::new();
        }
        let (answer, answered) = oneshot::channel();
        if self.steps.send(Request { steps, answer }).await.is_ok()
            && let Ok(results) = answered.await
        {
            return results;
        }
        vec![
            Err(KafkaError::Unreachable(
                "the operator is stopping".to_owned()
            ));
            count
        ]
    }
}

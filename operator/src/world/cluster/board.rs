use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::{
    kafka::ObservedTopic,
    world::{ClusterKey, View, ViewState, Wake, Waker},
};

/// Where the view is shown. It wakes those who depend on what has changed.
pub(super) struct Board {
    key: ClusterKey,
    shown: watch::Sender<ViewState>,
    waker: Waker,
    last: Option<Arc<View>>,
}

impl Board {
    pub(super) fn new(key: ClusterKey, shown: watch::Sender<ViewState>, waker: Waker) -> Self {
        Self {
            key,
            shown,
            waker,
            last: None,
        }
    }

    /// The last look that succeeded, even if the cluster is away by now.
    pub(super) fn last(&self) -> Option<Arc<View>> {
        self.last.clone()
    }

    /// Whether no look has ended yet.
    pub(super) fn is_pending(&self) -> bool {
        matches!(*self.shown.borrow(), ViewState::Pending)
    }

    /// Why the cluster does not answer, if it does not.
    pub(super) fn away(&self) -> Option<String> {
        match &*self.shown.borrow() {
            ViewState::Unreachable { message } => Some(message.clone()),
            ViewState::Pending | ViewState::Reachable(_) => None,
        }
    }

    /// Shows a look. After the first one only [`Wake::Cluster`] is sent: everything depends on that.
    pub(super) fn show(&mut self, view: View) {
        let reachable = matches!(*self.shown.borrow(), ViewState::Reachable(_));
        let mut wakes = Vec::new();
        if let Some(last) = &self.last {
            if !reachable || last.cluster != view.cluster {
                wakes.push(Wake::Cluster(self.key.clone()));
            }
            let changed = changed_topics(&last.topics, &view.topics);
            wakes.extend(changed.map(|topic| Wake::KafkaTopic(self.key.clone(), topic.clone())));
            if last.acls != view.acls {
                wakes.push(Wake::KafkaAcls(self.key.clone()));
            }
            if last.reassignments != view.reassignments
                || last.broker_configs != view.broker_configs
            {
                wakes.push(Wake::KafkaLayout(self.key.clone()));
            }
            if last.quotas != view.quotas {
                wakes.push(Wake::KafkaQuotas(self.key.clone()));
            }
        } else {
            wakes.push(Wake::Cluster(self.key.clone()));
        }
        if wakes.is_empty() {
            return;
        }
        let view = Arc::new(view);
        self.last = Some(view.clone());
        self.shown.send_replace(ViewState::Reachable(view));
        for wake in wakes {
            self.waker.wake(wake);
        }
    }

    /// Shows that the cluster does not answer.
    pub(super) fn show_away(&mut self, message: String) {
        let known = self.away();
        if known.as_ref() == Some(&message) {
            return;
        }
        self.shown.send_replace(ViewState::Unreachable { message });
        if known.is_none() {
            self.waker.wake(Wake::Cluster(self.key.clone()));
        }
    }
}

type Topics = BTreeMap<String, Arc<ObservedTopic>>;

/// Names of the topics that came, went, or are not the same any more.
fn changed_topics<'a>(old: &'a Topics, new: &'a Topics) -> impl Iterator<Item = &'a String> {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let other = new.iter().filter(|(name, topic)| {
        old.get(*name)
            .is_none_or(|before| !Arc::ptr_eq(before, topic) && before != *topic)
    });
    gone.chain(other.map(|(name, _)| name))
}

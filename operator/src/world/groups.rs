use std::{collections::BTreeMap, sync::Arc};

use millrace_autoscaler::GroupSnapshot;

/// The latest look at every declared group of a cluster, by group id.
pub type GroupsView = BTreeMap<String, Arc<GroupSnapshot>>;
